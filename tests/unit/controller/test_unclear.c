/* A detection names an address, and whose that was, or where that machine is, is learnt later: what
 * was surely somebody's then contains him, whoever has the address now is never taken for him. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

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

/* Of c7, which nobody knows at first, in each family; the IPv6 one is a temporary address. */
static const char *const addresses[] = {"10.1.0.7", "2001:db8:1::8c21:7"};

static int
setup(void **state)
{
    *state = scene_new(policy);
    return 0;
}

/* As an edge says it: ARP, or ND, where duplicate address detection comes first. */
static void
takes_then(struct campus *campus, uint8_t mac, const char *ip, int64_t seen_us)
{
    struct fact fact = {
        .kind = FACT_BINDING, .mac = campus_mac(mac), .ip = campus_ip(ip), .seen_us = seen_us};
    fact.source = ip_is_v4(&fact.ip) ? BINDING_ARP : BINDING_ND;
    snprintf(fact.port, sizeof(fact.port), "p%d", mac % 2 ? 3 : 4);
    campus_fact(campus, "e1", &fact);
}

static void
takes(struct campus *campus, uint8_t mac, const char *ip)
{
    takes_then(campus, mac, ip, campus->clock.wall_now_us);
}

static void
later(struct campus *campus, int64_t us)
{
    if (us < SECOND) {
        clock_fake_advance(&campus->clock, us);
    } else if (us > MINUTE) {
        clock_fake_advance(&campus->clock, us - SECOND);
        campus_pass(campus, SECOND);
    } else {
        campus_pass(campus, us);
    }
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

/* In few ticks. */
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

static const struct containment *
assert_contained(struct campus *campus, uint8_t mac)
{
    const struct containment *c = scene_only(campus);
    campus_settle(campus);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_string_equal(c->endpoint_id, campus_endpoint(campus, mac)->id);
    assert_true(scene_drops(campus, mac));
    return c;
}

/* When nobody else has claimed it for a while. */
static const struct containment *
assert_contained_soon(struct campus *campus, uint8_t mac)
{
    campus_pass(campus, 3 * SECOND);
    return assert_contained(campus, mac);
}

static void
assert_waits(struct campus *campus, uint8_t mac)
{
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(scene_only(campus)->hold, HOLD_UNRESOLVED);
    assert_string_equal(scene_only(campus)->endpoint_id, "");
    assert_false(scene_drops(campus, mac));
}

/* Every one that is shown as collecting is the endpoint's, with so many detections; also on disk.
 */
static void
assert_incident(struct campus *campus, uint8_t mac, uint32_t detections)
{
    size_t open = 0;
    for (size_t i = 0; i < controller_incident_count(campus->controller); i++) {
        const struct incident *incident = controller_incident_at(campus->controller, i);
        if (incident->is_open) {
            open++;
            assert_string_equal(incident->endpoint_id, campus_endpoint(campus, mac)->id);
            assert_int_equal(incident->detection_count, detections);
            assert_int_equal(incident->strength, STRENGTH_STRONG);
        }
    }
    assert_int_equal(open, 1);
}

static void
count_detection(void *context, const struct detection *detection)
{
    assert_true(detection->seen_us > 0);
    ++*(size_t *)context;
}

static size_t
stored(struct campus *campus, const char *incident_id)
{
    size_t count = 0;
    assert_int_equal(
        store_read_detections(campus->store, incident_id, 100, count_detection, &count), 0);
    return count;
}

/* ---- the detection comes first ---- */

static void
test_whose_it_was_is_learnt_a_moment_later(void **state)
{
    static const int64_t delays[] = {50 * MS, SECOND, 5 * SECOND + 250 * MS, 7 * SECOND};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses) * COUNT_OF(delays); i++) {
        struct campus *campus = scene_new(policy);
        const char *ip = addresses[i % 2];
        detect(campus, ip);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        later(campus, delays[i / 2]);
        takes(campus, 7, ip);
        const struct containment *c = assert_contained_soon(campus, 7);
        assert_true(campus_has_mark(c, "enforce"));
        assert_incident(campus, 7, 1);
        assert_int_equal(stored(campus, c->incident_id), 1);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* Nobody can say who had it before: it may be a later owner. */
static void
test_who_takes_it_much_later_is_not_taken_for_him(void **state)
{
    static const int64_t delays[] = {10 * SECOND, 5 * MINUTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses) * COUNT_OF(delays); i++) {
        struct campus *campus = scene_new(policy);
        detect(campus, addresses[i % 2]);
        later(campus, delays[i / 2]);
        takes(campus, 7, addresses[i % 2]);
        long_after(campus, 20 * MINUTE);
        assert_waits(campus, 7);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* A server gave it to c7 after the detection: who had it before, nobody knows. */
static void
test_who_is_given_it_later_is_not_taken_for_him(void **state)
{
    struct campus *campus = *state;
    detect(campus, addresses[0]);
    campus_pass(campus, 6 * SECOND);
    lease(campus);
    long_after(campus, 20 * MINUTE);
    assert_waits(campus, 7);
}

/* The edge knew it, and was away: what it tells late is dated as it was. */
static void
test_an_edge_that_was_away_tells_whose_it_was(void **state)
{
    static const int64_t delays[] = {10 * SECOND, 5 * MINUTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses) * COUNT_OF(delays); i++) {
        struct campus *campus = scene_new(policy);
        int64_t then_us = campus->clock.wall_now_us - SECOND;
        detect(campus, addresses[i % 2]);
        later(campus, delays[i / 2]);
        takes_then(campus, 7, addresses[i % 2], then_us);
        assert_contained_soon(campus, 7);
        assert_incident(campus, 7, 1);
        void *end = campus;
        campus_teardown(&end);
    }
}

static void
test_nobody_asks_after_ten_minutes(void **state)
{
    struct campus *campus = *state;
    int64_t then_us = campus->clock.wall_now_us - SECOND;
    detect(campus, addresses[0]);
    long_after(campus, 11 * MINUTE);
    takes_then(campus, 7, addresses[0], then_us);
    assert_waits(campus, 7);
}

/* ---- the other way round ---- */

static void
test_who_had_it_before_is_contained_at_once(void **state)
{
    static const int64_t delays[] = {0, 50 * MS, SECOND, 10 * SECOND, 5 * MINUTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses) * COUNT_OF(delays); i++) {
        struct campus *campus = scene_new(policy);
        takes(campus, 7, addresses[i % 2]);
        later(campus, delays[i / 2]);
        detect(campus, addresses[i % 2]);
        assert_false(campus_has_mark(assert_contained(campus, 7), "enforce"));
        assert_incident(campus, 7, 1);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* ---- never for another ---- */

/* c8 had it, and gave it up; c7 takes it just after the detection. */
static void
test_an_address_that_another_had_is_nobodys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        takes(campus, 8, addresses[i]);
        long_after(campus, 5 * HOUR); /* it is believed no more */
        detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        takes(campus, 7, addresses[i]);
        campus_pass(campus, MINUTE);
        assert_false(scene_drops(campus, 7));
        assert_false(scene_drops(campus, 8));
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* ... but its own first word after a long silence says that it is there again. */
static void
test_who_was_silent_for_long_and_speaks_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        takes(campus, 7, addresses[i]);
        long_after(campus, 5 * HOUR);
        detect(campus, addresses[i]);
        assert_false(scene_drops(campus, 7));
        clock_fake_advance(&campus->clock, 50 * MS);
        takes(campus, 7, addresses[i]);
        assert_contained_soon(campus, 7);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* c7 had it then, as is told late; c8 has it now. */
static void
test_a_later_owner_is_never_contained(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        int64_t then_us = campus->clock.wall_now_us - SECOND;
        detect(campus, addresses[i]);
        campus_pass(campus, 20 * SECOND);
        takes(campus, 8, addresses[i]);
        takes_then(campus, 7, addresses[i], then_us);
        long_after(campus, 20 * MINUTE);
        assert_false(scene_drops(campus, 8));
        void *end = campus;
        campus_teardown(&end);
    }
}

/* Probing for a duplicate (DAD) does not make an address its own. */
static void
test_who_only_asks_for_an_address_is_not_contained(void **state)
{
    struct campus *campus = *state;
    const char *ip = addresses[1];
    struct detection detection;
    const struct seen seen = {ip, PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG};
    takes(campus, 7, ip);
    campus_pass(campus, SECOND);
    scene_detection(campus, &seen, &detection);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 8, ip);                                             /* its probe */
    takes(campus, 7, ip);                                             /* the answer */
    controller_detection(campus->controller, &detection, NULL, NULL); /* late */
    campus_settle(campus);
    campus_pass(campus, MINUTE);
    assert_false(scene_drops(campus, 8));
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
}

