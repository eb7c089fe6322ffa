/* The desired state: received, put in force, kept, expired, mended.  The datapath is a fake one,
 * the clock too; the disk is a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "edge/desired.h"
#include "fake_datapath.h"

#define SECOND_US 1000000LL
#define ANSWERS_MAX 32

#define HELD_MAX 200

struct fixture {
    struct rule held[HELD_MAX]; /* told so far */
    size_t held_count;
    char dir[64], journal[96], remaining[96];
    struct datapath *datapath;
    struct clock_fake clock;
    struct desired *desired;
    struct wire_observed answers[ANSWERS_MAX];  /* rules: of 'reports' */
    struct rule_report reports[ANSWERS_MAX][8]; /* the first of each answer */
    size_t answer_count;
    bool was_on_disk; /* at the last answer */
    bool is_away;     /* no controller listens */
    char released[8][RULE_ID_SIZE];
    size_t release_count;
};

static bool
on_observed(void *context, const struct wire_observed *observed)
{
    struct fixture *f = context;
    if (f->is_away) {
        return false;
    }
    assert_true(f->answer_count < ANSWERS_MAX);
    size_t at = f->answer_count++;
    f->answers[at] = *observed;
    for (size_t i = 0; i < observed->rule_count && i < 8; i++) {
        f->reports[at][i] = observed->rules[i];
    }
    f->answers[at].rules = f->reports[at];
    for (size_t i = 0; i < observed->held_count && f->held_count < HELD_MAX; i++) {
        f->held[f->held_count++] = observed->held[i]; /* shallow: nothing in them is looked at */
    }
    f->was_on_disk = access(f->journal, F_OK) == 0;
    return true;
}

static void
on_release(void *context, const struct rule *rule)
{
    struct fixture *f = context;
    assert_true(f->release_count < COUNT_OF(f->released));
    assert_int_equal(rule->kind, RULE_ISOLATE);
    assert_true(fake_find(f->datapath, rule->id) >= 0); /* about to go, not gone */
    snprintf(f->released[f->release_count++], RULE_ID_SIZE, "%s", rule->id);
}

/* The process starts (again); the rules in the kernel are whatever 'datapath' holds. */
static void
start(struct fixture *f)
{
    const struct desired_handler handler = {on_observed, on_release, f};
    f->desired = desired_new(f->datapath, "edge-1", f->dir, &f->clock.clock, &handler);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-desired-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->journal, sizeof(f->journal), "%s/desired.jsonl", f->dir);
    snprintf(f->remaining, sizeof(f->remaining), "%s/remaining", f->dir);
    f->datapath = fake_new();
    clock_fake_init(&f->clock, 1700000000 * SECOND_US);
    start(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    desired_free(f->desired);
    fake_free(f->datapath);
    char suspended[sizeof(f->dir) + 16];
    snprintf(suspended, sizeof(suspended), "%s/suspended", f->dir);
    unlink(suspended);
    unlink(f->journal);
    unlink(f->remaining);
    assert_int_equal(rmdir(f->dir), 0); /* nothing is left behind */
    free(f);
    return 0;
}

static struct rule
isolate(const char *id, uint32_t expires_s)
{
    struct rule rule = {.kind = RULE_ISOLATE, .expires_s = expires_s};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    rule.isolate.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)id[0]}};
    snprintf(rule.isolate.permit_set, sizeof(rule.isolate.permit_set), "updates");
    return rule;
}

static void
send_message(struct fixture *f, uint64_t base, uint64_t generation, struct rule *add, size_t count)
{
    const struct wire_desired message = {.switch_name = "edge-1",
                                         .epoch = 3,
                                         .generation = generation,
                                         .base = base,
                                         .is_last = true,
                                         .add = add,
                                         .add_count = count};
    desired_receive(f->desired, &message);
}

static void
send_removal(struct fixture *f, uint64_t base, const char *id)
{
    struct wire_desired_removal removal;
    snprintf(removal.id, sizeof(removal.id), "%s", id);
    const struct wire_desired message = {.switch_name = "edge-1",
                                         .epoch = 3,
                                         .generation = base + 1,
                                         .base = base,
                                         .is_last = true,
                                         .remove = &removal,
                                         .remove_count = 1};
    desired_receive(f->desired, &message);
}

/* Rules a and b, generation 1. */
static void
send_two(struct fixture *f, uint32_t expires_s)
{
    struct rule rules[2] = {isolate("a", 0), isolate("b", expires_s)};
    send_message(f, 0, 1, rules, 2);
}

