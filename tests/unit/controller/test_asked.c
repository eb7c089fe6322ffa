/* What people and programs ask for, what time ends, and switches that are slow, full, away or
 * driven by somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "audit_rows.h"
#include "scene.h"

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    campus_two_clients(campus);
    campus_client(campus, "e2", "p1", 4, "10.2.0.4", "c4");
    campus_client(campus, "e2", "p2", 5, "10.3.0.5", "c5");
    *state = campus;
    return 0;
}

static bool
drops(struct campus *campus, size_t on, uint8_t mac, const char *server)
{
    struct mac full = campus_mac(mac);
    struct ip ip = campus_ip(server ? server : "10.1.0.3");
    return dummy_drops(campus->switches[on].device, "any", &full, server ? &ip : NULL);
}

static enum wish_result
judge(struct campus *campus, const struct containment *c, enum verdict verdict)
{
    struct wish_answer answer = {.calls = 0};
    controller_judge(campus->controller, c->id, verdict, "operator:ann", "seen", campus_answer,
                     &answer);
    campus_settle(campus);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static void
test_a_wish_with_the_same_key_is_one_containment(void **state)
{
    struct campus *campus = *state;
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(2), .external_id = "INC-7"};
    struct wish_answer first = scene_wish(campus, &wish);
    assert_int_equal(first.result, WISH_DONE);
    struct wish_answer second = scene_wish(campus, &wish);
    assert_int_equal(second.result, WISH_EXISTS);
    assert_string_equal(second.id, first.id);
    wish.external_id[0] = '\0'; /* another asker, the same endpoint */
    second = scene_wish(campus, &wish);
    assert_int_equal(second.result, WISH_EXISTS);
    assert_string_equal(second.id, first.id);
    snprintf(wish.external_id, sizeof(wish.external_id), "INC-7");
    campus_restart(campus);
    second = scene_wish(campus, &wish);
    assert_int_equal(second.result, WISH_EXISTS);
    assert_string_equal(second.id, first.id);
    struct wish_answer release = {.calls = 0};
    controller_release(campus->controller, first.id, "token:x", "", campus_answer, &release);
    campus_settle(campus);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_EXISTS); /* that wish was fulfilled */
    campus_restart(campus);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_EXISTS);
    assert_int_equal(controller_containment_count(campus->controller), 0);
}

static void
test_protected_hosts_are_refused_with_the_reason(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p1", 1, "10.1.0.1", NULL);
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(1)};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "protected"));
    wish = (struct wish){.action = ACTION_BLOCK_SERVER};
    assert_true(prefix_parse("10.1.0.1", &wish.server));
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    assert_true(prefix_parse("10.1.0.0/24", &wish.server)); /* holds a protected one */
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    assert_false(drops(campus, 0, 1, NULL));
    assert_int_equal(controller_containment_count(campus->controller), 0);
}

static void
test_senseless_wishes_are_refused(void **state)
{
    struct campus *campus = *state;
    struct wish wish = {.action = ACTION_ISOLATE};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    snprintf(wish.endpoint_id, sizeof(wish.endpoint_id), "01NOBODY");
    assert_int_equal(scene_wish(campus, &wish).result, WISH_UNKNOWN);
    wish = (struct wish){.action = ACTION_ISOLATE, .mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    wish = (struct wish){.action = ACTION_BLOCK_SERVER, .server_name = "c2.example"};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    wish = (struct wish){.action = ACTION_ISOLATE, .mac = campus_mac(2), .permit_set = "none such"};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    wish = (struct wish){.action = ACTION_NOTIFY, .mac = campus_mac(2)};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    assert_int_equal(controller_containment_count(campus->controller), 0);
}

static void
test_pairs_and_servers(void **state)
{
    struct campus *campus = *state;
    struct wish wish = {.action = ACTION_BLOCK_PAIR, .ip = campus_ip("10.1.0.2")};
    assert_true(prefix_parse("198.51.100.9", &wish.server));
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    for (size_t i = 0; i < 2; i++) {
        assert_true(drops(campus, i, 2, "198.51.100.9"));
        assert_false(drops(campus, i, 2, "198.51.100.10"));
        assert_false(drops(campus, i, 3, "198.51.100.9"));
        assert_false(drops(campus, i, 2, NULL));
    }
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    wish = (struct wish){.action = ACTION_BLOCK_SERVER};
    assert_true(prefix_parse("203.0.113.0/24", &wish.server));
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 1, 3, "203.0.113.200"));
    assert_false(drops(campus, 1, 3, "203.0.114.1"));
}

