/* Intrusive hash map: the node sits in the caller's struct, the map owns no memory but its bucket
 * array.  Hash with hash_bytes() (hash.h), which is keyed per process, so that an attacker cannot
 * choose colliding keys.
 *
 *     HMAP_FOR_EACH_HASH(flow, struct flow, node, hash, &map) { if (key equal) return flow; }
 */
#ifndef CORDON_BASE_HMAP_H
#define CORDON_BASE_HMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct hmap_node {
    struct hmap_node *next;
    uint64_t hash;
};

struct hmap {
    struct hmap_node **buckets;
    size_t mask; /* buckets - 1; a power of two */
    size_t count;
};

void hmap_init(struct hmap *map);
/* Frees the bucket array, not the items. */
void hmap_fini(struct hmap *map);
void hmap_insert(struct hmap *map, struct hmap_node *node, uint64_t hash);
/* 'node' must be in the map. */
void hmap_remove(struct hmap *map, struct hmap_node *node);
struct hmap_node *hmap_first_with(const struct hmap *map, uint64_t hash);
struct hmap_node *hmap_next_with(const struct hmap_node *node);
/* In no order; the map must not change except by removing the node just returned, after its
 * successor was fetched. */
struct hmap_node *hmap_first(const struct hmap *map);
struct hmap_node *hmap_next(const struct hmap *map, const struct hmap_node *node);

#define HMAP_ITEM(n, type, member) ((n) ? CONTAINER_OF(n, type, member) : NULL)
#define HMAP_FOR_EACH_HASH(item, type, member, hash, map)                                          \
    for (type *item = HMAP_ITEM(hmap_first_with(map, hash), type, member); item;                   \
         item = HMAP_ITEM(hmap_next_with(&item->member), type, member))
#define HMAP_FOR_EACH(item, type, member, map)                                                     \
    for (type *item = HMAP_ITEM(hmap_first(map), type, member); item;                              \
         item = HMAP_ITEM(hmap_next(map, &item->member), type, member))

#endif
