/* A database that is damaged, cut, or gone: never a silent start with nothing, never another content
 * than was stored; what was set aside is there, and the audit's chain holds. */
#include "rescued.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/copy.h"
#include "store/merge.h"
#include "store/rescue.h"

#define CONTAINMENTS 40
#define FLIPS_DEFAULT 50

static void
make_good(struct fixture *f)
{
    char why[256], made[128];
    snprintf(made, sizeof(made), "%s/copies/made.db", f->dir);
    assert_int_equal(file_make_dirs(f->folder, 0700), 0);
    if (copy_make(f->path, made, NULL, why)) {
        fail_msg("%s", why);
    }
    assert_int_equal(rescue_copy_made(f->path, made), 0);
}

struct walked {
    int calls;
    struct audit_chain chain;
};

static void
on_walked(void *context, int error, const struct audit_chain *chain)
{
    struct walked *walked = context;
    assert_int_equal(error, 0);
    walked->calls++;
    walked->chain = *chain;
}

static int64_t
audit_rows(struct fixture *f)
{
    struct walked walked = {0};
    store_check_audit(f->store, &(struct store_walk){.has_wanted = false}, on_walked, &walked);
    while (walked.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    if (walked.chain.fault != AUDIT_SOUND) {
        fail_msg("the chain does not hold: %s", walked.chain.what);
    }
    return walked.chain.checked;
}

static size_t
file_size(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (size_t)found.st_size : 0;
}

static int
aside_count(struct fixture *f)
{
    char line[160];
    int count = -1;
    snprintf(line, sizeof(line), "ls %s/aside 2>/dev/null | grep -cv -e -wal -e -shm", f->dir);
    FILE *out = popen(line, "r");
    assert_int_equal(fscanf(out, "%d", &count), 1);
    pclose(out);
    return count;
}

/* A byte of the file is turned at many places, one after the other, each from the same beginning.
 */
static void
test_a_byte_turned_anywhere_gives_no_other_content(void **state)
{
    struct fixture *f = *state;
    const char *asked = getenv("CORDON_FLIPS");
    int flips = asked ? atoi(asked) : FLIPS_DEFAULT;
    int restored = 0, unseen = 0;
    fill(f, 0, CONTAINMENTS);
    make_good(f);
    close_store(f);
    run("cp -a %1$s %1$s.kept", f->dir);
    size_t size = file_size(f->path);
    unsigned seed = 4711;
    for (int i = 0; i < flips; i++) {
        size_t at;
        uint8_t byte, turned;
        int fd = open(f->path, O_RDWR);
        do { /* where something stands */
            at = (size_t)rand_r(&seed) % size;
            assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        } while (byte == 0);
        turned = (uint8_t)(byte ^ (1 << rand_r(&seed) % 8));
        assert_int_equal(pwrite(fd, &turned, 1, (off_t)at), 1);
        close(fd);
        struct seen seen = start(f);
        if (seen.count != CONTAINMENTS || seen.wrong) {
            fail_msg("byte %zu turned: %d containments, %d wrong", at, seen.count, seen.wrong);
        }
        restored += seen.is_restored;
        unseen += !seen.is_restored;
        close_store(f);
        run("rm -rf %1$s && cp -a %1$s.kept %1$s", f->dir);
    }
    run("rm -rf %s.kept", f->dir);
    print_message("%d bytes turned: %d restored, %d where nothing live was\n", flips, restored,
                  unseen);
    assert_true(restored > 0);
}

/* It was written as any other, with its sum; the next restore writes over it. */
static void
test_that_it_was_restored_is_no_damage(void **state)
{
    struct fixture *f = *state;
    char why[256];
    int error = 1;
    fill(f, 0, CONTAINMENTS);
    struct store_change *change = store_change_new();
    store_put_setting(change, RESCUE_SETTING, "1 before");
    store_submit(f->store, change, NULL, NULL);
    close_store(f);
    const struct rescue rescue = {.cause = "again"};
    assert_int_equal(merge_note(f->path, 2, &rescue, why), 0);
    open_store(f);
    assert_true(look(f, &error).is_restored);
    assert_int_equal(error, 0);
    close_store(f);
}

static void
test_what_is_missing_is_restored(void **state)
{
    struct fixture *f = *state;
    static const char *const ways[] = {
        "rm %s",                /* gone */
        "truncate -s 0 %s",     /* empty: SQLite starts anew */
        "truncate -s 1000 %s",  /* not one page */
        "truncate -s 50000 %s", /* half of it */
        "dd if=/dev/zero of=%s bs=4096 count=1 conv=notrunc status=none",        /* the header */
        "dd if=/dev/zero of=%s bs=4096 seek=2 count=3 conv=notrunc status=none", /* pages */
        "dd if=/dev/urandom of=%s bs=4096 seek=1 count=8 conv=notrunc status=none",
        "echo 'this is no database' > %s",
        "mv %1$s %1$s.gone; mkdir -p /tmp; touch %1$s",
    };
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        fill(f, 0, CONTAINMENTS);
        make_good(f);
        close_store(f);
        run(ways[i], f->path);
        struct seen seen = start(f);
        assert_int_equal(seen.count, CONTAINMENTS);
        assert_int_equal(seen.wrong, 0);
        assert_true(seen.is_restored);
        assert_true(store_rescue(f->store)->is_restored);
        assert_false(store_rescue(f->store)->is_empty);
        if (store_rescue(f->store)->aside[0]) { /* else there was nothing to set aside */
            assert_int_equal(aside_count(f), 1);
        }
        close_store(f);
        seen = start(f); /* and it says so until a person has looked */
        assert_true(seen.is_restored);
        close_store(f);
        run("rm -rf %s/*", f->dir);
    }
}

