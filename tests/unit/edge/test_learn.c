/* What the switch sees -> facts: devices, neighbours, snooped frames, LLDP; limits; full report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "edge/learn.h"
#include "frames.h"
#include "wire/facts.h"
#include "wire/message.h"

#define SECOND_US 1000000LL
#define BRIDGE 100
#define KEPT_MAX 64

struct port_event {
    struct learn_port port;
    bool is_gone;
};

struct fixture {
    struct clock_fake clock;
    struct edge_port_setting ports[2];
    struct edge_settings settings;
    struct learn *learn;
    struct fact facts[KEPT_MAX]; /* the first of them */
    size_t fact_count;
    struct port_event events[KEPT_MAX];
    size_t event_count;
};

static void
on_fact(void *context, const struct fact *fact)
{
    struct fixture *f = context;
    if (f->fact_count < KEPT_MAX) {
        f->facts[f->fact_count] = *fact;
    }
    f->fact_count++;
}

static void
on_port(void *context, const struct learn_port *port, bool is_gone)
{
    struct fixture *f = context;
    if (f->event_count < KEPT_MAX) {
        f->events[f->event_count] = (struct port_event){*port, is_gone};
    }
    f->event_count++;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    clock_fake_init(&f->clock, 1700000000 * SECOND_US);
    f->ports[0] = (struct edge_port_setting){.name = "up0", .role = PORT_UPLINK};
    f->ports[1] = (struct edge_port_setting){.name = "srv0", .role = PORT_SERVER};
    f->settings = (struct edge_settings){
        .name = "edge-1", .bridge = "br0", .ports = f->ports, .port_count = 2};
    const struct learn_handler handler = {on_fact, on_port, f};
    f->learn = learn_new(&f->settings, &f->clock.clock, &handler);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    learn_free(f->learn);
    free(f);
    return 0;
}

static void
forget(struct fixture *f)
{
    f->fact_count = f->event_count = 0;
}

static struct kernel_device
device(int ifindex, const char *name, int master, bool is_up)
{
    struct kernel_device made = {.ifindex = ifindex,
                                 .master = master,
                                 .is_up = is_up,
                                 .mtu = 1500,
                                 .port_number = (uint32_t)ifindex + 1000,
                                 .mac = {{2, 0xaa, 0, 0, 0, (uint8_t)ifindex}}};
    snprintf(made.name, sizeof(made.name), "%s", name);
    return made;
}

/* The bridge, and p1 and p2 in it, both up; what that told is forgotten. */
static void
bridge_with_two_ports(struct fixture *f)
{
    struct kernel_device bridge = device(BRIDGE, "br0", 0, true);
    struct kernel_device p1 = device(1, "p1", BRIDGE, true), p2 = device(2, "p2", BRIDGE, true);
    learn_device(f->learn, &bridge);
    learn_device(f->learn, &p1);
    learn_device(f->learn, &p2);
    forget(f);
}

static void
see_mac(struct fixture *f, int ifindex, uint32_t number, uint16_t vlan, bool is_gone)
{
    const struct kernel_neighbour neighbour = {
        .ifindex = ifindex,
        .mac = {{2, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                 (uint8_t)number}},
        .vlan = vlan,
        .is_gone = is_gone};
    learn_neighbour(f->learn, &neighbour);
}

static void
assert_last(const struct fixture *f, size_t count, enum fact_kind kind, const char *port)
{
    assert_int_equal(f->fact_count, count);
    const struct fact *fact = &f->facts[count - 1];
    assert_int_equal(fact->kind, kind);
    assert_string_equal(fact->port, port);
    assert_int_equal(fact->seen_us, f->clock.wall_now_us);
}

