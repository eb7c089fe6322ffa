/* A channel over a socketpair, with the test's bare socket or another channel at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "bus/channel.h"
#include "wire/answer.h"
#include "wire/hello.h"

#define HELLO "{\"type\":\"hello\",\"name\":\"s1\"}"

/* One end and what it was told. */
struct end {
    struct channel *channel;
    unsigned messages, closes;
    char last_name[NAME_SIZE];
    size_t last_bytes;
    char why[128];
    bool closes_itself; /* in on_message */
};

struct bench {
    struct event_base *base;
    struct end end;
    int fd; /* the other end */
};

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct end *end = context;
    assert_ptr_equal(channel, end->channel);
    end->messages++;
    if (type == WIRE_HELLO) {
        const struct wire_hello *hello = message;
        snprintf(end->last_name, sizeof(end->last_name), "%s", hello->name);
    } else if (type == WIRE_ANSWER) {
        end->last_bytes = ((const struct wire_answer *)message)->byte_count;
    }
    if (end->closes_itself) {
        channel_close(channel, "had enough");
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct end *end = context;
    assert_ptr_equal(channel, end->channel);
    end->closes++;
    end->channel = NULL;
    snprintf(end->why, sizeof(end->why), "%s", why);
}

static void
end_open(struct end *end, struct event_base *base, int fd, enum wire_role self, enum wire_role peer,
         size_t send_limit)
{
    const struct channel_settings settings = {
        .self = self, .peer = peer, .peer_name = "other", .send_limit = send_limit};
    const struct channel_handler handler = {
        .on_message = on_message, .on_close = on_close, .context = end};
    end->channel = channel_new_fd(base, fd, &settings, &handler);
}

/* Intake's end of a sensor's channel. */
static void
bench_open(struct bench *bench, size_t send_limit)
{
    int fds[2];
    memset(bench, 0, sizeof(*bench));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    bench->base = event_base_new();
    bench->fd = fds[1];
    end_open(&bench->end, bench->base, fds[0], ROLE_INTAKE, ROLE_SENSOR, send_limit);
}

static void
bench_close(struct bench *bench)
{
    if (bench->end.channel) {
        channel_drop(bench->end.channel);
    }
    if (bench->fd >= 0) {
        close(bench->fd);
    }
    event_base_free(bench->base);
}

/* All that can be done now. */
static void
turn(struct bench *bench)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(bench->base, EVLOOP_NONBLOCK);
    }
}

static size_t
frame(char *to, const char *text)
{
    size_t size = strlen(text);
    to[0] = (char)(size >> 24);
    to[1] = (char)(size >> 16);
    to[2] = (char)(size >> 8);
    to[3] = (char)size;
    memcpy(to + 4, text, size);
    return size + 4;
}

static void
put(struct bench *bench, const void *bytes, size_t size)
{
    assert_int_equal(write(bench->fd, bytes, size), size);
    turn(bench);
}

static void
test_frames_come_whole_however_they_arrive(void **state)
{
    (void)state;
    struct bench bench;
    char bytes[256];
    bench_open(&bench, 0);
    size_t size = frame(bytes, HELLO);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(bench.end.messages, 0);
        put(&bench, bytes + i, 1);
    }
    assert_int_equal(bench.end.messages, 1);
    assert_string_equal(bench.end.last_name, "s1");
    /* Two and a half at once. */
    size = frame(bytes, HELLO);
    size += frame(bytes + size, "{\"type\":\"hello\",\"name\":\"s2\"}");
    size_t third = frame(bytes + size, "{\"type\":\"hello\",\"name\":\"s3\"}");
    put(&bench, bytes, size + 7);
    assert_int_equal(bench.end.messages, 3);
    assert_string_equal(bench.end.last_name, "s2");
    put(&bench, bytes + size + 7, third - 7);
    assert_int_equal(bench.end.messages, 4);
    assert_string_equal(bench.end.last_name, "s3");
    assert_int_equal(bench.end.closes, 0);
    bench_close(&bench);
}

static void
assert_closes(const void *bytes, size_t size, const char *why)
{
    struct bench bench;
    char good[64], byte;
    bench_open(&bench, 0);
    assert_int_equal(write(bench.fd, bytes, size), size);
    size_t good_size = frame(good, HELLO);
    put(&bench, good, good_size); /* is not looked at any more */
    assert_int_equal(bench.end.messages, 0);
    assert_int_equal(bench.end.closes, 1);
    if (!strstr(bench.end.why, why)) {
        fail_msg("closed with '%s', not '%s'", bench.end.why, why);
    }
    /* The peer sees it: end of file, or a reset as it still had bytes on their way. */
    ssize_t got = recv(bench.fd, &byte, 1, MSG_DONTWAIT);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    bench_close(&bench);
}

