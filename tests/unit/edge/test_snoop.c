/* Frames -> facts: ARP, neighbour discovery, DHCP, DHCPv6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/snoop.h"
#include "frames.h"

static const struct hosts arp = {"02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "192.0.2.1",
                                 "192.0.2.254"};
static const struct hosts nd = {"02:00:00:00:00:01", "33:33:ff:00:00:09", "2001:db8::1",
                                "ff02::1:ff00:9"};

static size_t
snoop_exact(const uint8_t *bytes, size_t size, struct fact facts[SNOOP_FACTS_MAX])
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    size_t count = snoop_parse(copy, size, facts);
    assert_true(count <= SNOOP_FACTS_MAX);
    free(copy);
    return count;
}

/* Every shorter frame gives nothing. */
static void
prefixes_give_nothing(const struct frame *frame)
{
    struct fact facts[SNOOP_FACTS_MAX];
    for (size_t size = 0; size < frame->size; size++) {
        assert_int_equal(snoop_exact(frame->b, size, facts), 0);
    }
    assert_int_not_equal(snoop_exact(frame->b, frame->size, facts), 0);
}

static void
assert_fact(const struct fact *fact, enum fact_kind kind, const char *mac, const char *ip)
{
    char text[IP_TEXT_SIZE] = "";
    char mac_text[MAC_TEXT_SIZE];
    mac_format(&fact->mac, mac_text);
    if (!ip_is_none(&fact->ip)) {
        ip_format(&fact->ip, text);
    }
    assert_int_equal(fact->kind, kind);
    assert_string_equal(mac_text, mac);
    assert_string_equal(text, ip);
}

static void
arp_tells_a_binding(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    for (unsigned op = 1; op <= 2; op++) {
        frame_arp(&frame, &arp, op);
        assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
        assert_fact(&facts[0], FACT_BINDING, "02:00:00:00:00:01", "192.0.2.1");
        assert_int_equal(facts[0].source, BINDING_ARP);
        prefixes_give_nothing(&frame);
    }
}

static void
arp_of_nobody_tells_nothing(void **state)
{
    (void)state;
    static const char *const senders[] = {"0.0.0.0", "224.0.0.1", "255.255.255.255"};
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    for (size_t i = 0; i < COUNT_OF(senders); i++) {
        struct hosts hosts = arp;
        hosts.from = senders[i];
        frame_arp(&frame, &hosts, 1);
        assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    }
    frame_arp(&frame, &arp, 1);
    frame.b[27] ^= 8; /* the sender in ARP is not that of the frame: proxied or forged */
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    struct hosts group = arp;
    group.from_mac = "03:00:00:00:00:01";
    frame_arp(&frame, &group, 1);
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

static void
nd_tells_a_binding(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    frame_nd(&frame, &nd, ND_NEIGHBOUR_SOLICIT, "2001:db8::9");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_BINDING, "02:00:00:00:00:01", "2001:db8::1");
    assert_int_equal(facts[0].source, BINDING_ND);
    prefixes_give_nothing(&frame);
    frame_nd(&frame, &nd, ND_NEIGHBOUR_ADVERT, "2001:db8::5");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_BINDING, "02:00:00:00:00:01", "2001:db8::5");
    prefixes_give_nothing(&frame);
    struct hosts dad = nd;
    dad.from = "::";
    frame_nd(&frame, &dad, ND_NEIGHBOUR_SOLICIT, "2001:db8::9");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_BINDING, "02:00:00:00:00:01", "2001:db8::9");
}

static void
routers_are_hints(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    frame_nd(&frame, &nd, ND_ROUTER_ADVERT, "2001:db8::9");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_ROLE_HINT, "02:00:00:00:00:01", "2001:db8::1");
    assert_int_equal(facts[0].host_role, HOST_ROUTER);
    frame_nd(&frame, &nd, ND_ROUTER_SOLICIT, "2001:db8::9");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_BINDING, "02:00:00:00:00:01", "2001:db8::1");
    struct hosts nobody = nd;
    nobody.from = "::";
    frame_nd(&frame, &nobody, ND_ROUTER_SOLICIT, "2001:db8::9");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

