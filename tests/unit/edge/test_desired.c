/* The desired state: received, put in force, answered, and asked for. */
#include "holding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
a_snapshot_is_put_in_force_then_answered_then_kept(void **state)
{
    struct fixture *f = *state;
    send_two(f, 60);
    assert_int_equal(f->datapath->count, 2);
    assert_int_equal(f->answer_count, 1);
    const struct wire_observed *answer = last_answer(f);
    assert_string_equal(answer->switch_name, "edge-1");
    assert_int_equal(answer->epoch, 3);
    assert_int_equal(answer->generation, 1);
    assert_true(answer->is_full && answer->is_last);
    assert_false(answer->needs_snapshot || answer->refused[0] || answer->problem[0]);
    assert_int_equal(answer->rule_count, 2);
    assert_int_equal(answer->rules[0].state, RULE_VERIFIED);
    assert_int_equal(answer->applied_us, f->clock.wall_now_us);
    assert_false(f->was_on_disk);
    assert_int_equal(access(f->journal, F_OK), 0);
    struct rule other = isolate("c", 0);
    send_message(f, 0, 2, &other, 1); /* exactly these */
    assert_int_equal(f->datapath->count, 1);
    assert_true(fake_find(f->datapath, "c") >= 0);
}

static void
a_delta_adds_and_removes(void **state)
{
    struct fixture *f = *state;
    struct rule rule = isolate("c", 0);
    send_two(f, 0);
    send_message(f, 1, 2, &rule, 1);
    assert_int_equal(f->datapath->count, 3);
    const struct wire_observed *answer = last_answer(f);
    assert_int_equal(answer->generation, 2);
    assert_false(answer->is_full);
    assert_true(answer->is_last);
    assert_int_equal(answer->rule_count, 1);
    assert_string_equal(answer->rules[0].id, "c");
    assert_int_equal(answer->rules[0].state, RULE_VERIFIED);
    assert_int_equal(answer->applied_us, f->clock.wall_now_us);
    send_removal(f, 2, "a");
    assert_int_equal(fake_find(f->datapath, "a"), -1);
    assert_int_equal(desired_generation(f->desired), 3);
    assert_int_equal(f->release_count, 1);
    assert_string_equal(f->released[0], "a");
    assert_int_equal(f->datapath->sets, 1); /* the others were not touched */
}

static void
a_wrong_base_needs_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct rule rule = isolate("c", 0);
    send_message(f, 7, 8, &rule, 1);
    assert_true(last_answer(f)->needs_snapshot);
    send_two(f, 0);
    send_message(f, 2, 3, &rule, 1);
    assert_true(last_answer(f)->needs_snapshot);
    assert_int_equal(last_answer(f)->generation, 1);
    assert_int_equal(f->datapath->count, 2);
    assert_int_equal(f->datapath->changes, 0);
}

static void
a_lower_epoch_is_refused(void **state)
{
    struct fixture *f = *state;
    struct rule rule = isolate("c", 0);
    send_two(f, 0);
    struct wire_desired old = {.epoch = 2, .generation = 9, .is_last = true, .add = &rule};
    old.add_count = 1;
    for (old.base = 0; old.base < 2; old.base++) {
        desired_receive(f->desired, &old);
        assert_true(last_answer(f)->refused[0]);
        assert_int_equal(last_answer(f)->epoch, 3);
        assert_int_equal(last_answer(f)->generation, 1);
        assert_int_equal(f->datapath->count, 2);
    }
    cut_power(f); /* and it is not forgotten */
    load(f);
    assert_int_equal(desired_epoch(f->desired), 3);
    desired_receive(f->desired, &old);
    assert_true(last_answer(f)->refused[0]);
    struct wire_desired newer = {.epoch = 4, .generation = 1, .is_last = true};
    desired_receive(f->desired, &newer);
    assert_int_equal(last_answer(f)->epoch, 4);
    assert_int_equal(f->datapath->count, 0);
}

static void
send_part(struct fixture *f, uint64_t generation, const char *id, bool is_last)
{
    struct rule rule = isolate(id, 0);
    const struct wire_desired message = {
        .epoch = 3, .generation = generation, .is_last = is_last, .add = &rule, .add_count = 1};
    desired_receive(f->desired, &message);
}

/* Whoever is not isolated any more is told of, while its rule is still there; who stays is not. */
static void
a_snapshot_tells_of_releases(void **state)
{
    struct fixture *f = *state;
    struct rule rules[3] = {isolate("b", 0), isolate("c", 0), isolate("d", 0)};
    send_two(f, 0);
    assert_int_equal(f->release_count, 0);
    send_message(f, 0, 2, rules, 3);
    assert_int_equal(f->release_count, 1);
    assert_string_equal(f->released[0], "a");
    send_message(f, 0, 3, NULL, 0);
    assert_int_equal(f->release_count, 4);
}

