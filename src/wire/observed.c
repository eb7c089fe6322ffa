#include "wire/observed.h"

#include "wire/rule.h"

static const struct field observed_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_observed, switch_name),
    F_UINT(FIELD_OPTIONAL, struct wire_observed, epoch),
    F_UINT(FIELD_OPTIONAL, struct wire_observed, generation),
    F_UINT(FIELD_OPTIONAL, struct wire_observed, request),
    F_BOOL(FIELD_OPTIONAL, struct wire_observed, is_full),
    F_BOOL(FIELD_OPTIONAL, struct wire_observed, is_last),
    F_BOOL(FIELD_OPTIONAL, struct wire_observed, needs_snapshot),
    F_BOOL(FIELD_OPTIONAL, struct wire_observed, is_suspended),
    F_TEXT(FIELD_OPTIONAL, struct wire_observed, refused),
    F_TEXT(FIELD_OPTIONAL, struct wire_observed, problem),
    F_UINT(FIELD_OPTIONAL, struct wire_observed, repaired),
    F_INT(FIELD_OPTIONAL, struct wire_observed, applied_us),
    F_LIST(FIELD_OPTIONAL, struct wire_observed, rules, rule_count, OBSERVED_RULES_MAX,
           &wire_rule_report_shape),
};

const struct shape wire_observed_shape =
    SHAPE("observed", struct wire_observed, observed_fields, NULL);
