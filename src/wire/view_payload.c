#include "wire/view_payload.h"

#include "wire/view_field.h"

const char *const payload_right_names[PAYLOAD_RIGHT_COUNT + 1] = {"by_role", "allowed", "denied",
                                                                  NULL};

static const struct field reader_fields[] = {
    ROW(struct view_payload_reader, account, "account", FIELD_TEXT,
        "whom it is about: account:NAME or token:NAME"),
    ROW_ENUM(struct view_payload_reader, right, "right", false, payload_right_names,
             "by_role: administrators may, nobody else"),
    ROW_OPT(struct view_payload_reader, since_us, "since", FIELD_TIME, "since when"),
    ROW_OPT(struct view_payload_reader, by, "by", FIELD_TEXT, "who said so"),
    ROW_OPT(struct view_payload_reader, reason, "reason", FIELD_TEXT, "and why"),
};
const struct shape view_payload_reader_shape =
    SHAPE("PayloadReader", struct view_payload_reader, reader_fields, NULL);
