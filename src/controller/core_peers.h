/* Core's side of who may connect from other machines: passes on to driver and intake whom
 * certificates.c lets in and whom it renews, and takes what they tell of it.  The loop's. */
#ifndef CORDON_CONTROLLER_CORE_PEERS_H
#define CORDON_CONTROLLER_CORE_PEERS_H

#include "base/macros.h"
#include "model/certificate.h"
#include "wire/peer.h"

struct channel;
struct core;

/* When authority and store are open. */
int core_peers_open(struct core *core) MUST_CHECK;
/* To driver or intake, where that is joined: all whom it may let in. */
void core_peers_send(struct core *core, enum device_role role);
/* Driver, intake or web came: it is given our own certificate, where that was made anew. */
void core_peers_joined(struct core *core, struct channel *side);
/* By 'channel', driver's or intake's. */
void core_peers_event(struct core *core, const struct channel *channel,
                      const struct wire_peer *peer);

#endif
