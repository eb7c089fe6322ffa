#include "wire/answer.h"

static const struct field answer_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_answer, number),
    F_RANGE(FIELD_NEEDED, struct wire_answer, status, 200, 599),
    F_JSON(FIELD_OPTIONAL, struct wire_answer, body),
    F_BYTES(FIELD_OPTIONAL, struct wire_answer, bytes, byte_count, WIRE_FRAME_MAX / 2),
};

const struct shape wire_answer_shape = SHAPE("answer", struct wire_answer, answer_fields, NULL);
