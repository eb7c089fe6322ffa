/* Everything that is sealed at rest: one sealed file opens in no other's place; a master key that
 * is lost or another is told; what lay in the clear is taken over; a rotation, and a taking over,
 * that are killed at each of their system calls lose nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "cordond/keep.h"

static const struct {
    const char *name, *plain;
    enum seal_purpose purpose;
} kinds[] = {
    {"pki/ca.key.sealed", "pki/ca.key", SEAL_AUTHORITY},
    {"pki/server.key.sealed", "pki/server.key", SEAL_PKI},
    {"core/audit.key.sealed", "core/audit.key", SEAL_AUDIT},
    {"login/ldap.sealed", "ldap.password", SEAL_LOGIN},
    {"login/openid.sealed", "openid.secret", SEAL_LOGIN},
    {"notify/secrets.sealed", NULL, SEAL_NOTIFY},
    {"web/factors.sealed", NULL, SEAL_ACCOUNTS},
};
static const char *const folders[] = {"pki", "core", "login", "notify", "web"};
static char state_dir[64], key[96];
static struct config *config;

static void
path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", state_dir, name);
}

static int
setup(void **state)
{
    char path[128];
    (void)state;
    log_setup("test_keep", LOG_TEXT, LOG_ERROR);
    /* In memory where there is such a place: thousands of files are synced. */
    snprintf(state_dir, sizeof(state_dir), "%s/cordon-keep-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(state_dir));
    snprintf(key, sizeof(key), "%s/secret.key", state_dir);
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        path_of(folders[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    config = calloc(1, sizeof(*config));
    assert_non_null(config);
    path_of("ldap.password", path);
    snprintf(config->ldap.bind_password_file, URL_SIZE, "%s", path);
    path_of("openid.secret", path);
    snprintf(config->openid.client_secret_file, URL_SIZE, "%s", path);
    return 0;
}

static int
teardown(void **state)
{
    char command[128];
    (void)state;
    free(config);
    snprintf(command, sizeof(command), "rm -rf %s", state_dir);
    return system(command);
}

static struct seal *
opened(size_t kind)
{
    char why[256] = "";
    struct seal *seal = NULL;
    if (seal_open(key, kinds[kind].purpose, &seal, why)) {
        fail_msg("%s", why);
    }
    return seal;
}

static void
all_seal(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char path[128];
        struct seal *seal = opened(i);
        path_of(kinds[i].name, path);
        assert_int_equal(seal_write(seal, path, kinds[i].name, strlen(kinds[i].name)), 0);
        seal_free(seal);
    }
}

/* The error of opening what is at 'kind''s place; 0: it is what was sealed there. */
static int
one_open(size_t kind)
{
    char path[128], *bytes = NULL;
    size_t size;
    struct seal *seal = opened(kind);
    path_of(kinds[kind].name, path);
    int error = seal_read(seal, path, 4096, &bytes, &size);
    if (!error) {
        assert_string_equal(bytes, kinds[kind].name);
    }
    seal_bytes_free(bytes);
    seal_free(seal);
    return error;
}

static void
assert_all_open(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (one_open(i)) {
            fail_msg("%s does not open", kinds[i].name);
        }
    }
}

static void
test_no_sealed_file_opens_in_the_place_of_another(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(seal_prepare(key, why), 0);
    all_seal();
    assert_all_open();
    for (size_t from = 0; from < COUNT_OF(kinds); from++) {
        for (size_t to = 0; to < COUNT_OF(kinds); to++) {
            char source[128], target[128], aside[128];
            if (from == to) {
                continue;
            }
            path_of(kinds[from].name, source);
            path_of(kinds[to].name, target);
            path_of("aside", aside);
            assert_int_equal(rename(target, aside), 0);
            assert_int_equal(rename(source, target), 0);
            if (one_open(to) != -EBADMSG) {
                fail_msg("%s opened as %s", kinds[from].name, kinds[to].name);
            }
            assert_int_equal(rename(target, source), 0);
            assert_int_equal(rename(aside, target), 0);
        }
    }
    assert_all_open();
}

static void
test_a_master_key_that_is_lost_or_another_is_told(void **state)
{
    (void)state;
    char why[256] = "", away[128], *bytes;
    size_t size;
    assert_int_equal(keep_prepare(state_dir, key, why), 0); /* nothing is sealed: it is made */
    all_seal();
    assert_int_equal(keep_prepare(state_dir, key, why), 0);
    path_of("away", away);
    assert_int_equal(rename(key, away), 0);
    assert_int_equal(keep_prepare(state_dir, key, why), -ENOKEY);
    assert_non_null(strstr(why, "put the key back"));
    assert_non_null(strstr(why, key));
    assert_int_not_equal(access(key, F_OK), 0); /* and no new one is made */
    assert_int_equal(seal_prepare(key, why), 0);
    assert_int_equal(file_read(key, 64, &bytes, &size), 0);
    assert_int_equal(keep_prepare(state_dir, key, why), -EKEYREJECTED);
    assert_non_null(strstr(why, "put the right one back"));
    assert_non_null(strstr(why, "pki/ca.key.sealed"));
    free(bytes);
    assert_int_equal(rename(away, key), 0);
    assert_int_equal(keep_prepare(state_dir, key, why), 0);
    assert_all_open();
}

