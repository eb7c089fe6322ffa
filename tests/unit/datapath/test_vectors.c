/* Verdicts of the real programs, frame by frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "bench.h"
#include "edge/packet.h"

#define C2 "02:00:00:00:00:02" /* contained */
#define C3 "02:00:00:00:00:03" /* free */
#define SRV "02:00:00:00:00:10"
#define PEER "02:00:00:00:77:02"
#define ALL "ff:ff:ff:ff:ff:ff"
#define OWN "10.0.0.102"
#define OWN6 "2001:db8::102"
#define TCP 6
#define UDP 17
#define SYN 0x02
#define SYNACK 0x12
#define ACKED 0x10

static struct bench bench;

static void
set(const struct rule *rules, size_t count)
{
    assert_int_equal(datapath_set(bench.datapath, rules, count, NULL), 0);
}

static void
set_contained(void)
{
    struct rule rules[] = {bench_permits(), bench_isolate("c2", C2, OWN, "few"),
                           bench_isolate("c2six", "02:00:00:00:00:62", OWN6, "few")};
    set(rules, COUNT_OF(rules));
    free(rules[1].isolate.addresses);
    free(rules[2].isolate.addresses);
}

static struct frame
tcp(const char *from_mac, const char *from, const char *to_mac, const char *to, uint16_t port,
    uint8_t flags)
{
    struct frame frame;
    const struct hosts hosts = {from_mac, to_mac, from, to};
    const bool is_answer = flags == SYNACK || flags == ACKED;
    const struct segment segment = {
        is_answer ? port : 40000, is_answer ? 40000 : port, 1, 1, flags, NULL};
    frame_tcp(&frame, &hosts, &segment);
    return frame;
}

static struct frame
udp(const char *from_mac, const char *from, const char *to_mac, const char *to, uint16_t from_port,
    uint16_t to_port)
{
    struct frame frame;
    const struct hosts hosts = {from_mac, to_mac, from, to};
    frame_udp(&frame, &hosts, from_port, to_port, "0123456789", 10);
    return frame;
}

static struct frame
arp(const char *from_mac, const char *from, const char *to_mac, const char *to, unsigned op)
{
    struct frame frame;
    const struct hosts hosts = {from_mac, to_mac, from, to};
    frame_arp(&frame, &hosts, op);
    return frame;
}

/* 'tag' in band, in front of the EtherType. */
static struct frame
tagged(struct frame frame, uint16_t type)
{
    memmove(frame.b + 16, frame.b + 12, frame.size - 12);
    frame.b[12] = (uint8_t)(type >> 8);
    frame.b[13] = (uint8_t)(type & 0xff);
    frame.b[14] = 0;
    frame.b[15] = 100;
    frame.size += 4;
    return frame;
}

static void
check(enum bench_port port, struct frame frame, enum verdict_seen wanted, const char *what)
{
    enum verdict_seen seen = bench_in(&bench, port, &frame);
    if (seen != wanted) {
        fail_msg("%s: %d instead of %d", what, (int)seen, (int)wanted);
    }
}

static void
nobody_is_touched_without_rules(void **state)
{
    (void)state;
    set(NULL, 0);
    check(P1, tcp(C2, OWN, C3, "10.0.0.103", 445, SYN), PASSES, "tcp");
    check(P1, arp(C2, OWN, ALL, "10.0.0.103", 1), PASSES, "arp");
    check(U1, tcp(C3, "10.0.0.103", C2, OWN, 445, SYN), PASSES, "from the uplink");
}

static void
what_a_contained_endpoint_sends(void **state)
{
    (void)state;
    set_contained();
    check(P1, tcp(C2, OWN, SRV, "10.0.0.10", 443, SYN), PASSES, "permitted");
    check(P1, tcp(C2, OWN, SRV, "10.0.0.10", 80, SYN), ANSWERED, "another port: warning page");
    check(P1, tcp(C2, OWN, C3, "10.0.0.103", 445, SYN), ANSWERED, "a neighbour: reset");
    check(P1, udp(C2, OWN, SRV, "10.0.0.10", 40000, 443), ANSWERED, "QUIC is refused");
    check(P1, udp(C2, OWN, SRV, "10.0.0.10", 40000, 9), DROPPED, "UDP");
    check(P1, udp(C2, OWN, SRV, "10.9.3.4", 40000, 9), PASSES, "a permitted network");
    check(U1, tcp(C2, OWN, SRV, "10.0.0.103", 445, SYN), DROPPED, "its own edge answers, not we");
    check(P2, tcp(C2, OWN, SRV, "10.0.0.103", 445, SYN), ANSWERED, "on any port");
    check(P1, tcp("02:00:00:00:00:62", OWN6, SRV, "2001:db8::10", 443, SYN), PASSES, "IPv6");
    check(P1, tcp("02:00:00:00:00:62", OWN6, SRV, "2001:db8::11", 443, SYN), ANSWERED, "IPv6");
    check(P1, udp(C2, OWN, "01:00:5e:00:00:fb", "224.0.0.251", 5353, 5353), DROPPED, "multicast");
    check(P1, udp(C2, OWN, "10:00:00:00:00:35", "10.0.0.53", 40000, 53), ANSWERED, "DNS");
}