static void
parts_are_put_in_force_together(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    send_part(f, 5, "c", false);
    send_part(f, 5, "d", false);
    assert_int_equal(f->answer_count, 1);
    assert_int_equal(desired_generation(f->desired), 1);
    assert_int_equal(f->datapath->count, 2);
    send_part(f, 5, "e", true);
    assert_int_equal(f->answer_count, 2);
    assert_int_equal(desired_generation(f->desired), 5);
    assert_int_equal(f->datapath->count, 3);
    assert_int_equal(fake_find(f->datapath, "a"), -1);
}

/* The connection broke in the middle of a snapshot: what came of it is no part of the next one. */
static void
a_snapshot_that_never_ended_is_forgotten(void **state)
{
    struct fixture *f = *state;
    send_part(f, 5, "released", false);
    send_part(f, 6, "c", false);
    send_part(f, 6, "d", true);
    assert_int_equal(f->datapath->count, 2);
    assert_int_equal(fake_find(f->datapath, "released"), -1);
    send_part(f, 7, "e", false);
    struct rule rule = isolate("f", 0);
    send_message(f, 6, 7, &rule, 1); /* a delta comes between */
    assert_int_equal(f->datapath->count, 3);
    send_part(f, 8, "g", true);
    assert_int_equal(f->datapath->count, 1);
}

static void
what_fails_is_said(void **state)
{
    struct fixture *f = *state;
    struct rule rules[2] = {isolate("c", 0), isolate("d", 0)};
    send_two(f, 0);
    snprintf(f->datapath->refuses, sizeof(f->datapath->refuses), "d");
    send_message(f, 1, 2, rules, 2);
    assert_int_equal(last_answer(f)->rules[0].state, RULE_VERIFIED);
    assert_int_equal(last_answer(f)->rules[1].state, RULE_FAILED);
    assert_true(last_answer(f)->problem[0]);
    f->datapath->refuses[0] = '\0';
    f->datapath->read_back_error = -EIO;
    send_message(f, 2, 3, rules, 1);
    assert_int_equal(last_answer(f)->rules[0].state, RULE_FAILED);
    assert_string_equal(last_answer(f)->rules[0].id, "c");
    desired_read_back(f->desired, 77);
    assert_int_equal(last_answer(f)->request, 77);
    assert_int_equal(last_answer(f)->rule_count, 0);
    assert_true(last_answer(f)->problem[0]);
    f->datapath->read_back_error = 0;
    f->datapath->set_error = -ENOMEM;
    send_message(f, 0, 4, rules, 1);
    assert_true(last_answer(f)->problem[0]);
}

static void
a_read_back_answers_with_everything(void **state)
{
    struct fixture *f = *state;
    desired_read_back(f->desired, 76);
    assert_true(last_answer(f)->is_full && last_answer(f)->is_last);
    assert_int_equal(last_answer(f)->rule_count, 0);
    send_two(f, 0);
    f->datapath->is_lost[1] = true;
    desired_read_back(f->desired, 77);
    const struct wire_observed *answer = last_answer(f);
    assert_int_equal(answer->request, 77);
    assert_true(answer->is_full);
    assert_int_equal(answer->rules[0].state, RULE_VERIFIED);
    assert_int_equal(answer->rules[1].state, RULE_ABSENT);
}

static void
sum_ask(struct fixture *f, const char *key, char sum[RULES_SUM_SIZE])
{
    desired_tell_sum(f->desired, 9, key);
    assert_int_equal(last_answer(f)->request, 9);
    assert_true(last_answer(f)->is_last);
    assert_false(last_answer(f)->is_full);
    snprintf(sum, RULES_SUM_SIZE, "%s", last_answer(f)->sum);
}

/* Of the rules as they came, of their time only that there is one; what the maps lost is no part.
 */
static void
the_sum_is_of_what_the_maps_hold(void **state)
{
    struct fixture *f = *state;
    struct rule rules[2] = {isolate("b", 7), isolate("a", 0)};
    struct rule_digest digests[2];
    char expected[RULES_SUM_SIZE], one[RULES_SUM_SIZE], sum[RULES_SUM_SIZE];
    rule_digest(&rules[0], &digests[0]);
    rule_digest(&rules[1], &digests[1]);
    assert_true(rules_sum(digests, 2, "key", expected));
    rule_digest(&rules[1], &digests[0]);
    assert_true(rules_sum(digests, 1, "key", one));
    send_two(f, 60);
    tick(f, 2);
    unsigned verified = f->datapath->verified;
    sum_ask(f, "key", sum);
    assert_string_equal(sum, expected);
    assert_int_equal(last_answer(f)->rule_count, 0);
    assert_true(f->datapath->verified > verified); /* by test runs, now */
    sum_ask(f, "another key", sum);
    assert_string_not_equal(sum, expected);
    send_two(f, 0); /* without an end: a controller that asked for one must see it */
    sum_ask(f, "key", sum);
    assert_string_not_equal(sum, expected);
    send_two(f, 60);
    sum_ask(f, "key", sum);
    assert_string_equal(sum, expected);
    f->datapath->is_lost[1] = true;
    sum_ask(f, "key", sum);
    assert_string_equal(sum, one);
    assert_int_equal(last_answer(f)->rule_count, 1);
    assert_string_equal(last_answer(f)->rules[0].id, "b");
    assert_int_equal(last_answer(f)->rules[0].state, RULE_ABSENT);
    f->datapath->read_back_error = -EIO;
    sum_ask(f, "key", sum);
    assert_string_equal(sum, "");
    f->datapath->read_back_error = 0;
}