static void
devices_become_ports(void **state)
{
    struct fixture *f = *state;
    struct kernel_device bridge = device(BRIDGE, "br0", 0, true);
    struct kernel_device p1 = device(1, "p1", BRIDGE, true), other = device(9, "eth9", 0, true);
    learn_device(f->learn, &bridge);
    learn_device(f->learn, &other); /* not ours */
    assert_int_equal(f->fact_count + f->event_count, 0);
    assert_int_equal(learn_bridge(f->learn), BRIDGE);
    struct mac mac = learn_bridge_mac(f->learn);
    assert_memory_equal(&mac, &bridge.mac, sizeof(mac));
    learn_device(f->learn, &p1);
    assert_last(f, 1, FACT_PORT, "p1");
    assert_int_equal(f->facts[0].port_number, 1001);
    assert_int_equal(f->facts[0].role, PORT_ACCESS);
    assert_true(f->facts[0].is_up);
    assert_true(f->event_count > 0);
    assert_int_equal(f->events[0].port.ifindex, 1);
    assert_false(f->events[0].is_gone);
    assert_string_equal(learn_port_name(f->learn, 1), "p1");
    assert_null(learn_port_name(f->learn, 9));
    forget(f);
    learn_device(f->learn, &p1); /* nothing new */
    assert_int_equal(f->fact_count + f->event_count, 0);
}

/* So that nobody takes the switch for an endpoint; over the wire as well. */
static void
ports_tell_the_switchs_own_macs(void **state)
{
    struct fixture *f = *state;
    struct kernel_device bridge = device(BRIDGE, "br0", 0, true);
    struct kernel_device p1 = device(1, "p1", BRIDGE, true);
    learn_device(f->learn, &bridge);
    learn_device(f->learn, &p1);
    assert_last(f, 1, FACT_PORT, "p1");
    assert_true(mac_is_equal(&f->facts[0].mac, &p1.mac));
    assert_true(mac_is_equal(&f->facts[0].bridge_mac, &bridge.mac));
    p1.mac.b[5] = 99;
    learn_device(f->learn, &p1);
    assert_last(f, 2, FACT_PORT, "p1");
    assert_true(mac_is_equal(&f->facts[1].mac, &p1.mac));
    bridge.mac.b[5] = 98;
    learn_device(f->learn, &bridge);
    assert_last(f, 3, FACT_PORT, "p1");
    assert_true(mac_is_equal(&f->facts[2].bridge_mac, &bridge.mac));
    assert_int_equal(f->event_count, 2); /* the datapath has nothing to do with it */
    const struct wire_facts sent = {
        .switch_name = "edge-1", .sequence = 1, .facts = f->facts, .fact_count = 3};
    struct wire_facts got;
    struct codec_error error;
    cJSON *json = wire_encode(WIRE_FACTS, &sent);
    assert_int_equal(wire_decode(WIRE_FACTS, json, &got, &error), 0);
    cJSON_Delete(json);
    assert_int_equal(got.fact_count, 3);
    assert_true(mac_is_equal(&got.facts[2].mac, &p1.mac));
    assert_true(mac_is_equal(&got.facts[2].bridge_mac, &bridge.mac));
    wire_fini(WIRE_FACTS, &got);
}

static void
links_go_down_and_up(void **state)
{
    struct fixture *f = *state;
    bridge_with_two_ports(f);
    struct kernel_device p1 = device(1, "p1", BRIDGE, false);
    learn_device(f->learn, &p1);
    assert_last(f, 2, FACT_LINK_DOWN, "p1");
    assert_int_equal(f->facts[0].kind, FACT_PORT);
    assert_int_equal(f->event_count, 1);
    assert_false(f->events[0].port.is_up);
    p1.is_up = true;
    learn_device(f->learn, &p1);
    assert_last(f, 4, FACT_LINK_UP, "p1");
    assert_true(f->events[1].port.is_up);
}

static void
ports_leave(void **state)
{
    struct fixture *f = *state;
    struct learn_port ports[4];
    bridge_with_two_ports(f);
    struct kernel_device p1 = device(1, "p1", 0, true), p2 = device(2, "p2", BRIDGE, true);
    learn_device(f->learn, &p1); /* taken out of the bridge */
    assert_last(f, 1, FACT_PORT_GONE, "p1");
    assert_true(f->events[0].is_gone);
    assert_int_equal(learn_ports(f->learn, ports, 4), 1);
    assert_string_equal(ports[0].name, "p2");
    p2.is_gone = true;
    learn_device(f->learn, &p2);
    assert_last(f, 2, FACT_PORT_GONE, "p2");
    assert_int_equal(learn_ports(f->learn, ports, 4), 0);
    learn_device(f->learn, &p2); /* gone already */
    assert_int_equal(f->fact_count, 2);
}

