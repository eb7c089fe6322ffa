/* Retention in the store: rows that are old, or about somebody, are counted, taken away, or lose
 * their names, in slices.  A slice is a row of a change like any other: on the store thread, in one
 * commit with what the change says of it, and so short that a block's commit behind it does not
 * wait for more than a few milliseconds.  sweeper.c runs it.
 *
 * What a containment in force, a pending decision or an incident that still collects needs is never
 * taken, whoever asks: looked up row by row in the commit that would take it. */
#ifndef CORDON_STORE_SWEEP_H
#define CORDON_STORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/sweep_subject.h"

enum sweep_of {
    SWEEP_EVIDENCE,
    SWEEP_NAMES,      /* detections that still have some */
    SWEEP_DETECTIONS, /* with their evidence */
    SWEEP_INCIDENTS,
    SWEEP_CONTAINMENTS, /* that ended */
    SWEEP_NOTICES,      /* that were routed */
    SWEEP_MESSAGES,     /* that do not wait */
    SWEEP_AUDIT,        /* up to 'through' */
    SWEEP_ENDPOINTS,    /* only looked at: topology forgets them */
    SWEEP_OF_COUNT
};

enum sweep_act {
    SWEEP_LOOK, /* counts what would be taken */
    SWEEP_DROP,
    SWEEP_PLAIN, /* takes names out: of detections and incidents */
};

struct store_sweep {
    enum sweep_of of;
    enum sweep_act act;
    int64_t before_us; /* only rows older than this */
    int64_t open_us;   /* an open incident that was seen since then still collects */
    int64_t through;   /* SWEEP_AUDIT */
    bool is_about;     /* only what is about 'subject' */
    struct sweep_subject subject;
    /* Ends when so much was taken; 0: at the last row. */
    uint64_t most_bytes, most_rows;
    /* Where it goes on: zero and INT64_MIN at first. */
    int64_t place, place_us;
    /* Found so far. */
    uint64_t seen;        /* rows looked at */
    uint64_t rows, bytes; /* old enough, about the subject, and not needed */
    uint64_t kept;        /* likewise, but needed */
    int64_t oldest_us;    /* of 'rows'; 0: none */
    bool is_over;
    bool is_enough; /* is over, and there may be more rows */
};
/* The next slice.  'sweep' is borrowed until the change is done, and counts only where that went
 * well: the caller gives a copy. */
void store_put_sweep(struct store_change *change, struct store_sweep *sweep);

/* What was taken is to be gone from the bytes of the file and its log too, and the file shorter:
 * the store thread sees to it while nothing waits.  Loop thread. */
void store_scrub(struct store *store);
/* Everything that was taken before the last store_scrub() is gone. */
bool store_is_scrubbed(const struct store *store);
/* Bytes of the file that hold something (0: not known yet); the rest is free for what comes. */
uint64_t store_live_bytes(const struct store *store);

#endif