static void
what_a_contained_endpoint_gets(void **state)
{
    (void)state;
    set_contained();
    check(U1, tcp(SRV, "10.0.0.10", C2, OWN, 443, SYNACK), PASSES, "a permitted answer");
    check(U1, tcp(SRV, "10.0.0.10", C2, OWN, 443, SYN), DROPPED, "nobody opens to it");
    check(P2, tcp(C3, "10.0.0.103", C2, OWN, 445, SYN), DROPPED, "a neighbour");
    check(U1, udp(SRV, "10.0.0.2", C2, OWN, 67, 68), PASSES, "DHCP from the uplink");
    check(P2, udp(C3, "10.0.0.103", C2, OWN, 67, 68), DROPPED, "DHCP of a rogue");
    check(P2, tcp(C3, "10.0.0.103", SRV, "10.0.0.10", 80, SYN), PASSES, "others are free");
}

static void
arp_is_permitted_exactly(void **state)
{
    (void)state;
    set_contained();
    check(P1, arp(C2, OWN, ALL, "10.0.0.10", 1), PASSES, "for a permitted server");
    check(P1, arp(C2, OWN, ALL, "10.0.0.103", 1), ANSWERED, "for a neighbour: by the edge");
    check(P1, arp(C2, "10.0.0.103", ALL, "10.0.0.10", 1), ANSWERED, "with another's address");
    check(P1, arp(C2, "10.0.0.103", SRV, "10.0.0.10", 2), DROPPED, "poison");
    check(P1, arp(C2, OWN, ALL, OWN, 1), DROPPED, "announcement");
    check(P1, arp(C2, "0.0.0.0", ALL, OWN, 1), DROPPED, "probe");
    check(U1, arp(SRV, "10.0.0.10", C2, OWN, 2), PASSES, "a server's reply");
    check(P2, arp(C3, "10.0.0.103", C2, OWN, 2), DROPPED, "a neighbour's reply");
}

static void
nd_is_permitted_exactly(void **state)
{
    (void)state;
    struct frame frame;
    const char *mac = "02:00:00:00:00:62";
    const struct hosts ask = {mac, "33:33:ff:00:00:10", OWN6, "ff02::1:ff00:10"};
    const struct hosts lie = {mac, "33:33:ff:00:00:10", "2001:db8::103", "ff02::1:ff00:10"};
    const struct hosts all = {mac, "33:33:00:00:00:01", OWN6, "ff02::1"};
    set_contained();
    frame_nd(&frame, &ask, ND_NEIGHBOUR_SOLICIT, "2001:db8::10");
    check(P1, frame, PASSES, "for a permitted server");
    frame_nd(&frame, &ask, ND_NEIGHBOUR_SOLICIT, "2001:db8::103");
    check(P1, frame, ANSWERED, "for a neighbour");
    frame_nd(&frame, &lie, ND_NEIGHBOUR_SOLICIT, "2001:db8::10");
    check(P1, frame, ANSWERED, "with another's address");
    frame_nd(&frame, &all, ND_NEIGHBOUR_ADVERT, "2001:db8::1");
    check(P1, frame, DROPPED, "the gateway's address");
    frame_nd(&frame, &all, 134, "::");
    check(P1, frame, DROPPED, "router advertisement");
    frame_nd(&frame, &all, 137, "2001:db8::10");
    check(P1, frame, DROPPED, "redirect");
    /* a router would carry what is solicited of a host outside to that host */
    const struct hosts outside = {mac, SRV, OWN6, "2001:db8:f::80"};
    const struct hosts server = {mac, SRV, OWN6, "2001:db8::10"};
    const struct hosts routers = {mac, "33:33:00:00:00:02", OWN6, "ff02::2"};
    frame_nd(&frame, &outside, ND_NEIGHBOUR_SOLICIT, "2001:db8::10");
    check(P1, frame, DROPPED, "for a permitted server, to somebody outside");
    frame_nd(&frame, &all, ND_NEIGHBOUR_SOLICIT, "2001:db8::10");
    check(P1, frame, DROPPED, "for a permitted server, to everybody");
    frame_nd(&frame, &server, ND_NEIGHBOUR_SOLICIT, "2001:db8::10");
    check(P1, frame, PASSES, "for a permitted server, to it");
    frame_nd(&frame, &outside, ND_ROUTER_SOLICIT, "::");
    frame.size -= 16;
    frame.b[19] = 8;
    check(P1, frame, DROPPED, "router solicitation to somebody outside");
    frame_nd(&frame, &routers, ND_ROUTER_SOLICIT, "::");
    frame.size -= 16;
    frame.b[19] = 8;
    check(P1, frame, PASSES, "router solicitation");
}

