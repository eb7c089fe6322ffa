#include "edge/packet.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define EXTENSIONS_MAX 8

static struct ip
take_v4(struct cursor *in)
{
    uint8_t bytes[4];
    cur_copy(in, bytes, sizeof(bytes));
    return ip_from_v4(bytes);
}

static struct ip
take_v6(struct cursor *in)
{
    struct ip ip;
    cur_copy(in, ip.b, sizeof(ip.b));
    return ip;
}

/* RFC 826, Ethernet and IPv4 only. */
static bool
arp_parse(struct cursor *in, struct packet *packet)
{
    uint16_t hardware = cur_be16(in), protocol = cur_be16(in);
    uint16_t sizes = cur_be16(in);
    packet->arp_op = cur_be16(in);
    cur_copy(in, packet->arp_sender.b, 6);
    packet->src = take_v4(in);
    cur_skip(in, 6);
    packet->dst = take_v4(in);
    packet->kind = PACKET_ARP;
    return cur_ok(in) && hardware == 1 && protocol == ETHERTYPE_IPV4 && sizes == 0x0604;
}

static bool
udp_parse(struct cursor *in, struct packet *packet)
{
    packet->src_port = cur_be16(in);
    packet->dst_port = cur_be16(in);
    uint16_t size = cur_be16(in);
    cur_skip(in, 2);
    if (!cur_ok(in) || size < 8 || (size_t)size - 8 > cur_left(in)) {
        return false;
    }
    packet->payload = cur_sub(in, (size_t)size - 8);
    packet->kind = PACKET_UDP;
    return true;
}

static bool
tcp_parse(struct cursor *in, struct packet *packet)
{
    packet->src_port = cur_be16(in);
    packet->dst_port = cur_be16(in);
    packet->seq = cur_be32(in);
    packet->ack = cur_be32(in);
    uint8_t offset = cur_u8(in) >> 4;
    packet->flags = cur_u8(in);
    packet->window = cur_be16(in);
    cur_skip(in, 4);
    if (!cur_ok(in) || offset < 5) {
        return false;
    }
    cur_skip(in, (size_t)(offset - 5) * 4);
    packet->payload = cur_sub(in, cur_left(in));
    packet->kind = PACKET_TCP;
    return cur_ok(in);
}

static bool
nd_parse(struct cursor *in, struct packet *packet)
{
    packet->nd_type = cur_u8(in);
    uint8_t code = cur_u8(in);
    cur_skip(in, 2);
    packet->payload = cur_sub(in, cur_left(in));
    bool is_nd = packet->nd_type >= ND_ROUTER_SOLICIT && packet->nd_type <= ND_NEIGHBOUR_ADVERT;
    /* RFC 4861 6.1, 7.1: what came through a router is not a neighbour's */
    packet->kind = is_nd && code == 0 && packet->hop_limit == 255 ? PACKET_ND : PACKET_OTHER;
    return cur_ok(in);
}

static bool
transport_parse(uint8_t protocol, struct cursor *in, struct packet *packet)
{
    switch (protocol) {
    case PROTOCOL_UDP:
        return udp_parse(in, packet);
    case PROTOCOL_TCP:
        return tcp_parse(in, packet);
    case PROTOCOL_ICMPV6:
        return nd_parse(in, packet);
    default:
        return true;
    }
}

static bool
ipv4_parse(struct cursor *in, struct packet *packet)
{
    const uint8_t *head = in->pos;
    uint8_t first = cur_u8(in);
    cur_skip(in, 1);
    uint16_t size = cur_be16(in);
    cur_skip(in, 2);
    uint16_t fragment = cur_be16(in);
    packet->hop_limit = cur_u8(in);
    uint8_t protocol = cur_u8(in);
    cur_skip(in, 2);
    packet->src = take_v4(in);
    packet->dst = take_v4(in);
    size_t head_size = (size_t)(first & 15) * 4;
    if (!cur_ok(in) || first >> 4 != 4 || head_size < 20 || size < head_size) {
        return false;
    }
    cur_skip(in, head_size - 20);
    struct cursor body = cur_sub(in, size - head_size);
    if (!cur_ok(&body)) {
        return false;
    }
    packet->ip_head = head;
    packet->ip_size = size;
    return fragment & 0x3fff ? true : transport_parse(protocol, &body, packet);
}

/* RFC 8200; hop-by-hop, routing and destination options are stepped over. */
static bool
ipv6_parse(struct cursor *in, struct packet *packet)
{
    const uint8_t *head = in->pos;
    uint8_t first = cur_u8(in);
    cur_skip(in, 3);
    uint16_t size = cur_be16(in);
    uint8_t next = cur_u8(in);
    packet->hop_limit = cur_u8(in);
    packet->src = take_v6(in);
    packet->dst = take_v6(in);
    struct cursor body = cur_sub(in, size);
    /* mapped IPv4 addresses never appear on a wire (RFC 4213 3.2); in here they mean IPv4 */
    bool is_mapped = ip_is_v4(&packet->src) || ip_is_v4(&packet->dst);
    if (!cur_ok(in) || !cur_ok(&body) || first >> 4 != 6 || is_mapped) {
        return false;
    }
    packet->ip_head = head;
    packet->ip_size = 40 + (size_t)size;
    for (int i = 0; i < EXTENSIONS_MAX && (next == 0 || next == 43 || next == 60); i++) {
        next = cur_u8(&body);
        size_t units = cur_u8(&body); /* of 8 bytes, beyond the first 8 */
        cur_skip(&body, 6 + units * 8);
    }
    return cur_ok(&body) && transport_parse(next, &body, packet);
}

bool
packet_parse(const uint8_t *frame, size_t size, struct packet *packet)
{
    struct cursor in = cur_make(frame, size);
    *packet = (struct packet){.kind = PACKET_OTHER};
    cur_copy(&in, packet->dst_mac.b, 6);
    cur_copy(&in, packet->src_mac.b, 6);
    uint16_t type = cur_be16(&in);
    if (!cur_ok(&in)) {
        return false;
    }
    switch (type) {
    case ETHERTYPE_ARP:
        return arp_parse(&in, packet);
    case ETHERTYPE_IPV4:
        return ipv4_parse(&in, packet);
    case ETHERTYPE_IPV6:
        return ipv6_parse(&in, packet);
    default:
        return true;
    }
}

static uint32_t
sum_add(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    return size % 2 ? sum + ((uint32_t)bytes[size - 1] << 8) : sum;
}

static uint16_t
sum_fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

uint16_t
packet_sum(const uint8_t *bytes, size_t size)
{
    return sum_fold(sum_add(0, bytes, size));
}

/* IPv4 addresses sum alike in both forms: what stands before them in the mapped form is left out.
 */
uint16_t
packet_checksum(const struct ip *src, const struct ip *dst, uint8_t protocol, const uint8_t *bytes,
                size_t size)
{
    size_t skip = ip_is_v4(src) ? 12 : 0;
    uint32_t sum = sum_add(0, src->b + skip, 16 - skip);
    sum = sum_add(sum, dst->b + skip, 16 - skip);
    sum += protocol + (uint32_t)size;
    return sum_fold(sum_add(sum, bytes, size));
}