/* ---- several ---- */

static void
test_two_detections_with_the_binding_in_between(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        takes(campus, 7, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        detect(campus, addresses[i]);
        const struct containment *c = campus_newest(campus);
        assert_int_equal(c->state, CONTAINMENT_VERIFIED); /* at once, by the second */
        assert_true(scene_drops(campus, 7));
        campus_pass(campus, 3 * SECOND);
        assert_int_equal(controller_containment_count(campus->controller), 2);
        assert_int_equal(controller_containment_at(campus->controller, 0)->state,
                         CONTAINMENT_REVERTED);
        assert_incident(campus, 7, 2);
        assert_int_equal(stored(campus, c->incident_id), 2);
        void *end = campus;
        campus_teardown(&end);
    }
}

static void
test_two_detections_before_the_binding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        takes(campus, 7, addresses[i]);
        const struct containment *c = assert_contained_soon(campus, 7);
        assert_incident(campus, 7, 2);
        assert_int_equal(stored(campus, c->incident_id), 2);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* Whose the first was stays open: a person still sees that question. */
static void
test_of_two_detections_only_the_second_is_certain(void **state)
{
    struct campus *campus = *state;
    detect(campus, addresses[0]);
    campus_pass(campus, MINUTE);
    const char *asked = scene_only(campus)->id;
    detect(campus, addresses[0]);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(controller_containment_count(campus->controller), 2);
    assert_int_equal(controller_find(campus->controller, asked)->state, CONTAINMENT_PENDING);
    const struct containment *c = campus_newest(campus);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 7));
    assert_string_equal(controller_incident(campus->controller, c->incident_id)->endpoint_id,
                        campus_endpoint(campus, 7)->id);
    assert_int_equal(stored(campus, c->incident_id), 1);
    assert_int_equal(stored(campus, controller_find(campus->controller, asked)->incident_id), 1);
}

