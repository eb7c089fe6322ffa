/* What is known already must not swallow what comes later: a graver finding, a stricter decision,
 * a longer time, another holder of an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controller/wish.h"
#include "scene.h"

#define NETWORKS                                                                                   \
    "networks:\n"                                                                                  \
    "  - {name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}\n"                          \
    "  - {name: asked, prefixes: [10.2.0.0/16], mode: approve, home: true}\n"                      \
    "  - {name: seen, prefixes: [10.3.0.0/16], mode: observe, home: true}\n"                       \
    "after_release: {grace_s: 300, watch_s: 0}\n"

static const char policy[] = NETWORKS
    "permit_sets: [{name: updates, permits: [{server: 10.1.0.10, protocol: tcp, port: 443}]}]\n"
    "budgets: {per_minute: 5, per_hour: 10, network_percent: 100, switch_percent: 100}\n"
    "defaults: {incident_s: 7200, expires_s: 7200}\n"
    "hold: {pending_s: 3600, then: enforce}\n"
    "policies:\n"
    "  - name: spreading\n"
    "    when: {phases: [lateral_movement]}\n"
    "    both_inside: source\n"
    "    then: [{action: isolate}]\n"
    "  - name: anything\n"
    "    when: {severity: low}\n"
    "    then: [{action: isolate, permit_set: updates}]\n";

static int
setup(void **state)
{
    struct campus *campus = scene_new(policy);
    campus_client(campus, "e1", "p3", 3, "10.2.0.3", "c3");
    campus_client(campus, "e1", "p4", 4, "10.3.0.4", "c4");
    campus_pass(campus, 6 * SECOND); /* who is where is written behind */
    *state = campus;
    return 0;
}

static void
test_graver_than_what_was_checked_asks_again(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.2.0.3", PHASE_DISCOVERY, SEVERITY_LOW, STRENGTH_STRONG);
    scene_judge(campus, campus_newest(campus)->id, VERDICT_CHECK, WISH_DONE);
    campus_pass(campus, HOUR);
    DETECT(campus, "10.2.0.3", PHASE_DISCOVERY, SEVERITY_LOW, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_CHECKED);
    DETECT(campus, "10.2.0.3", PHASE_EXFILTRATION, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
}

static void
test_graver_than_what_was_refused_asks_at_once(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.2.0.3", PHASE_DISCOVERY, SEVERITY_LOW, STRENGTH_STRONG);
    scene_judge(campus, campus_newest(campus)->id, VERDICT_REVERT, WISH_DONE);
    campus_pass(campus, MINUTE);
    DETECT(campus, "10.2.0.3", PHASE_DISCOVERY, SEVERITY_LOW, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_REVERTED);
    DETECT(campus, "10.2.0.3", PHASE_EXFILTRATION, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
}

static void
test_what_becomes_certain_has_its_whole_time_to_be_judged(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    campus_pass(campus, 59 * MINUTE);
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->hold, HOLD_MODE);
    campus_pass(campus, 2 * MINUTE);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    campus_pass(campus, 59 * MINUTE);
    assert_true(scene_drops(campus, 3));
}

static void
test_a_stricter_decision_takes_the_permits_away(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_string_equal(campus_newest(campus)->permit_set, "updates");
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_string_equal(campus_newest(campus)->permit_set, "");
}

static void
test_a_stricter_decision_confirms_without_permits(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 2));
    assert_string_equal(campus_newest(campus)->permit_set, "");
}

/* Half an hour of what would isolate 'ip' were it not isolated: more often than the budget has room
 * for. */
