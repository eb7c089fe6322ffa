#include "base/hmap.h"

#include <stdlib.h>

#include "base/mem.h"

void
hmap_init(struct hmap *map)
{
    *map = (struct hmap){.buckets = mem_new(8, sizeof(map->buckets[0])), .mask = 7};
}

void
hmap_fini(struct hmap *map)
{
    free(map->buckets);
    *map = (struct hmap){.buckets = NULL};
}

static void
grow(struct hmap *map)
{
    size_t mask = map->mask * 2 + 1;
    struct hmap_node **buckets = mem_new(mask + 1, sizeof(buckets[0]));
    for (size_t i = 0; i <= map->mask; i++) {
        struct hmap_node *node = map->buckets[i];
        while (node) {
            struct hmap_node *next = node->next;
            node->next = buckets[node->hash & mask];
            buckets[node->hash & mask] = node;
            node = next;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->mask = mask;
}

void
hmap_insert(struct hmap *map, struct hmap_node *node, uint64_t hash)
{
    if (map->count > map->mask) {
        grow(map);
    }
    node->hash = hash;
    node->next = map->buckets[hash & map->mask];
    map->buckets[hash & map->mask] = node;
    map->count++;
}

void
hmap_remove(struct hmap *map, struct hmap_node *node)
{
    struct hmap_node **at = &map->buckets[node->hash & map->mask];
    while (*at != node) {
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    map->count--;
}

static struct hmap_node *
skip_to(struct hmap_node *node, uint64_t hash)
{
    while (node && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct hmap_node *
hmap_first_with(const struct hmap *map, uint64_t hash)
{
    return skip_to(map->buckets[hash & map->mask], hash);
}

struct hmap_node *
hmap_next_with(const struct hmap_node *node)
{
    return skip_to(node->next, node->hash);
}

static struct hmap_node *
first_from(const struct hmap *map, size_t bucket)
{
    for (; bucket <= map->mask; bucket++) {
        if (map->buckets[bucket]) {
            return map->buckets[bucket];
        }
    }
    return NULL;
}

struct hmap_node *
hmap_first(const struct hmap *map)
{
    return first_from(map, 0);
}

struct hmap_node *
hmap_next(const struct hmap *map, const struct hmap_node *node)
{
    return node->next ? node->next : first_from(map, (node->hash & map->mask) + 1);
}