/* One page after the other is zeroed: also one that nothing would read before the next backup. */
static void
test_every_page_counts(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, CONTAINMENTS);
    make_good(f);
    close_store(f);
    run("cp -a %1$s %1$s.kept", f->dir);
    size_t pages = file_size(f->path) / 4096;
    assert_true(pages > 30);
    for (size_t page = 1; page < pages; page += 3) {
        static const char zero[4096];
        int fd = open(f->path, O_WRONLY);
        assert_int_equal(pwrite(fd, zero, sizeof(zero), (off_t)(page * 4096)), sizeof(zero));
        close(fd);
        struct seen seen = start(f);
        if (!seen.is_restored || seen.count != CONTAINMENTS || seen.wrong) {
            fail_msg("page %zu zeroed: %d containments, %d wrong, restored %d", page, seen.count,
                     seen.wrong, seen.is_restored);
        }
        close_store(f);
        run("rm -rf %1$s && cp -a %1$s.kept %1$s", f->dir);
    }
    run("rm -rf %s.kept", f->dir);
}

/* A number in the row that is no JSON: it says that a containment in force has ended. */
static void
test_what_ended_and_its_state_agree(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    fill(f, 0, CONTAINMENTS);
    make_good(f);
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE containment SET ended_us = 16 WHERE id LIKE '%07'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
    struct seen seen = start(f);
    assert_true(seen.is_restored);
    assert_int_equal(seen.count, CONTAINMENTS);
    close_store(f);
}

/* Killed, and then its log is taken away: what was acknowledged stood only there. */
static void
test_a_log_that_is_gone_is_no_clean_start(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, CONTAINMENTS);
    make_good(f);
    run("cp -a %1$s %1$s.killed", f->dir); /* as a kill leaves it */
    close_store(f);
    run("rm -rf %1$s && mv %1$s.killed %1$s", f->dir);
    run("rm %s-wal", f->path);
    struct seen seen = start(f);
    assert_int_equal(seen.count, CONTAINMENTS);
    assert_true(seen.is_restored);
    assert_non_null(strstr(store_rescue(f->store)->cause, "log"));
    close_store(f);
}

/* Looking at a database takes its log into it.  Who is killed right behind that loses nothing
 * either, nor who is killed while he closes it. */
static void
test_a_kill_while_it_is_opened_or_closed_is_no_damage(void **state)
{
    struct fixture *f = *state;
    struct rescue rescue;
    char why[256] = "";
    fill(f, 0, CONTAINMENTS);
    run("cp -a %1$s %1$s.killed", f->dir);
    run("cp -a %1$s %1$s.closing", f->dir);
    close_store(f);
    run("rm -rf %1$s && mv %1$s.killed %1$s", f->dir);
    assert_int_equal(rescue_before_open(f->path, 1, &rescue, why), 0);
    assert_true(rescue.was_unclean);
    struct seen seen = start(f); /* it was killed there, and begins anew */
    assert_int_equal(seen.count, CONTAINMENTS);
    assert_false(seen.is_restored);
    assert_true(store_rescue(f->store)->was_unclean);
    close_store(f);
    run("rm -rf %1$s && mv %1$s.closing %1$s", f->dir);
    rescue_closed(f->path); /* and was killed before it had closed */
    seen = start(f);
    assert_int_equal(seen.count, CONTAINMENTS);
    assert_false(seen.is_restored);
    close_store(f);
}

/* Somebody looks into it as it ends, so its log stays: what was acknowledged does not need that. */
static void
test_a_clean_end_leaves_nothing_in_the_log_alone(void **state)
{
    struct fixture *f = *state;
    sqlite3 *other;
    fill(f, 0, 5);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "SELECT count(*) FROM containment", NULL, NULL, NULL),
                     SQLITE_OK);
    close_store(f);
    run("rm %s/cordon.db-wal", f->dir); /* it was there */
    run("rm %s/cordon.db-shm", f->dir);
    struct seen seen = start(f);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.wrong, 0);
    assert_false(seen.is_restored);
    assert_int_equal(audit_rows(f), 5);
    close_store(f);
    sqlite3_close(other);
}

