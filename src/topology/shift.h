/* Our clock was set: what topology knows happened as long ago as before.  What is only history
 * (when an endpoint appeared, its events) stays as it was written down.  Loop thread. */
#ifndef CORDON_TOPOLOGY_SHIFT_H
#define CORDON_TOPOLOGY_SHIFT_H

#include "base/clock.h"
#include "topology/topology.h"

/* One that came from the store, where it was written down before: by so much it was set since. */
void topology_shift_one(struct topology *topology, const char *endpoint_id, int64_t by_us);
void topology_shift(struct topology *topology, const struct clock_move *move);

#endif
