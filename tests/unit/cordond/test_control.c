/* The supervisor's line to a role: one byte says who the peer is, one descriptor comes with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cordond/control.h"

struct bench {
    int supervisor, role; /* ends of the control line */
    int pipe[2];          /* something to hand over */
};

static int
setup(void **state)
{
    static struct bench bench;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || pipe(bench.pipe)) {
        return -1;
    }
    bench.supervisor = fds[0];
    bench.role = fds[1];
    *state = &bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    if (bench->supervisor >= 0) {
        close(bench->supervisor);
    }
    close(bench->role);
    close(bench->pipe[0]);
    close(bench->pipe[1]);
    return 0;
}

/* The lowest descriptor that is not in use: says whether one was left open. */
static int
lowest_free(void)
{
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void
test_a_descriptor_comes_with_its_peer(void **state)
{
    struct bench *bench = *state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        enum wire_role peer = ROLE_COUNT;
        char byte = (char)role;
        assert_int_equal(control_send(bench->supervisor, (enum wire_role)role, bench->pipe[1]), 0);
        int fd = control_receive(bench->role, &peer);
        assert_true(fd >= 0 && fd != bench->pipe[1]);
        assert_int_equal(peer, role);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC); /* not for programs that the role starts */
        assert_int_equal(write(fd, &byte, 1), 1);     /* it is that pipe */
        assert_int_equal(read(bench->pipe[0], &byte, 1), 1);
        assert_int_equal(byte, role);
        close(fd);
        assert_true(fcntl(bench->pipe[1], F_GETFD) >= 0); /* the sender's stays its own */
    }
}

static void
test_several_wait_in_order(void **state)
{
    struct bench *bench = *state;
    enum wire_role peer;
    assert_int_equal(control_send(bench->supervisor, ROLE_CORE, bench->pipe[0]), 0);
    assert_int_equal(control_send(bench->supervisor, ROLE_WEB, bench->pipe[1]), 0);
    int first = control_receive(bench->role, &peer);
    assert_true(first >= 0 && peer == ROLE_CORE);
    int second = control_receive(bench->role, &peer);
    assert_true(second >= 0 && peer == ROLE_WEB);
    close(first);
    close(second);
}

static void
test_nothing_yet_and_nobody_more(void **state)
{
    struct bench *bench = *state;
    enum wire_role peer;
    assert_int_equal(control_receive(bench->role, &peer), -EAGAIN);
    close(bench->supervisor);
    bench->supervisor = -1;
    assert_int_equal(control_receive(bench->role, &peer), -EPIPE);
}

static void
test_sending_to_a_dead_role(void **state)
{
    struct bench *bench = *state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    close(fds[1]);
    assert_int_equal(control_send(fds[0], ROLE_CORE, bench->pipe[0]), -EPIPE); /* no SIGPIPE */
    close(fds[0]);
    assert_int_equal(control_send(bench->supervisor, ROLE_CORE, -1), -EBADF);
}

static void
test_a_full_line_does_not_block(void **state)
{
    struct bench *bench = *state;
    int result = 0;
    for (int i = 0; i < 100000 && result == 0; i++) {
        result = control_send(bench->supervisor, ROLE_CORE, bench->pipe[0]);
    }
    /* The buffer, or the limit of descriptors under way (RLIMIT_NOFILE), whichever is less. */
    assert_true(result == -EAGAIN || result == -ETOOMANYREFS);
}

static void
test_nonsense_is_refused(void **state)
{
    struct bench *bench = *state;
    enum wire_role peer = ROLE_COUNT;
    int before = lowest_free();
    assert_int_equal(write(bench->supervisor, "\0", 1), 1); /* a peer without a descriptor */
    assert_int_equal(control_receive(bench->role, &peer), -EBADMSG);
    /* No such role: the descriptor that came with it is not kept. */
    assert_int_equal(control_send(bench->supervisor, ROLE_COUNT, bench->pipe[0]), 0);
    assert_int_equal(control_receive(bench->role, &peer), -EBADMSG);
    assert_int_equal(control_send(bench->supervisor, (enum wire_role)255, bench->pipe[0]), 0);
    assert_int_equal(control_receive(bench->role, &peer), -EBADMSG);
    assert_int_equal(peer, ROLE_COUNT);
    assert_int_equal(lowest_free(), before);
}

/* Two descriptors at once fit into the room that one needs (alignment): none is kept. */
static void
test_two_descriptors_are_refused(void **state)
{
    struct bench *bench = *state;
    enum wire_role peer;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } ancillary;
    memset(&ancillary, 0, sizeof(ancillary));
    char byte = ROLE_CORE;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = ancillary.bytes,
                             .msg_controllen = sizeof(ancillary.bytes)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(head), bench->pipe, 2 * sizeof(int));
    int before = lowest_free();
    assert_int_equal(sendmsg(bench->supervisor, &message, 0), 1);
    assert_int_equal(control_receive(bench->role, &peer), -EBADMSG);
    assert_int_equal(lowest_free(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_descriptor_comes_with_its_peer), TEST(test_several_wait_in_order),
        TEST(test_nothing_yet_and_nobody_more),      TEST(test_sending_to_a_dead_role),
        TEST(test_a_full_line_does_not_block),       TEST(test_nonsense_is_refused),
        TEST(test_two_descriptors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
