/* A switch whose line lives and that answers nothing: what it was told since is not shown as
 * proven, what it had proven stays so, people hear of it, and all is well when it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
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

static const struct containment *
containment(struct campus *campus, const char *id)
{
    return controller_find(campus->controller, id);
}

/* The machine of MAC 2 is plugged in again with another MAC. */
static void
join(struct campus *campus, uint8_t mac)
{
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    struct fact up = {.kind = FACT_LINK_UP, .port = "p2"};
    campus_fact(campus, "e1", &down);
    campus_fact(campus, "e1", &up);
    campus_pass(campus, 5 * SECOND);
    campus_client(campus, "e1", "p2", mac, "10.1.0.22", "c2");
}

static const char *
problem_of(struct campus *campus, size_t index)
{
    static struct switch_view view;
    assert_true(controller_switch_at(campus->controller, index, &view));
    return view.problem;
}

static bool
is_told_mute(const char *text)
{
    return text && strstr(text, "has not answered what it was told at 2023-") != NULL;
}

/* Stored for whoever is to be told. */
static int64_t
notices_about(const struct campus *campus, const char *detail)
{
    return campus_number(campus,
                         "SELECT count(*) FROM notice WHERE json ->> '$.kind' = 'switch_problem'"
                         " AND json ->> '$.detail' LIKE ?1",
                         detail);
}

static void
what_a_mute_switch_was_told_since_is_not_proven(void **state)
{
    struct campus *campus = *state;
    char joined[ID_SIZE], other[ID_SIZE];
    campus_isolate(campus, 2, joined);
    campus_isolate(campus, 3, other);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(containment(campus, joined)->state, CONTAINMENT_VERIFIED);
    campus->switches[0].is_deaf = true;
    join(campus, 22);
    assert_true(campus_has_mark(containment(campus, joined), "mac_joined"));
    campus_pass(campus, 4 * SECOND); /* nine since it was told that the link went down */
    assert_int_equal(containment(campus, joined)->state, CONTAINMENT_VERIFIED);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(containment(campus, joined)->state, CONTAINMENT_APPLIED);
    assert_true(campus_has_mark(containment(campus, joined), "unverified"));
    assert_true(is_told_mute(containment(campus, joined)->problem));
    /* what it had proven before, it holds: told beside it, not taken back */
    assert_int_equal(containment(campus, other)->state, CONTAINMENT_VERIFIED);
    assert_false(campus_has_mark(containment(campus, other), "unverified"));
    assert_true(is_told_mute(containment(campus, other)->problem));
    assert_true(is_told_mute(problem_of(campus, 0)));
    assert_string_equal(problem_of(campus, 1), "");
    campus->switches[0].is_deaf = false;
    join(campus, 23); /* that it answers; the rest comes with the next read-back */
    assert_int_not_equal(containment(campus, joined)->state, CONTAINMENT_VERIFIED);
    campus_pass(campus, 40 * SECOND);
    assert_int_equal(containment(campus, joined)->state, CONTAINMENT_VERIFIED);
    assert_true(campus_has_mark(containment(campus, joined), "verified_again"));
    assert_null(containment(campus, joined)->problem);
    assert_string_equal(problem_of(campus, 0), "");
}

static void
what_is_contained_meanwhile_is_not_proven_either(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus->switches[1].is_deaf = true; /* not the endpoint's own */
    campus_isolate(campus, 2, id);
    campus_pass(campus, 60 * SECOND);
    assert_int_not_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
    struct switch_report reports[4];
    assert_int_equal(controller_reports(campus->controller, id, reports, 4), 2);
    assert_int_equal(reports[0].state, RULE_VERIFIED);
    assert_int_not_equal(reports[1].state, RULE_VERIFIED);
    assert_true(is_told_mute(reports[1].why));
    campus->switches[1].is_deaf = false;
    dummy_set_connected(campus->switches[1].device, false);
    dummy_set_connected(campus->switches[1].device, true);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
}

static void
people_are_told_once_and_when_it_is_over(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    static const char begun[] = "has not answered what it was told at%";
    campus->switches[1].is_deaf = true;
    campus_isolate(campus, 2, id);
    campus_pass(campus, 9 * SECOND);
    assert_int_equal(notices_about(campus, begun), 0);
    campus_pass(campus, 60 * SECOND);
    assert_int_equal(notices_about(campus, begun), 1);
    assert_int_equal(notices_about(campus, "answers again"), 0);
    campus->switches[1].is_deaf = false;
    dummy_set_connected(campus->switches[1].device, false);
    dummy_set_connected(campus->switches[1].device, true);
    campus_pass(campus, 60 * SECOND);
    assert_int_equal(notices_about(campus, begun), 1);
    assert_int_equal(notices_about(campus, "answers again"), 1);
}