static void
test_frame_sizes_out_of_range_close(void **state)
{
    (void)state;
    assert_closes("\0\0\0\0", 4, "frame size out of range");
    assert_closes("\0\x10\0\x01", 4,
                  "frame size out of range"); /* one more than a frame may have */
    assert_closes("\xff\xff\xff\xff", 4, "frame size out of range");
    assert_closes("GET / HTTP/1.1\r\n\r\n", 18, "frame size out of range");
}

static void
test_bad_messages_close(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"x", "not one JSON object"},
        {"[]", "not one JSON object"},
        {"null", "not one JSON object"},
        {HELLO HELLO, "malformed message: hello not JSON"},
        {"[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "not one JSON object"},
        {"{}", "no known type"},
        {"{\"type\":\"hallo\"}", "no known type"},
        {"{\"type\":\"ack\",\"ids\":[]}", "this peer may not send: ack"},
        {"{\"type\":\"desired\"}", "this peer may not send: desired"},
        {"{\"type\":\"hello\"}", "malformed message: hello name is missing"},
        {"{\"type\":\"hello\",\"name\":7}", "malformed message: hello name not a text"},
        {"{\"type\":\"hello\",\"name\":\"s1\",\"x\":1}",
         "malformed message: hello x is not known here"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char bytes[256];
        size_t size = frame(bytes, rows[i].text);
        assert_closes(bytes, size, rows[i].why);
    }
}

static void
test_what_came_before_the_end_is_delivered(void **state)
{
    (void)state;
    struct bench bench;
    char bytes[64];
    bench_open(&bench, 0);
    size_t size = frame(bytes, HELLO);
    assert_int_equal(write(bench.fd, bytes, size), size);
    assert_int_equal(write(bench.fd, bytes, 9), 9);
    close(bench.fd);
    bench.fd = -1;
    turn(&bench);
    assert_int_equal(bench.end.messages, 1);
    assert_int_equal(bench.end.closes, 1);
    assert_string_equal(bench.end.why, "closed by the peer");
    bench_close(&bench);
}

/* Much more than is read at once; the order is theirs, and the last is there before the end. */
static void
test_a_flood_comes_whole(void **state)
{
    (void)state;
    enum { FRAMES = 3000 };
    struct bench bench;
    bench_open(&bench, 0);
    char *bytes = mem_new(FRAMES, 64);
    size_t size = 0, sent = 0;
    for (int i = 0; i < FRAMES; i++) {
        char text[56];
        snprintf(text, sizeof(text), "{\"type\":\"hello\",\"name\":\"sensor-%d\"}", i);
        size += frame(bytes + size, text);
    }
    evutil_make_socket_nonblocking(bench.fd);
    for (int turns = 0; sent < size && turns < 10000; turns++) {
        ssize_t took = write(bench.fd, bytes + sent, size - sent);
        sent += took > 0 ? (size_t)took : 0;
        event_base_loop(bench.base, EVLOOP_NONBLOCK);
    }
    close(bench.fd);
    bench.fd = -1;
    for (int i = 0; i < 100 && bench.end.closes == 0; i++) {
        turn(&bench);
    }
    assert_int_equal(bench.end.messages, FRAMES);
    assert_string_equal(bench.end.last_name, "sensor-2999");
    assert_int_equal(bench.end.closes, 1);
    assert_string_equal(bench.end.why, "closed by the peer");
    free(bytes);
    bench_close(&bench);
}

static void
test_a_handler_may_close(void **state)
{
    (void)state;
    struct bench bench;
    char bytes[128];
    bench_open(&bench, 0);
    bench.end.closes_itself = true;
    size_t size = frame(bytes, HELLO);
    size += frame(bytes + size, HELLO);
    put(&bench, bytes, size);
    assert_int_equal(bench.end.messages, 1); /* not the second */
    assert_int_equal(bench.end.closes, 1);
    assert_string_equal(bench.end.why, "had enough");
    bench_close(&bench);
}

static void
test_closing_twice_tells_once(void **state)
{
    (void)state;
    struct bench bench;
    struct wire_hello hello = {.name = "x"};
    bench_open(&bench, 0);
    channel_close(bench.end.channel, "first");
    channel_close(bench.end.channel, "second");
    assert_false(channel_send(bench.end.channel, WIRE_HELLO, &hello));
    assert_int_equal(bench.end.closes, 0); /* not inside of the call */
    turn(&bench);
    assert_int_equal(bench.end.closes, 1);
    assert_string_equal(bench.end.why, "first");
    bench_close(&bench);
}

static void
test_dropping_tells_nobody(void **state)
{
    (void)state;
    struct bench bench;
    char byte;
    bench_open(&bench, 0);
    channel_close(bench.end.channel, "on its way");
    channel_drop(bench.end.channel);
    bench.end.channel = NULL;
    turn(&bench);
    assert_int_equal(bench.end.closes, 0);
    assert_int_equal(recv(bench.fd, &byte, 1, MSG_DONTWAIT), 0);
    bench_close(&bench);
}