/* On an access port anybody can take a permitted server's address. */
static void
nothing_passes_between_it_and_an_access_port(void **state)
{
    (void)state;
    struct frame frame = tcp(C2, OWN, C3, "10.0.0.10", 443, SYN);
    set_contained();
    assert_int_equal(bench_through(&bench, P1, U1, &frame), PASSES);
    assert_int_equal(bench_through(&bench, P1, S1, &frame), PASSES);
    assert_int_equal(bench_through(&bench, P1, P2, &frame), DROPPED); /* a neighbour's MAC */
    assert_int_equal(bench_through(&bench, U1, P2, &frame), DROPPED); /* from another switch */
    frame = arp(C2, OWN, C3, "10.0.0.10", 1);
    assert_int_equal(bench_through(&bench, P1, P2, &frame), DROPPED);
    frame = tcp(C3, "10.0.0.103", SRV, "10.0.0.10", 443, SYN);
    assert_int_equal(bench_through(&bench, P1, P2, &frame), PASSES); /* others are free */

    check(S1, tcp(SRV, "10.0.0.10", C2, OWN, 443, SYNACK), PASSES, "from a server port");
    check(P2, tcp(C3, "10.0.0.10", C2, OWN, 443, SYNACK), DROPPED, "as a permitted server");
    check(P2, udp(C3, "10.0.0.2", C2, OWN, 67, 68), DROPPED, "as the DHCP server");
    check(P2, arp(C3, "10.0.0.10", C2, OWN, 2), DROPPED, "ARP as a permitted server");
}

static void
permits_are_for_its_own_addresses(void **state)
{
    (void)state;
    struct rule rules[] = {bench_permits(), bench_isolate("c2", C2, OWN, "few"),
                           bench_isolate("claims", "02:00:00:00:00:07", "10.0.0.1", "few"),
                           bench_protect("gateway", NULL, "10.0.0.1")};
    set(rules, COUNT_OF(rules));
    free(rules[1].isolate.addresses);
    free(rules[2].isolate.addresses);
    check(P1, tcp(C2, OWN, SRV, "10.0.0.10", 443, SYN), PASSES, "its own");
    check(P1, tcp(C2, "10.0.0.103", SRV, "10.0.0.10", 443, SYN), DROPPED, "a neighbour's");
    check(P1, tcp(C2, "0.0.0.0", SRV, "10.0.0.10", 443, SYN), DROPPED, "none");
    check(P1, udp(C2, "10.0.0.103", SRV, "10.9.3.4", 40000, 9), DROPPED, "UDP, a neighbour's");
    const char *claims = "02:00:00:00:00:07"; /* an address that is protected */
    check(P1, tcp(claims, "10.0.0.1", SRV, "10.0.0.10", 443, SYN), DROPPED, "the gateway's");
    check(P1, arp(claims, "10.0.0.1", SRV, "10.0.0.10", 1), ANSWERED, "ARP as the gateway");
    check(P1, arp(claims, "10.0.0.1", SRV, "10.0.0.10", 2), DROPPED, "ARP as the gateway");
}

/* 'bytes' between the IPv6 header and what follows it. */
static struct frame
with_header(struct frame frame, uint8_t type, const uint8_t *bytes, size_t size)
{
    memmove(frame.b + 54 + size, frame.b + 54, frame.size - 54);
    memcpy(frame.b + 54, bytes, size);
    frame.b[54] = frame.b[20];
    frame.b[20] = type;
    frame.b[19] = (uint8_t)(frame.b[19] + size);
    frame.size += size;
    return frame;
}

static struct frame
with_ip4_option(struct frame frame)
{
    memmove(frame.b + 38, frame.b + 34, frame.size - 34);
    memcpy(frame.b + 34, "\x94\x04\0\0", 4); /* router alert */
    frame.b[14] = 0x46;
    frame.b[17] = (uint8_t)(frame.b[17] + 4);
    frame.size += 4;
    return frame;
}

