/* Runs slices of sweeps (sweep.h), and gives the room back.  Store thread. */
#ifndef CORDON_STORE_SWEEPER_H
#define CORDON_STORE_SWEEPER_H

#include <sqlite3.h>

#include "base/macros.h"
#include "store/sweep.h"

struct sweeper;

/* Borrows the writing connection. */
struct sweeper *sweeper_new(sqlite3 *db);
void sweeper_free(struct sweeper *sweeper);

/* What a slice took of what the writer counts. */
struct swept {
    uint64_t detections, evidence_bytes;
};
/* Within a transaction.  0 or -EIO. */
int sweeper_run(struct sweeper *sweeper, struct store_sweep *sweep, struct swept *swept) MUST_CHECK;
/* The newest row of packets or of detections, likewise; of an incident that has more than 64, if
 * there is one among the newest 256. */
int sweeper_take_newest(struct sweeper *sweeper, enum sweep_of of, struct swept *swept) MUST_CHECK;

/* A database that was made before files could shrink: made anew where it is small enough to start
 * soon all the same.  Nothing is lost where that fails. */
void sweeper_prepare(sqlite3 *db);
/* A short part of: merging the indexes of texts (what was taken stands in them until then), handing
 * free pages back.  True: there is more to do. */
bool sweeper_rest(struct sweeper *sweeper, bool is_scrubbing);
/* Empties the log.  True: it is empty; false: somebody still reads what it holds. */
bool sweeper_empty_log(struct sweeper *sweeper);
/* Pages that hold something, in bytes. */
uint64_t sweeper_live_bytes(struct sweeper *sweeper);

#endif
