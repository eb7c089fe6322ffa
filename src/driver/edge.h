/* The driver of switches that run cordon-edge: they connect to us (mutual TLS, the certificate's
 * name is the switch's name).  The hub lives on the loop thread of the driver process; each
 * device's worker hands what it wants to send over to it, and waits for the answer. */
#ifndef CORDON_DRIVER_EDGE_H
#define CORDON_DRIVER_EDGE_H

#include <event2/event.h>

#include "bus/gate.h"
#include "bus/tls.h"
#include "driver/driver.h"

extern const struct driver driver_edge;

/* Listens on 'address'; devices are opened before peers can connect, on the same thread: an edge
 * that is not configured is refused.  0 or negative errno. */
int edge_hub_new(struct event_base *base, const char *address, const struct tls_files *files,
                 struct edge_hub **hub, char why[256]) MUST_CHECK;
/* For the gate (bus/gate.h), which says from then on whom to let in; borrowed. */
struct tls_server *edge_hub_server(struct edge_hub *hub);
void edge_hub_set_gate(struct edge_hub *hub, struct gate *gate);
/* Core came anew and knows nothing of what was told before: the edges are made to connect again,
 * since they tell their ports, MACs and neighbours in full then. */
void edge_hub_renew(struct edge_hub *hub);
/* The process ends: nobody is let in any more (the port is free for a successor), and workers that
 * wait for an answer get none.  The loop does not run any more. */
void edge_hub_stop(struct edge_hub *hub);
/* After every edge device was closed. */
void edge_hub_free(struct edge_hub *hub);

#endif