/* It is contained for its IPv4 contact; then the IPv6 one turns out to be its own, too. */
static void
test_what_was_nobodys_joins_the_incident_of_its_endpoint(void **state)
{
    struct campus *campus = *state;
    takes(campus, 7, addresses[0]);
    detect(campus, addresses[0]);
    const struct containment *c = assert_contained(campus, 7);
    detect(campus, addresses[1]);
    assert_int_equal(controller_containment_count(campus->controller), 2);
    clock_fake_advance(&campus->clock, 50 * MS);
    unsigned lists_told = campus->incident_lists_told;
    takes(campus, 7, addresses[1]);
    campus_pass(campus, 3 * SECOND);
    assert_true(campus->incident_lists_told > lists_told);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_REVERTED);
    assert_incident(campus, 7, 2);
    assert_int_equal(stored(campus, c->incident_id), 2);
    campus_pass(campus, MINUTE);
    campus_restart(campus);
    assert_incident(campus, 7, 2);
}

/* An inside server is shared where two contact it: whoever was nobody at first is one all the same.
 */
static void
test_it_does_not_share_a_server_with_itself(void **state)
{
    struct campus *campus = *state;
    struct detection detection;
    const struct seen seen = {addresses[0], PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG};
    scene_detection(campus, &seen, &detection);
    detection.dst.ip = campus_ip("10.1.0.77");
    controller_detection(campus->controller, &detection, NULL, NULL);
    campus_settle(campus);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, addresses[0]);
    assert_contained_soon(campus, 7);
}

/* ---- other ways on ---- */

static void
test_also_after_a_restart(void **state)
{
    struct campus *campus = *state;
    detect(campus, addresses[1]);
    clock_fake_advance(&campus->clock, 50 * MS);
    campus_restart(campus);
    takes(campus, 7, addresses[1]);
    assert_contained_soon(campus, 7);
    assert_incident(campus, 7, 1);
    campus_restart(campus); /* it is not judged once more */
    campus_pass(campus, MINUTE);
    assert_incident(campus, 7, 1);
}

static void
test_in_mode_approve_a_person_is_asked_about_the_endpoint(void **state)
{
    struct campus *campus = *state;
    detect(campus, "10.2.0.7");
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, "10.2.0.7");
    campus_pass(campus, 3 * SECOND);
    const struct containment *c = scene_only(campus);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_MODE);
    assert_string_equal(c->endpoint_id, campus_endpoint(campus, 7)->id);
    scene_judge(campus, c->id, VERDICT_ENFORCE, WISH_DONE);
    assert_contained(campus, 7);
}

/* Known, it waits all the same, for what is left to say against it: and says so. */
static void
test_what_anybody_can_forge_waits_as_the_endpoints(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, addresses[1], PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_waits(campus, 7);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, addresses[1]);
    campus_pass(campus, 3 * SECOND);
    const struct containment *c = scene_only(campus);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_WEAK);
    assert_string_equal(c->endpoint_id, campus_endpoint(campus, 7)->id);
    assert_false(scene_drops(campus, 7));
}

/* A person looked and left it: that it is certain now is more than there was to see. */
static void
test_what_a_person_left_for_its_doubt_is_contained(void **state)
{
    struct campus *campus = *state;
    detect(campus, addresses[0]);
    scene_judge(campus, scene_only(campus)->id, VERDICT_CHECK, WISH_DONE);
    clock_fake_advance(&campus->clock, 50 * MS);
    takes(campus, 7, addresses[0]);
    assert_contained_soon(campus, 7);
}