static const struct wire_observed *
last_answer(const struct fixture *f)
{
    assert_true(f->answer_count > 0);
    return &f->answers[f->answer_count - 1];
}

static void
tick(struct fixture *f, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        clock_fake_advance(&f->clock, SECOND_US);
        desired_tick(f->desired);
    }
}

/* The machine loses power now: nothing is written at the end, the kernel's rules are gone. */
static void
cut_power(struct fixture *f)
{
    char *journal, *remaining = NULL;
    size_t size, remaining_size = 0;
    assert_int_equal(file_read(f->journal, 1 << 20, &journal, &size), 0);
    bool has_remaining = file_read(f->remaining, 1 << 20, &remaining, &remaining_size) == 0;
    desired_free(f->desired);
    assert_int_equal(file_write_atomic(f->journal, journal, size, 0600), 0);
    unlink(f->remaining);
    if (has_remaining) {
        assert_int_equal(file_write_atomic(f->remaining, remaining, remaining_size, 0600), 0);
        free(remaining);
    }
    free(journal);
    fake_free(f->datapath);
    f->datapath = fake_new();
    f->clock.boot_now_us = 5 * SECOND_US; /* the boot clock begins anew */
    start(f);
}

static void
load(struct fixture *f)
{
    char why[256] = "";
    assert_int_equal(desired_load(f->desired, why), 0);
}

/* ---- receiving ---- */

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

/* ---- expiry and the disk ---- */

static void
rules_expire(void **state)
{
    struct fixture *f = *state;
    send_two(f, 10);
    tick(f, 9);
    assert_int_equal(f->datapath->count, 2);
    f->clock.wall_now_us += 86400 * SECOND_US; /* a wall clock that jumps shortens nothing */
    desired_tick(f->desired);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 1);
    assert_int_equal(fake_find(f->datapath, "b"), -1);
    assert_int_equal(f->datapath->count, 1);
    assert_int_equal(f->release_count, 1);
    assert_string_equal(f->released[0], "b");
    cut_power(f);
    load(f);
    assert_int_equal(f->datapath->count, 1); /* and it stays away */
}

static void
an_expiry_that_fails_is_tried_again(void **state)
{
    struct fixture *f = *state;
    send_two(f, 2);
    f->datapath->change_error = -EIO;
    tick(f, 3);
    assert_int_equal(f->datapath->count, 2);
    f->datapath->change_error = 0;
    tick(f, 1);
    assert_int_equal(f->datapath->count, 1);
}

static void
the_state_survives_a_power_cut(void **state)
{
    struct fixture *f = *state;
    struct rule rule = isolate("c", 0);
    send_two(f, 0);
    send_message(f, 1, 2, &rule, 1);
    send_removal(f, 2, "a");
    cut_power(f);
    assert_int_equal(desired_generation(f->desired), 0);
    load(f);
    assert_int_equal(f->datapath->count, 2);
    assert_true(fake_find(f->datapath, "b") >= 0 && fake_find(f->datapath, "c") >= 0);
    assert_int_equal(desired_epoch(f->desired), 3);
    assert_int_equal(desired_generation(f->desired), 3);
    send_removal(f, 3, "b"); /* deltas go on where they were */
    assert_int_equal(f->datapath->count, 1);
}

/* Remaining seconds are written every minute: up to that a block may last longer, never shorter. */
static void
remaining_seconds_survive_a_power_cut(void **state)
{
    struct fixture *f = *state;
    send_two(f, 600);
    tick(f, 130);
    cut_power(f);
    f->clock.wall_now_us += 86400 * SECOND_US;
    load(f);
    tick(f, 469);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 12);
    assert_int_equal(f->datapath->count, 1);
}

static void
remaining_seconds_survive_a_restart_exactly(void **state)
{
    struct fixture *f = *state;
    send_two(f, 600);
    tick(f, 130);
    desired_free(f->desired);
    start(f);
    load(f);
    tick(f, 469);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 1);
    assert_int_equal(f->datapath->count, 1);
}

/* A rule that a delta removed leaves no deadline behind. */
static void
a_removed_rule_does_not_expire_after_loading(void **state)
{
    struct fixture *f = *state;
    send_two(f, 30);
    send_removal(f, 1, "b");
    cut_power(f);
    load(f);
    unsigned changes = f->datapath->changes;
    tick(f, 31);
    assert_int_equal(f->datapath->changes, changes);
}

