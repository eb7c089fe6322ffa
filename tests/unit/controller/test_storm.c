/* A storm of false positives: ten thousand detections about ten thousand endpoints, through the
 * real engine, topology and store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"
#include "policy/budget.h"

#define CROWD 10000
#define FEW 500
#define PORTS 250
#define BUDGET 30

static const char *const storm_policy =
    "networks:\n"
    "  - {name: auto, prefixes: [10.0.0.0/8], mode: auto, home: true}\n"
    "permit_sets: [{name: updates}]\n"
    "never_block: {popular: 1000000}\n"
    "budgets: {per_minute: 30, per_hour: 40, network_percent: 100, switch_percent: 100}\n"
    "hold: {pending_s: 3600, then: revert}\n"
    "after_release: {grace_s: 0, watch_s: 0}\n"
    "policies:\n"
    "  - name: command and control\n"
    "    when: {phases: [c2]}\n"
    "    then:\n"
    "      - {action: isolate, permit_set: updates}\n";

static struct mac
mac_number(int i)
{
    return (struct mac){{2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct ip
ip_number(int i)
{
    return ip_from_v4((const uint8_t[]){10, 9, (uint8_t)(i >> 8), (uint8_t)i});
}

#define FACTS 500

static void
facts_tell(struct campus *campus, struct fact *facts, size_t *count)
{
    struct wire_facts told = {
        .sequence = ++campus->fact_sequence, .is_last = true, .facts = facts, .fact_count = *count};
    snprintf(told.switch_name, sizeof(told.switch_name), "e1");
    controller_facts(campus->controller, &told);
    campus_settle(campus);
    *count = 0;
}

static struct fact *
fact_add(struct campus *campus, struct fact *facts, size_t *count, enum fact_kind kind, int port)
{
    if (*count == FACTS) {
        facts_tell(campus, facts, count);
    }
    struct fact *fact = &facts[(*count)++];
    *fact = (struct fact){.kind = kind, .seen_us = campus->clock.wall_now_us};
    snprintf(fact->port, sizeof(fact->port), "p%d", port);
    return fact;
}

static void
crowd_arrives(struct campus *campus, int crowd)
{
    const struct device_config config = {.name = "e1", .driver = "dummy"};
    struct fact *facts = calloc(FACTS, sizeof(*facts));
    size_t count = 0;
    campus_add(campus, &config);
    for (int i = 0; i < PORTS; i++) {
        struct fact *fact = fact_add(campus, facts, &count, FACT_PORT, i);
        fact->port_number = (uint32_t)i + 1;
        fact->is_up = true;
    }
    for (int i = 0; i < crowd; i++) {
        fact_add(campus, facts, &count, FACT_MAC, i % PORTS)->mac = mac_number(i);
        struct fact *fact = fact_add(campus, facts, &count, FACT_BINDING, i % PORTS);
        fact->mac = mac_number(i);
        fact->ip = ip_number(i);
        fact->source = BINDING_ARP;
    }
    facts_tell(campus, facts, &count);
    free(facts);
}

static void
on_stored(void *context, const char *detection_id, int error)
{
    (void)detection_id;
    *(int *)context += error ? 1000000 : 1;
}

static uint8_t
confidence_of(int i)
{
    return (uint8_t)(10 + (i * 37) % 60 + (i % 331 == 5 ? 30 : 0)); /* some stand out */
}

static struct detection
storm_detection(const struct campus *campus, int i)
{
    struct detection d = {.seen_us = campus->clock.wall_now_us,
                          .first_us = campus->clock.wall_now_us,
                          .reported_us = campus->clock.wall_now_us,
                          .phase = PHASE_C2,
                          .severity = SEVERITY_HIGH,
                          .confidence = confidence_of(i),
                          .protocol = 6,
                          .handshake = true,
                          .strength = STRENGTH_STRONG,
                          .suspect = PARTY_SRC};
    snprintf(d.id, sizeof(d.id), "storm-%d", i);
    snprintf(d.sensor, sizeof(d.sensor), "ids");
    snprintf(d.maker, sizeof(d.maker), "suricata");
    snprintf(d.signature, sizeof(d.signature), "a signature that is wrong");
    d.src.ip = ip_number(i);
    d.dst.ip = campus_ip("198.51.100.9");
    d.src.port = 50000;
    d.dst.port = 443;
    return d;
}

