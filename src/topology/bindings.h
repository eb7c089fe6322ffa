/* Who holds which address, since when: bindings from ARP, ND and DHCP, with the intervals that
 * answer "who was 192.0.2.7 when that happened?".
 *
 * A claim counts where the MAC is attached; a copy that floods through an uplink only confirms.  A
 * DHCP lease of a machine that is alive is stronger than another's ARP.  Of two ARP or ND claims
 * the newer takes over; where the older speaks up again, both are contested. */
#ifndef CORDON_TOPOLOGY_BINDINGS_H
#define CORDON_TOPOLOGY_BINDINGS_H

#include "topology/state.h"

/* FACT_BINDING, after its sighting; 'port' may be NULL. */
void binding_claim(struct topology *t, struct node *node, const struct port_state *port,
                   const struct fact *fact, int64_t at_us);
/* The address part of FACT_LEASE. */
void binding_lease(struct topology *t, struct node *node, const struct fact *fact, int64_t at_us);
/* Ends what time ends. */
void bindings_expire(struct topology *t, struct node *node);

/* For restore and merge. */
void binding_restore(struct topology *t, struct node *node, const struct binding *binding);
void bindings_move(struct topology *t, struct node *into, struct node *from);
/* The switch where it is belongs to another site now. */
void bindings_resite(struct topology *t, struct node *node);
void binding_drop(struct topology *t, struct node *node, size_t index);

#endif
