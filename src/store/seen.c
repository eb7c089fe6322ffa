#include "store/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define BITS (UINT32_C(1) << 23) /* 1 MiB: of a million ids it is wrong about one in fifty */
#define PROBES 5
#define ADDED_MOST 1500000
#define ROWS_AT_ONCE 1000 /* about a millisecond */
#define PAUSE_US 50000

struct seen {
    uint8_t *bits;
    size_t added;
    struct reader *reader;
    struct event *fill;
    int64_t through; /* the rows of the database up to this number are in it */
    bool is_whole;
};

static void
fill_later(struct seen *seen)
{
    const struct timeval pause = {.tv_usec = PAUSE_US};
    event_add(seen->fill, &pause);
}

/* Each id has places by both halves of its hash (Kirsch and Mitzenmacher, 2006). */
static void
places_of(const char *id, uint32_t places[PROBES])
{
    uint64_t hash = hash_text(id);
    uint32_t at = (uint32_t)hash, step = (uint32_t)(hash >> 32) | 1;
    for (size_t i = 0; i < PROBES; i++, at += step) {
        places[i] = at % BITS;
    }
}

static void
put(struct seen *seen, const char *id)
{
    uint32_t places[PROBES];
    places_of(id, places);
    for (size_t i = 0; i < PROBES; i++) {
        seen->bits[places[i] / 8] |= (uint8_t)(1 << places[i] % 8);
    }
    seen->added++;
}

static void
on_id(void *context, int64_t number, const char *id)
{
    struct seen *seen = context;
    seen->through = number;
    put(seen, id);
}

static void
on_fill(evutil_socket_t fd, short what, void *context)
{
    struct seen *seen = context;
    int64_t before = seen->through;
    (void)fd, (void)what;
    int error = reader_detection_ids(seen->reader, seen->through, ROWS_AT_ONCE, on_id, seen);
    seen->is_whole = !error && seen->through == before;
    if (!seen->is_whole) {
        fill_later(seen);
    }
}

struct seen *
seen_new(struct event_base *base, struct reader *reader)
{
    struct seen *seen = MEM_NEW(struct seen);
    seen->bits = mem_new(BITS / 8, 1);
    seen->reader = reader;
    seen->fill = event_new(base, -1, 0, on_fill, seen);
    if (!seen->fill) {
        seen_free(seen);
        return NULL;
    }
    fill_later(seen);
    return seen;
}

void
seen_free(struct seen *seen)
{
    if (seen) {
        if (seen->fill) {
            event_free(seen->fill);
        }
        free(seen->bits);
        free(seen);
    }
}

void
seen_add(struct seen *seen, const char *id)
{
    if (seen->added >= ADDED_MOST) { /* nearly full of what is gone */
        memset(seen->bits, 0, BITS / 8);
        seen->added = 0;
        seen->through = 0;
        seen->is_whole = false;
        fill_later(seen);
    }
    put(seen, id);
}

bool
seen_may_have(const struct seen *seen, const char *id)
{
    uint32_t places[PROBES];
    bool has_all = true;
    places_of(id, places);
    for (size_t i = 0; i < PROBES && has_all; i++) {
        has_all = seen->bits[places[i] / 8] & 1 << places[i] % 8;
    }
    return has_all || !seen->is_whole;
}

bool
seen_is_whole(const struct seen *seen)
{
    return seen->is_whole;
}
