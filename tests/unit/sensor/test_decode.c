/* Every wrapping that a mirror may use, and every prefix of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"

#define FROM "10.1.2.3"
#define TO "10.1.2.4"
#define SWITCH "192.0.2.7"
#define TEXT "hello, world"

/* The packet that is inside of all that follows. */
static void
inner(struct frame *frame)
{
    frame_begin(frame, TEXT, strlen(TEXT));
    frame_tcp(frame, 40000, 445, 1000, 2000, TCP_ACK);
    frame_ip(frame, FROM, TO, PROTOCOL_TCP, 7);
    frame_ethernet(frame, 0x0800);
}

static void
assert_inner(const struct decoded *packet)
{
    struct ip from = ip_of(FROM), to = ip_of(TO);
    assert_true(ip_is_equal(&packet->src, &from));
    assert_true(ip_is_equal(&packet->dst, &to));
    assert_int_equal(packet->protocol, PROTOCOL_TCP);
    assert_int_equal(packet->src_port, 40000);
    assert_int_equal(packet->dst_port, 445);
    assert_int_equal(packet->seq, 1000);
    assert_int_equal(packet->ack, 2000);
    assert_int_equal(packet->flags, TCP_ACK);
    assert_int_equal(packet->size, strlen(TEXT));
    assert_memory_equal(packet->payload, TEXT, strlen(TEXT));
    assert_int_equal(packet->src_mac.b[5], 1);
    assert_int_equal(packet->dst_mac.b[5], 2);
    assert_false(packet->is_fragment);
}

/* No prefix reads beyond its end (the address sanitizer watches), none has the whole text, and what
 * is given out lies inside. */
static void
assert_prefixes(const struct frame *frame)
{
    for (size_t size = 0; size < frame_size(frame); size++) {
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, frame_bytes(frame), size);
        struct decoded packet = {.at_us = 5};
        bool is_broken;
        if (decode_frame(copy, size, &packet, &is_broken)) {
            assert_int_equal(packet.at_us, 5);
            assert_true(packet.size < strlen(TEXT) || packet.protocol != PROTOCOL_TCP);
            assert_true(packet.size == 0 ||
                        (packet.payload >= copy && packet.payload + packet.size <= copy + size));
        }
        free(copy);
    }
}

static void
test_plain(void **state)
{
    (void)state;
    struct frame frame;
    inner(&frame);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_int_equal(packet.vlan, 0);
    assert_int_equal(packet.wraps, 0);
    assert_true(ip_is_none(&packet.origin.switch_ip));
    assert_ptr_equal(packet.frame, frame_bytes(&frame));
    assert_int_equal(packet.frame_size, frame_size(&frame));
    assert_prefixes(&frame);
}

static void
test_tags(void **state)
{
    (void)state;
    static const uint16_t outer[] = {0x8100, 0x88a8, 0x9100};
    for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++) {
        struct frame frame;
        frame_begin(&frame, TEXT, strlen(TEXT));
        frame_tcp(&frame, 40000, 445, 1000, 2000, TCP_ACK);
        frame_ip(&frame, FROM, TO, PROTOCOL_TCP, 7);
        frame_type(&frame, 0x0800);
        frame_tag(&frame, 0x8100, 0x6000 | 30); /* with a priority */
        frame_tag(&frame, outer[i], 100);
        frame_macs(&frame, 1, 2);
        struct decoded packet = frame_decode(&frame, 1);
        assert_inner(&packet);
        assert_int_equal(packet.vlan, 30); /* the endpoint's own, not the provider's */
        assert_prefixes(&frame);
    }
}

static void
test_ipv6(void **state)
{
    (void)state;
    static const uint8_t options[8] = {PROTOCOL_UDP, 0}; /* hop by hop, one unit */
    struct frame frame;
    struct ip from = ip_of("2001:db8::1");
    frame_begin(&frame, TEXT, strlen(TEXT));
    frame_udp(&frame, 1234, 53);
    frame_put(&frame, options, sizeof(options));
    frame_ip(&frame, "2001:db8::1", "2001:db8::2", 0, 0);
    frame_ethernet(&frame, 0x86dd);
    struct decoded packet = frame_decode(&frame, 1);
    assert_true(ip_is_equal(&packet.src, &from));
    assert_int_equal(packet.protocol, PROTOCOL_UDP);
    assert_int_equal(packet.dst_port, 53);
    assert_int_equal(packet.size, strlen(TEXT));
}

