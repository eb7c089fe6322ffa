/* Parameters of questions about the policy: its texts, replay, trying events. */
#include <stddef.h>
#include <stdio.h>

#include "wire/detection.h"
#include "wire/op.h"
#include "wire/op_parts.h"
#include "wire/view_field.h"
#include "wire/view_replay.h"
#include "wire/view_system.h"

static const struct field policy_text_fields[] = {
    ROW_LINES(struct op_policy_text, text, "text", false, POLICY_TEXT_MAX, "a policy (YAML)"),
};
const struct shape op_policy_text_shape =
    SHAPE("PolicyText", struct op_policy_text, policy_text_fields, NULL);

static bool
check_replay(const void *thing, char why[128])
{
    if (((const struct op_replay *)thing)->days == 0) {
        snprintf(why, 128, "days must be at least 1");
        return false;
    }
    return true;
}

static const struct field replay_fields[] = {
    {.name = "days",
     .kind = FIELD_UINT,
     .at = offsetof(struct op_replay, days),
     .size = sizeof(uint32_t),
     .least = 1,
     .most = OP_REPLAY_DAYS_MAX,
     .about = "so many days back from now"},
    ROW_LINES(struct op_replay, policy, "policy", true, POLICY_TEXT_MAX,
              "a draft (YAML); absent: the running policy"),
    ROW_ENUM(struct op_replay, assume, "assume", true, replay_assume_names,
             "auto: as if networks and policies were in mode auto; auto_everywhere: also without "
             "roll-out rules and maintenance windows"),
};
const struct shape op_replay_shape =
    SHAPE("ReplayRequest", struct op_replay, replay_fields, check_replay);

static const char *const outcome_filter_names[] = {"any",      "contained", "held", "observed",
                                                   "notified", "nothing",   NULL};
static const struct field replay_list_fields[] = {
    PAGE_ROWS(struct op_replay_list, page),
    ROW(struct op_replay_list, id, "id", FIELD_TEXT, "the job's id"),
    ROW_ENUM(struct op_replay_list, outcome, "outcome", true, outcome_filter_names,
             "only these; see ReplayDecision"),
    ROW_OPT(struct op_replay_list, endpoint, "endpoint", FIELD_TEXT,
            "only about the endpoint with this id"),
};
const struct shape op_replay_list_shape =
    SHAPE("ReplayFilter", struct op_replay_list, replay_list_fields, NULL);

static bool
check_policy_save(const void *thing, char why[128])
{
    const struct op_policy_save *save = thing;
    if (save->base == 0) {
        snprintf(why, 128, "base_revision must name the revision that the text was made from");
        return false;
    }
    return op_reason_given(save->reason, why);
}

static const struct field policy_save_fields[] = {
    ROW_LINES(struct op_policy_save, text, "text", false, POLICY_TEXT_MAX, "the policy (YAML)"),
    ROW(struct op_policy_save, reason, "reason", FIELD_TEXT, "why, for the audit"),
    ROW(struct op_policy_save, base, "base_revision", FIELD_UINT,
        "the revision that the text was made from: 409 where another one runs by now"),
    ROW_OPT(struct op_policy_save, overwrites, "overwrite_file", FIELD_BOOL,
            "true: the policy file is written even where it was changed by hand; with the running "
            "text, only the file is written"),
};
const struct shape op_policy_save_shape =
    SHAPE("PolicySave", struct op_policy_save, policy_save_fields, check_policy_save);

static bool
check_policy_restore(const void *thing, char why[128])
{
    return op_reason_given(((const struct op_policy_restore *)thing)->reason, why);
}

static const struct field policy_restore_fields[] = {
    ROW(struct op_policy_restore, id, "id", FIELD_TEXT, "number of the revision"),
    ROW(struct op_policy_restore, reason, "reason", FIELD_TEXT, "why, for the audit"),
    ROW_OPT(struct op_policy_restore, base, "base_revision", FIELD_UINT,
            "refuse where another revision runs by now; absent: whichever runs"),
};
const struct shape op_policy_restore_shape =
    SHAPE("PolicyRestore", struct op_policy_restore, policy_restore_fields, check_policy_restore);

static const struct field test_line_fields[] = {
    ROW(struct op_test_line, line, "line", FIELD_UINT, "number of the line, from 1"),
    ROW_SUB(struct op_test_line, detection, "detection", FIELD_POINTER, &wire_detection_shape,
            "as parsed"),
    ROW_OPT(struct op_test_line, why, "why", FIELD_TEXT, "why it is no detection"),
};
static const struct shape test_line_shape =
    SHAPE("ParsedLine", struct op_test_line, test_line_fields, NULL);
static const struct field test_fields[] = {
    ROW_LIST(struct op_test, lines, line_count, "lines", FIELD_LIST, &test_line_shape,
             TEST_LINES_MAX, "parsed lines"),
    ROW_OPT(struct op_test, assumes, "assume", FIELD_BOOL, "see TestLines"),
    ROW_OPT(struct op_test, run, "run", FIELD_TEXT, "see TestLines"),
    ROW_OPT(struct op_test, is_last, "last", FIELD_BOOL, "see TestLines"),
    ROW_LINES(struct op_test, policy, "policy", true, POLICY_TEXT_MAX, "see TestLines"),
};
const struct shape op_test_shape = SHAPE("ParsedLines", struct op_test, test_fields, NULL);
