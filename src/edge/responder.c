#include "edge/responder.h"

#include <string.h>

#include "edge/responder_reply.h"

#define UDP_QUIC 443
#define PORT_DNS 53
#define QUOTED_MAX 512 /* of the datagram that an ICMP error answers */

#define ARP_REQUEST 1
#define ARP_REPLY 2

static size_t
arp_make(uint8_t operation, const struct mac *mac, const struct ip *ip, const struct mac *to_mac,
         const struct ip *to_ip, uint8_t frame[RESPONDER_FRAME_MAX])
{
    const uint8_t head[10] = {0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, operation};
    uint8_t *at = frame;
    memcpy(at, to_mac->b, 6);
    memcpy(at + 6, mac->b, 6);
    memcpy(at + 12, head, sizeof(head));
    memcpy(at + 22, mac->b, 6);
    memcpy(at + 28, ip->b + 12, 4);
    memcpy(at + 32, to_mac->b, 6);
    memcpy(at + 38, to_ip->b + 12, 4);
    return 42;
}

/* A neighbour advertisement, solicited or not, overriding (RFC 4861 4.4). */
static size_t
advert_make(const struct mac *mac, const struct ip *ip, const struct mac *to_mac,
            const struct ip *to_ip, bool is_solicited, uint8_t frame[RESPONDER_FRAME_MAX])
{
    struct reply reply;
    static const uint8_t option[2] = {2, 1}; /* target link-layer address, 8 bytes */
    reply_start(&reply, mac, to_mac, ip, to_ip, 58, 255);
    reply_put32(&reply, (uint32_t)ND_NEIGHBOUR_ADVERT << 24);
    reply_put32(&reply, is_solicited ? 0x60000000 : 0x20000000);
    reply_put(&reply, ip->b, 16);
    reply_put(&reply, option, sizeof(option));
    reply_put(&reply, mac->b, 6);
    reply_finish(&reply, ip, to_ip, 58, 2);
    memcpy(frame, reply.frame, reply.used);
    return reply.used;
}

/* A host's own address: not of a group, not "none" of either family. */
static bool
is_host(const struct ip *ip)
{
    static const struct ip nobody = {{[10] = 0xff, [11] = 0xff}};
    return !ip_is_none(ip) && !ip_is_equal(ip, &nobody) && !ip_is_group(ip);
}

/* Probes for a double address (RFC 5227) and announcements must not be answered: the endpoint would
 * give up its own address. */
static void
answer_arp(const struct responder_settings *settings, const struct packet *packet,
           responder_emit_fn *emit, void *context)
{
    uint8_t frame[RESPONDER_FRAME_MAX];
    if (packet->arp_op != 1 || !is_host(&packet->src) || !is_host(&packet->dst) ||
        ip_is_equal(&packet->src, &packet->dst)) {
        return;
    }
    size_t size =
        arp_make(ARP_REPLY, &settings->sink, &packet->dst, &packet->src_mac, &packet->src, frame);
    emit(context, frame, size, false);
}

static void
answer_nd(const struct responder_settings *settings, const struct packet *packet,
          responder_emit_fn *emit, void *context)
{
    struct cursor in = packet->payload;
    struct ip target;
    uint8_t frame[RESPONDER_FRAME_MAX];
    cur_skip(&in, 4);
    cur_copy(&in, target.b, sizeof(target.b));
    if (packet->nd_type != ND_NEIGHBOUR_SOLICIT || !cur_ok(&in) || !is_host(&packet->src) ||
        ip_is_equal(&packet->src, &target) || !is_host(&target) || ip_is_v4(&target)) {
        return;
    }
    size_t size =
        advert_make(&settings->sink, &target, &packet->src_mac, &packet->src, true, frame);
    emit(context, frame, size, false);
}

/* Port unreachable (RFC 792, RFC 4443 3.1), with the start of the datagram. */
static void
answer_unreachable(const struct packet *packet, responder_emit_fn *emit, void *context)
{
    bool is_v4 = ip_is_v4(&packet->src);
    uint8_t protocol = is_v4 ? 1 : 58;
    struct reply reply;
    size_t quoted = packet->ip_size < QUOTED_MAX ? packet->ip_size : QUOTED_MAX;
    reply_start(&reply, &packet->dst_mac, &packet->src_mac, &packet->dst, &packet->src, protocol,
                64);
    /* port unreachable: what makes a connected UDP socket fail at once */
    reply_put32(&reply, is_v4 ? 0x03030000 : 0x01040000);
    reply_put32(&reply, 0);
    reply_put(&reply, packet->ip_head, quoted);
    reply_finish(&reply, &packet->dst, &packet->src, protocol, 2);
    emit(context, reply.frame, reply.used, false);
}

void
responder_answer(const struct responder_settings *settings,
                 const struct responder_endpoint *endpoint, const uint8_t *frame, size_t size,
                 responder_emit_fn *emit, void *context)
{
    struct packet packet;
    if (!packet_parse(frame, size, &packet) || mac_is_group(&packet.src_mac)) {
        return; /* an answer to a group would go to everybody */
    }
    if (packet.kind == PACKET_ARP) {
        answer_arp(settings, &packet, emit, context);
        return;
    }
    if (packet.kind == PACKET_ND) {
        answer_nd(settings, &packet, emit, context);
        return;
    }
    if (!is_host(&packet.src) || !is_host(&packet.dst) || mac_is_group(&packet.dst_mac)) {
        return; /* nobody in particular was asked */
    }
    if (packet.kind == PACKET_TCP) {
        responder_tcp(settings, endpoint, &packet, emit, context);
    } else if (packet.kind == PACKET_UDP && packet.dst_port == PORT_DNS) {
        responder_dns(settings, endpoint, &packet, emit, context);
    } else if (packet.kind == PACKET_UDP && packet.dst_port == UDP_QUIC) {
        answer_unreachable(&packet, emit, context);
    }
}

size_t
responder_correct(const struct mac *to, const struct ip *to_ip, const struct ip *ip,
                  const struct mac *mac, uint8_t frame[RESPONDER_FRAME_MAX])
{
    /* An announcement (RFC 5227): a reply that nobody asked for would not replace an entry that is
     * younger than a second. */
    return ip_is_v4(ip) ? arp_make(ARP_REQUEST, mac, ip, to, ip, frame)
                        : advert_make(mac, ip, to, to_ip, false, frame);
}

size_t
responder_probe(const struct mac *mac, const struct ip *ip, uint8_t frame[RESPONDER_FRAME_MAX])
{
    static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    static const struct ip nobody = {{0}};
    if (ip_is_v4(ip)) {
        size_t size = arp_make(ARP_REQUEST, mac, &nobody, &everybody, ip, frame);
        memset(frame + 32, 0, 6); /* whose MAC is asked for */
        return size;
    }
    struct mac group_mac = {{0x33, 0x33, 0xff, ip->b[13], ip->b[14], ip->b[15]}};
    struct ip group = {{0xff, 0x02, [11] = 0x01, [12] = 0xff, ip->b[13], ip->b[14], ip->b[15]}};
    struct reply reply;
    reply_start(&reply, mac, &group_mac, &nobody, &group, 58, 255);
    reply_put32(&reply, (uint32_t)ND_NEIGHBOUR_SOLICIT << 24);
    reply_put32(&reply, 0);
    reply_put(&reply, ip->b, sizeof(ip->b));
    reply_finish(&reply, &nobody, &group, 58, 2);
    memcpy(frame, reply.frame, reply.used);
    return reply.used;
}
