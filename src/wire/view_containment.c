#include "wire/view_containment.h"

#include "wire/view_endpoint.h"
#include "wire/view_field.h"

static const struct field peer_fields[] = {
    ROW_OPT(struct peer, ip, "ip", FIELD_IP, "address"),
    ROW_OPT(struct peer, mac, "mac", FIELD_MAC, "MAC, where the mirror is layer-2-adjacent"),
    ROW_OPT(struct peer, port, "port", FIELD_UINT, "TCP or UDP port"),
    ROW_OPT(struct peer, host, "host", FIELD_TEXT, "as the finder named it"),
};
static const struct shape peer_shape = SHAPE("Peer", struct peer, peer_fields, NULL);

static const struct field detection_fields[] = {
    ROW(struct detection, id, "id", FIELD_TEXT, "unique per finding"),
    ROW_OPT(struct detection, sensor, "sensor", FIELD_TEXT, "who found it"),
    ROW_OPT(struct detection, maker, "maker", FIELD_TEXT, "the finder's maker"),
    ROW(struct detection, seen_us, "seen", FIELD_TIME, "packet that completed the evidence"),
    ROW_OPT(struct detection, first_us, "first", FIELD_TIME, "first packet that counts"),
    ROW_OPT(struct detection, reported_us, "reported", FIELD_TIME, "when the finder sent it"),
    ROW_OPT(struct detection, signature_id, "signature_id", FIELD_UINT, "the finder's rule"),
    ROW_OPT_SAID(struct detection, signature, "signature", "detection.", "the rule's name"),
    ROW_OPT_SAID(struct detection, category, "category", "detection.", "the finder's category"),
    ROW_ENUM(struct detection, phase, "phase", false, phase_names, "phase of the attack"),
    ROW_ENUM(struct detection, severity, "severity", false, severity_names, "how bad"),
    ROW(struct detection, confidence, "confidence", FIELD_UINT, "how sure, 0 to 100"),
    {.name = "techniques",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct detection, techniques),
     .size = TECHNIQUE_SIZE,
     .count_at = NO_COUNT,
     .max_count = DETECTION_TECHNIQUES_MAX,
     .about = "MITRE ATT&CK technique ids"},
    ROW_SUB(struct detection, src, "src", FIELD_OBJECT, &peer_shape, "sender of the first packet"),
    ROW_SUB(struct detection, dst, "dst", FIELD_OBJECT, &peer_shape, "the other end"),
    ROW_OPT(struct detection, protocol, "protocol", FIELD_UINT, "IP protocol number"),
    ROW_OPT(struct detection, forwarded_for, "forwarded_for", FIELD_IP,
            "whom a proxy says that it asked for; anybody may have written it"),
    ROW_OPT(struct detection, vlan, "vlan", FIELD_UINT, "VLAN id"),
    ROW_OPT(struct detection, indicator, "indicator", FIELD_TEXT, "what was matched"),
    ROW_OPT(struct detection, list, "list", FIELD_TEXT, "on which list"),
    ROW_OPT(struct detection, server_name, "server_name", FIELD_TEXT, "outside server by name"),
    ROW_OPT(struct detection, url, "url", FIELD_TEXT, "URL"),
    ROW_OPT(struct detection, ja3, "ja3", FIELD_TEXT, "JA3 of the TLS client"),
    ROW_OPT(struct detection, ja4, "ja4", FIELD_TEXT, "JA4 of the TLS client"),
    ROW(struct detection, handshake, "handshake", FIELD_BOOL,
        "both directions of the handshake were seen"),
    ROW_ENUM(struct detection, strength, "strength", false, strength_names,
             "how hard it is to forge by somebody else"),
    ROW_OPT(struct detection, count, "count", FIELD_UINT, "events that this stands for"),
    ROW(struct detection, has_evidence, "has_evidence", FIELD_BOOL,
        "GET /evidence/{id} gives the packets"),
    ROW_OPT(struct detection, is_pruned, "pruned", FIELD_BOOL,
            "names, URLs and fingerprints were taken out: their time was over"),
    ROW_OPT(struct detection, is_redacted, "redacted", FIELD_BOOL,
            "names, URLs and fingerprints are left out: the asker may not read payload"),
};
const struct shape view_detection_shape =
    SHAPE("Detection", struct detection, detection_fields, NULL);