/* A port that the settings name gets its blocks before it joins the bridge. */
static void
named_ports_are_known_before_they_join(void **state)
{
    struct fixture *f = *state;
    struct learn_port port;
    struct kernel_device bridge = device(BRIDGE, "br0", 0, true);
    struct kernel_device uplink = device(3, "up0", 0, false);
    learn_device(f->learn, &uplink);
    assert_int_equal(f->event_count, 1);
    assert_int_equal(f->events[0].port.role, PORT_UPLINK);
    assert_int_equal(f->fact_count, 0);
    assert_true(learn_named_port(f->learn, "up0", &port));
    assert_int_equal(port.ifindex, 3);
    assert_false(learn_named_port(f->learn, "srv0", &port));
    assert_int_equal(learn_ports(f->learn, &port, 1), 0);
    learn_device(f->learn, &bridge);
    uplink.master = BRIDGE;
    learn_device(f->learn, &uplink);
    assert_last(f, 1, FACT_PORT, "up0");
    assert_int_equal(f->facts[0].role, PORT_UPLINK);
}

static void
macs_are_told_once_and_again_after_a_minute(void **state)
{
    struct fixture *f = *state;
    bridge_with_two_ports(f);
    see_mac(f, 1, 7, 5, false);
    assert_last(f, 1, FACT_MAC, "p1");
    assert_int_equal(f->facts[0].vlan, 5);
    assert_int_equal(f->facts[0].mac.b[5], 7);
    see_mac(f, 1, 7, 5, false);
    clock_fake_advance(&f->clock, 59 * SECOND_US);
    see_mac(f, 1, 7, 5, false);
    assert_int_equal(f->fact_count, 1);
    clock_fake_advance(&f->clock, SECOND_US);
    see_mac(f, 1, 7, 5, false);
    assert_last(f, 2, FACT_MAC, "p1");
    see_mac(f, 1, 7, 6, false); /* the same in another VLAN */
    assert_last(f, 3, FACT_MAC, "p1");
    see_mac(f, 2, 7, 5, false); /* it moved */
    assert_last(f, 4, FACT_MAC, "p2");
    see_mac(f, 1, 7, 5, true); /* the old entry goes: no news of the new place */
    assert_int_equal(f->fact_count, 4);
    see_mac(f, 2, 7, 5, true);
    assert_last(f, 5, FACT_MAC_AGED, "p2");
    see_mac(f, 2, 7, 5, true);
    assert_int_equal(f->fact_count, 5);
}

/* The bridge keeps an entry for minutes: one that says nothing new is not told as if it did. */
static void
an_entry_is_as_old_as_what_was_heard(void **state)
{
    struct fixture *f = *state;
    struct kernel_neighbour there = {.ifindex = 1, .mac = {{2, 0, 0, 0, 0, 7}}};
    bridge_with_two_ports(f);
    learn_neighbour(f->learn, &there);
    assert_last(f, 1, FACT_MAC, "p1");
    clock_fake_advance(&f->clock, 100 * SECOND_US);
    there.ago_us = 100 * SECOND_US; /* a dump: nothing came since */
    learn_neighbour(f->learn, &there);
    assert_int_equal(f->fact_count, 1);
    there.ago_us = 30 * SECOND_US;
    learn_neighbour(f->learn, &there);
    assert_int_equal(f->fact_count, 2);
    assert_int_equal(f->facts[1].seen_us, clock_wall_us(&f->clock.clock) - 30 * SECOND_US);
    there.ifindex = 2; /* read before it moved to p1, come behind the word that it did */
    there.ago_us = 50 * SECOND_US;
    learn_neighbour(f->learn, &there);
    assert_int_equal(f->fact_count, 2);
    there.ago_us = 0;
    learn_neighbour(f->learn, &there);
    assert_last(f, 3, FACT_MAC, "p2");
    clock_fake_advance(&f->clock, 20 * SECOND_US); /* nor is it news to a controller that comes */
    forget(f);
    learn_report(f->learn, on_fact, f);
    const struct fact *last = &f->facts[f->fact_count - 1];
    assert_int_equal(last->kind, FACT_MAC);
    assert_int_equal(last->seen_us, clock_wall_us(&f->clock.clock) - 20 * SECOND_US);
}

