/* A controller that comes back takes switches over as they are, where they hold just what they
 * must; every trick and accident beside it ends in a full exchange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "campus.h"
#include "controller/ask/inspect.h"
#include "wire/message.h"

#define COUNT 3

static char ids[COUNT][ID_SIZE];
static char kept_sum[RULES_SUM_SIZE];

static bool
drops(struct campus *campus, size_t on, uint8_t mac)
{
    struct mac whom = campus_mac(mac);
    return dummy_drops(campus->switches[on].device, "p1", &whom, NULL);
}

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    for (uint8_t i = 0; i < COUNT; i++) {
        campus_isolate(campus, (uint8_t)(11 + i), ids[i]);
    }
    campus_pass(campus, 2000000);
    kept_sum[0] = '\0';
    *state = campus;
    return 0;
}

static void
counts_clear(struct campus *campus)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].snapshots = campus->switches[i].sums = 0;
        campus->switches[i].protects = 0;
    }
}

static void
restart(struct campus *campus)
{
    campus_stop(campus);
    counts_clear(campus);
    campus_start(campus);
    campus_pass(campus, 2000000);
}

static void
assert_state(struct campus *campus, size_t which, enum rule_state first, enum rule_state second)
{
    struct switch_report reports[CAMPUS_SWITCHES];
    assert_int_equal(controller_reports(campus->controller, ids[which], reports, CAMPUS_SWITCHES),
                     2);
    assert_int_equal(reports[0].state, first);
    assert_int_equal(reports[1].state, second);
}

static void
assert_all_is_well(struct campus *campus)
{
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(drops(campus, 0, (uint8_t)(11 + i)) && drops(campus, 1, (uint8_t)(11 + i)));
        assert_state(campus, i, RULE_VERIFIED, RULE_VERIFIED);
        assert_null(controller_find(campus->controller, ids[i])->problem);
    }
}

/* e1 was told everything anew, e2 was taken over. */
static void
assert_first_was_told(struct campus *campus)
{
    assert_int_equal(campus->switches[0].snapshots, 1);
    assert_int_equal(campus->switches[1].snapshots, 0);
    assert_all_is_well(campus);
}

static void
what_is_held_is_taken_over(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    const struct rule *rule = dummy_first(campus->switches[0].device, RULE_ISOLATE);
    struct rule held;
    rule_copy(&held, rule);
    restart(campus);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(campus->switches[i].sums, 1);
        assert_int_equal(campus->switches[i].snapshots, 0);
        assert_int_equal(campus->switches[i].protects, 2); /* the driver's guard learns from them */
    }
    assert_all_is_well(campus);
    /* and driven on: what comes and what goes are changes to it */
    campus_isolate(campus, 21, id);
    struct wish_answer answer = {.calls = 0};
    controller_release(campus->controller, ids[0], "operator:ann", "clean", campus_answer, &answer);
    campus_pass(campus, 1000000);
    assert_true(drops(campus, 0, 21) && drops(campus, 1, 21));
    assert_false(drops(campus, 0, 11) || drops(campus, 1, 11));
    assert_int_equal(campus->switches[0].snapshots, 0);
    /* by this controller, and by none before it */
    struct wire_observed observed;
    struct wire_desired old = {
        .epoch = 1, .generation = 99, .add = &held, .add_count = 1, .is_last = true};
    struct device *device = campus->switches[0].device;
    assert_int_equal(device->driver->apply(device, &old, 1000, &observed), -ESTALE);
    wire_fini(WIRE_OBSERVED, &observed);
    rule_fini(&held);
}

static void
what_was_lost_is_told_anew(void **state)
{
    struct campus *campus = *state;
    const struct rule *rule = dummy_first(campus->switches[0].device, RULE_ISOLATE);
    char id[RULE_ID_SIZE];
    snprintf(id, sizeof(id), "%s", rule->id);
    campus_stop(campus);
    assert_true(dummy_remove(campus->switches[0].device, id));
    counts_clear(campus);
    campus_start(campus);
    campus_pass(campus, 2000000);
    assert_first_was_told(campus);
}

static void
what_nobody_asked_for_goes(void **state)
{
    struct campus *campus = *state;
    struct rule foreign = {.kind = RULE_ISOLATE, .id = "foreign/02:00:00:00:00:30#1"};
    foreign.isolate.mac = campus_mac(30);
    campus_stop(campus);
    assert_true(dummy_add(campus->switches[0].device, &foreign));
    counts_clear(campus);
    campus_start(campus);
    campus_pass(campus, 2000000);
    assert_first_was_told(campus);
    assert_false(drops(campus, 0, 30));
}

/* The id of a rule names 48 bits of its content; the sum all of it. */
static void
another_content_under_the_same_id_is_found(void **state)
{
    struct campus *campus = *state;
    struct rule altered;
    campus_stop(campus);
    rule_copy(&altered, dummy_first(campus->switches[0].device, RULE_ISOLATE));
    const uint8_t whom = altered.isolate.mac.b[5];
    altered.isolate.mac = campus_mac(31);
    assert_true(dummy_remove(campus->switches[0].device, altered.id));
    assert_true(dummy_add(campus->switches[0].device, &altered));
    rule_fini(&altered);
    assert_false(drops(campus, 0, whom));
    counts_clear(campus);
    campus_start(campus);
    campus_pass(campus, 2000000);
    assert_first_was_told(campus);
    assert_false(drops(campus, 0, 31));
}