static void
options_and_headers_are_nobodys_permit(void **state)
{
    (void)state;
    static const uint8_t options[8] = {0, 0, 1, 4}, whole[8] = {0}, first[8] = {0, 0, 0, 1},
                         route[8] = {0, 0, 0, 1};
    const char *mac = "02:00:00:00:00:62";
    struct frame plain = tcp(mac, OWN6, SRV, "2001:db8::10", 443, SYN);
    struct frame back = tcp(SRV, "2001:db8::10", mac, OWN6, 443, SYNACK);
    set_contained();
    check(P1, plain, PASSES, "plain");
    check(P1, with_header(plain, 0, options, 8), DROPPED, "hop-by-hop options");
    check(P1, with_header(plain, 60, options, 8), DROPPED, "destination options");
    check(P1, with_header(plain, 43, route, 8), DROPPED, "routing");
    check(P1, with_header(plain, 44, whole, 8), PASSES, "an atomic fragment");
    check(P1, with_header(plain, 44, first, 8), PASSES, "a first fragment");
    check(P1, with_header(with_header(plain, 60, options, 8), 44, first, 8), DROPPED,
          "options in a first fragment: a later one could lie over them");
    check(P1, with_header(with_header(plain, 44, first, 8), 60, options, 8), DROPPED,
          "options before a fragment");
    check(P1, with_header(with_header(plain, 44, whole, 8), 44, first, 8), DROPPED,
          "a fragment in a fragment");
    check(U1, back, PASSES, "an answer");
    check(U1, with_header(back, 43, route, 8), DROPPED, "an answer with a route");
    check(P1, with_ip4_option(tcp(C2, OWN, SRV, "10.0.0.10", 443, SYN)), DROPPED, "IPv4 option");
    check(P1, tcp(C3, "10.0.0.103", SRV, "10.0.0.10", 443, SYN), PASSES, "others are free");
    struct frame mapped = plain; /* to ::ffff:10.0.0.10 */
    memset(mapped.b + 38, 0, 10);
    memcpy(mapped.b + 48, "\xff\xff\x0a\0\0\x0a", 6);
    check(P1, mapped, DROPPED, "a permitted IPv4 address in IPv6");
}

static void
dhcp_is_permitted_exactly(void **state)
{
    (void)state;
    uint8_t boot[240] = {1, 1, 6, 0};
    struct frame frame;
    const struct hosts ask = {C2, ALL, "0.0.0.0", "255.255.255.255"};
    const struct hosts rogue = {C2, ALL, OWN, "255.255.255.255"};
    const struct mac own = mac_of_text(C2), other = mac_of_text(C3);
    set_contained();
    memcpy(boot + 28, own.b, 6);
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, PASSES, "its own request");
    memcpy(boot + 28, other.b, 6);
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "in another's name");
    boot[0] = 2;
    memcpy(boot + 28, own.b, 6);
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "a reply to a server");
    frame_udp(&frame, &rogue, 67, 68, boot, sizeof(boot));
    check(P1, frame, DROPPED, "as a server");
}

/* The server answers to a relay and to the address that a client says it has. */
static void
dhcp_is_asked_for_itself_alone(void **state)
{
    (void)state;
    uint8_t boot[240] = {1, 1, 6, 0};
    struct frame frame;
    const struct hosts ask = {C2, ALL, "0.0.0.0", "255.255.255.255"};
    const struct hosts renew = {C2, SRV, OWN, "10.0.0.2"};
    const struct hosts other = {C2, SRV, "10.0.0.103", "10.0.0.2"};
    const struct mac own = mac_of_text(C2);
    static const uint8_t its[4] = {10, 0, 0, 102}, others[4] = {10, 0, 0, 103};
    set_contained();
    memcpy(boot + 28, own.b, 6);
    memcpy(boot + 12, its, 4);
    frame_udp(&frame, &renew, 68, 67, boot, sizeof(boot));
    check(P1, frame, PASSES, "its own lease again");
    frame_udp(&frame, &other, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "from another's address");
    memcpy(boot + 12, others, 4);
    frame_udp(&frame, &renew, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "about another's lease");
    memset(boot + 12, 0, 4);
    memcpy(boot + 24, others, 4);
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "as a relay");
    memset(boot + 24, 0, 4);
    boot[3] = 1;
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "over a relay");

    const struct hosts six = {"02:00:00:00:00:62", "33:33:00:01:00:02", "fe80::ff:fe00:62",
                              "ff02::1:2"};
    uint8_t message[40] = {1};
    frame_udp(&frame, &six, 546, 547, message, sizeof(message));
    check(P1, frame, PASSES, "DHCPv6");
    message[0] = 12;
    frame_udp(&frame, &six, 546, 547, message, sizeof(message));
    check(P1, frame, DROPPED, "DHCPv6 as a relay");
}

static struct frame
fragment_of(struct frame frame, uint16_t field)
{
    frame.b[18] = 0x12; /* identification */
    frame.b[19] = 0x34;
    frame.b[20] = (uint8_t)(field >> 8);
    frame.b[21] = (uint8_t)(field & 0xff);
    return frame;
}

static void
fragments_follow_a_permitted_first(void **state)
{
    (void)state;
    set_contained();
    struct frame first = tcp(C2, OWN, SRV, "10.0.0.10", 443, SYN);
    check(P1, fragment_of(first, 5), DROPPED, "later, without a first");
    check(P1, fragment_of(first, 0x2000), PASSES, "first");
    check(P1, fragment_of(first, 5), PASSES, "later");
    check(P1, fragment_of(first, 1), DROPPED, "reaches back into the header");
    struct frame bad = tcp(C2, OWN, SRV, "10.0.0.11", 443, SYN);
    check(P1, fragment_of(bad, 0x2000), ANSWERED, "first to somebody else");
    check(P1, fragment_of(bad, 5), DROPPED, "later to somebody else");
}

