/* What switches hold and the database does not know.
 *
 * A controller that lost its memory (restored from a copy or a backup, or killed) must not take
 * from the switches what it does not remember: the first snapshot would.  So each switch is asked
 * for the rules that it was told to block by, before anything is sent to it; what is not known
 * becomes a containment like any other, marked as unproven, and stays until a person decides: keep
 * it, or release it.  What the database knows to have ended was released, and goes.
 *
 * Only where there is a reason: after a restore (each switch once, whenever it comes), after an end
 * that was not clean, where a switch has seen a higher epoch than we have, and while one is
 * unproven.  What one switch alone says to hold is pushed to that switch only, until a second one
 * says so, policy finds it or a person asks for it or keeps it: a rogue switch cuts nobody off at
 * another's ports, and shields nobody there. */
#ifndef CORDON_CONTROLLER_UNPROVEN_H
#define CORDON_CONTROLLER_UNPROVEN_H

#include "controller/state.h"

/* Before the settings are loaded: the end before was no clean one. */
void unproven_begin(struct controller *controller);
void unproven_setting(struct controller *controller, const char *name, const char *value);
/* One of those that are in force was loaded. */
void unproven_loaded(struct controller *controller, const struct entry *entry);
/* A switch knows more than we do, though nobody restored anything by our commands. */
void unproven_doubt(struct controller *controller, const char *why);
/* Nothing may be sent to that switch yet: it is asked (again), or what it said is being stored. */
bool unproven_waits(struct controller *controller, struct switch_state *sw);
/* Not one switch alone says it any more: it counts wherever it is meant. */
void unproven_believe(struct controller *controller, struct entry *entry);
/* True: it was an answer to that question. */
bool unproven_take(struct controller *controller, struct switch_state *sw,
                   const struct wire_observed *observed);

#endif
