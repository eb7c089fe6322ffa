/* `cordonctl policy test`: what would these detections lead to, and why?  The same engine and the
 * same path as for live traffic, on a clock that goes with the detections. */
#ifndef CORDON_POLICY_POLICY_TEST_H
#define CORDON_POLICY_POLICY_TEST_H

#include "policy/policy.h"

/* One line of the answer, borrowed for the call; 'index' is the detection's. */
typedef void policy_test_line(void *context, size_t index, const char *line);

/* In the order of 'seen_us' as given.  'world' NULL: assumes that every inside address is one
 * endpoint of its own, attached where its frames come from, and says so. */
void policy_test(struct policy *policy, const struct policy_world *world,
                 const struct detection *detections, size_t count, policy_test_line *line,
                 void *context);

#endif
