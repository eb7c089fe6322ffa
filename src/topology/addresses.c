#include "topology/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define PLACES_LEAST 64

static uint32_t
tag_of(const char *site, const struct ip *ip)
{
    uint8_t key[sizeof(*ip) + sizeof(site)];
    memcpy(key, ip, sizeof(*ip));
    memcpy(key + sizeof(*ip), &site, sizeof(site));
    return (uint32_t)hash_bytes(key, sizeof(key));
}

void
addresses_init(struct address_table *table)
{
    *table = (struct address_table){.nodes = mem_new(PLACES_LEAST, sizeof(*table->nodes)),
                                    .tags = mem_new(PLACES_LEAST, sizeof(*table->tags)),
                                    .mask = PLACES_LEAST - 1};
}

void
addresses_fini(struct address_table *table)
{
    free(table->nodes);
    free(table->tags);
    *table = (struct address_table){.nodes = NULL};
}

static void
place_put(struct address_table *table, uint32_t tag, struct node *node)
{
    size_t at = tag & table->mask;
    while (table->nodes[at]) {
        at = (at + 1) & table->mask;
    }
    table->nodes[at] = node;
    table->tags[at] = tag;
}

/* At most three quarters full. */
static void
grow(struct address_table *table)
{
    if (table->count * 4 < (table->mask + 1) * 3) {
        return;
    }
    struct address_table before = *table;
    size_t room = (before.mask + 1) * 2;
    table->mask = room - 1;
    table->nodes = mem_new(room, sizeof(*table->nodes));
    table->tags = mem_new(room, sizeof(*table->tags));
    for (size_t i = 0; i <= before.mask; i++) {
        if (before.nodes[i]) {
            place_put(table, before.tags[i], before.nodes[i]);
        }
    }
    addresses_fini(&before);
}

/* The place of 'node' with that tag; SIZE_MAX: none. */
static size_t
place_of(const struct address_table *table, uint32_t tag, const struct node *node)
{
    for (size_t at = tag & table->mask; table->nodes[at]; at = (at + 1) & table->mask) {
        if (table->tags[at] == tag && table->nodes[at] == node) {
            return at;
        }
    }
    return SIZE_MAX;
}

void
address_join(struct address_table *table, const char *site, const struct ip *ip, struct node *node)
{
    uint32_t tag = tag_of(site, ip);
    if (place_of(table, tag, node) == SIZE_MAX) {
        grow(table);
        place_put(table, tag, node);
        table->count++;
    }
}

/* Those behind it that had to pass it move up, so that no search ends too early. */
static void
place_free(struct address_table *table, size_t hole)
{
    size_t at = (hole + 1) & table->mask;
    for (; table->nodes[at]; at = (at + 1) & table->mask) {
        size_t home = table->tags[at] & table->mask;
        bool may_move = ((at - home) & table->mask) >= ((at - hole) & table->mask);
        if (may_move) {
            table->nodes[hole] = table->nodes[at];
            table->tags[hole] = table->tags[at];
            hole = at;
        }
    }
    table->nodes[hole] = NULL;
    table->count--;
}

void
address_leave(struct address_table *table, const char *site, const struct ip *ip,
              const struct node *node)
{
    uint32_t tag = tag_of(site, ip);
    size_t at = place_of(table, tag, node);
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        const struct binding *b = &node->endpoint.bindings[i];
        if (tag_of(b->site, &b->ip) == tag) {
            return; /* another address of it has the same tag, and so the same place */
        }
    }
    if (at != SIZE_MAX) {
        place_free(table, at);
    }
}

/* When its oldest binding of that address began; INT64_MAX: it has none. */
static int64_t
began_us(const struct node *node, const char *site, const struct ip *ip)
{
    int64_t from_us = INT64_MAX;
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        const struct binding *b = &node->endpoint.bindings[i];
        if (b->site == site && ip_is_equal(&b->ip, ip) && b->from_us < from_us) {
            from_us = b->from_us;
        }
    }
    return from_us;
}

size_t
address_holders(const struct address_table *table, const char *site, const struct ip *ip,
                struct node *holders[ADDRESS_HOLDERS_MAX])
{
    uint32_t tag = tag_of(site, ip);
    int64_t began[ADDRESS_HOLDERS_MAX];
    size_t count = 0;
    for (size_t at = tag & table->mask; table->nodes[at]; at = (at + 1) & table->mask) {
        int64_t from_us = table->tags[at] == tag ? began_us(table->nodes[at], site, ip) : INT64_MAX;
        if (from_us == INT64_MAX || count == ADDRESS_HOLDERS_MAX) {
            continue;
        }
        size_t to = count++;
        for (; to > 0 && began[to - 1] > from_us; to--) {
            began[to] = began[to - 1];
            holders[to] = holders[to - 1];
        }
        began[to] = from_us;
        holders[to] = table->nodes[at];
    }
    return count;
}
