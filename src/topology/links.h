/* Links between switches, from what LLDP heard.  A link counts (is confirmed) when both managed
 * ends report it and one of them is no access or server port; one report alone, or those of two
 * endpoints that speak in each other's name, never change what a port is (architecture rule 8). */
#ifndef CORDON_TOPOLOGY_LINKS_H
#define CORDON_TOPOLOGY_LINKS_H

#include "topology/state.h"

/* FACT_NEIGHBOUR. */
void link_apply(struct topology *t, struct port_state *port, const struct fact *fact,
                int64_t at_us);
/* The neighbour of this port is no longer heard. */
void link_forget(struct topology *t, struct port_state *port, int64_t at_us);
/* One of its ends is another kind of port now. */
void link_judge(struct topology *t, struct link_item *item);
/* The managed switch that this port's neighbour says it is, or NULL. */
struct switch_state *link_neighbour(const struct topology *t, const struct port_state *port);
void links_free(struct topology *t);

#endif
