/* The desired state is looked after: what was lost or altered is put back, and told. */
#include "holding.h"

#include <stdio.h>
#include <string.h>

static void
what_was_lost_is_mended(void **state)
{
    struct fixture *f = *state;
    send_two(f, 100);
    size_t before = f->answer_count;
    tick(f, 3);
    assert_int_equal(f->answer_count, before); /* nothing wrong, nothing said */
    f->datapath->is_lost[1] = true;
    tick(f, 3);
    assert_int_equal(f->answer_count, before + 2);
    const struct wire_observed *found = &f->answers[before], *then = last_answer(f);
    assert_int_equal(found->repaired, 1);
    assert_int_equal(found->rules[1].state, RULE_ABSENT);
    assert_non_null(strstr(found->problem, "b"));
    assert_int_equal(then->rules[1].state, RULE_VERIFIED);
    assert_int_equal(then->repaired, 0);
    assert_false(f->datapath->is_lost[1]);
    tick(f, 93);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 2);
    assert_int_equal(f->datapath->count, 1); /* its time went on */
}

/* Somebody waits until the controller is away: it learns of it all the same, once. */
static void
what_was_altered_while_nobody_listened_is_told_later(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    size_t before = f->answer_count;
    f->is_away = true;
    f->datapath->is_lost[1] = true;
    tick(f, 3);
    assert_false(f->datapath->is_lost[1]);
    f->datapath->wrong_ports = 2;
    tick(f, 3);
    assert_int_equal(f->answer_count, before);
    f->is_away = false;
    f->datapath->wrong_ports = 0;
    desired_read_back(f->desired, 7);
    assert_int_equal(f->answer_count, before + 1);
    assert_int_equal(last_answer(f)->request, 7);
    assert_int_equal(last_answer(f)->repaired, 3);
    assert_non_null(strstr(last_answer(f)->problem, "while no controller was connected"));
    assert_non_null(strstr(last_answer(f)->problem, "rule b"));
    desired_read_back(f->desired, 8);
    assert_int_equal(last_answer(f)->repaired, 0);
    assert_string_equal(last_answer(f)->problem, "");
}

/* The kernel refuses a rule for good: told once, tried again after 3, 6, 12 ... 60 s. */
static void
what_cannot_be_mended_is_told_once(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    size_t before = f->answer_count;
    unsigned sets = f->datapath->sets;
    snprintf(f->datapath->refuses, sizeof(f->datapath->refuses), "a");
    tick(f, 3);
    assert_int_equal(f->answer_count, before + 2);
    assert_int_equal(f->answers[before].repaired, 1);
    assert_int_equal(last_answer(f)->rules[0].state, RULE_FAILED);
    assert_int_equal(f->datapath->sets, sets + 1);
    static const unsigned after_s[] = {3, 6, 12, 24, 48, 60, 60};
    for (size_t i = 0; i < COUNT_OF(after_s); i++) {
        tick(f, after_s[i] - 1);
        assert_int_equal(f->datapath->sets, sets + 1 + i);
        tick(f, 1);
        assert_int_equal(f->datapath->sets, sets + 2 + i);
    }
    assert_int_equal(f->answer_count, before + 2);
    f->datapath->refuses[0] = '\0'; /* that it is well again is news */
    tick(f, 3);
    assert_int_equal(f->answer_count, before + 3);
    assert_true(last_answer(f)->is_full);
    assert_int_equal(last_answer(f)->rules[0].state, RULE_VERIFIED);
    tick(f, 60);
    assert_int_equal(f->answer_count, before + 3);
}

/* A rule that fails for long hides nothing: another that is lost is told and mended at once, each
 * time. */
static void
what_is_lost_beside_a_failure_is_mended_at_once(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    snprintf(f->datapath->refuses, sizeof(f->datapath->refuses), "a");
    tick(f, 150);
    for (unsigned i = 0; i < 3; i++) {
        size_t before = f->answer_count;
        int at = fake_find(f->datapath, "b");
        f->datapath->is_lost[at] = true;
        tick(f, 3);
        assert_false(f->datapath->is_lost[at]);
        assert_int_equal(f->answer_count, before + 2);
        assert_int_equal(f->answers[before].repaired, 2);
        assert_int_equal(f->answers[before].rules[at].state, RULE_ABSENT);
        assert_int_equal(last_answer(f)->rules[at].state, RULE_VERIFIED);
    }
}

/* An entry that is missing or altered again right after it was put back: tried all the time. */
static void
what_stays_lost_is_mended_within_ten_seconds(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    f->datapath->keeps_losing = true;
    f->datapath->is_lost[0] = f->datapath->is_lost[1] = true;
    tick(f, 3);
    size_t told = f->answer_count;
    for (unsigned i = 0; i < 30; i++) {
        unsigned sets = f->datapath->sets;
        tick(f, 9);
        assert_true(f->datapath->sets > sets);
    }
    assert_int_equal(f->answer_count, told);
    f->datapath->keeps_losing = false;
    tick(f, 9);
    assert_int_equal(f->answer_count, told + 1);
    assert_int_equal(last_answer(f)->rules[1].state, RULE_VERIFIED);
    snprintf(f->datapath->alters, sizeof(f->datapath->alters), "b");
    for (unsigned i = 0; i < 30; i++) {
        unsigned sets = f->datapath->sets;
        tick(f, 9);
        assert_true(f->datapath->sets > sets);
    }
    assert_int_equal(f->answer_count, told + 3);
}

static void
a_removed_filter_is_told(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    size_t before = f->answer_count;
    f->datapath->wrong_ports = 2;
    tick(f, 3);
    assert_int_equal(f->answer_count, before + 2);
    assert_int_equal(f->answers[before].repaired, 2);
    assert_non_null(strstr(f->answers[before].problem, "p1"));
    assert_int_equal(f->datapath->sets, 1); /* the maps were right */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_lost_is_mended),
        TEST(what_was_altered_while_nobody_listened_is_told_later),
        TEST(what_cannot_be_mended_is_told_once),
        TEST(what_is_lost_beside_a_failure_is_mended_at_once),
        TEST(what_stays_lost_is_mended_within_ten_seconds),
        TEST(a_removed_filter_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
