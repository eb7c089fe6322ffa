/* Changes and questions to the kernel's network side by rtnetlink(7), each answered at once on a
 * socket of its own.  Events are kernel_link's. */
#ifndef CORDON_EDGE_RTNL_H
#define CORDON_EDGE_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/addr.h"

/* A device of 'kind' ("bridge", "ifb"); 0 also when one of that name is there. */
int rtnl_make_device(const char *name, const char *kind) MUST_CHECK;
int rtnl_delete_device(int ifindex) MUST_CHECK;
/* 'master' 0 takes it out of its bridge. */
int rtnl_set_master(int ifindex, int master) MUST_CHECK;
int rtnl_set_up(int ifindex, bool is_up) MUST_CHECK;

/* How an IPv4 packet to 'to' leaves this machine. */
struct next_hop {
    int ifindex;
    struct mac mac;     /* of the next hop */
    struct mac own_mac; /* of the device */
    struct ip source;   /* that the kernel would use */
};
/* Waits up to 'wait_ms' for ARP.  -EAGAIN: no answer yet, ask again; -ENETUNREACH: no route;
 * -EAFNOSUPPORT. */
int rtnl_next_hop(const struct ip *to, unsigned wait_ms, struct next_hop *hop) MUST_CHECK;

/* Of a device, as its driver says; 0: it does not. */
uint64_t rtnl_speed_bit_s(int ifindex);
/* 0: no such device. */
uint32_t rtnl_mtu(int ifindex);

#endif
