/* What waits for a person: a verdict of one (controller_judge() of controller.h), evidence that
 * makes it worth asking again, and the end of the time in which somebody could have answered.
 * Core's loop thread. */
#ifndef CORDON_CONTROLLER_PENDING_H
#define CORDON_CONTROLLER_PENDING_H

#include "controller/state.h"

/* What a person was to judge has become certain by another detection without a reason to wait; or
 * the budget has room for it: 'policy' enforces it. */
void pending_confirm(struct controller *controller, struct entry *entry, const char *policy);
/* Policy is sure of it by now, and cannot enforce it: for 'why', which is shown, with since when,
 * until another detection of it is not refused for that.  What refused it may be gone before: only
 * policy, with a detection at hand, knows; looked at without one it went and came back, and people
 * were told each time.  They are told once, unless 'is_over_budget': the storm's notice tells. */
void pending_refuse(struct controller *controller, struct entry *entry, const char *why,
                    bool is_over_budget);
/* Nothing refuses it any more. */
void pending_admit(struct containment *c);
/* One that was checked waits for a person once more, for what 'decision' is held for. */
void pending_ask_again(struct controller *controller, struct entry *entry,
                       const struct decision *decision);
/* Its time is over: what then happens is done, unless it is left to people since. */
void pending_due(struct controller *controller, struct entry *entry);

#endif