static void
goes_on(struct campus *campus, const char *ip)
{
    for (int i = 0; i < 15; i++) {
        DETECT(campus, ip, PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
        campus_pass(campus, 2 * MINUTE);
    }
}

static void
others_are_isolated(struct campus *campus)
{
    campus_client(campus, "e1", "p4", 7, "10.1.0.7", "c7");
    DETECT(campus, "10.1.0.7", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, MINUTE / 4);
    assert_true(scene_drops(campus, 7));
}

static void
test_one_that_was_extended_spends_no_budget(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    controller_extend(campus->controller, campus_newest(campus)->id, 24 * 3600, "operator:ann",
                      campus_answer, &answer);
    campus_settle(campus);
    campus_pass(campus, 3 * HOUR);
    goes_on(campus, "10.1.0.2");
    others_are_isolated(campus);
}

static void
test_one_until_released_spends_no_budget(void **state)
{
    struct campus *campus = *state;
    scene_isolate(campus, 2, 0);
    campus_pass(campus, 3 * HOUR);
    goes_on(campus, "10.1.0.2");
    others_are_isolated(campus);
}

static void
test_one_that_lost_its_permits_spends_no_budget(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    for (int i = 0; i < 15; i++) {
        DETECT(campus, "10.1.0.2", i % 2 ? PHASE_C2 : PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH,
               STRENGTH_STRONG);
        campus_pass(campus, 2 * MINUTE);
    }
    others_are_isolated(campus);
}

static void
test_one_that_was_joined_spends_no_budget(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    campus_client(campus, "e1", "p4", 5, "10.1.0.5", NULL);
    scene_isolate(campus, 5, 0);
    campus_client(campus, "e1", "p4", 5, "10.1.0.5", "c2");
    goes_on(campus, "10.1.0.5");
    others_are_isolated(campus);
}

static const char protecting[] =
    "protected: [{name: new server, addresses: [10.1.0.6, 10.2.0.6]}]\n";

/* By DHCP, for ten minutes. */
static void
lease(struct campus *campus, const char *port, uint8_t mac, const char *ip, const char *client)
{
    struct fact fact = {.kind = FACT_LEASE, .mac = campus_mac(mac), .source = BINDING_DHCP4};
    snprintf(fact.port, sizeof(fact.port), "%s", port);
    snprintf(fact.client_id, sizeof(fact.client_id), "%s", client);
    campus_fact(campus, "e1", &fact);
    fact.ip = campus_ip(ip);
    fact.lease_s = 600;
    snprintf(fact.port, sizeof(fact.port), "ul");
    campus_fact(campus, "e1", &fact);
}

/* The address goes to a new server, which is declared as protected. */
static void
address_becomes_a_servers(struct campus *campus, const char *ip)
{
    char text[4096];
    struct fact alive = {.kind = FACT_MAC, .port = "p1", .mac = campus_mac(6)};
    for (int i = 0; i < 11; i++) {
        campus_pass(campus, MINUTE);
        campus_fact(campus, "e1", &alive);
    }
    campus_client(campus, "e1", "p4", 9, ip, "c9");
    campus_pass(campus, MINUTE);
    snprintf(text, sizeof(text), "%s%s", policy, protecting);
    scene_set_policy(campus, text);
    campus_pass(campus, MINUTE);
}

static void
test_who_had_the_address_of_a_protected_one_stays_contained(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p1", 6, "10.1.0.60", NULL);
    lease(campus, "p1", 6, "10.1.0.6", "c6");
    DETECT(campus, "10.1.0.6", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 6));
    lease(campus, "p1", 6, "10.1.0.66", "c6");
    address_becomes_a_servers(campus, "10.1.0.6");
    assert_true(scene_drops(campus, 6));
    assert_false(scene_drops(campus, 9));
}

