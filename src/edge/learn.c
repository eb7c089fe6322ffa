#include "edge/learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "edge/snoop.h"

#define STILL_THERE_US (60 * 1000000LL) /* how often an unchanged MAC is reported again */
#define PORT_EVENTS_PER_S 2000 /* new MACs of one port: a flood must not drown the others */

struct port {
    struct learn_port as; /* what others see */
    bool is_member; /* of our bridge */
    bool has_neighbour;
    struct lldp_neighbour neighbour;
    int64_t neighbour_until_us; /* boot clock */
    int64_t second_us;
    uint32_t events; /* in this second */
};

struct seen_mac {
    struct hmap_node node;
    struct mac mac;
    uint16_t vlan;
    int ifindex;
    int64_t told_us; /* boot clock */
};

struct seen_ip {
    struct hmap_node node;
    struct ip ip;
    struct mac mac;
    int ifindex;
    uint16_t vlan;
    enum binding_source source;
};

struct learn {
    const struct edge_settings *settings;
    const struct clock *clock;
    struct learn_handler handler;
    struct port ports[LEARN_PORTS_MAX];
    size_t port_count;
    int bridge;
    struct mac bridge_mac;
    struct hmap macs, ips;
    struct pool *mac_pool, *ip_pool;
    uint64_t lost;
};

struct learn *
learn_new(const struct edge_settings *settings, const struct clock *clock,
          const struct learn_handler *handler)
{
    struct learn *learn = MEM_NEW(struct learn);
    learn->settings = settings;
    learn->clock = clock;
    learn->handler = *handler;
    hmap_init(&learn->macs);
    hmap_init(&learn->ips);
    learn->mac_pool = pool_new(sizeof(struct seen_mac), LEARN_MACS_MAX);
    learn->ip_pool = pool_new(sizeof(struct seen_ip), LEARN_BINDINGS_MAX);
    return learn;
}

void
learn_free(struct learn *learn)
{
    if (learn) {
        hmap_fini(&learn->macs);
        hmap_fini(&learn->ips);
        pool_free(learn->mac_pool);
        pool_free(learn->ip_pool);
        free(learn);
    }
}

static struct port *
port_find(const struct learn *learn, int ifindex)
{
    for (size_t i = 0; i < learn->port_count; i++) {
        if (learn->ports[i].as.ifindex == ifindex) {
            return (struct port *)(uintptr_t)&learn->ports[i];
        }
    }
    return NULL;
}

static struct port *
member_find(const struct learn *learn, int ifindex)
{
    struct port *port = port_find(learn, ifindex);
    return port && port->is_member ? port : NULL;
}

static void
tell(struct learn *learn, struct fact *fact, const struct port *port)
{
    fact->seen_us = clock_wall_us(learn->clock);
    snprintf(fact->port, sizeof(fact->port), "%s", port->as.name);
    learn->handler.on_fact(learn->handler.context, fact);
}

static void
port_fact(const struct port *port, struct fact *fact)
{
    *fact = (struct fact){.kind = FACT_PORT,
                          .port_number = port->as.number,
                          .role = port->as.role,
                          .is_up = port->as.is_up};
}

static void
port_tell(struct learn *learn, const struct port *port, enum fact_kind kind)
{
    struct fact fact;
    port_fact(port, &fact);
    fact.kind = kind;
    tell(learn, &fact, port);
}

static void
port_leave(struct learn *learn, struct port *port)
{
    learn->handler.on_port(learn->handler.context, &port->as, true);
    port_tell(learn, port, FACT_PORT_GONE);
    *port = learn->ports[--learn->port_count];
}

static void
port_update(struct learn *learn, struct port *port, const struct kernel_device *device)
{
    bool was_member = port->is_member, was_up = port->as.is_up;
    bool is_new_number = port->as.number != device->port_number;
    port->is_member = device->master == learn->bridge && learn->bridge != 0;
    port->as.number = device->port_number;
    port->as.mac = device->mac;
    port->as.mtu = device->mtu;
    port->as.is_up = device->is_up;
    if (!port->is_member) {
        return;
    }
    if (!was_member || is_new_number || was_up != port->as.is_up) {
        learn->handler.on_port(learn->handler.context, &port->as, false);
        port_tell(learn, port, FACT_PORT);
    }
    if (was_member && was_up != port->as.is_up) {
        port->has_neighbour = port->has_neighbour && port->as.is_up;
        port_tell(learn, port, port->as.is_up ? FACT_LINK_UP : FACT_LINK_DOWN);
    }
}

