/* The responder's TCP: a whole visit of a browser without any state kept, and refusals that the
 * peer's stack takes for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/packet.h"
#include "replies.h"

#define CLIENT_MAC "02:00:00:00:00:01"
#define CLIENT_ISN 0xfffffff0u /* goes round during the visit */
#define GET "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"

static const struct hosts families[] = {
    {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "198.51.100.7"},
    {CLIENT_MAC, "02:00:00:00:00:02", "2001:db8::1", "2001:db8:1::7"},
};

/* A text that takes several segments. */
static size_t
long_warning(void *context, const struct rule_warning **warnings, size_t room)
{
    (void)context;
    static struct rule_warning warning = {.language = "en", .title = "Cut off"};
    assert_true(room > 0);
    memset(warning.body, 'x', sizeof(warning.body) - 1);
    warnings[0] = &warning;
    return 1;
}

/* The segment of a reply, read here and not by the code under test. */
struct got {
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    const char *data;
    size_t size;
};

static struct got
read_reply(const struct frame *frame)
{
    const uint8_t *tcp = frame->b + (be16_at(frame->b + 12) == 0x0800 ? 34 : 54);
    size_t head = (size_t)(tcp[12] >> 4) * 4, left = (size_t)(frame->b + frame->size - tcp);
    assert_true(head >= 20 && head <= left);
    return (struct got){.from_port = be16_at(tcp),
                        .to_port = be16_at(tcp + 2),
                        .seq = be32_at(tcp + 4),
                        .ack = be32_at(tcp + 8),
                        .flags = tcp[13],
                        .data = (const char *)tcp + head,
                        .size = left - head};
}

static size_t
tell(const struct hosts *hosts, const struct segment *segment, struct replies *replies)
{
    struct frame frame;
    struct responder_settings settings = asked_settings;
    settings.warnings = long_warning;
    frame_tcp(&frame, hosts, segment);
    ask(&settings, &frame, replies);
    for (size_t i = 0; i < replies->count; i++) {
        struct got got = read_reply(&replies->frames[i]);
        assert_int_equal(got.from_port, segment->to_port);
        assert_int_equal(got.to_port, segment->from_port);
    }
    return replies->count;
}

/* SYN, and what the responder chose as its first sequence number. */
static uint32_t
shake_hands(const struct hosts *hosts, uint16_t from_port, uint16_t to_port)
{
    struct replies replies;
    const struct segment syn = {from_port, to_port, CLIENT_ISN, 0, TCP_SYN, NULL};
    assert_int_equal(tell(hosts, &syn, &replies), 1);
    struct got got = read_reply(&replies.frames[0]);
    assert_int_equal(got.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(got.ack, CLIENT_ISN + 1);
    assert_int_equal(got.size, 0);
    const struct segment ack = {from_port, to_port, CLIENT_ISN + 1, got.seq + 1, TCP_ACK, NULL};
    assert_int_equal(tell(hosts, &ack, &replies), 0);
    return got.seq;
}

/* Puts the segments of an answer together; each begins where the one before it ended. */
static size_t
gather(const struct replies *replies, uint32_t from, uint32_t ack, char text[16384])
{
    size_t size = 0;
    assert_true(replies->count > 0);
    for (size_t i = 0; i < replies->count; i++) {
        struct got got = read_reply(&replies->frames[i]);
        bool is_last = i + 1 == replies->count;
        assert_int_equal(got.seq, from + (uint32_t)size);
        assert_int_equal(got.ack, ack);
        assert_int_equal(got.flags & ~8, is_last ? TCP_ACK | TCP_FIN : TCP_ACK);
        assert_true(replies->frames[i].size <= 14 + 1500);
        memcpy(text + size, got.data, got.size);
        size += got.size;
    }
    text[size] = '\0';
    return size;
}

/* The answer is one whole HTTP response: its length is what it says. */
static void
assert_http(const char *text, size_t size)
{
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    const char *length = strstr(text, "Content-Length: "), *body = strstr(text, "\r\n\r\n");
    assert_non_null(length);
    assert_non_null(body);
    assert_int_equal(strtoul(length + 16, NULL, 10), size - (size_t)(body + 4 - text));
    assert_non_null(strstr(text, "C-7"));
    assert_non_null(strstr(text, "Malware"));
}

static void
a_visit(const struct hosts *hosts, uint16_t port)
{
    char page[16384];
    struct replies replies;
    uint32_t isn = shake_hands(hosts, 40000, port);
    uint32_t seq = CLIENT_ISN + 1, size = (uint32_t)strlen(GET);
    const struct segment get = {40000, port, seq, isn + 1, TCP_ACK | 8, GET};
    tell(hosts, &get, &replies);
    size_t page_size = gather(&replies, isn + 1, seq + size, page);
    assert_http(page, page_size);
    /* our FIN counts one */
    uint32_t end = isn + 1 + (uint32_t)page_size + 1;
    const struct segment taken = {40000, port, seq + size, end, TCP_ACK, NULL};
    assert_int_equal(tell(hosts, &taken, &replies), 0);
    const struct segment fin = {40000, port, seq + size, end, TCP_ACK | TCP_FIN, NULL};
    assert_int_equal(tell(hosts, &fin, &replies), 1);
    struct got last = read_reply(&replies.frames[0]);
    assert_int_equal(last.flags, TCP_ACK);
    assert_int_equal(last.seq, end);
    assert_int_equal(last.ack, seq + size + 1);
}

static void
a_whole_visit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        a_visit(&families[i], 80);
        a_visit(&families[i], 8080);
    }
}

