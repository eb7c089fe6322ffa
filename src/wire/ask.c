#include "wire/ask.h"

static const struct field ask_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_ask, number),
    F_TEXT(FIELD_NEEDED, struct wire_ask, op),
    F_TEXT(FIELD_OPTIONAL, struct wire_ask, account),
    F_TEXT(FIELD_OPTIONAL, struct wire_ask, role),
    F_JSON(FIELD_OPTIONAL, struct wire_ask, parameters),
};

const struct shape wire_ask_shape = SHAPE("ask", struct wire_ask, ask_fields, NULL);
