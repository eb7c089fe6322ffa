/* `cordonctl policy test`: what would these detections lead to, and why?  The same engine and the
 * same path as for live traffic, on a clock that goes with the detections. */
#ifndef CORDON_POLICY_TRIAL_H
#define CORDON_POLICY_TRIAL_H

#include "policy/policy.h"

/* One line of the answer, borrowed for the call; 'index' is the detection's. */
typedef void policy_test_line(void *context, size_t index, const char *line);

/* A test that goes on over several calls: counts within time, incidents, budgets and what is in
 * force carry over.  Keeps the policy that it began with ('policy' gets a reference; 'world' is
 * borrowed for as long).  'world' NULL: assumes that every inside address is one endpoint of its
 * own, attached where its frames come from, and says so. */
struct policy_trial;
struct policy_trial *policy_trial_new(struct policy *policy, const struct policy_world *world);
void policy_trial_free(struct policy_trial *trial);
/* In the order of 'seen_us' as given. */
void policy_trial_run(struct policy_trial *trial, const struct detection *detections, size_t count,
                      policy_test_line *line, void *context);
/* One detection of a replay: what it decides counts as done from then on (contained until its
 * expiry), as it would be if it were live.  'outcome' is large: the caller's. */
void policy_trial_step(struct policy_trial *trial, const struct detection *detection,
                       struct outcome *outcome);
void policy_trial_assume(struct policy_trial *trial, enum assumption assumption);
/* All in one. */
void policy_test(struct policy *policy, const struct policy_world *world,
                 const struct detection *detections, size_t count, policy_test_line *line,
                 void *context);

#endif