static void
test_a_detailed_mirror_goes_where_one_is_declared(void **state)
{
    struct campus *campus = *state;
    campus->mirror_count = 1;
    snprintf(campus->mirrors[0].switch_name, NAME_SIZE, "e1");
    campus->mirrors[0].mirror =
        (struct rule_mirror){.kind = MIRROR_ALWAYS, .carrier = CARRIER_ERSPAN, .session = 7};
    campus->mirrors[0].mirror.erspan_to = campus_ip("10.9.0.9");
    campus_pass(campus, 3 * SECOND);
    campus_restart(campus);
    struct wish wish = {.action = ACTION_MIRROR, .mac = campus_mac(2), .expires_s = 60};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_int_equal(controller_mirror_count(campus->controller), 2);
    struct mirror_view view;
    assert_true(controller_mirror_at(campus->controller, 1, &view));
    assert_int_equal(view.mirror->kind, MIRROR_DETAILED);
    assert_int_equal(view.mirror->session, 7);
    assert_true(mac_is_equal(&view.mirror->mac, &wish.mac));
    assert_string_equal(view.asked_by->id, answer.id);
    assert_null(dummy_first(campus->switches[1].device, RULE_MIRROR));
    campus_pass(campus, 62 * SECOND);
    assert_int_equal(controller_mirror_count(campus->controller), 1);
}

static void
test_an_unlocated_endpoint_is_kept_and_acted_on(void **state)
{
    struct campus *campus = *state;
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(40)};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    const struct containment *c = controller_find(campus->controller, answer.id);
    assert_int_equal(c->state, CONTAINMENT_WAITING);
    assert_true(drops(campus, 0, 40, NULL)); /* on every switch already */
    campus_restart(campus);
    c = controller_find(campus->controller, answer.id);
    assert_int_equal(c->state, CONTAINMENT_WAITING);
    campus_client(campus, "e2", "p3", 40, "10.1.0.40", NULL);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_string_equal(c->endpoint_id, campus_endpoint(campus, 40)->id);
}

static void
test_pending_waits_for_a_verdict(void **state)
{
    struct campus *campus = *state;
    assert_true(campus_detect(campus, "weak", "10.1.0.2", STRENGTH_WEAK));
    const struct containment *weak = campus_newest(campus);
    assert_int_equal(weak->state, CONTAINMENT_PENDING);
    assert_int_equal(weak->hold, HOLD_WEAK);
    assert_true(campus_detect(campus, "asked", "10.2.0.4", STRENGTH_STRONG));
    const struct containment *asked = campus_newest(campus);
    assert_int_equal(asked->state, CONTAINMENT_PENDING);
    assert_int_equal(asked->hold, HOLD_MODE);
    assert_false(drops(campus, 0, 2, NULL));
    assert_false(drops(campus, 0, 4, NULL));
    assert_int_equal(judge(campus, weak, VERDICT_CHECK), WISH_DONE);
    assert_int_equal(weak->state, CONTAINMENT_CHECKED);
    assert_false(drops(campus, 0, 2, NULL));
    assert_int_equal(judge(campus, asked, VERDICT_ENFORCE), WISH_DONE);
    assert_int_equal(asked->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 0, 4, NULL));
    assert_true(drops(campus, 1, 4, NULL));
    assert_int_equal(judge(campus, asked, VERDICT_REVERT), WISH_REFUSED);
    assert_int_equal(judge(campus, weak, VERDICT_REVERT), WISH_DONE);
    assert_int_equal(weak->state, CONTAINMENT_REVERTED);
    campus_restart(campus);
    assert_int_equal(controller_containment_count(campus->controller), 1);
    assert_true(drops(campus, 0, 4, NULL));
}

