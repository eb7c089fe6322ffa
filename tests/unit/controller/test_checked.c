/* What a person had looked at and left ("checked"): it stays left for what there was to see, and
 * keeps nobody from what is seen later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scene.h"

static const char policy[] =
    "networks:\n"
    "  - {name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}\n"
    "  - {name: asked, prefixes: [10.2.0.0/16], mode: approve, home: true}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100}\n"
    "defaults: {incident_s: 7200}\n"
    "policies:\n"
    "  - name: beacons\n"
    "    when: {phases: [c2]}\n"
    "    then: [{action: isolate}]\n"
    "  - name: sweeps\n"
    "    when: {phases: [lateral_movement]}\n"
    "    both_inside: source\n"
    "    then: [{action: isolate}]\n";

static int
setup(void **state)
{
    struct campus *campus = scene_new(policy);
    campus_client(campus, "e1", "p3", 3, "10.2.0.3", "c3");
    *state = campus;
    return 0;
}

static void
detect(struct campus *campus, const char *ip, enum phase phase, enum strength strength)
{
    DETECT(campus, ip, phase, SEVERITY_HIGH, strength);
}

static void
check(struct campus *campus)
{
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
    scene_judge(campus, scene_only(campus)->id, VERDICT_CHECK, WISH_DONE);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
}

static void
test_the_same_evidence_asks_nobody_again(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    for (int i = 0; i < 5; i++) {
        campus_pass(campus, HOUR);
        detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    }
}

static void
test_evidence_without_doubt_contains(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_STRONG);
    assert_true(campus_has_mark(scene_only(campus), "enforce"));
    assert_true(scene_drops(campus, 2));
}

static void
test_another_policys_evidence_contains_also_after_a_restart(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    campus_pass(campus, 6000000); /* who is where is written behind */
    campus_restart(campus);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    detect(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 2));
}

/* In mode approve nothing is ever without a person: he is asked once for each policy. */
static void
test_another_policys_evidence_asks_again_once(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    detect(campus, "10.2.0.3", PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(scene_only(campus)->hold, HOLD_MODE);
    assert_true(campus_has_mark(scene_only(campus), "ask"));
    check(campus);
    for (int i = 0; i < 5; i++) {
        campus_pass(campus, HOUR);
        detect(campus, "10.2.0.3", i % 2 ? PHASE_C2 : PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    }
    assert_false(scene_drops(campus, 3));
}

static void
test_another_incident_asks_again(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    campus_pass(campus, 3 * HOUR); /* the first incident is over */
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
    assert_non_null(controller_incident(campus->controller, scene_only(campus)->incident_id));
    check(campus);
    for (int i = 0; i < 3; i++) { /* asked about this one once */
        campus_pass(campus, HOUR / 4);
        detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    }
}

/* What a person left, though nothing was doubtful, he left knowing that; that policy may act by
 * itself from now on is no more evidence.  The next incident is policy's. */
static void
test_what_was_left_stays_left_when_its_network_becomes_auto(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    scene_change_policy(campus, policy, "mode: approve", "mode: auto");
    for (int i = 0; i < 3; i++) {
        campus_pass(campus, MINUTE);
        detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    }
    campus_pass(campus, 3 * HOUR); /* that incident is over */
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 3));
}

/* ... and so is what he had not seen. */
static void
test_more_than_was_left_contains_when_its_network_is_auto(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    scene_change_policy(campus, policy, "mode: approve", "mode: auto");
    detect(campus, "10.2.0.3", PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 3));
}

/* A person left it for its doubt: without that, and in mode auto, it is contained. */
static void
test_what_was_left_for_a_doubt_is_contained_when_its_network_becomes_auto(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    scene_change_policy(campus, policy, "mode: approve", "mode: auto");
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_WEAK);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_CHECKED);
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 3));
}

/* By hand it can be contained beside the checked one; then that counts as the same. */
static void
test_what_is_in_force_comes_before_what_was_checked(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(2)};
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(scene_wish(campus, &wish).result, WISH_EXISTS);
        detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_STRONG);
        assert_int_equal(controller_containment_count(campus->controller), 2);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_the_same_evidence_asks_nobody_again),
        CASE(test_evidence_without_doubt_contains),
        CASE(test_another_policys_evidence_contains_also_after_a_restart),
        CASE(test_another_policys_evidence_asks_again_once),
        CASE(test_another_incident_asks_again),
        CASE(test_what_was_left_stays_left_when_its_network_becomes_auto),
        CASE(test_more_than_was_left_contains_when_its_network_is_auto),
        CASE(test_what_was_left_for_a_doubt_is_contained_when_its_network_becomes_auto),
        CASE(test_what_is_in_force_comes_before_what_was_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
