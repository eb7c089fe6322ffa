/* What the maps should hold: entries, each claimed by one or more rules.  Where several rules claim
 * one entry (a changed rule is added before the old one goes) the latest claim is in force.
 *
 * The kernel's maps follow at once; what they hold in fact is asked of them, never of us. */
#ifndef CORDON_EDGE_CLAIMS_H
#define CORDON_EDGE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/maps.h"

struct claims;

/* One entry that a rule asks for. */
struct map_entry {
    enum map_id map;
    uint8_t key[MAP_KEY_MAX];
    uint8_t value[MAP_VALUE_MAX];
};

/* The wishes of one rule, in the order in which they go into the kernel. */
struct map_entries {
    struct map_entry *items; /* owned */
    size_t count, room;
};
void map_entries_add(struct map_entries *wishes, enum map_id map, const void *key,
                     const void *value);
void map_entries_fini(struct map_entries *wishes);

struct claims *claims_new(const struct maps *maps);
void claims_free(struct claims *want);

/* Rule 'owner' (any number but 0) claims exactly 'wishes' from now on; none: it is gone.  New and
 * changed entries are written first, then what nobody claims any more is deleted.  0 or the first
 * negative errno; the claims stand either way, so that a later repair tries again. */
int claims_set(struct claims *want, uint64_t owner, const struct map_entries *wishes) MUST_CHECK;
/* Is what the kernel holds what 'owner' claims?  0, -ENOENT (an entry is missing), -EBADMSG (it is
 * another); '*map' says where.  Adds up the hits of its entries. */
int claims_check(const struct claims *want, uint64_t owner, enum map_id *map,
                 uint64_t *hits) MUST_CHECK;
/* Makes every map that rules alone fill exactly as wanted ('is_exact' false: what nobody wants
 * stays); returns how many entries were wrong, or negative errno. */
int claims_repair(struct claims *want, bool is_exact) MUST_CHECK;
/* Does that map hold something that nobody claims?  1, 0, or negative errno. */
int claims_has_stranger(const struct claims *want, enum map_id map) MUST_CHECK;
size_t claims_count(const struct claims *want, enum map_id map);

#endif