/* A kill alone is no damage: but the switches may hold more than is known. */
static void
test_a_kill_is_no_damage(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, CONTAINMENTS);
    run("cp -a %1$s %1$s.killed", f->dir);
    close_store(f);
    assert_true(start(f).count == CONTAINMENTS);
    assert_false(store_rescue(f->store)->was_unclean);
    close_store(f);
    run("rm -rf %1$s && mv %1$s.killed %1$s", f->dir);
    struct seen seen = start(f);
    assert_int_equal(seen.count, CONTAINMENTS);
    assert_false(seen.is_restored);
    assert_true(store_rescue(f->store)->was_unclean);
    close_store(f);
}

/* The copy is older than what was damaged: its rows that are whole, and the audit, are kept. */
static void
test_what_the_damaged_one_proves_is_kept(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, 20);
    make_good(f);
    for (int i = 20; i < CONTAINMENTS; i++) {
        put(f, i);
    }
    close_store(f);
    rescue_suspect(f->path, "SQLite said so");
    struct seen seen = start(f);
    assert_int_equal(seen.count, CONTAINMENTS);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(store_rescue(f->store)->merged, CONTAINMENTS - 20);
    assert_int_equal(audit_rows(f), CONTAINMENTS + 1);
    close_store(f);
}

static void
test_the_audit_goes_on_as_far_as_the_chain_holds(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    fill(f, 0, 20);
    make_good(f);
    for (int i = 20; i < CONTAINMENTS; i++) {
        put(f, i);
    }
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE audit SET detail = 'forged' WHERE number = 31", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    rescue_suspect(f->path, "SQLite said so");
    (void)start(f);
    assert_int_equal(store_rescue(f->store)->merged, 10);
    assert_int_equal(audit_rows(f), 31); /* and the row that says so */
    close_store(f);
}

static void
test_a_bad_copy_is_passed_over_and_without_one_it_is_said(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, 20);
    make_good(f);
    for (int i = 20; i < CONTAINMENTS; i++) {
        put(f, i);
    }
    make_good(f);
    close_store(f);
    run("dd if=/dev/zero of=%s bs=4096 seek=1 count=4 conv=notrunc status=none", f->good);
    run("rm %s", f->path);
    struct seen seen = start(f);
    assert_int_equal(seen.count, 20); /* the older one */
    assert_true(seen.is_restored);
    assert_string_equal(store_rescue(f->store)->copy, f->older);
    close_store(f);
    run("rm %s/copies/*", f->dir);
    run("rm %s", f->path);
    seen = start(f);
    assert_int_equal(seen.count, 0);
    assert_true(seen.is_restored); /* not as if nothing had ever been there */
    assert_true(store_rescue(f->store)->is_empty);
    close_store(f);
}

/* A copy whose database turns out to be of no use again is not taken twice. */
static void
test_the_same_copy_is_not_taken_again(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, 10);
    make_good(f);
    for (int i = 10; i < 20; i++) {
        put(f, i);
    }
    make_good(f);
    close_store(f);
    for (int i = 0; i < 2; i++) {
        rescue_suspect(f->path, "rows cannot be read");
        open_store(f);
        assert_string_equal(store_rescue(f->store)->copy, i == 0 ? f->good : f->older);
        close_store(f);
    }
}

static void
change(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* The copy holds it in force, the damaged row cannot be read: the audit says that it was released.
 */
static void
test_what_had_ended_by_the_audit_does_not_begin_again(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, 10);
    for (int i = 10; i < 14; i++) {
        put_as(f, i, CONTAINMENT_PENDING, "policy:test", "contain");
    }
    make_good(f);
    put_as(f, 3, CONTAINMENT_RELEASED, "nurse", "release");
    put_as(f, 4, CONTAINMENT_EXPIRED, "cordon", "expire");
    put_as(f, 10, CONTAINMENT_REVERTED, "doctor", "revert");
    put_as(f, 11, CONTAINMENT_CHECKED, "doctor", "check");
    put_as(f, 12, CONTAINMENT_CHECKED, "doctor", "check");
    put_as(f, 12, CONTAINMENT_REQUESTED, "nurse", "enforce");
    close_store(f);
    change(f, "UPDATE containment SET json = replace(json, 'reason', 'raeson')");
    rescue_suspect(f->path, "rows cannot be read");
    struct seen seen = start(f);
    assert_int_equal(seen.count, 14 - 3);
    assert_int_equal(store_rescue(f->store)->ended, 4);
    assert_int_equal(audit_rows(f), 14 + 6 + 1);
    close_store(f);
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'released'"
                                        " AND id LIKE '%03' AND ended_us = 1003"
                                        " AND json ->> '$.ended_by' = 'nurse'"),
                     1);
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'expired'"
                                        " AND id LIKE '%04'"),
                     1);
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'reverted'"
                                        " AND id LIKE '%10'"),
                     1);
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'checked'"
                                        " AND id LIKE '%11' AND ended_us = 0"),
                     1);
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'pending'"),
                     2); /* what was enforced is found at the switches */
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM ended"), 3); /* in its lists */
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM audit WHERE action = 'restored' AND"
                                        " detail LIKE '%4 containments had ended%'"),
                     1);
}

