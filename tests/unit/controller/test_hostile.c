/* Floods of forged detections, wishes that race each other, and a disk that fails in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controller/entry.h"
#include "scene.h"

#define CROWD 20

static int
setup(void **state)
{
    struct campus *campus = scene_new(NULL);
    campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
    *state = campus;
    return 0;
}

static struct wish
wish_on(uint8_t mac, const char *external_id)
{
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(mac)};
    snprintf(wish.external_id, sizeof(wish.external_id), "%s", external_id);
    snprintf(wish.account, sizeof(wish.account), "operator:ann");
    snprintf(wish.reason, sizeof(wish.reason), "asked");
    return wish;
}

static void
count_stored(void *context, const char *detection_id, int error)
{
    (void)detection_id;
    *(size_t *)context += error == 0;
}

/* A weak detection that names 'victim' and 'server'. */
static void
forge(struct campus *campus, size_t number, const char *victim, const char *server, size_t *stored)
{
    struct detection detection;
    const struct seen seen = {victim, PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK};
    scene_detection(campus, &seen, &detection);
    detection.dst.ip = campus_ip(server);
    snprintf(detection.id, sizeof(detection.id), "forged-%zu", number);
    detection.handshake = false;
    controller_detection(campus->controller, &detection, count_stored, stored);
    campus_settle(campus);
}

static void
test_forged_victims_do_not_pile_up(void **state)
{
    struct campus *campus = *state;
    const size_t flood = PENDING_LOOSE_MAX + 50;
    size_t stored = 0;
    for (size_t i = 0; i < flood; i++) {
        char victim[32];
        snprintf(victim, sizeof(victim), "10.1.%zu.%zu", 16 + i / 250, 1 + i % 250);
        forge(campus, i, victim, "198.51.100.9", &stored);
    }
    assert_int_equal(stored, flood); /* what was said is kept; what waits for a person is bounded */
    size_t count = controller_containment_count(campus->controller);
    assert_true(count >= PENDING_LOOSE_MAX && count <= PENDING_LOOSE_MAX + 1);
    assert_true(controller_pending_dropped(campus->controller) >= 49);
    /* Nobody real is suppressed by it: neither one that waits, nor one that is certain. */
    forge(campus, flood, "10.1.0.3", "198.51.100.9", &stored);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(controller_containment_count(campus->controller), count + 1);
    assert_true(campus_detect(campus, "real", "10.1.0.2", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 2));
    /* Room again when they are judged. */
    clock_fake_advance(&campus->clock, 3700 * SECOND);
    campus_pass(campus, 2 * SECOND);
    uint64_t dropped = controller_pending_dropped(campus->controller);
    forge(campus, flood + 1, "10.1.99.1", "198.51.100.9", &stored);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(controller_pending_dropped(campus->controller), dropped);
}

static void
test_the_same_wish_twenty_times_at_once_is_one_containment(void **state)
{
    struct campus *campus = *state;
    const struct wish keyed = wish_on(2, "INC-1");
    const struct wish unkeyed = wish_on(3, "");
    const struct wish *const wishes[] = {&keyed, &unkeyed};
    for (size_t k = 0; k < COUNT_OF(wishes); k++) {
        struct wish_answer answers[CROWD] = {{.calls = 0}};
        for (size_t i = 0; i < CROWD; i++) {
            controller_wish(campus->controller, wishes[k], campus_answer, &answers[i]);
        }
        campus_settle(campus);
        size_t made = 0;
        for (size_t i = 0; i < CROWD; i++) {
            assert_int_equal(answers[i].calls, 1);
            assert_true(answers[i].result == WISH_DONE || answers[i].result == WISH_EXISTS);
            assert_string_equal(answers[i].id, answers[0].id);
            made += answers[i].result == WISH_DONE;
        }
        assert_int_equal(made, 1);
        assert_int_equal(controller_containment_count(campus->controller), k + 1);
    }
}