static void
test_a_doubt_that_is_gone_is_not_shown_any_more(void **state)
{
    struct campus *campus = *state;
    assert_true(campus_detect(campus, "weak", "10.2.0.4", STRENGTH_WEAK));
    const struct containment *c = campus_newest(campus);
    assert_int_equal(c->hold, HOLD_WEAK);
    assert_true(campus_detect(campus, "strong", "10.2.0.4", STRENGTH_STRONG));
    assert_ptr_equal(campus_newest(campus), c);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_MODE);
    assert_string_equal(c->hold_detail, "mode approve: a person decides");
    campus_pass(campus, 2000000);
    campus_restart(campus); /* it was written down */
    assert_int_equal(campus_newest(campus)->hold, HOLD_MODE);
    assert_true(campus_detect(campus, "weak again", "10.2.0.4", STRENGTH_WEAK));
    assert_int_equal(campus_newest(campus)->hold, HOLD_MODE);
}

static void
test_a_pending_one_that_nobody_judges_is_reverted(void **state)
{
    struct campus *campus = *state;
    assert_true(campus_detect(campus, "weak", "10.1.0.2", STRENGTH_WEAK));
    const struct containment *c = campus_newest(campus);
    campus_pass(campus, 100 * SECOND);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    clock_fake_advance(&campus->clock, 3600 * SECOND);
    campus_pass(campus, SECOND);
    assert_int_equal(c->state, CONTAINMENT_REVERTED);
    assert_string_equal(c->ended_by, "policy:time-out");
    assert_false(drops(campus, 0, 2, NULL));
}

/* The campus, where nobody's answer is an answer, and more. */
static void
run_with(struct campus *campus, char text[4096], const char *more)
{
    const char *hold = strstr(campus_policy, "then: revert");
    snprintf(text, 4096, "%s%.*sthen: enforce%s", more, (int)(hold - campus_policy), campus_policy,
             hold + strlen("then: revert"));
    campus->policy_text = text;
    campus_pass(campus, 3 * SECOND); /* endpoints are written behind */
    campus_restart(campus);
}

static void
test_waiting_enforces_nothing_in_a_maintenance_window(void **state)
{
    struct campus *campus = *state;
    char text[4096], window[512], from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
    int64_t now_us = clock_wall_us(&campus->clock.clock);
    time_format(now_us + 1800 * SECOND, from);
    time_format(now_us + 7200 * SECOND, to);
    snprintf(window, sizeof(window),
             "maintenance: [{name: ward, mode: approve, when: {networks: [asked]},"
             " once: {from: '%s', to: '%s'}}]\n",
             from, to);
    run_with(campus, text, window);
    assert_true(campus_detect(campus, "asked", "10.2.0.4", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_int_equal(c->hold, HOLD_MODE); /* the window has not begun */
    assert_true(c->pending_until_us > 0 && c->pending_action == ACTION_ISOLATE);
    clock_fake_advance(&campus->clock, 3600 * SECOND); /* it is in force now */
    campus_pass(campus, SECOND);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_string_equal(c->hold_detail, "maintenance window ward leaves it to a person");
    clock_fake_advance(&campus->clock, 7200 * SECOND); /* and over: a person was told */
    campus_pass(campus, SECOND);
    campus_restart(campus);
    c = campus_newest(campus);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->pending_until_us, 0);
    assert_false(drops(campus, 0, 4, NULL));
    assert_int_equal(judge(campus, c, VERDICT_ENFORCE), WISH_DONE);
    assert_true(drops(campus, 0, 4, NULL));
}

static void
test_waiting_enforces_nothing_that_is_observed_by_now(void **state)
{
    struct campus *campus = *state;
    char text[4096], changed[4096];
    run_with(campus, text, "");
    assert_true(campus_detect(campus, "asked", "10.2.0.4", STRENGTH_STRONG));
    char *mode = strstr(text, "mode: approve");
    snprintf(changed, sizeof(changed), "%.*smode: observe%s", (int)(mode - text), text,
             mode + strlen("mode: approve"));
    campus->policy_text = changed;
    campus_restart(campus);
    clock_fake_advance(&campus->clock, 3600 * SECOND);
    campus_pass(campus, SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_string_equal(campus_newest(campus)->hold_detail,
                        "network asked says observe by now: it waits for a person");
    assert_false(drops(campus, 0, 4, NULL));
}

static void
test_waiting_enforces_what_nothing_forbids(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    run_with(campus, text, "");
    assert_true(campus_detect(campus, "asked", "10.2.0.4", STRENGTH_STRONG));
    clock_fake_advance(&campus->clock, 3600 * SECOND);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 0, 4, NULL));
}

