/* The supervisor, with this very program in the roles' place: it starts /proc/self/exe.  Each role
 * tells what happens to it, one datagram each, to the socket that --config names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cordond/control.h"
#include "cordond/supervisor.h"

#define PATIENCE_MS 20000 /* what does not come by then does not come */

/* ---- in a role's place ---- */

static int tell_fd = -1;

static void
tell(const char *role, const char *what, long number)
{
    char text[128];
    int size = snprintf(text, sizeof(text), "%s %s %ld", role, what, number);
    if (send(tell_fd, text, (size_t)size, 0) < 0) {
        _exit(1); /* the test is over */
    }
}

static bool
tell_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    tell_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return tell_fd >= 0 && connect(tell_fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* How many descriptors are open beside the usual three, the two lines and the folder's own. */
static long
strays(void)
{
    long count = -6;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) {
        count++;
    }
    if (folder) {
        closedir(folder);
    }
    return count - 2; /* "." and ".." */
}

/* Core greets each peer on its new pair with a letter for its role, and so does web login; a peer
 * tells what it heard. */
static void
joined(const char *role, int fd, enum wire_role peer)
{
    char byte = (char)('A' + (int)peer);
    bool greets = strcmp(role, "core") == 0 || (strcmp(role, "web") == 0 && peer == ROLE_LOGIN);
    if (greets) {
        tell(role, wire_role_names[peer], send(fd, &byte, 1, MSG_NOSIGNAL));
    } else {
        tell(role, wire_role_names[peer], recv(fd, &byte, 1, 0) == 1 ? byte : 0);
    }
}

static int
role_play(const char *role, const char *path)
{
    char hint[256];
    sigset_t set, blocked;
    struct signalfd_siginfo info;
    long stray_count = strays();
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct pollfd fds[2] = {{.fd = CONTROL_FD, .events = POLLIN},
                            {.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN}};
    if (!tell_open(path)) {
        return 1;
    }
    tell(role, "strays", stray_count);
    tell(role, "blocked", sigismember(&blocked, SIGTERM) + sigismember(&blocked, SIGCHLD));
    tell(role, "started", getpid());
    snprintf(hint, sizeof(hint), "%s.%s", path, role);
    if (access(hint, F_OK) == 0) {
        return 7; /* this one is to fail at once */
    }
    while (poll(fds, 2, -1) > 0 || errno == EINTR) {
        enum wire_role peer;
        if (fds[1].revents && read(fds[1].fd, &info, sizeof(info)) == sizeof(info)) {
            tell(role, "signal", info.ssi_signo);
            if (info.ssi_signo == SIGTERM) {
                return 0;
            }
        }
        int fd = fds[0].revents ? control_receive(CONTROL_FD, &peer) : -EAGAIN;
        if (fd >= 0) {
            joined(role, fd, peer); /* and kept open, until the end */
        } else if (fd != -EAGAIN) {
            return 0;
        }
    }
    return 1;
}

/* ---- the test ---- */

struct bench {
    char folder[64], path[96];
    int ear;
    pid_t supervisor;
    long pids[ROLE_COUNT];
    char heard[8192]; /* everything so far, one line each */
};

static bool
hear(struct bench *bench)
{
    char text[128];
    struct pollfd ear = {.fd = bench->ear, .events = POLLIN};
    if (poll(&ear, 1, PATIENCE_MS) != 1) {
        return false;
    }
    ssize_t size = recv(bench->ear, text, sizeof(text) - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    size_t used = strlen(bench->heard);
    snprintf(bench->heard + used, sizeof(bench->heard) - used, "%s\n", text);
    for (int i = 0; i < ROLE_COUNT; i++) {
        char format[64];
        snprintf(format, sizeof(format), "%s started %%ld", wire_role_names[i]);
        sscanf(text, format, &bench->pids[i]);
    }
    return true;
}

static size_t
count_of(const char *text, const char *line)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, line)); at++) {
        count++;
    }
    return count;
}

