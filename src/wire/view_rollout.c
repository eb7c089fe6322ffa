#include "wire/view_rollout.h"

#include "wire/view_field.h"

#define WORDS(member, count, about_) ROW_TEXTS(struct whom, member, count, #member, about_)
static const struct field whom_fields[] = {
    WORDS(sites, site_count, "names of sites"),
    WORDS(networks, network_count, "names of networks"),
    WORDS(switches, switch_count, "switches, with '*' and '?'"),
    WORDS(ports, port_count, "SWITCH/PORT, with '*' and '?'"),
    WORDS(classes, class_count, "classes of endpoints"),
    WORDS(groups, group_count, "groups of the policy file"),
};
static const struct shape whom_shape = SHAPE("Whom", struct whom, whom_fields, NULL);

static const struct field site_fields[] = {
    ROW(struct view_site, name, "name", FIELD_TEXT, "its name"),
    ROW_TEXTS(struct view_site, switches, switch_count, "switches", "with '*' and '?'"),
};
static const struct shape site_shape = SHAPE("Site", struct view_site, site_fields, NULL);

static const struct field rule_fields[] = {
    ROW(struct view_rule, name, "name", FIELD_TEXT, "its name"),
    ROW_ENUM(struct view_rule, mode, "mode", false, mode_names, "what holds for its endpoints"),
    ROW_SUB(struct view_rule, when, "when", FIELD_OBJECT, &whom_shape,
            "for whom: each kind that has words must match, by any one of them"),
    ROW(struct view_rule, endpoints, "endpoints", FIELD_UINT,
        "for so many it is the first that matches, now"),
};
static const struct shape rule_shape = SHAPE("RolloutRule", struct view_rule, rule_fields, NULL);

static const struct field window_fields[] = {
    ROW(struct view_window, name, "name", FIELD_TEXT, "its name"),
    ROW_ENUM(struct view_window, mode, "mode", false, mode_names,
             "nobody in it is treated less carefully"),
    ROW_SUB(struct view_window, when, "when", FIELD_OBJECT, &whom_shape, "for whom"),
    ROW_TEXTS(struct view_window, days, day_count, "days",
              "on which it begins, every week: mon to sun; none: it is once"),
    ROW(struct view_window, from, "from", FIELD_TEXT, "time of day; or when, where it is once"),
    ROW(struct view_window, to, "to", FIELD_TEXT, "likewise; not after 'from': on the next day"),
    ROW_OPT(struct view_window, time_zone, "time_zone", FIELD_TEXT,
            "whose clocks count; absent: this machine's"),
    ROW(struct view_window, is_in_force, "in_force", FIELD_BOOL, "now"),
    ROW_OPT(struct view_window, change_us, "until", FIELD_TIME,
            "when that changes: ends, or begins; absent: never (again)"),
    ROW_OPT(struct view_window, endpoints, "endpoints", FIELD_UINT,
            "so many are or may be in it; only in the roll-out"),
};
const struct shape view_window_shape =
    SHAPE("MaintenanceWindow", struct view_window, window_fields, NULL);

#define MODES_ROWS                                                                                 \
    ROW(struct view_modes, name, "name", FIELD_TEXT, "of what; empty: none of them"),              \
        ROW(struct view_modes, observe, "observe", FIELD_UINT, "endpoints in mode observe now"),   \
        ROW(struct view_modes, approve, "approve", FIELD_UINT, "in mode approve"),                 \
        ROW(struct view_modes, automatic, "auto", FIELD_UINT, "in mode auto")
static const struct field network_fields[] = {
    MODES_ROWS,
    ROW_ENUM(struct view_modes, mode, "mode", false, mode_names,
             "as declared for the network; roll-out rules may say otherwise"),
};
static const struct shape network_shape =
    SHAPE("NetworkModes", struct view_modes, network_fields, NULL);
static const struct field modes_fields[] = {MODES_ROWS};
static const struct shape modes_shape = SHAPE("ModeCounts", struct view_modes, modes_fields, NULL);

static const struct field rollout_fields[] = {
    ROW(struct view_rollout, at_us, "at", FIELD_TIME, "when it was counted"),
    ROW(struct view_rollout, endpoints, "endpoints", FIELD_UINT, "all that are known"),
    ROW(struct view_rollout, doubtful, "doubtful", FIELD_UINT,
        "treated more carefully, because nobody knows on which port they are"),
    ROW_ENUM(struct view_rollout, default_mode, "default_mode", false, mode_names,
             "where neither a rule nor a network says"),
    ROW_LIST(struct view_rollout, sites, site_count, "sites", FIELD_LIST, &site_shape,
             VIEW_SITES_MAX, "declared sites"),
    ROW_LIST(struct view_rollout, rules, rule_count, "rules", FIELD_LIST, &rule_shape,
             VIEW_RULES_MAX, "roll-out rules: the first that matches counts"),
    ROW_LIST(struct view_rollout, windows, window_count, "maintenance", FIELD_LIST,
             &view_window_shape, VIEW_WINDOWS_MAX, "maintenance windows"),
    ROW_LIST(struct view_rollout, networks, network_count, "by_network", FIELD_LIST, &network_shape,
             VIEW_NETWORKS_MAX, "endpoints by network"),
    ROW_LIST(struct view_rollout, classes, class_count, "by_class", FIELD_LIST, &modes_shape,
             VIEW_CLASSES_MAX, "endpoints by class"),
    ROW_LIST(struct view_rollout, places, place_count, "by_site", FIELD_LIST, &modes_shape,
             VIEW_SITES_MAX + 1, "endpoints by site"),
};
const struct shape view_rollout_shape = SHAPE("Rollout", struct view_rollout, rollout_fields, NULL);
