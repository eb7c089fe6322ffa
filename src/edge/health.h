/* What is wrong with this switch itself, in words that say what to do: for edge_stats and doctor.
 */
#ifndef CORDON_EDGE_HEALTH_H
#define CORDON_EDGE_HEALTH_H

#include <stdbool.h>

#include "edge/datapath.h"
#include "edge/learn.h"
#include "wire/edge_stats.h"

/* Fills counters (room COUNTERS_MAX, the caller's) and problems. */
void health_read(struct datapath *datapath, const struct learn *learn,
                 struct wire_counter *counters, struct wire_edge_stats *stats);
/* Adds what is wrong with the disk: it hangs, or did not take all. */
void health_disk(bool is_silent, bool is_behind, struct wire_edge_stats *stats);

#endif