/* All at once, as fast as they are taken; the clock stands but for the ticks. */
static void
storm_comes(struct campus *campus, int crowd, int *stored)
{
    for (int i = 0; i < crowd; i++) {
        struct detection d = storm_detection(campus, i);
        controller_detection(campus->controller, &d, on_stored, stored);
        if (i % 500 == 499) {
            campus_settle(campus);
            campus_pass(campus, 250000);
        }
    }
}

/* And what comes of it. */
static void
storm_passes(struct campus *campus, int crowd, int *stored)
{
    storm_comes(campus, crowd, stored);
    campus_pass(campus, 2000000);
}

struct tally {
    size_t isolated, pairs, held;
    int least;    /* confidence of those isolated, but the ones that went at once */
    size_t above; /* endpoints more confident than that, and not isolated */
};

static int
number_of(struct campus *campus, const struct containment *c)
{
    const struct endpoint *endpoint =
        topology_by_id(controller_topology(campus->controller), c->endpoint_id);
    assert_non_null(endpoint);
    return endpoint->macs[0].b[4] << 8 | endpoint->macs[0].b[5];
}

static struct tally
tally_of(struct campus *campus)
{
    struct tally tally = {.least = 1000};
    bool *is_isolated = calloc(CROWD, sizeof(*is_isolated));
    for (size_t i = 0; i < controller_containment_count(campus->controller); i++) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        if (c->action == ACTION_BLOCK_PAIR) {
            assert_int_equal(c->state, CONTAINMENT_VERIFIED);
            tally.pairs++;
        } else if (c->state == CONTAINMENT_PENDING) {
            assert_int_equal(c->hold, HOLD_BUDGET);
            tally.held++;
        } else {
            assert_int_equal(c->state, CONTAINMENT_VERIFIED);
            int number = number_of(campus, c);
            is_isolated[number] = true;
            int confidence = confidence_of(number);
            tally.least =
                number >= BUDGET / 10 && confidence < tally.least ? confidence : tally.least;
            tally.isolated++;
        }
    }
    for (int i = 0; i < CROWD; i++) {
        tally.above += !is_isolated[i] && confidence_of(i) > tally.least;
    }
    free(is_isolated);
    return tally;
}

static size_t
notices_of(const struct campus *campus, const char *kind)
{
    return (size_t)campus_number(campus, "SELECT count(*) FROM notice WHERE json ->> '$.kind' = ?1",
                                 kind);
}

static void
a_storm_contains_the_budget_the_most_confident_first_and_is_told_once(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    campus_open(&campus);
    campus.policy_text = storm_policy;
    campus_restart(&campus);
    crowd_arrives(&campus, CROWD);
    assert_int_equal(topology_endpoint_count(controller_topology(campus.controller)), CROWD);
    storm_passes(&campus, CROWD, &stored);
    assert_int_equal(stored, CROWD);

    struct tally tally = tally_of(&campus);
    assert_int_equal(tally.isolated, BUDGET);
    assert_int_equal(tally.above, 0);
    assert_int_equal(tally.pairs, CROWD - BUDGET / 10); /* all but those that went at once */
    assert_in_range(tally.held, 4000, 4096);
    int64_t since_us = 0, last_us = 0;
    uint64_t held = 0;
    assert_true(controller_storm(campus.controller, &since_us, &last_us, &held));
    assert_int_equal(held, CROWD - BUDGET);

    assert_int_equal(notices_of(&campus, "storm"), 1);
    assert_int_equal(notices_of(&campus, "pending"), 1); /* for whoever is on call */
    assert_in_range(notices_of(&campus, "contained"), BUDGET, BUDGET + 3);
    assert_int_equal(notices_of(&campus, "answered"), 0);
    campus_close(&campus);
}

