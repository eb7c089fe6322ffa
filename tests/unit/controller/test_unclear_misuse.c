/* Whose an address was is learnt after the detection (test_unclear.c): nobody makes that another
 * one's, nothing counts twice by it, and what a person said in between stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controller/lifecycle.h"
#include "policy/budget.h"
#include "scene.h"

#define MS (SECOND / 1000)

static const char policy[] =
    "networks:\n"
    "  - {name: auto, prefixes: [10.1.0.0/16, '2001:db8:1::/64'], mode: auto, home: true}\n"
    "  - {name: asked, prefixes: [10.2.0.0/16], mode: approve, home: true}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100}\n"
    "policies:\n"
    "  - name: beacons\n"
    "    when: {phases: [c2]}\n"
    "    then: [{action: isolate}]\n";

/* Of c7, which nobody knows at first, in each family. */
static const char *const addresses[] = {"10.1.0.7", "2001:db8:1::8c21:7"};

static int
setup(void **state)
{
    *state = scene_new(policy);
    return 0;
}

/* c7 is on p3, c8 on p4; by ARP, or ND, where duplicate address detection comes first. */
static void
takes(struct campus *campus, uint8_t mac, const char *ip)
{
    struct fact fact = {.kind = FACT_BINDING, .mac = campus_mac(mac), .ip = campus_ip(ip)};
    fact.source = ip_is_v4(&fact.ip) ? BINDING_ARP : BINDING_ND;
    snprintf(fact.port, sizeof(fact.port), "p%d", mac % 2 ? 3 : 4);
    campus_fact(campus, "e1", &fact);
}

/* What its DHCP server answers comes by the uplink, and says nothing about where it is. */
static void
lease(struct campus *campus)
{
    struct fact fact = {.kind = FACT_LEASE,
                        .source = BINDING_DHCP4,
                        .port = "ul",
                        .mac = campus_mac(7),
                        .ip = campus_ip(addresses[0]),
                        .lease_s = 7200};
    campus_fact(campus, "e1", &fact);
}

static void
long_after(struct campus *campus, int64_t us)
{
    clock_fake_advance(&campus->clock, us);
    campus_pass(campus, 3 * SECOND);
}

static void
detect(struct campus *campus, const char *ip)
{
    DETECT(campus, ip, PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
}

/* By our own sensor: a handshake that c7's own MAC began. */
static void
own_detect(struct campus *campus, const char *ip)
{
    struct detection detection;
    const struct seen seen = {ip, PHASE_C2, SEVERITY_HIGH, STRENGTH_UNRATED};
    scene_detection(campus, &seen, &detection);
    snprintf(detection.maker, sizeof(detection.maker), "cordon");
    detection.src.mac = campus_mac(7);
    detection.dst.mac = campus_mac(99);
    controller_detection(campus->controller, &detection, NULL, NULL);
    campus_settle(campus);
}

static void
sight(struct campus *campus)
{
    struct fact fact = {.kind = FACT_MAC, .port = "p3", .mac = campus_mac(7)};
    campus_fact(campus, "e1", &fact);
}

/* ---- who tries to have another contained ---- */

/* So many addresses that its older ones are forgotten. */
static void
takes_many(struct campus *campus, uint8_t mac)
{
    for (int i = 0; i < ENDPOINT_BINDINGS_MAX + 2; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "10.1.9.%d", i);
        takes(campus, mac, ip);
    }
}

/* c8 has it for a moment, lets c7 take it when that one comes up, and has itself forgotten there.
 */