/* Nobody gets an IPv4 binding out of neighbour discovery, nor one of a group. */
static void
strange_nd_targets_tell_nothing(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    frame_nd(&frame, &nd, ND_NEIGHBOUR_ADVERT, "192.0.2.1"); /* as ::ffff:192.0.2.1 */
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    frame_nd(&frame, &nd, ND_NEIGHBOUR_ADVERT, "ff02::1");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    frame_nd(&frame, &nd, ND_NEIGHBOUR_ADVERT, "2001:db8::5");
    frame.b[21] = 64;
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

/* ---- DHCP ---- */

static const struct hosts to_server = {"02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "0.0.0.0",
                                       "255.255.255.255"};
static const struct hosts to_client = {"02:00:00:00:00:67", "02:00:00:00:00:01", "192.0.2.67",
                                       "192.0.2.101"};

/* The fixed part (RFC 2131 2), then 'options' as hexadecimal digits. */
static void
dhcp_make(struct frame *frame, bool is_reply, const char *yours, const char *options)
{
    struct frame body = {.size = 0}, tail;
    struct mac client = mac_of_text("02:00:00:00:00:01");
    struct ip ip = ip_of_text(yours);
    static const uint8_t zeros[202] = {0};
    frame_put32(&body, is_reply ? 0x02010600 : 0x01010600);
    frame_put(&body, zeros, 12);
    frame_put(&body, ip.b + 12, 4);
    frame_put(&body, zeros, 8);
    frame_put(&body, client.b, 6);
    frame_put(&body, zeros, 202);
    frame_put32(&body, 0x63825363);
    frame_hex(&tail, options);
    frame_put(&body, tail.b, tail.size);
    frame_udp(frame, is_reply ? &to_client : &to_server, is_reply ? 67 : 68, is_reply ? 68 : 67,
              body.b, body.size);
}

static void
a_dhcp_ack_is_a_lease(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp_make(&frame, true, "192.0.2.101", "3501 05 3304 00000e10 0c03 706331 00 ff");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 2);
    assert_fact(&facts[0], FACT_ROLE_HINT, "02:00:00:00:00:67", "192.0.2.67");
    assert_int_equal(facts[0].host_role, HOST_DHCP_SERVER);
    assert_fact(&facts[1], FACT_LEASE, "02:00:00:00:00:01", "192.0.2.101");
    assert_int_equal(facts[1].source, BINDING_DHCP4);
    assert_int_equal(facts[1].lease_s, 3600);
    assert_string_equal(facts[1].host_name, "pc1");
    prefixes_give_nothing(&frame);
}

static void
an_offer_is_only_a_hint(void **state)
{
    (void)state;
    static const char *const types[] = {"3501 02 ff", "3501 06 ff"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct frame frame;
        struct fact facts[SNOOP_FACTS_MAX];
        dhcp_make(&frame, true, "192.0.2.101", types[i]);
        assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
        assert_int_equal(facts[0].kind, FACT_ROLE_HINT);
    }
}

/* From a server's port, but no server: a relay hands a client's request on (RFC 1542 4.1.1). */
static void
relays_and_strange_messages_are_no_servers(void **state)
{
    (void)state;
    static const struct hosts relay = {"02:00:00:00:00:68", "02:00:00:00:00:67", "192.0.2.68",
                                       "192.0.2.67"};
    static const char *const strange[] = {"3500 ff", "3501 01 ff", "3501 03 ff", "3501 09 ff"};
    struct frame frame, relayed;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp_make(&frame, false, "0.0.0.0", "3501 03 0c04 50432d31 ff");
    frame_udp(&relayed, &relay, 67, 67, frame.b + 42, frame.size - 42);
    assert_int_equal(snoop_exact(relayed.b, relayed.size, facts), 1);
    assert_fact(&facts[0], FACT_LEASE, "02:00:00:00:00:01", "");
    assert_string_equal(facts[0].host_name, "PC-1");
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        dhcp_make(&frame, true, "192.0.2.101", strange[i]);
        assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    }
    dhcp_make(&frame, true, "192.0.2.101", "3501 05 3304 00000e10 ff");
    frame_udp(&relayed, &relay, 68, 67, frame.b + 42, frame.size - 42); /* a client plays server */
    assert_int_equal(snoop_exact(relayed.b, relayed.size, facts), 0);
}

/* A client may say any address: only its name and id are taken from it. */
static void
a_dhcp_request_tells_names(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp_make(&frame, false, "192.0.2.101",
              "3501 03 3d07 01020000000001 0c04 50432d31 3304 000000ff ff");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_LEASE, "02:00:00:00:00:01", "");
    assert_string_equal(facts[0].client_id, "01020000000001");
    assert_string_equal(facts[0].host_name, "PC-1");
    assert_int_equal(facts[0].lease_s, 0);
    dhcp_make(&frame, false, "0.0.0.0", "3501 01 ff");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

