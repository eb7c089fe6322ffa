/* The responder's ARP, neighbour discovery and UDP, and whom it never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "edge/packet.h"
#include "replies.h"

#define CLIENT_MAC "02:00:00:00:00:01"

static const struct hosts v4 = {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "198.51.100.7"};
static const struct hosts v6 = {CLIENT_MAC, "02:00:00:00:00:02", "2001:db8::1", "2001:db8:1::7"};

static void
arp_is_answered(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *mac;
    } known[] = {{"192.0.2.77", SINK_MAC}, {"192.0.2.254", SINK_MAC}};
    struct frame frame, expected;
    struct replies replies;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct hosts hosts = {CLIENT_MAC, "ff:ff:ff:ff:ff:ff", "192.0.2.1", known[i].asked};
        const struct hosts turned = {known[i].mac, CLIENT_MAC, known[i].asked, "192.0.2.1"};
        struct mac client = mac_of_text(CLIENT_MAC);
        frame_arp(&frame, &hosts, 1);
        ask(&asked_settings, &frame, &replies);
        assert_int_equal(replies.count, 1);
        assert_false(replies.is_forward[0]);
        frame_arp(&expected, &turned, 2);
        memcpy(expected.b + 32, client.b, 6); /* a reply names its target's MAC */
        assert_int_equal(replies.frames[0].size, expected.size);
        assert_memory_equal(replies.frames[0].b, expected.b, expected.size);
    }
}

/* Or the endpoint would give up its own address (RFC 5227). */
static void
probes_and_announcements_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        unsigned op;
    } silent[] = {
        {"0.0.0.0", "192.0.2.1", 1},   {"192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1", "192.0.2.9", 2}, {"224.0.0.1", "192.0.2.9", 1},
        {"192.0.2.1", "224.0.0.1", 1}, {"192.0.2.1", "255.255.255.255", 1},
        {"192.0.2.1", "0.0.0.0", 1},
    };
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        struct frame frame;
        struct replies replies;
        struct hosts hosts = {CLIENT_MAC, "ff:ff:ff:ff:ff:ff", silent[i].from, silent[i].to};
        frame_arp(&frame, &hosts, silent[i].op);
        ask(&asked_settings, &frame, &replies);
        assert_int_equal(replies.count, 0);
    }
}

static void
solicitations_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *mac;
    } known[] = {{"2001:db8::77", SINK_MAC}, {"fe80::fe", SINK_MAC}};
    struct frame frame;
    struct replies replies;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const struct hosts hosts = {CLIENT_MAC, "33:33:ff:00:00:77", "2001:db8::1",
                                    "ff02::1:ff00:77"};
        struct mac mac = mac_of_text(known[i].mac), client = mac_of_text(CLIENT_MAC);
        struct ip asked = ip_of_text(known[i].asked), to = ip_of_text("2001:db8::1");
        frame_nd(&frame, &hosts, ND_NEIGHBOUR_SOLICIT, known[i].asked);
        ask(&asked_settings, &frame, &replies);
        assert_int_equal(replies.count, 1);
        const uint8_t *reply = replies.frames[0].b;
        assert_memory_equal(reply, client.b, 6);
        assert_memory_equal(reply + 6, mac.b, 6);
        assert_int_equal(reply[21], 255); /* hop limit */
        assert_memory_equal(reply + 22, asked.b, 16);
        assert_memory_equal(reply + 38, to.b, 16);
        assert_int_equal(reply[54], ND_NEIGHBOUR_ADVERT);
        assert_int_equal(reply[58], 0x60); /* solicited, override, no router */
        assert_memory_equal(reply + 62, asked.b, 16);
        assert_int_equal(be16_at(reply + 78), 0x0201);
        assert_memory_equal(reply + 80, mac.b, 6);
        assert_int_equal(replies.frames[0].size, 86);
    }
}

static void
other_nd_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *from, *target;
    } silent[] = {
        {ND_NEIGHBOUR_SOLICIT, "::", "2001:db8::9"}, /* duplicate address detection */
        {ND_NEIGHBOUR_SOLICIT, "2001:db8::1", "2001:db8::1"},
        {ND_NEIGHBOUR_SOLICIT, "2001:db8::1", "ff02::1"},
        {ND_NEIGHBOUR_SOLICIT, "2001:db8::1", "::"},
        {ND_NEIGHBOUR_SOLICIT, "2001:db8::1", "192.0.2.9"}, /* mapped */
        {ND_NEIGHBOUR_SOLICIT, "ff02::1", "2001:db8::9"},
        {ND_NEIGHBOUR_ADVERT, "2001:db8::1", "2001:db8::9"},
        {ND_ROUTER_SOLICIT, "2001:db8::1", "2001:db8::9"},
        {ND_ROUTER_ADVERT, "2001:db8::1", "2001:db8::9"},
    };
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        struct frame frame;
        struct replies replies;
        struct hosts hosts = {CLIENT_MAC, "33:33:ff:00:00:09", silent[i].from, "ff02::1:ff00:9"};
        frame_nd(&frame, &hosts, silent[i].type, silent[i].target);
        ask(&asked_settings, &frame, &replies);
        assert_int_equal(replies.count, 0);
    }
}

