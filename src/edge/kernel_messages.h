/* Messages of rtnetlink(7) -> devices and neighbours.  Pure.  The kernel is trusted, its messages
 * are still read within their bounds only: a container's proxy or a broken driver may have made
 * them. */
#ifndef CORDON_EDGE_KERNEL_MESSAGES_H
#define CORDON_EDGE_KERNEL_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

struct kernel_device {
    int ifindex;
    char name[NAME_SIZE];
    int master;   /* ifindex of its bridge; 0: none */
    bool is_up;   /* administratively up, with carrier */
    bool is_gone; /* RTM_DELLINK */
    uint32_t mtu;
    uint32_t port_number; /* the bridge's number for it (IFLA_BRPORT_NO); 0: no bridge port */
    struct mac mac;
};

struct kernel_neighbour { /* one entry of the forwarding database */
    int ifindex;
    struct mac mac;
    uint16_t vlan;
    bool is_gone;   /* aged out or flushed */
    bool is_local;  /* the switch's own address */
    int64_t ago_us; /* since a frame of it came in there; 0: just now, or it is not said */
};

struct kernel_messages_handler {
    void (*on_device)(void *context, const struct kernel_device *device);
    void (*on_neighbour)(void *context, const struct kernel_neighbour *neighbour);
    void (*on_end)(void *context, uint32_t sequence); /* of a dump: NLMSG_DONE or NLMSG_ERROR */
    void *context;
};

/* All messages of one datagram; 'bytes' is aligned to 4.  Reading stops at a message whose length
 * is not within the datagram. */
void kernel_messages_read(const void *bytes, size_t size,
                          const struct kernel_messages_handler *handler);

#endif
