#include "cordond/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "cordond/control.h"
#include "cordond/errand.h"

#define DELAY_FIRST_MS 100
#define DELAY_MOST_MS 10000
#define STEADY_US (30 * 1000000LL) /* after so long alive, the back-off starts over */
#define LAST_WAY_US 100000         /* between the end of core and of the others */
#define CORE_STOP_S 2              /* core that does not end: then the others all the same */
#define ENDED_ENV "CORDON_ENDED"   /* read by controller/ended.c */
#define STOP_S 5                   /* children that do not end by then are killed */

struct child {
    enum wire_role role;
    pid_t pid;            /* 0: not running */
    int control, errands; /* our ends of its two lines */
    struct event *errand;
    int64_t started_us;
    unsigned delay_ms;
    char ended[24]; /* how it did, the last time; "": it was not started before */
    struct event *restart;
    struct supervisor *supervisor;
};

struct supervisor {
    struct event_base *base;
    const char *program, *config_path;
    const struct config *config;
    struct child children[6]; /* core first, which is at one end of every pair but login's */
    struct event *signals[4];
    struct event *deadline, *others;
    bool is_stopping;
};

static void child_start(struct child *child);

/* Where memory runs out, whoever reads strangers' bytes goes before whoever holds the blocks. */
static void
expendable(enum wire_role role)
{
    int fd = role == ROLE_CORE || role == ROLE_DRIVER
                 ? -1
                 : open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        static const char first[] = "500";
        ssize_t put = write(fd, first, sizeof(first) - 1);
        (void)put; /* not on this kernel */
        close(fd);
    }
}

/* In the child: only its two lines, as descriptors 3 and 4, go over to the new program. */
static void
child_exec(const struct child *child, const int lines[2], pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGHUP, SIG_IGN); /* until it listens itself: what it begins with is the newest anyway */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(1); /* the supervisor died in between */
    }
    int control = fcntl(lines[0], F_DUPFD, ERRAND_FD + 1); /* not in the other one's place */
    int errands = fcntl(lines[1], F_DUPFD, ERRAND_FD + 1);
    if (control < 0 || errands < 0 || dup2(control, CONTROL_FD) < 0 ||
        dup2(errands, ERRAND_FD) < 0) {
        _exit(1);
    }
    close_range(ERRAND_FD + 1, ~0u, 0);
    const struct supervisor *supervisor = child->supervisor;
    if (child->ended[0]) {
        setenv(ENDED_ENV, child->ended, 1);
    }
    expendable(child->role);
    execl("/proc/self/exe", supervisor->program, "--role", wire_role_names[child->role], "--config",
          supervisor->config_path, (char *)NULL);
    _exit(127);
}

/* A new pair for the two of them. */
static void
join(struct child *one, struct child *other)
{
    int pair[2];
    if (one->pid == 0 || other->pid == 0) {
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        log_error("supervisor", "no socketpair", LOG_S("error", strerror(errno)));
        return;
    }
    int result = control_send(one->control, other->role, pair[0]);
    result = result ? result : control_send(other->control, one->role, pair[1]);
    if (result) {
        log_error("supervisor", "roles not joined", LOG_S("role", wire_role_names[other->role]),
                  LOG_S("error", strerror(-result)));
    }
    close(pair[0]);
    close(pair[1]);
}

/* Whom 'child' talks to: core; login answers web, so that no password passes core. */
static struct child *
partner_of(struct supervisor *supervisor, const struct child *child)
{
    enum wire_role wanted = child->role == ROLE_LOGIN ? ROLE_WEB : ROLE_CORE;
    for (size_t i = 0; i < COUNT_OF(supervisor->children); i++) {
        if (supervisor->children[i].role == wanted) {
            return &supervisor->children[i];
        }
    }
    return &supervisor->children[0];
}

static void
join_all(struct supervisor *supervisor, struct child *started)
{
    for (size_t i = 1; i < COUNT_OF(supervisor->children); i++) {
        struct child *child = &supervisor->children[i];
        struct child *partner = partner_of(supervisor, child);
        if (started == child || started == partner) {
            join(partner, child);
        }
    }
}

static void
restart_later(struct child *child)
{
    const struct timeval delay = {.tv_sec = child->delay_ms / 1000,
                                  .tv_usec = (child->delay_ms % 1000) * 1000};
    event_add(child->restart, &delay);
    child->delay_ms = child->delay_ms * 2 > DELAY_MOST_MS ? DELAY_MOST_MS : child->delay_ms * 2;
}

/* It wants what it may not do itself; nonsense, or what is not for its role, cuts the line. */
static void
on_errand(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct child *child = argument;
    int error = errand_serve(child->supervisor->config, child->role, fd);
    if (error) {
        if (error != -EPIPE) {
            log_error("supervisor", "a role's errand is refused, and its line is cut",
                      LOG_S("role", wire_role_names[child->role]), LOG_S("why", strerror(-error)));
        }
        event_del(child->errand);
        shutdown(fd, SHUT_RDWR);
    }
}

/* 'ours' and 'theirs': control and errands. */
static bool
lines_make(int ours[2], int theirs[2])
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return false;
    }
    ours[0] = pair[0], theirs[0] = pair[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        close(ours[0]);
        close(theirs[0]);
        return false;
    }
    ours[1] = pair[0], theirs[1] = pair[1];
    return true;
}

static void
lines_close(const int lines[2])
{
    close(lines[0]);
    close(lines[1]);
}

