/* The journal on a real file in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "edge/journal.h"
#include "slow_disk.h"

struct fixture {
    char dir[64];
    char path[96];
    struct journal *journal;
    struct event_base *base; /* NULL: it has no disk of its own */
    struct disk *disk;
    int failed;       /* what was told of it last */
    char lines[4096]; /* what was read, each line between brackets */
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    slow_disk_reset();
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-journal-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/j.jsonl", f->dir);
    f->journal = journal_new(f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    slow_disk_reset();
    if (f->disk) {
        journal_settle(f->journal);
    }
    journal_free(f->journal);
    disk_free(f->disk);
    if (f->base) {
        event_base_free(f->base);
    }
    unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0); /* nothing is left beside it */
    free(f);
    return 0;
}

static void
on_line(void *context, const char *line, size_t size)
{
    struct fixture *f = context;
    size_t used = strlen(f->lines);
    snprintf(f->lines + used, sizeof(f->lines) - used, "[%.*s]", (int)size, line);
}

static void
assert_read(struct fixture *f, int result, const char *expected)
{
    f->lines[0] = '\0';
    assert_int_equal(journal_read(f->journal, on_line, f), result);
    assert_string_equal(f->lines, expected);
}

static void
assert_lines(struct fixture *f, const char *expected)
{
    assert_read(f, 0, expected);
}

static void
reopen(struct fixture *f)
{
    journal_free(f->journal);
    f->journal = journal_new(f->path);
}

static void
write_file(const struct fixture *f, const char *text)
{
    assert_int_equal(file_write_atomic(f->path, text, strlen(text), 0600), 0);
}

static void
no_file_is_an_empty_journal(void **state)
{
    struct fixture *f = *state;
    assert_lines(f, "");
    assert_int_equal(journal_sync(f->journal), 0);
    assert_int_equal(journal_size(f->journal), 0);
    assert_int_equal(access(f->path, F_OK), -1);
}

static void
what_was_appended_is_replayed(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    assert_int_equal(journal_append(f->journal, "{\"a\":1}"), 0);
    assert_int_equal(journal_append(f->journal, ""), 0);
    assert_int_equal(journal_append(f->journal, "b"), 0);
    assert_int_equal(journal_size(f->journal), 11);
    assert_int_equal(journal_sync(f->journal), 0);
    assert_lines(f, "[{\"a\":1}][][b]");
    reopen(f);
    assert_int_equal(journal_append(f->journal, "c"), 0);
    assert_int_equal(journal_size(f->journal), 13);
    assert_lines(f, "[{\"a\":1}][][b][c]");
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); /* names of people's machines */
}

static void
a_torn_last_line_is_left_out_and_told(void **state)
{
    struct fixture *f = *state;
    write_file(f, "a\nb\nhal");
    assert_read(f, 1, "[a][b]");
    write_file(f, "hal");
    assert_read(f, 1, "");
}

/* The half line must not take the next one with it. */
static void
appending_after_a_torn_line(void **state)
{
    struct fixture *f = *state;
    write_file(f, "a\nb\nhal");
    assert_int_equal(journal_append(f->journal, "c"), 0);
    assert_lines(f, "[a][b][c]");
    assert_int_equal(journal_size(f->journal), 6);
    write_file(f, "hal");
    reopen(f);
    assert_int_equal(journal_append(f->journal, "c"), 0);
    assert_lines(f, "[c]");
}

static void
a_long_torn_line(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(20001);
    assert_non_null(text);
    memset(text, 'x', 20000);
    text[20000] = '\0';
    memcpy(text, "a\nb\n", 4);
    write_file(f, text);
    free(text);
    assert_int_equal(journal_append(f->journal, "c"), 0);
    assert_lines(f, "[a][b][c]");
}

static int
replace(struct journal *journal, const char *text)
{
    return journal_replace(journal, strdup(text), strlen(text));
}

static void
replacing_forgets_the_rest(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(journal_append(f->journal, "old"), 0);
    assert_int_equal(replace(f->journal, "new\nnewer\n"), 0);
    assert_int_equal(journal_size(f->journal), 10);
    assert_lines(f, "[new][newer]");
    assert_int_equal(journal_append(f->journal, "next"), 0);
    assert_int_equal(journal_size(f->journal), 15);
    assert_lines(f, "[new][newer][next]");
    assert_int_equal(replace(f->journal, ""), 0);
    assert_lines(f, "");
}

/* Room for half of it: nothing of it stays, and the whole is to be written again. */
static void
a_line_that_does_not_fit_is_known_to_be_missing(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, tight;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){.rlim_cur = 6, .rlim_max = before.rlim_max};
    assert_int_equal(journal_append(f->journal, "a"), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int result = journal_append(f->journal, "too long");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(result < 0);
    assert_true(journal_is_behind(f->journal));
    assert_lines(f, "[a]");
    assert_int_equal(journal_append(f->journal, "b"), 0);
    assert_lines(f, "[a][b]");
    assert_true(journal_is_behind(f->journal)); /* still */
    assert_int_equal(replace(f->journal, "all\n"), 0);
    assert_false(journal_is_behind(f->journal));
}