static void
what_it_names_is_not_verified(void **state)
{
    struct campus *campus = *state;
    struct rule rule;
    rule_copy(&rule, dummy_first(campus->switches[0].device, RULE_ISOLATE));
    campus_stop(campus);
    assert_true(dummy_break(campus->switches[0].device, rule.id));
    counts_clear(campus);
    campus_start(campus);
    assert_int_equal(campus->switches[0].snapshots, 0); /* the rule is there; it does not work */
    campus_pass(campus, 1000000);
    size_t failed = 0;
    for (size_t i = 0; i < COUNT; i++) {
        failed += campus_has_mark(controller_find(campus->controller, ids[i]), "failed");
    }
    assert_int_equal(failed, 1);
    campus_pass(campus, 10000000);
    assert_all_is_well(campus); /* it was mended */
    rule_fini(&rule);
}

static void
sum_keep(struct campus_switch *sw, struct wire_observed *observed)
{
    (void)sw;
    snprintf(kept_sum, sizeof(kept_sum), "%s", observed->sum);
}

/* It holds nothing any more, and says again what it said when it did. */
static void
sum_replay(struct campus_switch *sw, struct wire_observed *observed)
{
    (void)sw;
    memcpy(observed->sum, kept_sum, sizeof(observed->sum));
}

static void
an_answer_of_before_is_of_no_use(void **state)
{
    struct campus *campus = *state;
    campus->switches[0].on_sum = sum_keep;
    restart(campus);
    assert_int_equal(strlen(kept_sum), RULES_SUM_SIZE - 1);
    campus->switches[0].on_sum = sum_replay;
    restart(campus);
    assert_first_was_told(campus);
}

static void
sum_none(struct campus_switch *sw, struct wire_observed *observed)
{
    (void)sw;
    observed->sum[0] = '\0';
}

static void
one_that_cannot_tell_is_told_everything(void **state)
{
    struct campus *campus = *state;
    campus->switches[0].on_sum = sum_none;
    restart(campus);
    assert_int_equal(campus->switches[0].sums, 1);
    assert_first_was_told(campus);
    campus->switches[0].is_old = true;
    restart(campus);
    assert_int_equal(campus->switches[0].sums, 0); /* not even asked: it would hang up */
    assert_first_was_told(campus);
}

static void
one_that_says_nothing_is_not_waited_for(void **state)
{
    struct campus *campus = *state;
    campus->switches[0].is_deaf = true;
    restart(campus);
    assert_int_equal(campus->switches[0].snapshots, 0);
    struct switch_view view;
    assert_true(controller_switch_at(campus->controller, 0, &view));
    campus_pass(campus, 25000000);
    assert_true(campus->switches[0].snapshots >= 1);
    campus->switches[0].is_deaf = false;
    campus_pass(campus, 70000000);
    assert_all_is_well(campus);
}

/* The driver's own guard looks at what goes to a switch, and must see this. */
static void
what_the_driver_protects_goes_past_its_guard(void **state)
{
    struct campus *campus = *state;
    static const char protected[][PREFIX_TEXT_SIZE] = {"192.0.2.0/24", "02:00:00:00:00:0b"};
    campus->protected = protected;
    campus->protected_count = 1;
    restart(campus);
    assert_int_equal(campus->switches[0].snapshots, 0); /* none of those */
    campus->protected_count = 2;
    restart(campus);
    assert_int_equal(campus->switches[0].snapshots, 1);
    assert_int_equal(campus->switches[1].snapshots, 1);
}

/* Somebody became protected by the policy while nobody ran: released, whether the switch is taken
 * over or told everything, and on all of them. */
static void
who_became_protected_meanwhile_is_let_go(void **state)
{
    struct campus *campus = *state;
    char text[4096];
    const char *own = "[\"02:00:00:00:00:01\"]", *at = strstr(campus_policy, own);
    assert_non_null(at);
    assert_true(drops(campus, 0, 11) && drops(campus, 1, 11));
    snprintf(text, sizeof(text), "%.*s[\"02:00:00:00:00:01\", \"02:00:00:00:00:0b\"]%s",
             (int)(at - campus_policy), campus_policy, at + strlen(own));
    campus->policy_text = text;
    restart(campus);
    campus_pass(campus, 3000000);
    assert_false(drops(campus, 0, 11) || drops(campus, 1, 11));
    assert_int_equal(controller_find(campus->controller, ids[0])->state, CONTAINMENT_RELEASED);
    assert_true(drops(campus, 0, 12) && drops(campus, 1, 12));
    campus->policy_text = NULL;
}

/* Also where only the line was lost. */
static void
one_that_was_away_is_taken_over(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    counts_clear(campus);
    dummy_set_connected(campus->switches[0].device, false);
    campus_pass(campus, 1000000);
    dummy_set_connected(campus->switches[0].device, true);
    campus_pass(campus, 2000000);
    assert_int_equal(campus->switches[0].snapshots, 0);
    assert_all_is_well(campus);
    dummy_set_connected(campus->switches[0].device, false);
    campus_isolate(campus, 22, id);
    campus_pass(campus, 1000000);
    dummy_set_connected(campus->switches[0].device, true);
    campus_pass(campus, 2000000);
    assert_first_was_told(campus);
    assert_true(drops(campus, 0, 22));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_held_is_taken_over),
        TEST(what_was_lost_is_told_anew),
        TEST(what_nobody_asked_for_goes),
        TEST(another_content_under_the_same_id_is_found),
        TEST(what_it_names_is_not_verified),
        TEST(an_answer_of_before_is_of_no_use),
        TEST(one_that_cannot_tell_is_told_everything),
        TEST(one_that_says_nothing_is_not_waited_for),
        TEST(what_the_driver_protects_goes_past_its_guard),
        TEST(who_became_protected_meanwhile_is_let_go),
        TEST(one_that_was_away_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
