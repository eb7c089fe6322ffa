#include "intake/deliveries.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"
#include "base/pool.h"
#include "intake/line.h"

struct item {
    struct hmap_node node;
    struct item *next, *previous; /* in the order of arrival, for sending again */
    delivery_done_fn *done;
    void *owner;
    uint64_t cookie;
    int64_t sent_us; /* boot, of the first tick after it; 0: no tick since */
    bool is_line;    /* then 'line' is its id */
    uint8_t line[LINE_ID_SIZE];
    struct detection detection;
};

struct deliveries {
    struct hmap by_id;
    struct pool *pool;
    struct item *first, *last;
    struct known_lines *known; /* stored */
    struct channel *core;
    size_t kept; /* places, for sources that have less than they may always have */
};

struct deliveries *
deliveries_new(void)
{
    struct deliveries *deliveries = MEM_NEW(struct deliveries);
    hmap_init(&deliveries->by_id);
    deliveries->pool = pool_new(sizeof(struct item), DELIVERIES_MAX);
    deliveries->known = known_new(DELIVERIES_KNOWN);
    return deliveries;
}

void
deliveries_free(struct deliveries *deliveries)
{
    if (deliveries) {
        hmap_fini(&deliveries->by_id);
        pool_free(deliveries->pool);
        known_free(deliveries->known);
        free(deliveries);
    }
}

void
deliveries_set_core(struct deliveries *deliveries, struct channel *core)
{
    deliveries->core = core;
    for (struct item *item = deliveries->first; core && item; item = item->next) {
        item->sent_us = 0;
        channel_send(core, WIRE_DETECTION, &item->detection);
    }
}

static struct item *
find_line(const struct deliveries *deliveries, const uint8_t line[LINE_ID_SIZE])
{
    uint64_t hash = hash_bytes(line, LINE_ID_SIZE);
    HMAP_FOR_EACH_HASH (item, struct item, node, hash, &deliveries->by_id) {
        if (item->is_line && memcmp(item->line, line, LINE_ID_SIZE) == 0) {
            return item;
        }
    }
    return NULL;
}

static struct item *
find(const struct deliveries *deliveries, const char *id)
{
    uint8_t line[LINE_ID_SIZE];
    if (line_id_parse(id, line)) {
        return find_line(deliveries, line);
    }
    uint64_t hash = hash_text(id);
    HMAP_FOR_EACH_HASH (item, struct item, node, hash, &deliveries->by_id) {
        if (strcmp(item->detection.id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

enum delivery
deliveries_put(struct deliveries *deliveries, const struct detection *detection,
               delivery_done_fn *done, void *owner, uint64_t cookie)
{
    if (find(deliveries, detection->id)) {
        return DELIVERY_DUPLICATE;
    }
    struct item *item = pool_take_unclean(deliveries->pool);
    if (!item) {
        return DELIVERY_FULL;
    }
    item->detection = *detection;
    item->done = done;
    item->owner = owner;
    item->cookie = cookie;
    item->sent_us = 0;
    item->next = NULL;
    item->previous = deliveries->last;
    *(deliveries->last ? &deliveries->last->next : &deliveries->first) = item;
    deliveries->last = item;
    item->is_line = line_id_parse(detection->id, item->line);
    hmap_insert(&deliveries->by_id, &item->node,
                item->is_line ? hash_bytes(item->line, LINE_ID_SIZE) : hash_text(detection->id));
    if (deliveries->core) {
        channel_send(deliveries->core, WIRE_DETECTION, detection);
    }
    return DELIVERY_SENT;
}

bool
deliveries_has(const struct deliveries *deliveries, const uint8_t id[LINE_ID_SIZE])
{
    return known_has(deliveries->known, id) || find_line(deliveries, id);
}

void
deliveries_ack(struct deliveries *deliveries, const char *id)
{
    struct item *item = find(deliveries, id);
    if (!item) {
        return; /* acknowledged twice: it was sent twice, around a restart of core */
    }
    *(item->previous ? &item->previous->next : &deliveries->first) = item->next;
    *(item->next ? &item->next->previous : &deliveries->last) = item->previous;
    hmap_remove(&deliveries->by_id, &item->node);
    if (item->is_line) {
        known_add(deliveries->known, item->line);
    }
    if (item->done) {
        item->done(item->owner, item->detection.id, item->cookie);
    }
    pool_give(deliveries->pool, item);
}

void
deliveries_forget(struct deliveries *deliveries, const void *owner)
{
    for (struct item *item = deliveries->first; item; item = item->next) {
        if (item->owner == owner) {
            item->done = NULL;
        }
    }
}

bool
deliveries_oldest(const struct deliveries *deliveries, const void *owner, uint64_t *cookie)
{
    for (const struct item *item = deliveries->first; item; item = item->next) {
        if (item->owner == owner) {
            *cookie = item->cookie;
            return true;
        }
    }
    return false;
}

void
deliveries_keep(struct deliveries *deliveries, int places)
{
    deliveries->kept += (size_t)places;
}

bool
deliveries_is_spent(const struct deliveries *deliveries)
{
    return pool_used(deliveries->pool) == pool_limit(deliveries->pool);
}

bool
deliveries_is_full(const struct deliveries *deliveries)
{
    return pool_used(deliveries->pool) + deliveries->kept >= pool_limit(deliveries->pool);
}

bool
deliveries_is_full_for_others(const struct deliveries *deliveries)
{
    return pool_used(deliveries->pool) + deliveries->kept + DELIVERIES_OURS >=
           pool_limit(deliveries->pool);
}

void
deliveries_tick(struct deliveries *deliveries, int64_t boot_us)
{
    for (struct item *item = deliveries->first; deliveries->core && item; item = item->next) {
        if (item->sent_us == 0) {
            item->sent_us = boot_us;
        } else if (boot_us - item->sent_us >= DELIVERIES_AGAIN_US) {
            item->sent_us = boot_us;
            channel_send(deliveries->core, WIRE_DETECTION, &item->detection);
        }
    }
}

size_t
deliveries_count(const struct deliveries *deliveries)
{
    return pool_used(deliveries->pool);
}
