/* What a person had looked at and left ("checked"): it stays left for what there was to see, and
 * keeps nobody from what is seen later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"

#define HOUR INT64_C(3600000000)

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
    struct campus *campus = calloc(1, sizeof(*campus));
    campus_open(campus);
    campus->policy_text = policy;
    campus_restart(campus);
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(campus, "e1", "p3", 3, "10.2.0.3", "c3");
    *state = campus;
    return 0;
}

static int
teardown(void **state)
{
    campus_close(*state);
    free(*state);
    return 0;
}

static void
detect(struct campus *campus, const char *ip, enum phase phase, enum strength strength)
{
    static unsigned number;
    struct detection detection = {.seen_us = campus->clock.wall_now_us,
                                  .first_us = campus->clock.wall_now_us,
                                  .reported_us = campus->clock.wall_now_us,
                                  .phase = phase,
                                  .severity = SEVERITY_HIGH,
                                  .confidence = 90,
                                  .protocol = 6,
                                  .handshake = true,
                                  .strength = strength,
                                  .suspect = PARTY_SRC};
    snprintf(detection.id, sizeof(detection.id), "d-%u", ++number);
    snprintf(detection.sensor, sizeof(detection.sensor), "ids");
    snprintf(detection.signature, sizeof(detection.signature), "%s", phase_names[phase]);
    detection.src.ip = campus_ip(ip);
    detection.dst.ip = campus_ip(phase == PHASE_C2 ? "198.51.100.9" : "10.1.0.77");
    detection.dst.port = 443;
    controller_detection(campus->controller, &detection, NULL, NULL);
    campus_settle(campus);
}

static const struct containment *
only(const struct campus *campus)
{
    assert_int_equal(controller_containment_count(campus->controller), 1);
    return controller_containment_at(campus->controller, 0);
}

static void
check(struct campus *campus)
{
    struct wish_answer answer = {0};
    assert_int_equal(only(campus)->state, CONTAINMENT_PENDING);
    controller_judge(campus->controller, only(campus)->id, VERDICT_CHECK, "operator:ann",
                     "looks harmless", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
}

static bool
drops(struct campus *campus, uint8_t mac)
{
    struct mac whom = campus_mac(mac);
    return dummy_drops(campus->switches[0].device, "p9", &whom, NULL);
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
        assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
    }
}

static void
test_evidence_without_doubt_contains(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_STRONG);
    assert_true(campus_has_mark(only(campus), "enforce"));
    assert_true(drops(campus, 2));
}

static void
test_another_policys_evidence_contains_also_after_a_restart(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    campus_pass(campus, 6000000); /* who is where is written behind */
    campus_restart(campus);
    assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
    detect(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
    assert_true(drops(campus, 2));
}

/* In mode approve nothing is ever without a person: he is asked once for each policy. */
static void
test_another_policys_evidence_asks_again_once(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
    detect(campus, "10.2.0.3", PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
    assert_int_equal(only(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(only(campus)->hold, HOLD_MODE);
    assert_true(campus_has_mark(only(campus), "ask"));
    check(campus);
    for (int i = 0; i < 5; i++) {
        campus_pass(campus, HOUR);
        detect(campus, "10.2.0.3", i % 2 ? PHASE_C2 : PHASE_LATERAL_MOVEMENT, STRENGTH_STRONG);
        assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
    }
    assert_false(drops(campus, 3));
}

static void
test_another_incident_asks_again(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    check(campus);
    campus_pass(campus, 3 * HOUR); /* the first incident is over */
    detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
    assert_int_equal(only(campus)->state, CONTAINMENT_PENDING);
    assert_non_null(controller_incident(campus->controller, only(campus)->incident_id));
    check(campus);
    for (int i = 0; i < 3; i++) { /* asked about this one once */
        campus_pass(campus, HOUR / 4);
        detect(campus, "10.2.0.3", PHASE_C2, STRENGTH_STRONG);
        assert_int_equal(only(campus)->state, CONTAINMENT_CHECKED);
    }
}

/* By hand it can be contained beside the checked one; then that counts as the same. */
static void
test_what_is_in_force_comes_before_what_was_checked(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    struct wish wish = {.action = ACTION_ISOLATE,
                        .mac = campus_mac(2),
                        .reason = "by hand",
                        .account = "operator:ann"};
    detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_WEAK);
    check(campus);
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    for (int i = 0; i < 2; i++) {
        controller_wish(campus->controller, &wish, campus_answer, &answer);
        campus_settle(campus);
        assert_int_equal(answer.result, WISH_EXISTS);
        detect(campus, "10.1.0.2", PHASE_C2, STRENGTH_STRONG);
        assert_int_equal(controller_containment_count(campus->controller), 2);
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_the_same_evidence_asks_nobody_again),
        CASE(test_evidence_without_doubt_contains),
        CASE(test_another_policys_evidence_contains_also_after_a_restart),
        CASE(test_another_policys_evidence_asks_again_once),
        CASE(test_another_incident_asks_again),
        CASE(test_what_is_in_force_comes_before_what_was_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