#define INCIDENT_ROWS                                                                              \
    ROW(struct view_incident, model.id, "id", FIELD_TEXT, "id of the incident"),                   \
        ROW_OPT(struct view_incident, model.endpoint_id, "endpoint_id", FIELD_TEXT,                \
                "the endpoint that it is about"),                                                  \
        ROW_OPT(struct view_incident, host_name, "host_name", FIELD_TEXT, "its host name"),        \
        ROW_OPT(struct view_incident, model.mac, "mac", FIELD_MAC, "its MAC"),                     \
        ROW_OPT(struct view_incident, model.ip, "ip", FIELD_IP, "its address at the time"),        \
        ROW_OPT(struct view_incident, model.site, "site", FIELD_TEXT,                              \
                "where it was seen; absent: not known, or there is only one"),                     \
        ROW_OPT(struct view_incident, model.server, "server", FIELD_IP, "the outside server"),     \
        ROW_OPT(struct view_incident, model.server_name, "server_name", FIELD_TEXT,                \
                "the outside server by name"),                                                     \
        ROW_ENUM(struct view_incident, model.phase, "phase", false, phase_names,                   \
                 "the furthest phase of the attack"),                                              \
        ROW_ENUM(struct view_incident, model.severity, "severity", false, severity_names,          \
                 "how bad"),                                                                       \
        ROW(struct view_incident, model.confidence, "confidence", FIELD_UINT,                      \
            "how sure, 0 to 100"),                                                                 \
        ROW_ENUM(struct view_incident, model.strength, "strength", false, strength_names,          \
                 "how hard the evidence is to forge"),                                             \
        ROW_OPT_SAID(struct view_incident, model.summary, "summary", "incident.", "in words"),     \
        ROW(struct view_incident, model.detection_count, "detection_count", FIELD_UINT,            \
            "detections in it"),                                                                   \
        ROW(struct view_incident, model.first_us, "first", FIELD_TIME, "first detection"),         \
        ROW(struct view_incident, model.last_us, "last", FIELD_TIME, "last detection"),            \
        ROW(struct view_incident, model.is_open, "open", FIELD_BOOL, "still collects detections")

static const struct field incident_fields[] = {INCIDENT_ROWS};
const struct shape view_incident_shape =
    SHAPE("Incident", struct view_incident, incident_fields, NULL);

static const struct field incident_detail_fields[] = {
    INCIDENT_ROWS,
    ROW_LIST(struct view_incident, detections, detection_count, "detections", FIELD_LIST,
             &view_detection_shape, VIEW_DETECTIONS_MAX, "its detections, newest first"),
    ROW_TEXTS(struct view_incident, containments, containment_count, "containments",
              "ids of the containments that came of it"),
};
const struct shape view_incident_detail_shape =
    SHAPE("IncidentDetail", struct view_incident, incident_detail_fields, NULL);

static const struct field step_fields[] = {
    ROW(struct view_step, mark.step, "step", FIELD_TEXT,
        "packet, detected, received, decided, committed, ..."),
    ROW(struct view_step, mark.at_us, "at", FIELD_TIME, "when it was reached"),
    ROW(struct view_step, since_start_us, "since_start_us", FIELD_INT,
        "microseconds since the first step"),
    ROW(struct view_step, step_us, "step_us", FIELD_INT, "microseconds since the step before"),
    ROW_OPT_STRING(struct view_step, mark.detail, "detail", TEXT_SIZE - 1, "", "in words"),
};
static const struct shape step_shape = SHAPE("TimelineStep", struct view_step, step_fields, NULL);

static const struct field report_fields[] = {
    ROW(struct view_switch_report, switch_name, "switch", FIELD_TEXT, "name of the switch"),
    ROW_ENUM(struct view_switch_report, state, "state", false, rule_state_names,
             "the worst of the containment's rules there"),
    ROW(struct view_switch_report, hits, "hits", FIELD_UINT, "frames dropped or copied by it"),
    ROW_OPT_SAID(struct view_switch_report, why, "why", "", "what is wrong"),
};
static const struct shape report_shape =
    SHAPE("SwitchReport", struct view_switch_report, report_fields, NULL);

