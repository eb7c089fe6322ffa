/* Which notice goes to whom: the rules' channels, the help desk, the owner, who is on call.  What
 * was committed is read from the store in its order, and marked as routed in the commit of its
 * messages. Part of notices.h (notices_tell_unstored() is here, too); core's loop thread. */
#ifndef CORDON_CONTROLLER_NOTICES_ROUTE_H
#define CORDON_CONTROLLER_NOTICES_ROUTE_H

#include "controller/notices/notices.h"

/* Four times a second: some of what waits, one commit at a time. */
void route_tick(struct controller *controller);

#endif
