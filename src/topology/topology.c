#include "topology/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "topology/addresses.h"
#include "topology/annotations.h"
#include "topology/bindings.h"
#include "topology/endpoints.h"
#include "topology/joins.h"
#include "topology/links.h"
#include "topology/locations.h"
#include "topology/ports.h"
#include "topology/state.h"

#define TICK_NODES 4096 /* looked at per call, in turn */

static int64_t
or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

struct topology *
topology_new(const struct topology_settings *settings, const struct clock *clock,
             const struct topology_listener *listener)
{
    struct topology *t = MEM_NEW(struct topology);
    if (settings) {
        t->settings = *settings;
    }
    struct topology_settings *s = &t->settings;
    s->endpoint_limit = s->endpoint_limit ? s->endpoint_limit : 200000;
    s->port_endpoint_limit = s->port_endpoint_limit ? s->port_endpoint_limit : 256;
    s->switch_endpoint_limit = s->switch_endpoint_limit ? s->switch_endpoint_limit : 32768;
    s->binding_idle_us = or_default(s->binding_idle_us, INT64_C(4) * 3600 * 1000000);
    s->lease_grace_us = or_default(s->lease_grace_us, 60 * 1000000);
    s->conflict_us = or_default(s->conflict_us, 30 * 1000000);
    s->idle_us = or_default(s->idle_us, 600 * 1000000);
    if (listener) {
        t->listener = *listener;
    }
    t->clock = clock;
    t->order = MEM_NEW(struct order);
    struct hmap *maps[] = {&t->switches, &t->ports, &t->own_macs, &t->macs,
                           &t->nodes,    &t->ids,   &t->clients};
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        hmap_init(maps[i]);
    }
    hmap_init(&t->names);
    addresses_init(&t->addresses);
    TAILQ_INIT(&t->switch_list);
    TAILQ_INIT(&t->by_age);
    TAILQ_INIT(&t->unsettled);
    return t;
}

static void
names_free(struct topology *t)
{
    struct hmap_node *node;
    while ((node = hmap_first(&t->names)) != NULL) {
        hmap_remove(&t->names, node);
        free(CONTAINER_OF(node, struct name_item, node));
    }
    hmap_fini(&t->names);
}

void
topology_free(struct topology *t)
{
    if (!t) {
        return;
    }
    while (!TAILQ_EMPTY(&t->by_age)) {
        node_free(t, TAILQ_FIRST(&t->by_age));
    }
    annotations_free(t);
    links_free(t);
    while (!TAILQ_EMPTY(&t->switch_list)) {
        switch_free(t, TAILQ_FIRST(&t->switch_list));
    }
    struct hmap *maps[] = {&t->switches, &t->ports, &t->own_macs, &t->macs,
                           &t->nodes,    &t->ids,   &t->clients};
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        hmap_fini(maps[i]);
    }
    addresses_fini(&t->addresses);
    names_free(t);
    free(t->order->nodes);
    free(t->order);
    free(t);
}

/* One small handler per kind of fact */

static void
apply_mac(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    (void)sighting_apply(t, port, &fact->mac, fact->vlan, at_us);
}

static void
apply_aged(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    (void)at_us;
    sighting_idle(t, port, &fact->mac);
}

static void
apply_binding(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    struct node *node = sighting_apply(t, port, &fact->mac, fact->vlan, at_us);
    if (node) {
        binding_claim(t, node, port, fact, at_us);
    }
}

static void
apply_host_name(struct topology *t, struct node *node, const char *name, int64_t at_us)
{
    if (name[0] == '\0' || strcmp(endpoint_name(&node->endpoint), name) == 0) {
        return;
    }
    free(node->endpoint.host_name);
    node->endpoint.host_name = mem_strdup(name);
    node_event(t, node, ENDPOINT_NAMED, at_us, name);
    node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, NULL, name);
}

static bool
is_nobody(const struct mac *mac)
{
    return mac_is_none(mac) || mac_is_group(mac) || mac_is_virtual_router(mac);
}

/* What a client says of itself (no address yet): believed where its MAC is attached.  The MAC is
 * the one within the message, which anybody can write: so it moves nobody. */
