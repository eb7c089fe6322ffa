#include "wire/view_switch.h"

#include "wire/view_field.h"

static const struct field capability_fields[] = {
    ROW(struct wire_device, matches_mac, "matches_mac", FIELD_BOOL, "blocks by MAC"),
    ROW(struct wire_device, matches_ip, "matches_ip", FIELD_BOOL, "blocks by address"),
    ROW(struct wire_device, stages_everywhere, "stages_everywhere", FIELD_BOOL,
        "holds every block always: a move opens no window"),
    ROW(struct wire_device, shows_warning, "shows_warning", FIELD_BOOL, "serves the warning page"),
    ROW(struct wire_device, mirrors, "mirrors", FIELD_BOOL, "can copy traffic"),
    ROW(struct wire_device, counts_hits, "counts_hits", FIELD_BOOL, "counts what a rule drops"),
    ROW(struct wire_device, verifies, "verifies", FIELD_BOOL, "tests that a block works"),
    ROW_OPT(struct wire_device, rule_room, "rule_room", FIELD_UINT, "entries; absent: no limit"),
    ROW_OPT(struct wire_device, typical_ms, "typical_ms", FIELD_UINT, "how long a change takes"),
};
static const struct shape capability_shape =
    SHAPE("Capabilities", struct wire_device, capability_fields, NULL);

static const struct field port_fields[] = {
    ROW(struct view_port, name, "name", FIELD_TEXT, "name of the port"),
    ROW(struct view_port, number, "number", FIELD_UINT, "as in mirror headers"),
    ROW_ENUM(struct view_port, role, "role", false, port_role_names, "what the port is for"),
    ROW(struct view_port, is_up, "up", FIELD_BOOL, "has a link"),
    ROW(struct view_port, mac_count, "mac_count", FIELD_UINT, "MACs behind it"),
};
static const struct shape port_shape = SHAPE("Port", struct view_port, port_fields, NULL);

static const struct field counter_fields[] = {
    ROW(struct wire_counter, name, "name", FIELD_TEXT, "what is counted"),
    ROW(struct wire_counter, count, "count", FIELD_UINT, "since the program was loaded"),
};
static const struct shape counter_shape =
    SHAPE("Counter", struct wire_counter, counter_fields, NULL);

#define SWITCH_ROWS                                                                                \
    ROW(struct view_switch, device.switch_name, "name", FIELD_TEXT, "name of the switch"),         \
        ROW_OPT(struct view_switch, site, "site", FIELD_TEXT,                                      \
                "whose addresses are its endpoints'; absent: there is only one"),                  \
        ROW_OPT(struct view_switch, device.driver, "driver", FIELD_TEXT, "kind of switch"),        \
        ROW(struct view_switch, state, "state", FIELD_TEXT, "good, unverified or disconnected"),   \
        ROW(struct view_switch, device.is_connected, "connected", FIELD_BOOL, "reachable now"),    \
        ROW_OPT(struct view_switch, device.version, "version", FIELD_TEXT, "its software"),        \
        ROW(struct view_switch, device.epoch, "epoch", FIELD_UINT, "highest that it has seen"),    \
        ROW(struct view_switch, desired_generation, "desired_generation", FIELD_UINT,              \
            "what it must hold"),                                                                  \
        ROW(struct view_switch, observed_generation, "observed_generation", FIELD_UINT,            \
            "what it holds"),                                                                      \
        ROW(struct view_switch, rule_count, "rules", FIELD_UINT, "rules that it must hold"),       \
        ROW(struct view_switch, missing_count, "missing_rules", FIELD_UINT,                        \
            "of those not seen on it"),                                                            \
        ROW_OPT(struct view_switch, seen_us, "seen", FIELD_TIME, "last heard of"),                 \
        ROW_OPT(struct view_switch, read_back_us, "read_back", FIELD_TIME, "last read back"),      \
        ROW_OPT(struct view_switch, device.skew_us, "skew_us", FIELD_INT,                          \
                "its clock minus ours in microseconds"),                                           \
        ROW_OPT(struct view_switch, device.mirror_source, "mirror_source", FIELD_IP,               \
                "source address of its copies"),                                                   \
        ROW_SUB(struct view_switch, device, "capabilities", FIELD_OBJECT, &capability_shape,       \
                "what it can do"),                                                                 \
        ROW_OPT_SAID(struct view_switch, problem, "problem", "", "what is wrong")

static const struct field switch_fields[] = {SWITCH_ROWS};
const struct shape view_switch_shape = SHAPE("Switch", struct view_switch, switch_fields, NULL);

