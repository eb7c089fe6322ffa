/* Asked: a rule that switches must hold, once for all of them.  Its number is its place in every
 * switch's slots: what that switch must hold, and what it says of it.  With thousands of rules on
 * hundreds of switches a slot is one byte; what few have (hits, a reason) is kept beside. */
#ifndef CORDON_CONTROLLER_SLOT_H
#define CORDON_CONTROLLER_SLOT_H

#include "controller/state.h"

/* ---- asked ---- */

void asked_init(struct asked_table *table);
void asked_fini(struct asked_table *table);
/* Made where it is not there; each call is undone by one asked_leave(). */
struct asked *asked_join(struct asked_table *table, const char *id, struct entry *entry);
/* The last one forgets it on every switch. */
void asked_leave(struct controller *controller, struct asked *asked);
/* NULL: nobody asks for it. */
struct asked *asked_find(const struct asked_table *table, const char *id);
/* NULL: the number is free. */
struct asked *asked_at(const struct asked_table *table, size_t number);

/* ---- slots of one switch ---- */

void slots_init(struct slots *slots);
/* Forgets everything; may be used again. */
void slots_clear(struct slots *slots);
/* Everything is told anew: forgets all but what was known to be held.  slots_told() ends it: what
 * was not put meanwhile is not known either. */
void slots_anew(struct slots *slots);
void slots_told(struct slots *slots);
/* Nothing is known to be held. */
void slots_doubt(struct slots *slots);
void slots_fini(struct slots *slots);
/* Room for so many rules at once: those that are asked for in all, before many are put. */
void slots_reserve(struct slots *slots, size_t count);
/* The switch answered that generation: what was pushed with it or before is not on its way any
 * more. */
void slots_answered(struct slots *slots, uint64_t generation);
/* Everything that is asked for was pushed with that generation. */
void slots_pushed(struct slots *slots, uint64_t generation);
/* Begins a full report: nothing was named in it yet. */
void slots_unname(struct slots *slots);

/* NULL: the switch need not hold it. */
struct slot *slot_find(const struct slots *slots, const struct asked *asked);
void slot_drop(struct slots *slots, const struct asked *asked);
/* Asked for, if it was not; pushed with that generation (0: with the snapshot). */
void slot_put(struct slots *slots, const struct asked *asked, uint64_t generation);
/* What the switch says of it; 'why' "" says nothing more. */
void slot_say(struct slots *slots, const struct asked *asked, enum rule_state state,
              const char *why);
void slot_count(struct slots *slots, const struct asked *asked, uint64_t hits);
/* NULL: nothing. */
const char *slot_why(const struct slots *slots, const struct asked *asked);
uint64_t slot_hits(const struct slots *slots, const struct asked *asked);
/* Asked for, answered, and not in force. */
bool slot_is_missing(const struct slot *slot);
bool slot_is_held(const struct slot *slot);
/* Is it meant for this switch, and can the switch hold it? */
bool slot_is_wanted(const struct switch_state *sw, const struct want *want);
/* Is it one of the switches that it is for, whether it can hold it or not? */
bool slot_is_meant(const struct switch_state *sw, const struct want *want);

#endif