static void
apply_request(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    struct mac_item *item = mac_find(t, &fact->mac);
    struct node *node = item ? item->node : NULL;
    if (!port || !port_is_sink(port)) {
        return; /* a copy that floods */
    }
    if (!node) {
        node = sighting_apply(t, port, &fact->mac, fact->vlan, at_us);
    } else if (!located_on(node, port)) {
        t->counters.claims_refused++;
        return;
    }
    if (node && fact->client_id[0] != '\0') {
        node = join_by_client_id(t, node, &fact->mac, fact->client_id, at_us);
    }
    if (node) {
        apply_host_name(t, node, fact->host_name, at_us);
    }
}

/* What a server answers: believed unless it came in by an access port, since malware answers DHCP
 * too.  The port is the server's side, and says nothing about where the client is. */
static void
apply_answer(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    struct mac_item *item = mac_find(t, &fact->mac);
    struct node *node = item ? item->node : NULL;
    if (port && port_is_sink(port) && port->role == PORT_ACCESS) {
        t->counters.claims_refused++;
        return;
    }
    if (!node && mac_is_own(t, &fact->mac)) {
        t->counters.facts_ignored++;
        return;
    }
    if (!node) {
        node = node_new(t, NULL, at_us, NULL);
        if (!node) {
            return;
        }
        mac_add(t, node, &fact->mac);
        locate(t, node, at_us);
        node_tell_new(t, node, at_us);
    }
    /* what was seen on a port of ours says its id there itself; the answer may be another's lie */
    if (fact->client_id[0] != '\0' && node->endpoint.location.class == LOCATION_NONE) {
        node = join_by_client_id(t, node, &fact->mac, fact->client_id, at_us);
    }
    binding_lease(t, node, fact, at_us);
    apply_host_name(t, node, fact->host_name, at_us);
}

static void
apply_lease(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    if (is_nobody(&fact->mac)) {
        t->counters.facts_ignored++;
    } else if (ip_is_none(&fact->ip)) {
        apply_request(t, port, fact, at_us);
    } else {
        apply_answer(t, port, fact, at_us);
    }
}

static void
apply_role_hint(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    struct node *node = sighting_apply(t, port, &fact->mac, fact->vlan, at_us);
    uint32_t bit = UINT32_C(1) << fact->host_role;
    if (!node || (node->roles_told & bit)) {
        return;
    }
    node->roles_told |= bit;
    char detail[3 * NAME_SIZE];
    snprintf(detail, sizeof(detail), "acts as %s on %s port %s/%s",
             host_role_names[fact->host_role], port_role_names[port->role], port->on->name,
             port->name);
    node_tell(t, node, TOPOLOGY_ROLE_PROPOSED, NULL, detail);
}

static void
apply_held(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    struct node *node = sighting_apply(t, port, &fact->mac, fact->vlan, at_us);
    if (!node) {
        return;
    }
    struct location where = {.class = LOCATION_DIRECT, .seen_us = at_us, .vlan = fact->vlan};
    char text[MAC_TEXT_SIZE];
    where.switch_name = port->on->name;
    where.port = port->name;
    mac_format(&fact->mac, text);
    node_tell(t, node, TOPOLOGY_MAC_HELD, &where, text);
}

static void
apply_neighbour(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    port->neighbour_mark = port->on->mark;
    link_apply(t, port, fact, at_us);
}

typedef void fact_handler(struct topology *t, struct port_state *port, const struct fact *fact,
                          int64_t at_us);
static fact_handler *const handlers[FACT_KIND_COUNT] = {
    [FACT_PORT] = port_apply,
    [FACT_PORT_GONE] = port_apply,
    [FACT_LINK_UP] = port_apply,
    [FACT_LINK_DOWN] = port_apply,
    [FACT_MAC] = apply_mac,
    [FACT_MAC_AGED] = apply_aged,
    [FACT_BINDING] = apply_binding,
    [FACT_LEASE] = apply_lease,
    [FACT_NEIGHBOUR] = apply_neighbour,
    [FACT_ROLE_HINT] = apply_role_hint,
    [FACT_HELD_MAC] = apply_held,
};

