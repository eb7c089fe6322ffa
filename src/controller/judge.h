/* What switches say of a containment's rules, all together, becomes its state, its alarm, and what
 * is shown of it switch by switch. */
#ifndef CORDON_CONTROLLER_JUDGE_H
#define CORDON_CONTROLLER_JUDGE_H

#include "controller/state.h"

/* This containment's state may have changed: judged by judge_looked(). */
void judge_look(struct controller *controller, struct entry *entry);
/* Many may have (of all; those that a new switch holds): judged in slices, so that a thousand
 * switches that come back do not stop the loop.  A few are judged as soon as one. */
void judge_later(struct controller *controller, struct entry *entry);
void judge_look_at_all(struct controller *controller);
/* The same, when the switches that are connected have all heard everything: at once where there is
 * no crowd of them, and while there is one every two seconds.  Each look at thousands of
 * containments is written down and told, for what will be otherwise in a moment. */
void judge_look_at_all_soon(struct controller *controller);
void judge_looked(struct controller *controller);
/* Once, when those that come after a start have had their time: what nobody holds is told. */
void judge_tick(struct controller *controller);
/* The next of those that wait; a few milliseconds. */
void judge_slice(struct controller *controller);
/* For controller_reports(). */
size_t judge_report(const struct controller *controller, const struct entry *entry,
                    struct switch_report *reports, size_t room);
/* Frames that all switches counted for this rule, as they told last. */
uint64_t judge_hits(const struct controller *controller, const struct want *want);
/* A switch that it is for cannot hold it, or has answered and does not. */
bool judge_is_missing(const struct controller *controller, const struct want *want);

#endif
