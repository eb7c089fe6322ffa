/* Which MACs are one machine: the DHCP client id (or DUID) is the strong join.  A machine that
 * changes its MAC keeps its id; two machines with a cloned id are alive at the same time, and are
 * never merged: both are told of, and the id joins nothing for a day. */
#ifndef CORDON_TOPOLOGY_JOINS_H
#define CORDON_TOPOLOGY_JOINS_H

#include "topology/state.h"

/* 'mac' used client id 'id'.  The endpoint that it belongs to now: 'node', or the one joined. */
struct node *join_by_client_id(struct topology *t, struct node *node, const struct mac *mac,
                               const char *id, int64_t at_us);

#endif