static void
test_changes_of_one_containment_take_turns(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = wish_on(2, "");
    struct wish_answer first = scene_wish(campus, &wish);
    struct wish_answer answers[6] = {{.calls = 0}};
    struct controller *controller = campus->controller;
    controller_extend(controller, first.id, 60, "a", campus_answer, &answers[0]);
    controller_extend(controller, first.id, 90, "b", campus_answer, &answers[1]);
    controller_release(controller, first.id, "a", "over", campus_answer, &answers[2]);
    controller_release(controller, first.id, "b", "over", campus_answer, &answers[3]);
    controller_extend(controller, first.id, 30, "c", campus_answer, &answers[4]);
    controller_wish(controller, &wish, campus_answer, &answers[5]);
    campus_settle(campus);
    static const enum wish_result expected[] = {WISH_DONE,   WISH_DONE,    WISH_DONE,
                                                WISH_EXISTS, WISH_REFUSED, WISH_DONE};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        assert_int_equal(answers[i].calls, 1);
        assert_int_equal(answers[i].result, expected[i]);
    }
    /* Whoever asked for it behind the release has it. */
    assert_string_not_equal(answers[5].id, first.id);
    assert_true(scene_drops(campus, 2));
    campus_restart(campus);
    assert_true(scene_drops(campus, 2));
    assert_non_null(controller_find(campus->controller, answers[5].id));
}

static void
test_nobody_is_told_that_less_is_what_was_asked_for(void **state)
{
    struct campus *campus = *state;
    struct wish wish = wish_on(2, "short");
    wish.expires_s = 60;
    struct wish_answer first = scene_wish(campus, &wish);
    wish = wish_on(2, "long");
    wish.expires_s = 3600;
    struct wish_answer longer = scene_wish(campus, &wish);
    assert_int_equal(longer.result, WISH_EXISTS);
    assert_string_equal(longer.id, first.id);
    campus_pass(campus, 120 * SECOND);
    assert_true(scene_drops(campus, 2));
    wish = wish_on(2, "other permits");
    snprintf(wish.permit_set, sizeof(wish.permit_set), "updates");
    struct wish_answer other = scene_wish(campus, &wish);
    assert_int_equal(other.result, WISH_REFUSED);
    assert_non_null(strstr(other.why, first.id));
}

static void
test_no_wish_cuts_off_everybody(void **state)
{
    struct campus *campus = *state;
    static const char *const hosts[] = {"0.0.0.0",   "0.1.2.3",    "255.255.255.255", "224.0.0.1",
                                        "127.0.0.1", "240.0.0.1",  "ff02::1",         "::1",
                                        "fe80::77",  "169.254.1.1"};
    static const char *const servers[] = {"0.0.0.0/0",   "128.0.0.0/1", "2000::/3",
                                          "224.0.0.0/8", "ff02::/16",   "255.255.255.255",
                                          "fe80::1",     "127.0.0.0/8", "0.0.0.0"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct wish wish = wish_on(2, "");
        wish.mac = (struct mac){{0}};
        wish.ip = campus_ip(hosts[i]);
        if (scene_wish(campus, &wish).result != WISH_REFUSED) {
            fail_msg("isolates %s", hosts[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        struct wish wish = wish_on(2, "");
        wish.action = ACTION_BLOCK_SERVER;
        wish.mac = (struct mac){{0}};
        if (!prefix_parse(servers[i], &wish.server) ||
            scene_wish(campus, &wish).result != WISH_REFUSED) {
            fail_msg("blocks %s", servers[i]);
        }
        wish.action = ACTION_BLOCK_PAIR;
        wish.mac = campus_mac(2);
        assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    }
    assert_int_equal(controller_containment_count(campus->controller), 0);
}

/* What a machine says of itself on an access port makes it neither protected nor a router. */
static void
test_claims_by_arp_exempt_nobody(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p2", 2, "10.1.0.1", NULL); /* the gateway's address */
    for (unsigned i = 0; i < 12; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "10.1.7.%u", 1 + i);
        campus_client(campus, "e1", "p3", 3, ip, NULL);
    }
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 2));
    assert_true(campus_detect(campus, "d-3", "10.1.0.3", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 3));
    /* The twin: on a port declared for servers the same claim counts. */
    struct fact port = {
        .kind = FACT_PORT, .port = "p4", .port_number = 4, .role = PORT_SERVER, .is_up = true};
    campus_fact(campus, "e2", &port);
    campus_client(campus, "e2", "p4", 9, "10.1.0.9", "c9");
    campus_client(campus, "e2", "p4", 9, "10.1.0.1", NULL);
    assert_true(campus_detect(campus, "d-9", "10.1.0.9", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(campus_newest(campus)->hold, HOLD_PROTECTED);
    const struct wish wish = wish_on(9, "");
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    /* Nor is it taken from there by another claim. */
    clock_fake_advance(&campus->clock, 400 * SECOND);
    campus_client(campus, "e1", "p1", 5, "10.1.0.1", NULL);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
}

/* Somebody answers in a DHCP server's place: other switches see that on their uplinks. */
static void
answer(struct campus *campus, uint8_t mac, const char *ip)
{
    struct fact fact = {.kind = FACT_LEASE,
                        .source = BINDING_DHCP4,
                        .mac = campus_mac(mac),
                        .ip = campus_ip(ip),
                        .lease_s = 7200,
                        .port = "ul"};
    campus_fact(campus, "e2", &fact);
}

static void
test_an_answer_with_a_protected_address_exempts_nobody(void **state)
{
    struct campus *campus = *state;
    struct fact port = {
        .kind = FACT_PORT, .port = "p4", .port_number = 4, .role = PORT_SERVER, .is_up = true};
    campus_fact(campus, "e2", &port);
    campus_client(campus, "e2", "p4", 1, "10.1.0.1", NULL); /* the gateway */
    campus_pass(campus, MINUTE);
    answer(campus, 2, "10.1.0.1");
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 2));
    const struct wish wish = wish_on(1, "");
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
}