static void
plain_put(size_t kind, const char *text)
{
    char path[128];
    path_of(kinds[kind].plain, path);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

static void
assert_no_plain(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char path[128];
        if (kinds[i].plain) {
            path_of(kinds[i].plain, path);
            assert_int_not_equal(access(path, F_OK), 0);
            strcat(path, ".gone");
            assert_int_not_equal(access(path, F_OK), 0);
        }
    }
}

static void
test_what_lay_in_the_clear_is_taken_over(void **state)
{
    (void)state;
    char why[256], path[128];
    assert_int_equal(seal_prepare(key, why), 0);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i].plain) {
            plain_put(i, kinds[i].name);
        }
    }
    assert_int_equal(keep_take_over(state_dir, key, config, why), 0);
    assert_no_plain();
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_int_equal(one_open(i), kinds[i].plain ? 0 : -ENOENT);
    }
    /* A person gives another password: it replaces the sealed one.  A key does not. */
    plain_put(3, "another");
    assert_int_equal(keep_take_over(state_dir, key, config, why), 0);
    char *bytes;
    size_t size;
    struct seal *seal = opened(3);
    path_of(kinds[3].name, path);
    assert_int_equal(seal_read(seal, path, 64, &bytes, &size), 0);
    assert_string_equal(bytes, "another");
    seal_bytes_free(bytes);
    seal_free(seal);
    plain_put(0, "another");
    assert_int_equal(keep_take_over(state_dir, key, config, why), -EEXIST);
    assert_int_equal(one_open(0), 0);
    path_of(kinds[0].plain, path);
    assert_int_equal(unlink(path), 0);
    /* One that others may read stops nothing, and is not believed. */
    plain_put(3, "readable");
    path_of(kinds[3].plain, path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(keep_take_over(state_dir, key, config, why), 0);
    assert_int_equal(access(path, F_OK), 0);
}

/* ---- killed at each step ---- */

#define STEPS_MAX 5000

static int
rotate_run(void)
{
    char why[256];
    bool is_new;
    return keep_seal_anew(state_dir, key, &is_new, why);
}

static int
take_over_run(void)
{
    char why[256];
    return keep_take_over(state_dir, key, config, why);
}

/* Runs 'work' in a process that is killed when it begins its system call number 'step'; false: it
 * came to its end before. */
static bool
killed_at(int (*work)(void), unsigned step)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(work() ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (unsigned at = 0; WIFSTOPPED(status); at++) {
        if (at == 2 * step + 1) { /* a call stops it when it begins and when it ends */
            kill(pid, SIGKILL);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSIGNALED(status));
            return true;
        }
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void
test_a_rotation_that_is_killed_at_each_step_loses_nothing(void **state)
{
    (void)state;
    char why[256], *first, *bytes;
    size_t size;
    unsigned step = 0, halves = 0;
    assert_int_equal(seal_prepare(key, why), 0);
    all_seal();
    assert_int_equal(file_read(key, 256, &first, &size), 0);
    for (bool is_over = false; !is_over && step < STEPS_MAX; step++) {
        is_over = !killed_at(rotate_run, step);
        assert_all_open();
        assert_int_equal(file_read(key, 256, &bytes, &size), 0);
        halves += size == 2 * SEAL_KEY_SIZE;
        assert_true(size == SEAL_KEY_SIZE || size == 2 * SEAL_KEY_SIZE);
        free(bytes);
        if (step % 10 == 0) { /* ended by a second call, or by the next one of this loop */
            assert_int_equal(rotate_run(), 0);
            assert_all_open();
        }
    }
    print_message("%u steps, %u of them left two keys\n", step, halves);
    assert_in_range(step, 100, STEPS_MAX - 1);
    assert_in_range(halves, 50, STEPS_MAX);
    assert_int_equal(file_read(key, 256, &bytes, &size), 0);
    assert_int_equal(size, SEAL_KEY_SIZE);
    assert_memory_not_equal(bytes, first, SEAL_KEY_SIZE);
    free(bytes);
    free(first);
}

static void
test_a_taking_over_that_is_killed_at_each_step_loses_nothing(void **state)
{
    (void)state;
    char why[256], path[128];
    unsigned step = 0;
    assert_int_equal(seal_prepare(key, why), 0);
    for (bool is_over = false; !is_over && step < STEPS_MAX; step++) {
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            path_of(kinds[i].name, path);
            unlink(path);
            if (kinds[i].plain) {
                plain_put(i, kinds[i].name);
            }
        }
        is_over = !killed_at(take_over_run, step);
        int error = take_over_run();
        for (size_t i = 0; !error && i < COUNT_OF(kinds); i++) {
            error = kinds[i].plain ? one_open(i) : 0;
        }
        if (error) {
            fail_msg("killed at step %u: error %d", step, error);
        }
        assert_no_plain();
    }
    print_message("%u steps\n", step);
    assert_in_range(step, 50, STEPS_MAX - 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_no_sealed_file_opens_in_the_place_of_another),
        CASE(test_a_master_key_that_is_lost_or_another_is_told),
        CASE(test_what_lay_in_the_clear_is_taken_over),
        CASE(test_a_rotation_that_is_killed_at_each_step_loses_nothing),
        CASE(test_a_taking_over_that_is_killed_at_each_step_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