/* A damaged one that is older than the copy (its log is gone) has rows that are whole, and not true
 * any more. */
static void
test_an_older_row_that_is_whole_does_not_undo_an_end(void **state)
{
    struct fixture *f = *state;
    fill(f, 0, 10);
    close_store(f);
    run("cp %1$s %1$s.older", f->path);
    open_store(f);
    put_as(f, 7, CONTAINMENT_RELEASED, "nurse", "release");
    make_good(f);
    close_store(f);
    run("mv %1$s.older %1$s", f->path);
    run("rm -f %1$s-wal %1$s-shm", f->path);
    run("touch %s.open", f->path);
    struct seen seen = start(f);
    assert_true(seen.is_restored);
    assert_int_equal(seen.count, 9);
    close_store(f);
    assert_int_equal(
        number_of(f->path, "SELECT count(*) FROM containment WHERE state = 'released'"), 1);
}

/* A backup is put back: what was released after it was made stays so. */
static void
test_a_backup_does_not_undo_an_end(void **state)
{
    struct fixture *f = *state;
    char why[256] = "", backup[128];
    struct rescue rescue;
    fill(f, 0, 10);
    snprintf(backup, sizeof(backup), "%s/backup.db", f->dir);
    assert_int_equal(copy_make(f->path, backup, NULL, why), 0);
    put_as(f, 7, CONTAINMENT_RELEASED, "nurse", "release");
    close_store(f);
    if (rescue_restore(f->path, backup, "a person", 5000, &rescue, why)) {
        fail_msg("%s", why);
    }
    assert_int_equal(rescue.merged, 1);
    assert_int_equal(rescue.ended, 1);
    struct seen seen = start(f);
    assert_int_equal(seen.count, 9);
    close_store(f);
}

/* Else what was released since would begin again, and nobody would be told why. */
static void
test_an_export_that_cannot_be_read_is_no_empty_one(void **state)
{
    struct fixture *f = *state;
    char why[256], empty[128];
    uint64_t merged = 0;
    fill(f, 0, 3);
    close_store(f);
    assert_int_not_equal(merge_exported(f->path, f->dir, &merged, why), 0);
    assert_non_null(strstr(why, "cannot be read"));
    snprintf(empty, sizeof(empty), "%s/empty.jsonl", f->dir);
    assert_int_equal(file_write_atomic(empty, "", 0, 0600), 0);
    assert_int_not_equal(merge_exported(f->path, empty, &merged, why), 0);
    assert_non_null(strstr(why, "is empty"));
    assert_int_equal(merged, 0);
}

static void
test_a_first_start_is_none_of_that(void **state)
{
    struct fixture *f = *state;
    struct seen seen = start(f);
    assert_int_equal(seen.count, 0);
    assert_false(seen.is_restored);
    assert_false(store_rescue(f->store)->is_restored);
    close_store(f);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_byte_turned_anywhere_gives_no_other_content),
        CASE(test_that_it_was_restored_is_no_damage),
        CASE(test_what_is_missing_is_restored),
        CASE(test_every_page_counts),
        CASE(test_what_ended_and_its_state_agree),
        CASE(test_a_log_that_is_gone_is_no_clean_start),
        CASE(test_a_clean_end_leaves_nothing_in_the_log_alone),
        CASE(test_a_kill_is_no_damage),
        CASE(test_a_kill_while_it_is_opened_or_closed_is_no_damage),
        CASE(test_what_the_damaged_one_proves_is_kept),
        CASE(test_the_audit_goes_on_as_far_as_the_chain_holds),
        CASE(test_a_bad_copy_is_passed_over_and_without_one_it_is_said),
        CASE(test_the_same_copy_is_not_taken_again),
        CASE(test_what_had_ended_by_the_audit_does_not_begin_again),
        CASE(test_an_older_row_that_is_whole_does_not_undo_an_end),
        CASE(test_a_backup_does_not_undo_an_end),
        CASE(test_an_export_that_cannot_be_read_is_no_empty_one),
        CASE(test_a_first_start_is_none_of_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
