#include "topology/endpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "topology/annotations.h"
#include "topology/bindings.h"
#include "topology/history.h"
#include "topology/locations.h"

#define SEEN_TOLD_EVERY_US 60000000
#define FULL_EVERY_US 600000000

struct mac_item *
mac_find(const struct topology *t, const struct mac *mac)
{
    HMAP_FOR_EACH_HASH (item, struct mac_item, by_mac, hash_bytes(mac, sizeof(*mac)), &t->macs) {
        if (mac_is_equal(&item->mac, mac)) {
            return item;
        }
    }
    return NULL;
}

static struct id_item *
id_find(const struct topology *t, const char *id)
{
    HMAP_FOR_EACH_HASH (item, struct id_item, by_id, hash_text(id), &t->ids) {
        if (strcmp(item->id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

struct node *
node_by_id(const struct topology *t, const char *id)
{
    HMAP_FOR_EACH_HASH (node, struct node, by_id, hash_text(id), &t->nodes) {
        if (strcmp(node->endpoint.id, id) == 0) {
            return node;
        }
    }
    struct id_item *item = id_find(t, id);
    return item ? item->node : NULL;
}

static void
id_drop(struct topology *t, struct id_item *item)
{
    SLIST_REMOVE(&item->node->ids, item, id_item, of_node);
    hmap_remove(&t->ids, &item->by_id);
    free(item);
}

static struct id_item *
id_oldest(const struct node *node)
{
    struct id_item *item, *oldest = NULL;
    SLIST_FOREACH(item, &node->ids, of_node)
    {
        oldest = item;
    }
    return oldest;
}

void
node_add_id(struct topology *t, struct node *node, const char *id)
{
    if (node_by_id(t, id)) {
        return;
    }
    if (node->alias_count == NODE_ALIASES_MAX) {
        id_drop(t, id_oldest(node));
        node->alias_count--;
    }
    struct id_item *item = MEM_NEW(struct id_item);
    snprintf(item->id, sizeof(item->id), "%s", id);
    item->node = node;
    SLIST_INSERT_HEAD(&node->ids, item, of_node);
    hmap_insert(&t->ids, &item->by_id, hash_text(item->id));
    node->alias_count++;
}

struct client_item *
client_find(const struct topology *t, const char *id)
{
    HMAP_FOR_EACH_HASH (item, struct client_item, by_id, hash_text(id), &t->clients) {
        if (strcmp(item->id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

static void
client_drop(struct topology *t, struct client_item *item)
{
    struct endpoint *endpoint = &item->node->endpoint;
    SLIST_REMOVE(&item->node->client_ids, item, client_item, of_node);
    item->node->client_id_count--;
    endpoint->client_id = endpoint->client_id == item->id ? NULL : endpoint->client_id;
    hmap_remove(&t->clients, &item->by_id);
    free(item);
}

static struct client_item *
client_oldest(const struct node *node)
{
    struct client_item *item, *oldest = NULL;
    SLIST_FOREACH(item, &node->client_ids, of_node)
    {
        oldest = item;
    }
    return oldest;
}

void
client_add(struct topology *t, struct node *node, const char *id)
{
    if (node->client_id_count >= NODE_CLIENT_IDS_MAX) {
        client_drop(t, client_oldest(node));
    }
    size_t size = strlen(id) + 1;
    struct client_item *item = mem_new(1, sizeof(*item) + size);
    memcpy(item->id, id, size);
    item->node = node;
    SLIST_INSERT_HEAD(&node->client_ids, item, of_node);
    node->client_id_count++;
    hmap_insert(&t->clients, &item->by_id, hash_text(item->id));
    node->endpoint.client_id = item->id;
}

/* Order of first appearance */

static void
order_compact(struct order *order)
{
    size_t to = 0;
    for (size_t from = 0; from < order->count; from++) {
        if (order->nodes[from]) {
            order->nodes[to] = order->nodes[from];
            order->nodes[to]->index = (uint32_t)to;
            to++;
        }
    }
    order->count = to;
    order->hole_count = 0;
}

static void
order_add(struct order *order, struct node *node)
{
    if (order->count == order->room && order->hole_count > order->count / 2) {
        order_compact(order);
    }
    if (order->count == order->room) {
        order->room = order->room ? order->room * 2 : 1024;
        order->nodes = mem_resize(order->nodes, order->room, sizeof(struct node *));
    }
    node->index = (uint32_t)order->count;
    order->nodes[order->count++] = node;
}

/* Beside each other: to compare a hundred thousand where they lie takes five times as long. */
struct placed {
    char id[ID_SIZE];
    struct node *node;
};

static int
placed_compare(const void *a, const void *b)
{
    return strcmp(((const struct placed *)a)->id, ((const struct placed *)b)->id);
}

void
nodes_sort(struct topology *t)
{
    struct order *order = t->order;
    order_compact(order);
    struct placed *all = mem_new(order->count, sizeof(*all));
    uint64_t serial = order->count > 0 ? order->nodes[0]->serial : 0;
    bool is_sorted = true;
    for (size_t i = 0; i < order->count; i++) {
        all[i].node = order->nodes[i];
        memcpy(all[i].id, order->nodes[i]->endpoint.id, ID_SIZE);
        is_sorted = is_sorted && (i == 0 || placed_compare(&all[i - 1], &all[i]) < 0);
        serial = order->nodes[i]->serial < serial ? order->nodes[i]->serial : serial;
    }
    if (!is_sorted) {
        qsort(all, order->count, sizeof(*all), placed_compare);
    }
    for (size_t i = 0; !is_sorted && i < order->count; i++) {
        order->nodes[i] = all[i].node;
        order->nodes[i]->index = (uint32_t)i;
        order->nodes[i]->serial = serial + i;
    }
    free(all);
}

struct node *
node_at(const struct topology *t, size_t index)
{
    if (t->order->hole_count > 0) {
        order_compact(t->order);
    }
    return index < t->order->count ? t->order->nodes[index] : NULL;
}

/* Room */

/* The idlest endpoint that nobody pinned; NULL where even that one is active. */
static struct node *
node_idlest(const struct topology *t, int64_t now_us)
{
    struct node *node;
    TAILQ_FOREACH(node, &t->by_age, by_age)
    {
        if (now_us - node->endpoint.seen_us < t->settings.idle_us) {
            return NULL;
        }
        if (!node->is_pinned) {
            return node;
        }
    }
    return NULL;
}

/* On a full port an idle endpoint that never had an address makes room: that is what a flood of
 * invented MACs leaves behind. */
static struct node *
port_idlest(const struct topology *t, const struct port_state *port, int64_t now_us)
{
    struct node *idlest = NULL;
    struct sighting *sighting;
    LIST_FOREACH(sighting, &port->sightings, of_port)
    {
        struct node *node = sighting->mac->node;
        bool can_go = node->first_port == port && node->endpoint.binding_count == 0 &&
                      !node->is_pinned && now_us - node->endpoint.seen_us >= t->settings.idle_us;
        if (can_go && (!idlest || node->endpoint.seen_us < idlest->endpoint.seen_us)) {
            idlest = node;
        }
    }
    return idlest;
}

void
node_forget(struct topology *t, struct node *node)
{
    if (t->listener.on_gone) {
        t->listener.on_gone(t->listener.context, &node->endpoint, NULL);
    }
    node_free(t, node);
}

static void
node_evict(struct topology *t, struct node *node)
{
    t->counters.endpoints_evicted++;
    node_forget(t, node);
}

/* Somebody floods it, or a hub and more than that hangs there. */
static void
full_tell(struct topology *t, struct port_state *port, size_t limit, const char *what,
          int64_t now_us)
{
    if (port->full_us != 0 && now_us - port->full_us < FULL_EVERY_US) {
        return;
    }
    port->full_us = now_us;
    struct location where = {.class = LOCATION_NONE, .seen_us = now_us};
    char detail[TEXT_SIZE];
    where.switch_name = port->on->name;
    where.port = port->name;
    snprintf(detail, sizeof(detail),
             "more than %zu MAC addresses on one %s: new ones are not followed", limit, what);
    if (t->listener.on_change) {
        t->listener.on_change(t->listener.context, TOPOLOGY_PORT_FULL, NULL, &where, detail);
    }
}

static bool
room_on_port(struct topology *t, struct port_state *port, int64_t now_us)
{
    size_t limit = t->settings.port_endpoint_limit;
    /* An uplink without a managed neighbour may lead to a whole building. */
    if (!port_is_sink(port)) {
        limit *= 16;
    }
    bool has_room = port->kept_count < limit;
    if (has_room && port->on->kept_count < t->settings.switch_endpoint_limit) {
        return true;
    }
    struct node *idlest = port_idlest(t, port, now_us);
    if (!idlest) {
        t->counters.port_refused++;
        full_tell(t, port, has_room ? t->settings.switch_endpoint_limit : limit,
                  has_room ? "switch" : "port", now_us);
        return false;
    }
    node_evict(t, idlest);
    return true;
}

static bool
room_at_all(struct topology *t, int64_t now_us)
{
    if (t->node_count < t->settings.endpoint_limit) {
        return true;
    }
    struct node *idlest = node_idlest(t, now_us);
    if (!idlest) {
        t->counters.endpoints_refused++;
        return false;
    }
    node_evict(t, idlest);
    return true;
}

struct node *
node_new(struct topology *t, const char *id, int64_t at_us, struct port_state *port)
{
    int64_t now_us = clock_wall_us(t->clock);
    if ((port && !room_on_port(t, port, now_us)) || !room_at_all(t, now_us)) {
        return NULL;
    }
    struct node *node = MEM_NEW(struct node);
    SLIST_INIT(&node->client_ids);
    SLIST_INIT(&node->ids);
    if (id) {
        snprintf(node->endpoint.id, sizeof(node->endpoint.id), "%s", id);
    } else {
        id_make(now_us, node->endpoint.id);
    }
    node->endpoint.location.switch_name = node->endpoint.location.port = "";
    node->endpoint.first_us = at_us;
    node->endpoint.seen_us = at_us;
    node->first_port = port;
    if (port) {
        port->kept_count++;
        port->on->kept_count++;
    }
    node->serial = ++t->serials;
    order_add(t->order, node);
    TAILQ_INSERT_TAIL(&t->by_age, node, by_age);
    t->node_count++;
    hmap_insert(&t->nodes, &node->by_id, hash_text(node->endpoint.id));
    return node;
}

static void
mac_drop(struct topology *t, struct mac_item *item)
{
    struct endpoint *endpoint = &item->node->endpoint;
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        if (mac_is_equal(&endpoint->macs[i], &item->mac)) {
            endpoint->mac_count--;
            memmove(&endpoint->macs[i], &endpoint->macs[i + 1],
                    (endpoint->mac_count - i) * sizeof(struct mac));
            break;
        }
    }
    node_annotate(t, item->node);
    while (!LIST_EMPTY(&item->sightings)) {
        sighting_drop(LIST_FIRST(&item->sightings));
    }
    hmap_remove(&t->macs, &item->by_mac);
    free(item);
}

void
node_free(struct topology *t, struct node *node)
{
    while (node->endpoint.mac_count > 0) {
        mac_drop(t, mac_find(t, &node->endpoint.macs[0]));
    }
    while (!SLIST_EMPTY(&node->client_ids)) {
        client_drop(t, SLIST_FIRST(&node->client_ids));
    }
    while (!SLIST_EMPTY(&node->ids)) {
        id_drop(t, SLIST_FIRST(&node->ids));
    }
    while (node->endpoint.binding_count > 0) {
        binding_drop(t, node, node->endpoint.binding_count - 1);
    }
    if (node->first_port) {
        node->first_port->kept_count--;
        node->first_port->on->kept_count--;
    }
    doubt_drop(t, node);
    TAILQ_REMOVE(&t->by_age, node, by_age);
    t->order->nodes[node->index] = NULL;
    t->order->hole_count++;
    t->node_count--;
    hmap_remove(&t->nodes, &node->by_id);
    free(node->endpoint.bindings);
    free(node->endpoint.host_name);
    free(node->endpoint.location.why);
    free(node->history);
    free(node);
}

static int64_t
mac_seen_us(const struct mac_item *item)
{
    int64_t seen_us = 0;
    struct sighting *sighting;
    LIST_FOREACH(sighting, &item->sightings, of_mac)
    {
        seen_us = sighting->seen_us > seen_us ? sighting->seen_us : seen_us;
    }
    return seen_us;
}

static void
mac_make_room(struct topology *t, struct node *node)
{
    if (node->endpoint.mac_count < ENDPOINT_MACS_MAX) {
        return;
    }
    struct mac_item *oldest = NULL;
    /* What is contained makes up MACs: the one that it was known by first stays contained. */
    size_t count = node->endpoint.mac_count - (node->is_pinned ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        struct mac_item *item = mac_find(t, &node->endpoint.macs[i]);
        if (!oldest || mac_seen_us(item) <= mac_seen_us(oldest)) {
            oldest = item;
        }
    }
    mac_drop(t, oldest);
}

static void
mac_put_first(struct node *node, const struct mac *mac)
{
    struct endpoint *endpoint = &node->endpoint;
    memmove(&endpoint->macs[1], &endpoint->macs[0], endpoint->mac_count * sizeof(struct mac));
    endpoint->macs[0] = *mac;
    endpoint->mac_count++;
}

struct mac_item *
mac_add(struct topology *t, struct node *node, const struct mac *mac)
{
    mac_make_room(t, node);
    struct mac_item *item = MEM_NEW(struct mac_item);
    LIST_INIT(&item->sightings);
    item->mac = *mac;
    item->node = node;
    hmap_insert(&t->macs, &item->by_mac, hash_bytes(mac, sizeof(*mac)));
    mac_put_first(node, mac);
    node_annotate(t, node);
    return item;
}

void
node_touch(struct topology *t, struct node *node, int64_t at_us)
{
    if (at_us <= node->endpoint.seen_us) {
        return;
    }
    node->endpoint.seen_us = at_us;
    TAILQ_REMOVE(&t->by_age, node, by_age);
    TAILQ_INSERT_TAIL(&t->by_age, node, by_age);
    if (node->is_told && at_us - node->seen_told_us >= SEEN_TOLD_EVERY_US) {
        node->seen_told_us = at_us;
        node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, NULL, "");
    }
}

static void
merge_macs(struct topology *t, struct node *into, struct node *from)
{
    /* Oldest first, so that the order "newest first" is kept. */
    while (from->endpoint.mac_count > 0) {
        struct mac mac = from->endpoint.macs[--from->endpoint.mac_count];
        struct mac_item *item = mac_find(t, &mac);
        mac_make_room(t, into);
        item->node = into;
        mac_put_first(into, &mac);
    }
    node_annotate(t, into);
}

void
node_merge(struct topology *t, struct node *into, struct node *from, int64_t at_us)
{
    if (from->is_told && t->listener.on_gone) {
        t->listener.on_gone(t->listener.context, &from->endpoint, &into->endpoint);
    }
    char old_id[ID_SIZE];
    memcpy(old_id, from->endpoint.id, sizeof(old_id));
    merge_macs(t, into, from);
    bindings_move(t, into, from);
    while (!SLIST_EMPTY(&from->client_ids)) {
        struct client_item *oldest = client_oldest(from);
        char *id = mem_strdup(oldest->id);
        client_drop(t, oldest);
        client_add(t, into, id);
        free(id);
    }
    if (!into->endpoint.host_name) {
        into->endpoint.host_name = from->endpoint.host_name;
        from->endpoint.host_name = NULL;
    }
    if (from->endpoint.first_us < into->endpoint.first_us) {
        into->endpoint.first_us = from->endpoint.first_us;
    }
    node_free(t, from);
    node_add_id(t, into, old_id);
    node_touch(t, into, at_us);
}

void
node_event(struct topology *t, struct node *node, enum endpoint_event_kind kind, int64_t at_us,
           const char *detail)
{
    t->counters.events_dropped += history_add(node, kind, at_us, detail);
}

void
node_tell(struct topology *t, struct node *node, enum topology_change change,
          const struct location *before, const char *detail)
{
    if (t->listener.on_change && node->is_told) {
        t->listener.on_change(t->listener.context, change, &node->endpoint, before, detail);
    }
}

void
node_tell_new(struct topology *t, struct node *node, int64_t at_us)
{
    if (node->is_told) {
        return;
    }
    char where[2 * NAME_SIZE + 16];
    const struct location *location = &node->endpoint.location;
    if (location->class == LOCATION_NONE) {
        snprintf(where, sizeof(where), "not located yet");
    } else {
        snprintf(where, sizeof(where), "%s/%s", location->switch_name, location->port);
    }
    node_event(t, node, ENDPOINT_APPEARED, at_us, where);
    node->is_told = true;
    node->seen_told_us = at_us;
    node_tell(t, node, TOPOLOGY_ENDPOINT_NEW, NULL, where);
}