static void
tags_and_broken_frames_hide_nothing(void **state)
{
    (void)state;
    set_contained();
    struct frame frame = udp(C2, OWN, C3, "10.0.0.103", 40000, 9);
    check(P1, tagged(frame, 0x8100), DROPPED, "802.1Q");
    check(P1, tagged(tagged(frame, 0x8100), 0x88a8), DROPPED, "QinQ");
    check(P1, tagged(tagged(tagged(frame, 0x8100), 0x8100), 0x8100), DROPPED, "three tags");
    frame.b[14] = 0x4f; /* options beyond the frame */
    check(P1, frame, DROPPED, "header length");
    frame = udp(C2, OWN, C3, "10.0.0.103", 40000, 9);
    frame.b[12] = 0x12;
    check(P1, frame, DROPPED, "another EtherType");
    frame.size = 14;
    check(P1, frame, DROPPED, "nothing behind it");
    frame = tcp("02:00:00:00:00:62", OWN6, C3, "2001:db8::103", 445, SYN);
    frame.b[20] = 60; /* destination options, of which there are none */
    check(P1, frame, DROPPED, "IPv6 extension header");
}

static void
servers_and_pairs_are_blocked_both_ways(void **state)
{
    (void)state;
    struct rule rules[] = {bench_server("s1", "203.0.113.0/24"),
                           bench_server("s2", "2001:db8:f::/48"),
                           bench_pair("p", C2, "198.51.100.7")};
    set(rules, COUNT_OF(rules));
    check(P1, tcp(C3, "10.0.0.103", SRV, "203.0.113.66", 443, SYN), DROPPED, "to the server");
    check(U1, tcp(SRV, "203.0.113.66", C3, "10.0.0.103", 443, SYNACK), DROPPED, "from it");
    check(P1, tcp(C3, "10.0.0.103", SRV, "203.0.112.66", 443, SYN), PASSES, "beside it");
    check(P1, tcp(C3, "2001:db8::103", SRV, "2001:db8:f::1", 443, SYN), DROPPED, "IPv6");
    check(P1, tcp(C2, OWN, SRV, "198.51.100.7", 443, SYN), DROPPED, "the pair");
    check(U1, tcp(SRV, "198.51.100.7", C2, OWN, 443, SYNACK), DROPPED, "the pair, back");
    check(P1, tcp(C3, "10.0.0.103", SRV, "198.51.100.7", 443, SYN), PASSES, "another's");
    check(P1, tcp(C2, OWN, SRV, "198.51.100.8", 443, SYN), PASSES, "its other servers");
}

static void
protection_wins(void **state)
{
    (void)state;
    struct rule rules[] = {
        bench_isolate("c2", C2, NULL, ""),         bench_server("s", "10.0.0.0/8"),
        bench_isolate("ip", NULL, "10.0.0.1", ""), bench_protect("m", C2, NULL),
        bench_protect("n", NULL, "10.0.0.1"),      bench_protect("o", NULL, "10.0.0.2")};
    set(rules, COUNT_OF(rules));
    check(P1, tcp(C2, "192.0.2.1", SRV, "192.0.2.2", 443, SYN), PASSES, "a protected MAC");
    check(P1, tcp(C3, "10.0.0.1", SRV, "192.0.2.2", 443, SYN), PASSES, "a protected address");
    check(P1, tcp(C3, "192.0.2.1", SRV, "10.0.0.2", 443, SYN), PASSES, "a protected server");
    check(P1, tcp(C3, "192.0.2.1", SRV, "10.0.0.3", 443, SYN), DROPPED, "its neighbour");
}

static void
by_address_where_no_mac_is_known(void **state)
{
    (void)state;
    struct rule rule = bench_isolate("by address", NULL, OWN, "");
    set(&rule, 1);
    check(U1, tcp(SRV, OWN, C3, "10.0.0.103", 445, SYN), DROPPED, "from it");
    check(P1, tcp(C3, "10.0.0.103", SRV, OWN, 445, SYN), DROPPED, "to it");
    check(P1, tcp(C3, "10.0.0.103", SRV, "10.0.0.7", 445, SYN), PASSES, "others");
}

