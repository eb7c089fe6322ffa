/* What the maps should hold: entries, each claimed by one or more rules.  Where several rules claim
 * one entry (a changed rule is added before the old one goes) the latest claim is in force.
 *
 * The kernel's maps follow at once; what they hold in fact is asked of them, never of us. */
#ifndef CORDON_EDGE_WANT_H
#define CORDON_EDGE_WANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/maps.h"

struct want;

/* One entry that a rule asks for. */
struct wish {
    enum map_id map;
    uint8_t key[MAP_KEY_MAX];
    uint8_t value[MAP_VALUE_MAX];
};

/* The wishes of one rule, in the order in which they go into the kernel. */
struct wishes {
    struct wish *items; /* owned */
    size_t count, room;
};
void wishes_add(struct wishes *wishes, enum map_id map, const void *key, const void *value);
void wishes_fini(struct wishes *wishes);

struct want *want_new(const struct maps *maps);
void want_free(struct want *want);

/* Rule 'owner' (any number but 0) claims exactly 'wishes' from now on; none: it is gone.  New and
 * changed entries are written first, then what nobody claims any more is deleted.  0 or the first
 * negative errno; the claims stand either way, so that a later repair tries again. */
int want_claim(struct want *want, uint64_t owner, const struct wishes *wishes) MUST_CHECK;
/* Is what the kernel holds what 'owner' claims?  0, -ENOENT (an entry is missing), -EBADMSG (it is
 * another); '*map' says where.  Adds up the hits of its entries. */
int want_check(const struct want *want, uint64_t owner, enum map_id *map,
               uint64_t *hits) MUST_CHECK;
/* Makes every map that rules alone fill exactly as wanted ('is_exact' false: what nobody wants
 * stays); returns how many entries were wrong, or negative errno. */
int want_repair(struct want *want, bool is_exact) MUST_CHECK;
size_t want_count(const struct want *want, enum map_id map);

#endif
