/* What was sent to a switch and is not answered in time.  A switch whose line lives may say nothing
 * all the same: what it was told since is then not known to be in force, and must not be shown so.
 * The time is measured from the sending of each generation, whatever the driver tries meanwhile. */
#ifndef CORDON_CONTROLLER_OVERDUE_H
#define CORDON_CONTROLLER_OVERDUE_H

#include "controller/state.h"

/* That generation goes out now. */
void overdue_sent(const struct controller *controller, struct switch_state *sw,
                  uint64_t generation);
/* The switch itself said what it holds as of that generation. */
void overdue_answered(struct controller *controller, struct switch_state *sw, uint64_t generation);
/* It answers, but takes nothing of it: what it says is the problem, also where it was mute before.
 */
void overdue_refused(struct controller *controller, struct switch_state *sw, const char *why);
/* It came, or went: what was sent on another connection is not waited for.  That it was mute is
 * forgotten when it answers, or after it was away for long enough to be simply away. */
void overdue_connection(const struct controller *controller, struct switch_state *sw);
/* The driver process is away: whose fault a missing answer is, is not known. */
void overdue_forget(struct switch_state *sw);
/* Connected, ours, and late with an answer. */
bool overdue_is_mute(const struct switch_state *sw);
/* As a problem of the switch: the last that is known of it. */
void overdue_text(const struct switch_state *sw, char text[TEXT_SIZE]);
void overdue_tick(struct controller *controller);

#endif