static void
see_audit(void *context, const struct audit_fields *row)
{
    *(size_t *)context += strcmp(row->action, "observe") == 0;
}

static void
test_observe_contains_nobody_and_says_what_would_have_been(void **state)
{
    struct campus *campus = *state;
    size_t count = 0;
    assert_true(campus_detect(campus, "d", "10.3.0.5", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 0);
    assert_false(drops(campus, 1, 5, NULL));
    assert_int_equal(audit_rows(campus->store, campus->base, see_audit, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(controller_incident_count(campus->controller), 1);
}

static void
test_panic_lets_all_pass_and_resume_is_exact(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {.calls = 0};
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    controller_panic(campus->controller, true, "operator:ann", "outage", campus_answer, &answer);
    assert_true(drops(campus, 0, 2, NULL));
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    for (size_t i = 0; i < 2; i++) {
        assert_false(drops(campus, i, 2, NULL));
        assert_non_null(dummy_first(campus->switches[i].device, RULE_ISOLATE));
    }
    campus_pass(campus, 12 * SECOND);
    campus_restart(campus);
    assert_true(controller_is_suspended(campus->controller));
    assert_false(drops(campus, 0, 2, NULL));
    struct suspension_view view;
    controller_suspension(campus->controller, &view);
    assert_string_equal(view.account, "operator:ann");
    assert_string_equal(view.reason, "outage");
    dummy_set_suspended(campus->switches[1].device, false); /* behind our back */
    campus_pass(campus, 8 * SECOND);
    assert_false(drops(campus, 1, 2, NULL));
    controller_panic(campus->controller, false, "operator:ann", "over", campus_answer, &answer);
    campus_settle(campus);
    c = campus_newest(campus);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(drops(campus, 0, 2, NULL));
    assert_true(drops(campus, 1, 2, NULL));
    assert_false(drops(campus, 0, 3, NULL));
}

static void
test_a_slow_switch_delays_nobody(void **state)
{
    struct campus *campus = *state;
    campus_add(campus,
               &(struct device_config){.name = "slow", .driver = "dummy", .latency_ms = 3000});
    dummy_set_connected(campus->switches[2].device, true);
    campus_pass(campus, 10 * SECOND);
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_true(drops(campus, 0, 2, NULL)); /* the clock has not moved */
    assert_true(drops(campus, 1, 2, NULL));
    assert_false(drops(campus, 2, 2, NULL));
    assert_int_not_equal(c->state, CONTAINMENT_VERIFIED);
    campus_pass(campus, 7 * SECOND);
    assert_true(drops(campus, 2, 2, NULL));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
}

static void
test_a_full_switch_fails_with_a_clear_problem(void **state)
{
    struct campus *campus = *state;
    campus_add(campus, &(struct device_config){
                           .name = "small", .driver = "dummy", .room = 8, .mac_only = true});
    dummy_set_connected(campus->switches[2].device, true);
    campus_settle(campus);
    char ids[9][ID_SIZE];
    for (uint8_t i = 0; i < 9; i++) {
        struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac((uint8_t)(100 + i))};
        snprintf(ids[i], ID_SIZE, "%s", scene_wish(campus, &wish).id);
    }
    const struct containment *last = controller_find(campus->controller, ids[8]);
    assert_int_equal(last->state, CONTAINMENT_FAILED);
    assert_non_null(strstr(last->problem, "small"));
    assert_non_null(strstr(last->problem, "full"));
    assert_true(drops(campus, 0, 108, NULL)); /* where there is room it holds */
    assert_int_not_equal(controller_find(campus->controller, ids[7])->state, CONTAINMENT_FAILED);
    struct wish_answer answer = {.calls = 0};
    controller_release(campus->controller, ids[0], "operator:ann", "", campus_answer, &answer);
    campus_pass(campus, 70 * SECOND); /* tried again, less and less often */
    assert_true(drops(campus, 2, 108, NULL));
    assert_int_not_equal(last->state, CONTAINMENT_FAILED);
    assert_null(last->problem);
}

static void
test_what_a_switch_cannot_hold_is_said_not_hidden(void **state)
{
    struct campus *campus = *state;
    campus_add(campus,
               &(struct device_config){.name = "small", .driver = "dummy", .mac_only = true});
    dummy_set_connected(campus->switches[2].device, true);
    campus_settle(campus);
    struct wish wish = {.action = ACTION_BLOCK_SERVER};
    assert_true(prefix_parse("203.0.113.7", &wish.server));
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    const struct containment *c = campus_newest(campus);
    assert_true(drops(campus, 0, 3, "203.0.113.7"));
    assert_non_null(strstr(c->problem, "small it cannot match addresses"));
}

static void
test_a_switch_that_is_away_is_named(void **state)
{
    struct campus *campus = *state;
    dummy_set_connected(campus->switches[1].device, false);
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    const struct containment *c = campus_newest(campus);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_non_null(strstr(c->problem, "e2 not connected since 2023-"));
    assert_false(drops(campus, 1, 2, NULL));
    dummy_set_connected(campus->switches[1].device, true);
    campus_settle(campus);
    assert_true(drops(campus, 1, 2, NULL));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_null(c->problem);
    controller_driver_gone(campus->controller);
    assert_non_null(strstr(c->problem, "e1 not connected"));
}

/* The switch e3 connects for the first time, and holds what a controller of that epoch told it. */
static void
driven_switch_comes(struct campus *campus, uint64_t epoch)
{
    const struct wire_desired desired = {
        .switch_name = "e3", .epoch = epoch, .generation = 9, .is_last = true};
    struct wire_observed observed;
    struct controller *controller = campus->controller;
    campus->controller = NULL; /* it has not connected yet */
    struct device *e3 =
        campus_add(campus, &(struct device_config){.name = "e3", .driver = "dummy"});
    campus->controller = controller;
    assert_int_equal(driver_dummy.apply(e3, &desired, 100, &observed), 0);
    free(observed.rules);
    dummy_set_connected(e3, true);
    campus_settle(campus);
}

static void
test_a_restored_controller_starts_above_every_epoch(void **state)
{
    struct campus *campus = *state;
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    uint64_t epoch = controller_epoch(campus->controller);
    driven_switch_comes(campus, epoch + 40);
    assert_int_equal(controller_epoch(campus->controller), epoch + 41);
    assert_true(drops(campus, 2, 2, NULL));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    campus_restart(campus);
    assert_int_equal(controller_epoch(campus->controller), epoch + 42);
}

struct audit_counting {
    const char *action, *object;
    int count;
};

static void
see_row(void *context, const struct audit_fields *row)
{
    struct audit_counting *counting = context;
    counting->count +=
        strcmp(row->action, counting->action) == 0 && strcmp(row->object, counting->object) == 0;
}

static int
audit_count(struct campus *campus, const char *action, const char *object)
{
    struct audit_counting counting = {action, object, 0};
    assert_int_equal(audit_rows(campus->store, campus->base, see_row, &counting), 0);
    return counting.count;
}

/* A switch that has our number, though we never drove it: somebody drives with a copy of our state,
 * and whoever sees it first goes on above. */
static void
test_a_copy_with_the_same_epoch_is_not_taken_for_ourselves(void **state)
{
    struct campus *campus = *state;
    uint64_t epoch = controller_epoch(campus->controller);
    driven_switch_comes(campus, epoch);
    assert_int_equal(controller_epoch(campus->controller), epoch + 1);
    assert_int_equal(audit_count(campus, "took_over", "e3"), 1);
    campus_pass(campus, 12 * SECOND); /* read back many times: told once, and driven on */
    assert_int_equal(controller_epoch(campus->controller), epoch + 1);
    assert_int_equal(audit_count(campus, "took_over", "e3"), 1);
    assert_int_equal(audit_count(campus, "fenced", "e3"), 0);
}

/* One switch that says a number of its own making harms nobody but itself. */
static void
test_an_epoch_that_cannot_be_is_no_reason_to_climb(void **state)
{
    struct campus *campus = *state;
    uint64_t epoch = controller_epoch(campus->controller);
    driven_switch_comes(campus, UINT64_MAX);
    assert_int_equal(controller_epoch(campus->controller), epoch);
    assert_int_equal(audit_count(campus, "fenced", "e3"), 1);
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 6 * SECOND);
    assert_true(drops(campus, 0, 2, NULL));
    assert_true(drops(campus, 1, 2, NULL));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_int_equal(audit_count(campus, "fenced", "e3"), 1);
    assert_false(drops(campus, 2, 2, NULL));
    /* its disk was mended: it says anew whose it is */
    struct wire_device mended = {.is_connected = true,
                                 .matches_mac = true,
                                 .matches_ip = true,
                                 .stages_everywhere = true,
                                 .verifies = true};
    struct switch_view view;
    snprintf(mended.switch_name, sizeof(mended.switch_name), "e3");
    controller_device(campus->controller, &mended);
    assert_true(controller_switch_at(campus->controller, 2, &view));
    assert_null(strstr(view.problem, "took over"));
    assert_true(view.desired_generation > 0);
}

static void
test_a_controller_that_was_replaced_stops_driving(void **state)
{
    struct campus *campus = *state;
    assert_true(campus_detect(campus, "before", "10.1.0.3", STRENGTH_STRONG));
    campus_settle(campus);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    char before[ID_SIZE];
    memcpy(before, campus_newest(campus)->id, sizeof(before));
    struct wire_observed observed;
    struct wire_desired taken = {.switch_name = "e1", .generation = 500, .is_last = true};
    taken.epoch = controller_epoch(campus->controller) + 1;
    assert_int_equal(driver_dummy.apply(campus->switches[0].device, &taken, 100, &observed), 0);
    free(observed.rules);
    campus_pass(campus, 6 * SECOND); /* seen when it is read back */
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 6 * SECOND);
    assert_false(drops(campus, 0, 2, NULL));
    assert_true(drops(campus, 1, 2, NULL)); /* the others are ours still */
    struct switch_view view;
    assert_true(controller_switch_at(campus->controller, 0, &view));
    assert_non_null(strstr(view.problem, "took over"));
    /* what another one may have released is not shown as proven; people were told, once */
    const struct containment *c = controller_find(campus->controller, before);
    assert_int_equal(c->state, CONTAINMENT_APPLIED);
    assert_non_null(strstr(c->problem, "e1 is driven by another controller"));
    assert_int_equal(audit_count(campus, "fenced", "e1"), 1);
}