/* Equal for the same connection (it is kept nowhere), another for every other one and key. */
static void
sequence_numbers_depend_on_the_connection(void **state)
{
    (void)state;
    static const struct hosts other = {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.2",
                                       "198.51.100.7"};
    uint32_t isn = shake_hands(&families[0], 40000, 80);
    assert_int_equal(shake_hands(&families[0], 40000, 80), isn);
    assert_int_not_equal(shake_hands(&families[0], 40001, 80), isn);
    assert_int_not_equal(shake_hands(&families[0], 40000, 8080), isn);
    assert_int_not_equal(shake_hands(&other, 40000, 80), isn);
    struct responder_settings settings = asked_settings;
    settings.key[0] ^= 1;
    struct frame frame;
    struct replies replies;
    const struct segment syn = {40000, 80, CLIENT_ISN, 0, TCP_SYN, NULL};
    frame_tcp(&frame, &families[0], &syn);
    ask(&settings, &frame, &replies);
    assert_int_not_equal(read_reply(&replies.frames[0]).seq, isn);
}

static void
a_lost_segment_is_sent_again(void **state)
{
    (void)state;
    char whole[16384], rest[16384];
    struct replies replies;
    const struct hosts *hosts = &families[0];
    uint32_t isn = shake_hands(hosts, 40000, 80), ack = CLIENT_ISN + 1 + (uint32_t)strlen(GET);
    struct segment get = {40000, 80, CLIENT_ISN + 1, isn + 1, TCP_ACK, GET};
    tell(hosts, &get, &replies);
    size_t size = gather(&replies, isn + 1, ack, whole);
    assert_true(replies.count > 1); /* or there is nothing to lose */
    get.ack = isn + 1 + 1400;
    tell(hosts, &get, &replies);
    size_t rest_size = gather(&replies, get.ack, ack, rest);
    assert_int_equal(rest_size, size - 1400);
    assert_string_equal(rest, whole + 1400);
    /* everything but our FIN: only that is sent again */
    get.ack = isn + 1 + (uint32_t)size;
    tell(hosts, &get, &replies);
    assert_int_equal(gather(&replies, get.ack, ack, rest), 0);
}

static void
every_method_gets_the_page(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST /login HTTP/1.1\r\n\r\n",      "PUT /x HTTP/1.1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n\r\n",        "DELETE /x HTTP/1.1\r\n\r\n",
        "PATCH /x HTTP/1.1\r\n\r\n",         "CONNECT example.com:443 HTTP/1.1\r\n\r\n",
        "GET /generate_204 HTTP/1.1\r\n\r\n"};
    char page[16384];
    uint32_t isn = shake_hands(&families[0], 40000, 80);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct replies replies;
        const struct segment asked = {40000, 80, CLIENT_ISN + 1, isn + 1, TCP_ACK, requests[i]};
        tell(&families[0], &asked, &replies);
        uint32_t ack = CLIENT_ISN + 1 + (uint32_t)strlen(requests[i]);
        assert_http(page, gather(&replies, isn + 1, ack, page));
    }
    struct replies replies;
    const struct segment head = {40000, 80, CLIENT_ISN + 1, isn + 1, TCP_ACK, "HEAD / HTTP/1.1"};
    tell(&families[0], &head, &replies);
    size_t size = gather(&replies, isn + 1, CLIENT_ISN + 1 + 15, page);
    assert_string_equal(page + size - 4, "\r\n\r\n");
    assert_null(strstr(page, "<html"));
}