static void
test_whoever_has_himself_forgotten_leaves_no_other_to_be_contained(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        struct detection detection;
        const struct seen seen = {addresses[i], PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG};
        takes(campus, 8, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        scene_detection(campus, &seen, &detection);
        campus_pass(campus, 2 * SECOND);
        takes(campus, 7, addresses[i]);
        campus_pass(campus, SECOND);
        controller_detection(campus->controller, &detection, NULL, NULL); /* late */
        campus_settle(campus);
        campus_pass(campus, 5 * SECOND);
        takes_many(campus, 8);
        campus_pass(campus, MINUTE);
        assert_false(scene_drops(campus, 7));
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* The same with one that was silent for so long that nobody is sure of it. */
static void
test_whoever_was_silent_and_has_himself_forgotten(void **state)
{
    struct campus *campus = *state;
    takes(campus, 8, addresses[0]);
    long_after(campus, 5 * HOUR);
    detect(campus, addresses[0]);
    takes_many(campus, 8);
    campus_pass(campus, SECOND);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, MINUTE);
    assert_false(scene_drops(campus, 7));
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
}

/* c7 has it, which nobody knows; c8 probes for it, and is told at once that it is taken. */
static void
test_a_probe_that_is_answered_contains_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 500 * MS);
        takes(campus, 8, addresses[i]);
        clock_fake_advance(&campus->clock, 100 * MS);
        takes(campus, 7, addresses[i]);
        campus_pass(campus, MINUTE);
        takes_many(campus, 8); /* it has itself forgotten there: c7 is no surer by that */
        campus_pass(campus, MINUTE);
        assert_false(scene_drops(campus, 7));
        assert_false(scene_drops(campus, 8));
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* The clock is set back: what is dated after the detection by the clock may seem to be before it.
 */
static void
test_whoever_takes_it_after_the_clock_was_set_back(void **state)
{
    static const int64_t backs[] = {3 * SECOND, MINUTE, 5 * MINUTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(backs); i++) {
        struct campus *campus = scene_new(policy);
        detect(campus, addresses[0]);
        campus_pass(campus, 20 * SECOND);
        campus->clock.wall_now_us -= backs[i];
        campus_pass(campus, backs[i] == MINUTE ? 37 * SECOND : SECOND);
        takes(campus, 7, addresses[0]);
        campus_pass(campus, 9 * MINUTE);
        assert_false(scene_drops(campus, 7));
        void *end = campus;
        campus_teardown(&end);
    }
}

static void
test_whoever_takes_it_after_the_clock_was_set_back_over_a_restart(void **state)
{
    struct campus *campus = *state;
    campus->boot_id = "a-boot";
    campus_restart(campus);
    detect(campus, addresses[0]);
    campus_pass(campus, 17 * SECOND);
    campus_stop(campus);
    campus->clock.wall_now_us -= 20 * SECOND;
    campus_start(campus);
    campus_pass(campus, SECOND);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 9 * MINUTE);
    assert_false(scene_drops(campus, 7));
}

/* Its finder's clock is ahead: who takes the address before that time comes had it not before. */
static void
test_whoever_takes_it_before_a_time_that_is_still_to_come(void **state)
{
    (void)state;
    for (int64_t at_us = 10 * SECOND; at_us <= 60 * SECOND; at_us += 12 * SECOND) {
        for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
            struct campus *campus = scene_new(policy);
            struct detection detection;
            const struct seen seen = {addresses[0], PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG};
            scene_detection(campus, &seen, &detection);
            detection.seen_us += MINUTE;
            controller_detection(campus->controller, &detection, NULL, NULL);
            campus_settle(campus);
            if (is_restarted) {
                campus_restart(campus);
            }
            campus_pass(campus, at_us);
            takes(campus, 7, addresses[0]);
            campus_pass(campus, 2 * MINUTE);
            assert_false(scene_drops(campus, 7));
            void *end = campus;
            campus_teardown(&end);
        }
    }
}

/* ---- once is once ---- */

static const char twice[] =
    "networks: [{name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}]\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100}\n"
    "policies:\n"
    "  - name: beacons\n"
    "    when: {phases: [c2], count: 2, within_s: 60}\n"
    "    then: [{action: isolate}]\n";