/* Until that line has come so many times. */
static void
wait_for(struct bench *bench, const char *line, size_t count)
{
    while (count_of(bench->heard, line) < count) {
        if (!hear(bench)) {
            fail_msg("'%s' did not come; heard:\n%s", line, bench->heard);
        }
    }
}

static void
wait_for_all(struct bench *bench)
{
    static const char *const lines[] = {"core driver 1\n",  "core intake 1\n",  "core web 1\n",
                                        "driver core 68\n", "intake core 66\n", "web core 67\n",
                                        "core notify 1\n",  "notify core 71\n", "web login 1\n",
                                        "login web 72\n"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        wait_for(bench, lines[i], 1);
    }
}

static void
supervisor_start(struct bench *bench)
{
    int stray = open("/dev/null", O_RDONLY); /* not closed on exec: must not go over */
    assert_true(stray > CONTROL_FD);
    static const struct config config = {.state_dir = ""};
    bench->supervisor = fork();
    if (bench->supervisor == 0) {
        setpgid(0, 0);
        _exit(supervisor_run("cordond", bench->path, &config));
    }
    close(stray);
    assert_true(bench->supervisor > 0);
}

static int
setup(void **state)
{
    static struct bench bench;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(&bench, 0, sizeof(bench));
    snprintf(bench.folder, sizeof(bench.folder), "/tmp/cordon-supervisor-XXXXXX");
    if (!mkdtemp(bench.folder)) {
        return -1;
    }
    snprintf(bench.path, sizeof(bench.path), "%s/ear", bench.folder);
    memcpy(address.sun_path, bench.path, sizeof(bench.path));
    bench.ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *state = &bench;
    return bind(bench.ear, (struct sockaddr *)&address, sizeof(address));
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    char hint[128];
    if (bench->supervisor > 0) { /* a test failed */
        kill(bench->supervisor, SIGKILL);
        waitpid(bench->supervisor, NULL, 0);
    }
    close(bench->ear);
    unlink(bench->path);
    snprintf(hint, sizeof(hint), "%s.web", bench->path);
    unlink(hint);
    return rmdir(bench->folder);
}