/* RFC 9293 3.10.7.1: a peer that waits for SYN-ACK takes RST only with the ACK of its SYN; one that
 * has sent an ACK takes RST only at exactly that number. */
static void
resets_are_valid(const struct hosts *hosts, uint16_t port)
{
    struct replies replies;
    const struct segment syn = {40000, port, CLIENT_ISN, 0, TCP_SYN, NULL};
    assert_int_equal(tell(hosts, &syn, &replies), 1);
    struct got got = read_reply(&replies.frames[0]);
    assert_int_equal(got.flags, TCP_RST | TCP_ACK);
    assert_int_equal(got.seq, 0);
    assert_int_equal(got.ack, CLIENT_ISN + 1);
    const struct segment data = {40000, port, CLIENT_ISN, 0x12345678, TCP_ACK | 8, "\x16\x03\x01"};
    assert_int_equal(tell(hosts, &data, &replies), 1);
    got = read_reply(&replies.frames[0]);
    assert_int_equal(got.flags, TCP_RST);
    assert_int_equal(got.seq, 0x12345678);
    const struct segment odd = {40000, port, CLIENT_ISN, 0, TCP_FIN, "four"};
    assert_int_equal(tell(hosts, &odd, &replies), 1);
    got = read_reply(&replies.frames[0]);
    assert_int_equal(got.flags, TCP_RST | TCP_ACK);
    assert_int_equal(got.ack, CLIENT_ISN + 5); /* round the corner */
    const struct segment reset = {40000, port, CLIENT_ISN, 0, TCP_RST, NULL};
    assert_int_equal(tell(hosts, &reset, &replies), 0); /* never to a reset */
}

static void
other_ports_are_refused(void **state)
{
    (void)state;
    static const uint16_t ports[] = {443, 22, 445, 8443, 1, 65535};
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        resets_are_valid(&families[0], ports[i]);
        resets_are_valid(&families[1], ports[i]);
    }
}

/* A connection from before the block, or something that is not HTTP. */
static void
strange_segments_on_the_web_port_are_refused(void **state)
{
    (void)state;
    const struct hosts *hosts = &families[0];
    uint32_t isn = shake_hands(hosts, 40000, 80);
    const struct segment strange[] = {
        {40000, 80, 7, isn + 0x10000000, TCP_ACK, GET},
        {40000, 80, 7, isn, TCP_ACK, GET}, /* acknowledges less than our SYN */
        {40000, 80, 7, isn + 1, TCP_ACK, "\x16\x03\x01"},
        {40000, 80, 7, isn + 1, TCP_ACK, "get / http/1.1"},
        {40000, 80, 7, 0x01020304, TCP_SYN | TCP_ACK, NULL},
        {40000, 80, 7, 0x01020304, TCP_FIN | TCP_ACK, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        struct replies replies;
        assert_int_equal(tell(hosts, &strange[i], &replies), 1);
        struct got got = read_reply(&replies.frames[0]);
        assert_int_equal(got.flags, TCP_RST);
        assert_int_equal(got.seq, strange[i].ack);
        assert_int_equal(got.size, 0);
    }
    struct replies replies;
    const struct segment bare = {40000, 80, 7, 0, 0, NULL}; /* no flag at all */
    assert_int_equal(tell(hosts, &bare, &replies), 1);
    assert_int_equal(read_reply(&replies.frames[0]).flags, TCP_RST | TCP_ACK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_visit),
        cmocka_unit_test(sequence_numbers_depend_on_the_connection),
        cmocka_unit_test(a_lost_segment_is_sent_again),
        cmocka_unit_test(every_method_gets_the_page),
        cmocka_unit_test(other_ports_are_refused),
        cmocka_unit_test(strange_segments_on_the_web_port_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