static void
test_a_role_is_proposed_and_protects_when_confirmed(void **state)
{
    struct campus *campus = *state;
    struct fact hint = {
        .kind = FACT_ROLE_HINT, .port = "p3", .mac = campus_mac(3), .host_role = HOST_DHCP_SERVER};
    campus_fact(campus, "e1", &hint);
    struct protection_view view;
    assert_int_equal(controller_protection_count(campus->controller), 3);
    assert_true(controller_protection_at(campus->controller, 2, &view));
    assert_int_equal(view.state, PROTECTION_PROPOSED);
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(3)};
    struct wish_answer answer = {.calls = 0};
    controller_protect(campus->controller, view.id, true, "operator:ann", "our server",
                       campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    campus_pass(campus, 3 * SECOND);
    campus_restart(campus);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    bool found = false;
    struct mac mac = campus_mac(3);
    for (const struct rule *rule;
         !found && (rule = dummy_first(campus->switches[1].device, RULE_PROTECT)) != NULL;) {
        found = mac_is_equal(&rule->protect.mac, &mac);
        if (!found) {
            dummy_remove(campus->switches[1].device, rule->id);
        }
    }
    assert_true(found); /* checked at the last step too */
    controller_protect(campus->controller, view.id, false, "operator:ann", "", campus_answer,
                       &answer);
    campus_settle(campus);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
}

