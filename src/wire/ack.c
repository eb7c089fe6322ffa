#include "wire/ack.h"

static const struct field ack_fields[] = {
    F_TEXTS(FIELD_NEEDED, struct wire_ack, ids, offsetof(struct wire_ack, id_count), ACK_IDS_MAX),
};

const struct shape wire_ack_shape = SHAPE("ack", struct wire_ack, ack_fields, NULL);
