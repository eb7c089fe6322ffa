/* Building the answer to a frame: headers turned round, lengths and checksums filled in. */
#ifndef CORDON_EDGE_RESPONDER_REPLY_H
#define CORDON_EDGE_RESPONDER_REPLY_H

#include "edge/packet.h"
#include "edge/responder.h"

/* A frame in the making: Ethernet and IP heads first, then the payload from 'body' on. */
struct reply {
    uint8_t frame[RESPONDER_FRAME_MAX];
    size_t used;
    size_t ip_at;   /* offset of the IP header */
    size_t body_at; /* offset behind it */
};

/* Ethernet and IP heads from 'from' (claiming 'mac') to 'to'; IPv4 or IPv6 by the addresses. */
void reply_start(struct reply *reply, const struct mac *mac, const struct mac *to_mac,
                 const struct ip *from, const struct ip *to, uint8_t protocol, uint8_t hop_limit);
/* Appends; what does not fit is left out (callers keep within RESPONDER_FRAME_MAX). */
void reply_put(struct reply *reply, const void *bytes, size_t size);
void reply_put16(struct reply *reply, uint16_t value);
void reply_put32(struct reply *reply, uint32_t value);
/* Lengths, then the transport checksum at offset 'checksum_at' behind the IP header. */
void reply_finish(struct reply *reply, const struct ip *from, const struct ip *to, uint8_t protocol,
                  size_t checksum_at);

/* The parts of the responder, each for one protocol. */
void responder_tcp(const struct responder_settings *settings,
                   const struct responder_endpoint *endpoint, const struct packet *packet,
                   responder_emit_fn *emit, void *context);
void responder_dns(const struct responder_settings *settings,
                   const struct responder_endpoint *endpoint, const struct packet *packet,
                   responder_emit_fn *emit, void *context);
/* The HTTP response, head and page; returns its size, at most 'room'. */
size_t page_make(const struct responder_settings *settings,
                 const struct responder_endpoint *endpoint, bool is_head_only, char *text,
                 size_t room);

#endif
