/* The main job at the controller's level: contained, followed, altered behind its back, released.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/log.h"
#include "policy/budget.h"
#include "audit_rows.h"
#include "campus.h"

#define SECOND INT64_C(1000000)

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    campus_two_clients(campus);
    *state = campus;
    return 0;
}

static bool
drops(struct campus *campus, size_t on, const char *port, uint8_t mac)
{
    struct mac full = campus_mac(mac);
    return dummy_drops(campus->switches[on].device, port, &full, NULL);
}

/* Contained on every switch, and c3 on none. */
static void
assert_cut_off(struct campus *campus, uint8_t mac)
{
    for (size_t i = 0; i < 2; i++) {
        assert_true(drops(campus, i, "p2", mac));
        assert_false(drops(campus, i, "p3", 3));
    }
}

static const struct containment *
contain(struct campus *campus)
{
    assert_false(drops(campus, 0, "p2", 2));
    assert_true(campus_detect(campus, "d-1", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_non_null(c);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_cut_off(campus, 2);
    return c;
}

static void
test_a_detection_contains_on_every_switch(void **state)
{
    struct campus *campus = *state;
    static const char *const steps[] = {"packet",  "detected", "received", "decided", "committed",
                                        "located", "pushed",   "applied",  "verified"};
    const struct containment *c = contain(campus);
    assert_int_equal(c->action, ACTION_ISOLATE);
    assert_string_equal(c->permit_set, "updates");
    assert_string_equal(c->policy, "command and control");
    assert_null(c->problem);
    assert_int_equal(c->mark_count, COUNT_OF(steps));
    int64_t last_us = 0;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_string_equal(c->marks[i].step, steps[i]);
        assert_true(c->marks[i].at_us >= last_us);
        last_us = c->marks[i].at_us;
    }
    assert_int_equal(controller_incident_count(campus->controller), 1);
    struct switch_report reports[4];
    assert_int_equal(controller_reports(campus->controller, c->id, reports, 4), 2);
    assert_int_equal(reports[0].state, RULE_VERIFIED);
    assert_int_equal(reports[1].state, RULE_VERIFIED);
}

static void
test_a_detection_sent_again_is_acknowledged_and_changes_nothing(void **state)
{
    struct campus *campus = *state;
    contain(campus);
    assert_true(campus_detect(campus, "d-1", "10.1.0.2", STRENGTH_STRONG));
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 1);
    campus_restart(campus);
    assert_true(campus_detect(campus, "d-1", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 1);
}

static void
switches_are_connected(struct campus *campus, bool is_connected)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        dummy_set_connected(campus->switches[i].device, is_connected);
    }
    campus_settle(campus);
}

/* It goes to the switches in a snapshot, not by itself: its story is the same. */
static void
test_what_was_decided_while_no_switch_was_there_is_pushed_too(void **state)
{
    struct campus *campus = *state;
    switches_are_connected(campus, false);
    assert_true(campus_detect(campus, "d-1", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_false(campus_has_mark(c, "pushed"));
    switches_are_connected(campus, true);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_cut_off(campus, 2);
    assert_true(campus_has_mark(c, "pushed"));
}

static void
test_it_is_followed_when_it_moves(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    clock_fake_advance(&campus->clock, 5 * SECOND);
    struct fact seen = {.kind = FACT_MAC, .port = "p4", .mac = campus_mac(2)};
    campus_fact(campus, "e2", &seen);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(campus_has_mark(c, "moved"));
    assert_true(drops(campus, 1, "p4", 2));
    assert_true(drops(campus, 0, "p2", 2));
    const struct rule *hold = dummy_first(campus->switches[1].device, RULE_HOLD_PORT);
    assert_non_null(hold);
    assert_string_equal(hold->hold_port.port, "p4");
    assert_null(dummy_first(campus->switches[0].device, RULE_HOLD_PORT));
}

static void
test_a_new_address_is_learnt_by_its_rule(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    uint32_t version = c->version;
    const struct rule *rule = dummy_first(campus->switches[0].device, RULE_ISOLATE);
    assert_int_equal(rule->isolate.address_count, 1);
    campus_client(campus, "e1", "p2", 2, "10.1.0.77", NULL);
    assert_cut_off(campus, 2);
    assert_true(c->version > version);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    rule = dummy_first(campus->switches[1].device, RULE_ISOLATE);
    bool found = false;
    struct ip ip = campus_ip("10.1.0.77");
    for (size_t i = 0; i < rule->isolate.address_count; i++) {
        found = found || ip_is_equal(&rule->isolate.addresses[i], &ip);
    }
    assert_true(found);
    /* The old rule is gone, not left behind. */
    assert_true(dummy_remove(campus->switches[1].device, rule->id));
    assert_null(dummy_first(campus->switches[1].device, RULE_ISOLATE));
}

static void
test_a_new_mac_with_the_same_client_id_is_contained_at_once(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    struct fact up = {.kind = FACT_LINK_UP, .port = "p2"};
    campus_fact(campus, "e1", &down);
    campus_fact(campus, "e1", &up);
    clock_fake_advance(&campus->clock, 5 * SECOND);
    assert_false(drops(campus, 1, "p2", 22));
    campus_client(campus, "e1", "p2", 22, "10.1.0.22", "c2");
    assert_cut_off(campus, 22);
    assert_cut_off(campus, 2);
    assert_true(campus_has_mark(c, "mac_joined"));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
}

/* Down, up and there again, all told at once, and with another address: campus.c looks at what is
 * sent. */
static void
test_what_goes_and_comes_at_once_is_never_taken_away(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    struct fact told[] = {
        {.kind = FACT_LINK_DOWN, .port = "p2"},
        {.kind = FACT_LINK_UP, .port = "p2"},
        {.kind = FACT_MAC, .port = "p2", .mac = campus_mac(2)},
        {.kind = FACT_BINDING, .port = "p2", .mac = campus_mac(2), .ip = campus_ip("10.1.0.99")},
    };
    clock_fake_advance(&campus->clock, 5 * SECOND);
    campus_facts(campus, "e1", told, COUNT_OF(told));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 0, "p2", 66)); /* the port is held again */
}

