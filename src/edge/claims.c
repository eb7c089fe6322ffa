#include "edge/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"

/* One rule's claim to one entry: in the entry's list and in the rule's. */
struct claim {
    struct entry *entry;
    struct claim *next_of_entry; /* latest first */
    struct claim *next_of_owner;
    struct owner *owner;
    bool is_wished;  /* while the owner's claims are being replaced */
    uint8_t value[]; /* our part */
};

struct entry {
    struct hmap_node node;
    enum map_id map;
    struct claim *claims;
    uint8_t key[];
};

struct owner {
    struct hmap_node node;
    uint64_t id;
    struct claim *claims;
};

struct claims {
    const struct maps *maps;
    struct hmap entries, owners;
    size_t count[MAP_COUNT];
};

void
map_entries_add(struct map_entries *wishes, enum map_id map, const void *key, const void *value)
{
    if (wishes->count == wishes->room) {
        wishes->room = wishes->room ? wishes->room * 2 : 4;
        wishes->items = mem_resize(wishes->items, wishes->room, sizeof(wishes->items[0]));
    }
    struct map_entry *wish = &wishes->items[wishes->count++];
    wish->map = map;
    memcpy(wish->key, key, map_kinds[map].key_size);
    memcpy(wish->value, value, map_kinds[map].value_size);
}

void
map_entries_fini(struct map_entries *wishes)
{
    free(wishes->items);
    *wishes = (struct map_entries){.count = 0};
}

static uint64_t
key_hash(enum map_id map, const void *key)
{
    return hash_bytes(key, map_kinds[map].key_size) + map;
}