static void
keep_neighbour(void *context, const struct kernel_neighbour *neighbour)
{
    *(struct kernel_neighbour *)context = *neighbour;
}

static void
how_old_an_entry_is_is_read(void **state)
{
    (void)state;
    struct {
        struct nlmsghdr head;
        struct ndmsg info;
        struct rtattr mac_head;
        uint8_t mac[8]; /* and two of padding */
        struct rtattr ages_head;
        struct nda_cacheinfo ages;
    } message = {.head = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWNEIGH},
                 .info = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 4},
                 .mac_head = {.rta_len = sizeof(struct rtattr) + 6, .rta_type = NDA_LLADDR},
                 .mac = {2, 0, 0, 0, 0, 7},
                 .ages_head = {.rta_len = sizeof(struct rtattr) + sizeof(struct nda_cacheinfo),
                               .rta_type = NDA_CACHEINFO},
                 .ages = {.ndm_used = 9000, .ndm_updated = 250}};
    struct kernel_neighbour found = {.ifindex = 0};
    const struct kernel_messages_handler handler = {.on_neighbour = keep_neighbour,
                                                    .context = &found};
    kernel_messages_read(&message, sizeof(message), &handler);
    assert_int_equal(found.ifindex, 4);
    assert_int_equal(found.ago_us, 2500000);
    message.ages.ndm_updated = UINT32_MAX;
    kernel_messages_read(&message, sizeof(message), &handler);
    assert_int_equal(found.ago_us, UINT32_MAX * INT64_C(10000));
    /* What somebody entered is not refreshed by frames: its age says nothing. */
    message.info.ndm_state = NUD_NOARP;
    kernel_messages_read(&message, sizeof(message), &handler);
    assert_int_equal(found.ago_us, 0);
    message.info.ndm_state = NUD_REACHABLE;
    message.info.ndm_flags = NTF_MASTER;
    kernel_messages_read(&message, sizeof(message), &handler);
    assert_int_equal(found.ago_us, UINT32_MAX * INT64_C(10000));
    message.info.ndm_flags = NTF_MASTER | NTF_EXT_LEARNED;
    kernel_messages_read(&message, sizeof(message), &handler);
    assert_int_equal(found.ago_us, 0);
    assert_false(found.is_local);
}

static void
our_own_macs_are_no_news(void **state)
{
    struct fixture *f = *state;
    bridge_with_two_ports(f);
    struct kernel_neighbour neighbour = {.ifindex = 1, .mac = {{2, 1, 1, 1, 1, 1}}};
    neighbour.is_local = true;
    learn_neighbour(f->learn, &neighbour);
    neighbour.is_local = false;
    neighbour.mac = device(1, "p1", 0, true).mac; /* the port's */
    learn_neighbour(f->learn, &neighbour);
    see_mac(f, 9, 7, 0, false); /* on a port that is not ours */
    assert_int_equal(f->fact_count, 0);
}

/* 2000 new ones a second from one port; the others are heard all the same. */
static void
a_flood_of_macs_is_bounded_per_port(void **state)
{
    struct fixture *f = *state;
    bridge_with_two_ports(f);
    for (uint32_t i = 0; i < 3000; i++) {
        see_mac(f, 1, i, 0, false);
    }
    assert_int_equal(f->fact_count, 2000);
    assert_int_equal(learn_lost(f->learn), 1000);
    see_mac(f, 2, 5000, 0, false);
    assert_int_equal(f->fact_count, 2001);
    clock_fake_advance(&f->clock, SECOND_US);
    see_mac(f, 1, 6000, 0, false);
    assert_int_equal(f->fact_count, 2002);
}

