/* A role's loop: it joins the peers that the supervisor sends, and ends with the supervisor or at
 * SIGTERM.  Everything that happens is put before the loop begins, in order: nobody waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cordond/control.h"
#include "cordond/role.h"
#include "wire/read_back.h"

struct bench {
    struct role role;
    struct channel_handler far_handler; /* of the peers' own ends */
    int supervisor;                     /* the other end of the control line; -1: closed */
    struct channel *joined[2];
    struct channel *far; /* to be dropped at the end */
    enum wire_role peers[2];
    size_t joined_count, reload_count, closed_count, far_closed_count;
    char heard[64]; /* what came from the peer */
};

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct bench *bench = context;
    assert_true(bench->joined_count < COUNT_OF(bench->joined));
    bench->joined[bench->joined_count] = channel;
    bench->peers[bench->joined_count++] = peer;
}

static void
on_reload(void *context)
{
    ((struct bench *)context)->reload_count++;
}

/* The last thing that each test waits for. */
static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct bench *bench = context;
    (void)channel;
    assert_int_equal(type, WIRE_READ_BACK);
    const struct wire_read_back *read_back = message;
    snprintf(bench->heard, sizeof(bench->heard), "%s", read_back->switch_name);
    raise(SIGTERM);
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    (void)channel;
    (void)why;
    ((struct bench *)context)->closed_count++;
}

static int
setup(void **state)
{
    static struct bench bench;
    int pair[2];
    memset(&bench, 0, sizeof(bench));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) {
        return -1;
    }
    bench.supervisor = fcntl(pair[0], F_DUPFD_CLOEXEC, CONTROL_FD + 1); /* not in its place */
    int role = fcntl(pair[1], F_DUPFD_CLOEXEC, CONTROL_FD + 1);
    close(pair[0]);
    close(pair[1]);
    if (bench.supervisor < 0 || role < 0 || dup2(role, CONTROL_FD) < 0) {
        return -1;
    }
    close(role);
    bench.role = (struct role){.self = ROLE_DRIVER,
                               .base = event_base_new(),
                               .handler = {on_message, on_close, &bench},
                               .on_peer = on_peer,
                               .on_reload = on_reload,
                               .context = &bench};
    *state = &bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < bench->joined_count; i++) {
        channel_drop(bench->joined[i]);
    }
    if (bench->far) {
        channel_drop(bench->far);
    }
    event_base_free(bench->role.base);
    if (bench->supervisor >= 0) {
        close(bench->supervisor);
    }
    close(CONTROL_FD);
    return 0;
}

/* Core's end of a new pair, whose other end is on its way to the role. */
static struct channel *
peer_send(struct bench *bench)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(control_send(bench->supervisor, ROLE_CORE, pair[0]), 0);
    close(pair[0]);
    const struct channel_settings settings = {.self = ROLE_CORE, .peer = ROLE_DRIVER};
    return channel_new_fd(bench->role.base, pair[1], &settings, &bench->far_handler);
}

static void
say(struct channel *channel, const char *switch_name)
{
    struct wire_read_back read_back = {.request = 1};
    snprintf(read_back.switch_name, sizeof(read_back.switch_name), "%s", switch_name);
    assert_true(channel_send(channel, WIRE_READ_BACK, &read_back));
}

static void
on_far_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)context;
    (void)channel;
    (void)type;
    (void)message;
    fail_msg("the role said something");
}

static void
on_far_close(void *context, struct channel *channel, const char *why)
{
    (void)channel;
    (void)why;
    ((struct bench *)context)->far_closed_count++;
}

static void
test_a_peer_is_joined_and_heard(void **state)
{
    struct bench *bench = *state;
    bench->far_handler = (struct channel_handler){on_far_message, on_far_close, bench};
    struct channel *core = peer_send(bench);
    say(core, "e1");
    assert_int_equal(role_run(&bench->role), 0); /* ended by SIGTERM, from on_message */
    assert_int_equal(bench->joined_count, 1);
    assert_int_equal(bench->peers[0], ROLE_CORE);
    assert_string_equal(channel_peer_name(bench->joined[0]), "core");
    assert_string_equal(bench->heard, "e1");
    channel_drop(core);
}