static void
a_restart_gives_no_new_budget(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    campus_open(&campus);
    campus.policy_text = storm_policy;
    campus_restart(&campus);
    crowd_arrives(&campus, FEW);
    storm_passes(&campus, FEW, &stored);
    campus_pass(&campus, 3000000);
    struct budget_use before, after;
    engine_budget(controller_engine(campus.controller), &before);
    assert_int_equal(before.minute, BUDGET);
    campus_restart(&campus);
    campus_settle(&campus);
    engine_budget(controller_engine(campus.controller), &after);
    assert_int_equal(after.minute, BUDGET);
    assert_int_equal(after.hour, BUDGET);
    assert_int_equal(tally_of(&campus).isolated, BUDGET);
    campus_close(&campus);
}

/* Those that came last are the most confident: the budget is theirs.  Whoever is on call is told of
 * one that goes on waiting, else a restart finds nobody told and calls it a new storm. */
static void
whoever_is_on_call_is_told_of_one_that_goes_on_waiting(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    campus_open(&campus);
    campus.policy_text = storm_policy;
    campus_restart(&campus);
    crowd_arrives(&campus, FEW);
    for (int confidence = 0; confidence <= 100; confidence++) {
        for (int i = 0; i < 60; i++) {
            struct detection d = storm_detection(&campus, i);
            if (d.confidence == confidence) {
                controller_detection(campus.controller, &d, on_stored, &stored);
            }
        }
    }
    campus_pass(&campus, 3000000);
    assert_int_equal(stored, 60);
    assert_int_equal(tally_of(&campus).isolated, BUDGET);
    assert_int_equal(notices_of(&campus, "pending"), 1);
    campus_restart(&campus);
    campus_pass(&campus, 3000000);
    assert_int_equal(notices_of(&campus, "storm"), 1);
    assert_int_equal(notices_of(&campus, "pending"), 1);
    campus_close(&campus);
}

/* ---- core dies while they wait for their turn ---- */

static void
storm_open(struct campus *campus, int crowd, int *stored)
{
    campus_open(campus);
    campus->policy_text = storm_policy;
    campus_restart(campus);
    crowd_arrives(campus, crowd);
    storm_comes(campus, crowd, stored);
    campus_settle(campus);
}

static void
after_a_restart_those_who_were_gathered_have_their_turn(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    storm_open(&campus, 20, &stored);
    assert_int_equal(stored, 20); /* acknowledged: nobody sends them again */
    struct tally tally = tally_of(&campus);
    assert_int_equal(tally.isolated, BUDGET / 10);
    assert_int_equal(tally.held, 20 - BUDGET / 10);
    campus_restart(&campus);
    campus_restart(&campus); /* and once more */
    campus_pass(&campus, 2000000);
    tally = tally_of(&campus);
    assert_int_equal(tally.isolated, 20);
    assert_int_equal(tally.held, 0);
    assert_int_equal(notices_of(&campus, "storm"), 0);
    campus_close(&campus);
}

static void
a_restart_within_a_storm_keeps_the_order_and_is_told(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    storm_open(&campus, 400, &stored);
    assert_true(tally_of(&campus).isolated < BUDGET);
    campus_restart(&campus);
    campus_pass(&campus, 3000000);
    struct tally tally = tally_of(&campus);
    assert_int_equal(tally.isolated, BUDGET);
    assert_int_equal(tally.held, 400 - BUDGET);
    assert_in_range(notices_of(&campus, "storm"), 1, 2); /* before we died, and since */
    assert_int_equal(notices_of(&campus, "pending"), 1);
    size_t storms = notices_of(&campus, "storm");
    /* They had their turn: neither time nor another restart gives them one more. */
    campus_pass(&campus, 61000000);
    campus_restart(&campus);
    campus_pass(&campus, 3000000);
    assert_int_equal(tally_of(&campus).isolated, BUDGET);
    assert_int_equal(notices_of(&campus, "storm"), storms);
    assert_int_equal(notices_of(&campus, "pending"), 1);
    campus_close(&campus);
}