/* The same, before the gateway was ever heard. */
static void
test_an_answer_before_the_protected_one_exempts_nobody(void **state)
{
    struct campus *campus = *state;
    struct fact port = {
        .kind = FACT_PORT, .port = "p4", .port_number = 4, .role = PORT_SERVER, .is_up = true};
    campus_fact(campus, "e2", &port);
    answer(campus, 2, "10.1.0.1");
    campus_pass(campus, MINUTE);
    campus_client(campus, "e2", "p4", 1, "10.1.0.1", NULL);
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 2));
}

static void
test_an_answer_with_the_address_of_who_uses_it_accuses_nobody(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p4", 7, "10.1.0.7", NULL); /* set by hand */
    campus_pass(campus, MINUTE);
    answer(campus, 3, "10.1.0.7");
    assert_true(campus_detect(campus, "d-7", "10.1.0.7", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_false(scene_drops(campus, 3));
    /* the twin: who had it is silent for long, and somebody else is given it */
    campus_client(campus, "e1", "p1", 8, "10.1.0.8", NULL);
    campus_pass(campus, 6 * MINUTE);
    answer(campus, 3, "10.1.0.8");
    campus_pass(campus, 10 * SECOND);
    assert_true(campus_detect(campus, "d-8", "10.1.0.8", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 3));
    assert_false(scene_drops(campus, 8));
}

static bool
is_in_either(const void *what, const struct endpoint *endpoint)
{
    const struct prefix *prefixes = what;
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        if (prefix_has(&prefixes[0], &endpoint->bindings[i].ip) ||
            prefix_has(&prefixes[1], &endpoint->bindings[i].ip)) {
            return true;
        }
    }
    return false;
}

static void
test_the_budget_knows_how_many_live_there(void **state)
{
    struct campus *campus = *state;
    const struct policy_world *world = controller_world(campus->controller);
    struct prefix prefixes[2];
    assert_true(prefix_parse("10.1.0.0/24", &prefixes[0]));
    assert_true(prefix_parse("10.9.0.0/16", &prefixes[1]));
    assert_int_equal(world->count(world->context, is_in_either, prefixes), 2);
    campus_client(campus, "e2", "p1", 4, "10.9.0.4", "c4");
    campus_client(campus, "e2", "p2", 5, "10.2.0.5", "c5");
    assert_int_equal(world->count(world->context, is_in_either, prefixes), 3);
}

/* A full report in two parts; 'gap' loses what is between them. */
static void
tell_all(struct campus *campus, const char *on, uint64_t gap)
{
    struct fact port = {.kind = FACT_PORT, .port = "p1", .port_number = 1, .is_up = true};
    for (int part = 0; part < 2; part++) {
        campus->fact_sequence += 1 + (part ? gap : 0);
        struct wire_facts facts = {.sequence = campus->fact_sequence,
                                   .is_full = true,
                                   .is_last = part == 1,
                                   .facts = &port,
                                   .fact_count = 1};
        snprintf(facts.switch_name, sizeof(facts.switch_name), "%s", on);
        controller_facts(campus->controller, &facts);
    }
}

static void
test_how_many_there_are_is_known_when_every_switch_told_all(void **state)
{
    struct campus *campus = *state;
    campus_restart(campus);
    const struct policy_world *world = controller_world(campus->controller);
    assert_false(world->is_whole(world->context, "e1"));
    tell_all(campus, "e1", 1);
    assert_false(world->is_whole(world->context, "e1")); /* a part was lost */
    tell_all(campus, "e1", 0);
    assert_true(world->is_whole(world->context, "e1"));
    assert_false(world->is_whole(world->context, "e2"));
    assert_false(world->is_whole(world->context, ""));
    tell_all(campus, "e2", 0);
    assert_true(world->is_whole(world->context, ""));
    campus_restart(campus); /* one that stays away must not suspend budgets for ever */
    world = controller_world(campus->controller);
    tell_all(campus, "e1", 0);
    clock_fake_advance(&campus->clock, 299 * SECOND);
    assert_false(world->is_whole(world->context, ""));
    clock_fake_advance(&campus->clock, SECOND);
    assert_true(world->is_whole(world->context, ""));
    campus_restart(campus); /* nor one that comes and goes, and never tells all */
    world = controller_world(campus->controller);
    tell_all(campus, "e1", 0);
    for (int i = 0; i < 7; i++) {
        tell_all(campus, "e2", 1);
        dummy_set_connected(campus->switches[1].device, false);
        clock_fake_advance(&campus->clock, 50 * SECOND);
        dummy_set_connected(campus->switches[1].device, true);
        assert_true(world->is_whole(world->context, "") == (i >= 5));
    }
}

/* SIGKILL between the acknowledgement and the next writing behind. */
static void
test_a_fresh_endpoint_is_still_contained_after_a_crash(void **state)
{
    struct campus *campus = *state;
    struct wish wish = wish_on(2, "");
    wish.mac = (struct mac){{0}};
    snprintf(wish.endpoint_id, sizeof(wish.endpoint_id), "%s", campus_endpoint(campus, 2)->id);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    assert_true(scene_drops(campus, 2));
    campus_restart(campus);
    assert_non_null(campus_endpoint(campus, 2));
    assert_true(scene_drops(campus, 2));
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    campus_client(campus, "e1", "p2", 22, "10.1.0.22", "c2"); /* another MAC, the same client */
    assert_true(scene_drops(campus, 22));
    campus_restart(campus);
    assert_true(scene_drops(campus, 2));
    assert_true(scene_drops(campus, 22));
}

/* Its own switch is away: others hold the block, but its neighbours there are within its reach. */
static void
test_it_is_not_verified_while_its_own_switch_is_away(void **state)
{
    struct campus *campus = *state;
    const struct wish early = wish_on(3, "");
    struct wish_answer before = scene_wish(campus, &early);
    dummy_set_connected(campus->switches[0].device, false); /* e1 */
    campus_settle(campus);
    const struct wish wish = wish_on(2, "");
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    campus_pass(campus, 10 * SECOND);
    const struct containment *c = controller_find(campus->controller, answer.id);
    assert_int_equal(c->state, CONTAINMENT_APPLIED);
    assert_non_null(strstr(c->problem, "e1 not connected"));
    assert_false(scene_drops(campus, 2));
    /* What it held when it went, it holds. */
    c = controller_find(campus->controller, before.id);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    dummy_set_connected(campus->switches[0].device, true);
    campus_pass(campus, SECOND);
    c = controller_find(campus->controller, answer.id);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 2));
}

