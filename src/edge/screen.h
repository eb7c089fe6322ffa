/* One bit for each digest of a MAC, which the program reads of every frame: where it is not set,
 * no map of endpoints has that MAC (bpf/plain.bpf.h).  Set before an endpoint goes in; several MACs
 * share a bit, so it stays when one goes out, until all that are left are entered anew.
 *
 * Called by maps.c; the edge's loop alone writes. */
#ifndef CORDON_EDGE_SCREEN_H
#define CORDON_EDGE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge/bpf/shared.h"

#define SCREEN_WORDS ((1u << DP_SCREEN_BITS) / 64)
#define SCREEN_SIZE (SCREEN_WORDS * sizeof(uint64_t))

struct screen {
    _Atomic uint64_t *words; /* SCREEN_WORDS; borrowed */
    size_t stale;            /* MACs that went out since it was entered anew */
};

void screen_add(const struct screen *screen, const uint8_t mac[6]);
bool screen_has(const struct screen *screen, const uint8_t mac[6]);
/* Has exactly the bits of 'fresh' afterwards; none that both have is away in between. */
void screen_renew(struct screen *screen, const struct screen *fresh);

#endif