static void
macs_are_bounded_in_all(void **state)
{
    struct fixture *f = *state;
    bridge_with_two_ports(f);
    for (uint32_t i = 0; i < LEARN_MACS_MAX + 100; i++) {
        see_mac(f, 1, i, 0, false);
        clock_fake_advance(&f->clock, 1000);
    }
    assert_int_equal(f->fact_count, LEARN_MACS_MAX);
    assert_int_equal(learn_lost(f->learn), 100);
    see_mac(f, 1, 0, 0, true); /* one goes: there is room for another */
    see_mac(f, 1, LEARN_MACS_MAX + 500, 0, false);
    assert_int_equal(f->fact_count, LEARN_MACS_MAX + 2);
}

static void
ports_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct kernel_device bridge = device(1000, "br0", 0, true);
    learn_device(f->learn, &bridge);
    for (int i = 1; i <= LEARN_PORTS_MAX + 1; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        struct kernel_device port = device(i, name, 1000, true);
        learn_device(f->learn, &port);
    }
    assert_int_equal(f->fact_count, LEARN_PORTS_MAX);
    assert_int_equal(learn_lost(f->learn), 1);
    assert_null(learn_port_name(f->learn, LEARN_PORTS_MAX + 1));
}

static void
count_fact(void *context, const struct fact *fact)
{
    size_t *counts = context;
    counts[fact->kind]++;
}

static size_t
reported(const struct fixture *f, enum fact_kind kind)
{
    size_t counts[FACT_KIND_COUNT] = {0};
    learn_report(f->learn, count_fact, counts);
    return counts[kind];
}

static void
snoop_arp(struct fixture *f, int ifindex, const char *mac, const char *ip)
{
    struct frame frame;
    const struct hosts hosts = {mac, "ff:ff:ff:ff:ff:ff", ip, "192.0.2.254"};
    frame_arp(&frame, &hosts, 1);
    learn_snoop(f->learn, ifindex, 5, frame.b, frame.size);
}

static void
snooped_frames_become_bindings(void **state)
{
    struct fixture *f = *state;
    struct mac mac, expected = mac_of_text("02:00:00:00:00:08");
    struct ip ip = ip_of_text("192.0.2.1");
    bridge_with_two_ports(f);
    assert_false(learn_mac_of(f->learn, &ip, &mac));
    snoop_arp(f, 1, "02:00:00:00:00:07", "192.0.2.1");
    assert_last(f, 1, FACT_BINDING, "p1");
    assert_int_equal(f->facts[0].vlan, 5);
    assert_int_equal(f->facts[0].source, BINDING_ARP);
    assert_true(ip_is_equal(&f->facts[0].ip, &ip));
    snoop_arp(f, 2, "02:00:00:00:00:08", "192.0.2.1"); /* the newest counts */
    assert_true(learn_mac_of(f->learn, &ip, &mac));
    assert_true(mac_is_equal(&mac, &expected));
    snoop_arp(f, 9, "02:00:00:00:00:09", "192.0.2.9"); /* no port of ours */
    assert_int_equal(f->fact_count, 2);
    learn_snoop(f->learn, 1, 0, (const uint8_t *)"short", 5);
    assert_int_equal(f->fact_count, 2);
}

static struct ip
snoop_numbered(struct fixture *f, int ifindex, uint32_t number)
{
    char ip[32];
    snprintf(ip, sizeof(ip), "10.%u.%u.%u", number >> 16, number >> 8 & 255, number & 255);
    snoop_arp(f, ifindex, "02:00:00:00:00:07", ip);
    return ip_of_text(ip);
}