static void
quic_is_unreachable(void **state)
{
    (void)state;
    uint8_t data[1200] = {0xc0};
    struct frame frame;
    struct replies replies;
    frame_udp(&frame, &v4, 50000, 443, data, 40);
    ask(&asked_settings, &frame, &replies);
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.frames[0].b[23], 1);
    assert_int_equal(be16_at(replies.frames[0].b + 34), 0x0303);
    /* the whole datagram comes back: the sender finds its socket by it */
    assert_int_equal(replies.frames[0].size, 14 + 20 + 8 + 68);
    assert_memory_equal(replies.frames[0].b + 42, frame.b + 14, 68);
    frame_udp(&frame, &v6, 50000, 443, data, sizeof(data));
    ask(&asked_settings, &frame, &replies);
    assert_int_equal(replies.count, 1);
    assert_int_equal(replies.frames[0].b[20], 58);
    assert_int_equal(be16_at(replies.frames[0].b + 54), 0x0104);
    assert_true(replies.frames[0].size <= 14 + 1280); /* RFC 4443 2.4 c */
    assert_memory_equal(replies.frames[0].b + 62, frame.b + 14, replies.frames[0].size - 62);
}

static void
other_udp_is_left_alone(void **state)
{
    (void)state;
    static const uint16_t ports[] = {0, 67, 123, 442, 444, 5353, 65535};
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        struct frame frame;
        struct replies replies;
        frame_udp(&frame, &v4, 443, ports[i], "data", 4);
        ask(&asked_settings, &frame, &replies);
        assert_int_equal(replies.count, 0);
    }
}

/* TCP, DNS and QUIC between these hosts: no answer at all. */
static void
assert_silence(const struct hosts *hosts)
{
    const struct segment syn = {40000, 80, 1, 0, TCP_SYN, NULL};
    uint8_t message[512];
    size_t size = dns_question(message, 7, "www.example.com", 1);
    struct frame frames[3];
    frame_tcp(&frames[0], hosts, &syn);
    frame_udp(&frames[1], hosts, 40000, 53, message, size);
    frame_udp(&frames[2], hosts, 40000, 443, "quic", 4);
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        struct replies replies;
        ask(&asked_settings, &frames[i], &replies);
        assert_int_equal(replies.count, 0);
    }
}

static void
groups_and_nobody_get_no_answer(void **state)
{
    (void)state;
    static const struct hosts silent[] = {
        {CLIENT_MAC, "ff:ff:ff:ff:ff:ff", "192.0.2.1", "192.0.2.255"},
        {CLIENT_MAC, "01:00:5e:00:00:fb", "192.0.2.1", "224.0.0.251"},
        {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "224.0.0.251"},
        {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "255.255.255.255"},
        {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "0.0.0.0"},
        {CLIENT_MAC, "02:00:00:00:00:02", "0.0.0.0", "198.51.100.7"},
        {CLIENT_MAC, "02:00:00:00:00:02", "224.0.0.1", "198.51.100.7"},
        {CLIENT_MAC, "02:00:00:00:00:02", "255.255.255.255", "198.51.100.7"},
        {"03:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1", "198.51.100.7"},
        {CLIENT_MAC, "33:33:00:00:00:fb", "2001:db8::1", "ff02::fb"},
        {CLIENT_MAC, "02:00:00:00:00:02", "2001:db8::1", "ff02::fb"},
        {CLIENT_MAC, "02:00:00:00:00:02", "::", "2001:db8:1::7"},
        {CLIENT_MAC, "02:00:00:00:00:02", "ff02::1", "2001:db8:1::7"},
        {CLIENT_MAC, "02:00:00:00:00:02", "2001:db8::1", "::"},
        {"03:00:00:00:00:01", "02:00:00:00:00:02", "2001:db8::1", "2001:db8:1::7"},
    };
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        assert_silence(&silent[i]);
    }
    struct frame frame;
    struct replies replies;
    const struct hosts group = {"ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", "192.0.2.1", "192.0.2.9"};
    frame_arp(&frame, &group, 1);
    ask(&asked_settings, &frame, &replies);
    assert_int_equal(replies.count, 0);
}