static void
left_alone(struct campus *campus)
{
    campus_pass(campus, 3000000);
    struct tally tally = tally_of(campus);
    assert_int_equal(tally.isolated, BUDGET / 10);
    assert_int_equal(tally.held, 20 - BUDGET / 10);
    assert_int_equal(notices_of(campus, "storm"), 1); /* a person hears of it */
    assert_int_equal(notices_of(campus, "pending"), 1);
    campus_restart(campus);
    campus_pass(campus, 3000000);
    assert_int_equal(tally_of(campus).isolated, BUDGET / 10);
    assert_int_equal(notices_of(campus, "storm"), 1);
    assert_int_equal(notices_of(campus, "pending"), 1);
}

static void
after_a_long_outage_a_person_decides_and_is_told(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    storm_open(&campus, 20, &stored);
    campus_stop(&campus);
    clock_fake_advance(&campus.clock, INT64_C(601) * 1000000);
    campus_start(&campus);
    left_alone(&campus);
    campus_close(&campus);
}

static void
a_policy_that_changed_meanwhile_leaves_them_to_a_person(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    char changed[2048];
    snprintf(changed, sizeof(changed), "%s# other words\n", storm_policy);
    storm_open(&campus, 20, &stored);
    campus_stop(&campus);
    campus.policy_text = changed;
    campus_start(&campus);
    left_alone(&campus);
    campus_close(&campus);
}

static void
whom_a_person_judged_is_not_asked_for_again_by_a_restart(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    struct wish_answer answer = {.calls = 0};
    storm_open(&campus, 20, &stored);
    size_t judged = 0;
    for (size_t i = 0; i < controller_containment_count(campus.controller); i++) {
        const struct containment *c = controller_containment_at(campus.controller, i);
        if (c->state == CONTAINMENT_PENDING && judged < 2) {
            controller_judge(campus.controller, c->id, judged ? VERDICT_CHECK : VERDICT_REVERT,
                             "operator", "seen", campus_answer, &answer);
            judged++;
        }
    }
    campus_settle(&campus);
    campus_restart(&campus);
    campus_pass(&campus, 3000000);
    size_t isolated = 0;
    for (size_t i = 0; i < controller_containment_count(campus.controller); i++) {
        const struct containment *c = controller_containment_at(campus.controller, i);
        isolated += c->action == ACTION_ISOLATE && c->state == CONTAINMENT_VERIFIED;
    }
    assert_int_equal(isolated, 18);
    campus_close(&campus);
}

/* The storm's notice is on the disk, the one for whoever is on call is not yet. */
static void
whoever_is_on_call_hears_of_one_although_core_died_in_between(void **state)
{
    (void)state;
    struct campus campus;
    int stored = 0;
    campus_open(&campus);
    campus.policy_text = storm_policy;
    campus_restart(&campus);
    crowd_arrives(&campus, FEW);
    storm_passes(&campus, 30, &stored);
    assert_int_equal(tally_of(&campus).isolated, BUDGET);
    assert_int_equal(notices_of(&campus, "storm"), 0);
    struct detection d = storm_detection(&campus, 40); /* the budget is spent */
    controller_detection(campus.controller, &d, on_stored, &stored);
    campus_settle(&campus);
    assert_int_equal(notices_of(&campus, "storm"), 1);
    assert_int_equal(notices_of(&campus, "pending"), 0);
    campus_restart(&campus);
    campus_pass(&campus, 2000000);
    assert_int_equal(notices_of(&campus, "pending"), 1);
    campus_restart(&campus);
    campus_pass(&campus, 2000000);
    assert_int_equal(notices_of(&campus, "pending"), 1);
    campus_close(&campus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_contains_the_budget_the_most_confident_first_and_is_told_once),
        cmocka_unit_test(a_restart_gives_no_new_budget),
        cmocka_unit_test(whoever_is_on_call_is_told_of_one_that_goes_on_waiting),
        cmocka_unit_test(after_a_restart_those_who_were_gathered_have_their_turn),
        cmocka_unit_test(a_restart_within_a_storm_keeps_the_order_and_is_told),
        cmocka_unit_test(after_a_long_outage_a_person_decides_and_is_told),
        cmocka_unit_test(a_policy_that_changed_meanwhile_leaves_them_to_a_person),
        cmocka_unit_test(whom_a_person_judged_is_not_asked_for_again_by_a_restart),
        cmocka_unit_test(whoever_is_on_call_hears_of_one_although_core_died_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