static void
test_an_unknown_mac_on_its_port_is_held_and_pending(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    assert_true(drops(campus, 0, "p2", 66)); /* by the port's rule, before anybody is asked */
    assert_false(drops(campus, 0, "p3", 66));
    struct fact held = {.kind = FACT_HELD_MAC, .port = "p2", .mac = campus_mac(66)};
    campus_fact(campus, "e1", &held);
    assert_true(campus_has_mark(c, "mac_held"));
    const struct containment *pending = campus_newest(campus);
    assert_ptr_not_equal(pending, c);
    assert_int_equal(pending->state, CONTAINMENT_PENDING);
    assert_int_equal(pending->hold, HOLD_UNRESOLVED);
    campus_fact(campus, "e1", &held); /* said once */
    assert_int_equal(controller_containment_count(campus->controller), 2);
    campus_restart(campus);
    assert_true(drops(campus, 0, "p2", 66)); /* not taken for one that was there before */
}

static void
release(struct campus *campus, const char *id)
{
    struct wish_answer answer = {0};
    controller_release(campus->controller, id, "account:ann", "cleaned", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
}

/* Whoever answered "enforce" then would contain what was cleaned. */
static void
test_a_held_mac_is_no_question_once_the_case_is_over(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE], asked[ID_SIZE];
    snprintf(id, sizeof(id), "%s", contain(campus)->id);
    struct fact held = {.kind = FACT_HELD_MAC, .port = "p2", .mac = campus_mac(66)};
    campus_fact(campus, "e1", &held);
    snprintf(asked, sizeof(asked), "%s", campus_newest(campus)->id);
    campus_restart(campus); /* it is still asked, as long as the port is held */
    assert_int_equal(controller_find(campus->controller, asked)->state, CONTAINMENT_PENDING);
    release(campus, id);
    const struct containment *pending = controller_find(campus->controller, asked);
    assert_int_equal(pending->state, CONTAINMENT_REVERTED);
    assert_non_null(strstr(pending->end_reason, "whose port held it, is over"));
    assert_false(drops(campus, 0, "p2", 66));
}