static void
test_what_is_sent_is_a_frame(void **state)
{
    (void)state;
    struct bench bench;
    struct wire_hello hello = {.name = "x"};
    char expected[64], got[128];
    bench_open(&bench, 0);
    assert_string_equal(channel_peer_name(bench.end.channel), "other");
    channel_set_tag(bench.end.channel, &bench);
    assert_ptr_equal(channel_tag(bench.end.channel), &bench);
    assert_true(channel_send(bench.end.channel, WIRE_HELLO, &hello));
    turn(&bench);
    size_t size = frame(expected, "{\"type\":\"hello\",\"name\":\"x\"}");
    assert_int_equal(recv(bench.fd, got, sizeof(got), MSG_DONTWAIT), size);
    assert_memory_equal(got, expected, size);
    bench_close(&bench);
}

/* Nobody reads: what is queued stays below the limit and one message. */
static void
test_a_slow_peer_is_let_go(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, 256 * 1024);
    uint8_t *bytes = mem_new(48 * 1024, 1);
    const struct wire_answer answer = {
        .number = 1, .status = 200, .bytes = bytes, .byte_count = 48 * 1024};
    unsigned sent = 0;
    while (sent < 1000 && channel_send(bench.end.channel, WIRE_ANSWER, &answer)) {
        turn(&bench);
        sent++;
    }
    assert_true(sent >= 5); /* 64 KiB each: not before the limit either */
    assert_true(sent < 100);
    turn(&bench);
    assert_int_equal(bench.end.closes, 1);
    assert_string_equal(bench.end.why, "the peer reads too slowly");
    free(bytes);
    bench_close(&bench);
}

static void
test_a_message_larger_than_a_frame_is_not_sent(void **state)
{
    (void)state;
    struct bench bench;
    struct wire_hello hello = {.name = "x"};
    char got[64];
    bench_open(&bench, 0);
    size_t size = WIRE_FRAME_MAX * 3 / 4;
    uint8_t *bytes = mem_new(size, 1);
    const struct wire_answer answer = {
        .number = 1, .status = 200, .bytes = bytes, .byte_count = size};
    assert_false(channel_send(bench.end.channel, WIRE_ANSWER, &answer));
    turn(&bench);
    assert_true(recv(bench.fd, got, sizeof(got), MSG_DONTWAIT) < 0); /* nothing of it */
    assert_int_equal(bench.end.closes, 0);
    assert_true(channel_send(bench.end.channel, WIRE_HELLO, &hello)); /* and the channel goes on */
    free(bytes);
    bench_close(&bench);
}

/* A frame of nearly the largest size through the socket's small buffers, many times over. */
static void
test_two_channels_and_large_frames(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct end core = {0}, web = {0};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    end_open(&core, base, fds[0], ROLE_CORE, ROLE_WEB, 0);
    end_open(&web, base, fds[1], ROLE_WEB, ROLE_CORE, 0);
    size_t size = WIRE_FRAME_MAX / 2;
    uint8_t *bytes = mem_new(size, 1);
    const struct wire_answer answer = {
        .number = 1, .status = 200, .bytes = bytes, .byte_count = size};
    for (unsigned i = 0; i < 8; i++) {
        assert_true(channel_send(core.channel, WIRE_ANSWER, &answer));
    }
    for (unsigned i = 0; i < 100000 && web.messages < 8 && !web.closes; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(web.messages, 8);
    assert_int_equal(web.last_bytes, size);
    /* The wrong direction: web may not answer. */
    assert_true(channel_send(web.channel, WIRE_ANSWER, &answer));
    for (unsigned i = 0; i < 100000 && !(core.closes && web.closes); i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(core.messages, 0);
    assert_string_equal(core.why, "this peer may not send: answer");
    assert_int_equal(web.closes, 1);
    free(bytes);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_whole_however_they_arrive),
        cmocka_unit_test(test_frame_sizes_out_of_range_close),
        cmocka_unit_test(test_bad_messages_close),
        cmocka_unit_test(test_what_came_before_the_end_is_delivered),
        cmocka_unit_test(test_a_flood_comes_whole),
        cmocka_unit_test(test_a_handler_may_close),
        cmocka_unit_test(test_closing_twice_tells_once),
        cmocka_unit_test(test_dropping_tells_nobody),
        cmocka_unit_test(test_what_is_sent_is_a_frame),
        cmocka_unit_test(test_a_slow_peer_is_let_go),
        cmocka_unit_test(test_a_message_larger_than_a_frame_is_not_sent),
        cmocka_unit_test(test_two_channels_and_large_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
