/* Each row of the audit, as a notice, to whoever collects them elsewhere (syslog): where a rule
 * routes the kind audit_row.  In order, each once, from the row after the rule was made on; how far
 * is a setting that is stored with the notices.  A receiver that is slow or away holds it back:
 * nothing is counted instead of told.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_FORWARD_H
#define CORDON_CONTROLLER_FORWARD_H

#include "controller/state.h"

#define FORWARD_SETTING "audit/forwarded"
#define FORWARD_ROWS 10 /* at once, twice a second at most: below what one channel may be sent */

/* Once a second. */
void forward_tick(struct controller *controller);

#endif