/* What a finding says is others' words: they end no question. */
static void
test_a_finding_with_the_same_words_stays_a_question(void **state)
{
    struct campus *campus = *state;
    struct detection detection = {.id = "d1",
                                  .sensor = "ids",
                                  .maker = "suricata",
                                  .signature = "C&C; held by the port of case 12345678",
                                  .seen_us = campus->clock.wall_now_us,
                                  .first_us = campus->clock.wall_now_us,
                                  .reported_us = campus->clock.wall_now_us,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_HIGH,
                                  .confidence = 90,
                                  .protocol = 6,
                                  .strength = STRENGTH_STRONG,
                                  .suspect = PARTY_SRC,
                                  .src = {.ip = campus_ip("10.1.0.99"), .port = 50000},
                                  .dst = {.ip = campus_ip("198.51.100.9"), .port = 443}};
    controller_detection(campus->controller, &detection, NULL, NULL);
    campus_settle(campus);
    const struct containment *asked = campus_newest(campus);
    assert_non_null(asked);
    assert_int_equal(asked->state, CONTAINMENT_PENDING);
    assert_int_equal(asked->hold, HOLD_UNRESOLVED);
    assert_non_null(strstr(asked->reason, "held by the port of case"));
    campus_restart(campus);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
}

/* The power went between the end of the case and that of its question. */
static void
test_nor_after_a_restart_in_between(void **state)
{
    struct campus *campus = *state;
    (void)contain(campus);
    struct fact held = {.kind = FACT_HELD_MAC, .port = "p2", .mac = campus_mac(66)};
    campus_fact(campus, "e1", &held);
    campus_stop(campus);
    campus_tamper(campus, "DELETE FROM containment WHERE state <> 'pending'");
    campus_start(campus);
    campus_settle(campus);
    assert_int_equal(campus_number(campus,
                                   "SELECT count(*) FROM containment WHERE state = "
                                   "'reverted'",
                                   NULL),
                     1);
}

static void
see_altered(void *context, const struct audit_fields *row)
{
    size_t *count = context;
    if (strcmp(row->action, "altered") == 0) {
        assert_string_equal(row->object, "e1");
        assert_non_null(strstr(row->detail, "differences"));
        (*count)++;
    }
}

static size_t
altered_rows(struct campus *campus)
{
    size_t count = 0;
    assert_int_equal(audit_rows(campus->store, campus->base, see_altered, &count), 0);
    return count;
}

static void
test_altered_behind_the_driver_it_is_alarmed_and_repaired(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    struct device *e1 = campus->switches[0].device;
    campus_pass(campus, 12 * SECOND);
    assert_int_equal(altered_rows(campus), 0);
    for (int how = 0; how < 2; how++) {
        const struct rule *rule = dummy_first(e1, RULE_ISOLATE);
        char id[RULE_ID_SIZE];
        snprintf(id, sizeof(id), "%s", rule->id);
        assert_true(how == 0 ? dummy_remove(e1, id) : dummy_break(e1, id));
        assert_false(drops(campus, 0, "p1", 2));
        campus->switches[0].latency_us = 50000; /* the repair takes a moment: the alarm is seen */
        bool was_seen = false;
        for (int64_t passed = 0; passed < 10 * SECOND && !was_seen; passed += 50000) {
            campus_pass(campus, 50000);
            was_seen = c->state != CONTAINMENT_VERIFIED;
        }
        assert_true(was_seen);
        assert_non_null(c->problem);
        assert_true(campus_has_mark(c, how == 0 ? "unverified" : "failed"));
        campus_pass(campus, 1 * SECOND);
        assert_int_equal(c->state, CONTAINMENT_VERIFIED);
        assert_null(c->problem);
        assert_true(drops(campus, 0, "p1", 2));
        assert_int_equal(altered_rows(campus), how + 1);
        campus->switches[0].latency_us = 0;
    }
}

/* The switch mended it before we looked, and the containment was touched at no time that we saw:
 * people learn of it all the same, and who alters it all the time fills no disk. */
static void
test_what_the_switch_mended_itself_is_in_the_audit(void **state)
{
    struct campus *campus = *state;
    contain(campus);
    struct wire_observed observed = {.switch_name = "e1", .repaired = 2, .problem = "filter gone"};
    controller_observed(campus->controller, &observed); /* one part of several */
    campus_settle(campus);
    assert_int_equal(altered_rows(campus), 0);
    observed.is_last = true;
    controller_observed(campus->controller, &observed);
    campus_settle(campus);
    assert_int_equal(altered_rows(campus), 1);
    for (int i = 0; i < 500; i++) {
        controller_observed(campus->controller, &observed);
    }
    campus_settle(campus);
    assert_int_equal(altered_rows(campus), 10);
}

static void
test_a_foreign_rule_is_taken_off(void **state)
{
    struct campus *campus = *state;
    contain(campus);
    struct rule foreign = {.kind = RULE_ISOLATE, .id = "somebody/else#1"};
    foreign.isolate.mac = campus_mac(3);
    dummy_add(campus->switches[1].device, &foreign);
    assert_true(drops(campus, 1, "p3", 3));
    campus_pass(campus, 7 * SECOND);
    assert_false(drops(campus, 1, "p3", 3));
    assert_cut_off(campus, 2);
}

