#include "wire/observed.h"

#include <string.h>

#include "base/mem.h"
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
    F_BOOL(FIELD_OPTIONAL, struct wire_observed, is_suspended_here),
    F_TEXT(FIELD_OPTIONAL, struct wire_observed, refused),
    F_TEXT(FIELD_OPTIONAL, struct wire_observed, problem),
    F_UINT(FIELD_OPTIONAL, struct wire_observed, repaired),
    F_INT(FIELD_OPTIONAL, struct wire_observed, applied_us),
    F_TEXT(FIELD_OPTIONAL, struct wire_observed, sum),
    F_LIST(FIELD_OPTIONAL, struct wire_observed, rules, rule_count, OBSERVED_RULES_MAX,
           &wire_rule_report_shape),
    F_LIST(FIELD_OPTIONAL, struct wire_observed, held, held_count, OBSERVED_HELD_MAX,
           &wire_rule_shape),
};

const struct shape wire_observed_shape =
    SHAPE("observed", struct wire_observed, observed_fields, NULL);

bool
observed_is_block(const struct rule *rule)
{
    return rule->kind == RULE_ISOLATE || rule->kind == RULE_HOLD_PORT ||
           rule->kind == RULE_BLOCK_PAIR || rule->kind == RULE_BLOCK_SERVER;
}

void
observed_copy(struct wire_observed *to, const struct wire_observed *from)
{
    *to = *from;
    to->rules = from->rule_count ? mem_new(from->rule_count, sizeof(*to->rules)) : NULL;
    to->held = from->held_count ? mem_new(from->held_count, sizeof(*to->held)) : NULL;
    if (from->rule_count > 0) {
        memcpy(to->rules, from->rules, from->rule_count * sizeof(*to->rules));
    }
    for (size_t i = 0; i < from->held_count; i++) {
        rule_copy(&to->held[i], &from->held[i]);
    }
}

void
observed_join(struct wire_observed *whole, const struct wire_observed *part)
{
    struct rule_report *rules = whole->rules;
    struct rule *held = whole->held;
    size_t rule_count = whole->rule_count, held_count = whole->held_count;
    if (part->rule_count > 0) {
        rules = mem_resize(rules, rule_count + part->rule_count, sizeof(*rules));
        memcpy(&rules[rule_count], part->rules, part->rule_count * sizeof(*rules));
    }
    if (part->held_count > 0) {
        held = mem_resize(held, held_count + part->held_count, sizeof(*held));
    }
    for (size_t i = 0; i < part->held_count; i++) {
        rule_copy(&held[held_count + i], &part->held[i]);
    }
    *whole = *part;
    whole->rules = rules;
    whole->rule_count = rule_count + part->rule_count;
    whole->held = held;
    whole->held_count = held_count + part->held_count;
}