static const struct field switch_detail_fields[] = {
    SWITCH_ROWS,
    ROW_LIST(struct view_switch, ports, port_count, "ports", FIELD_LIST, &port_shape,
             VIEW_PORTS_MAX, "its ports"),
    ROW_LIST(struct view_switch, counters, counter_count, "counters", FIELD_LIST, &counter_shape,
             COUNTERS_MAX, "its counters"),
    ROW_TEXTS_SAID(struct view_switch, problems, problem_count, "problems", "",
                   "what it complains about"),
    ROW_OPT(struct view_switch, stats_us, "counted", FIELD_TIME, "when the counters were read"),
};
const struct shape view_switch_detail_shape =
    SHAPE("SwitchDetail", struct view_switch, switch_detail_fields, NULL);

static const struct field filter_fields[] = {
    ROW_OPT(struct mirror_filter, src, "src", FIELD_PREFIX, "source"),
    ROW_OPT(struct mirror_filter, dst, "dst", FIELD_PREFIX, "destination"),
    ROW_OPT(struct mirror_filter, protocol, "protocol", FIELD_UINT, "IP protocol number"),
    ROW_OPT(struct mirror_filter, port_low, "port_low", FIELD_UINT, "lowest port of either end"),
    ROW_OPT(struct mirror_filter, port_high, "port_high", FIELD_UINT, "highest port"),
    ROW_OPT(struct mirror_filter, vlan, "vlan", FIELD_UINT, "VLAN id"),
};
static const struct shape filter_shape =
    SHAPE("MirrorFilter", struct mirror_filter, filter_fields, NULL);

static const struct field mirror_fields[] = {
    ROW_OPT(struct view_mirror, switch_name, "switch", FIELD_TEXT, "absent: every switch"),
    ROW_ENUM(struct view_mirror, model.kind, "kind", false, mirror_kind_names,
             "port, policy-based, remote-always or remote-detailed"),
    ROW_ENUM(struct view_mirror, model.direction, "direction", false, direction_names,
             "as the ports see it"),
    ROW_TEXTS(struct view_mirror, model.ports, model.port_count, "ports",
              "copied ports; empty: every access port"),
    ROW_LIST(struct view_mirror, model.filters, model.filter_count, "filters", FIELD_LIST,
             &filter_shape, MIRROR_FILTERS_MAX, "policy-based: any one must match"),
    ROW_OPT(struct view_mirror, model.mac, "mac", FIELD_MAC, "detailed: the endpoint"),
    ROW_OPT(struct view_mirror, model.ip, "ip", FIELD_IP, "detailed: the endpoint"),
    ROW_ENUM(struct view_mirror, model.carrier, "carrier", false, carrier_names,
             "how copies travel"),
    ROW_OPT(struct view_mirror, model.out_port, "out_port", FIELD_TEXT, "where copies leave"),
    ROW_OPT(struct view_mirror, model.rspan_vlan, "rspan_vlan", FIELD_UINT, "VLAN of the copies"),
    ROW_OPT(struct view_mirror, model.erspan_to, "erspan_to", FIELD_IP, "the sensor"),
    ROW_OPT(struct view_mirror, model.session, "session", FIELD_UINT, "ERSPAN session"),
    ROW_OPT(struct view_mirror, model.snap, "snap", FIELD_UINT, "bytes kept of each frame"),
    ROW_OPT(struct view_mirror, model.sample, "sample", FIELD_UINT, "one frame in so many"),
    ROW_OPT(struct view_mirror, model.rate_bit_s, "rate_bit_s", FIELD_UINT, "budget for copies"),
    ROW_OPT(struct view_mirror, containment_id, "containment_id", FIELD_TEXT,
            "what asked for it; absent: declared"),
    ROW_OPT(struct view_mirror, endpoint_id, "endpoint_id", FIELD_TEXT, "the copied endpoint"),
    ROW_OPT(struct view_mirror, requested_by, "requested_by", FIELD_TEXT,
            "policy, account or token"),
    ROW_OPT_SAID(struct view_mirror, reason, "reason", "reason.", "why"),
    ROW_OPT(struct view_mirror, expires_us, "expires", FIELD_TIME, "ends by itself"),
    ROW(struct view_mirror, copied, "copied", FIELD_UINT, "frames that the switch copied"),
    ROW(struct view_mirror, packets, "packets", FIELD_UINT,
        "copies that reached sensors with the session's own mark (ERSPAN)"),
    ROW(struct view_mirror, bytes, "bytes", FIELD_UINT, "bytes that reached sensors"),
    ROW(struct view_mirror, lost, "lost", FIELD_UINT, "gaps in the copies' sequence"),
    ROW(struct view_mirror, flows, "flows", FIELD_UINT, "flows seen in the copies"),
    ROW(struct view_mirror, forward_only, "one_sided_flows", FIELD_UINT,
        "flows of which only one direction was ever seen"),
    ROW_OPT(struct view_mirror, last_us, "last", FIELD_TIME, "last copy"),
};
const struct shape view_mirror_shape = SHAPE("Mirror", struct view_mirror, mirror_fields, NULL);

