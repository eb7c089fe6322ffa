/* What happened to an endpoint, oldest first, packed: kind, time, text with its NUL, one behind the
 * other.  It is read only by people, and there is one for each endpoint. */
#ifndef CORDON_TOPOLOGY_HISTORY_H
#define CORDON_TOPOLOGY_HISTORY_H

#include "topology/state.h"

/* True: the oldest made room. */
bool history_add(struct node *node, enum endpoint_event_kind kind, int64_t at_us,
                 const char *detail);

/* Takes out the events that 'goes' says yes to (or only counts them); returns how many. */
size_t history_sift(struct node *node,
                    bool (*goes)(void *context, int64_t at_us, const char *detail), void *context,
                    bool is_dry);

#endif
