#include "edge/learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "edge/packet.h"
#include "edge/snoop.h"

#define STILL_THERE_US (60 * 1000000LL) /* how often an unchanged MAC is reported again */
#define PORT_EVENTS_PER_S 2000 /* new MACs of one port: a flood must not drown the others */
#define BINDING_IDLE_US (4 * 3600 * 1000000LL) /* as long as topology believes one */

struct port {
    struct learn_port as; /* what others see */
    LIST_HEAD(, seen_mac) macs;
    TAILQ_HEAD(, seen_ip) bindings; /* heard longest ago first */
    size_t binding_count;
    bool is_member; /* of our bridge */
    bool has_neighbour;
    struct lldp_neighbour neighbour;
    int64_t neighbour_until_us; /* boot clock */
    int64_t second_us;
    uint32_t events; /* in this second */
};

struct seen_mac {
    struct hmap_node node;
    LIST_ENTRY(seen_mac) of_port;
    struct port *port;
    struct mac mac;
    uint16_t vlan;
    int64_t told_us;  /* boot clock */
    int64_t heard_us; /* the same: when the bridge last had a frame of it there */
};

struct seen_ip {
    struct hmap_node node;
    TAILQ_ENTRY(seen_ip) of_port;
    struct port *port;
    struct ip ip;
    struct mac mac;
    uint16_t vlan;
    enum binding_source source;
    int64_t heard_us; /* boot clock */
};