static void
a_learnt_name_permits_its_address(void **state)
{
    (void)state;
    set_contained();
    struct ip server = ip_of_text("192.0.2.80");
    check(P1, tcp(C2, OWN, SRV, "192.0.2.80", 80, SYN), ANSWERED, "before");
    assert_int_equal(datapath_learn_name(bench.datapath, "few", 3, &server, 60), 0);
    check(P1, tcp(C2, OWN, SRV, "192.0.2.80", 80, SYN), PASSES, "after");
    check(P1, tcp(C2, OWN, SRV, "192.0.2.80", 81, SYN), ANSWERED, "another port");
    struct rule changed[] = {bench_permits(), bench_isolate("c2", C2, OWN, "few")};
    snprintf(changed[0].id, sizeof(changed[0].id), "permits/few#2");
    set(changed, COUNT_OF(changed));
    free(changed[1].isolate.addresses);
    check(P1, tcp(C2, OWN, SRV, "192.0.2.80", 80, SYN), PASSES, "after the set has changed");
}

static void
a_port_is_held_until_its_link_goes_down(void **state)
{
    (void)state;
    struct mac known = mac_of_text(C3);
    struct rule rules[] = {
        {.id = "hold",
         .kind = RULE_HOLD_PORT,
         .hold_port = {.port = "p1", .known_macs = &known, .known_mac_count = 1}},
        bench_protect("gateway", "02:00:00:00:01:01", NULL)};
    set(rules, COUNT_OF(rules));
    struct frame disguised = tcp("02:00:00:00:01:01", "10.0.0.1", SRV, "10.0.0.10", 80, SYN);
    check(P1, disguised, DROPPED, "the gateway's MAC, where the gateway is not");
    check(U1, disguised, PASSES, "the gateway's MAC, where it is");
    struct frame stranger = tcp("02:00:00:00:09:09", "10.0.0.9", SRV, "10.0.0.10", 80, SYN);
    check(P1, stranger, DROPPED, "a new MAC");
    check(P2, stranger, PASSES, "on another port");
    check(P1, tcp(C3, "10.0.0.103", SRV, "10.0.0.10", 80, SYN), PASSES, "one that was there");
    datapath_clear_hold(bench.datapath, bench.ifindex[P1]);
    check(P1, stranger, PASSES, "after the link went down");
}

static void
a_held_mac_is_permitted_nothing_while_it_may_be_anothers(void **state)
{
    (void)state;
    static const char new[] = "02:00:00:00:09:08", gateway[] = "02:00:00:00:01:01";
    const struct mac mac = mac_of_text(new), disguise = mac_of_text(gateway);
    struct rule rules[] = {bench_permits(),
                           {.id = "another hold",
                            .kind = RULE_HOLD_PORT,
                            .hold_port = {.port = "p1", .permit_set = "few"}},
                           bench_protect("gateway", gateway, NULL)};
    uint8_t boot[240] = {1, 1, 6, 0};
    struct frame frame, its;
    const struct hosts ask = {new, ALL, "0.0.0.0", "255.255.255.255"};
    const struct hosts its_ask = {gateway, ALL, "0.0.0.0", "255.255.255.255"};
    set(rules, COUNT_OF(rules));
    memcpy(boot + 28, mac.b, 6);
    frame_udp(&frame, &ask, 68, 67, boot, sizeof(boot));
    memcpy(boot + 28, disguise.b, 6);
    frame_udp(&its, &its_ask, 68, 67, boot, sizeof(boot));
    check(P1, frame, DROPPED, "first seen");
    assert_int_equal(datapath_admit_held(bench.datapath, bench.ifindex[P1], &mac), 0);
    check(P1, frame, PASSES, "nobody else has it");
    datapath_mac_seen(bench.datapath, "p1", &mac);
    check(P1, frame, PASSES, "seen here");
    datapath_mac_seen(bench.datapath, "p2", &mac);
    check(P1, frame, DROPPED, "seen elsewhere");
    assert_int_equal(datapath_admit_held(bench.datapath, bench.ifindex[P1], &disguise), 0);
    check(P1, its, DROPPED, "a protected MAC, whatever was found");
}

static void
broadcast_does_not_reach_it(void **state)
{
    (void)state;
    struct frame hello = udp(C2, OWN, SRV, "10.0.0.10", 40000, 9);
    const uint32_t port = (uint32_t)bench.ifindex[P1];
    const struct dp_port_state nobody = {.snoop_ns = 0};
    set(NULL, 0);
    assert_int_equal(maps_put(bench.datapath->maps, MAP_PORT_STATE, &port, &nobody), 0);
    maps_forget_met(bench.datapath->maps);
    bench_in(&bench, P1, &hello);
    struct frame broadcast = udp(C3, "10.0.0.103", ALL, "10.0.0.255", 137, 137);
    assert_int_equal(bench_out(&bench, P1, &broadcast), PASSES);
    set_contained();
    assert_int_equal(bench_out(&bench, P1, &broadcast), DROPPED);
    assert_int_equal(bench_out(&bench, P2, &broadcast), PASSES);
    struct frame its = arp(C2, OWN, ALL, "10.0.0.10", 1);
    assert_int_equal(bench_out(&bench, P2, &its), DROPPED); /* who-has is for servers alone */
}