static void
test_one_detection_is_not_two_for_a_policy_that_counts(void **state)
{
    struct campus *campus = scene_new(twice);
    (void)state;
    lease(campus);
    own_detect(campus, addresses[0]);
    assert_int_equal(controller_containment_count(campus->controller), 0);
    clock_fake_advance(&campus->clock, 50 * MS);
    sight(campus);
    campus_pass(campus, 5 * SECOND);
    assert_int_equal(controller_containment_count(campus->controller), 0);
    own_detect(campus, addresses[0]);
    assert_int_equal(controller_containment_count(campus->controller), 1);
    void *end = campus;
    campus_teardown(&end);
}

static void
test_one_detection_of_who_was_silent_is_not_two_either(void **state)
{
    struct campus *campus = scene_new(twice);
    (void)state;
    takes(campus, 7, addresses[0]);
    long_after(campus, 5 * HOUR);
    detect(campus, addresses[0]);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 5 * SECOND);
    assert_int_equal(controller_containment_count(campus->controller), 0);
    void *end = campus;
    campus_teardown(&end);
}

/* ---- what was asked the first time is asked again ---- */

static void
test_what_bars_it_by_then_bars_it(void **state)
{
    static const struct {
        const char *text;
        bool is_asked;
        enum hold hold;
    } cases[] = {
        {"protected: [{name: ward, macs: ['02:00:00:00:00:07']}]\n", true, HOLD_PROTECTED},
        {"rollout: [{name: floor, when: {ports: [e1/p3]}, mode: observe}]\n", false, HOLD_NONE},
        {"rollout: [{name: floor, when: {ports: [e1/p3]}, mode: approve}]\n", true, HOLD_ROLLOUT},
        {"proxies: [10.1.0.7]\n", true, HOLD_UNRESOLVED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct campus *campus = scene_new(policy);
        char text[2048];
        detect(campus, addresses[0]);
        snprintf(text, sizeof(text), "%s%s", policy, cases[i].text);
        scene_set_policy(campus, text);
        takes(campus, 7, addresses[0]);
        campus_pass(campus, 3 * SECOND);
        assert_false(scene_drops(campus, 7));
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        if (cases[i].is_asked) {
            assert_int_equal(scene_only(campus)->hold, cases[i].hold);
        }
        void *end = campus;
        campus_teardown(&end);
    }
}

static void
test_nothing_of_it_is_enforced_in_a_panic(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {.calls = 0};
    detect(campus, addresses[0]);
    controller_panic(campus->controller, true, "operator:ann", "why", campus_answer, &answer);
    campus_settle(campus);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 5 * SECOND);
    assert_false(scene_drops(campus, 7));
    controller_panic(campus->controller, false, "operator:ann", "why", campus_answer, &answer);
    campus_pass(campus, 5 * SECOND);
    assert_true(scene_drops(campus, 7));
}

static void
test_it_spends_its_budget_once(void **state)
{
    struct campus *campus = *state;
    struct budget_use use;
    detect(campus, addresses[0]);
    engine_budget(controller_engine(campus->controller), &use);
    assert_int_equal(use.minute, 0);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 5 * SECOND);
    assert_true(scene_drops(campus, 7));
    engine_budget(controller_engine(campus->controller), &use);
    assert_int_equal(use.minute, 1);
}

/* A person is quicker, by a second. */
static void
test_what_a_person_enforced_meanwhile_is_done_once(void **state)
{
    struct campus *campus = *state;
    struct budget_use use;
    detect(campus, addresses[0]);
    takes(campus, 7, addresses[0]);
    scene_judge(campus, scene_only(campus)->id, VERDICT_ENFORCE, WISH_DONE);
    assert_true(scene_drops(campus, 7));
    campus_pass(campus, 5 * SECOND);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_VERIFIED);
    engine_budget(controller_engine(campus->controller), &use);
    assert_int_equal(use.minute, 0);
}

/* ---- a person's word in between ---- */

