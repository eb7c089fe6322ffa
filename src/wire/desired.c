#include "wire/desired.h"

#include "wire/rule.h"

static const struct field removal_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_desired_removal, id),
};
static const struct shape removal_shape =
    SHAPE("desired_removal", struct wire_desired_removal, removal_fields, NULL);

static const struct field desired_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_desired, switch_name),
    F_UINT(FIELD_NEEDED, struct wire_desired, epoch),
    F_UINT(FIELD_NEEDED, struct wire_desired, generation),
    F_UINT(FIELD_OPTIONAL, struct wire_desired, base),
    F_BOOL(FIELD_OPTIONAL, struct wire_desired, is_last),
    F_BOOL(FIELD_OPTIONAL, struct wire_desired, is_suspended),
    F_LIST(FIELD_OPTIONAL, struct wire_desired, add, add_count, DESIRED_RULES_MAX,
           &wire_rule_shape),
    F_LIST(FIELD_OPTIONAL, struct wire_desired, remove, remove_count, DESIRED_RULES_MAX,
           &removal_shape),
};

const struct shape wire_desired_shape = SHAPE("desired", struct wire_desired, desired_fields, NULL);