/* A new line that it does not answer either heals nothing; one that is away stays what it was. */
static void
a_new_line_is_no_answer(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus_isolate(campus, 2, id);
    campus_pass(campus, 2 * SECOND);
    campus->switches[0].is_deaf = true;
    join(campus, 22);
    campus_pass(campus, 11 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
    for (int i = 0; i < 3; i++) {
        dummy_set_connected(campus->switches[0].device, false);
        campus_pass(campus, SECOND);
        assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
        dummy_set_connected(campus->switches[0].device, true);
        campus_pass(campus, 40 * SECOND);
        assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
        assert_true(is_told_mute(problem_of(campus, 0)));
    }
}

/* The endpoint's own one is gone for good: as with any that is away, what came since is open. */
static void
one_that_then_goes_away_is_simply_away(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus->switches[1].is_deaf = true;
    campus_isolate(campus, 2, id);
    campus_pass(campus, 11 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
    dummy_set_connected(campus->switches[1].device, false);
    campus_pass(campus, 59 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
    assert_non_null(strstr(containment(campus, id)->problem, "e2 not connected since"));
}

/* It comes back with less than it had: what was proven is not known any more. */
static void
one_that_forgot_holds_nothing_for_sure(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus_isolate(campus, 2, id);
    campus_pass(campus, 2 * SECOND);
    campus->switches[0].is_deaf = true;
    dummy_set_connected(campus->switches[0].device, false);
    struct wire_device back = {.is_connected = true,
                               .matches_mac = true,
                               .matches_ip = true,
                               .verifies = true,
                               .rule_room = 1000,
                               .epoch = 1};
    snprintf(back.switch_name, sizeof(back.switch_name), "e1");
    controller_device(campus->controller, &back);
    campus_pass(campus, 15 * SECOND);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_APPLIED);
    assert_true(campus_has_mark(containment(campus, id), "unverified"));
}

static void
refuse(struct campus *campus, const char *why)
{
    struct wire_observed no = {.epoch = 1, .is_last = true};
    snprintf(no.switch_name, sizeof(no.switch_name), "e2");
    snprintf(no.refused, sizeof(no.refused), "%s", why);
    controller_observed(campus->controller, &no);
}

/* It answers at once, but takes nothing: what it says is the trouble, not that it says nothing. */
static void
one_that_refuses_is_not_mute(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus->switches[1].is_deaf = true;
    campus_isolate(campus, 2, id);
    for (int i = 0; i < 300; i++) {
        refuse(campus, "its disk is full");
        campus_pass(campus, SECOND / 10);
    }
    assert_string_equal(problem_of(campus, 1), "its disk is full");
    assert_int_not_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
    assert_int_equal(notices_about(campus, "has not answered%"), 0);
}

/* The newer fact counts: that it refuses, that it then says nothing once more, that all is well. */
static void
one_that_was_mute_and_refuses_says_why(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    struct switch_report reports[4];
    campus->switches[1].is_deaf = true;
    campus_isolate(campus, 2, id);
    for (int i = 0; i < 2; i++) {
        campus_pass(campus, 15 * SECOND);
        assert_true(is_told_mute(problem_of(campus, 1)));
        assert_true(is_told_mute(containment(campus, id)->problem));
        for (int j = 0; j < 300; j++) {
            refuse(campus, j == 0 ? "its table is full" : "its disk is full");
            campus_pass(campus, SECOND / 10);
        }
        assert_string_equal(problem_of(campus, 1), "its disk is full");
        assert_non_null(strstr(containment(campus, id)->problem, "e2 its "));
        assert_false(is_told_mute(containment(campus, id)->problem));
        assert_int_equal(controller_reports(campus->controller, id, reports, 4), 2);
        assert_string_equal(reports[1].why, "its disk is full");
        assert_int_not_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
    }
    assert_int_equal(notices_about(campus, "answers again"), 0);
    campus->switches[1].is_deaf = false;
    dummy_set_connected(campus->switches[1].device, false);
    dummy_set_connected(campus->switches[1].device, true);
    campus_pass(campus, 2 * SECOND);
    assert_string_equal(problem_of(campus, 1), "");
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
    assert_int_equal(notices_about(campus, "answers again"), 1);
}

/* While we stood still, answers lay unread. */
static void
our_own_standstill_is_nobodys_silence(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus->switches[1].is_deaf = true;
    campus_isolate(campus, 2, id);
    campus_pass(campus, SECOND);
    clock_fake_advance(&campus->clock, 30 * SECOND);
    campus_pass(campus, 5 * SECOND);
    assert_false(is_told_mute(problem_of(campus, 1)));
    campus_pass(campus, 5 * SECOND);
    assert_true(is_told_mute(problem_of(campus, 1)));
}

/* What was sent after it, and before we noticed it, waited for nothing. */
static void
what_is_told_after_a_standstill_has_its_own_time(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus_pass(campus, SECOND);
    campus->switches[1].is_deaf = true;
    clock_fake_advance(&campus->clock, 30 * SECOND);
    campus_isolate(campus, 2, id);
    campus_pass(campus, 9 * SECOND);
    assert_false(is_told_mute(problem_of(campus, 1)));
    campus_pass(campus, 3 * SECOND);
    assert_true(is_told_mute(problem_of(campus, 1)));
}

/* Many at once have one cause, and are told as one. */
static void
many_at_once_are_told_as_one(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus_add(campus, &(struct device_config){.name = "e3", .driver = "dummy"});
    campus_add(campus, &(struct device_config){.name = "e4", .driver = "dummy"});
    campus_pass(campus, 2 * SECOND);
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].is_deaf = true;
    }
    campus_isolate(campus, 2, id);
    campus_pass(campus, 60 * SECOND);
    assert_int_equal(notices_about(campus, "has not answered%"), 0);
    assert_int_equal(notices_about(campus, "% switches have not answered what they were told"), 1);
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].is_deaf = false;
        dummy_set_connected(campus->switches[i].device, false);
        dummy_set_connected(campus->switches[i].device, true);
    }
    campus_pass(campus, 60 * SECOND);
    assert_int_equal(notices_about(campus, "answers again"), 0);
    assert_int_equal(notices_about(campus, "all switches that are connected answer again"), 1);
    assert_int_equal(containment(campus, id)->state, CONTAINMENT_VERIFIED);
}