static void
flap(struct campus *campus, size_t index)
{
    dummy_set_connected(campus->switches[index].device, false);
    campus_settle(campus);
    dummy_set_connected(campus->switches[index].device, true);
    campus_settle(campus);
}

static void
test_one_that_comes_and_goes_suspends_no_share_of_a_network(void **state)
{
    struct campus *campus = *state;
    campus_restart(campus);
    const struct policy_world *world = controller_world(campus->controller);
    tell_all(campus, "e1", 0);
    clock_fake_advance(&campus->clock, 200 * SECOND);
    flap(campus, 1);
    assert_false(world->is_whole(world->context, ""));
    clock_fake_advance(&campus->clock, 100 * SECOND);
    flap(campus, 1);
    assert_true(world->is_whole(world->context, ""));
}

/* A disk that is full for a while: every write into 'table' fails as long as this trigger is
 * there. */
static void
disk(struct campus *campus, const char *table, bool fails)
{
    char sql[128] = "DROP TRIGGER full";
    if (fails) {
        snprintf(sql, sizeof(sql),
                 "CREATE TRIGGER full BEFORE INSERT ON %s BEGIN SELECT RAISE(ABORT, 'full'); END",
                 table);
    }
    campus_tamper(campus, sql);
}

static void
test_an_expiry_that_could_not_be_stored_is_tried_again(void **state)
{
    struct campus *campus = *state;
    struct wish wish = wish_on(2, "");
    wish.expires_s = 10;
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    disk(campus, "audit", true);
    campus_pass(campus, 15 * SECOND);
    assert_int_equal(controller_find(campus->controller, answer.id)->state, CONTAINMENT_VERIFIED);
    disk(campus, "audit", false);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(controller_find(campus->controller, answer.id)->state, CONTAINMENT_EXPIRED);
    assert_false(scene_drops(campus, 2));
}

