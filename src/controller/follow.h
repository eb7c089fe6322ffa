/* A contained endpoint is followed: what topology tells (moves, addresses, MACs, conflicts, held
 * MACs, roles) becomes rules, history and pending decisions.  Topology's listener only notes; it is
 * acted on after the call that caused it, never from inside. */
#ifndef CORDON_CONTROLLER_FOLLOW_H
#define CORDON_CONTROLLER_FOLLOW_H

#include "controller/state.h"

void follow_listener(struct controller *controller, struct topology_listener *listener);
/* Acts on what was noted. */
void follow_act(struct controller *controller);
/* Whether a MAC on a held port is the same machine is asked as long as that case is in force: later
 * the answer would contain who was released. */
void follow_holders(struct controller *controller);
/* Writes changed endpoints behind, in batches. */
void follow_write_behind(struct controller *controller, bool all);

#endif