static struct entry *
entry_find(const struct claims *want, enum map_id map, const void *key)
{
    uint64_t hash = key_hash(map, key);
    HMAP_FOR_EACH_HASH (entry, struct entry, node, hash, &want->entries) {
        if (entry->map == map && memcmp(entry->key, key, map_kinds[map].key_size) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct owner *
owner_find(const struct claims *want, uint64_t id)
{
    HMAP_FOR_EACH_HASH (owner, struct owner, node, id, &want->owners) {
        if (owner->id == id) {
            return owner;
        }
    }
    return NULL;
}

struct claims *
claims_new(const struct maps *maps)
{
    struct claims *want = MEM_NEW(struct claims);
    want->maps = maps;
    hmap_init(&want->entries);
    hmap_init(&want->owners);
    return want;
}

void
claims_free(struct claims *want)
{
    if (!want) {
        return;
    }
    for (struct hmap_node *at = hmap_first(&want->owners), *next; at; at = next) {
        struct owner *owner = CONTAINER_OF(at, struct owner, node);
        next = hmap_next(&want->owners, at);
        for (struct claim *claim = owner->claims, *after; claim; claim = after) {
            after = claim->next_of_owner;
            free(claim);
        }
        free(owner);
    }
    for (struct hmap_node *at = hmap_first(&want->entries), *next; at; at = next) {
        next = hmap_next(&want->entries, at);
        free(CONTAINER_OF(at, struct entry, node));
    }
    hmap_fini(&want->entries);
    hmap_fini(&want->owners);
    free(want);
}

/* ---- one entry ---- */

/* Two rules that do not exclude each other: a watched endpoint is copied into the sessions of both;
 * a switch that sends into a reserved VLAN may also hand on what comes in on it. */
static void
value_merge(enum map_id map, uint8_t value[MAP_VALUE_MAX], const uint8_t *other)
{
    if (map == MAP_WATCH) {
        struct dp_watch sum, more = {.tag = 0};
        memcpy(&sum, value, sizeof(sum));
        memcpy(&more, other, map_kinds[MAP_WATCH].our_size);
        sum.sessions |= more.sessions;
        memcpy(value, &sum, sizeof(sum));
    } else if (map == MAP_RSPAN) {
        struct dp_rspan rspan;
        memcpy(&rspan, value, sizeof(rspan));
        if (rspan.out == 0) {
            memcpy(value, other, sizeof(rspan));
        }
    }
}

/* Our part of the value in force. */
static void
entry_value(const struct entry *entry, uint8_t value[MAP_VALUE_MAX])
{
    memset(value, 0, map_kinds[entry->map].value_size);
    memcpy(value, entry->claims->value, map_kinds[entry->map].our_size);
    for (struct claim *claim = entry->claims->next_of_entry; claim; claim = claim->next_of_entry) {
        value_merge(entry->map, value, claim->value);
    }
}

/* 0, -ENOENT, -EBADMSG; 'held' gets what the kernel has. */
static int
entry_check(const struct claims *want, const struct entry *entry, uint8_t held[MAP_VALUE_MAX])
{
    uint8_t wanted[MAP_VALUE_MAX];
    int result = maps_get(want->maps, entry->map, entry->key, held);
    if (result) {
        return result;
    }
    entry_value(entry, wanted);
    return memcmp(held, wanted, map_kinds[entry->map].our_size) == 0 ? 0 : -EBADMSG;
}

static int
entry_write(const struct claims *want, const struct entry *entry)
{
    uint8_t value[MAP_VALUE_MAX], held[MAP_VALUE_MAX];
    entry_value(entry, value);
    if (map_kinds[entry->map].our_size < map_kinds[entry->map].value_size &&
        maps_get(want->maps, entry->map, entry->key, held) == 0 &&
        memcmp(held, value, map_kinds[entry->map].our_size) == 0) {
        return 0; /* what the kernel side keeps there (hits, tokens) stays */
    }
    return maps_put(want->maps, entry->map, entry->key, value);
}

static struct entry *
entry_make(struct claims *want, enum map_id map, const void *key)
{
    struct entry *entry = mem_new(1, sizeof(*entry) + map_kinds[map].key_size);
    entry->map = map;
    memcpy(entry->key, key, map_kinds[map].key_size);
    hmap_insert(&want->entries, &entry->node, key_hash(map, key));
    want->count[map]++;
    return entry;
}

static int
entry_drop(struct claims *want, struct entry *entry)
{
    int result = maps_delete(want->maps, entry->map, entry->key);
    hmap_remove(&want->entries, &entry->node);
    want->count[entry->map]--;
    free(entry);
    return result;
}

/* ---- claims ---- */

static struct claim *
claim_of(const struct entry *entry, const struct owner *owner)
{
    struct claim *claim = entry->claims;
    while (claim && claim->owner != owner) {
        claim = claim->next_of_entry;
    }
    return claim;
}

static int
wish_take(struct claims *want, struct owner *owner, const struct map_entry *wish)
{
    size_t size = map_kinds[wish->map].our_size;
    struct entry *entry = entry_find(want, wish->map, wish->key);
    struct claim *claim = entry ? claim_of(entry, owner) : NULL;
    if (!entry) {
        entry = entry_make(want, wish->map, wish->key);
    }
    if (!claim) {
        claim = mem_new(1, sizeof(*claim) + size);
        claim->entry = entry;
        claim->owner = owner;
        claim->next_of_entry = entry->claims;
        entry->claims = claim;
        claim->next_of_owner = owner->claims;
        owner->claims = claim;
    }
    claim->is_wished = true;
    memcpy(claim->value, wish->value, size);
    return entry_write(want, entry);
}

static int
claim_drop(struct claims *want, struct claim *claim)
{
    struct entry *entry = claim->entry;
    struct claim **at = &entry->claims;
    while (*at != claim) {
        at = &(*at)->next_of_entry;
    }
    *at = claim->next_of_entry;
    free(claim);
    return entry->claims ? entry_write(want, entry) : entry_drop(want, entry);
}

int
claims_set(struct claims *want, uint64_t id, const struct map_entries *wishes)
{
    int first = 0;
    struct owner *owner = owner_find(want, id);
    if (!owner) {
        owner = MEM_NEW(struct owner);
        owner->id = id;
        hmap_insert(&want->owners, &owner->node, id);
    }
    for (struct claim *claim = owner->claims; claim; claim = claim->next_of_owner) {
        claim->is_wished = false;
    }
    for (size_t i = 0; i < wishes->count; i++) {
        int result = wish_take(want, owner, &wishes->items[i]);
        first = first ? first : result;
    }
    for (struct claim **at = &owner->claims; *at;) {
        struct claim *claim = *at;
        if (claim->is_wished) {
            at = &claim->next_of_owner;
            continue;
        }
        *at = claim->next_of_owner;
        int result = claim_drop(want, claim);
        first = first ? first : result;
    }
    if (!owner->claims) {
        hmap_remove(&want->owners, &owner->node);
        free(owner);
    }
    return first;
}

/* ---- what the kernel holds ---- */

static uint64_t
hits_of(enum map_id map, const uint8_t *value)
{
    uint64_t hits = 0;
    if (map == MAP_ISO_MAC || map == MAP_ISO_IP || map == MAP_ISO_PORT || map == MAP_HOLD) {
        memcpy(&hits, value + offsetof(struct dp_isolate, hits), sizeof(hits));
    } else if (map == MAP_SERVER || map == MAP_PAIR) {
        memcpy(&hits, value + offsetof(struct dp_block, hits), sizeof(hits));
    }
    return hits;
}

int
claims_check(const struct claims *want, uint64_t id, enum map_id *map, uint64_t *hits)
{
    const struct owner *owner = owner_find(want, id);
    *hits = 0;
    for (struct claim *claim = owner ? owner->claims : NULL; claim; claim = claim->next_of_owner) {
        uint8_t held[MAP_VALUE_MAX];
        int result = entry_check(want, claim->entry, held);
        if (result) {
            *map = claim->entry->map;
            return result;
        }
        *hits += hits_of(claim->entry->map, held);
    }
    return 0;
}

/* Keys that nobody claims; the walk starts again when its place was deleted. */
static int
strangers_remove(struct claims *want, enum map_id map)
{
    uint8_t key[MAP_KEY_MAX], next[MAP_KEY_MAX];
    int removed = 0, result = maps_next(want->maps, map, NULL, next);
    while (result == 0) {
        memcpy(key, next, map_kinds[map].key_size);
        result = maps_next(want->maps, map, key, next);
        if (entry_find(want, map, key)) {
            continue;
        }
        int gone = maps_delete(want->maps, map, key);
        if (gone) {
            return gone;
        }
        removed++;
    }
    return result == -ENOENT ? removed : result;
}

int
claims_has_stranger(const struct claims *want, enum map_id map)
{
    uint8_t key[MAP_KEY_MAX], next[MAP_KEY_MAX];
    int result = maps_next(want->maps, map, NULL, next);
    while (result == 0 && entry_find(want, map, next)) {
        memcpy(key, next, map_kinds[map].key_size);
        result = maps_next(want->maps, map, key, next);
    }
    return result == 0 ? 1 : result == -ENOENT ? 0 : result;
}

int
claims_repair(struct claims *want, bool is_exact)
{
    int wrong = 0;
    HMAP_FOR_EACH (entry, struct entry, node, &want->entries) {
        uint8_t held[MAP_VALUE_MAX];
        if (entry_check(want, entry, held) == 0) {
            continue;
        }
        int result = entry_write(want, entry);
        if (result) {
            return result;
        }
        wrong++;
    }
    for (enum map_id map = 0; map < MAP_COUNT; map++) {
        int removed = is_exact && map_kinds[map].is_ruled ? strangers_remove(want, map) : 0;
        if (removed < 0) {
            return removed;
        }
        wrong += removed;
    }
    return wrong;
}

size_t
claims_count(const struct claims *want, enum map_id map)
{
    return want->count[map];
}
