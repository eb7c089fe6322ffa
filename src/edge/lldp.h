/* LLDP (IEEE 802.1AB-2016): reading and making frames.  Pure. */
#ifndef CORDON_EDGE_LLDP_H
#define CORDON_EDGE_LLDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

#define LLDP_FRAME_MAX 1500

struct lldp_neighbour {
    char chassis[HOST_SIZE]; /* as text, by subtype: MAC, address, name */
    char port[HOST_SIZE];
    char system_name[HOST_SIZE];
    uint16_t ttl_s; /* 0: it says good-bye */
    bool is_bridge; /* the bridge capability is enabled; phones and NICs say so too */
};

/* 'frame' from the Ethernet header.  False: not LLDP, or malformed (mandatory TLVs missing, out of
 * order, or cut). */
bool lldp_parse(const uint8_t *frame, size_t size, struct lldp_neighbour *neighbour);

struct lldp_self {
    struct mac chassis;
    struct mac port_mac;
    char port[NAME_SIZE];
    char system_name[NAME_SIZE];
    struct ip management; /* none: not told */
    uint16_t ttl_s;
};

/* Returns the size of the frame in 'frame'. */
size_t lldp_make(const struct lldp_self *self, uint8_t frame[LLDP_FRAME_MAX]);

#endif
