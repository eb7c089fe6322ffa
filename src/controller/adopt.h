/* A switch that comes (again) and holds already what it must: it says one sum of it (rule_sum.h),
 * made from what it reads back, and is taken over as it is, with the rules that it names as not
 * proven.  Where the sum is another one, or it does not know of sums, it is told everything, as
 * ever.  Nothing counts as verified that its read-back did not prove. */
#ifndef CORDON_CONTROLLER_ADOPT_H
#define CORDON_CONTROLLER_ADOPT_H

#include "controller/state.h"

/* It came anew: it may be asked again. */
void adopt_begin(struct switch_state *sw);
void adopt_fini(struct switch_state *sw);
/* Is its sum awaited?  Asks for it where it was not: then no snapshot is sent meanwhile. */
bool adopt_waits(struct controller *controller, struct switch_state *sw);
/* False: that is no answer to the question for its sum.  Call switches_flush() after true. */
bool adopt_take(struct controller *controller, struct switch_state *sw,
                const struct wire_observed *observed);

#endif