static void
test_who_had_the_address_of_a_protected_one_can_be_enforced(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p1", 6, "10.2.0.60", NULL);
    lease(campus, "p1", 6, "10.2.0.6", "c6");
    DETECT(campus, "10.2.0.6", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    lease(campus, "p1", 6, "10.2.0.66", "c6");
    address_becomes_a_servers(campus, "10.2.0.6");
    scene_judge(campus, campus_newest(campus)->id, VERDICT_ENFORCE, WISH_DONE);
    assert_true(scene_drops(campus, 6));
    assert_false(scene_drops(campus, 9));
}

static void
test_the_address_of_another_by_now_is_not_enforced(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.50", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    campus_pass(campus, 30 * MINUTE);
    campus_client(campus, "e1", "p4", 6, "10.1.0.50", "ward");
    campus_pass(campus, MINUTE);
    scene_judge(campus, campus_newest(campus)->id, VERDICT_ENFORCE, WISH_REFUSED);
    assert_false(scene_drops(campus, 6));
}

static void
test_resumed_is_not_held_before_the_switch_says_so(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    controller_panic(campus->controller, true, "operator:ann", "x", campus_answer, &answer);
    campus_pass(campus, SECOND);
    assert_false(scene_drops(campus, 2));
    campus->switches[0].is_deaf = true;
    controller_panic(campus->controller, false, "operator:ann", "x", campus_answer, &answer);
    campus_pass(campus, 5000000);
    assert_string_equal(campus_newest(campus)->problem, "e1 is still being told");
    campus_pass(campus, MINUTE);
    assert_non_null(strstr(campus_newest(campus)->problem, "e1 has not answered what it was told"));
    assert_int_not_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
}

static void
test_observed_before_is_asked_when_the_mode_changes(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.3.0.4", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_int_equal(controller_containment_count(campus->controller), 0);
    scene_change_policy(campus, policy, "mode: observe", "mode: approve");
    DETECT(campus, "10.3.0.4", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_int_equal(controller_containment_count(campus->controller), 1);
}

static void
test_what_was_released_is_not_enforced_by_waiting(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    DETECT(campus, "10.2.0.3", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    scene_isolate(campus, 3, 7200);
    char id[ID_SIZE];
    memcpy(id, campus_newest(campus)->id, sizeof(id));
    campus_pass(campus, 10 * MINUTE);
    controller_release(campus->controller, id, "operator:ann", "clean", campus_answer, &answer);
    campus_settle(campus);
    assert_false(scene_drops(campus, 3));
    campus_pass(campus, HOUR);
    assert_false(scene_drops(campus, 3));
    assert_int_equal(controller_containment_at(campus->controller, 0)->state, CONTAINMENT_PENDING);
}

static void
test_a_protected_one_is_joined_to_nobody(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    campus_client(campus, "e1", "p4", 5, "10.1.0.5", NULL);
    controller_protect_endpoint(campus->controller, campus_endpoint(campus, 5)->id, "operator:ann",
                                "pump", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    campus_client(campus, "e1", "p4", 5, "10.1.0.5", "c2"); /* its other plug, or c2's lie */
    assert_int_equal(campus_endpoint(campus, 5)->mac_count, 1);
    DETECT(campus, "10.1.0.5", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(campus_newest(campus)->hold, HOLD_PROTECTED);
}

static void
test_one_that_is_joined_while_it_is_confirmed_is_protected(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    campus_client(campus, "e1", "p4", 5, "10.1.0.5", NULL);
    char id[ID_SIZE];
    memcpy(id, campus_endpoint(campus, 5)->id, sizeof(id));
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    controller_protect_endpoint(campus->controller, id, "operator:ann", "pump", campus_answer,
                                &answer);
    assert_int_equal(answer.calls, 0); /* on its way to the disk */
    struct proposal *proposal = TAILQ_FIRST(&campus->controller->proposals);
    const struct endpoint *into = campus_endpoint(campus, 2);
    protection_follow(campus->controller, id, into);
    assert_true(proposal->is_changing);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    proposal = TAILQ_FIRST(&campus->controller->proposals);
    assert_string_equal(proposal->view.endpoint_id, into->id);
    assert_int_equal(proposal->view.state, PROTECTION_CONFIRMED);
    assert_null(TAILQ_NEXT(proposal, link));
    campus_restart(campus);
    proposal = TAILQ_FIRST(&campus->controller->proposals);
    assert_string_equal(proposal->view.endpoint_id, campus_endpoint(campus, 2)->id);
}

static void
test_a_pair_keeps_nobody_from_isolation(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = {.action = ACTION_BLOCK_PAIR,
                              .mac = campus_mac(2),
                              .server = {.ip = campus_ip("198.51.100.9"), .length = 128}};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 2));
}

static void
test_decided_under_panic_is_verified_after_resume(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    controller_panic(campus->controller, true, "operator:ann", "x", campus_answer, &answer);
    campus_pass(campus, SECOND);
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, MINUTE);
    assert_int_not_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    campus_restart(campus);
    controller_panic(campus->controller, false, "operator:ann", "x", campus_answer, &answer);
    campus_pass(campus, MINUTE);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 2));
}