static void
a_folder_that_is_not_there_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct journal *lost = journal_new("/nonexistent/folder/j.jsonl");
    assert_true(journal_append(lost, "a") < 0);
    assert_true(replace(lost, "a\n") < 0);
    assert_int_equal(journal_sync(lost), 0);
    assert_int_equal(journal_read(lost, on_line, f), 0);
    journal_free(lost);
    journal_free(NULL);
}

static void
on_failed(void *context, int error)
{
    ((struct fixture *)context)->failed = error;
}

/* From here on a thread brings to the disk what is written, and replaces the whole. */
static void
use_disk(struct fixture *f)
{
    f->base = event_base_new();
    f->disk = disk_new(f->base);
    assert_int_equal(journal_use(f->journal, f->base, f->disk, on_failed, f), 0);
}

/* For at most so long, or until the disk was asked so often. */
static void
loop_until(struct event_base *base, int wanted, int ms)
{
    const struct timeval step = {.tv_usec = 5000};
    for (int i = 0; i < ms / 5 && syncs < wanted; i++) {
        event_base_loopexit(base, &step);
        event_base_dispatch(base);
    }
}

static void
the_loop_brings_changes_to_the_disk_by_itself(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    for (int i = 0; i < 10; i++) { /* and all together once */
        assert_int_equal(journal_append(f->journal, "a line"), 0);
    }
    assert_int_equal(syncs, 0); /* nobody waited for it */
    loop_until(f->base, 1, 30000);
    assert_int_equal(syncs, 1);
    loop_until(f->base, 2, 200);
    assert_int_equal(syncs, 1);
    sync_error = EIO; /* a disk that does not take it is told of, and asked again */
    assert_int_equal(journal_append(f->journal, "another"), 0);
    loop_until(f->base, 2, 30000);
    disk_drain(f->disk);
    assert_int_equal(f->failed, -EIO);
    assert_true(journal_is_behind(f->journal));
    sync_error = 0;
    assert_int_equal(journal_sync(f->journal), 0);
    disk_drain(f->disk);
    assert_int_equal(syncs, 3);
    assert_true(journal_is_behind(f->journal)); /* of the pages before nobody knows */
    assert_int_equal(journal_append(f->journal, "a third"), 0);
    loop_until(f->base, 4, 30000);
    assert_int_equal(syncs, 4);
    assert_int_equal(replace(f->journal, "all\n"), 0);
    disk_drain(f->disk);
    assert_false(journal_is_behind(f->journal));
}

/* A disk that takes its time holds up nobody; what comes meanwhile is there, in its order. */
static void
a_slow_disk_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    sync_is_held = true;
    assert_int_equal(journal_append(f->journal, "old"), 0);
    for (int i = 0; i < 12; i++) {
        char line[16];
        snprintf(line, sizeof(line), "%d", i);
        if (i == 3 || i == 6) { /* the whole anew; not while that is being written */
            snprintf(line, sizeof(line), "all-%d\n", i);
            assert_int_equal(replace(f->journal, line), i == 3 ? 0 : -EBUSY);
        } else {
            assert_int_equal(journal_append(f->journal, line), 0);
        }
        assert_int_equal(journal_sync(f->journal), 0);
        loop_until(f->base, INT_MAX, 5);
    }
    assert_lines(f,
                 "[old][0][1][2][4][5][7][8][9][10][11]"); /* killed now it would have lost none */
    sync_is_held = false;
    journal_settle(f->journal);
    assert_int_equal(journal_sync(f->journal), 0);
    assert_lines(f, "[all-3][4][5][7][8][9][10][11]");
    assert_int_equal(journal_size(f->journal), 6 + 5 * 2 + 2 * 3);
    assert_int_equal(f->failed, 0);
    reopen(f);
    assert_int_equal(journal_append(f->journal, "next"), 0);
    assert_lines(f, "[all-3][4][5][7][8][9][10][11][next]");
}

/* At no moment is a line missing: neither while the whole is being written, nor after it took its
 * place, while the folder is still being synchronised. */
static void
whoever_is_killed_finds_every_line(void **state)
{
    struct fixture *f = *state;
    char before[4096] = "[old]", after[4096] = "[all]", line[8];
    int left = 20, i = 0;
    use_disk(f);
    sync_ms = 100;
    assert_int_equal(journal_append(f->journal, "old"), 0);
    assert_int_equal(replace(f->journal, "all\n"), 0);
    for (; left > 0 && i < 600; i++) { /* the first before the loop knows of the new one */
        snprintf(line, sizeof(line), "%d", i);
        assert_int_equal(journal_append(f->journal, line), 0);
        for (size_t k = 0; k < 2; k++) {
            char *lines = k ? after : before;
            size_t used = strlen(lines);
            snprintf(lines + used, sizeof(before) - used, "[%d]", i);
        }
        f->lines[0] = '\0';
        assert_int_equal(journal_read(f->journal, on_line, f), 0);
        bool is_after = strncmp(f->lines, "[all]", 5) == 0;
        assert_string_equal(f->lines, is_after ? after : before);
        left -= is_after;
        loop_until(f->base, INT_MAX, 10);
    }
    assert_int_equal(left, 0);
    assert_true(i > 20);
    journal_settle(f->journal);
    assert_lines(f, after);
    assert_int_equal(journal_size(f->journal), strlen(after) - (size_t)(i + 1));
    assert_int_equal(f->failed, 0);
    assert_false(journal_is_behind(f->journal));
}

