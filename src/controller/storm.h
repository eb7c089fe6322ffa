/* A storm: policy asks for more isolations than its budget has room for.  It is told once, however
 * many are held; what they bring with them (held decisions, blocks of pairs and servers instead) is
 * not told one by one.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_STORM_H
#define CORDON_CONTROLLER_STORM_H

#include "controller/state.h"

/* Four times a second: whom the budget has room for after all, and whether there is a storm. */
void storm_tick(struct controller *controller);
/* Is there a storm (now)?  At once where an isolation has just been held, before what it brings is
 * told. */
void storm_watch(struct controller *controller);
/* Is that containment one of the many that the storm's one notice stands for? */
bool storm_covers(const struct controller *controller, const struct containment *c);

/* That pending one waits for its turn (budget.h): kept with it on the disk until all had theirs, so
 * that a restart in between neither forgets it nor gives it a turn that it had. */
void storm_gathered(struct controller *controller, struct store_change *change, struct entry *entry,
                    const struct decision *decision);
/* At start: each setting, when containments are known; then once, with everything known. */
void storm_setting(struct controller *controller, const char *name, const char *value);
void storm_load(struct controller *controller);

#endif
