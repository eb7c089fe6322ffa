/* The responder: answers a contained endpoint in place of the network, so that people see why.
 *
 *   ARP, ND      -> a sink MAC: nobody's own, so that a contained endpoint learns of no neighbour
 *   TCP 80, 8080 -> a connection, and the warning page for any request
 *   other TCP    -> reset at once: browsers fall back to http or to the captive-portal probe
 *   UDP 443      -> ICMP unreachable: no waiting for QUIC
 *   DNS          -> permitted names are asked of the real resolver, all others lead to the page
 *
 * A pure library: frame in, frames out, no state per client (the TCP sequence number is a keyed
 * hash of the connection), so there is nothing to exhaust.  The datapath limits the rate. */
#ifndef CORDON_EDGE_RESPONDER_H
#define CORDON_EDGE_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/rule.h"

#define RESPONDER_FRAME_MAX 2048

/* What we know of the endpoint that sent the frame. */
struct responder_endpoint {
    const char *case_number; /* never NULL */
    const char *reason;
    const struct permit_set *permits; /* NULL: none */
};

struct responder_settings {
    struct mac sink;           /* where all addresses seem to be: the endpoint's frames come here */
    struct ip warning_address; /* IPv4; what names lead to */
    uint8_t key[16];           /* secret of this run */
    /* Texts per language: at most 'room' borrowed pointers; returns how many. */
    size_t (*warnings)(void *context, const struct rule_warning **warnings, size_t room);
    void *context;
};

/* Receives each frame to send; 'is_forward': not an answer, but a DNS query that goes on to the
 * resolver it was for. */
typedef void responder_emit_fn(void *context, const uint8_t *frame, size_t size, bool is_forward);

/* One frame (untagged) of a contained endpoint. */
void responder_answer(const struct responder_settings *settings,
                      const struct responder_endpoint *endpoint, const uint8_t *frame, size_t size,
                      responder_emit_fn *emit, void *context);

/* "The address 'ip' is at 'mac'": an ARP announcement or neighbour advertisement to 'to' alone,
 * for the moment of release.  Returns the frame's size. */
size_t responder_correct(const struct mac *to, const struct ip *to_ip, const struct ip *ip,
                         const struct mac *mac, uint8_t frame[RESPONDER_FRAME_MAX]);

/* "Who has 'ip'?" to everybody, from a switch that has no address itself: an ARP probe (RFC 5227)
 * or a solicitation from the unspecified address (RFC 4862); its owner answers both.  Returns the
 * frame's size. */
size_t responder_probe(const struct mac *mac, const struct ip *ip,
                       uint8_t frame[RESPONDER_FRAME_MAX]);

/* One A or AAAA record of a real answer to a permitted name. */
struct responder_learnt {
    size_t permit; /* index in the permit set */
    struct ip ip;
    uint32_t ttl_s;
};
/* Reads a resolver's answer frame; returns how many addresses it gave for permitted names. */
size_t responder_learn(const struct permit_set *permits, const uint8_t *frame, size_t size,
                       struct responder_learnt *learnt, size_t room);

#endif
