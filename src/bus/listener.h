/* Listeners of processes that have no descriptors left. */
#ifndef CORDON_BUS_LISTENER_H
#define CORDON_BUS_LISTENER_H

#include <event2/listener.h>

/* Where no connection can be accepted (no descriptor, no memory), nobody is let in for half a
 * second, and that is said once each time: what is connected goes on, and neither the processor nor
 * the log is spent on whoever waits at the door.  For listeners that live as long as their loop
 * runs. */
void listener_guard(struct evconnlistener *listener);

#endif
