/* Detections -> decisions -> containments: one commit on the path, then the switches. */
#ifndef CORDON_CONTROLLER_DECIDE_H
#define CORDON_CONTROLLER_DECIDE_H

#include "controller/state.h"

struct recent *recent_new(void);
void recent_free(struct recent *recent);

/* New containments on their way to the disk, and what follows when they are there. */
struct commit;
struct commit *commit_new(struct controller *controller);
struct store_change *commit_change(struct commit *commit);
/* 'entry' is put in force, or shown as pending, once it is on disk; dropped if it fails. */
void commit_add(struct commit *commit, struct entry *entry);
/* Takes 'commit'.  'done' runs after the entries were handled; it may look at them. */
void commit_submit(struct commit *commit, void (*done)(void *context, int error), void *context);

/* An isolation that waited for its turn and has it now (policy/budget.h). */
void decide_gathered(struct controller *controller, const struct decision *decision);

/* Where 'decision' waits for a person: 'c' does so from 'now_us' (wall) on. */
void decision_hold(struct containment *c, const struct decision *decision, int64_t now_us);

/* A containment with what every one has: id, case number, times, first marks. */
void containment_begin(struct controller *controller, struct containment *c, enum action action,
                       const char *requested_by);

#endif