/* In parts, with what is left of their time, and nothing that blocks nobody. */
static void
what_blocks_is_told_whole(void **state)
{
    struct fixture *f = *state;
    struct rule rules[151];
    for (int i = 0; i < 150; i++) {
        char id[16];
        snprintf(id, sizeof(id), "r%d", i);
        rules[i] = isolate(id, i == 7 ? 100 : 0);
    }
    rules[150] = (struct rule){.kind = RULE_PROTECT, .id = "protect"};
    rules[150].protect.mac = (struct mac){{2, 9, 9, 9, 9, 9}};
    send_message(f, 0, 1, rules, 151);
    tick(f, 40);
    size_t before = f->answer_count;
    desired_tell_held(f->desired, 5);
    assert_int_equal(f->held_count, 150);
    assert_true(f->answer_count > before + 1);
    assert_false(f->answers[before].is_last);
    assert_true(last_answer(f)->is_last);
    assert_int_equal(last_answer(f)->request, 5);
    for (int i = 0; i < 150; i++) {
        assert_string_equal(f->held[i].id, rules[i].id);
        assert_int_equal(f->held[i].expires_s, i == 7 ? 60 : 0);
    }
}

static void
many_rules_are_answered_in_parts(void **state)
{
    struct fixture *f = *state;
    struct rule *rules = calloc(1200, sizeof(*rules));
    assert_non_null(rules);
    for (int i = 0; i < 1200; i++) {
        char id[32];
        snprintf(id, sizeof(id), "rule-%d", i);
        rules[i] = isolate(id, 0);
    }
    send_message(f, 0, 1, rules, 1200);
    free(rules);
    size_t told = 0;
    for (size_t i = 0; i < f->answer_count; i++) {
        told += f->answers[i].rule_count;
        assert_true(f->answers[i].is_full);
        assert_int_equal(f->answers[i].is_last, i + 1 == f->answer_count);
    }
    assert_int_equal(told, 1200);
    assert_int_equal(f->answer_count, 3);
    cut_power(f);
    load(f);
    assert_int_equal(f->datapath->count, 1200);
}

static void
rules_are_found(void **state)
{
    struct fixture *f = *state;
    struct rule_warning text = {.language = "en", .title = "Cut off"};
    struct rule rules[5] = {isolate("a", 0), isolate("b", 0)};
    struct ip ip = {{0x20, 1, [15] = 1}}, other = {{0x20, 1, [15] = 2}};
    struct mac mac = rules[0].isolate.mac, strange = {{2, 9, 9, 9, 9, 9}};
    rules[1].isolate.mac = (struct mac){{0}};
    rules[1].isolate.ip = ip;
    rules[2] = (struct rule){.id = "hold", .kind = RULE_HOLD_PORT, .hold_port.port = "p1"};
    rules[3] = (struct rule){.id = "set", .kind = RULE_PERMIT_SET, .permit_set.name = "updates"};
    rules[4] = (struct rule){.id = "text", .kind = RULE_WARNING, .warning = &text};
    send_message(f, 0, 1, rules, 5);
    assert_string_equal(desired_isolate_of(f->desired, &mac, &other)->id, "a");
    assert_string_equal(desired_isolate_of(f->desired, &strange, &ip)->id, "b");
    assert_null(desired_isolate_of(f->desired, &strange, &other));
    assert_string_equal(desired_hold_of(f->desired, "p1")->id, "hold");
    assert_null(desired_hold_of(f->desired, "p2"));
    assert_string_equal(desired_permits(f->desired, "updates")->name, "updates");
    assert_null(desired_permits(f->desired, ""));
    assert_null(desired_permits(f->desired, "others"));
    const struct rule_warning *texts[2];
    assert_int_equal(desired_warnings(f->desired, texts, 2), 1);
    assert_string_equal(texts[0]->title, "Cut off");
    assert_int_equal(desired_warnings(f->desired, texts, 0), 0);
    send_removal(f, 1, "a");
    assert_null(desired_isolate_of(f->desired, &mac, &other));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_is_put_in_force_then_answered_then_kept),
        TEST(a_delta_adds_and_removes),
        TEST(a_wrong_base_needs_a_snapshot),
        TEST(a_lower_epoch_is_refused),
        TEST(a_snapshot_tells_of_releases),
        TEST(parts_are_put_in_force_together),
        TEST(a_snapshot_that_never_ended_is_forgotten),
        TEST(what_fails_is_said),
        TEST(a_read_back_answers_with_everything),
        TEST(the_sum_is_of_what_the_maps_hold),
        TEST(what_blocks_is_told_whole),
        TEST(many_rules_are_answered_in_parts),
        TEST(rules_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
