#include "topology/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "topology/links.h"
#include "topology/locations.h"
#include "topology/sites.h"

const char *
name_keep(struct topology *t, const char *text)
{
    if (!text || text[0] == '\0') {
        return "";
    }
    uint64_t hash = hash_text(text);
    HMAP_FOR_EACH_HASH (item, struct name_item, node, hash, &t->names) {
        if (strcmp(item->text, text) == 0) {
            return item->text;
        }
    }
    size_t size = strlen(text) + 1;
    struct name_item *item = mem_new(1, sizeof(*item) + size);
    memcpy(item->text, text, size);
    hmap_insert(&t->names, &item->node, hash);
    return item->text;
}

struct switch_state *
switch_find(const struct topology *t, const char *name)
{
    HMAP_FOR_EACH_HASH (on, struct switch_state, by_name, hash_text(name), &t->switches) {
        if (strcmp(on->name, name) == 0) {
            return on;
        }
    }
    return NULL;
}

struct switch_state *
switch_need(struct topology *t, const char *name)
{
    struct switch_state *on = switch_find(t, name);
    if (on) {
        return on;
    }
    if (t->switch_count >= SWITCHES_MAX || name[0] == '\0') {
        t->counters.ports_refused++;
        return NULL;
    }
    on = MEM_NEW(struct switch_state);
    TAILQ_INIT(&on->ports);
    snprintf(on->name, sizeof(on->name), "%s", name);
    on->site = site_of_switch(t, name);
    hmap_insert(&t->switches, &on->by_name, hash_text(name));
    TAILQ_INSERT_TAIL(&t->switch_list, on, of_topology);
    t->switch_count++;
    return on;
}

static uint64_t
port_hash(const char *switch_name, const char *port)
{
    uint64_t both[2] = {hash_text(switch_name), hash_text(port)};
    return hash_bytes(both, sizeof(both));
}

struct port_state *
port_find(const struct topology *t, const char *switch_name, const char *port)
{
    HMAP_FOR_EACH_HASH (item, struct port_state, by_name, port_hash(switch_name, port), &t->ports) {
        if (strcmp(item->name, port) == 0 && strcmp(item->on->name, switch_name) == 0) {
            return item;
        }
    }
    return NULL;
}

struct port_state *
port_need(struct topology *t, struct switch_state *on, const char *name)
{
    struct port_state *port = port_find(t, on->name, name);
    if (port) {
        return port;
    }
    if (on->port_count >= SWITCH_PORTS_MAX || name[0] == '\0') {
        t->counters.ports_refused++;
        return NULL;
    }
    port = MEM_NEW(struct port_state);
    LIST_INIT(&port->sightings);
    port->on = on;
    snprintf(port->name, sizeof(port->name), "%s", name);
    hmap_insert(&t->ports, &port->by_name, port_hash(on->name, name));
    TAILQ_INSERT_TAIL(&on->ports, port, of_switch);
    on->port_count++;
    return port;
}

bool
port_is_sink(const struct port_state *port)
{
    bool is_edge = port->role == PORT_ACCESS || port->role == PORT_SERVER;
    bool is_link = port->link && port->link->link.is_confirmed;
    return port->is_known && is_edge && !is_link;
}

void
port_down(struct topology *t, struct port_state *port, int64_t at_us)
{
    port->is_up = false;
    link_forget(t, port, at_us);
    sightings_end(t, port, LEFT_LINK_DOWN, at_us);
}

static struct own_mac *
own_find(const struct topology *t, const struct mac *mac)
{
    HMAP_FOR_EACH_HASH (own, struct own_mac, by_mac, hash_bytes(mac, sizeof(*mac)), &t->own_macs) {
        if (mac_is_equal(&own->mac, mac)) {
            return own;
        }
    }
    return NULL;
}

bool
mac_is_own(const struct topology *t, const struct mac *mac)
{
    return own_find(t, mac) != NULL;
}

/* 'told' is the port's word for one of its switch's MACs: '*mac' from now on. */
static void
own_set(struct topology *t, struct mac *mac, const struct mac *told)
{
    if (mac_is_equal(mac, told)) {
        return;
    }
    struct own_mac *own = mac_is_none(mac) ? NULL : own_find(t, mac);
    if (own && --own->port_count == 0) {
        hmap_remove(&t->own_macs, &own->by_mac);
        free(own);
    }
    *mac = *told;
    if (mac_is_none(mac)) {
        return;
    }
    own = own_find(t, mac);
    if (!own) {
        own = MEM_NEW(struct own_mac);
        own->mac = *mac;
        hmap_insert(&t->own_macs, &own->by_mac, hash_bytes(mac, sizeof(*mac)));
    }
    own->port_count++;
}

static void
port_disown(struct topology *t, struct port_state *port)
{
    static const struct mac none;
    own_set(t, &port->mac, &none);
    own_set(t, &port->bridge_mac, &none);
}

void
port_gone(struct topology *t, struct port_state *port, int64_t at_us)
{
    port_down(t, port, at_us);
    port_disown(t, port);
    port->is_known = false;
}

void
port_apply(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    bool was_sink = port_is_sink(port);
    switch (fact->kind) {
    case FACT_PORT:
        port->is_known = true;
        port->number = fact->port_number;
        port->role = fact->role;
        if (port->link) {
            link_judge(t, port->link);
        }
        own_set(t, &port->mac, &fact->mac);
        own_set(t, &port->bridge_mac, &fact->bridge_mac);
        if (!fact->is_up && port->is_up) {
            port_down(t, port, at_us);
        }
        port->is_up = fact->is_up;
        break;
    case FACT_LINK_UP:
        port->is_up = true;
        break;
    case FACT_LINK_DOWN:
        port_down(t, port, at_us);
        break;
    case FACT_PORT_GONE:
        port_gone(t, port, at_us);
        break;
    default:
        break;
    }
    if (port_is_sink(port) != was_sink) {
        locate_all_on(t, port);
    }
}

void
switch_free(struct topology *t, struct switch_state *on)
{
    struct port_state *port;
    while ((port = TAILQ_FIRST(&on->ports))) {
        while (!LIST_EMPTY(&port->sightings)) {
            sighting_drop(LIST_FIRST(&port->sightings));
        }
        port_disown(t, port);
        TAILQ_REMOVE(&on->ports, port, of_switch);
        hmap_remove(&t->ports, &port->by_name);
        free(port);
    }
    TAILQ_REMOVE(&t->switch_list, on, of_topology);
    hmap_remove(&t->switches, &on->by_name);
    free(on);
}
