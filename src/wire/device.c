#include "wire/device.h"

static const struct field device_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_device, switch_name),
    F_TEXT(FIELD_NEEDED, struct wire_device, driver),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, is_connected),
    F_TEXT(FIELD_OPTIONAL, struct wire_device, problem),
    F_TEXT(FIELD_OPTIONAL, struct wire_device, version),
    F_UINT(FIELD_OPTIONAL, struct wire_device, epoch),
    F_UINT(FIELD_OPTIONAL, struct wire_device, generation),
    F_IP(FIELD_OPTIONAL, struct wire_device, mirror_source),
    F_INT(FIELD_OPTIONAL, struct wire_device, skew_us),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, matches_mac),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, matches_ip),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, stages_everywhere),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, shows_warning),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, mirrors),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, counts_hits),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, verifies),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, keeps_checkpoints),
    F_BOOL(FIELD_OPTIONAL, struct wire_device, tells_sum),
    F_UINT(FIELD_OPTIONAL, struct wire_device, rule_room),
    F_UINT(FIELD_OPTIONAL, struct wire_device, typical_ms),
};

const struct shape wire_device_shape = SHAPE("device", struct wire_device, device_fields, NULL);