/* Malware answers DHCP too: what it does while it is contained must not open its containment. */
static void
test_a_contained_one_is_not_confirmed_as_protected(void **state)
{
    struct campus *campus = *state;
    struct fact hint = {
        .kind = FACT_ROLE_HINT, .port = "p2", .mac = campus_mac(2), .host_role = HOST_DHCP_SERVER};
    struct protection_view view;
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 3 * SECOND);
    campus_fact(campus, "e1", &hint);
    assert_true(controller_protection_at(campus->controller, 2, &view));
    struct wish_answer answer = {.calls = 0};
    controller_protect(campus->controller, view.id, true, "operator:ann", "our server",
                       campus_answer, &answer);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "release it first"));
    assert_true(drops(campus, 0, 2, NULL));
}

static void
test_what_cannot_be_stored_is_not_acknowledged(void **state)
{
    struct campus *campus = *state;
    campus_tamper(campus, "CREATE TRIGGER t BEFORE INSERT ON containment BEGIN"
                          " SELECT RAISE(ABORT, 'disk trouble'); END");
    assert_false(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 0);
    assert_false(drops(campus, 0, 2, NULL)); /* nobody is told of what is not durable */
    assert_false(store_has_detection(campus->store, "d"));
    campus_tamper(campus, "DROP TRIGGER t");
    assert_true(campus_detect(campus, "d", "10.1.0.2", STRENGTH_STRONG)); /* sent again */
    assert_true(drops(campus, 0, 2, NULL));
}