static void
corrections_name_the_true_mac(void **state)
{
    (void)state;
    uint8_t frame[RESPONDER_FRAME_MAX];
    struct mac to = mac_of_text(CLIENT_MAC), mac = mac_of_text(KNOWN_MAC);
    struct ip to_ip = ip_of_text("192.0.2.1"), ip = ip_of_text("192.0.2.77");
    assert_int_equal(responder_correct(&to, &to_ip, &ip, &mac, frame), 42);
    assert_memory_equal(frame, to.b, 6);
    assert_int_equal(be16_at(frame + 20), 1); /* an announcement */
    assert_memory_equal(frame + 22, mac.b, 6);
    assert_memory_equal(frame + 28, ip.b + 12, 4);
    assert_memory_equal(frame + 38, ip.b + 12, 4);
    to_ip = ip_of_text("2001:db8::1");
    ip = ip_of_text("2001:db8::77");
    size_t size = responder_correct(&to, &to_ip, &ip, &mac, frame);
    assert_true(frame_sums_hold(frame, size));
    assert_int_equal(frame[54], ND_NEIGHBOUR_ADVERT);
    assert_int_equal(frame[58], 0x20); /* unsolicited, override */
    assert_memory_equal(frame + 62, ip.b, 16);
    assert_memory_equal(frame + 80, mac.b, 6);
}

static void
probes_ask_everybody_and_claim_nothing(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    uint8_t frame[RESPONDER_FRAME_MAX];
    struct mac own = mac_of_text("02:00:00:00:00:99");
    struct ip ip = ip_of_text("192.0.2.77");
    assert_int_equal(responder_probe(&own, &ip, frame), 42);
    assert_int_equal(frame[0], 0xff);
    assert_int_equal(be16_at(frame + 20), 1);
    assert_memory_equal(frame + 28, zero, 10); /* no sender address, no target MAC */
    assert_memory_equal(frame + 38, ip.b + 12, 4);
    ip = ip_of_text("2001:db8::77");
    size_t size = responder_probe(&own, &ip, frame);
    assert_true(frame_sums_hold(frame, size));
    assert_int_equal(be16_at(frame), 0x3333);
    assert_memory_equal(frame + 22, zero, 16);
    assert_int_equal(frame[54], ND_NEIGHBOUR_SOLICIT);
    assert_memory_equal(frame + 62, ip.b, 16);
}

static void
every_prefix(void **state)
{
    (void)state;
    const struct hosts arp = {CLIENT_MAC, "ff:ff:ff:ff:ff:ff", "192.0.2.1", "192.0.2.254"};
    const struct segment get = {40000, 80, 1, 1, TCP_ACK, "GET / HTTP/1.1\r\n\r\n"};
    uint8_t message[512];
    size_t size = dns_question(message, 7, "www.example.org", 28);
    struct frame frames[7];
    frame_arp(&frames[0], &arp, 1);
    frame_nd(&frames[1], &v6, ND_NEIGHBOUR_SOLICIT, "2001:db8::9");
    frame_udp(&frames[2], &v4, 40000, 53, message, size);
    frame_udp(&frames[3], &v6, 40000, 53, message, size);
    frame_udp(&frames[4], &v6, 40000, 443, "quic", 4);
    frame_tcp(&frames[5], &v4, &get);
    frame_tcp(&frames[6], &v6, &get);
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        struct replies replies;
        size_t whole = frames[i].size;
        for (frames[i].size = 0; frames[i].size < whole; frames[i].size++) {
            ask(&asked_settings, &frames[i], &replies);
            assert_int_equal(replies.count, 0);
        }
        ask(&asked_settings, &frames[i], &replies);
        assert_int_not_equal(replies.count, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arp_is_answered),
        cmocka_unit_test(probes_and_announcements_are_left_alone),
        cmocka_unit_test(solicitations_are_answered),
        cmocka_unit_test(other_nd_is_left_alone),
        cmocka_unit_test(quic_is_unreachable),
        cmocka_unit_test(other_udp_is_left_alone),
        cmocka_unit_test(groups_and_nobody_get_no_answer),
        cmocka_unit_test(corrections_name_the_true_mac),
        cmocka_unit_test(probes_ask_everybody_and_claim_nothing),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
