#include "holding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static bool
on_observed(void *context, const struct wire_observed *observed)
{
    struct fixture *f = context;
    if (f->is_away || f->is_unwatched) {
        return f->is_unwatched;
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
    if (f->is_unwatched) {
        return;
    }
    assert_true(f->release_count < COUNT_OF(f->released));
    assert_int_equal(rule->kind, RULE_ISOLATE);
    assert_true(fake_find(f->datapath, rule->id) >= 0); /* about to go, not gone */
    snprintf(f->released[f->release_count++], RULE_ID_SIZE, "%s", rule->id);
}

void
start(struct fixture *f)
{
    const struct desired_handler handler = {on_observed, on_release, f};
    f->desired = desired_new(f->datapath, "edge-1", f->dir, &f->clock.clock, &handler);
}

int
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

int
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

struct rule
isolate(const char *id, uint32_t expires_s)
{
    struct rule rule = {.kind = RULE_ISOLATE, .expires_s = expires_s};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    rule.isolate.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)id[0]}};
    snprintf(rule.isolate.permit_set, sizeof(rule.isolate.permit_set), "updates");
    return rule;
}

void
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

void
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

void
send_two(struct fixture *f, uint32_t expires_s)
{
    struct rule rules[2] = {isolate("a", 0), isolate("b", expires_s)};
    send_message(f, 0, 1, rules, 2);
}

const struct wire_observed *
last_answer(const struct fixture *f)
{
    assert_true(f->answer_count > 0);
    return &f->answers[f->answer_count - 1];
}

void
tick(struct fixture *f, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        clock_fake_advance(&f->clock, SECOND_US);
        desired_tick(f->desired);
    }
}

void
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

void
load(struct fixture *f)
{
    char why[256] = "";
    assert_int_equal(desired_load(f->desired, why), 0);
}
