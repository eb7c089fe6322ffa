#include "wire/event.h"

static const struct field event_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_event, sequence),
    F_TEXT(FIELD_NEEDED, struct wire_event, topic),
    F_JSON(FIELD_OPTIONAL, struct wire_event, body),
};

const struct shape wire_event_shape = SHAPE("event", struct wire_event, event_fields, NULL);
