/* Frames that the datapath copied -> facts: who uses which address, who has which lease, who acts
 * like a router or a DHCP server.  Pure.  What a frame claims is only a fact about a claim: how
 * much it is worth is topology's and policy's business. */
#ifndef CORDON_EDGE_SNOOP_H
#define CORDON_EDGE_SNOOP_H

#include <stddef.h>

#include "base/macros.h"
#include "edge/datapath.h"
#include "edge/packet.h"
#include "model/fact.h"

#define SNOOP_FACTS_MAX 8

/* Facts of one frame (0 to SNOOP_FACTS_MAX); 'port', 'vlan' and 'seen_us' are the caller's to fill.
 * 'client_mac' of a lease is the client hardware address in the message, not the sender's. */
size_t snoop_parse(const uint8_t *frame, size_t size, struct fact facts[SNOOP_FACTS_MAX]);

/* What the kernel's side put into the ring (struct dp_snoop); the frame is borrowed from 'event',
 * which is aligned as the ring is.  False: that is none. */
bool snoop_event(const void *event, size_t size, struct snoop *snoop) MUST_CHECK;

#endif
