/* What people say of machines (model/annotation.h), by MAC in ascending order: found by halving,
 * listed in an order that does not depend on who was seen when.  Called only by this folder. */
#ifndef CORDON_TOPOLOGY_ANNOTATIONS_H
#define CORDON_TOPOLOGY_ANNOTATIONS_H

#include "topology/state.h"

/* After a change of its MACs or of what is said of one of them. */
void node_annotate(const struct topology *t, struct node *node);
void annotations_free(struct topology *t);

#endif