static void
suspended_and_expired_rules_stop_nothing(void **state)
{
    (void)state;
    struct rule rule = bench_isolate("short", C2, NULL, "");
    struct frame frame = udp(C2, OWN, C3, "10.0.0.103", 40000, 9);
    rule.expires_s = 3; /* time for what comes before its end, on a busy machine */
    set(&rule, 1);
    check(P1, frame, DROPPED, "in force");
    datapath_suspend(bench.datapath, true);
    check(P1, frame, PASSES, "suspended");
    datapath_suspend(bench.datapath, false);
    check(P1, frame, DROPPED, "resumed");
    for (int i = 0; i < 300 && bench_in(&bench, P1, &frame) != PASSES; i++) {
        usleep(100000);
    }
    check(P1, frame, PASSES, "expired, although nobody has removed it");
}

static void
copies_and_reserved_vlans_are_guarded(void **state)
{
    (void)state;
    struct rule_mirror always = {
        .kind = MIRROR_ALWAYS, .carrier = CARRIER_RSPAN, .out_port = "u1", .rspan_vlan = 999};
    struct rule rule = {.id = "m", .kind = RULE_MIRROR, .mirror = &always};
    struct frame frame = udp(C3, "10.0.0.103", SRV, "10.0.0.10", 40000, 9);
    set(&rule, 1);
    struct frame reserved = tagged(frame, 0x8100);
    reserved.b[14] = 999 >> 8;
    reserved.b[15] = 999 & 0xff;
    check(P1, reserved, DROPPED, "an endpoint in the reserved VLAN");
    check(U1, reserved, DROPPED, "from the uplink: nobody here takes it");
    check(P1, tagged(frame, 0x8100), PASSES, "another VLAN");
}

/* ---- the short way of plain frames ---- */

static void
often(enum bench_port port, struct frame frame)
{
    for (int i = 0; i < 3; i++) {
        check(port, frame, PASSES, "plain");
    }
}

/* Whoever was met already is looked at all the same when there is something to look for.  Those by
 * MAC come last: the screen keeps their bits, and then nothing of theirs is plain any more. */
static void
whoever_was_met_is_stopped_at_once(void **state)
{
    (void)state;
    static const char *const mac = "02:00:00:00:77:03", *const ip = "10.0.0.103";
    const struct frame from4 = tcp(mac, ip, PEER, "10.0.0.10", 443, ACKED);
    const struct frame to4 = tcp(PEER, "10.0.0.10", mac, ip, 443, ACKED);
    const struct frame from6 = tcp(mac, "2001:db8::103", PEER, "2001:db8::10", 443, ACKED);
    struct rule rules[] = {bench_isolate("i", NULL, ip, ""), bench_pair("p", mac, "10.0.0.10"),
                           bench_server("s", "10.0.0.0/28"), bench_isolate("m", mac, NULL, ""),
                           bench_isolate("mp", mac, NULL, "")};
    snprintf(rules[4].isolate.port, sizeof(rules[4].isolate.port), "p1");
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        set(NULL, 0);
        often(P1, from4);
        often(P1, from6);
        often(U1, to4);
        set(&rules[i], 1);
        assert_int_not_equal(bench_in(&bench, P1, &from4), PASSES);
        assert_int_equal(bench_in(&bench, P1, &from6) == PASSES, i < 3);
        assert_int_equal(bench_through(&bench, U1, P1, &to4), DROPPED);
    }
    set(NULL, 0);
    often(P1, from4);
    often(P1, from6);
    often(U1, to4);
}

static void
whoever_was_met_is_held_on_a_held_port(void **state)
{
    (void)state;
    static const char *const mac = "02:00:00:00:77:04";
    const struct frame from = tcp(mac, "10.0.0.104", PEER, "10.0.0.10", 443, ACKED);
    const struct frame to = tcp(PEER, "10.0.0.10", mac, "10.0.0.104", 443, ACKED);
    struct rule hold = {.id = "hold", .kind = RULE_HOLD_PORT, .hold_port = {.port = "p1"}};
    set(NULL, 0);
    often(P1, from);
    set(&hold, 1);
    assert_int_not_equal(bench_in(&bench, P1, &from), PASSES);
    assert_int_equal(bench_through(&bench, U1, P1, &to), DROPPED);
    often(P2, from);
    set(NULL, 0);
    often(P1, from);
    assert_int_equal(bench_through(&bench, U1, P1, &to), PASSES);
}

static uint64_t
copies_made(void)
{
    const struct maps *maps = bench.datapath->maps;
    return maps_counter(maps, DP_COPIED) + maps_counter(maps, DP_COPY_OVER_BUDGET) +
           maps_counter(maps, DP_COPY_FAILED);
}

