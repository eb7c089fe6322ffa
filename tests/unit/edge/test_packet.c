/* Frames read once: every kind, what is refused, every prefix, and the Internet checksum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edge/packet.h"
#include "frames.h"

static const struct hosts v4 = {"02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1",
                                "198.51.100.7"};
static const struct hosts v6 = {"02:00:00:00:00:01", "02:00:00:00:00:02", "2001:db8::1",
                                "2001:db8:1::7"};

static void
assert_ip(const struct ip *ip, const char *text)
{
    struct ip expected = ip_of_text(text);
    assert_memory_equal(ip, &expected, sizeof(expected));
}

/* Parsed from memory of exactly that size, so that a sanitizer sees a byte too far. */
static bool
parse_exact(const uint8_t *bytes, size_t size, struct packet *packet)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    bool is_parsed = packet_parse(copy, size, packet);
    if (is_parsed && packet->ip_head) {
        assert_true(packet->ip_head >= copy && packet->ip_head + packet->ip_size <= copy + size);
    }
    free(copy);
    return is_parsed;
}

/* No prefix shorter than 'least' is taken for whole; returns nothing, fails the test. */
static void
try_prefixes(const struct frame *frame, size_t least)
{
    struct packet packet;
    for (size_t size = 0; size < frame->size; size++) {
        bool is_parsed = parse_exact(frame->b, size, &packet);
        assert_false(is_parsed && size < least);
    }
    assert_true(parse_exact(frame->b, frame->size, &packet));
}

static void
arp_is_read(void **state)
{
    (void)state;
    struct frame frame;
    struct packet packet;
    frame_hex(&frame, "ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
                      "020000000001 c0000201 000000000000 c00002fe");
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_ARP);
    assert_int_equal(packet.arp_op, 1);
    assert_ip(&packet.src, "192.0.2.1");
    assert_ip(&packet.dst, "192.0.2.254");
    assert_true(mac_is_equal(&packet.arp_sender, &packet.src_mac));
    assert_null(packet.ip_head);
    try_prefixes(&frame, frame.size);
}

static void
strange_arp_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{15, 6}, {16, 0x86}, {18, 8}, {19, 16}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct frame frame;
        struct packet packet;
        frame_arp(&frame, &v4, 1);
        frame.b[wrong[i].at] = wrong[i].value;
        assert_false(packet_parse(frame.b, frame.size, &packet));
    }
}

static void
udp_is_read(const struct hosts *hosts)
{
    struct frame frame;
    struct packet packet;
    frame_udp(&frame, hosts, 5353, 53, "query", 5);
    size_t whole = frame.size;
    frame_put(&frame, "\0\0\0\0", 4); /* padding of a short frame is not data */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_UDP);
    assert_ip(&packet.src, hosts->from);
    assert_ip(&packet.dst, hosts->to);
    assert_int_equal(packet.src_port, 5353);
    assert_int_equal(packet.dst_port, 53);
    assert_int_equal(cur_left(&packet.payload), 5);
    assert_memory_equal(packet.payload.pos, "query", 5);
    assert_ptr_equal(packet.ip_head, frame.b + 14);
    assert_int_equal(packet.ip_size, whole - 14);
    try_prefixes(&frame, whole);
}

static void
udp_of_both_families(void **state)
{
    (void)state;
    udp_is_read(&v4);
    udp_is_read(&v6);
}

static void
tcp_is_read(const struct hosts *hosts)
{
    struct frame frame;
    struct packet packet;
    const struct segment segment = {40000, 443, 0x01020304, 0x0a0b0c0d, TCP_SYN | TCP_ACK, "data"};
    frame_tcp(&frame, hosts, &segment);
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_TCP);
    assert_int_equal(packet.src_port, 40000);
    assert_int_equal(packet.dst_port, 443);
    assert_int_equal(packet.seq, 0x01020304);
    assert_int_equal(packet.ack, 0x0a0b0c0d);
    assert_int_equal(packet.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(packet.window, 29200);
    assert_int_equal(cur_left(&packet.payload), 4);
    try_prefixes(&frame, frame.size);
    size_t offset = frame.size - 4 - 20 + 12;
    frame.b[offset] = 0x60; /* one word of options: it is the data now */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(cur_left(&packet.payload), 0);
    frame.b[offset] = 0x40; /* a head that is shorter than a head */
    assert_false(packet_parse(frame.b, frame.size, &packet));
    frame.b[offset] = 0xf0; /* options that are not there */
    assert_false(packet_parse(frame.b, frame.size, &packet));
}