static void
test_it_expires(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    struct wish wish = {.action = ACTION_ISOLATE, .expires_s = 60, .account = "operator:ann"};
    snprintf(wish.endpoint_id, sizeof(wish.endpoint_id), "%s", campus_endpoint(campus, 2)->id);
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    const struct containment *c = controller_find(campus->controller, answer.id);
    campus_pass(campus, 58 * SECOND);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_cut_off(campus, 2);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(c->state, CONTAINMENT_EXPIRED);
    assert_false(drops(campus, 0, "p2", 2));
    assert_false(drops(campus, 1, "p2", 2));
}

static void
test_an_extended_one_lasts_longer_on_the_switch_too(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    struct wish wish = {
        .action = ACTION_ISOLATE, .expires_s = 60, .account = "operator:ann", .mac = campus_mac(2)};
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    controller_extend(campus->controller, answer.id, 600, "operator:ann", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    campus_pass(campus, 90 * SECOND);
    assert_cut_off(campus, 2);
    campus_pass(campus, 520 * SECOND);
    assert_false(drops(campus, 0, "p2", 2));
}

static void
test_released_it_is_free_at_once(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    const struct containment *c = contain(campus);
    controller_release(campus->controller, c->id, "operator:ann", "cleaned", campus_answer,
                       &answer);
    assert_cut_off(campus, 2); /* not before it is on disk */
    assert_int_equal(answer.calls, 0);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    assert_int_equal(c->state, CONTAINMENT_RELEASED);
    assert_string_equal(c->ended_by, "operator:ann");
    assert_string_equal(c->end_reason, "cleaned");
    assert_null(dummy_first(campus->switches[0].device, RULE_ISOLATE));
    assert_null(dummy_first(campus->switches[0].device, RULE_HOLD_PORT));
    controller_release(campus->controller, c->id, "operator:ann", "again", campus_answer, &answer);
    assert_int_equal(answer.result, WISH_EXISTS);
    campus_pass(campus, 3 * SECOND);
    campus_restart(campus);
    assert_false(drops(campus, 0, "p2", 2));
    assert_true(campus_detect(campus, "d-9", "10.1.0.2", STRENGTH_STRONG));
    assert_cut_off(campus, 2); /* infected again: contained again */
}

/* The policy of the campus with other times after a release, and another budget. */
static void
change_policy(struct campus *campus, char text[4096], const char *from, const char *to)
{
    const char *before = campus->policy_text ? campus->policy_text : campus_policy;
    char made[4096];
    const char *at = strstr(before, from);
    assert_non_null(at);
    snprintf(made, sizeof(made), "%.*s%s%s", (int)(at - before), before, to, at + strlen(from));
    memcpy(text, made, sizeof(made));
    campus->policy_text = text;
    campus_pass(campus, 3 * SECOND); /* endpoints are written behind */
    campus_restart(campus);
}

static void
test_grace_goes_on_after_a_restart(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    change_policy(campus, text, "after_release: {grace_s: 0, watch_s: 0}",
                  "after_release: {grace_s: 300, watch_s: 3600}");
    release(campus, contain(campus)->id);
    campus_pass(campus, 100 * SECOND);
    campus_restart(campus);
    campus_pass(campus, 100 * SECOND);
    campus_restart(campus); /* and it does not begin anew */
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_GRACE);
    assert_false(drops(campus, 0, "p2", 2));
    assert_true(campus_detect(campus, "d-3", "10.1.0.3", STRENGTH_STRONG)); /* nobody else's */
    assert_int_equal(campus_newest(campus)->hold, HOLD_NONE);
    struct wish_answer answer = {0};
    controller_judge(campus->controller, c->id, VERDICT_REVERT, "operator:ann", "no", campus_answer,
                     &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    campus_pass(campus, 101 * SECOND);
    campus_restart(campus);
    assert_true(campus_detect(campus, "d-4", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->hold, HOLD_NONE);
    assert_true(drops(campus, 0, "p2", 2));
}

/* What ended by itself, or was refused while pending, is no release: it has no grace. */
static void
test_an_expiry_has_no_grace_after_a_restart(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    change_policy(campus, text, "after_release: {grace_s: 0, watch_s: 0}",
                  "after_release: {grace_s: 300, watch_s: 3600}");
    struct wish wish = {.action = ACTION_ISOLATE,
                        .mac = campus_mac(2),
                        .expires_s = 60,
                        .reason = "for a minute",
                        .account = "operator:ann"};
    struct wish_answer answer = {0};
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_pass(campus, 62 * SECOND);
    assert_false(drops(campus, 0, "p2", 2));
    campus_restart(campus);
    contain(campus);
}

static void
test_the_watch_goes_on_after_a_restart(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    change_policy(campus, text, "after_release: {grace_s: 0, watch_s: 0}",
                  "after_release: {grace_s: 60, watch_s: 3600}");
    change_policy(campus, text, "when: {phases: [c2], severity: medium, confidence: 40}",
                  "when: {phases: [c2], severity: medium, confidence: 40, count: 2, within_s: 60}");
    assert_true(campus_detect(campus, "d-1", "10.1.0.2", STRENGTH_STRONG));
    assert_null(campus_newest(campus)); /* one is not enough */
    struct wish wish = {.action = ACTION_ISOLATE,
                        .mac = campus_mac(2),
                        .reason = "by hand",
                        .account = "operator:ann"};
    struct wish_answer answer = {0};
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    release(campus, answer.id);
    campus_pass(campus, 600 * SECOND);
    campus_restart(campus);
    assert_true(campus_detect(campus, "d-3", "10.1.0.3", STRENGTH_STRONG));
    assert_false(drops(campus, 0, "p3", 3));
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_true(drops(campus, 0, "p2", 2)); /* watched: one is enough */
}

/* What was released since, and what a person isolated, count as they did. */
static void
test_a_spent_budget_is_spent_after_a_restart(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    change_policy(campus, text, "per_minute: 1000, per_hour: 4000", "per_minute: 2, per_hour: 2");
    struct wish wish = {.action = ACTION_ISOLATE,
                        .mac = campus_mac(3),
                        .reason = "by hand",
                        .account = "operator:ann"};
    struct wish_answer answer = {0};
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    release(campus, answer.id);
    release(campus, contain(campus)->id);
    campus_restart(campus);
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->hold, HOLD_NONE); /* the second */
    campus_restart(campus);
    assert_true(campus_detect(campus, "d-3", "10.1.0.3", STRENGTH_STRONG));
    assert_false(drops(campus, 0, "p3", 3));
    size_t count = controller_containment_count(campus->controller); /* the newest is its pair */
    const struct containment *held = controller_containment_at(campus->controller, count - 2);
    assert_int_equal(held->action, ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_BUDGET);
}

static void
test_a_clock_that_is_set_back_gives_no_budget_back(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    change_policy(campus, text, "per_minute: 1000, per_hour: 4000", "per_minute: 1, per_hour: 1");
    release(campus, contain(campus)->id);
    campus->clock.wall_now_us -= 3600 * SECOND;
    campus_restart(campus);
    struct budget_use use;
    engine_budget(controller_engine(campus->controller), &use);
    assert_int_equal(use.hour, 1);
    assert_true(campus_detect(campus, "d-2", "10.1.0.3", STRENGTH_STRONG));
    assert_false(drops(campus, 0, "p3", 3));
}

static void
test_a_lease_is_known_after_a_restart(void **state)
{
    struct campus *campus = *state;
    campus_pass(campus, 600 * SECOND);
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2"); /* renewed */
    int64_t until_us = campus->clock.wall_now_us + 7200 * SECOND;
    campus_pass(campus, 3 * SECOND);
    campus_restart(campus);
    const struct endpoint *endpoint = campus_endpoint(campus, 2);
    assert_non_null(endpoint);
    assert_int_equal(endpoint->binding_count, 1);
    assert_int_equal(endpoint->bindings[0].lease_until_us, until_us);
}

static void
test_after_a_restart_all_is_as_before(void **state)
{
    struct campus *campus = *state;
    const struct containment *before = contain(campus);
    char id[ID_SIZE];
    char rule_id[RULE_ID_SIZE];
    snprintf(id, sizeof(id), "%s", before->id);
    snprintf(rule_id, sizeof(rule_id), "%s",
             dummy_first(campus->switches[0].device, RULE_ISOLATE)->id);
    uint64_t epoch = controller_epoch(campus->controller);
    campus_pass(campus, 3 * SECOND);
    campus_restart(campus);
    assert_cut_off(campus, 2);
    const struct containment *after = controller_find(campus->controller, id);
    assert_non_null(after);
    assert_int_equal(after->state, CONTAINMENT_VERIFIED);
    assert_true(controller_epoch(campus->controller) > epoch);
    assert_true(dummy_has(campus->switches[0].device, rule_id)); /* the very same rule */
    assert_int_equal(controller_incident_count(campus->controller), 1);
    assert_non_null(campus_endpoint(campus, 3));
}

static void
test_a_mac_in_two_places_is_contained_in_both_and_everywhere(void **state)
{
    struct campus *campus = *state;
    const struct containment *c = contain(campus);
    for (int i = 0; i < 6; i++) { /* both go on talking */
        struct fact seen = {.kind = FACT_MAC, .mac = campus_mac(2)};
        snprintf(seen.port, sizeof(seen.port), "%s", i % 2 ? "p2" : "p4");
        clock_fake_advance(&campus->clock, SECOND / 2);
        campus_fact(campus, i % 2 ? "e1" : "e2", &seen);
    }
    if (campus_endpoint(campus, 2)->location.class != LOCATION_CONFLICT) {
        fail_msg("topology sees no conflict");
    }
    assert_true(campus_has_mark(c, "conflict"));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 0, "p2", 2));
    assert_true(drops(campus, 1, "p4", 2));
    assert_true(drops(campus, 0, "p3", 2)); /* one of the two may be out of date */
    assert_true(drops(campus, 1, "p1", 2));
}

