/* What counts as the same frame, and what only resembles it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/duplicates.h"

#define NOW 1700000000000000LL

static int
setup(void **state)
{
    *state = duplicates_new();
    return 0;
}

static int
teardown(void **state)
{
    duplicates_free(*state);
    return 0;
}

static struct decoded
segment(struct frame *frame, uint16_t id, uint32_t seq, const char *text, uint16_t vlan,
        const char *mirror)
{
    frame_begin(frame, text, strlen(text));
    frame_tcp(frame, 1000, 80, seq, 5, TCP_ACK);
    frame_ip(frame, "10.0.0.1", "10.0.0.2", PROTOCOL_TCP, id);
    frame_type(frame, 0x0800);
    if (vlan) {
        frame_tag(frame, 0x8100, vlan);
    }
    frame_macs(frame, 1, 2);
    if (mirror) {
        frame_mirror(frame, mirror, 1, 1, 1);
    }
    return frame_decode(frame, NOW);
}

/* Mirrored at two switches, one of which shows the tag: the same frame. */
static void
test_same(void **state)
{
    struct frame frame;
    struct decoded packet = segment(&frame, 7, 100, "data", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
    assert_true(duplicates_check(*state, &packet));
    packet = segment(&frame, 7, 100, "data", 20, "192.0.2.1");
    packet.at_us = NOW + 3000;
    assert_true(duplicates_check(*state, &packet));
}

static void
test_window(void **state)
{
    struct frame frame;
    struct decoded packet = segment(&frame, 7, 100, "data", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
    packet.at_us = NOW + 2 * DUPLICATES_WINDOW_US;
    assert_false(duplicates_check(*state, &packet));
    packet.at_us += DUPLICATES_WINDOW_US / 2;
    assert_true(duplicates_check(*state, &packet));
}

/* The same bytes sent again are no copy: the IP id, the number or the payload tells. */
static void
test_alike(void **state)
{
    struct frame frame;
    struct decoded packet = segment(&frame, 7, 100, "data", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
    packet = segment(&frame, 8, 100, "data", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
    packet = segment(&frame, 7, 104, "data", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
    packet = segment(&frame, 7, 100, "dato", 0, NULL);
    assert_false(duplicates_check(*state, &packet));
}

/* Datagrams have no number, IPv6 has no id: only the contents tell, wherever they differ. */
static void
test_datagrams(void **state)
{
    struct frame frame;
    uint8_t payload[300] = {0};
    for (uint8_t i = 0; i < 3; i++) {
        payload[i == 1 ? 20 : 299] = i;
        frame_begin(&frame, payload, sizeof(payload));
        frame_udp(&frame, 5004, 5004);
        frame_ip(&frame, "2001:db8::1", "2001:db8::2", PROTOCOL_UDP, 0);
        frame_ethernet(&frame, 0x86dd);
        struct decoded packet = frame_decode(&frame, NOW);
        assert_false(duplicates_check(*state, &packet));
        assert_true(duplicates_check(*state, &packet));
    }
}

/* Echo requests with the id that Linux gives them, zero: their sequence number differs. */
static void
test_ping(void **state)
{
    struct frame frame;
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t echo[16] = {8, 0, 0, 0, 0, 1, 0, i};
        frame_begin(&frame, echo, sizeof(echo));
        frame_ip(&frame, "10.0.0.1", "10.0.0.2", PROTOCOL_ICMP, 0);
        frame_ethernet(&frame, 0x0800);
        struct decoded packet = frame_decode(&frame, NOW);
        assert_false(duplicates_check(*state, &packet));
    }
}

/* A hundred thousand different ones at once: none may pass for another's copy. */
static void
test_no_collision(void **state)
{
    struct frame frame;
    struct decoded packet = segment(&frame, 7, 100, "data", 0, NULL);
    for (uint32_t i = 0; i < 100000; i++) {
        packet.seq = i;
        assert_false(duplicates_check(*state, &packet));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(test_datagrams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_collision, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