static void
apply_fact(struct topology *t, struct switch_state *on, const struct fact *fact, int64_t sent_us)
{
    int64_t now_us = clock_wall_us(t->clock);
    int64_t seen_us = clock_translate_us(fact->seen_us, sent_us, now_us);
    int64_t at_us = seen_us > 0 && seen_us < now_us ? seen_us : now_us;
    bool needs_port = fact->kind != FACT_LEASE || fact->port[0] != '\0';
    struct port_state *port = needs_port ? port_need(t, on, fact->port) : NULL;
    if (fact->kind >= FACT_KIND_COUNT || (needs_port && !port)) {
        t->counters.facts_ignored++;
        return;
    }
    if (port) {
        port->mark = on->mark;
    }
    handlers[fact->kind](t, port, fact, at_us);
}

/* After the last message of a full report: what it did not name is not there any more. */
static void
full_end(struct topology *t, struct switch_state *on)
{
    int64_t now_us = clock_wall_us(t->clock);
    on->is_in_full = false;
    if (on->full_is_torn) {
        return;
    }
    on->is_whole = true;
    struct port_state *port;
    TAILQ_FOREACH(port, &on->ports, of_switch)
    {
        if (port->mark != on->mark) {
            port_gone(t, port, now_us);
            continue;
        }
        if (port->has_neighbour && port->neighbour_mark != on->mark) {
            link_forget(t, port, now_us);
        }
        sightings_sweep(t, port, on->mark);
    }
}

void
topology_apply_facts(struct topology *t, const struct wire_facts *facts)
{
    struct switch_state *on = switch_need(t, facts->switch_name);
    if (!on) {
        return;
    }
    if (facts->is_full && !on->is_in_full) {
        on->is_in_full = true;
        on->full_is_torn = false;
        on->mark++;
    } else if (on->is_in_full && facts->sequence != on->sequence + 1) {
        on->full_is_torn = true;
    }
    on->is_connected = true;
    on->sequence = facts->sequence;
    t->is_inventory = facts->is_full;
    t->telling = on;
    for (size_t i = 0; i < facts->fact_count; i++) {
        apply_fact(t, on, &facts->facts[i], facts->wall_us);
    }
    t->is_inventory = false;
    t->telling = NULL;
    if (facts->is_full && facts->is_last) {
        full_end(t, on);
    }
}

bool
topology_is_whole(const struct topology *t, const char *switch_name)
{
    const struct switch_state *on = switch_find(t, switch_name);
    return on && on->is_whole;
}

void
topology_switch_gone(struct topology *t, const char *switch_name)
{
    struct switch_state *on = switch_find(t, switch_name);
    if (on) {
        on->is_connected = false;
        on->is_in_full = false;
    }
}

/* Nothing but a switch, taken for an endpoint before it was known what it is: it was never seen
 * where endpoints are. */
static bool
is_own(const struct topology *t, const struct node *node)
{
    const struct endpoint *endpoint = &node->endpoint;
    const struct location *at = &endpoint->location;
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        if (!mac_is_own(t, &endpoint->macs[i])) {
            return false;
        }
    }
    const struct port_state *port =
        at->class == LOCATION_NONE ? NULL : port_find(t, at->switch_name, at->port);
    bool is_link = port && port->is_known && !port_is_sink(port);
    return endpoint->mac_count > 0 && !node->is_pinned && (at->class == LOCATION_NONE || is_link);
}

void
topology_tick(struct topology *t)
{
    int64_t now_us = clock_wall_us(t->clock);
    struct doubt *doubt = TAILQ_FIRST(&t->unsettled);
    while (doubt) {
        struct doubt *next = TAILQ_NEXT(doubt, of_unsettled);
        locate(t, doubt->node, now_us);
        doubt = next;
    }
    for (size_t i = 0; i < TICK_NODES && i < t->node_count; i++) {
        if (t->tick_at >= t->order->count) {
            t->tick_at = 0;
        }
        struct node *node = t->order->nodes[t->tick_at++];
        if (node) {
            bindings_expire(t, node);
        }
        if (node && is_own(t, node)) {
            node_forget(t, node);
        }
    }
}

void
topology_pin(struct topology *t, const char *id, bool is_pinned)
{
    struct node *node = node_by_id(t, id);
    if (node) {
        node->is_pinned = is_pinned;
    }
}