static void
tcp_of_both_families(void **state)
{
    (void)state;
    tcp_is_read(&v4);
    tcp_is_read(&v6);
}

static void
nd_is_read(void **state)
{
    (void)state;
    struct frame frame;
    struct packet packet;
    frame_nd(&frame, &v6, ND_NEIGHBOUR_SOLICIT, "2001:db8::9");
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_ND);
    assert_int_equal(packet.nd_type, ND_NEIGHBOUR_SOLICIT);
    assert_int_equal(packet.hop_limit, 255);
    assert_int_equal(cur_left(&packet.payload), 20);
    try_prefixes(&frame, frame.size);
    frame.b[21] = 254; /* came through a router */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    frame.b[21] = 255;
    frame.b[54] = 128; /* an echo request */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    frame.b[54] = ND_NEIGHBOUR_SOLICIT;
    frame.b[55] = 1; /* a code that ND does not have */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
}

/* A tag that is still there was not the datapath's to strip: nothing behind it is believed. */
static void
tagged_frames_are_other(void **state)
{
    (void)state;
    static const uint8_t tags[] = {0x81, 0x00, 0x00, 0x05}, outer[] = {0x88, 0xa8, 0x00, 0x09};
    struct frame inside, frame;
    struct packet packet;
    frame_udp(&inside, &v4, 5353, 53, "query", 5);
    frame.size = 0;
    frame_put(&frame, inside.b, 12);
    frame_put(&frame, tags, 4);
    frame_put(&frame, inside.b + 12, inside.size - 12);
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    frame.size = 12;
    frame_put(&frame, outer, 4);
    frame_put(&frame, tags, 4);
    frame_put(&frame, inside.b + 12, inside.size - 12);
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    assert_null(packet.ip_head);
    try_prefixes(&frame, 14);
}

static void
ipv4_head_with_options(void **state)
{
    (void)state;
    struct frame plain, frame;
    struct packet packet;
    frame_udp(&plain, &v4, 1000, 53, "q", 1);
    frame.size = 0;
    frame_put(&frame, plain.b, 34);
    frame_put32(&frame, 0x94040000); /* router alert */
    frame_put(&frame, plain.b + 34, plain.size - 34);
    frame.b[14] = 0x46;
    frame.b[17] = (uint8_t)(plain.b[17] + 4);
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_UDP);
    assert_int_equal(packet.dst_port, 53);
    try_prefixes(&frame, frame.size);
    frame.b[14] = 0x4f; /* longer than the datagram */
    assert_false(packet_parse(frame.b, frame.size, &packet));
    frame.b[14] = 0x44; /* shorter than a head */
    assert_false(packet_parse(frame.b, frame.size, &packet));
    frame.b[14] = 0x66; /* the other family's version */
    assert_false(packet_parse(frame.b, frame.size, &packet));
}

static void
fragments_have_no_ports(void **state)
{
    (void)state;
    static const uint8_t flags[][2] = {{0x20, 0}, {0x00, 1}, {0x1f, 0xff}};
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        struct frame frame;
        struct packet packet;
        frame_udp(&frame, &v4, 1000, 53, "q", 1);
        memcpy(frame.b + 20, flags[i], 2);
        assert_true(packet_parse(frame.b, frame.size, &packet));
        assert_int_equal(packet.kind, PACKET_OTHER);
        assert_int_equal(packet.dst_port, 0);
    }
}

/* IPv6 with 'count' extension heads of type 'first' before UDP. */
static void
extended(struct frame *frame, uint8_t first, unsigned count)
{
    struct frame body = {.size = 0}, udp;
    for (unsigned i = 0; i < count; i++) {
        frame_put16(&body, (i + 1 < count ? (unsigned)first : 17u) << 8);
        frame_put16(&body, 0x0104);
        frame_put32(&body, 0);
    }
    frame_udp(&udp, &v6, 1000, 53, "q", 1);
    frame_put(&body, udp.b + 54, udp.size - 54);
    frame_ip(frame, &v6, first, body.b, body.size);
}

