/* The power goes while a copy takes the place of a damaged database: before each step that changes
 * a folder or syncs, once with all of what was not synced done, once with none of it.  The next
 * start ends with the newest copy, what the damaged one proved, and its audit, whenever that was;
 * and so does one whose power goes, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/copy.h"
#include "store/rescue.h"
#include "store/store.h"

/* ---- what a folder's sync has made sure of ---- */

#define CHANGES_MAX 64
#define POWER_GONE 7

/* 'to' was 'from' (or nothing, or is kept as 'from'). */
struct folder_change {
    char from[256], to[256], kept[256];
};

static struct {
    int left;   /* steps until the power goes; 0: it stays */
    bool keeps; /* what was not synced */
    struct folder_change changes[CHANGES_MAX];
    size_t count;
} power;

int rename(const char *from, const char *to);
int unlink(const char *path);
int fsync(int fd);
int fdatasync(int fd);

static int
move(const char *from, const char *to)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void
step(void)
{
    if (power.left == 0 || --power.left > 0) {
        return;
    }
    while (!power.keeps && power.count > 0) {
        const struct folder_change *change = &power.changes[--power.count];
        (void)move(change->to, change->from);
        if (change->kept[0] != '\0') {
            (void)move(change->kept, change->to);
        }
    }
    _exit(POWER_GONE);
}

static void
changed(const char *from, const char *to, const char *kept)
{
    if (power.left > 0) {
        assert_true(power.count < CHANGES_MAX);
        struct folder_change *change = &power.changes[power.count++];
        snprintf(change->from, sizeof(change->from), "%s", from);
        snprintf(change->to, sizeof(change->to), "%s", to);
        snprintf(change->kept, sizeof(change->kept), "%s", kept);
    }
}

static void
beside(char out[256], const char *path, const char *suffix)
{
    size_t size = strlen(path) < 240 ? strlen(path) : 240;
    memcpy(out, path, size);
    snprintf(out + size, 256 - size, "%s", suffix);
}

int
rename(const char *from, const char *to)
{
    char kept[256] = "";
    step();
    if (power.left > 0 && access(to, F_OK) == 0) {
        beside(kept, to, ".replaced");
        (void)syscall(SYS_unlinkat, AT_FDCWD, kept, 0);
        (void)!link(to, kept);
    }
    int result = move(from, to);
    if (result == 0) {
        changed(from, to, kept);
    }
    return result;
}

int
unlink(const char *path)
{
    char kept[256];
    step();
    if (power.left == 0) {
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    }
    beside(kept, path, ".unlinked");
    int result = move(path, kept);
    if (result == 0) {
        changed(path, kept, "");
    }
    return result;
}

int
fsync(int fd)
{
    struct stat found;
    step();
    if (fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) {
        power.count = 0;
    }
    return 0;
}

int
fdatasync(int fd)
{
    return fsync(fd);
}

/* ---- the database ---- */

#define OLD 20
#define NEW 30
#define ALL 40

struct fixture {
    char dir[64], path[96], kept[96];
    struct event_base *base;
    struct store *store;
};

static void
run(const char *command, const char *what)
{
    char line[300];
    snprintf(line, sizeof(line), command, what);
    assert_int_equal(system(line), 0);
}

static void
open_store(struct fixture *f)
{
    char why[256] = "";
    f->base = event_base_new();
    if (store_open(f->path, f->base, &f->store, why)) {
        fail_msg("store_open: %s", why);
    }
}

static void
close_store(struct fixture *f)
{
    store_close(f->store);
    event_base_free(f->base);
}

static void
on_done(void *context, int error)
{
    *(int *)context = error;
}

static void
put(struct fixture *f, int number)
{
    struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_VERIFIED};
    int result = 1;
    snprintf(c.id, sizeof(c.id), "01AAAAAAAAAAAAAAAAAAAAAA%02u", (unsigned)number % 100u);
    c.requested_us = number + 1;
    struct store_change *change = store_change_new();
    store_put_containment(change, &c);
    store_put_audit(change, number, "policy:test", "contain", c.id, "");
    store_submit(f->store, change, on_done, &result);
    while (result == 1) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(result, 0);
}

static void
make_good(struct fixture *f)
{
    char why[256], made[128], folder[128];
    snprintf(folder, sizeof(folder), "%s/copies", f->dir);
    snprintf(made, sizeof(made), "%s/copies/made.db", f->dir);
    assert_int_equal(file_make_dirs(folder, 0700), 0);
    assert_int_equal(copy_make(f->path, made, NULL, why), 0);
    assert_int_equal(rescue_copy_made(f->path, made), 0);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/dev/shm/cordon-cut-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cordon.db", f->dir);
    snprintf(f->kept, sizeof(f->kept), "%s.kept", f->dir);
    open_store(f);
    for (int i = 0; i < ALL; i++) {
        if (i == OLD || i == NEW) {
            make_good(f);
        }
        put(f, i);
    }
    close_store(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    run("rm -rf %1$s %1$s.kept", f->dir);
    free(f);
    return 0;
}

static void
see(void *context, const struct containment *c)
{
    (void)c;
    (*(int *)context)++;
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

/* The start that nothing interrupts. */
static void
look(struct fixture *f, int at)
{
    int count = 0;
    struct walked walked = {0};
    const struct store_loader loader = {.on_containment = see, .context = &count};
    open_store(f);
    assert_int_equal(store_load(f->store, &loader), 0);
    store_check_audit(f->store, &(struct store_walk){.has_wanted = false}, on_walked, &walked);
    while (walked.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    char *restored = store_read_setting(f->store, RESCUE_SETTING);
    if (count != ALL || !restored || walked.chain.fault != AUDIT_SOUND ||
        walked.chain.checked < ALL + 1) {
        fail_msg("the power went at step %d: %d containments, %s, %lld rows of the audit: %s", at,
                 count, restored ? "restored" : "not marked as restored",
                 (long long)walked.chain.checked, walked.chain.what);
    }
    free(restored);
    close_store(f);
}

/* True: the power went before it was through. */
static bool
start_and_lose_power(struct fixture *f, int at, bool keeps)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rescue rescue;
        char why[256] = "";
        power.left = at;
        power.keeps = keeps;
        _exit(rescue_before_open(f->path, 1000000, &rescue, why) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == POWER_GONE);
    return WEXITSTATUS(status) == POWER_GONE;
}

static int
each_step(struct fixture *f, bool keeps, int again)
{
    int at = 1;
    bool is_cut = true;
    run("rm -rf %1$s.kept && cp -a %1$s %1$s.kept", f->dir);
    for (; is_cut; at++) {
        is_cut = start_and_lose_power(f, at, keeps);
        for (int i = 1; is_cut && i <= again; i++) {
            (void)start_and_lose_power(f, at * i % 13 + 1, !keeps);
        }
        look(f, at);
        run("rm -rf %1$s && cp -a %1$s.kept %1$s", f->dir);
    }
    return at - 2;
}

static void
test_the_power_goes_while_a_damaged_one_is_replaced(void **state)
{
    struct fixture *f = *state;
    rescue_suspect(f->path, "rows cannot be read");
    int steps = each_step(f, true, 0);
    assert_int_equal(each_step(f, false, 0), steps);
    (void)each_step(f, false, 3); /* and at the starts after that */
    print_message("the power went at %d steps, three times each\n", steps);
    assert_true(steps > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_power_goes_while_a_damaged_one_is_replaced, setup,
                                        teardown),
    };
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