void
topology_restore_endpoint(struct topology *t, const struct endpoint_record *record)
{
    const struct endpoint *endpoint = &record->endpoint;
    if (node_by_id(t, endpoint->id)) {
        return;
    }
    struct node *node = node_new(t, endpoint->id, endpoint->first_us, NULL);
    if (!node) {
        return;
    }
    struct endpoint *to = &node->endpoint;
    for (size_t i = endpoint->mac_count; i-- > 0;) {
        if (!mac_find(t, &endpoint->macs[i])) {
            mac_add(t, node, &endpoint->macs[i]);
        }
    }
    if (endpoint->client_id && !client_find(t, endpoint->client_id)) {
        client_add(t, node, endpoint->client_id);
    }
    to->host_name = endpoint->host_name ? mem_strdup(endpoint->host_name) : NULL;
    to->location = endpoint->location;
    to->location.switch_name = name_keep(t, to->location.switch_name);
    to->location.port = name_keep(t, to->location.port);
    to->location.why = to->location.why ? mem_strdup(to->location.why) : NULL;
    if (to->location.class == LOCATION_CONFLICT) {
        to->location.class = LOCATION_SHARED;
    }
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        binding_restore(t, node, &endpoint->bindings[i]);
    }
    for (size_t i = 0; i < record->event_count; i++) {
        const struct endpoint_event *event = &record->events[i];
        node_event(t, node, event->kind, event->at_us, event->detail ? event->detail : "");
    }
    node->is_told = true;
    node->seen_told_us = endpoint->seen_us;
    node_touch(t, node, endpoint->seen_us);
}

void
topology_restored(struct topology *t)
{
    nodes_sort(t);
}

/* Questions */

const struct endpoint *
topology_by_id(const struct topology *t, const char *id)
{
    const struct node *node = node_by_id(t, id);
    return node ? &node->endpoint : NULL;
}

const struct endpoint *
topology_by_mac(const struct topology *t, const struct mac *mac)
{
    const struct mac_item *item = mac_find(t, mac);
    return item ? &item->node->endpoint : NULL;
}

void
topology_set_mirror_source(struct topology *t, const char *switch_name,
                           const struct ip *mirror_source)
{
    struct switch_state *on = switch_need(t, switch_name);
    if (on) {
        on->mirror_source = *mirror_source;
    }
}

bool
topology_port_role(const struct topology *t, const char *switch_name, const char *port,
                   enum port_role *role)
{
    const struct port_state *found = port_find(t, switch_name, port);
    if (!found || !found->is_known) {
        return false;
    }
    *role = found->role;
    return true;
}

static const char *
site_name(const char *site)
{
    return site ? site : SITE_DEFAULT;
}

/* The switch with that mirror source; NULL: none, or those of several sites. */
static const struct switch_state *
source_of(const struct topology *t, const char *site, const struct ip *switch_ip)
{
    const struct switch_state *on, *found = NULL;
    TAILQ_FOREACH(on, &t->switch_list, of_topology)
    {
        bool is_it = !ip_is_none(switch_ip) && ip_is_equal(&on->mirror_source, switch_ip) &&
                     (!site || site[0] == '\0' || strcmp(site_name(on->site), site) == 0);
        if (is_it && found && found->site != on->site) {
            return NULL;
        }
        found = is_it && !found ? on : found;
    }
    return found;
}

bool
topology_port_by_number(const struct topology *t, const char *site, const struct ip *switch_ip,
                        uint32_t number, struct link_end *end, enum port_role *role)
{
    const struct switch_state *on = source_of(t, site, switch_ip);
    const struct port_state *port;
    if (!on) {
        return false;
    }
    TAILQ_FOREACH(port, &on->ports, of_switch)
    {
        if (port->is_known && (port->number & 0xffff) == (number & 0xffff)) {
            memcpy(end->switch_name, on->name, NAME_SIZE);
            memcpy(end->port, port->name, NAME_SIZE);
            *role = port->role;
            return true;
        }
    }
    return false;
}

size_t
topology_mirror_sources(const struct topology *t, const struct ip *switch_ip, const char **names,
                        size_t room)
{
    size_t count = 0;
    const struct switch_state *on;
    TAILQ_FOREACH(on, &t->switch_list, of_topology)
    {
        bool is_it = !ip_is_none(switch_ip) && ip_is_equal(&on->mirror_source, switch_ip);
        if (is_it && count < room) {
            names[count++] = on->name;
        }
    }
    return count;
}

struct seen_mac {
    struct mac mac;
    int64_t seen_us;
};

