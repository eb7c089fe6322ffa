/* The kernel's view of the switch by rtnetlink: devices (bridge ports) and the bridge's forwarding
 * database.  Events as they happen; a lost event (ENOBUFS) leads to a full dump. */
#ifndef CORDON_EDGE_KERNEL_LINK_H
#define CORDON_EDGE_KERNEL_LINK_H

#include <event2/event.h>

#include "base/macros.h"
#include "edge/kernel_messages.h"

struct kernel_link_handler {
    void (*on_device)(void *context, const struct kernel_device *device);
    void (*on_neighbour)(void *context, const struct kernel_neighbour *neighbour);
    void (*on_dump_done)(void *context);
    void *context;
};

struct kernel_link;

int kernel_link_new(struct event_base *base, const struct kernel_link_handler *handler,
                    struct kernel_link **link, char why[256]) MUST_CHECK;
void kernel_link_free(struct kernel_link *link);
/* All devices, then all entries of the database; each comes as an event. */
void kernel_link_dump(struct kernel_link *link);

#endif