static void
test_a_changed_policy_changes_the_switches(void **state)
{
    struct campus *campus = *state;
    static const char yaml[] = "defaults: {mode: observe}\n"
                               "permit_sets:\n"
                               "  - {name: other, allows_dhcp: true}\n";
    struct policy *policy = NULL;
    struct policy_error error = {.line = 0};
    if (policy_parse(yaml, sizeof(yaml) - 1, &policy, &error)) {
        fail_msg("line %u: %s", error.line, error.text);
    }
    const struct rule *rule = dummy_first(campus->switches[0].device, RULE_PERMIT_SET);
    assert_string_equal(rule->permit_set.name, "updates");
    controller_set_policy(campus->controller, policy);
    policy_unref(policy);
    campus_settle(campus);
    rule = dummy_first(campus->switches[0].device, RULE_PERMIT_SET);
    assert_string_equal(rule->permit_set.name, "other");
    assert_null(dummy_first(campus->switches[1].device, RULE_PROTECT));
}

/* Shown as what the policy calls it, also where it is protected by its name alone; and a contained
 * endpoint follows a change of its permit set at once. */
static void
test_a_changed_policy_changes_who_is_protected_and_what_is_permitted(void **state)
{
    struct campus *campus = *state;
    char why[TEXT_SIZE] = "", yaml[2048];
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(2), .permit_set = "updates"};
    const struct endpoint *c3 = campus_endpoint(campus, 3);
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    assert_false(controller_is_protected(campus->controller, c3, why));
    snprintf(yaml, sizeof(yaml), "%s", campus_policy);
    char *at = strstr(yaml, "      - {server: 10.1.0.10");
    char rest[2048];
    snprintf(rest, sizeof(rest), "%s", at);
    snprintf(at, sizeof(yaml) - (size_t)(at - yaml),
             "      - {server: 10.1.0.77, protocol: tcp, port: 80}\n%s", rest);
    char *protects = strstr(yaml, "protected:\n");
    snprintf(rest, sizeof(rest), "%s", protects + strlen("protected:\n"));
    snprintf(protects, sizeof(yaml) - (size_t)(protects - yaml),
             "protected:\n  - {name: ward, macs: [\"02:00:00:00:00:03\"]}\n%s", rest);
    struct policy *policy = NULL;
    struct policy_error error = {.line = 0};
    if (policy_parse(yaml, strlen(yaml), &policy, &error)) {
        fail_msg("line %u: %s", error.line, error.text);
    }
    controller_set_policy(campus->controller, policy);
    policy_unref(policy);
    campus_settle(campus);
    assert_true(controller_is_protected(campus->controller, c3, why));
    assert_string_equal(why, "declared as protected in the policy: ward");
    wish = (struct wish){.action = ACTION_ISOLATE, .mac = campus_mac(3)};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "ward"));
    for (size_t i = 0; i < 2; i++) { /* the isolation stays, and its set has one more on each */
        const struct rule *rule = dummy_first(campus->switches[i].device, RULE_PERMIT_SET);
        assert_int_equal(rule->permit_set.permit_count, 2);
        assert_true(drops(campus, i, 2, NULL));
    }
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, campus_teardown)

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        EACH(test_a_wish_with_the_same_key_is_one_containment),
        EACH(test_protected_hosts_are_refused_with_the_reason),
        EACH(test_senseless_wishes_are_refused),
        EACH(test_pairs_and_servers),
        EACH(test_a_detailed_mirror_goes_where_one_is_declared),
        EACH(test_an_unlocated_endpoint_is_kept_and_acted_on),
        EACH(test_pending_waits_for_a_verdict),
        EACH(test_a_doubt_that_is_gone_is_not_shown_any_more),
        EACH(test_a_pending_one_that_nobody_judges_is_reverted),
        EACH(test_waiting_enforces_nothing_in_a_maintenance_window),
        EACH(test_waiting_enforces_nothing_that_is_observed_by_now),
        EACH(test_waiting_enforces_what_nothing_forbids),
        EACH(test_observe_contains_nobody_and_says_what_would_have_been),
        EACH(test_panic_lets_all_pass_and_resume_is_exact),
        EACH(test_a_slow_switch_delays_nobody),
        EACH(test_a_full_switch_fails_with_a_clear_problem),
        EACH(test_what_a_switch_cannot_hold_is_said_not_hidden),
        EACH(test_a_switch_that_is_away_is_named),
        EACH(test_a_restored_controller_starts_above_every_epoch),
        EACH(test_a_copy_with_the_same_epoch_is_not_taken_for_ourselves),
        EACH(test_an_epoch_that_cannot_be_is_no_reason_to_climb),
        EACH(test_a_controller_that_was_replaced_stops_driving),
        EACH(test_a_role_is_proposed_and_protects_when_confirmed),
        EACH(test_a_contained_one_is_not_confirmed_as_protected),
        EACH(test_what_cannot_be_stored_is_not_acknowledged),
        EACH(test_a_changed_policy_changes_the_switches),
        EACH(test_a_changed_policy_changes_who_is_protected_and_what_is_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