struct learn {
    const struct edge_settings *settings;
    const struct clock *clock;
    struct learn_handler handler;
    struct port *ports[LEARN_PORTS_MAX]; /* owned */
    size_t port_count;
    int bridge;
    struct mac bridge_mac;
    struct hmap macs, ips;
    struct pool *mac_pool, *ip_pool;
    uint64_t lost, bindings_dropped;
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
        for (size_t i = 0; i < learn->port_count; i++) {
            free(learn->ports[i]);
        }
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
        if (learn->ports[i]->as.ifindex == ifindex) {
            return learn->ports[i];
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
tell_late(struct learn *learn, struct fact *fact, const struct port *port, int64_t ago_us)
{
    fact->seen_us = clock_wall_us(learn->clock) - ago_us;
    snprintf(fact->port, sizeof(fact->port), "%s", port->as.name);
    learn->handler.on_fact(learn->handler.context, fact);
}

static void
tell(struct learn *learn, struct fact *fact, const struct port *port)
{
    tell_late(learn, fact, port, 0);
}

static void
port_fact(const struct learn *learn, const struct port *port, struct fact *fact)
{
    *fact = (struct fact){.kind = FACT_PORT,
                          .port_number = port->as.number,
                          .role = port->as.role,
                          .mac = port->as.mac,
                          .bridge_mac = learn->bridge_mac,
                          .is_up = port->as.is_up};
}

static void
port_tell(struct learn *learn, const struct port *port, enum fact_kind kind)
{
    struct fact fact;
    port_fact(learn, port, &fact);
    fact.kind = kind;
    tell(learn, &fact, port);
}

static void
mac_forget(struct learn *learn, struct seen_mac *seen)
{
    LIST_REMOVE(seen, of_port);
    hmap_remove(&learn->macs, &seen->node);
    pool_give(learn->mac_pool, seen);
}

static void
binding_forget(struct learn *learn, struct seen_ip *seen)
{
    TAILQ_REMOVE(&seen->port->bindings, seen, of_port);
    seen->port->binding_count--;
    hmap_remove(&learn->ips, &seen->node);
    pool_give(learn->ip_pool, seen);
}

/* That MAC is elsewhere now; so are its addresses. */
static void
bindings_leave(struct learn *learn, struct port *port, const struct mac *mac)
{
    struct seen_ip *next;
    for (struct seen_ip *seen = TAILQ_FIRST(&port->bindings); seen; seen = next) {
        next = TAILQ_NEXT(seen, of_port);
        if (mac_is_equal(&seen->mac, mac)) {
            binding_forget(learn, seen);
        }
    }
}

/* Whatever was behind it may be anywhere now. */
static void
port_empty(struct learn *learn, struct port *port)
{
    while (!LIST_EMPTY(&port->macs)) {
        mac_forget(learn, LIST_FIRST(&port->macs));
    }
    while (!TAILQ_EMPTY(&port->bindings)) {
        binding_forget(learn, TAILQ_FIRST(&port->bindings));
    }
    port->has_neighbour = false;
}

static void
port_remove(struct learn *learn, struct port *port)
{
    bool was_member = port->is_member;
    learn->handler.on_port(learn->handler.context, &port->as, true);
    port_empty(learn, port);
    if (was_member) {
        port_tell(learn, port, FACT_PORT_GONE);
    }
    for (size_t i = 0; i < learn->port_count; i++) {
        if (learn->ports[i] == port) {
            learn->ports[i] = learn->ports[--learn->port_count];
            break;
        }
    }
    free(port);
}

static struct port *
port_add(struct learn *learn, const struct kernel_device *device)
{
    if (learn->port_count == LEARN_PORTS_MAX) {
        learn->lost++;
        log_error("learn", "more ports than can be managed", LOG_S("port", device->name));
        return NULL;
    }
    struct port *port = MEM_NEW(struct port);
    learn->ports[learn->port_count++] = port;
    LIST_INIT(&port->macs);
    TAILQ_INIT(&port->bindings);
    port->as.ifindex = device->ifindex;
    port->as.role = settings_role_of(learn->settings, device->name);
    snprintf(port->as.name, sizeof(port->as.name), "%s", device->name);
    /* Named ports get their blocks before they join the bridge, or come up in it. */
    port->as.is_up = device->is_up;
    learn->handler.on_port(learn->handler.context, &port->as, false);
    return port;
}

/* A named port that is no longer in the bridge: it keeps its programs, for it may come back. */
static void
port_leave(struct learn *learn, struct port *port)
{
    port_empty(learn, port);
    port->as.has_left = true;
    learn->handler.on_port(learn->handler.context, &port->as, false);
    port_tell(learn, port, FACT_PORT_GONE);
}

static void
port_update(struct learn *learn, struct port *port, const struct kernel_device *device)
{
    bool was_member = port->is_member, was_up = port->as.is_up;
    port->is_member = device->master == learn->bridge && learn->bridge != 0;
    uint32_t number = port->is_member ? device->port_number : 0; /* not another bridge's */
    bool is_new_number = port->as.number != number;
    bool is_new_mac = !mac_is_equal(&port->as.mac, &device->mac);
    port->as.number = number;
    port->as.mac = device->mac;
    port->as.mtu = device->mtu;
    port->as.is_up = device->is_up;
    if (!port->is_member) {
        if (was_member) {
            port_leave(learn, port);
        }
        return;
    }
    port->as.has_left = false;
    if (!was_member || is_new_number || was_up != port->as.is_up) {
        learn->handler.on_port(learn->handler.context, &port->as, false);
        port_tell(learn, port, FACT_PORT);
    } else if (is_new_mac) {
        port_tell(learn, port, FACT_PORT);
    }
    if (was_member && was_up != port->as.is_up) {
        port->has_neighbour = port->has_neighbour && port->as.is_up;
        if (!port->as.is_up) {
            port_empty(learn, port);
        }
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
    const int bridge = device->is_gone ? 0 : device->ifindex;
    for (size_t i = 0; bridge != learn->bridge && i < learn->port_count; i++) {
        learn->ports[i]->as.has_left = false; /* the bridge left, not they */
    }
    bool is_new_mac = bridge != 0 && !mac_is_equal(&learn->bridge_mac, &device->mac);
    learn->bridge = bridge;
    learn->bridge_mac = device->mac;
    for (size_t i = 0; is_new_mac && i < learn->port_count; i++) {
        if (learn->ports[i]->is_member) {
            port_tell(learn, learn->ports[i], FACT_PORT);
        }
    }
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
        port_remove(learn, port);
        return;
    }
    if (!is_wanted || device->is_gone) {
        return;
    }
    port = port ? port : port_add(learn, device);
    if (port) {
        port_update(learn, port, device);
    }
}

/* Without the VLAN: whose MAC it is is asked for all of them at once. */
static uint64_t
mac_hash(const struct mac *mac)
{
    return hash_bytes(mac->b, sizeof(mac->b));
}

static struct seen_mac *
mac_find(const struct learn *learn, const struct mac *mac, uint16_t vlan)
{
    HMAP_FOR_EACH_HASH (seen, struct seen_mac, node, mac_hash(mac), &learn->macs) {
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

/* An entry stays in the bridge's table for minutes after its MAC was heard there for the last time:
 * of one that is contained elsewhere by now, whose frames do not come as far as the bridge, too. */
static bool
is_worth_telling(const struct seen_mac *seen, const struct port *port, int64_t heard_us,
                 int64_t now)
{
    if (!seen) {
        return true;
    }
    if (seen->port != port) {
        return heard_us >= seen->heard_us;
    }
    return now - seen->told_us >= STILL_THERE_US && heard_us > seen->told_us;
}

void
learn_neighbour(struct learn *learn, const struct kernel_neighbour *neighbour)
{
    struct port *port = member_find(learn, neighbour->ifindex);
    if (!port || neighbour->is_local || mac_is_equal(&neighbour->mac, &port->as.mac)) {
        return;
    }
    struct seen_mac *seen = mac_find(learn, &neighbour->mac, neighbour->vlan);
    int64_t now = clock_boot_us(learn->clock), heard_us = now - neighbour->ago_us;
    struct fact fact = {.kind = neighbour->is_gone ? FACT_MAC_AGED : FACT_MAC,
                        .mac = neighbour->mac,
                        .vlan = neighbour->vlan};
    if (neighbour->is_gone) {
        if (seen && seen->port == port) {
            mac_forget(learn, seen);
            tell(learn, &fact, port);
        }
        return;
    }
    bool is_news = !seen || seen->port != port;
    if (!is_worth_telling(seen, port, heard_us, now)) {
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
        hmap_insert(&learn->macs, &seen->node, mac_hash(&seen->mac));
    } else {
        LIST_REMOVE(seen, of_port);
        if (seen->port != port && seen->port->as.role == PORT_ACCESS) { /* a short list */
            bindings_leave(learn, seen->port, &seen->mac);
        }
    }
    LIST_INSERT_HEAD(&port->macs, seen, of_port);
    seen->port = port;
    seen->told_us = now;
    seen->heard_us = heard_us;
    tell_late(learn, &fact, port, neighbour->ago_us);
}

static struct seen_ip *
ip_find(const struct learn *learn, const struct ip *ip)
{
    HMAP_FOR_EACH_HASH (seen, struct seen_ip, node, hash_bytes(ip, sizeof(*ip)), &learn->ips) {
        if (ip_is_equal(&seen->ip, ip)) {
            return seen;
        }
    }
    return NULL;
}

/* The binding heard longest ago, of all ports. */
static struct seen_ip *
binding_oldest(const struct learn *learn)
{
    struct seen_ip *oldest = NULL;
    for (size_t i = 0; i < learn->port_count; i++) {
        struct seen_ip *first = TAILQ_FIRST(&learn->ports[i]->bindings);
        oldest = first && (!oldest || first->heard_us < oldest->heard_us) ? first : oldest;
    }
    return oldest;
}

/* Forged ARP pushes out what its own port said, and of others only what was silent for longest. */
static struct seen_ip *
binding_new(struct learn *learn, struct port *port, const struct ip *ip)
{
    bool is_full = port->as.role == PORT_ACCESS && port->binding_count >= LEARN_PORT_BINDINGS_MAX;
    struct seen_ip *old = is_full ? TAILQ_FIRST(&port->bindings)
                          : pool_used(learn->ip_pool) >= LEARN_BINDINGS_MAX ? binding_oldest(learn)
                                                                            : NULL;
    if (old) {
        learn->bindings_dropped++;
        binding_forget(learn, old);
    }
    struct seen_ip *seen = pool_take(learn->ip_pool);
    if (seen) {
        seen->ip = *ip;
        hmap_insert(&learn->ips, &seen->node, hash_bytes(&seen->ip, sizeof(seen->ip)));
    }
    return seen;
}

static void
binding_keep(struct learn *learn, struct port *port, const struct fact *fact)
{
    struct seen_ip *seen = ip_find(learn, &fact->ip);
    if (seen && seen->port != port) {
        binding_forget(learn, seen); /* the newest claim counts */
        seen = NULL;
    }
    if (seen) {
        TAILQ_REMOVE(&port->bindings, seen, of_port);
        port->binding_count--;
    } else {
        seen = binding_new(learn, port, &fact->ip);
    }
    if (!seen) {
        learn->lost++;
        return;
    }
    seen->port = port;
    seen->mac = fact->mac;
    seen->vlan = fact->vlan;
    seen->source = fact->source;
    seen->heard_us = clock_boot_us(learn->clock);
    TAILQ_INSERT_TAIL(&port->bindings, seen, of_port);
    port->binding_count++;
}

static void
bindings_age(struct learn *learn, struct port *port, int64_t now)
{
    struct seen_ip *oldest;
    while ((oldest = TAILQ_FIRST(&port->bindings)) && now - oldest->heard_us > BINDING_IDLE_US) {
        binding_forget(learn, oldest);
    }
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
            binding_keep(learn, port, &facts[i]);
        }
        tell(learn, &facts[i], port);
    }
}

void
learn_source(struct learn *learn, int ifindex, uint16_t vlan, const uint8_t *frame, size_t size)
{
    struct packet packet;
    struct port *port = member_find(learn, ifindex);
    if (!port || !packet_parse(frame, size, &packet) || ip_is_none(&packet.src) ||
        ip_is_group(&packet.src) || mac_is_group(&packet.src_mac)) {
        return;
    }
    const struct seen_ip *seen = ip_find(learn, &packet.src);
    bool is_news = !seen || !mac_is_equal(&seen->mac, &packet.src_mac) || seen->port != port;
    struct fact fact = {.kind = FACT_BINDING,
                        .mac = packet.src_mac,
                        .ip = packet.src,
                        .vlan = vlan,
                        .source = ip_is_v4(&packet.src) ? BINDING_ARP : BINDING_ND};
    binding_keep(learn, port, &fact); /* also what is known: it is in use */
    if (is_news) {
        tell(learn, &fact, port);
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
        struct port *port = learn->ports[i];
        bindings_age(learn, port, now);
        if (port->has_neighbour && now > port->neighbour_until_us) {
            port->has_neighbour = false;
        }
    }
}

/* 'ago_us': since it was seen; what is old must not look like news to a controller that starts. */
static void
report_one(const struct learn *learn, const struct port *port, struct fact *fact, int64_t ago_us,
           void (*each)(void *context, const struct fact *fact), void *context)
{
    fact->seen_us = clock_wall_us(learn->clock) - ago_us;
    snprintf(fact->port, sizeof(fact->port), "%s", port->as.name);
    each(context, fact);
}

void
learn_report(const struct learn *learn, void (*each)(void *context, const struct fact *fact),
             void *context)
{
    struct fact fact;
    int64_t now_us = clock_boot_us(learn->clock);
    for (size_t i = 0; i < learn->port_count; i++) {
        const struct port *port = learn->ports[i];
        if (!port->is_member) {
            continue;
        }
        port_fact(learn, port, &fact);
        report_one(learn, port, &fact, 0, each, context);
        if (port->has_neighbour) {
            neighbour_fact(port, &fact);
            report_one(learn, port, &fact, 0, each, context);
        }
    }
    HMAP_FOR_EACH (seen, struct seen_mac, node, &learn->macs) {
        fact = (struct fact){.kind = FACT_MAC, .mac = seen->mac, .vlan = seen->vlan};
        report_one(learn, seen->port, &fact, now_us - seen->heard_us, each, context);
    }
    HMAP_FOR_EACH (bound, struct seen_ip, node, &learn->ips) {
        fact = (struct fact){.kind = FACT_BINDING,
                             .mac = bound->mac,
                             .ip = bound->ip,
                             .vlan = bound->vlan,
                             .source = bound->source};
        report_one(learn, bound->port, &fact, now_us - bound->heard_us, each, context);
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

bool
learn_is_elsewhere(const struct learn *learn, int ifindex, const struct mac *mac)
{
    HMAP_FOR_EACH_HASH (seen, struct seen_mac, node, mac_hash(mac), &learn->macs) {
        if (mac_is_equal(&seen->mac, mac) && seen->port->as.ifindex != ifindex) {
            return true;
        }
    }
    return false;
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
        if (strcmp(learn->ports[i]->as.name, name) == 0) {
            *port = learn->ports[i]->as;
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
        if (learn->ports[i]->is_member) {
            ports[count++] = learn->ports[i]->as;
        }
    }
    return count;
}

uint64_t
learn_lost(const struct learn *learn)
{
    return learn->lost;
}

uint64_t
learn_bindings_dropped(const struct learn *learn)
{
    return learn->bindings_dropped;
}