#define CONTAINMENT_ROWS                                                                           \
    ROW(struct view_containment, model.id, "id", FIELD_TEXT, "id of the containment"),             \
        ROW_ENUM(struct view_containment, model.action, "action", false, action_names,             \
                 "what is restricted"),                                                            \
        ROW_ENUM(struct view_containment, model.state, "state", false, containment_state_names,    \
                 "where in its life it is"),                                                       \
        ROW_ENUM(struct view_containment, model.hold, "hold", true, hold_names,                    \
                 "why it waits or waited for a person"),                                           \
        ROW_OPT_STRING(struct view_containment, model.hold_detail, "hold_detail", TEXT_SIZE - 1,   \
                       "hold.", "why, in words"),                                                  \
        ROW_OPT_STRING(struct view_containment, model.refused, "refused", TEXT_SIZE - 1, "",       \
                       "while it waits: why policy, sure by now, cannot enforce it"),              \
        ROW_OPT(struct view_containment, model.refused_us, "refused_since", FIELD_TIME,            \
                "since when"),                                                                     \
        ROW_OPT(struct view_containment, model.pending_until_us, "pending_until", FIELD_TIME,      \
                "when it is decided without a person"),                                            \
        ROW_ENUM(struct view_containment, model.pending_action, "pending_action", true,            \
                 action_names, "what is done then; absent: reverted"),                             \
        ROW_OPT(struct view_containment, model.endpoint_id, "endpoint_id", FIELD_TEXT,             \
                "the endpoint"),                                                                   \
        ROW_OPT(struct view_containment, host_name, "host_name", FIELD_TEXT, "its host name"),     \
        ROW_OPT(struct view_containment, model.subject_mac, "mac", FIELD_MAC,                      \
                "its MAC when requested"),                                                         \
        ROW_OPT(struct view_containment, model.subject_ip, "ip", FIELD_IP,                         \
                "its address when requested"),                                                     \
        ROW_OPT(struct view_containment, model.site, "site", FIELD_TEXT,                           \
                "whose addresses it is about; absent: of all, or there is only one"),              \
        ROW_SUB(struct view_containment, location, "location", FIELD_POINTER,                      \
                &view_location_shape, "where the endpoint is attached now"),                       \
        ROW_OPT(struct view_containment, model.server, "server", FIELD_PREFIX,                     \
                "the blocked server or prefix"),                                                   \
        ROW_OPT_STRING(struct view_containment, model.server_name, "server_name", HOST_SIZE - 1,   \
                       NULL, "the blocked server by name"),                                        \
        ROW_OPT(struct view_containment, model.permit_set, "permit_set", FIELD_TEXT,               \
                "named set of permitted traffic; absent: nothing is permitted"),                   \
        ROW_OPT(struct view_containment, model.incident_id, "incident_id", FIELD_TEXT,             \
                "the incident that led to it"),                                                    \
        ROW_OPT(struct view_containment, model.policy, "policy", FIELD_TEXT,                       \
                "the policy that asked; absent: a person or a program did"),                       \
        ROW_OPT_STRING(struct view_containment, model.reason, "reason", TEXT_SIZE - 1, "reason.",  \
                       "why"),                                                                     \
        ROW_OPT(struct view_containment, model.case_number, "case_number", FIELD_TEXT,             \
                "short number on the warning page"),                                               \
        ROW_OPT(struct view_containment, model.requested_by, "requested_by", FIELD_TEXT,           \
                "policy:NAME, operator:NAME or token:NAME"),                                       \
        ROW_OPT_STRING(struct view_containment, model.external_id, "external_id", NAME_SIZE - 1,   \
                       NULL, "the asking program's own id"),                                       \
        ROW(struct view_containment, model.requested_us, "requested", FIELD_TIME, "requested"),    \
        ROW_OPT(struct view_containment, model.applied_us, "applied", FIELD_TIME,                  \
                "read back and equal"),                                                            \
        ROW_OPT(struct view_containment, model.verified_us, "verified", FIELD_TIME,                \
                "seen to work"),                                                                   \
        ROW_OPT(struct view_containment, model.ended_us, "ended", FIELD_TIME, "ended"),            \
        ROW_OPT_STRING(struct view_containment, model.ended_by, "ended_by", NAME_SIZE - 1, NULL,   \
                       "who ended it"),                                                            \
        ROW_OPT_STRING(struct view_containment, model.end_reason, "end_reason", TEXT_SIZE - 1,     \
                       "audit.end_", "why it was ended"),                                          \
        ROW_OPT(struct view_containment, model.expires_us, "expires", FIELD_TIME,                  \
                "ends by itself; absent: until released"),                                         \
        ROW(struct view_containment, model.hits, "hits", FIELD_UINT,                               \
            "frames dropped or copied so far"),                                                    \
        ROW_OPT_STRING(                                                                            \
            struct view_containment, model.unproven, "unproven", NAME_SIZE - 1, NULL,              \
            "the switch that held it when a restored database did not know it; a person is "       \
            "to keep or release it"),                                                              \
        ROW_OPT_STRING(struct view_containment, model.problem, "problem", TEXT_SIZE - 1, "",       \
                       "while failed or unverified: what the switch said")