/* Forged ARP of one access port pushes out what that port said before, and nobody else's. */
static void
bindings_of_an_access_port_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct mac mac;
    struct ip known = ip_of_text("192.0.2.2"), others = ip_of_text("192.0.2.1"), last = known;
    bridge_with_two_ports(f);
    snoop_arp(f, 2, "02:00:00:00:00:08", "192.0.2.1");
    snoop_arp(f, 1, "02:00:00:00:00:09", "192.0.2.2");
    struct ip first = snoop_numbered(f, 1, 1);
    for (uint32_t i = 2; i < LEARN_PORT_BINDINGS_MAX; i++) {
        snoop_numbered(f, 1, i);
    }
    assert_int_equal(learn_bindings_dropped(f->learn), 0);
    snoop_arp(f, 1, "02:00:00:00:00:09", "192.0.2.2"); /* it is still in use */
    for (uint32_t i = 0; i < 10; i++) {
        last = snoop_numbered(f, 1, LEARN_PORT_BINDINGS_MAX + i);
    }
    assert_int_equal(f->fact_count, LEARN_PORT_BINDINGS_MAX + 12); /* all were told */
    assert_int_equal(learn_bindings_dropped(f->learn), 10);
    assert_int_equal(learn_lost(f->learn), 0);
    assert_true(learn_mac_of(f->learn, &last, &mac));
    assert_true(learn_mac_of(f->learn, &known, &mac));
    assert_true(learn_mac_of(f->learn, &others, &mac));
    assert_false(learn_mac_of(f->learn, &first, &mac));
}

/* Behind an uplink there may be everybody: there the table's room is the limit, and then what was
 * silent for longest goes. */
static void
bindings_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct mac mac;
    struct kernel_device uplink = device(3, "up0", BRIDGE, true);
    bridge_with_two_ports(f);
    learn_device(f->learn, &uplink);
    forget(f);
    struct ip first = snoop_numbered(f, 3, 1), last = first;
    for (uint32_t i = 2; i <= LEARN_BINDINGS_MAX + 10; i++) {
        clock_fake_advance(&f->clock, 1000);
        last = snoop_numbered(f, 3, i);
    }
    assert_int_equal(f->fact_count, LEARN_BINDINGS_MAX + 10);
    assert_int_equal(learn_bindings_dropped(f->learn), 10);
    assert_true(learn_mac_of(f->learn, &last, &mac));
    assert_false(learn_mac_of(f->learn, &first, &mac));
    snoop_arp(f, 1, "02:00:00:00:00:08", "192.0.2.1"); /* a new one has room all the same */
    last = ip_of_text("192.0.2.1");
    assert_true(learn_mac_of(f->learn, &last, &mac));
    assert_int_equal(mac.b[5], 8);
}

static void
idle_bindings_are_forgotten(void **state)
{
    struct fixture *f = *state;
    struct mac mac;
    struct ip idle = ip_of_text("192.0.2.1"), busy = ip_of_text("192.0.2.2");
    bridge_with_two_ports(f);
    snoop_arp(f, 1, "02:00:00:00:00:07", "192.0.2.1");
    snoop_arp(f, 1, "02:00:00:00:00:08", "192.0.2.2");
    clock_fake_advance(&f->clock, 3 * 3600 * SECOND_US);
    snoop_arp(f, 1, "02:00:00:00:00:08", "192.0.2.2");
    clock_fake_advance(&f->clock, 3600 * SECOND_US);
    learn_tick(f->learn);
    assert_true(learn_mac_of(f->learn, &idle, &mac));
    clock_fake_advance(&f->clock, SECOND_US);
    learn_tick(f->learn);
    assert_false(learn_mac_of(f->learn, &idle, &mac));
    assert_true(learn_mac_of(f->learn, &busy, &mac));
    assert_int_equal(learn_bindings_dropped(f->learn), 0); /* its time was over */
}

