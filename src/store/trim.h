/* The limits of configuration: so many bytes of packets, so many detections.  What is over them
 * goes, oldest first, while the store thread has nothing else to do; but
 *   - first what no containment in force, pending decision or collecting incident needs;
 *   - then what only a collecting incident needs;
 *   - then the newest, of incidents with many first: what a containment rests on stays, whatever
 *     comes after it, and whoever floods his own case hides no other.
 * Store thread. */
#ifndef CORDON_STORE_TRIM_H
#define CORDON_STORE_TRIM_H

#include "store/sweeper.h"

enum trim_level { TRIM_UNNEEDED, TRIM_COLLECTING, TRIM_NEWEST };

struct trim {
    enum sweep_of of; /* SWEEP_EVIDENCE or SWEEP_DETECTIONS */
    enum trim_level level;
    /* Where it goes on: a round looks at each row once. */
    int64_t place, place_us;
    uint64_t rows; /* taken in this round */
};

void trim_init(struct trim *trim, enum sweep_of of);
/* A slice of at most 'over' (bytes of packets, or detections), in a transaction of its own, which
 * the caller begins and ends.  An incident that was seen since 'open_us' collects.  0 or -EIO. */
int trim_step(struct trim *trim, struct sweeper *sweeper, uint64_t over, int64_t open_us,
              struct swept *swept) MUST_CHECK;

#endif
