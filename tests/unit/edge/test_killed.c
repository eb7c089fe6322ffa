/* A process that is killed: its kernel holds what it held, and its file says so, or says that it
 * does not know.  The datapath is a fake one; the disk is a temporary folder, as slow and as full
 * as the test wants. */
#include "holding.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "slow_disk.h"

/* An edge that has started; nobody looks at what it says. */
static int
begin(void **state)
{
    setup(state);
    struct fixture *f = *state;
    slow_disk_reset();
    f->is_unwatched = true;
    load(f);
    return 0;
}

#define MOMENTS 80

/* What a process that is killed now leaves behind. */
struct moment {
    char *journal; /* owned; NULL: no file */
    size_t size;
    unsigned rules; /* r0, r1, ... in the kernel */
    uint64_t generation;
};

struct running {
    struct event_base *base;
    struct disk *disk;
};

static void
disk_begin(struct fixture *f, struct running *running)
{
    running->base = event_base_new();
    running->disk = disk_new(running->base);
    assert_int_equal(desired_use(f->desired, running->base, running->disk), 0);
}

static void
disk_end(struct fixture *f, struct running *running)
{
    slow_disk_reset();
    desired_free(f->desired);
    f->desired = NULL;
    disk_free(running->disk);
    event_base_free(running->base);
}

static void
moment_take(const struct fixture *f, unsigned rules, struct moment *moment)
{
    *moment = (struct moment){.rules = rules, .generation = desired_generation(f->desired)};
    if (file_read(f->journal, 64 << 20, &moment->journal, &moment->size)) {
        moment->journal = NULL;
    }
}

static struct rule
numbered(unsigned number)
{
    struct rule rule = {.kind = RULE_ISOLATE};
    snprintf(rule.id, sizeof(rule.id), "r%u", number);
    rule.isolate.mac = (struct mac){{2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
    snprintf(rule.isolate.permit_set, sizeof(rule.isolate.permit_set), "updates");
    return rule;
}

/* Starts where that process was killed. */
static void
moment_start(struct fixture *f, const struct moment *moment)
{
    struct rule *rules = calloc(moment->rules + 1, sizeof(*rules));
    assert_non_null(rules);
    for (unsigned i = 0; i < moment->rules; i++) {
        rules[i] = numbered(i);
    }
    desired_free(f->desired);
    fake_free(f->datapath);
    f->datapath = fake_new();
    assert_int_equal(datapath_set(f->datapath, rules, moment->rules, NULL), 0);
    free(rules);
    unlink(f->journal);
    if (moment->journal) {
        assert_int_equal(file_write_atomic(f->journal, moment->journal, moment->size, 0600), 0);
    }
    start(f);
    load(f);
    for (unsigned i = 0; i < moment->rules; i++) {
        char id[16];
        snprintf(id, sizeof(id), "r%u", i);
        assert_true(fake_find(f->datapath, id) >= 0);
    }
}

/* Until the whole has taken the place of what was added up: soon, or on a busy machine later. */
static void
wait_shorter(struct fixture *f, struct running *running, size_t size)
{
    struct stat found = {.st_size = (off_t)size};
    for (int i = 0; i < 3000 && (size_t)found.st_size >= size; i++) {
        tick(f, 1);
        usleep(10000);
        event_base_loop(running->base, EVLOOP_NONBLOCK);
        assert_int_equal(stat(f->journal, &found), 0);
    }
}

/* Snapshots and deltas, each with one rule more, while a slow disk also gets the whole anew. */
static void
nothing_is_lost_whenever_it_is_killed(void **state)
{
    struct fixture *f = *state;
    struct moment *moments = calloc(MOMENTS, sizeof(*moments));
    struct rule all[MOMENTS + 1];
    struct running running;
    uint64_t generation = 1;
    unsigned unsure = 0;
    assert_non_null(moments);
    disk_begin(f, &running);
    sync_ms = 30;
    for (unsigned i = 0; i < MOMENTS; i++) {
        all[i] = numbered(i);
        if (i % 7 == 0) {
            send_message(f, 0, generation++, all, i + 1);
        } else {
            send_message(f, generation - 1, generation, &all[i], 1);
            generation++;
        }
        if (i == MOMENTS - 1) {
            wait_shorter(f, &running, moments[40].size);
        }
        moment_take(f, i + 1, &moments[i]);
        if (i == 30) { /* long enough for the whole to be written anew */
            for (unsigned k = 0; k < 7000; k++, generation++) {
                send_message(f, generation - 1, generation, &all[0], 1);
            }
        }
        if (i >= 40) {
            tick(f, 1);
        }
        usleep(5000);
        event_base_loop(running.base, EVLOOP_NONBLOCK);
    }
    assert_true(moments[40].size > moments[MOMENTS - 1].size); /* it was */
    disk_end(f, &running);
    for (unsigned i = 0; i < MOMENTS; i++) {
        moment_start(f, &moments[i]);
        unsure += desired_generation(f->desired) == 0;
        if (desired_generation(f->desired) != 0) {
            assert_int_equal(desired_generation(f->desired), moments[i].generation);
        }
        free(moments[i].journal);
    }
    assert_in_range(unsure, 1, 40); /* as long as the first of all was on its way */
    free(moments);
}

/* In the middle of the write itself: what the file does not have is known to be missing. */
static void
half_a_snapshot_takes_nothing_out(void **state)
{
    struct fixture *f = *state;
    struct rule *all = calloc(1200, sizeof(*all));
    struct moment before, whole;
    assert_non_null(all);
    for (unsigned i = 0; i < 1200; i++) {
        all[i] = numbered(i);
    }
    send_message(f, 0, 1, all, 10);
    moment_take(f, 10, &before);
    send_message(f, 0, 2, all, 1200);
    moment_take(f, 1200, &whole);
    assert_true(whole.size > before.size);
    const char *line_end = strchr(whole.journal + before.size, '\n');
    size_t part = (size_t)(line_end - whole.journal) + 1; /* a line, but not the last */
    const size_t cuts[] = {before.size + 1, part - 1, part, part + 1, whole.size - 1};
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        struct moment cut = whole;
        cut.size = cuts[i];
        moment_start(f, &cut);
        assert_int_equal(desired_generation(f->desired), 0);
        assert_int_equal(desired_epoch(f->desired), 3);
        cut.rules = 0; /* the power went: the kernel says nothing, the file alone must tell */
        moment_start(f, &cut);
        assert_int_equal(desired_generation(f->desired), 0);
        assert_int_equal(f->datapath->count, 10);
    }
    moment_start(f, &whole);
    assert_int_equal(desired_generation(f->desired), 2);
    free(before.journal);
    free(whole.journal);
    free(all);
}

/* Between maps and disk: the file is whole, and does not name all that is in force. */
static void
what_only_the_kernel_has_stays(void **state)
{
    struct fixture *f = *state;
    struct rule all[3] = {numbered(0), numbered(1), numbered(2)};
    struct moment moment;
    send_message(f, 0, 1, all, 1);
    moment_take(f, 1, &moment);
    moment.rules = 3;
    for (unsigned i = 0; i < 2; i++) { /* however often */
        moment_start(f, &moment);
        assert_int_equal(f->datapath->count, 3);
        assert_int_equal(desired_generation(f->desired), 0);
        assert_int_equal(desired_epoch(f->desired), 3);
    }
    send_message(f, 0, 5, &all[1], 1); /* now it is known */
    assert_int_equal(f->datapath->count, 1);
    moment.rules = 1;
    moment_start(f, &moment);
    assert_int_equal(desired_generation(f->desired), 1);
    free(moment.journal);
}

/* A delta whose base the file does not have. */
static void
a_delta_on_what_is_not_there_takes_nothing_out(void **state)
{
    struct fixture *f = *state;
    struct rule all[4] = {numbered(0), numbered(1), numbered(2), numbered(3)};
    struct moment first, second, broken;
    send_message(f, 0, 1, all, 1);
    moment_take(f, 1, &first);
    send_message(f, 1, 2, all, 3);
    moment_take(f, 3, &second);
    send_message(f, 2, 3, &all[3], 1);
    moment_take(f, 4, &broken);
    memmove(broken.journal + first.size, broken.journal + second.size,
            broken.size - second.size + 1); /* the second is missing */
    broken.size -= second.size - first.size;
    moment_start(f, &broken);
    assert_int_equal(f->datapath->count, 4);
    assert_int_equal(desired_generation(f->desired), 0);
    broken.rules = 0; /* the power went */
    moment_start(f, &broken);
    assert_int_equal(f->datapath->count, 2);
    assert_int_equal(desired_generation(f->desired), 0);
    free(first.journal);
    free(second.journal);
    free(broken.journal);
}

/* The disk takes no file: it is tried again, and not so often that blocks wait for it. */
static void
a_full_disk_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct rule all[2] = {numbered(0), numbered(1)};
    struct running running;
    struct moment moment;
    disk_begin(f, &running);
    sync_error = ENOSPC;
    send_message(f, 0, 1, all, 2); /* the first of all */
    disk_drain(running.disk);
    assert_int_equal(access(f->journal, F_OK), -1);
    tick(f, 10);
    disk_drain(running.disk);
    assert_int_equal(access(f->journal, F_OK), -1);
    sync_error = 0;
    tick(f, 10);
    disk_drain(running.disk);
    moment_take(f, 2, &moment);
    disk_end(f, &running);
    moment_start(f, &moment);
    assert_int_equal(desired_generation(f->desired), 1);
    free(moment.journal);
}