/* A contained endpoint's frames tell its address once, and keep it in use. */
static void
the_source_of_a_frame_is_a_binding(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    struct mac mac;
    struct ip ip = ip_of_text("192.0.2.1");
    const struct hosts hosts = {"02:00:00:00:00:07", "02:00:00:00:00:08", "192.0.2.1",
                                "192.0.2.254"};
    bridge_with_two_ports(f);
    frame_udp(&frame, &hosts, 1000, 53, "", 0);
    learn_source(f->learn, 1, 5, frame.b, frame.size);
    assert_last(f, 1, FACT_BINDING, "p1");
    assert_int_equal(f->facts[0].source, BINDING_ARP);
    assert_true(learn_mac_of(f->learn, &ip, &mac));
    clock_fake_advance(&f->clock, 3 * 3600 * SECOND_US);
    learn_source(f->learn, 1, 5, frame.b, frame.size);
    assert_int_equal(f->fact_count, 1);
    clock_fake_advance(&f->clock, 3 * 3600 * SECOND_US);
    learn_tick(f->learn);
    assert_true(learn_mac_of(f->learn, &ip, &mac));
    learn_source(f->learn, 2, 5, frame.b, frame.size);
    assert_last(f, 2, FACT_BINDING, "p2");
}

/* What was known of a port that left makes room, and says nothing when the port is back. */
static void
a_port_that_left_takes_along_what_was_behind_it(void **state)
{
    struct fixture *f = *state;
    struct mac mac;
    struct ip ip = ip_of_text("192.0.2.1");
    bridge_with_two_ports(f);
    for (uint32_t i = 0; i < LEARN_MACS_MAX; i++) {
        see_mac(f, 1, i, 0, false);
        clock_fake_advance(&f->clock, 1000);
    }
    snoop_arp(f, 1, "02:00:00:00:00:07", "192.0.2.1");
    struct kernel_device p1 = device(1, "p1", 0, true);
    learn_device(f->learn, &p1);
    assert_false(learn_mac_of(f->learn, &ip, &mac));
    for (uint32_t i = 0; i < 1000; i++) {
        see_mac(f, 2, LEARN_MACS_MAX + i, 0, false);
    }
    assert_int_equal(learn_lost(f->learn), 0);
    p1.master = BRIDGE;
    learn_device(f->learn, &p1);
    assert_int_equal(reported(f, FACT_MAC), 1000);
    assert_int_equal(reported(f, FACT_BINDING), 0);
}

/* It keeps its programs (it is not gone), but it is no port of the switch any more. */
static void
a_named_port_leaves_and_comes_back(void **state)
{
    struct fixture *f = *state;
    struct learn_port port;
    struct kernel_device uplink = device(3, "up0", BRIDGE, true);
    bridge_with_two_ports(f);
    learn_device(f->learn, &uplink);
    see_mac(f, 3, 7, 0, false);
    forget(f);
    uplink.master = 55; /* into another bridge */
    learn_device(f->learn, &uplink);
    assert_last(f, 1, FACT_PORT_GONE, "up0");
    assert_int_equal(f->event_count, 1);
    assert_false(f->events[0].is_gone);
    assert_true(f->events[0].port.has_left);
    assert_int_equal(f->events[0].port.number, 0);
    assert_int_equal(reported(f, FACT_MAC), 0);
    learn_device(f->learn, &uplink); /* said once */
    assert_int_equal(f->fact_count + f->event_count, 2);
    uplink.master = BRIDGE;
    learn_device(f->learn, &uplink);
    assert_last(f, 2, FACT_PORT, "up0");
    assert_false(f->events[1].port.has_left);
    assert_int_equal(f->events[1].port.number, 1003);
    uplink.master = 0;
    learn_device(f->learn, &uplink);
    struct kernel_device bridge = device(BRIDGE, "br0", 0, true);
    bridge.is_gone = true;
    learn_device(f->learn, &bridge); /* so that was why: into the next one with it */
    assert_true(learn_named_port(f->learn, "up0", &port));
    assert_false(port.has_left);
    forget(f);
    uplink.is_gone = true;
    learn_device(f->learn, &uplink);
    assert_int_equal(f->fact_count, 0); /* told already */
    assert_true(f->events[0].is_gone);
}