/* Short frames are padded: the padding is no payload. */
static void
test_padding(void **state)
{
    (void)state;
    static const uint8_t padding[6];
    struct frame frame, padded;
    frame_segment(&frame, FROM, 1, TO, 2, 3, 4, TCP_ACK, "");
    frame_begin(&padded, padding, sizeof(padding));
    frame_put(&padded, frame_bytes(&frame), frame_size(&frame));
    assert_int_equal(frame_decode(&padded, 1).size, 0);
}

/* What segmentation offload leaves on a local mirror: a total length of zero. */
static void
test_super_frame(void **state)
{
    (void)state;
    struct frame frame;
    inner(&frame);
    memset(frame.room + frame.start + 16, 0, 2);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
}

static void
test_gre(void **state)
{
    (void)state;
    struct frame frame;
    inner(&frame);
    frame_gre(&frame, 0x6558, -1);
    frame_ip(&frame, SWITCH, "192.0.2.250", 47, 0);
    frame_ethernet(&frame, 0x0800);
    struct decoded packet = frame_decode(&frame, 1);
    struct ip from = ip_of(SWITCH);
    assert_inner(&packet);
    assert_int_equal(packet.wraps, 1);
    assert_true(ip_is_equal(&packet.origin.switch_ip, &from));
    assert_false(packet.origin.is_stamped);
    assert_prefixes(&frame);

    frame_begin(&frame, TEXT, strlen(TEXT));
    frame_tcp(&frame, 40000, 445, 1000, 2000, TCP_ACK);
    frame_ip(&frame, FROM, TO, PROTOCOL_TCP, 7);
    frame_put32(&frame, 99); /* key */
    frame_put32(&frame, 0);  /* checksum */
    frame_put16(&frame, 0x0800);
    frame_put16(&frame, 0xa000);
    frame_ip(&frame, "2001:db8::1", "2001:db8::2", 47, 0);
    frame_ethernet(&frame, 0x86dd);
    packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_prefixes(&frame);
}

static void
test_erspan1(void **state)
{
    (void)state;
    struct frame frame;
    struct ip from = ip_of(SWITCH);
    inner(&frame);
    frame_gre(&frame, 0x88be, -1);
    frame_ip(&frame, SWITCH, "192.0.2.250", 47, 0);
    frame_ethernet(&frame, 0x0800);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_true(ip_is_equal(&packet.origin.switch_ip, &from));
    assert_false(packet.origin.is_stamped);
    assert_prefixes(&frame);
}

static void
test_erspan2(void **state)
{
    (void)state;
    struct frame frame;
    struct ip from = ip_of(SWITCH);
    inner(&frame);
    frame_mirror(&frame, SWITCH, 513, ERSPAN_INDEX_EGRESS | 12, 77);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_true(ip_is_equal(&packet.origin.switch_ip, &from));
    assert_true(packet.origin.is_stamped);
    assert_int_equal(packet.origin.session, 513);
    assert_int_equal(packet.origin.port, 12);
    assert_true(packet.origin.is_egress);
    assert_int_equal(packet.mirror_sequence, 77);
    assert_prefixes(&frame);
}

static void
test_erspan3(void **state)
{
    (void)state;
    for (int has_more = 0; has_more < 2; has_more++) {
        struct frame frame;
        inner(&frame);
        frame_erspan3(&frame, 9, 5, has_more != 0);
        frame_ip(&frame, SWITCH, "192.0.2.250", 47, 0);
        frame_ethernet(&frame, 0x0800);
        struct decoded packet = frame_decode(&frame, 1);
        assert_inner(&packet);
        assert_int_equal(packet.origin.session, 9);
        assert_int_equal(packet.mirror_sequence, 5);
        assert_prefixes(&frame);
    }
}

static void
test_vxlan(void **state)
{
    (void)state;
    struct frame frame;
    inner(&frame);
    frame_vxlan(&frame, 4242);
    frame_ip(&frame, SWITCH, "192.0.2.250", PROTOCOL_UDP, 0);
    frame_ethernet(&frame, 0x0800);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_int_equal(packet.origin.session, 4242);
    assert_prefixes(&frame);
}

