/* What is left of a process that was locked in: tried in children of this one, as whoever runs the
 * test.  tests/net/test_sandbox.py does the same inside the real processes, as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

static char folder[64], mine[96], other[96];

static int
setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-sandbox-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(mine, sizeof(mine), "%s/mine", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    return mkdir(mine, 0700) || mkdir(other, 0700) ? -1 : 0;
}

static int
teardown(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/file", mine);
    unlink(path);
    snprintf(path, sizeof(path), "%s/file", other);
    unlink(path);
    return rmdir(mine) || rmdir(other) ? -1 : rmdir(folder);
}

/* Runs 'act' in a child that is locked in as 'role'; its wait status. */
static int
locked_in(enum sandbox_role role, int (*act)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        const struct sandbox_settings settings = {
            .role = role, .folder = mine, .keeps_own_user = true};
        char why[256];
        if (sandbox_enter(&settings, why)) {
            fprintf(stderr, "%s\n", why);
            _exit(99);
        }
        _exit(act());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
assert_good(enum sandbox_role role, int (*act)(void))
{
    int status = locked_in(role, act);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0); /* otherwise the number of the step */
}

static int
file_make(const char *where)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/file", where);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : close(fd);
}

static int
files_of_core(void)
{
    if (file_make(mine) != 0) {
        return 1;
    }
    return file_make(other) == -EACCES && open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? 0 : 2;
}

static void
test_a_role_writes_in_its_folder_and_nowhere_else(void **state)
{
    (void)state;
    if (sandbox_paths_version() == 0 || sandbox_has_sanitizer()) {
        skip(); /* the kernel has no Landlock; a sanitizer reads everywhere */
    }
    assert_good(SANDBOX_CORE, files_of_core);
}

static int
no_files(void)
{
    return file_make(mine) == -ENOSYS ? 0 : 1;
}

static void
test_a_role_without_files_opens_none(void **state)
{
    (void)state;
    if (sandbox_has_sanitizer()) {
        skip();
    }
    assert_good(SANDBOX_DRIVER, no_files);
}

static int
no_sockets(void)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET};
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        if (socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 || errno != ENOSYS) {
            return (int)i + 1;
        }
    }
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : 9; /* to itself */
}

static int
some_sockets(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 &&
                   socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 && errno == ENOSYS
               ? 0
               : 1;
}

static void
test_only_who_connects_makes_sockets(void **state)
{
    (void)state;
    assert_good(SANDBOX_WEB, no_sockets);
    assert_good(SANDBOX_CORE, no_sockets);
    assert_good(SANDBOX_INTAKE, no_sockets);
    assert_good(SANDBOX_NOTIFY, some_sockets);
}

static int
run_shell(void)
{
    execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
    return 1;
}

static int
signal_parent(void)
{
    kill(getppid(), 0);
    return 1;
}

static int
become_root(void)
{
    (void)!setuid(0);
    return 1;
}

static void
test_what_no_part_of_ours_calls_ends_it(void **state)
{
    static int (*const acts[])(void) = {run_shell, signal_parent, become_root};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        if (i < 2 && sandbox_has_sanitizer()) {
            continue; /* its run time may start a symbolizer */
        }
        int status = locked_in(SANDBOX_WEB, acts[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

static int
no_code(void)
{
    void *room = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED && mprotect(room, 4096, PROT_READ | PROT_EXEC) < 0 &&
                   mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? 0
               : 1;
}

static void
test_memory_is_never_code(void **state)
{
    (void)state;
    if (sandbox_has_sanitizer()) {
        skip();
    }
    assert_good(SANDBOX_CORE, no_code);
    assert_good(SANDBOX_NOTIFY, no_code);
}

static void *
thread_end(void *context)
{
    return context;
}

/* What the loop and its threads live from. */
static int
threads_and_limits(void)
{
    pthread_t thread;
    struct rlimit core, files;
    int fds[2];
    if (pthread_create(&thread, NULL, thread_end, NULL) || pthread_join(thread, NULL)) {
        return 1;
    }
    if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max != 0 || getrlimit(RLIMIT_NOFILE, &files) ||
        files.rlim_max > sandbox_of(SANDBOX_CORE)->files) {
        return 2;
    }
    if (!sandbox_has_sanitizer() && setrlimit(RLIMIT_NOFILE, &files) == 0) {
        return 3;
    }
    free(malloc(64 << 20));
    return pipe2(fds, O_CLOEXEC) == 0 && raise(SIGURG) == 0 ? 0 : 4;
}

static void
test_what_it_lives_from_still_works(void **state)
{
    (void)state;
    assert_good(SANDBOX_CORE, threads_and_limits);
}

static void *
thread_wait(void *context)
{
    char byte;
    (void)!read(*(int *)context, &byte, 1);
    return NULL;
}

/* A thread that is there before would keep what the others give up. */
static void
test_threads_before_it_are_refused(void **state)
{
    int status = -1;
    (void)state;
    if (sandbox_has_sanitizer()) {
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        const struct sandbox_settings settings = {.role = SANDBOX_CORE, .keeps_own_user = true};
        pthread_t thread;
        int fds[2];
        char why[256];
        if (pipe2(fds, O_CLOEXEC) || pthread_create(&thread, NULL, thread_wait, &fds[0])) {
            _exit(1);
        }
        _exit(sandbox_enter(&settings, why) == -EBUSY ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_the_table_is_whole(void **state)
{
    (void)state;
    for (int role = 0; role < SANDBOX_ROLE_COUNT; role++) {
        const struct sandbox *row = sandbox_of((enum sandbox_role)role);
        assert_non_null(row->name);
        assert_non_null(row->user);
        assert_true(row->files > 0);
        assert_true(row->calls & 1u << CALLS_BASIC);
        for (size_t i = 0; i < row->kept_count; i++) {
            assert_non_null(sandbox_capability_name(row->kept[i]));
        }
        bool starts = row->calls >> CALLS_START & 1;
        assert_int_equal(starts, role == SANDBOX_SUPERVISOR);
        assert_int_equal(row->has_all_paths, role == SANDBOX_SUPERVISOR);
        assert_int_equal(row->kept_count > 0, role == SANDBOX_SUPERVISOR || role == SANDBOX_EDGE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_role_writes_in_its_folder_and_nowhere_else),
        cmocka_unit_test(test_a_role_without_files_opens_none),
        cmocka_unit_test(test_only_who_connects_makes_sockets),
        cmocka_unit_test(test_what_no_part_of_ours_calls_ends_it),
        cmocka_unit_test(test_memory_is_never_code),
        cmocka_unit_test(test_what_it_lives_from_still_works),
        cmocka_unit_test(test_threads_before_it_are_refused),
        cmocka_unit_test(test_the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