static void
whoever_was_met_is_copied(void **state)
{
    (void)state;
    static const char *const mac = "02:00:00:00:77:05";
    const struct frame plain = tcp(mac, "10.0.0.105", PEER, "10.0.0.10", 443, ACKED);
    const struct frame group = udp(mac, "10.0.0.105", ALL, "10.0.0.255", 137, 137);
    static const enum mirror_kind kinds[] = {MIRROR_PORT, MIRROR_DETAILED, MIRROR_ALWAYS};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct rule_mirror mirror = {.kind = kinds[i], .carrier = CARRIER_LOCAL, .out_port = "s1"};
        struct rule rule = {.id = "copy", .kind = RULE_MIRROR, .mirror = &mirror};
        const struct frame from = kinds[i] == MIRROR_ALWAYS ? group : plain;
        mirror.mac = mac_of_text(mac);
        set(NULL, 0);
        often(P1, from);
        set(&rule, 1);
        uint64_t before = copies_made();
        often(P1, from);
        assert_int_equal(copies_made() - before, 3);
    }
    set(NULL, 0);
}

static void
note(void *context, const struct snoop *snoop)
{
    int *seen = context;
    seen[snoop->kind]++;
}

/* Copies of this kind that frames which came in until now have left. */
static int
copies_of(enum snoop_kind kind)
{
    int seen[SNOOP_SOURCE + 1] = {0};
    datapath_snoop_read(bench.datapath, note, seen);
    return seen[kind];
}

static void
a_plain_frame_teaches_once(void **state)
{
    (void)state;
    static const char *const fresh = "02:00:00:00:77:01";
    const struct frame frame = tcp(fresh, "10.0.0.7", SRV, "10.0.0.10", 443, ACKED);
    set(NULL, 0);
    (void)copies_of(SNOOP_MAC);
    often(U1, frame);
    assert_int_equal(copies_of(SNOOP_MAC), 0); /* nobody lives behind an uplink */
    check(P1, frame, PASSES, "the first");
    assert_int_equal(copies_of(SNOOP_MAC), 1);
    often(P1, frame);
    assert_int_equal(copies_of(SNOOP_MAC), 0);
    check(P2, frame, PASSES, "it has moved");
    assert_int_equal(copies_of(SNOOP_MAC), 1);
    /* a port that went and came back */
    datapath_detach(bench.datapath, bench.ifindex[P2]);
    assert_int_equal(datapath_attach(bench.datapath, bench.ifindex[P2], "p2", PORT_ACCESS, 2), 0);
    check(P2, frame, PASSES, "it is back");
    assert_int_equal(copies_of(SNOOP_MAC), 1);
    /* what teaches more than who is there does so each time */
    check(P2, udp(fresh, "10.0.0.7", SRV, "10.0.0.2", 68, 67), PASSES, "DHCP");
    check(P2, udp(fresh, "fd00::7", SRV, "fd00::2", 546, 547), PASSES, "DHCPv6");
    check(P2, arp(fresh, "10.0.0.7", SRV, "10.0.0.10", 2), PASSES, "ARP");
    assert_int_equal(copies_of(SNOOP_DHCP), 2);
}

static int
group_setup(void **state)
{
    (void)state;
    return 0;
}

static int
group_teardown(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

int
main(void)
{
    log_setup("test", LOG_TEXT, LOG_ERROR);
    bench_open(&bench, 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_touched_without_rules),
        cmocka_unit_test(what_a_contained_endpoint_sends),
        cmocka_unit_test(what_a_contained_endpoint_gets),
        cmocka_unit_test(arp_is_permitted_exactly),
        cmocka_unit_test(nd_is_permitted_exactly),
        cmocka_unit_test(dhcp_is_permitted_exactly),
        cmocka_unit_test(dhcp_is_asked_for_itself_alone),
        cmocka_unit_test(nothing_passes_between_it_and_an_access_port),
        cmocka_unit_test(permits_are_for_its_own_addresses),
        cmocka_unit_test(options_and_headers_are_nobodys_permit),
        cmocka_unit_test(fragments_follow_a_permitted_first),
        cmocka_unit_test(tags_and_broken_frames_hide_nothing),
        cmocka_unit_test(servers_and_pairs_are_blocked_both_ways),
        cmocka_unit_test(protection_wins),
        cmocka_unit_test(by_address_where_no_mac_is_known),
        cmocka_unit_test(a_learnt_name_permits_its_address),
        cmocka_unit_test(a_port_is_held_until_its_link_goes_down),
        cmocka_unit_test(a_held_mac_is_permitted_nothing_while_it_may_be_anothers),
        cmocka_unit_test(broadcast_does_not_reach_it),
        cmocka_unit_test(suspended_and_expired_rules_stop_nothing),
        cmocka_unit_test(copies_and_reserved_vlans_are_guarded),
        cmocka_unit_test(whoever_was_met_is_stopped_at_once),
        cmocka_unit_test(whoever_was_met_is_held_on_a_held_port),
        cmocka_unit_test(whoever_was_met_is_copied),
        cmocka_unit_test(a_plain_frame_teaches_once),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