struct stored_answer {
    int calls, error;
};

static void
on_stored(void *context, const char *detection_id, int error)
{
    (void)detection_id;
    struct stored_answer *answer = context;
    answer->calls++;
    answer->error = error;
}

/* Its own commit, which has nothing in it, succeeds: that says nothing of the first one's. */
static void
test_a_detection_that_comes_again_is_not_acknowledged_for_one_that_was_not_stored(void **state)
{
    struct campus *campus = *state;
    struct detection detection = {.seen_us = campus->clock.wall_now_us,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_HIGH,
                                  .confidence = 90,
                                  .suspect = PARTY_SRC};
    snprintf(detection.id, sizeof(detection.id), "twice");
    snprintf(detection.sensor, sizeof(detection.sensor), "ids");
    detection.src.ip = campus_ip("10.1.0.2");
    struct stored_answer first = {.calls = 0}, again = first, later = first;
    disk(campus, "detection", true);
    controller_detection(campus->controller, &detection, on_stored, &first);
    controller_detection(campus->controller, &detection, on_stored, &again);
    campus_settle(campus);
    assert_int_equal(first.calls, 1);
    assert_int_equal(again.calls, 1);
    assert_int_not_equal(first.error, 0);
    assert_int_not_equal(again.error, 0);
    disk(campus, "detection", false);
    controller_detection(campus->controller, &detection, on_stored, &later);
    campus_settle(campus);
    assert_int_equal(later.calls, 1);
    assert_int_equal(later.error, 0);
    assert_true(store_has_detection(campus->store, "twice"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forged_victims_do_not_pile_up, setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_the_same_wish_twenty_times_at_once_is_one_containment,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_changes_of_one_containment_take_turns, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_told_that_less_is_what_was_asked_for, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_no_wish_cuts_off_everybody, setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_claims_by_arp_exempt_nobody, setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_with_a_protected_address_exempts_nobody,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_before_the_protected_one_exempts_nobody,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(
            test_an_answer_with_the_address_of_who_uses_it_accuses_nobody, setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_the_budget_knows_how_many_live_there, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_how_many_there_are_is_known_when_every_switch_told_all,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_comes_and_goes_suspends_no_share_of_a_network,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_a_fresh_endpoint_is_still_contained_after_a_crash,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_it_is_not_verified_while_its_own_switch_is_away, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_an_expiry_that_could_not_be_stored_is_tried_again,
                                        setup, campus_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_detection_that_comes_again_is_not_acknowledged_for_one_that_was_not_stored,
            setup, campus_teardown),
    };
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
