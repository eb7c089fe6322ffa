#include "wire/sensor_stats.h"

static const struct field mirror_fields[] = {
    F_IP(FIELD_OPTIONAL, struct wire_mirror_seen, switch_ip),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, session),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, packets),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, bytes),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, lost),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, forward_only),
    F_UINT(FIELD_OPTIONAL, struct wire_mirror_seen, flows),
    F_INT(FIELD_OPTIONAL, struct wire_mirror_seen, last_us),
};
static const struct shape mirror_shape =
    SHAPE("mirror_seen", struct wire_mirror_seen, mirror_fields, NULL);

static const struct field network_fields[] = {
    F_PREFIX(FIELD_NEEDED, struct wire_network_seen, network),
    F_UINT(FIELD_OPTIONAL, struct wire_network_seen, packets),
    F_INT(FIELD_OPTIONAL, struct wire_network_seen, last_us),
};
static const struct shape network_shape =
    SHAPE("network_seen", struct wire_network_seen, network_fields, NULL);

static const struct field stats_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_sensor_stats, sensor),
    F_INT(FIELD_NEEDED, struct wire_sensor_stats, at_us),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, packets),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, bytes),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, kernel_drops),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, duplicates),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, flows),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, flows_refused),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, undecoded),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, stream_bytes_skipped),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, detections),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, spooled),
    F_UINT(FIELD_OPTIONAL, struct wire_sensor_stats, indicators),
    F_LIST(FIELD_OPTIONAL, struct wire_sensor_stats, mirrors, mirror_count, MIRRORS_SEEN_MAX,
           &mirror_shape),
    F_LIST(FIELD_OPTIONAL, struct wire_sensor_stats, networks, network_count, NETWORKS_SEEN_MAX,
           &network_shape),
};

const struct shape wire_sensor_stats_shape =
    SHAPE("sensor_stats", struct wire_sensor_stats, stats_fields, NULL);