/* Each try writes the whole: one in ten seconds, however long it lasts; and none once it is there.
 */
static void
a_full_disk_is_tried_every_ten_seconds(void **state)
{
    struct fixture *f = *state;
    struct rule all[2] = {numbered(0), numbered(1)};
    struct running running;
    disk_begin(f, &running);
    tick(f, 3); /* it does not begin with the tenth */
    sync_error = ENOSPC;
    send_message(f, 0, 1, all, 2);
    disk_drain(running.disk);
    assert_true(desired_is_behind(f->desired));
    tick(f, 7); /* the first is due */
    disk_drain(running.disk);
    for (unsigned i = 0; i < 5; i++) {
        int before = syncs;
        for (unsigned k = 0; k < 9; k++) {
            tick(f, 1);
            disk_drain(running.disk);
        }
        assert_int_equal(syncs, before);
        tick(f, 1);
        disk_drain(running.disk);
        assert_int_equal(syncs, before + 1);
        assert_true(desired_is_behind(f->desired));
    }
    sync_error = 0;
    tick(f, 10);
    disk_drain(running.disk);
    assert_false(desired_is_behind(f->desired));
    int done = syncs;
    tick(f, 30);
    disk_drain(running.disk);
    assert_int_equal(syncs, done);
    disk_end(f, &running);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_lost_whenever_it_is_killed),
        TEST(half_a_snapshot_takes_nothing_out),
        TEST(what_only_the_kernel_has_stays),
        TEST(a_delta_on_what_is_not_there_takes_nothing_out),
        TEST(a_full_disk_is_tried_again),
        TEST(a_full_disk_is_tried_every_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
