/* Fragments in any order, overlapping, missing; memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/fragments.h"

#define SIZE 3000

struct fixture {
    struct fragments *fragments;
    uint8_t datagram[SIZE]; /* UDP header and payload */
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct frame frame;
    uint8_t payload[SIZE - 8];
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i * 7 + i / 256);
    }
    frame_begin(&frame, payload, sizeof(payload));
    frame_udp(&frame, 1111, 53);
    memcpy(fixture.datagram, frame_bytes(&frame), SIZE);
    fixture.fragments = fragments_new();
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    fragments_free(f->fragments);
    return 0;
}

static struct decoded
piece(const struct frame *frame, int64_t at_us)
{
    struct decoded packet = frame_decode(frame, at_us);
    assert_true(packet.is_fragment);
    return packet;
}

/* One fragment of the datagram with that id; true: it is whole now, as '*packet'. */
static bool
add(struct fixture *f, struct frame *frame, uint16_t id, uint16_t offset, uint16_t size,
    int64_t at_us, struct decoded *packet)
{
    frame_begin(frame, f->datagram + offset, size);
    frame_fragment(frame, "10.0.0.1", "10.0.0.2", PROTOCOL_UDP, id, offset, offset + size < SIZE);
    frame_ethernet(frame, 0x0800);
    *packet = piece(frame, at_us);
    return fragments_add(f->fragments, packet);
}

static void
assert_whole(const struct fixture *f, const struct decoded *packet)
{
    assert_false(packet->is_fragment);
    assert_int_equal(packet->src_port, 1111);
    assert_int_equal(packet->dst_port, 53);
    assert_int_equal(packet->size, SIZE - 8);
    assert_memory_equal(packet->payload, f->datagram + 8, SIZE - 8);
}

static void
test_orders(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const uint16_t offsets[3] = {0, 1000, 2000};
    struct fixture *f = *state;
    for (uint16_t i = 0; i < 6; i++) {
        struct frame frame;
        struct decoded packet;
        assert_false(add(f, &frame, i, offsets[orders[i][0]], 1000, 1, &packet));
        assert_false(add(f, &frame, i, offsets[orders[i][1]], 1000, 2, &packet));
        assert_true(add(f, &frame, i, offsets[orders[i][2]], 1000, 3, &packet));
        assert_whole(f, &packet);
    }
}

/* Two datagrams at the same time do not mix, nor do repeated fragments count twice. */
static void
test_two_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct decoded packet;
    assert_false(add(f, &frame, 1, 0, 2000, 1, &packet));
    assert_false(add(f, &frame, 2, 2000, 1000, 1, &packet));
    assert_false(add(f, &frame, 1, 0, 2000, 1, &packet));
    assert_true(add(f, &frame, 1, 2000, 1000, 1, &packet));
    assert_whole(f, &packet);
    assert_true(add(f, &frame, 2, 0, 2000, 1, &packet));
    assert_whole(f, &packet);
}

/* The first bytes of a place win: what comes later over them changes nothing. */
static void
test_overlap(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct decoded packet;
    uint8_t other[1000];
    memset(other, 0xee, sizeof(other));
    assert_false(add(f, &frame, 1, 0, 1000, 1, &packet));
    frame_begin(&frame, other, sizeof(other));
    frame_fragment(&frame, "10.0.0.1", "10.0.0.2", PROTOCOL_UDP, 1, 504, true);
    frame_ethernet(&frame, 0x0800);
    packet = piece(&frame, 1);
    assert_false(fragments_add(f->fragments, &packet));
    assert_true(add(f, &frame, 1, 1000, 2000, 1, &packet));
    assert_int_equal(packet.size, SIZE - 8);
    assert_memory_equal(packet.payload, f->datagram + 8, 992); /* ours, not theirs */
    assert_memory_equal(packet.payload + 992, other, 504);     /* theirs came first */
    assert_memory_equal(packet.payload + 1496, f->datagram + 1504, 1496);
}

static void
test_too_old(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct decoded packet;
    assert_false(add(f, &frame, 1, 0, 2000, 1, &packet));
    assert_false(add(f, &frame, 1, 2000, 1000, 1 + FRAGMENTS_LIFE_US, &packet));
}

static void
test_bounded(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct decoded packet;
    for (uint16_t i = 0; i < FRAGMENTS_DATAGRAMS + 1; i++) {
        assert_false(add(f, &frame, i, 0, 1000, i, &packet));
    }
    assert_int_equal(fragments_dropped(f->fragments), 1);
    /* the oldest went, the next oldest is still there */
    assert_false(add(f, &frame, 1, 1000, 1000, 1000, &packet));
    assert_true(add(f, &frame, 1, 2000, 1000, 1000, &packet));
    assert_whole(f, &packet);
}

/* Beyond 64 KiB, empty, or not a multiple of eight: refused and counted. */
static void
test_refused(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct decoded packet;
    static const struct {
        uint16_t offset, size;
        bool more;
    } cases[] = {{65528, 100, false}, {0, 0, true}, {8, 999, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        frame_begin(&frame, f->datagram, cases[i].size);
        frame_fragment(&frame, "10.0.0.1", "10.0.0.2", PROTOCOL_UDP, 9, cases[i].offset,
                       cases[i].more);
        frame_ethernet(&frame, 0x0800);
        packet = piece(&frame, 1);
        assert_false(fragments_add(f->fragments, &packet));
        assert_int_equal(fragments_dropped(f->fragments), i + 1);
    }
}

static void
test_ipv6(void **state)
{
    struct fixture *f = *state;
    struct decoded packet = {.at_us = 0};
    for (int i = 0; i < 2; i++) {
        struct frame frame;
        uint16_t offset = i ? 1504 : 0, size = i ? SIZE - 1504 : 1504;
        const uint8_t head[8] = {
            PROTOCOL_UDP, 0, (uint8_t)(offset >> 8), (uint8_t)(offset | (i == 0)), 1, 2, 3, 4};
        frame_begin(&frame, f->datagram + offset, size);
        frame_put(&frame, head, sizeof(head));
        frame_ip(&frame, "2001:db8::1", "2001:db8::2", 44, 0);
        frame_ethernet(&frame, 0x86dd);
        packet = piece(&frame, 1);
        assert_int_equal(packet.ip_id, 0x01020304);
        assert_int_equal(fragments_add(f->fragments, &packet), i);
    }
    assert_whole(f, &packet);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overlap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