static void
extension_heads_are_stepped_over(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0, 43, 60};
    struct frame frame;
    struct packet packet;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        extended(&frame, kinds[i], 2);
        assert_true(packet_parse(frame.b, frame.size, &packet));
        assert_int_equal(packet.kind, PACKET_UDP);
        assert_int_equal(packet.dst_port, 53);
        try_prefixes(&frame, frame.size);
    }
    extended(&frame, 44, 1); /* a fragment */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    extended(&frame, 60, 100); /* more than anybody needs */
    assert_true(packet_parse(frame.b, frame.size, &packet));
    assert_int_equal(packet.kind, PACKET_OTHER);
    extended(&frame, 60, 1);
    frame.b[55] = 200; /* longer than the datagram */
    assert_false(packet_parse(frame.b, frame.size, &packet));
}

/* ::ffff:0:0/96 never appears on a wire (RFC 4213 3.2): inside, it would pass for IPv4. */
static void
mapped_addresses_are_refused(void **state)
{
    (void)state;
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 1};
    struct frame frame;
    struct packet packet;
    frame_udp(&frame, &v6, 1000, 443, "q", 1);
    memcpy(frame.b + 22, mapped, 16);
    assert_false(packet_parse(frame.b, frame.size, &packet));
    frame_udp(&frame, &v6, 1000, 443, "q", 1);
    memcpy(frame.b + 38, mapped, 16);
    assert_false(packet_parse(frame.b, frame.size, &packet));
}

static void
udp_lengths_are_checked(void **state)
{
    (void)state;
    static const uint8_t wrong[] = {0, 7, 200};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct frame frame;
        struct packet packet;
        frame_udp(&frame, &v4, 1000, 53, "q", 1);
        frame.b[39] = wrong[i];
        assert_false(packet_parse(frame.b, frame.size, &packet));
    }
}

static void
checksums_are_those_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(packet_sum(rfc1071, sizeof(rfc1071)), (uint16_t)~0xddf2);
    assert_int_equal(packet_sum(rfc1071, 0), 0xffff);
}

static void
odd_checksum(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x01, 0x02, 0x03};
    assert_int_equal(packet_sum(bytes, 3), (uint16_t)~0x0402);
}

/* Known good UDP datagrams: a receiver's sum over everything comes to zero. */
static void
pseudo_heads_of_both_families(void **state)
{
    (void)state;
    const struct hosts *const families[] = {&v4, &v6};
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        struct frame frame;
        struct ip from = ip_of_text(families[i]->from), to = ip_of_text(families[i]->to);
        frame_udp(&frame, families[i], 1000, 53, "odd", 3);
        uint8_t *udp = frame.b + (i == 0 ? 34 : 54);
        uint16_t sum = packet_checksum(&from, &to, 17, udp, 11);
        assert_false(frame_sums_hold(frame.b, frame.size));
        udp[6] = (uint8_t)(sum >> 8);
        udp[7] = (uint8_t)sum;
        assert_true(frame_sums_hold(frame.b, frame.size));
        assert_int_equal(packet_checksum(&from, &to, 17, udp, 11), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arp_is_read),
        cmocka_unit_test(strange_arp_is_refused),
        cmocka_unit_test(udp_of_both_families),
        cmocka_unit_test(tcp_of_both_families),
        cmocka_unit_test(nd_is_read),
        cmocka_unit_test(tagged_frames_are_other),
        cmocka_unit_test(ipv4_head_with_options),
        cmocka_unit_test(fragments_have_no_ports),
        cmocka_unit_test(extension_heads_are_stepped_over),
        cmocka_unit_test(mapped_addresses_are_refused),
        cmocka_unit_test(udp_lengths_are_checked),
        cmocka_unit_test(checksums_are_those_of_the_rfc),
        cmocka_unit_test(odd_checksum),
        cmocka_unit_test(pseudo_heads_of_both_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