static const struct field containment_fields[] = {CONTAINMENT_ROWS};
const struct shape view_containment_shape =
    SHAPE("Containment", struct view_containment, containment_fields, NULL);

static const struct field containment_detail_fields[] = {
    CONTAINMENT_ROWS,
    ROW_LIST(struct view_containment, timeline, step_count, "timeline", FIELD_LIST, &step_shape,
             MARKS_MAX, "from the packet to the verified rule"),
    ROW_LIST(struct view_containment, reports, report_count, "switches", FIELD_LIST, &report_shape,
             VIEW_REPORTS_MAX, "what each switch says of it"),
    ROW_TEXTS_SAID(struct view_containment, residual_reach, residual_count, "residual_reach",
                   "reach.", "what the endpoint can still reach, in words"),
    ROW_SUB(struct view_containment, incident, "incident", FIELD_POINTER, &view_incident_shape,
            "the incident that led to it"),
};
const struct shape view_containment_detail_shape =
    SHAPE("ContainmentDetail", struct view_containment, containment_detail_fields, NULL);

static const struct field pending_fields[] = {
    ROW_SUB(struct view_pending, containment, "containment", FIELD_POINTER, &view_containment_shape,
            "what would be restricted, and why it is held"),
    ROW_SUB(struct view_pending, incident, "incident", FIELD_POINTER, &view_incident_shape,
            "what it rests on"),
    ROW_LIST(struct view_pending, detections, detection_count, "detections", FIELD_LIST,
             &view_detection_shape, VIEW_PENDING_DETECTIONS, "the newest detections"),
    ROW_SUB(struct view_pending, escalation, "escalation", FIELD_POINTER, &view_escalation_shape,
            "who on call was told, and who is next"),
};
const struct shape view_pending_shape = SHAPE("Pending", struct view_pending, pending_fields, NULL);

static const struct field watch_fields[] = {
    ROW_SUB(struct view_watch, containment, "containment", FIELD_POINTER, &view_containment_shape,
            "the one that a person released"),
    ROW_OPT(struct view_watch, until_us, "until", FIELD_TIME,
            "watched until; absent: not watched any more, by the policy's after_release"),
    ROW(struct view_watch, again, "again", FIELD_UINT,
        "incidents about the endpoint with something new since"),
    ROW_LIST(struct view_watch, incidents, incident_count, "incidents", FIELD_LIST,
             &view_incident_shape, VIEW_WATCH_INCIDENTS, "the newest of them"),
    ROW_OPT(struct view_watch, contained_by, "contained_by", FIELD_TEXT,
            "id of the containment that it is under again"),
};
const struct shape view_watch_shape = SHAPE("Watched", struct view_watch, watch_fields, NULL);

static const struct field talker_fields[] = {
    ROW_OPT(struct view_talker, endpoint_id, "endpoint_id", FIELD_TEXT, "endpoint by id"),
    ROW_OPT(struct view_talker, host_name, "host_name", FIELD_TEXT, "its name"),
    ROW_OPT(struct view_talker, mac, "mac", FIELD_MAC, "its MAC"),
    ROW_OPT(struct view_talker, ip, "ip", FIELD_IP, "its address then"),
    ROW(struct view_talker, detections, "detections", FIELD_UINT, "how many said so"),
    ROW(struct view_talker, last_us, "last", FIELD_TIME, "when it was last seen there"),
};
static const struct shape talker_shape = SHAPE("Talker", struct view_talker, talker_fields, NULL);

static const struct field assessment_fields[] = {
    ROW(struct view_assessment, is_never_blocked, "never_block", FIELD_BOOL,
        "policy would never block it by itself"),
    ROW_OPT_SAID(struct view_assessment, why, "why", "", "why not"),
    ROW(struct view_assessment, since_us, "since", FIELD_TIME, "what was looked at"),
    ROW_LIST(struct view_assessment, talkers, talker_count, "talkers", FIELD_LIST, &talker_shape,
             VIEW_TALKERS_MAX, "who talked to it, as far as detections say"),
    ROW_OPT(struct view_assessment, more, "more", FIELD_UINT,
            "incidents beyond these, of others or not looked at whole"),
};
const struct shape view_assessment_shape =
    SHAPE("ServerAssessment", struct view_assessment, assessment_fields, NULL);