static void
test_checked_within_grace_is_contained_after_it(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    controller_release(campus->controller, campus_newest(campus)->id, "operator:ann", "clean",
                       campus_answer, &answer);
    campus_settle(campus);
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    scene_judge(campus, campus_newest(campus)->id, VERDICT_CHECK, WISH_DONE);
    campus_pass(campus, 6 * MINUTE);
    campus_restart(campus);
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 2));
}

static void
test_pending_is_enforced_when_its_mode_becomes_auto(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    scene_change_policy(campus, policy, "mode: approve", "mode: auto");
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 3));
}

static void
test_expired_is_contained_again(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, 2 * HOUR + MINUTE);
    assert_false(scene_drops(campus, 2));
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_true(scene_drops(campus, 2));
}

static void
test_graver_than_what_was_checked_asks_again_after_a_restart(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_LOW, STRENGTH_STRONG);
    scene_judge(campus, campus_newest(campus)->id, VERDICT_CHECK, WISH_DONE);
    campus_pass(campus, MINUTE);
    campus_restart(campus);
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_LOW, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_CHECKED);
    DETECT(campus, "10.2.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
}

static void
test_permits_that_were_taken_away_stay_so_after_a_restart(void **state)
{
    struct campus *campus = *state;
    char before[ID_SIZE];
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    memcpy(before, campus_newest(campus)->id, sizeof(before));
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_restart(campus);
    campus_pass(campus, MINUTE);
    assert_string_equal(campus_newest(campus)->id, before);
    assert_string_equal(campus_newest(campus)->permit_set, "");
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
}

static void
test_what_a_person_permits_stays_and_spends_nothing(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = {
        .action = ACTION_ISOLATE, .mac = campus_mac(2), .permit_set = "updates"};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    goes_on(campus, "10.1.0.2");
    assert_string_equal(campus_newest(campus)->permit_set, "updates");
    others_are_isolated(campus);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_graver_than_what_was_checked_asks_again_after_a_restart),
        CASE(test_permits_that_were_taken_away_stay_so_after_a_restart),
        CASE(test_what_a_person_permits_stays_and_spends_nothing),
        CASE(test_graver_than_what_was_checked_asks_again),
        CASE(test_graver_than_what_was_refused_asks_at_once),
        CASE(test_what_becomes_certain_has_its_whole_time_to_be_judged),
        CASE(test_a_stricter_decision_takes_the_permits_away),
        CASE(test_a_stricter_decision_confirms_without_permits),
        CASE(test_one_that_was_extended_spends_no_budget),
        CASE(test_one_until_released_spends_no_budget),
        CASE(test_one_that_lost_its_permits_spends_no_budget),
        CASE(test_one_that_was_joined_spends_no_budget),
        CASE(test_who_had_the_address_of_a_protected_one_stays_contained),
        CASE(test_who_had_the_address_of_a_protected_one_can_be_enforced),
        CASE(test_the_address_of_another_by_now_is_not_enforced),
        CASE(test_resumed_is_not_held_before_the_switch_says_so),
        CASE(test_observed_before_is_asked_when_the_mode_changes),
        CASE(test_what_was_released_is_not_enforced_by_waiting),
        CASE(test_a_protected_one_is_joined_to_nobody),
        CASE(test_one_that_is_joined_while_it_is_confirmed_is_protected),
        CASE(test_a_pair_keeps_nobody_from_isolation),
        CASE(test_decided_under_panic_is_verified_after_resume),
        CASE(test_checked_within_grace_is_contained_after_it),
        CASE(test_pending_is_enforced_when_its_mode_becomes_auto),
        CASE(test_expired_is_contained_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
