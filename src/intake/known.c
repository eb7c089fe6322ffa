#include "intake/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NOBODY UINT32_MAX

/* A ring of ids, and chains through it by the ids' own bits: they are digests, equally spread, and
 * whoever makes lines cannot choose them. */
struct known_lines {
    uint8_t (*ids)[LINE_ID_SIZE];
    uint32_t *next;   /* in its chain */
    uint32_t *chains; /* first of each */
    size_t limit, count, at;
    size_t mask;
};

struct known_lines *
known_new(size_t limit)
{
    struct known_lines *known = MEM_NEW(struct known_lines);
    size_t chains = 64;
    while (chains < limit) {
        chains *= 2;
    }
    known->limit = limit;
    known->mask = chains - 1;
    known->ids = mem_new(limit, sizeof(*known->ids));
    known->next = mem_new(limit, sizeof(*known->next));
    known->chains = mem_new(chains, sizeof(*known->chains));
    memset(known->chains, 0xff, chains * sizeof(*known->chains));
    return known;
}

void
known_free(struct known_lines *known)
{
    if (known) {
        free(known->ids);
        free(known->next);
        free(known->chains);
        free(known);
    }
}

static uint32_t *
chain_of(const struct known_lines *known, const uint8_t id[LINE_ID_SIZE])
{
    uint64_t bits;
    memcpy(&bits, id, sizeof(bits));
    return &known->chains[bits & known->mask];
}

bool
known_has(const struct known_lines *known, const uint8_t id[LINE_ID_SIZE])
{
    for (uint32_t at = *chain_of(known, id); at != NOBODY; at = known->next[at]) {
        if (memcmp(known->ids[at], id, LINE_ID_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

/* The oldest leaves its place. */
static void
room_make(struct known_lines *known)
{
    uint32_t oldest = (uint32_t)known->at;
    uint32_t *link = chain_of(known, known->ids[oldest]);
    while (*link != oldest) {
        link = &known->next[*link];
    }
    *link = known->next[oldest];
}

void
known_add(struct known_lines *known, const uint8_t id[LINE_ID_SIZE])
{
    if (known_has(known, id)) {
        return;
    }
    if (known->count == known->limit) {
        room_make(known);
    } else {
        known->count++;
    }
    uint32_t place = (uint32_t)known->at;
    uint32_t *chain = chain_of(known, id);
    memcpy(known->ids[place], id, LINE_ID_SIZE);
    known->next[place] = *chain;
    *chain = place;
    known->at = (known->at + 1) % known->limit;
}