static void
held_macs_are_told(void **state)
{
    struct fixture *f = *state;
    struct mac mac = mac_of_text("02:00:00:00:00:07");
    bridge_with_two_ports(f);
    learn_held_mac(f->learn, 2, 5, &mac);
    assert_last(f, 1, FACT_HELD_MAC, "p2");
    assert_true(mac_is_equal(&f->facts[0].mac, &mac));
    assert_int_equal(f->facts[0].vlan, 5);
    learn_held_mac(f->learn, 9, 5, &mac);
    assert_int_equal(f->fact_count, 1);
}

static void
neighbours_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct lldp_neighbour neighbour = {.chassis = "02:00:00:00:00:99",
                                       .port = "p7",
                                       .system_name = "edge-2",
                                       .ttl_s = 10,
                                       .is_bridge = true};
    bridge_with_two_ports(f);
    learn_lldp(f->learn, 9, &neighbour);
    assert_int_equal(f->fact_count, 0);
    learn_lldp(f->learn, 1, &neighbour);
    assert_last(f, 1, FACT_NEIGHBOUR, "p1");
    assert_string_equal(f->facts[0].neighbour_name, "edge-2");
    assert_string_equal(f->facts[0].neighbour_chassis, "02:00:00:00:00:99");
    assert_string_equal(f->facts[0].neighbour_port, "p7");
    assert_true(f->facts[0].neighbour_is_bridge);
    clock_fake_advance(&f->clock, 10 * SECOND_US);
    learn_tick(f->learn);
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 1);
    clock_fake_advance(&f->clock, SECOND_US);
    learn_tick(f->learn);
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 0);
    learn_lldp(f->learn, 1, &neighbour);
    neighbour.ttl_s = 0; /* good-bye */
    learn_lldp(f->learn, 1, &neighbour);
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 0);
    neighbour.ttl_s = 10;
    learn_lldp(f->learn, 1, &neighbour);
    struct kernel_device p1 = device(1, "p1", BRIDGE, false);
    learn_device(f->learn, &p1); /* whoever comes next may be another */
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 0);
}

static void
a_report_tells_everything(void **state)
{
    struct fixture *f = *state;
    struct lldp_neighbour neighbour = {.chassis = "c", .port = "p", .ttl_s = 10};
    bridge_with_two_ports(f);
    see_mac(f, 1, 7, 0, false);
    see_mac(f, 2, 8, 0, false);
    see_mac(f, 2, 9, 0, false);
    see_mac(f, 2, 9, 0, true);
    snoop_arp(f, 1, "02:00:00:00:00:07", "192.0.2.1");
    learn_lldp(f->learn, 2, &neighbour);
    assert_int_equal(reported(f, FACT_PORT), 2);
    assert_int_equal(reported(f, FACT_MAC), 2);
    assert_int_equal(reported(f, FACT_BINDING), 1);
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 1);
    struct kernel_device p2 = device(2, "p2", 0, true);
    learn_device(f->learn, &p2);
    assert_int_equal(reported(f, FACT_PORT), 1);
    assert_int_equal(reported(f, FACT_MAC), 1);
    assert_int_equal(reported(f, FACT_NEIGHBOUR), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(devices_become_ports),
        TEST(ports_tell_the_switchs_own_macs),
        TEST(links_go_down_and_up),
        TEST(ports_leave),
        TEST(named_ports_are_known_before_they_join),
        TEST(macs_are_told_once_and_again_after_a_minute),
        TEST(our_own_macs_are_no_news),
        TEST(a_flood_of_macs_is_bounded_per_port),
        TEST(macs_are_bounded_in_all),
        TEST(ports_are_bounded),
        TEST(snooped_frames_become_bindings),
        TEST(bindings_of_an_access_port_are_bounded),
        TEST(bindings_are_bounded),
        TEST(idle_bindings_are_forgotten),
        TEST(the_source_of_a_frame_is_a_binding),
        TEST(a_port_that_left_takes_along_what_was_behind_it),
        TEST(a_named_port_leaves_and_comes_back),
        TEST(held_macs_are_told),
        TEST(an_entry_is_as_old_as_what_was_heard),
        TEST(how_old_an_entry_is_is_read),
        TEST(neighbours_come_and_go),
        TEST(a_report_tells_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