/* Is it a port that the settings name, whether it is in the bridge now or not? */
static bool
is_named(const struct learn *learn, const char *name)
{
    for (size_t i = 0; i < learn->settings->port_count; i++) {
        if (strcmp(learn->settings->ports[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
bridge_update(struct learn *learn, const struct kernel_device *device)
{
    learn->bridge = device->is_gone ? 0 : device->ifindex;
    learn->bridge_mac = device->mac;
}

void
learn_device(struct learn *learn, const struct kernel_device *device)
{
    if (strcmp(device->name, learn->settings->bridge) == 0) {
        bridge_update(learn, device);
        return;
    }
    struct port *port = port_find(learn, device->ifindex);
    bool is_member = learn->bridge != 0 && device->master == learn->bridge;
    bool is_wanted = is_member || is_named(learn, device->name);
    if (port && (device->is_gone || !is_wanted)) {
        port_leave(learn, port);
        return;
    }
    if (!is_wanted || device->is_gone) {
        return;
    }
    if (!port) {
        if (learn->port_count == LEARN_PORTS_MAX) {
            learn->lost++;
            log_error("learn", "more ports than can be managed", LOG_S("port", device->name));
            return;
        }
        port = &learn->ports[learn->port_count++];
        *port = (struct port){.as = {.ifindex = device->ifindex,
                                     .role = settings_role_of(learn->settings, device->name)}};
        snprintf(port->as.name, sizeof(port->as.name), "%s", device->name);
        /* Named ports get their blocks before they join the bridge, or come up in it. */
        port->as.is_up = device->is_up;
        learn->handler.on_port(learn->handler.context, &port->as, false);
    }
    port_update(learn, port, device);
}

static uint64_t
mac_hash(const struct mac *mac, uint16_t vlan)
{
    uint8_t key[8];
    memcpy(key, mac->b, 6);
    memcpy(key + 6, &vlan, 2);
    return hash_bytes(key, sizeof(key));
}

static struct seen_mac *
mac_find(const struct learn *learn, const struct mac *mac, uint16_t vlan)
{
    HMAP_FOR_EACH_HASH(seen, struct seen_mac, node, mac_hash(mac, vlan), &learn->macs)
    {
        if (mac_is_equal(&seen->mac, mac) && seen->vlan == vlan) {
            return seen;
        }
    }
    return NULL;
}

/* At most PORT_EVENTS_PER_S a second from one port; the rest is found by the next dump. */
static bool
has_budget(struct learn *learn, struct port *port)
{
    int64_t now = clock_boot_us(learn->clock);
    if (now - port->second_us >= 1000000) {
        port->second_us = now;
        port->events = 0;
    }
    if (port->events >= PORT_EVENTS_PER_S) {
        learn->lost++;
        return false;
    }
    port->events++;
    return true;
}

static void
mac_forget(struct learn *learn, struct seen_mac *seen)
{
    hmap_remove(&learn->macs, &seen->node);
    pool_give(learn->mac_pool, seen);
}

void
learn_neighbour(struct learn *learn, const struct kernel_neighbour *neighbour)
{
    struct port *port = member_find(learn, neighbour->ifindex);
    if (!port || neighbour->is_local || mac_is_equal(&neighbour->mac, &port->as.mac)) {
        return;
    }
    struct seen_mac *seen = mac_find(learn, &neighbour->mac, neighbour->vlan);
    int64_t now = clock_boot_us(learn->clock);
    struct fact fact = {.kind = neighbour->is_gone ? FACT_MAC_AGED : FACT_MAC,
                        .mac = neighbour->mac,
                        .vlan = neighbour->vlan};
    if (neighbour->is_gone) {
        if (seen && seen->ifindex == neighbour->ifindex) {
            mac_forget(learn, seen);
            tell(learn, &fact, port);
        }
        return;
    }
    bool is_news = !seen || seen->ifindex != neighbour->ifindex;
    if (!is_news && now - seen->told_us < STILL_THERE_US) {
        return;
    }
    if (is_news && !has_budget(learn, port)) {
        return;
    }
    if (!seen) {
        seen = pool_take(learn->mac_pool);
        if (!seen) {
            learn->lost++;
            return;
        }
        seen->mac = neighbour->mac;
        seen->vlan = neighbour->vlan;
        hmap_insert(&learn->macs, &seen->node, mac_hash(&seen->mac, seen->vlan));
    }
    seen->ifindex = neighbour->ifindex;
    seen->told_us = now;
    tell(learn, &fact, port);
}

static struct seen_ip *
ip_find(const struct learn *learn, const struct ip *ip)
{
    HMAP_FOR_EACH_HASH(seen, struct seen_ip, node, hash_bytes(ip, sizeof(*ip)), &learn->ips)
    {
        if (ip_is_equal(&seen->ip, ip)) {
            return seen;
        }
    }
    return NULL;
}

static void
binding_keep(struct learn *learn, const struct fact *fact, int ifindex)
{
    struct seen_ip *seen = ip_find(learn, &fact->ip);
    if (!seen) {
        seen = pool_take(learn->ip_pool);
        if (!seen) {
            learn->lost++;
            return;
        }
        seen->ip = fact->ip;
        hmap_insert(&learn->ips, &seen->node, hash_bytes(&seen->ip, sizeof(seen->ip)));
    }
    seen->mac = fact->mac;
    seen->ifindex = ifindex;
    seen->vlan = fact->vlan;
    seen->source = fact->source;
}

void
learn_snoop(struct learn *learn, int ifindex, uint16_t vlan, const uint8_t *frame, size_t size)
{
    struct fact facts[SNOOP_FACTS_MAX];
    struct port *port = member_find(learn, ifindex);
    size_t count = port ? snoop_parse(frame, size, facts) : 0;
    for (size_t i = 0; i < count; i++) {
        facts[i].vlan = vlan;
        if (facts[i].kind == FACT_BINDING && !ip_is_none(&facts[i].ip)) {
            binding_keep(learn, &facts[i], ifindex);
        }
        tell(learn, &facts[i], port);
    }
}

void
learn_held_mac(struct learn *learn, int ifindex, uint16_t vlan, const struct mac *mac)
{
    struct port *port = member_find(learn, ifindex);
    struct fact fact = {.kind = FACT_HELD_MAC, .mac = *mac, .vlan = vlan};
    if (port) {
        tell(learn, &fact, port);
    }
}

static void
neighbour_fact(const struct port *port, struct fact *fact)
{
    *fact = (struct fact){.kind = FACT_NEIGHBOUR, .neighbour_is_bridge = port->neighbour.is_bridge};
    memcpy(fact->neighbour_name, port->neighbour.system_name, HOST_SIZE);
    memcpy(fact->neighbour_chassis, port->neighbour.chassis, HOST_SIZE);
    memcpy(fact->neighbour_port, port->neighbour.port, HOST_SIZE);
}

void
learn_lldp(struct learn *learn, int ifindex, const struct lldp_neighbour *neighbour)
{
    struct port *port = member_find(learn, ifindex);
    if (!port) {
        return;
    }
    struct fact fact;
    port->has_neighbour = neighbour->ttl_s > 0;
    port->neighbour = *neighbour;
    port->neighbour_until_us = clock_boot_us(learn->clock) + neighbour->ttl_s * 1000000LL;
    if (port->has_neighbour) {
        neighbour_fact(port, &fact);
        tell(learn, &fact, port);
    }
}

void
learn_tick(struct learn *learn)
{
    int64_t now = clock_boot_us(learn->clock);
    for (size_t i = 0; i < learn->port_count; i++) {
        struct port *port = &learn->ports[i];
        if (port->has_neighbour && now > port->neighbour_until_us) {
            port->has_neighbour = false;
        }
    }
}

static void
report_one(const struct learn *learn, const struct port *port, struct fact *fact,
           void (*each)(void *context, const struct fact *fact), void *context)
{
    fact->seen_us = clock_wall_us(learn->clock);
    snprintf(fact->port, sizeof(fact->port), "%s", port->as.name);
    each(context, fact);
}

void
learn_report(const struct learn *learn, void (*each)(void *context, const struct fact *fact),
             void *context)
{
    struct fact fact;
    for (size_t i = 0; i < learn->port_count; i++) {
        const struct port *port = &learn->ports[i];
        if (!port->is_member) {
            continue;
        }
        port_fact(port, &fact);
        report_one(learn, port, &fact, each, context);
        if (port->has_neighbour) {
            neighbour_fact(port, &fact);
            report_one(learn, port, &fact, each, context);
        }
    }
    HMAP_FOR_EACH (seen, struct seen_mac, node, &learn->macs) {
        const struct port *port = member_find(learn, seen->ifindex);
        fact = (struct fact){.kind = FACT_MAC, .mac = seen->mac, .vlan = seen->vlan};
        if (port) {
            report_one(learn, port, &fact, each, context);
        }
    }
    HMAP_FOR_EACH (bound, struct seen_ip, node, &learn->ips) {
        const struct port *port = member_find(learn, bound->ifindex);
        fact = (struct fact){.kind = FACT_BINDING,
                             .mac = bound->mac,
                             .ip = bound->ip,
                             .vlan = bound->vlan,
                             .source = bound->source};
        if (port) {
            report_one(learn, port, &fact, each, context);
        }
    }
}

bool
learn_mac_of(const struct learn *learn, const struct ip *ip, struct mac *mac)
{
    const struct seen_ip *seen = ip_find(learn, ip);
    if (seen) {
        *mac = seen->mac;
    }
    return seen != NULL;
}

int
learn_bridge(const struct learn *learn)
{
    return learn->bridge;
}

const char *
learn_port_name(const struct learn *learn, int ifindex)
{
    const struct port *port = port_find(learn, ifindex);
    return port ? port->as.name : NULL;
}

bool
learn_named_port(const struct learn *learn, const char *name, struct learn_port *port)
{
    for (size_t i = 0; i < learn->port_count; i++) {
        if (strcmp(learn->ports[i].as.name, name) == 0) {
            *port = learn->ports[i].as;
            return true;
        }
    }
    return false;
}

struct mac
learn_bridge_mac(const struct learn *learn)
{
    return learn->bridge_mac;
}

size_t
learn_ports(const struct learn *learn, struct learn_port *ports, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < learn->port_count && count < room; i++) {
        if (learn->ports[i].is_member) {
            ports[count++] = learn->ports[i].as;
        }
    }
    return count;
}

uint64_t
learn_lost(const struct learn *learn)
{
    return learn->lost;
}