static const struct field mirror_seen_fields[] = {
    ROW_OPT(struct wire_mirror_seen, switch_ip, "switch_ip", FIELD_IP,
            "who sends the copies; absent: the sensor's own interface"),
    ROW_OPT(struct wire_mirror_seen, session, "session", FIELD_UINT, "session or RSPAN VLAN"),
    ROW(struct wire_mirror_seen, packets, "packets", FIELD_UINT, "copies"),
    ROW(struct wire_mirror_seen, bytes, "bytes", FIELD_UINT, "bytes"),
    ROW(struct wire_mirror_seen, lost, "lost", FIELD_UINT, "gaps in the sequence"),
    ROW(struct wire_mirror_seen, flows, "flows", FIELD_UINT, "flows"),
    ROW(struct wire_mirror_seen, forward_only, "one_sided_flows", FIELD_UINT,
        "flows of which only one direction was ever seen"),
    ROW_OPT(struct wire_mirror_seen, last_us, "last", FIELD_TIME, "last copy"),
};
static const struct shape mirror_seen_shape =
    SHAPE("MirrorSeen", struct wire_mirror_seen, mirror_seen_fields, NULL);

static const struct field network_seen_fields[] = {
    ROW(struct wire_network_seen, network, "network", FIELD_PREFIX, "a /24 or /64"),
    ROW(struct wire_network_seen, packets, "packets", FIELD_UINT, "packets"),
    ROW_OPT(struct wire_network_seen, last_us, "last", FIELD_TIME, "last packet"),
};
static const struct shape network_seen_shape =
    SHAPE("NetworkSeen", struct wire_network_seen, network_seen_fields, NULL);

#define STAT(member, about_) ROW(struct view_sensor, stats.member, #member, FIELD_UINT, about_)
static const struct field sensor_fields[] = {
    ROW(struct view_sensor, name, "name", FIELD_TEXT, "name of the sensor"),
    ROW_OPT(struct view_sensor, version, "version", FIELD_TEXT, "its software"),
    ROW(struct view_sensor, state, "state", FIELD_TEXT, "good or silent"),
    ROW_OPT(struct view_sensor, seen_us, "seen", FIELD_TIME, "last heard of"),
    ROW_OPT(struct view_sensor, skew_us, "skew_us", FIELD_INT,
            "its clock minus ours in microseconds"),
    STAT(packets, "frames captured"),
    STAT(bytes, "bytes captured"),
    STAT(kernel_drops, "frames that the kernel dropped before the sensor"),
    STAT(duplicates, "frames mirrored twice"),
    STAT(flows, "flows followed now"),
    STAT(flows_refused, "flows not followed: the table was full"),
    STAT(undecoded, "frames that could not be decoded"),
    STAT(stream_bytes_skipped, "bytes not reassembled: out of memory or order"),
    STAT(detections, "detections reported"),
    STAT(spooled, "detections that wait to be sent"),
    STAT(indicators, "entries on the reputation lists"),
    ROW_LIST(struct view_sensor, stats.mirrors, stats.mirror_count, "mirrors", FIELD_LIST,
             &mirror_seen_shape, MIRRORS_SEEN_MAX, "mirrors that arrive at it"),
    ROW_LIST(struct view_sensor, stats.networks, stats.network_count, "networks", FIELD_LIST,
             &network_seen_shape, NETWORKS_SEEN_MAX, "networks of which it sees traffic"),
};
const struct shape view_sensor_shape = SHAPE("Sensor", struct view_sensor, sensor_fields, NULL);

static const struct field refusal_fields[] = {
    ROW_SAID(struct wire_refusal, why, "why", "refusal.", "reason"),
    ROW(struct wire_refusal, count, "count", FIELD_UINT, "lines or messages"),
};
static const struct shape refusal_shape =
    SHAPE("Refusal", struct wire_refusal, refusal_fields, NULL);

static const struct field source_fields[] = {
    ROW(struct wire_source, name, "name", FIELD_TEXT, "name of the source"),
    ROW(struct wire_source, kind, "kind", FIELD_TEXT, "how it comes in"),
    ROW(struct wire_source, state, "state", FIELD_TEXT,
        "listening, connected, waiting for file, failed"),
    ROW_OPT_SAID(struct wire_source, problem, "problem", "source.", "what is wrong"),
    ROW(struct wire_source, received, "received", FIELD_UINT, "lines or messages received"),
    ROW(struct wire_source, accepted, "accepted", FIELD_UINT, "became detections"),
    ROW(struct wire_source, refused, "refused", FIELD_UINT, "malformed"),
    ROW(struct wire_source, duplicates, "duplicates", FIELD_UINT, "known already"),
    ROW(struct wire_source, ignored, "ignored", FIELD_UINT, "well-formed, not detections"),
    ROW_LIST(struct wire_source, refusals, refusal_count, "refusals", FIELD_LIST, &refusal_shape,
             REFUSALS_MAX, "refused, and why"),
    ROW_OPT(struct wire_source, last_us, "last", FIELD_TIME, "last received"),
};
const struct shape view_source_shape = SHAPE("Source", struct wire_source, source_fields, NULL);
