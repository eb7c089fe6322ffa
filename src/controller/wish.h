/* What people and programs ask for (controller.h, inspect.h), and what time ends. */
#ifndef CORDON_CONTROLLER_WISH_H
#define CORDON_CONTROLLER_WISH_H

#include "controller/state.h"

#define PROPOSALS_MAX 1024

/* Expiry and pending time-outs that are due. */
void entries_tick(struct controller *controller);
/* Could a machine have it?  A rule on 0.0.0.0, a broadcast or a group would cut off everybody. */
bool wish_is_host(const struct ip *ip);
/* Is it clear whom an address means, that resolves like that?  False: 'why' it is not. */
bool wish_address_is_clear(enum resolution how, char why[TEXT_SIZE]);
/* Policy asks for one that is in force without its permits; where it may take them away they go,
 * from the switches as soon as that is stored. */
void controller_tighten(struct controller *controller, struct entry *entry,
                        const struct decision *decision);
/* A host that behaves like a gateway, DHCP server or resolver; a known one is left as it is. */
bool proposal_add(struct controller *controller, const struct protection_view *view);

/* That endpoint was joined to another: so is that it is protected, or proposed. */
void protection_follow(struct controller *controller, const char *endpoint_id,
                       const struct endpoint *into);

/* Releases what the policy has declared as protected since; a part of it in each tick. */
void protect_sweep(struct controller *controller);

#endif
