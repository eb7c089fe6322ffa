/* One mirrored frame -> the packet inside, whatever it is wrapped in.
 *
 *   Ethernet, 802.1Q, QinQ, IPv4, IPv6 (fragments told apart), GRE (RFC 2784, 2890), ERSPAN I, II
 * and III (draft-foschiano-erspan), VXLAN (RFC 7348), Ethernet in GRE, IP in IP (RFC 2003, 2473,
 * 4213)
 *
 * nested up to DECODE_DEPTH_MAX.  Pure.  Lengths come from what was captured; checksums are not
 * looked at: mirrored local traffic carries partial ones. */
#ifndef CORDON_SENSOR_DECODE_H
#define CORDON_SENSOR_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "model/detection.h"

#define DECODE_DEPTH_MAX 8

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58

/* The ERSPAN II index of our edges: bridge port number, and whether it was copied on the way out.
 */
#define ERSPAN_INDEX_PORT 0xffffu
#define ERSPAN_INDEX_EGRESS (1u << 19)

struct decoded {
    int64_t at_us;
    struct mac src_mac, dst_mac;
    uint16_t vlan;
    struct ip src, dst;
    uint8_t protocol; /* 0 with is_arp, or when it is no IP */
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags; /* TCP; ICMP: the type */
    const uint8_t *payload;
    size_t size;
    bool is_arp;
    uint16_t arp_op;
    bool is_fragment;         /* a later one, or a first one of several */
    uint16_t fragment_offset; /* bytes */
    bool more_fragments;
    uint32_t ip_id;
    uint16_t ip_size; /* total length that the IP header says */
    const uint8_t
        *frame; /* the innermost frame, for evidence; NULL: there was no Ethernet inside */
    size_t frame_size;
    struct mirror_origin origin;
    uint8_t wraps;            /* tunnels around it, the mirror's included */
    bool is_tunnelled;        /* the pipeline's: in a tunnel that any endpoint could have made */
    uint32_t mirror_sequence; /* of ERSPAN II and III, with origin.is_stamped */
};

/* False: nothing with an address inside; 'undecoded' says that it was cut or malformed. */
bool decode_frame(const uint8_t *frame, size_t size, struct decoded *out, bool *undecoded);
/* The transport header of a datagram put together from fragments ('out' has its addresses). */
bool decode_transport(const uint8_t *bytes, size_t size, struct decoded *out);

#endif