/* Another use of the port is no VXLAN: it stays the datagram that it is. */
static void
test_not_vxlan(void **state)
{
    (void)state;
    struct frame frame;
    static const uint8_t other[64] = {0x12, 0x34};
    frame_begin(&frame, other, sizeof(other));
    frame_udp(&frame, 5, 4789);
    frame_ip(&frame, FROM, TO, PROTOCOL_UDP, 0);
    frame_ethernet(&frame, 0x0800);
    struct decoded packet = frame_decode(&frame, 1);
    assert_int_equal(packet.dst_port, 4789);
    assert_int_equal(packet.size, sizeof(other));
    assert_int_equal(packet.wraps, 0);
}

/* Only the outermost wrapping can be the mirror's: an endpoint's own tunnel does not change the
 * origin. */
static void
test_nested(void **state)
{
    (void)state;
    struct frame frame;
    struct ip from = ip_of(SWITCH);
    inner(&frame);
    frame_mirror(&frame, "10.66.66.66", 99, 3, 1); /* forged by an endpoint */
    frame_mirror(&frame, SWITCH, 5, 12, 2);
    struct decoded packet = frame_decode(&frame, 1);
    assert_inner(&packet);
    assert_int_equal(packet.wraps, 2);
    assert_true(ip_is_equal(&packet.origin.switch_ip, &from));
    assert_int_equal(packet.origin.session, 5);
    assert_int_equal(packet.origin.port, 12);
    assert_int_equal(packet.mirror_sequence, 2);
    assert_prefixes(&frame);
}

static void
test_too_deep(void **state)
{
    (void)state;
    struct frame frame;
    inner(&frame);
    for (uint16_t i = 0; i < DECODE_DEPTH_MAX; i++) {
        frame_mirror(&frame, SWITCH, i, 1, i);
    }
    struct decoded packet = {.at_us = 1};
    bool is_broken;
    assert_false(decode_frame(frame_bytes(&frame), frame_size(&frame), &packet, &is_broken));
}

/* IP in IP, all four ways. */
static void
test_ip_in_ip(void **state)
{
    (void)state;
    static const char *const ends[2][2] = {{"198.51.100.1", "198.51.100.2"},
                                           {"2001:db8::1", "2001:db8::2"}};
    for (int outer = 0; outer < 2; outer++) {
        for (int inside = 0; inside < 2; inside++) {
            struct frame frame;
            struct ip from = ip_of(ends[inside][0]);
            frame_begin(&frame, TEXT, strlen(TEXT));
            frame_udp(&frame, 7, 9);
            frame_ip(&frame, ends[inside][0], ends[inside][1], PROTOCOL_UDP, 0);
            frame_ip(&frame, ends[outer][0], ends[outer][1], inside ? 41 : 4, 0);
            frame_ethernet(&frame, outer ? 0x86dd : 0x0800);
            struct decoded packet = frame_decode(&frame, 1);
            assert_int_equal(packet.dst_port, 9);
            assert_true(ip_is_equal(&packet.src, &from));
            assert_true(ip_is_none(&packet.origin.switch_ip));
        }
    }
}

static void
test_arp(void **state)
{
    (void)state;
    static const uint8_t arp[28] = {0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 1,
                                    10, 0, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2};
    struct frame frame;
    struct ip from = ip_of("10.0.0.1"), to = ip_of("10.0.0.2");
    frame_begin(&frame, arp, sizeof(arp));
    frame_ethernet(&frame, 0x0806);
    struct decoded packet = frame_decode(&frame, 1);
    assert_true(packet.is_arp);
    assert_int_equal(packet.arp_op, 2);
    assert_true(ip_is_equal(&packet.src, &from));
    assert_true(ip_is_equal(&packet.dst, &to));
    assert_prefixes(&frame);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),       cmocka_unit_test(test_tags),
        cmocka_unit_test(test_ipv6),        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_gre),         cmocka_unit_test(test_erspan1),
        cmocka_unit_test(test_erspan2),     cmocka_unit_test(test_erspan3),
        cmocka_unit_test(test_vxlan),       cmocka_unit_test(test_not_vxlan),
        cmocka_unit_test(test_nested),      cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_ip_in_ip),    cmocka_unit_test(test_arp),
        cmocka_unit_test(test_super_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