/* A person said no: whom it concerns is news, and he is asked once more; his word stands. */
static void
test_what_a_person_ended_is_not_done_without_his_word(void **state)
{
    static const char *const afters[] = {"revert", "enforce"};
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(afters); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%shold: {pending_s: 60, then: %s}\n", policy, afters[i / 2]);
        struct campus *campus = scene_new(text);
        detect(campus, addresses[0]);
        scene_judge(campus, scene_only(campus)->id, VERDICT_REVERT, WISH_DONE);
        clock_fake_advance(&campus->clock, 50 * MS);
        if (i % 2) {
            campus_restart(campus);
        }
        takes(campus, 7, addresses[0]);
        campus_pass(campus, 3 * SECOND);
        const struct containment *c = campus_newest(campus);
        assert_int_equal(c->state, CONTAINMENT_PENDING);
        assert_int_equal(c->hold, HOLD_GRACE);
        assert_string_equal(c->endpoint_id, campus_endpoint(campus, 7)->id);
        campus_pass(campus, 2 * MINUTE);
        assert_false(scene_drops(campus, 7));
        void *end = campus;
        campus_teardown(&end);
    }
}

/* First its address becomes known, and its place later: the word stands both times. */
static void
test_what_a_person_ended_is_not_done_when_its_place_is_known(void **state)
{
    struct campus *campus = *state;
    own_detect(campus, addresses[0]);
    scene_judge(campus, scene_only(campus)->id, VERDICT_REVERT, WISH_DONE);
    campus_restart(campus);
    lease(campus);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_string_equal(campus_newest(campus)->endpoint_id, campus_endpoint(campus, 7)->id);
    sight(campus);
    campus_pass(campus, 5 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_false(scene_drops(campus, 7));
}

static void
test_what_a_person_released_is_not_blocked_by_the_same_detection(void **state)
{
    static const char servers[] =
        "networks: [{name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}]\n"
        "policies:\n"
        "  - name: beacons\n"
        "    when: {phases: [c2]}\n"
        "    then: [{action: block_server}]\n";
    struct campus *campus = scene_new(servers);
    struct wish_answer answer = {.calls = 0};
    (void)state;
    detect(campus, addresses[0]);
    const char *id = scene_only(campus)->id;
    assert_true(lifecycle_is_in_force(scene_only(campus)->state));
    controller_release(campus->controller, id, "operator:ann", "ours", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    clock_fake_advance(&campus->clock, 500 * MS);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 5 * SECOND);
    size_t in_force = 0;
    for (size_t i = 0; i < controller_containment_count(campus->controller); i++) {
        in_force +=
            lifecycle_is_in_force(controller_containment_at(campus->controller, i)->state) ? 1 : 0;
    }
    assert_int_equal(in_force, 0);
    void *end = campus;
    campus_teardown(&end);
}

int
main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_has_himself_forgotten_leaves_no_other_to_be_contained),
        EACH(test_whoever_was_silent_and_has_himself_forgotten),
        cmocka_unit_test(test_a_probe_that_is_answered_contains_nobody),
        cmocka_unit_test(test_whoever_takes_it_after_the_clock_was_set_back),
        EACH(test_whoever_takes_it_after_the_clock_was_set_back_over_a_restart),
        cmocka_unit_test(test_one_detection_is_not_two_for_a_policy_that_counts),
        cmocka_unit_test(test_one_detection_of_who_was_silent_is_not_two_either),
        cmocka_unit_test(test_what_a_person_ended_is_not_done_without_his_word),
        cmocka_unit_test(test_what_a_person_released_is_not_blocked_by_the_same_detection),
        cmocka_unit_test(test_what_bars_it_by_then_bars_it),
        cmocka_unit_test(test_whoever_takes_it_before_a_time_that_is_still_to_come),
        EACH(test_nothing_of_it_is_enforced_in_a_panic),
        EACH(test_what_a_person_ended_is_not_done_when_its_place_is_known),
        EACH(test_it_spends_its_budget_once),
        EACH(test_what_a_person_enforced_meanwhile_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
