/* Slots: one rule each as one switch must hold it, and what the switch says of it. */
#ifndef CORDON_CONTROLLER_SLOT_H
#define CORDON_CONTROLLER_SLOT_H

#include "controller/state.h"

/* NULL: the switch need not hold it. */
struct slot *slot_find(const struct switch_state *sw, const char *id);
void slot_drop(struct switch_state *sw, struct slot *slot);
void slots_clear(struct switch_state *sw);
/* Made where it is not there; asked for with that generation. */
void slot_put(struct switch_state *sw, struct entry *entry, const char *id, uint64_t generation);
void slot_say(struct slot *slot, enum rule_state state, const char *why);
/* Asked for, answered, and not in force. */
bool slot_is_missing(const struct switch_state *sw, const struct slot *slot);
/* Is it meant for this switch, and can the switch hold it? */
bool slot_is_wanted(const struct switch_state *sw, const struct want *want);

#endif