static void
all_deaf(struct campus *campus, bool is_deaf)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].is_deaf = is_deaf;
    }
}

static void
all_connected(struct campus *campus, bool is_connected)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        dummy_set_connected(campus->switches[i].device, is_connected);
    }
}

/* Whoever falls mute meanwhile belongs to it; neither a part of it, nor who is away, nor who came
 * back and has not answered yet makes all well. */
static void
a_crowd_is_over_when_the_last_of_it_answers(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    static const char over[] = "all switches that are connected answer again";
    static const char *const more[] = {"e3", "e4", "e5"};
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        struct device_config config = {.driver = "dummy"};
        snprintf(config.name, sizeof(config.name), "%s", more[i]);
        campus_add(campus, &config);
    }
    campus_pass(campus, 2 * SECOND);
    all_deaf(campus, true);
    campus->switches[4].is_deaf = false;
    campus_isolate(campus, 2, id);
    campus_pass(campus, 15 * SECOND);
    assert_false(is_told_mute(problem_of(campus, 4)));
    campus->switches[4].is_deaf = true;
    join(campus, 22);
    campus_pass(campus, 15 * SECOND);
    assert_true(is_told_mute(problem_of(campus, 4)));
    assert_int_equal(notices_about(campus, "has not answered%"), 0);
    assert_int_equal(notices_about(campus, "% switches have not answered what they were told"), 1);
    for (size_t i = 0; i < 4; i++) {
        campus->switches[i].is_deaf = false;
        dummy_set_connected(campus->switches[i].device, false);
        dummy_set_connected(campus->switches[i].device, true);
    }
    campus_pass(campus, 20 * SECOND);
    assert_string_equal(problem_of(campus, 0), "");
    assert_int_equal(notices_about(campus, over), 0);
    all_deaf(campus, true);
    all_connected(campus, false);
    campus_pass(campus, 70 * SECOND);
    assert_int_equal(notices_about(campus, over), 0);
    all_connected(campus, true);
    campus_pass(campus, 3 * SECOND);
    assert_int_equal(notices_about(campus, over), 0);
    all_deaf(campus, false);
    all_connected(campus, false);
    all_connected(campus, true);
    campus_pass(campus, 10 * SECOND);
    assert_int_equal(notices_about(campus, over), 1);
}

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_a_mute_switch_was_told_since_is_not_proven),
        CASE(what_is_contained_meanwhile_is_not_proven_either),
        CASE(people_are_told_once_and_when_it_is_over),
        CASE(a_new_line_is_no_answer),
        CASE(one_that_then_goes_away_is_simply_away),
        CASE(one_that_forgot_holds_nothing_for_sure),
        CASE(one_that_refuses_is_not_mute),
        CASE(one_that_was_mute_and_refuses_says_why),
        CASE(our_own_standstill_is_nobodys_silence),
        CASE(what_is_told_after_a_standstill_has_its_own_time),
        CASE(many_at_once_are_told_as_one),
        CASE(a_crowd_is_over_when_the_last_of_it_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