static void
names_are_made_plain(void **state)
{
    (void)state;
    static const struct {
        const char *options, *name;
    } known[] = {
        {"3501 03 0c05 61 1b 0a 62 00 ff", "a??b"},
        {"3501 03 0c02 00 00 3d01 07 ff", ""},
        {"3501 03 510b 00 0000 7063312e6c616e00 ff", "pc1.lan"},
        {"3501 03 510c 04 0000 03706331036c616e00 ff", "pc1.lan"},
        {"3501 03 5107 04 0000 3f706331 3d01 07 ff", ""},   /* a label beyond the end */
        {"3501 03 0c02 6162 5106 00 0000 637864 ff", "ab"}, /* the host name goes first */
        {"3501 03 0c03 ff6162 ff", "?ab"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct frame frame;
        struct fact facts[SNOOP_FACTS_MAX];
        dhcp_make(&frame, false, "0.0.0.0", known[i].options);
        assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
        assert_string_equal(facts[0].host_name, known[i].name);
    }
}

static void
broken_dhcp_tells_nothing(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp_make(&frame, true, "192.0.2.101", "3501 05 3309 00000e10"); /* longer than the message */
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

/* ---- DHCPv6 ---- */

static const struct hosts to_server6 = {"02:00:00:00:00:01", "33:33:00:01:00:02", "fe80::1",
                                        "ff02::1:2"};
static const struct hosts to_client6 = {"02:00:00:00:00:67", "02:00:00:00:00:01", "fe80::67",
                                        "fe80::1"};

static void
dhcp6_make(struct frame *frame, bool is_reply, const char *hex)
{
    struct frame body;
    frame_hex(&body, hex);
    frame_udp(frame, is_reply ? &to_client6 : &to_server6, is_reply ? 547 : 546,
              is_reply ? 546 : 547, body.b, body.size);
}

#define DUID "0001 000a 00030001020000000001 "
#define IA_HEAD "00000001 00000000 00000000 "
#define ADDRESS "0005 0018 20010db80000000000000000000001"

static void
a_dhcp6_reply_is_a_lease_per_address(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp6_make(&frame, true,
               "07 000001 " DUID "0003 0044 " IA_HEAD ADDRESS "01 00000708 00000e10 " ADDRESS
               "02 00000708 00000000" /* no time left */
               "0027 0009 00 03706331 036c616e 00");
    /* the list of addresses says 0x44 bytes: 12 and two of 28 */
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 2);
    assert_fact(&facts[0], FACT_ROLE_HINT, "02:00:00:00:00:67", "fe80::67");
    assert_fact(&facts[1], FACT_LEASE, "02:00:00:00:00:01", "2001:db8::101");
    assert_int_equal(facts[1].source, BINDING_DHCP6);
    assert_int_equal(facts[1].lease_s, 3600);
    assert_string_equal(facts[1].client_id, "00030001020000000001");
    prefixes_give_nothing(&frame);
}

static void
a_dhcp6_request_tells_names(void **state)
{
    (void)state;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    dhcp6_make(&frame, false, "03 000001 " DUID "0027 000a 00 03706331 036c616e 00");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1);
    assert_fact(&facts[0], FACT_LEASE, "02:00:00:00:00:01", "");
    assert_string_equal(facts[0].host_name, "pc1.lan");
    dhcp6_make(&frame, true, "02 000001 " DUID "0003 0028 " IA_HEAD ADDRESS "01 00000708 00000e10");
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 1); /* an offer is not a lease */
    assert_int_equal(facts[0].kind, FACT_ROLE_HINT);
    dhcp6_make(&frame, false, "03 000001 0001 00ff 00"); /* longer than the message */
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

/* More addresses than a frame has facts for: counted up to the limit, nothing overwritten. */
static void
a_dhcp6_reply_is_bounded(void **state)
{
    (void)state;
    char text[2048] = "07 000001 " DUID;
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    for (int i = 0; i < 12; i++) {
        strcat(text, "0003 0028 " IA_HEAD ADDRESS "01 00000708 00000e10 ");
    }
    dhcp6_make(&frame, true, text);
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 5);
}

static void
other_traffic_tells_nothing(void **state)
{
    (void)state;
    static const struct hosts some = {"02:00:00:00:00:01", "02:00:00:00:00:02", "192.0.2.1",
                                      "192.0.2.2"};
    const struct segment segment = {40000, 67, 1, 1, TCP_ACK, "data"};
    struct frame frame;
    struct fact facts[SNOOP_FACTS_MAX];
    frame_udp(&frame, &some, 5353, 53, "query", 5);
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    frame_tcp(&frame, &some, &segment);
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
    frame_udp(&frame, &some, 67, 68, "not dhcp", 8);
    assert_int_equal(snoop_exact(frame.b, frame.size, facts), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arp_tells_a_binding),
        cmocka_unit_test(arp_of_nobody_tells_nothing),
        cmocka_unit_test(nd_tells_a_binding),
        cmocka_unit_test(routers_are_hints),
        cmocka_unit_test(strange_nd_targets_tell_nothing),
        cmocka_unit_test(a_dhcp_ack_is_a_lease),
        cmocka_unit_test(an_offer_is_only_a_hint),
        cmocka_unit_test(relays_and_strange_messages_are_no_servers),
        cmocka_unit_test(a_dhcp_request_tells_names),
        cmocka_unit_test(names_are_made_plain),
        cmocka_unit_test(broken_dhcp_tells_nothing),
        cmocka_unit_test(a_dhcp6_reply_is_a_lease_per_address),
        cmocka_unit_test(a_dhcp6_request_tells_names),
        cmocka_unit_test(a_dhcp6_reply_is_bounded),
        cmocka_unit_test(other_traffic_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
