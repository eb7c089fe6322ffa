#include "wire/detection.h"

#include <stdio.h>

static const struct field peer_fields[] = {
    F_IP(FIELD_OPTIONAL, struct peer, ip),
    F_MAC(FIELD_OPTIONAL, struct peer, mac),
    F_UINT(FIELD_OPTIONAL, struct peer, port),
    F_TEXT(FIELD_OPTIONAL, struct peer, host),
};
static const struct shape peer_shape = SHAPE("peer", struct peer, peer_fields, NULL);

static const struct field origin_fields[] = {
    F_IP(FIELD_OPTIONAL, struct mirror_origin, switch_ip),
    F_UINT(FIELD_OPTIONAL, struct mirror_origin, session),
    F_UINT(FIELD_OPTIONAL, struct mirror_origin, port),
    F_BOOL(FIELD_OPTIONAL, struct mirror_origin, is_egress),
    F_BOOL(FIELD_OPTIONAL, struct mirror_origin, is_stamped),
};
static const struct shape origin_shape =
    SHAPE("mirror_origin", struct mirror_origin, origin_fields, NULL);

static const struct field detection_fields[] = {
    F_TEXT(FIELD_NEEDED, struct detection, id),
    F_TEXT(FIELD_NEEDED, struct detection, sensor),
    F_TEXT(FIELD_NEEDED, struct detection, maker),
    F_INT(FIELD_NEEDED, struct detection, seen_us),
    F_INT(FIELD_OPTIONAL, struct detection, first_us),
    F_INT(FIELD_OPTIONAL, struct detection, reported_us),
    F_INT(FIELD_OPTIONAL, struct detection, sent_us),
    F_UINT(FIELD_OPTIONAL, struct detection, unsure_us),
    F_UINT(FIELD_OPTIONAL, struct detection, signature_id),
    F_TEXT(FIELD_NEEDED, struct detection, signature),
    F_TEXT(FIELD_OPTIONAL, struct detection, category),
    F_ENUM(FIELD_NEEDED, struct detection, phase, phase_names),
    F_ENUM(FIELD_NEEDED, struct detection, severity, severity_names),
    F_RANGE(FIELD_OPTIONAL, struct detection, confidence, 0, 100),
    F_TEXTS(FIELD_OPTIONAL, struct detection, techniques, NO_COUNT, DETECTION_TECHNIQUES_MAX),
    F_OBJECT(FIELD_OPTIONAL, struct detection, src, &peer_shape),
    F_OBJECT(FIELD_OPTIONAL, struct detection, dst, &peer_shape),
    F_UINT(FIELD_OPTIONAL, struct detection, protocol),
    F_RANGE(FIELD_OPTIONAL, struct detection, vlan, 0, 4095),
    F_ENUM(FIELD_OPTIONAL, struct detection, suspect, party_names),
    F_IP(FIELD_OPTIONAL, struct detection, interested_ip),
    F_MAC(FIELD_OPTIONAL, struct detection, interested_mac),
    F_IP(FIELD_OPTIONAL, struct detection, forwarded_for),
    F_TEXT(FIELD_OPTIONAL, struct detection, indicator),
    F_TEXT(FIELD_OPTIONAL, struct detection, list),
    F_TEXT(FIELD_OPTIONAL, struct detection, server_name),
    F_TEXT(FIELD_OPTIONAL, struct detection, url),
    F_TEXT(FIELD_OPTIONAL, struct detection, ja3),
    F_TEXT(FIELD_OPTIONAL, struct detection, ja4),
    F_BOOL(FIELD_OPTIONAL, struct detection, handshake),
    F_OBJECT(FIELD_OPTIONAL, struct detection, origin, &origin_shape),
    F_OBJECT(FIELD_OPTIONAL, struct detection, peer_origin, &origin_shape),
    F_ENUM(FIELD_OPTIONAL, struct detection, strength, strength_names),
    F_UINT(FIELD_OPTIONAL, struct detection, count),
    F_BOOL(FIELD_OPTIONAL, struct detection, has_evidence),
    F_BOOL(FIELD_OPTIONAL, struct detection, is_pruned),
};

static bool
detection_check(const void *thing, char why[128])
{
    const struct detection *detection = thing;
    if (detection->id[0] && detection->sensor[0]) {
        return true;
    }
    snprintf(why, 128, "id and sensor must not be empty");
    return false;
}

const struct shape wire_detection_shape =
    SHAPE("detection", struct detection, detection_fields, detection_check);