static int
newest_first(const void *a, const void *b)
{
    const struct seen_mac *x = a;
    const struct seen_mac *y = b;
    return x->seen_us < y->seen_us ? 1 : x->seen_us > y->seen_us ? -1 : 0;
}

/* Different active MACs on a port: one that uses several VLANs counts once. */
static size_t
collect_macs(const struct port_state *port, struct seen_mac *macs, size_t room)
{
    size_t count = 0;
    const struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        const struct sighting *twin;
        bool is_first = s->is_active;
        LIST_FOREACH(twin, &s->mac->sightings, of_mac)
        {
            if (twin == s || !is_first) {
                break;
            }
            is_first = !(twin->is_active && twin->port == port);
        }
        if (is_first && macs && count < room) {
            macs[count] = (struct seen_mac){.mac = s->mac->mac, .seen_us = s->seen_us};
        }
        count += is_first ? 1 : 0;
    }
    return count;
}

bool
topology_acts_as(const struct endpoint *endpoint, enum host_role role)
{
    const struct node *node = CONTAINER_OF(endpoint, const struct node, endpoint);
    return (node->roles_told >> role & 1) != 0;
}

const char *
topology_seen_elsewhere(const struct topology *t, const struct mac *mac, const char *site)
{
    const struct mac_item *item = mac_find(t, mac);
    const struct sighting *s = item ? LIST_FIRST(&item->sightings) : NULL;
    while (s && (!s->is_active || strcmp(topology_site_at(t, s->port->on->name), site) == 0)) {
        s = LIST_NEXT(s, of_mac);
    }
    return s ? s->port->on->name : NULL;
}

size_t
topology_macs_on_port(const struct topology *t, const char *switch_name, const char *port_name,
                      struct mac *macs, size_t room)
{
    const struct port_state *port = port_find(t, switch_name, port_name);
    size_t count = port ? collect_macs(port, NULL, 0) : 0;
    if (count == 0) {
        return 0;
    }
    struct seen_mac *all = mem_new(count, sizeof(struct seen_mac));
    collect_macs(port, all, count);
    qsort(all, count, sizeof(struct seen_mac), newest_first);
    size_t given = count < room ? count : room;
    for (size_t i = 0; i < given; i++) {
        macs[i] = all[i].mac;
    }
    free(all);
    return given;
}

uint64_t
topology_endpoint_serial(const struct endpoint *endpoint)
{
    return CONTAINER_OF(endpoint, const struct node, endpoint)->serial;
}

const struct endpoint *
topology_endpoint_at(const struct topology *t, size_t index)
{
    const struct node *node = node_at(t, index);
    return node ? &node->endpoint : NULL;
}

size_t
topology_index_after(const struct topology *t, const char *id)
{
    const struct node *node = node_by_id(t, id);
    if (node && strcmp(node->endpoint.id, id) == 0) {
        (void)node_at(t, 0); /* closes holes: indices are those of topology_endpoint_at */
        return node->index + 1;
    }
    size_t index = 0; /* ids count up */
    while ((node = node_at(t, index)) != NULL && strcmp(node->endpoint.id, id) <= 0) {
        index++;
    }
    return index;
}

size_t
topology_endpoint_count(const struct topology *t)
{
    return t->node_count;
}

const struct link *
topology_link_at(const struct topology *t, size_t index)
{
    return index < t->link_count ? &t->links[index]->link : NULL;
}

size_t
topology_link_count(const struct topology *t)
{
    return t->link_count;
}

void
topology_read_counters(const struct topology *t, struct topology_counters *counters)
{
    *counters = t->counters;
}

size_t
topology_ports(const struct topology *t, const char *switch_name, struct topology_port *ports,
               size_t room)
{
    const struct switch_state *on = switch_find(t, switch_name);
    size_t count = 0;
    const struct port_state *port;
    if (!on) {
        return 0;
    }
    TAILQ_FOREACH(port, &on->ports, of_switch)
    {
        if (!port->is_known || count == room) {
            continue;
        }
        struct topology_port *to = &ports[count++];
        memset(to, 0, sizeof(*to));
        memcpy(to->name, port->name, sizeof(to->name));
        to->number = port->number;
        to->role = port->role;
        to->is_up = port->is_up;
        to->mac_count = collect_macs(port, NULL, 0);
    }
    return count;
}
