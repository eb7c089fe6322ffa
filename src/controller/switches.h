/* Rules -> switches: full snapshots and deltas with generation numbers, read-back in rotation,
 * repair.  What switches answer is taken in observed.c and judged in judge.c. */
#ifndef CORDON_CONTROLLER_SWITCHES_H
#define CORDON_CONTROLLER_SWITCHES_H

#include "controller/state.h"

struct switch_state *switch_by_name(const struct controller *controller, const char *name);
void switches_free(struct controller *controller);
void switch_stats_fini(struct switch_stats *stats);

/* 'now' replaces 'before' (which is freed); queued until switches_flush(). */
void switches_change(struct controller *controller, struct entry *entry, struct want_list *before,
                     struct want_list *now);
/* Sends what was queued: call at the end of every event. */
void switches_flush(struct controller *controller);
/* Everybody again from the beginning (a new epoch). */
void switches_push_all(struct controller *controller);
/* Panic or resume: told at once. */
void switches_suspend(struct controller *controller);
/* The clock is sure again: what was told without its end is told it, so that it ends there too,
 * should we be away by then.  (Who is away hears it when it comes: rule_sum.h.) */
void switches_tell_ends(struct controller *controller);
/* Computes the common rules again and hands the difference to the switches. */
void switches_refresh_common(struct controller *controller);
/* Read-backs that are due, repairs that waited. */
void switches_tick(struct controller *controller);

/* Missing rules again, or everything where the switch holds what we did not ask for; not before its
 * back-off is over. */
void switch_repair(struct controller *controller, struct switch_state *sw);
/* To one that holds everything: who drives it, and what is protected, with the next flush. */
void switch_greet(struct controller *controller, struct switch_state *sw);
void switch_publish(struct controller *controller, struct switch_state *sw);
/* Shown as its problem, logged when it changes, told when it stays; "": none. */
void switch_problem(struct controller *controller, struct switch_state *sw, const char *problem);

#endif
