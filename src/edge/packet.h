/* Frames of an endpoint, read once: what snooping and the responder need of Ethernet, ARP, IPv4,
 * IPv6, UDP, TCP and ICMPv6.  Pure; the frame has no VLAN tag (the datapath strips it). */
#ifndef CORDON_EDGE_PACKET_H
#define CORDON_EDGE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "model/addr.h"

enum packet_kind { PACKET_OTHER, PACKET_ARP, PACKET_UDP, PACKET_TCP, PACKET_ND };

struct packet {
    enum packet_kind kind;
    struct mac src_mac, dst_mac;
    struct ip src, dst; /* ARP: sender and target */
    uint16_t src_port, dst_port;
    struct cursor payload; /* UDP, TCP: data; ND: behind the 4-byte ICMPv6 head */
    /* ARP */
    uint16_t arp_op; /* 1 request, 2 reply */
    struct mac arp_sender;
    /* TCP */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    /* ND */
    uint8_t nd_type;
    uint8_t hop_limit;
    const uint8_t *ip_head; /* for ICMP errors; NULL: not IP */
    size_t ip_size;         /* from ip_head to the end of the datagram */
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define ND_ROUTER_SOLICIT 133
#define ND_ROUTER_ADVERT 134
#define ND_NEIGHBOUR_SOLICIT 135
#define ND_NEIGHBOUR_ADVERT 136

/* False: not even whole headers.  Fragments are OTHER: they have no ports. */
bool packet_parse(const uint8_t *frame, size_t size, struct packet *packet);

/* The Internet checksum (RFC 1071) of pseudo header and data, ready to be stored. */
uint16_t packet_checksum(const struct ip *src, const struct ip *dst, uint8_t protocol,
                         const uint8_t *bytes, size_t size);
/* Of plain bytes. */
uint16_t packet_sum(const uint8_t *bytes, size_t size);

#endif
