#include "wire/hello.h"

static const struct field hello_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_hello, name),
    F_TEXT(FIELD_OPTIONAL, struct wire_hello, version),
    F_TEXT(FIELD_OPTIONAL, struct wire_hello, boot_id),
    F_TEXT(FIELD_OPTIONAL, struct wire_hello, run_id),
    F_UINT(FIELD_OPTIONAL, struct wire_hello, epoch),
    F_UINT(FIELD_OPTIONAL, struct wire_hello, generation),
    F_IP(FIELD_OPTIONAL, struct wire_hello, mirror_source),
    F_INT(FIELD_OPTIONAL, struct wire_hello, wall_us),
    F_BOOL(FIELD_OPTIONAL, struct wire_hello, keeps_checkpoints),
    F_BOOL(FIELD_OPTIONAL, struct wire_hello, tells_sum),
    F_BOOL(FIELD_OPTIONAL, struct wire_hello, tells_held),
};

const struct shape wire_hello_shape = SHAPE("hello", struct wire_hello, hello_fields, NULL);