/* It ends by itself; returns its exit status. */
static int
supervisor_wait(struct bench *bench)
{
    int status = 0;
    assert_int_equal(waitpid(bench->supervisor, &status, 0), bench->supervisor);
    bench->supervisor = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
stop(struct bench *bench, int number)
{
    assert_int_equal(kill(bench->supervisor, number), 0);
    wait_for(bench, "core signal 15\n", 1);
    wait_for(bench, "driver signal 15\n", 1);
    wait_for(bench, "intake signal 15\n", 1);
    wait_for(bench, "web signal 15\n", 1);
    assert_int_equal(supervisor_wait(bench), 0);
}

static void
test_every_role_is_started_and_joined_with_core(void **state)
{
    struct bench *bench = *state;
    supervisor_start(bench);
    wait_for_all(bench);
    assert_int_equal(count_of(bench->heard, " started "), 6);
    assert_int_equal(count_of(bench->heard, " strays 0\n"), 6); /* the two lines, nothing else */
    assert_int_equal(count_of(bench->heard, " blocked 0\n"), 6);
    stop(bench, SIGTERM);
    assert_int_equal(count_of(bench->heard, " started "), 6); /* none again */
}

static void
test_one_that_dies_is_started_again_and_joined_anew(void **state)
{
    struct bench *bench = *state;
    supervisor_start(bench);
    wait_for_all(bench);
    long core = bench->pids[ROLE_CORE], web = bench->pids[ROLE_WEB];
    assert_int_equal(kill((pid_t)web, SIGKILL), 0);
    wait_for(bench, "web started ", 2);
    wait_for(bench, "core web 1\n", 2);
    wait_for(bench, "web core 67\n", 2);
    assert_int_not_equal(bench->pids[ROLE_WEB], web);
    assert_int_equal(bench->pids[ROLE_CORE], core); /* nobody else was disturbed */
    assert_int_equal(count_of(bench->heard, "core driver 1\n"), 1);
    assert_int_equal(count_of(bench->heard, " started "), 7);
    wait_for(bench, "login web 72\n", 2); /* whom web talks to, too */
    stop(bench, SIGINT);
}

static void
test_a_new_core_is_joined_with_everybody(void **state)
{
    struct bench *bench = *state;
    supervisor_start(bench);
    wait_for_all(bench);
    assert_int_equal(kill((pid_t)bench->pids[ROLE_CORE], SIGKILL), 0);
    wait_for(bench, "core started ", 2);
    wait_for(bench, "driver core 68\n", 2);
    wait_for(bench, "intake core 66\n", 2);
    wait_for(bench, "web core 67\n", 2);
    wait_for(bench, "notify core 71\n", 2);
    assert_int_equal(count_of(bench->heard, " started "), 7);
    stop(bench, SIGTERM);
}

static void
test_a_reload_goes_to_every_role(void **state)
{
    struct bench *bench = *state;
    supervisor_start(bench);
    wait_for_all(bench);
    assert_int_equal(kill(bench->supervisor, SIGHUP), 0);
    wait_for(bench, "core signal 1\n", 1);
    wait_for(bench, "driver signal 1\n", 1);
    wait_for(bench, "intake signal 1\n", 1);
    wait_for(bench, "web signal 1\n", 1);
    wait_for(bench, "notify signal 1\n", 1);
    wait_for(bench, "login signal 1\n", 1);
    stop(bench, SIGTERM);
}

/* A role that cannot start is tried again ever later: 0.1 s, 0.2 s, 0.4 s. */
static void
test_a_role_that_fails_at_once_is_not_started_in_a_loop(void **state)
{
    struct bench *bench = *state;
    char hint[128];
    snprintf(hint, sizeof(hint), "%s.web", bench->path);
    int fd = open(hint, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    int64_t least_us = 0;
    int64_t began_us = clock_boot_us(clock_system());
    supervisor_start(bench);
    for (size_t i = 1; i <= 4; i++) {
        wait_for(bench, "web started ", i);
        assert_true(clock_boot_us(clock_system()) - began_us >= least_us);
        least_us += 100000 << (i - 1);
    }
    wait_for(bench, "core driver 1\n", 1); /* the others work */
    assert_int_equal(kill(bench->supervisor, SIGTERM), 0);
    wait_for(bench, "core signal 15\n", 1);
    assert_int_equal(supervisor_wait(bench), 0);
}

/* Nothing runs on without a supervisor, however it ended. */
static void
test_roles_end_with_a_supervisor_that_was_killed(void **state)
{
    struct bench *bench = *state;
    supervisor_start(bench);
    wait_for_all(bench);
    assert_int_equal(kill(bench->supervisor, SIGKILL), 0);
    assert_int_equal(waitpid(bench->supervisor, NULL, 0), bench->supervisor);
    bench->supervisor = 0;
    static const enum wire_role roles[] = {ROLE_CORE, ROLE_DRIVER, ROLE_INTAKE,
                                           ROLE_WEB,  ROLE_NOTIFY, ROLE_LOGIN};
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        int64_t until_us = clock_boot_us(clock_system()) + PATIENCE_MS * 1000LL;
        char path[64];
        struct stat found;
        snprintf(path, sizeof(path), "/proc/%ld/exe", bench->pids[roles[i]]);
        while (stat(path, &found) == 0) { /* a process that ended has no program any more */
            assert_true(clock_boot_us(clock_system()) < until_us);
            sched_yield();
        }
    }
}

int
main(int count, char **words)
{
    if (count == 5 && strcmp(words[1], "--role") == 0 && strcmp(words[3], "--config") == 0) {
        return role_play(words[2], words[4]);
    }
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_every_role_is_started_and_joined_with_core),
        EACH(test_one_that_dies_is_started_again_and_joined_anew),
        EACH(test_a_new_core_is_joined_with_everybody),
        EACH(test_a_reload_goes_to_every_role),
        EACH(test_a_role_that_fails_at_once_is_not_started_in_a_loop),
        EACH(test_roles_end_with_a_supervisor_that_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
