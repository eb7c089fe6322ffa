/* Detections -> decisions -> containments: one commit on the path, then the switches. */
#ifndef CORDON_CONTROLLER_DECIDE_H
#define CORDON_CONTROLLER_DECIDE_H

#include "controller/state.h"

struct recent *recent_new(void);
void recent_free(struct recent *recent);

/* What was unclear about it is known (unclear.h); it is stored, in the incident 'was'. A person
 * 'refused' what was done for it, perhaps: nothing is done again without his word. */
void decide_again(struct controller *controller, const struct detection *detection,
                  const struct incident *was, bool is_refused);

/* An isolation that waited for its turn and has it now (policy/budget.h). */
void decide_gathered(struct controller *controller, const struct decision *decision);

/* Where 'decision' waits for a person: 'c' does so from 'now_us' (wall) on. */
void decision_hold(struct containment *c, const struct decision *decision, int64_t now_us);

#endif
