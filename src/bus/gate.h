/* The gate that driver and intake keep towards other machines: whom core says to let in, by name
 * and serial number; whoever is in and may not be any more is put out at once.  Tells core who
 * came, went and was refused, and passes renewals on: what a device asks is parsed here, core gets
 * a name and a public key.
 *
 * Until core has said whom to let in, connections wait in the kernel.  When core goes, what it said
 * last holds.  Loop thread. */
#ifndef CORDON_BUS_GATE_H
#define CORDON_BUS_GATE_H

#include "base/clock.h"
#include "bus/tls.h"
#include "wire/peer.h"

struct gate;

/* For 'server', which it pauses; borrowed, like 'clock'. */
struct gate *gate_new(struct tls_server *server, enum device_role role, const struct clock *clock);
void gate_free(struct gate *gate);
/* NULL: away.  Whoever is in is told to a core that came anew. */
void gate_set_core(struct gate *gate, struct channel *core);
/* From core. */
void gate_take(struct gate *gate, const struct wire_peers *part);
void gate_renew(struct gate *gate, const struct wire_renew *renew);
/* Of a connection that tls_server handed over. */
void gate_came(struct gate *gate, const struct tls_peer *peer, struct channel *channel);
/* Closed, and why; again: nothing. */
void gate_gone(struct gate *gate, struct channel *channel, const char *why);
/* That peer sent WIRE_REQUEST. */
void gate_request(struct gate *gate, struct channel *channel, const struct wire_request *request);
/* That peer did what it may not; it stays connected unless the caller closes it. */
void gate_complain(struct gate *gate, const struct channel *channel, enum peer_refusal why,
                   const char *detail);
/* The one that is connected now; NULL: none of that name. */
const struct tls_peer *gate_peer(const struct gate *gate, const struct channel *channel);

#endif