/* The file was not open yet; then the whole once more, while the first is still brought there. */
static void
lines_that_came_meanwhile_are_there_once(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    assert_int_equal(replace(f->journal, "all\n"), 0);
    assert_int_equal(journal_append(f->journal, "1"), 0);
    disk_drain(f->disk);
    assert_lines(f, "[all][1]");
    sync_is_held = true;
    assert_int_equal(journal_append(f->journal, "2"), 0);
    assert_lines(f, "[all][1][2]");
    assert_int_equal(replace(f->journal, "more\n"), 0);
    assert_int_equal(journal_append(f->journal, "3"), 0);
    assert_lines(f, "[all][1][2][3]");
    sync_is_held = false;
    disk_drain(f->disk);
    assert_lines(f, "[more][3]");
    assert_int_equal(journal_append(f->journal, "4"), 0);
    assert_lines(f, "[more][3][4]");
    assert_int_equal(f->failed, 0);
}

/* The whole could not be written: what was there stays, and what came meanwhile follows on it. */
static void
a_replacement_that_fails_loses_nothing(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    assert_int_equal(journal_append(f->journal, "a"), 0);
    assert_int_equal(journal_append(f->journal, "b"), 0);
    sync_error = ENOSPC;
    assert_int_equal(replace(f->journal, "all, and much more than there was\n"), 0);
    assert_int_equal(journal_append(f->journal, "c"), 0);
    disk_drain(f->disk);
    assert_int_equal(f->failed, -ENOSPC);
    sync_error = 0;
    assert_true(journal_is_behind(f->journal)); /* it is to be tried again */
    assert_int_equal(journal_append(f->journal, "d"), 0);
    assert_lines(f, "[a][b][c][d]");
    assert_int_equal(journal_size(f->journal), 8);
    assert_int_equal(replace(f->journal, "a to d\n"), 0);
    disk_drain(f->disk);
    assert_false(journal_is_behind(f->journal));
    assert_int_equal(journal_append(f->journal, "e"), 0);
    assert_lines(f, "[a to d][e]");
    loop_until(f->base, syncs + 1, 30000);
    journal_settle(f->journal);
    reopen(f);
}

static void
ticks(struct disk *disk, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        disk_tick(disk);
    }
}

/* The synchronisation never returns: that is known after ten seconds, and no longer than so. */
static void
a_disk_that_hangs_is_known(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    ticks(f->disk, 100);
    assert_false(disk_is_silent(f->disk)); /* nobody asked anything of it */
    for (unsigned i = 0; i < 2; i++) {     /* each time */
        sync_is_held = true;
        assert_int_equal(journal_append(f->journal, "a"), 0);
        assert_int_equal(journal_sync(f->journal), 0);
        ticks(f->disk, DISK_SILENT_S);
        assert_false(disk_is_silent(f->disk)); /* slow, perhaps */
        assert_int_equal(journal_append(f->journal, "b"), 0);
        ticks(f->disk, 1);
        assert_true(disk_is_silent(f->disk));
        ticks(f->disk, 1000);
        assert_true(disk_is_silent(f->disk));
        sync_is_held = false;
        disk_drain(f->disk);
        assert_false(disk_is_silent(f->disk));
        ticks(f->disk, 100);
        assert_false(disk_is_silent(f->disk));
    }
    assert_lines(f, "[a][b][a][b]");
    assert_int_equal(f->failed, 0);
}

/* However long each takes: something comes of it. */
static void
a_slow_disk_is_not_taken_for_one_that_hangs(void **state)
{
    struct fixture *f = *state;
    use_disk(f);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(journal_append(f->journal, "a"), 0);
        assert_int_equal(journal_sync(f->journal), 0);
        ticks(f->disk, DISK_SILENT_S - 1);
        assert_false(disk_is_silent(f->disk));
        disk_drain(f->disk);
    }
    assert_int_equal(syncs, 4);
    journal_settle(f->journal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_file_is_an_empty_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_appended_is_replayed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_last_line_is_left_out_and_told, setup, teardown),
        cmocka_unit_test_setup_teardown(appending_after_a_torn_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_torn_line, setup, teardown),
        cmocka_unit_test_setup_teardown(replacing_forgets_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(the_loop_brings_changes_to_the_disk_by_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_slow_disk_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_is_killed_finds_every_line, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_that_came_meanwhile_are_there_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replacement_that_fails_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_does_not_fit_is_known_to_be_missing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_hangs_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_disk_is_not_taken_for_one_that_hangs, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