/* All switches lose what they hold and are told it: whom that takes long is named where they are
 * few.  Of many no list is kept, which would be another with each that has answered. */
static void
test_while_a_site_is_told_its_containments_keep_one_problem(void **state)
{
    struct campus *campus = *state;
    struct device *more[] = {
        campus_add(campus, &(struct device_config){.name = "e3", .driver = "dummy"}),
        campus_add(campus, &(struct device_config){.name = "e4", .driver = "dummy"})};
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        dummy_set_connected(more[i], true);
    }
    campus_settle(campus);
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_null(c->problem);
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].is_deaf = true;
        dummy_set_connected(campus->switches[i].device, false);
        dummy_set_connected(campus->switches[i].device, true);
    }
    campus_pass(campus, 5 * SECOND);
    assert_string_equal(c->problem, "several switches are still being told");
    campus->switches[0].is_deaf = campus->switches[1].is_deaf = false;
    for (size_t i = 0; i < 2; i++) {
        dummy_set_connected(campus->switches[i].device, false);
        dummy_set_connected(campus->switches[i].device, true);
    }
    campus_pass(campus, 5 * SECOND);
    assert_string_equal(c->problem, "e3 is still being told; e4 is still being told");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, campus_teardown)

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        EACH(test_while_a_site_is_told_its_containments_keep_one_problem),
        EACH(test_a_detection_contains_on_every_switch),
        EACH(test_a_detection_sent_again_is_acknowledged_and_changes_nothing),
        EACH(test_what_was_decided_while_no_switch_was_there_is_pushed_too),
        EACH(test_it_is_followed_when_it_moves),
        EACH(test_a_new_address_is_learnt_by_its_rule),
        EACH(test_a_new_mac_with_the_same_client_id_is_contained_at_once),
        EACH(test_what_goes_and_comes_at_once_is_never_taken_away),
        EACH(test_an_unknown_mac_on_its_port_is_held_and_pending),
        EACH(test_a_held_mac_is_no_question_once_the_case_is_over),
        EACH(test_nor_after_a_restart_in_between),
        EACH(test_a_finding_with_the_same_words_stays_a_question),
        EACH(test_altered_behind_the_driver_it_is_alarmed_and_repaired),
        EACH(test_what_the_switch_mended_itself_is_in_the_audit),
        EACH(test_a_foreign_rule_is_taken_off),
        EACH(test_it_expires),
        EACH(test_an_extended_one_lasts_longer_on_the_switch_too),
        EACH(test_released_it_is_free_at_once),
        EACH(test_grace_goes_on_after_a_restart),
        EACH(test_an_expiry_has_no_grace_after_a_restart),
        EACH(test_the_watch_goes_on_after_a_restart),
        EACH(test_a_lease_is_known_after_a_restart),
        EACH(test_a_spent_budget_is_spent_after_a_restart),
        EACH(test_a_clock_that_is_set_back_gives_no_budget_back),
        EACH(test_after_a_restart_all_is_as_before),
        EACH(test_a_mac_in_two_places_is_contained_in_both_and_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
