#include "wire/view_budget.h"

#include "wire/view_field.h"

static const char *const share_kinds[] = {"network", "switch", NULL};

static const struct field share_fields[] = {
    ROW_ENUM(struct view_share, kind, "kind", false, share_kinds, "of what"),
    ROW(struct view_share, name, "name", FIELD_TEXT, "network or switch"),
    ROW(struct view_share, contained, "contained", FIELD_UINT, "endpoints isolated there now"),
    ROW_OPT(struct view_share, population, "population", FIELD_UINT,
            "endpoints known there; absent: not counted yet"),
    ROW_OPT(struct view_share, most, "most", FIELD_UINT,
            "so many may be isolated without a person; absent: not known"),
};
static const struct shape share_shape = SHAPE("BudgetShare", struct view_share, share_fields, NULL);

static const struct field storm_fields[] = {
    ROW(struct view_storm, since_us, "since", FIELD_TIME, "when the first was held"),
    ROW(struct view_storm, last_us, "last", FIELD_TIME, "when the last was held"),
    ROW(struct view_storm, held, "held", FIELD_UINT, "isolations held for a person since then"),
};
static const struct shape storm_shape = SHAPE("Storm", struct view_storm, storm_fields, NULL);

static const struct field budget_fields[] = {
    ROW(struct view_budget, minute, "minute", FIELD_UINT,
        "endpoints that policy isolated by itself within the last minute"),
    ROW(struct view_budget, per_minute, "per_minute", FIELD_UINT, "of so many"),
    ROW(struct view_budget, hour, "hour", FIELD_UINT, "within the last hour"),
    ROW(struct view_budget, per_hour, "per_hour", FIELD_UINT, "of so many"),
    ROW(struct view_budget, gathered, "gathered", FIELD_UINT,
        "endpoints that wait a moment, so that the most confident go first"),
    ROW(struct view_budget, network_percent, "network_percent", FIELD_UINT,
        "most of a network's endpoints that may be isolated at once"),
    ROW(struct view_budget, switch_percent, "switch_percent", FIELD_UINT, "of a switch's"),
    ROW_SUB(struct view_budget, storm, "storm", FIELD_POINTER, &storm_shape,
            "more is to be isolated than the budget allows; absent: no storm"),
    ROW_LIST(struct view_budget, shares, share_count, "shares", FIELD_LIST, &share_shape,
             VIEW_SHARES_MAX, "networks and switches on which something is isolated"),
};
const struct shape view_budget_shape = SHAPE("Budgets", struct view_budget, budget_fields, NULL);

static const struct field conflict_fields[] = {
    ROW_OPT(struct view_conflict, endpoint_id, "endpoint_id", FIELD_TEXT,
            "about whom; absent: about a port"),
    ROW_OPT(struct view_conflict, host_name, "host_name", FIELD_TEXT, "what it says it is called"),
    ROW_OPT(struct view_conflict, mac, "mac", FIELD_MAC, "its first MAC"),
    ROW_OPT(struct view_conflict, switch_name, "switch", FIELD_TEXT, "where it is taken to be"),
    ROW_OPT(struct view_conflict, port, "port", FIELD_TEXT, "on which port"),
    ROW_SAID(struct view_conflict, why, "why", "", "what contradicts what"),
    ROW(struct view_conflict, first_us, "first", FIELD_TIME, "seen first"),
    ROW(struct view_conflict, last_us, "last", FIELD_TIME, "seen last"),
    ROW(struct view_conflict, times, "times", FIELD_UINT, "how often"),
    ROW(struct view_conflict, is_now, "now", FIELD_BOOL, "its place is in doubt now"),
    ROW(struct view_conflict, is_contained, "contained", FIELD_BOOL, "it is contained"),
};
const struct shape view_conflict_shape =
    SHAPE("Conflict", struct view_conflict, conflict_fields, NULL);
