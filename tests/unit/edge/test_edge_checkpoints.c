/* The edge's checkpoints on a real file in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "edge/checkpoints.h"
#include "slow_disk.h"

struct fixture {
    char dir[64], path[96];
    struct checkpoints *checkpoints;
    struct wire_checkpoint_line lines[WIRE_CHECKPOINTS_MAX];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_true(sodium_init() >= 0);
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-kept-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/checkpoints", f->dir);
    f->checkpoints = checkpoints_open(f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    checkpoints_free(f->checkpoints);
    unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static int
put(struct fixture *f, uint8_t key, int64_t number, uint8_t hash)
{
    struct checkpoint_key made;
    uint8_t secret[CHECKPOINT_SECRET_SIZE], seed[CHECKPOINT_KEY_SIZE] = {key};
    char line[CHECKPOINT_NOTE_SIZE];
    struct checkpoint checkpoint = {.number = number, .at_us = number * 1000};
    checkpoint_key_make(seed, &made, secret);
    memset(checkpoint.hash, hash, sizeof(checkpoint.hash));
    checkpoint_sign(&checkpoint, &made, secret);
    checkpoint_line_format(&checkpoint, line);
    return checkpoints_put(f->checkpoints, line);
}

static size_t
list(struct fixture *f, int64_t numbers[WIRE_CHECKPOINTS_MAX])
{
    size_t count = checkpoints_list(f->checkpoints, "", f->lines);
    for (size_t i = 0; i < count; i++) {
        struct checkpoint read;
        assert_true(checkpoint_line_find(f->lines[i].line, &read));
        numbers[i] = read.number;
    }
    return count;
}

static void
test_what_was_kept_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[WIRE_CHECKPOINTS_MAX];
    assert_int_equal(put(f, 1, 20, 2), 0);
    assert_int_equal(put(f, 1, 10, 1), 0);
    assert_int_equal(put(f, 1, 10, 1), 0); /* again: once */
    assert_int_equal(put(f, 1, 20, 9), 0); /* another story of the same row: both */
    checkpoints_free(f->checkpoints);
    f->checkpoints = checkpoints_open(f->dir);
    assert_int_equal(list(f, numbers), 3);
    assert_int_equal(numbers[0], 10);
    assert_int_equal(numbers[1], 20);
    assert_int_equal(numbers[2], 20);
    assert_int_equal(checkpoints_put(f->checkpoints, "nonsense"), -EINVAL);
    assert_int_equal(list(f, numbers), 3);
}

/* However many come: bounded, the newest are there, and old ones too, far and wide. */
static void
test_a_flood_leaves_old_and_new(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[WIRE_CHECKPOINTS_MAX];
    for (int64_t number = 10; number <= 2000; number += 10) {
        assert_int_equal(put(f, 1, number, 1), 0);
    }
    size_t count = list(f, numbers);
    assert_int_equal(count, CHECKPOINTS_MAX);
    assert_int_equal(numbers[0], 10);
    for (size_t i = 0; i < CHECKPOINTS_NEWEST; i++) {
        assert_int_equal(numbers[count - 1 - i], 2000 - 10 * (int64_t)i);
    }
    for (size_t i = 1; i < count; i++) {
        assert_true(numbers[i] - numbers[i - 1] <= 160);
    }
}

/* Whoever makes keys takes nobody's place. */
static void
test_keys_are_bounded_and_the_first_stay(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[WIRE_CHECKPOINTS_MAX];
    for (uint8_t key = 1; key <= CHECKPOINTS_ORIGINS_MAX; key++) {
        assert_int_equal(put(f, key, key, 1), 0);
    }
    assert_int_equal(put(f, 99, 1000, 1), -ENOSPC);
    assert_int_equal(put(f, 1, 1001, 1), 0);
    assert_int_equal(list(f, numbers), CHECKPOINTS_ORIGINS_MAX + 1);
}

static void
test_a_damaged_file_costs_only_the_damaged_lines(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[WIRE_CHECKPOINTS_MAX];
    char *text = NULL, *more = NULL;
    size_t size = 0;
    assert_int_equal(put(f, 1, 5, 1), 0);
    assert_int_equal(put(f, 1, 6, 1), 0);
    assert_int_equal(file_read(f->path, 1 << 20, &text, &size), 0);
    assert_true(asprintf(&more, "garbage\n%s%.40s", text, text) > 0);
    assert_int_equal(file_write_atomic(f->path, more, strlen(more), 0600), 0);
    free(text);
    free(more);
    checkpoints_free(f->checkpoints);
    f->checkpoints = checkpoints_open(f->dir);
    assert_int_equal(list(f, numbers), 2);
}

static int failures;

static void
on_failed(int error)
{
    assert_int_equal(error, -EIO);
    failures++;
}

/* Nobody waits for a slow disk; held is what it has; a flood is written together. */
static void
test_a_slow_disk_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[WIRE_CHECKPOINTS_MAX];
    struct event_base *base = event_base_new();
    struct disk *disk = disk_new(base);
    assert_int_equal(put(f, 1, 5, 1), 0);
    checkpoints_use(f->checkpoints, disk, on_failed);
    syncs = failures = 0;
    sync_is_held = true;
    for (int64_t number = 10; number <= 100; number += 10) {
        assert_int_equal(put(f, 1, number, 1), 0);
    }
    assert_int_equal(syncs, 0);
    assert_int_equal(list(f, numbers), 1); /* the others are not sure yet */
    sync_is_held = false;
    disk_drain(disk);
    assert_int_equal(syncs, 4); /* the first, then all others: the file and its folder each time */
    assert_int_equal(list(f, numbers), 11);
    sync_error = EIO;
    assert_int_equal(put(f, 1, 110, 1), 0);
    disk_drain(disk);
    assert_int_equal(failures, 1);
    assert_int_equal(list(f, numbers), 11);
    sync_error = 0;
    assert_int_equal(put(f, 1, 110, 1), 0); /* again: it was not kept */
    disk_drain(disk);
    assert_int_equal(list(f, numbers), 12);
    disk_free(disk);
    checkpoints_free(f->checkpoints);
    f->checkpoints = checkpoints_open(f->dir);
    assert_int_equal(list(f, numbers), 12);
    assert_int_equal(numbers[11], 110);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_kept_is_there_after_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_leaves_old_and_new, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_are_bounded_and_the_first_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_disk_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_file_costs_only_the_damaged_lines, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
