/* Switches and their ports, as the switches report them. */
#ifndef CORDON_TOPOLOGY_PORTS_H
#define CORDON_TOPOLOGY_PORTS_H

#include "topology/state.h"

/* The same text, kept as long as the topology; NULL is "". */
const char *name_keep(struct topology *t, const char *text);

struct switch_state *switch_find(const struct topology *t, const char *name);
/* Finds or makes; NULL: too many (counted). */
struct switch_state *switch_need(struct topology *t, const char *name);
struct port_state *port_find(const struct topology *t, const char *switch_name, const char *port);
struct port_state *port_need(struct topology *t, struct switch_state *on, const char *name);

/* FACT_PORT, FACT_PORT_GONE, FACT_LINK_UP, FACT_LINK_DOWN. */
void port_apply(struct topology *t, struct port_state *port, const struct fact *fact,
                int64_t at_us);
/* A switch's own port or bridge: no endpoint, except where it is seen on a sink: there somebody
 * else uses it. */
bool mac_is_own(const struct topology *t, const struct mac *mac);
/* The port is there no longer. */
void port_gone(struct topology *t, struct port_state *port, int64_t at_us);
/* Its link is lost: whoever was there has left. */
void port_down(struct topology *t, struct port_state *port, int64_t at_us);
void switch_free(struct topology *t, struct switch_state *on);

/* An access or server port that no confirmed link makes a way to another switch: what is seen
 * there is attached there. */
bool port_is_sink(const struct port_state *port);

#endif