static void
child_start(struct child *child)
{
    int ours[2], theirs[2];
    if (!lines_make(ours, theirs)) {
        restart_later(child);
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        child_exec(child, theirs, parent);
    }
    lines_close(theirs);
    if (pid < 0) {
        log_error("supervisor", "fork failed", LOG_S("error", strerror(errno)));
        lines_close(ours);
        restart_later(child);
        return;
    }
    child->pid = pid;
    child->control = ours[0];
    child->errands = ours[1];
    child->errand =
        event_new(child->supervisor->base, child->errands, EV_READ | EV_PERSIST, on_errand, child);
    event_add(child->errand, NULL);
    child->started_us = clock_boot_us(clock_system());
    join_all(child->supervisor, child);
}

static void
on_restart(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    child_start(argument);
}

static struct child *
child_of(struct supervisor *supervisor, pid_t pid)
{
    for (size_t i = 0; i < COUNT_OF(supervisor->children); i++) {
        if (supervisor->children[i].pid == pid) {
            return &supervisor->children[i];
        }
    }
    return NULL;
}

static void
on_child_end(struct child *child, int status)
{
    event_free(child->errand);
    child->errand = NULL;
    close(child->control);
    close(child->errands);
    child->pid = 0;
    if (child->supervisor->is_stopping) {
        const struct timeval way = {.tv_usec = LAST_WAY_US};
        if (child == &child->supervisor->children[0]) {
            event_add(child->supervisor->others, &way);
        }
        return;
    }
    if (clock_boot_us(clock_system()) - child->started_us > STEADY_US) {
        child->delay_ms = DELAY_FIRST_MS;
    }
    snprintf(child->ended, sizeof(child->ended), WIFSIGNALED(status) ? "signal %d" : "status %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    bool is_forbidden = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    log_error("supervisor",
              is_forbidden ? "a role made a system call that no part of it ever makes, and was "
                             "ended: look for an attack; it is started again"
                           : "a role died and is started again",
              LOG_S("role", wire_role_names[child->role]),
              LOG_I("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
              LOG_I("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
              LOG_I("delay_ms", child->delay_ms));
    restart_later(child);
}

static bool
has_children(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < COUNT_OF(supervisor->children); i++) {
        if (supervisor->children[i].pid) {
            return true;
        }
    }
    return false;
}

static void
on_sigchld(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct supervisor *supervisor = argument;
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        struct child *child = child_of(supervisor, pid);
        if (child) {
            on_child_end(child, status);
        }
    }
    if (supervisor->is_stopping && !has_children(supervisor)) {
        event_base_loopbreak(supervisor->base);
    }
}

static void
signal_all(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < COUNT_OF(supervisor->children); i++) {
        if (supervisor->children[i].pid) {
            kill(supervisor->children[i].pid, number);
        }
    }
}

static void
on_stop(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct supervisor *supervisor = argument;
    const struct timeval patience = {.tv_sec = STOP_S};
    supervisor->is_stopping = true;
    for (size_t i = 0; i < COUNT_OF(supervisor->children); i++) {
        event_del(supervisor->children[i].restart);
    }
    /* Core first: what it says last (a checkpoint of the audit, to edges) still has its way. */
    if (supervisor->children[0].pid) {
        const struct timeval most = {.tv_sec = CORE_STOP_S};
        kill(supervisor->children[0].pid, SIGTERM);
        event_add(supervisor->others, &most);
    } else {
        signal_all(supervisor, SIGTERM);
    }
    event_add(supervisor->deadline, &patience);
    if (!has_children(supervisor)) {
        event_base_loopbreak(supervisor->base);
    }
}

static void
on_others(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    signal_all(argument, SIGTERM);
}

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    signal_all(argument, SIGKILL);
}

static void
on_sighup(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    signal_all(argument, SIGHUP);
}

int
supervisor_run(const char *program, const char *config_path, const struct config *config)
{
    static const enum wire_role roles[] = {ROLE_CORE, ROLE_DRIVER, ROLE_INTAKE,
                                           ROLE_WEB,  ROLE_NOTIFY, ROLE_LOGIN};
    struct supervisor supervisor = {
        .base = event_base_new(), .program = program, .config_path = config_path, .config = config};
    supervisor.signals[0] = evsignal_new(supervisor.base, SIGCHLD, on_sigchld, &supervisor);
    supervisor.signals[1] = evsignal_new(supervisor.base, SIGTERM, on_stop, &supervisor);
    supervisor.signals[2] = evsignal_new(supervisor.base, SIGINT, on_stop, &supervisor);
    supervisor.signals[3] = evsignal_new(supervisor.base, SIGHUP, on_sighup, &supervisor);
    supervisor.deadline = evtimer_new(supervisor.base, on_deadline, &supervisor);
    supervisor.others = evtimer_new(supervisor.base, on_others, &supervisor);
    for (size_t i = 0; i < COUNT_OF(supervisor.signals); i++) {
        event_add(supervisor.signals[i], NULL);
    }
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct child *child = &supervisor.children[i];
        *child =
            (struct child){.role = roles[i], .delay_ms = DELAY_FIRST_MS, .supervisor = &supervisor};
        child->restart = evtimer_new(supervisor.base, on_restart, child);
    }
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        child_start(&supervisor.children[i]);
    }
    log_info("supervisor", "started", LOG_S("version", CORDON_VERSION));
    event_base_dispatch(supervisor.base);
    log_info("supervisor", "stopped", LOG_END);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        event_free(supervisor.children[i].restart);
    }
    for (size_t i = 0; i < COUNT_OF(supervisor.signals); i++) {
        event_free(supervisor.signals[i]);
    }
    event_free(supervisor.deadline);
    event_free(supervisor.others);
    event_base_free(supervisor.base);
    return 0;
}
