#include "wire/read_back.h"

static const struct field read_back_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_read_back, switch_name),
    F_UINT(FIELD_OPTIONAL, struct wire_read_back, request),
    F_BOOL(FIELD_OPTIONAL, struct wire_read_back, asks_held),
    F_TEXT(FIELD_OPTIONAL, struct wire_read_back, sum_key),
};

const struct shape wire_read_back_shape =
    SHAPE("read_back", struct wire_read_back, read_back_fields, NULL);
