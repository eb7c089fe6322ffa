#include "wire/view_replay.h"

#include "wire/view_field.h"

const char *const replay_outcome_names[REPLAY_OUTCOME_COUNT + 1] = {
    "contained", "held", "observed", "notified", "nothing", NULL};
const char *const replay_really_names[REALLY_COUNT + 1] = {"nothing", "held", "contained", NULL};
const char *const replay_assume_names[] = {"nothing", "auto", "auto_everywhere", NULL};

#define WHO_ROWS(type)                                                                             \
    ROW_OPT(type, endpoint_id, "endpoint_id", FIELD_TEXT, "the endpoint; absent: none known"),     \
        ROW_OPT(type, host_name, "host_name", FIELD_TEXT, "its name, as it is known today"),       \
        ROW_OPT(type, mac, "mac", FIELD_MAC, "its MAC"),                                           \
        ROW_OPT(type, ip, "ip", FIELD_IP, "its address then"),                                     \
        ROW_OPT(type, network, "network", FIELD_TEXT, "its network, by the replayed policy"),      \
        ROW_ENUM(type, class, "class", false, endpoint_class_names, "its class, as of today"),     \
        ROW_OPT(type, switch_name, "switch", FIELD_TEXT, "where it is today"),                     \
        ROW_OPT(type, port, "port", FIELD_TEXT, "likewise")

#define D struct view_replay_decision
static const struct field decision_fields[] = {
    ROW(D, number, "number", FIELD_UINT, "number, from 1"),
    ROW(D, first_us, "first", FIELD_TIME, "when it would have been decided first"),
    ROW(D, last_us, "last", FIELD_TIME, "and last"),
    ROW(D, times, "times", FIELD_UINT, "how often"),
    ROW_ENUM(D, outcome, "outcome", false, replay_outcome_names,
             "contained: without a person; held: for one; observed and notified: said only; "
             "nothing: it was really done, and would not be decided"),
    ROW_ENUM(D, really, "really", false, replay_really_names, "what really became of it"),
    ROW_OPT(D, is_settled, "settled", FIELD_BOOL,
            "held first, and contained without a person later: counted as that only"),
    ROW_ENUM(D, action, "action", false, action_names, "what would be done"),
    ROW_ENUM(D, mode, "mode", false, mode_names, "in which mode"),
    ROW_OPT_SAID(D, mode_why, "mode_why", "mode.", "who says so"),
    ROW_ENUM(D, hold, "hold", true, hold_names, "why a person would be asked"),
    ROW_OPT_SAID(D, hold_detail, "hold_detail", "hold.", "in words"),
    ROW_OPT(D, policy, "policy", FIELD_TEXT, "by which policy"),
    ROW_OPT_SAID(D, reason, "reason", "reason.", "because of what"),
    WHO_ROWS(D),
    ROW_OPT(D, server, "server", FIELD_PREFIX, "the server"),
    ROW_OPT(D, server_name, "server_name", FIELD_TEXT, "its name"),
    ROW_OPT(D, containment_id, "containment", FIELD_TEXT, "what it really was"),
};
const struct shape view_replay_decision_shape =
    SHAPE("ReplayDecision", struct view_replay_decision, decision_fields, NULL);
#undef D

#define COUNT_ROWS(type)                                                                           \
    ROW(type, contained, "contained", FIELD_UINT,                                                  \
        "decisions that would be done without a person"),                                          \
        ROW(type, held, "held", FIELD_UINT, "held for a person"),                                  \
        ROW(type, observed, "observed", FIELD_UINT, "said only")

static const struct field count_fields[] = {
    ROW(struct view_replay_count, name, "name", FIELD_TEXT, "of what; empty: none"),
    COUNT_ROWS(struct view_replay_count),
    ROW(struct view_replay_count, really, "really", FIELD_UINT, "of all, really contained"),
};
static const struct shape count_shape =
    SHAPE("ReplayCount", struct view_replay_count, count_fields, NULL);

#define E struct view_replay_endpoint
static const struct field endpoint_fields[] = {
    WHO_ROWS(E),
    COUNT_ROWS(E),
    ROW(E, times, "times", FIELD_UINT, "how often anything would have been decided"),
    ROW(E, first_us, "first", FIELD_TIME, "first"),
    ROW(E, last_us, "last", FIELD_TIME, "last"),
    ROW_ENUM(E, really, "really", false, replay_really_names, "what really became of it, at most"),
};
static const struct shape endpoint_shape =
    SHAPE("ReplayEndpoint", struct view_replay_endpoint, endpoint_fields, NULL);
#undef E

#define COUNTS(member, name_, about_)                                                              \
    ROW_LIST(struct view_replay, member.items, member.count, name_, FIELD_LIST, &count_shape,      \
             VIEW_REPLAY_COUNTS_MAX, about_)
#define R struct view_replay
static const struct field replay_fields[] = {
    ROW(R, id, "id", FIELD_TEXT, "the job's id"),
    ROW(R, is_complete, "complete", FIELD_BOOL, "false: it runs, or was ended before its end"),
    ROW(R, days, "days", FIELD_UINT, "so many days back"),
    ROW(R, from_us, "from", FIELD_TIME, "detections seen from then"),
    ROW(R, until_us, "until", FIELD_TIME, "until then"),
    ROW(R, is_draft, "draft", FIELD_BOOL, "false: with the running policy"),
    ROW_ENUM(R, assume, "assume", false, replay_assume_names,
             "auto: as if networks and policies were in mode auto, roll-out rules and maintenance "
             "windows as they are; auto_everywhere: without those, too"),
    ROW(R, detections, "detections", FIELD_UINT, "detections that were replayed"),
    ROW_OPT(R, damaged, "damaged", FIELD_UINT, "detections that could not be read"),
    ROW_OPT(R, dropped, "dropped", FIELD_UINT, "decisions beyond what is kept, and not counted"),
    ROW(R, contained, "contained", FIELD_UINT, "decisions that would be done without a person"),
    ROW(R, held, "held", FIELD_UINT, "held for a person"),
    ROW(R, observed, "observed", FIELD_UINT, "said only, in mode observe"),
    ROW(R, notified, "notified", FIELD_UINT, "people would be told"),
    ROW(R, endpoints_contained, "endpoints_contained", FIELD_UINT,
        "endpoints that would be contained without a person"),
    ROW(R, endpoints_held, "endpoints_held", FIELD_UINT,
        "endpoints about which only a person would be asked"),
    ROW(R, both, "both", FIELD_UINT, "would be done, and really was"),
    ROW(R, only_replay, "only_replay", FIELD_UINT, "would be done, and was not"),
    ROW(R, only_really, "only_really", FIELD_UINT, "would not be done, and really was"),
    ROW(R, busiest_hour, "busiest_hour", FIELD_UINT,
        "endpoints that would be isolated within one hour, at most"),
    ROW_OPT(R, busiest_us, "busiest_hour_from", FIELD_TIME, "in which hour"),
    COUNTS(actions, "by_action", "decisions by action"),
    COUNTS(policies, "by_policy", "by policy"),
    COUNTS(networks, "by_network", "by network"),
    COUNTS(classes, "by_class", "by class of endpoint"),
    COUNTS(holds, "by_hold", "held ones by reason"),
    ROW_LIST(R, endpoints, endpoint_count, "endpoints", FIELD_LIST, &endpoint_shape,
             VIEW_REPLAY_ENDPOINTS_MAX, "the endpoints most concerned"),
};
const struct shape view_replay_shape = SHAPE("Replay", struct view_replay, replay_fields, NULL);