/* Whoever forges detections about addresses that nobody has pushes out no certain one. */
static void
test_forged_ones_push_out_no_certain_one(void **state)
{
    struct campus *campus = *state;
    detect(campus, addresses[0]);
    for (int i = 0; i < 500; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "10.1.%d.%d", 1 + i / 250, i % 250);
        DETECT(campus, ip, PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    }
    takes(campus, 7, addresses[0]);
    campus_pass(campus, 3 * SECOND);
    assert_true(scene_drops(campus, 7));
}

/* ---- where is it? ---- */

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

static void
test_one_whose_place_is_not_known_is_blocked_wherever_it_turns_up(void **state)
{
    struct campus *campus = *state;
    lease(campus);
    detect(campus, addresses[0]); /* strong, by another's word */
    const struct containment *c = scene_only(campus);
    assert_true(campus_has_mark(c, "waiting"));
    assert_true(scene_drops(campus, 7)); /* on every switch already */
    clock_fake_advance(&campus->clock, 50 * MS);
    sight(campus);
    assert_true(campus_has_mark(assert_contained(campus, 7), "moved"));
}

static void
test_own_evidence_is_weighed_again_when_its_place_is_known(void **state)
{
    static const int64_t delays[] = {50 * MS, SECOND, 5 * SECOND};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        struct campus *campus = scene_new(policy);
        lease(campus);
        own_detect(campus, addresses[0]);
        assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
        assert_int_equal(scene_only(campus)->hold, HOLD_WEAK);
        later(campus, delays[i]);
        sight(campus);
        assert_contained_soon(campus, 7);
        assert_incident(campus, 7, 1);
        void *end = campus;
        campus_teardown(&end);
    }
}

/* Where it is much later says nothing about where those frames came from. */
static void
test_own_evidence_stays_weak_where_its_place_is_known_much_later(void **state)
{
    struct campus *campus = *state;
    lease(campus);
    own_detect(campus, addresses[0]);
    campus_pass(campus, 20 * SECOND);
    sight(campus);
    campus_pass(campus, MINUTE);
    assert_int_equal(scene_only(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(scene_only(campus)->hold, HOLD_WEAK);
    assert_false(scene_drops(campus, 7));
}

/* The first that is heard of it is the attack: neither address nor place is known. */
static void
test_one_that_has_just_come_and_attacks_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct campus *campus = scene_new(policy);
        own_detect(campus, addresses[i]);
        clock_fake_advance(&campus->clock, 50 * MS);
        sight(campus);
        clock_fake_advance(&campus->clock, 50 * MS);
        takes(campus, 7, addresses[i]);
        const struct containment *c = assert_contained_soon(campus, 7);
        assert_incident(campus, 7, 1);
        assert_int_equal(stored(campus, c->incident_id), 1);
        void *end = campus;
        campus_teardown(&end);
    }
}

int
main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_it_was_is_learnt_a_moment_later),
        cmocka_unit_test(test_who_takes_it_much_later_is_not_taken_for_him),
        cmocka_unit_test(test_an_edge_that_was_away_tells_whose_it_was),
        EACH(test_who_is_given_it_later_is_not_taken_for_him),
        EACH(test_nobody_asks_after_ten_minutes),
        cmocka_unit_test(test_who_had_it_before_is_contained_at_once),
        cmocka_unit_test(test_an_address_that_another_had_is_nobodys),
        cmocka_unit_test(test_who_was_silent_for_long_and_speaks_again),
        cmocka_unit_test(test_a_later_owner_is_never_contained),
        EACH(test_who_only_asks_for_an_address_is_not_contained),
        cmocka_unit_test(test_two_detections_with_the_binding_in_between),
        cmocka_unit_test(test_two_detections_before_the_binding),
        EACH(test_of_two_detections_only_the_second_is_certain),
        EACH(test_what_was_nobodys_joins_the_incident_of_its_endpoint),
        EACH(test_it_does_not_share_a_server_with_itself),
        EACH(test_also_after_a_restart),
        EACH(test_in_mode_approve_a_person_is_asked_about_the_endpoint),
        EACH(test_what_anybody_can_forge_waits_as_the_endpoints),
        EACH(test_what_a_person_left_for_its_doubt_is_contained),
        EACH(test_forged_ones_push_out_no_certain_one),
        EACH(test_one_whose_place_is_not_known_is_blocked_wherever_it_turns_up),
        cmocka_unit_test(test_own_evidence_is_weighed_again_when_its_place_is_known),
        EACH(test_own_evidence_stays_weak_where_its_place_is_known_much_later),
        cmocka_unit_test(test_one_that_has_just_come_and_attacks_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
