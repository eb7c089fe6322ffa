/* What was doubtful is certain by now, and policy cannot enforce it all the same: that is shown
 * where it waits, and told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "controller/ask/ask.h"
#include "controller/ask/ask_call.h"
#include "scene.h"
#include "wire/said.h"
#include "wire/view_containment.h"

static const char policy[] =
    "networks: [{name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}]\n"
    "budgets: {per_minute: 1, per_hour: 10, network_percent: 100, switch_percent: 100}\n"
    "protected: [{name: printer, addresses: [10.1.0.250]}]\n"
    "policies:\n"
    "  - name: beacons\n"
    "    when: {phases: [c2]}\n"
    "    then: [{action: isolate}]\n";

static int
setup(void **state)
{
    struct campus *campus = scene_new(policy);
    campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
    campus_pass(campus, 6 * SECOND); /* who is where is written behind */
    *state = campus;
    return 0;
}

static void
assert_refused(struct campus *campus, const struct containment *c, const char *why)
{
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_non_null(c->refused);
    assert_non_null(strstr(c->refused, why));
    cJSON *view = ask_view_containment(campus->controller, c);
    said_add(&view_containment_shape, view);
    const char *shown = cJSON_GetStringValue(cJSON_GetObjectItem(view, "refused"));
    assert_string_equal(shown, c->refused);
    assert_non_null(cJSON_GetObjectItem(view, "refused_since"));
    assert_non_null(cJSON_GetObjectItem(view, "refused_said"));
    cJSON_Delete(view);
}

/* The doubtful and the certain one come together; before they are on the disk it is protected. */
static void
test_a_confirmation_that_is_refused_is_shown(void **state)
{
    struct campus *campus = *state;
    struct detection detection;
    static const enum strength strengths[] = {STRENGTH_WEAK, STRENGTH_STRONG};
    for (size_t i = 0; i < COUNT_OF(strengths); i++) {
        const struct seen seen = {"10.1.0.2", PHASE_C2, SEVERITY_HIGH, strengths[i]};
        scene_detection(campus, &seen, &detection);
        controller_detection(campus->controller, &detection, NULL, NULL);
    }
    scene_change_policy(campus, policy, "10.1.0.250", "10.1.0.2");
    assert_false(scene_drops(campus, 2));
    assert_refused(campus, scene_only(campus), "protected");
    int64_t since_us = scene_only(campus)->refused_us;
    assert_int_equal(since_us, campus->clock.wall_now_us - SECOND); /* which a new policy takes */
    campus_pass(campus, MINUTE);
    campus_restart(campus);
    assert_refused(campus, scene_only(campus), "protected");
    assert_int_equal(scene_only(campus)->refused_us, since_us);
    /* What can be enforced is not shown as refused any more. */
    scene_set_policy(campus, policy);
    scene_judge(campus, scene_only(campus)->id, VERDICT_ENFORCE, WISH_DONE);
    assert_true(scene_drops(campus, 2));
    assert_null(scene_only(campus)->refused);
}

static void
test_a_spent_budget_is_shown_on_what_was_doubtful(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, SECOND);
    assert_true(scene_drops(campus, 2));
    DETECT(campus, "10.1.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_null(campus_newest(campus)->refused);
    const char *id = campus_newest(campus)->id;
    DETECT(campus, "10.1.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    const struct containment *c = controller_find(campus->controller, id);
    assert_int_equal(c->hold, HOLD_WEAK);
    assert_refused(campus, c, "");
    campus_pass(campus, 30 * SECOND);
    assert_refused(campus, c, "within a minute");
    campus_pass(campus, MINUTE); /* there is room again */
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    DETECT(campus, "10.1.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, SECOND);
    assert_true(scene_drops(campus, 3));
    assert_null(c->refused);
    assert_int_equal(c->refused_us, 0);
}

static void
test_a_doubtful_one_that_is_protected_since_is_shown_so(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    scene_change_policy(campus, policy, "10.1.0.250", "10.1.0.2");
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_refused(campus, scene_only(campus), "protected");
}

/* Nor is it enforced by that alone. */
static void
test_what_refused_it_and_is_gone_keeps_nobody(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    scene_change_policy(campus, policy, "10.1.0.250", "10.1.0.2");
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_refused(campus, scene_only(campus), "protected");
    unsigned notices = campus->notice_count;
    scene_set_policy(campus, policy);
    campus_pass(campus, 2 * SECOND);
    for (int i = 0; i < 2; i++) {
        assert_refused(campus, scene_only(campus), "protected");
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        assert_false(scene_drops(campus, 2));
        campus_restart(campus);
    }
    assert_int_equal(campus->notice_count, notices);
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, SECOND);
    assert_true(scene_drops(campus, 2));
    assert_null(scene_only(campus)->refused);
    assert_int_equal(scene_only(campus)->refused_us, 0);
}

/* Policy does not want to enforce it by itself any more, and a person could: nothing refuses it. */
static void
test_what_is_left_to_a_person_is_not_shown_as_refused(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    scene_change_policy(campus, policy, "10.1.0.250", "10.1.0.2");
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_refused(campus, scene_only(campus), "protected");
    scene_change_policy(campus, policy, "mode: auto", "mode: approve");
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_refused(campus, scene_only(campus), "protected"); /* that one says nothing of it */
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, 2 * SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        assert_null(scene_only(campus)->refused);
        assert_int_equal(scene_only(campus)->refused_us, 0);
        campus_restart(campus);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_confirmation_that_is_refused_is_shown),
        CASE(test_a_spent_budget_is_shown_on_what_was_doubtful),
        CASE(test_a_doubtful_one_that_is_protected_since_is_shown_so),
        CASE(test_what_refused_it_and_is_gone_keeps_nobody),
        CASE(test_what_is_left_to_a_person_is_not_shown_as_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