static void
a_broken_line_asks_for_everything(void **state)
{
    struct fixture *f = *state;
    char *text, *broken = NULL;
    size_t size;
    send_two(f, 0);
    assert_int_equal(file_read(f->journal, 1 << 20, &text, &size), 0);
    assert_true(asprintf(&broken, "%s{\"epoch\":\n", text) > 0);
    assert_int_equal(file_write_atomic(f->journal, broken, strlen(broken), 0600), 0);
    free(text);
    free(broken);
    cut_power(f);
    load(f);
    assert_int_equal(f->datapath->count, 2); /* what can be read is in force */
    assert_int_equal(desired_generation(f->desired), 0);
    struct rule rule = isolate("c", 0);
    send_message(f, 1, 2, &rule, 1);
    assert_true(last_answer(f)->needs_snapshot);
}

static void
a_kernel_that_refuses_is_said_at_the_start(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";
    send_two(f, 0);
    cut_power(f);
    f->datapath->set_error = -ENOMEM;
    assert_int_equal(desired_load(f->desired, why), -ENOMEM);
    assert_true(why[0]);
}

/* Its port may be away: the others are looked after all the same. */
static void
a_rule_that_cannot_be_put_yet_keeps_nobody_from_starting(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";
    send_two(f, 0);
    cut_power(f);
    f->datapath->one_error = -ENODEV;
    assert_int_equal(desired_load(f->desired, why), 0);
    assert_int_equal(f->datapath->count, 2);
}

/* ---- looking after it ---- */

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

static void
suspension_is_kept(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    desired_suspend(f->desired, true);
    assert_true(f->datapath->is_suspended);
    assert_true(last_answer(f)->is_suspended);
    assert_true(last_answer(f)->problem[0]);
    assert_int_equal(f->datapath->count, 2); /* the rules stay */
    cut_power(f);
    load(f);
    assert_true(f->datapath->is_suspended && desired_is_suspended(f->desired));
    send_two(f, 0); /* the controller knows of no suspension, and does not lift this one */
    assert_true(f->datapath->is_suspended && last_answer(f)->is_suspended_here);
    cut_power(f);
    load(f);
    assert_true(f->datapath->is_suspended);
    desired_suspend(f->desired, false);
    assert_false(f->datapath->is_suspended || desired_is_suspended(f->desired));
    assert_false(last_answer(f)->is_suspended_here || last_answer(f)->problem[0]);
    cut_power(f);
    load(f);
    assert_false(f->datapath->is_suspended);
}

/* ---- what the responder asks ---- */

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

/* The state folder is gone, the kernel is not: what it holds may be in force, and stays until the
 * controller has said everything; however often we start meanwhile. */
static void
an_empty_disk_opens_nothing(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    desired_suspend(f->desired, true);
    for (unsigned i = 0; i < 2; i++) {
        desired_free(f->desired);
        assert_int_equal(unlink(f->journal), i == 0 ? 0 : -1); /* nothing unsure was written */
        start(f);
        load(f);
        assert_int_equal(f->datapath->count, 2);
        assert_int_equal(desired_generation(f->desired), 0);
        assert_true(desired_is_suspended(f->desired));
        tick(f, 7);
        assert_int_equal(f->datapath->count, 2);
    }
    struct rule rule = isolate("c", 0);
    send_message(f, 0, 9, &rule, 1);
    assert_int_equal(f->datapath->count, 1);
    assert_true(fake_find(f->datapath, "c") >= 0);
    assert_int_equal(access(f->journal, F_OK), 0);
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
        TEST(rules_expire),
        TEST(an_expiry_that_fails_is_tried_again),
        TEST(the_state_survives_a_power_cut),
        TEST(remaining_seconds_survive_a_power_cut),
        TEST(remaining_seconds_survive_a_restart_exactly),
        TEST(a_removed_rule_does_not_expire_after_loading),
        TEST(a_broken_line_asks_for_everything),
        TEST(an_empty_disk_opens_nothing),
        TEST(a_kernel_that_refuses_is_said_at_the_start),
        TEST(a_rule_that_cannot_be_put_yet_keeps_nobody_from_starting),
        TEST(what_was_lost_is_mended),
        TEST(what_was_altered_while_nobody_listened_is_told_later),
        TEST(what_cannot_be_mended_is_told_once),
        TEST(what_is_lost_beside_a_failure_is_mended_at_once),
        TEST(what_stays_lost_is_mended_within_ten_seconds),
        TEST(a_removed_filter_is_told),
        TEST(suspension_is_kept),
        TEST(rules_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