/* The peer died and was started again: the role gets the new end at any time. */
static void
test_a_peer_is_joined_anew(void **state)
{
    struct bench *bench = *state;
    bench->far_handler = (struct channel_handler){on_far_message, on_far_close, bench};
    struct channel *first = peer_send(bench);
    struct channel *second = peer_send(bench);
    say(second, "e2");
    assert_int_equal(role_run(&bench->role), 0);
    assert_int_equal(bench->joined_count, 2);
    assert_ptr_not_equal(bench->joined[0], bench->joined[1]);
    assert_string_equal(bench->heard, "e2");
    channel_drop(first);
    channel_drop(second);
}

/* Core lives, and refused something: nobody sends a new line to a process that lives too. */
static void
test_it_ends_when_core_cuts_the_line_and_no_other_comes(void **state)
{
    struct bench *bench = *state;
    bench->far_handler = (struct channel_handler){on_far_message, on_far_close, bench};
    bench->role.alone = (struct timeval){.tv_usec = 20000};
    channel_drop(peer_send(bench));
    assert_int_equal(role_run(&bench->role), -ENOTCONN);
    assert_int_equal(bench->closed_count, 1);
    bench->joined_count = 0; /* freed */
}

static void
hang_up(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    channel_drop(argument);
}

static void
join_again(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct bench *bench = argument;
    bench->far = peer_send(bench);
    say(bench->far, "e3");
}

/* Core died and came back. */
static void
test_it_goes_on_when_another_line_comes(void **state)
{
    struct bench *bench = *state;
    bench->far_handler = (struct channel_handler){on_far_message, on_far_close, bench};
    bench->role.alone = (struct timeval){.tv_sec = 60};
    const struct timeval soon = {.tv_usec = 1000}, later = {.tv_usec = 30000};
    event_base_once(bench->role.base, -1, EV_TIMEOUT, hang_up, peer_send(bench), &soon);
    event_base_once(bench->role.base, -1, EV_TIMEOUT, join_again, bench, &later);
    assert_int_equal(role_run(&bench->role), 0);
    assert_int_equal(bench->closed_count, 1);
    assert_string_equal(bench->heard, "e3");
    bench->joined[0] = bench->joined[--bench->joined_count]; /* the first was freed */
}

static void
test_it_ends_with_the_supervisor(void **state)
{
    struct bench *bench = *state;
    close(bench->supervisor);
    bench->supervisor = -1;
    assert_int_equal(role_run(&bench->role), 0);
    assert_int_equal(bench->joined_count, 0);
}

static void
test_it_ends_at_nonsense_from_the_supervisor(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(send(bench->supervisor, "\xff", 1, 0), 1);
    assert_int_equal(role_run(&bench->role), 0);
    assert_int_equal(bench->joined_count, 0);
}

/* Started by hand: there is nobody that would end it. */
static void
test_it_does_not_begin_without_a_supervisor(void **state)
{
    struct bench *bench = *state;
    close(CONTROL_FD);
    assert_int_equal(role_run(&bench->role), -EBADF);
    assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), CONTROL_FD); /* something else's */
    assert_int_equal(role_run(&bench->role), -EBADF);
    assert_null(bench->role.events[0]);
    assert_int_equal(dup2(bench->supervisor, CONTROL_FD), CONTROL_FD); /* for the teardown */
}

static void
raise_now(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    raise(*(const int *)argument);
}

static void
test_signals(void **state)
{
    struct bench *bench = *state;
    static const int numbers[] = {SIGHUP, SIGINT, SIGPIPE, SIGHUP, SIGTERM};
    const struct timeval now = {0};
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < COUNT_OF(numbers); i++) { /* one turn of the loop each, in order */
            struct timeval at = {.tv_usec = now.tv_usec + (int)i};
            union {
                const int *in;
                void *out;
            } number = {.in = &numbers[i]};
            event_base_once(bench->role.base, -1, EV_TIMEOUT, raise_now, number.out, &at);
        }
        assert_int_equal(role_run(&bench->role), 0);
        for (size_t i = 0; i < COUNT_OF(bench->role.events); i++) {
            assert_null(bench->role.events[i]);
        }
        bench->role.on_reload = NULL; /* nothing to reload: nothing happens */
    }
    assert_true(bench->reload_count >= 1); /* two that come together may be one */
    assert_true(bench->reload_count <= 2);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_a_peer_is_joined_and_heard),
        EACH(test_a_peer_is_joined_anew),
        EACH(test_it_ends_when_core_cuts_the_line_and_no_other_comes),
        EACH(test_it_goes_on_when_another_line_comes),
        EACH(test_it_ends_with_the_supervisor),
        EACH(test_it_ends_at_nonsense_from_the_supervisor),
        EACH(test_it_does_not_begin_without_a_supervisor),
        EACH(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
