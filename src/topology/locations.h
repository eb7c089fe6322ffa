/* Where an endpoint is attached, by the sink rule: a sighting on an access port from which no link
 * leads to another managed switch beats every sighting on an uplink, which only says "behind here".
 * Among several such places the newest wins where the older was not refreshed since; otherwise the
 * MAC is in two places at once, which is a conflict and is shown, never guessed away. */
#ifndef CORDON_TOPOLOGY_LOCATIONS_H
#define CORDON_TOPOLOGY_LOCATIONS_H

#include "topology/ports.h"
#include "topology/state.h"

/* A MAC was seen on a port.  The endpoint, new or known; NULL where it is nobody's (group, zero,
 * virtual router) or there is no room, each counted. */
struct node *sighting_apply(struct topology *t, struct port_state *port, const struct mac *mac,
                            uint16_t vlan, int64_t at_us);
/* The switch's table forgot it: silent, not gone. */
void sighting_idle(struct topology *t, struct port_state *port, const struct mac *mac);
/* Everybody leaves this port. */
void sightings_end(struct topology *t, struct port_state *port, enum left_by by, int64_t at_us);
/* After a full report: what this switch did not name any more is silent. */
void sightings_sweep(struct topology *t, struct port_state *port, uint32_t mark);
void sighting_drop(struct sighting *sighting);

/* Judges the endpoint's place anew, tells and records what changed. */
void locate(struct topology *t, struct node *node, int64_t at_us);
void locate_all_on(struct topology *t, struct port_state *port);
/* Forgets that its place was ever in doubt. */
void doubt_drop(struct topology *t, struct node *node);
/* Is it plugged in and not silent, somewhere? */
bool is_alive(const struct topology *t, const struct node *node, int64_t at_us);
/* Is this port where the endpoint is attached, without doubt? */
bool located_on(const struct node *node, const struct port_state *port);

#endif
