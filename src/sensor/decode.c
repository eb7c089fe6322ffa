#include "sensor/decode.h"

#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_IPV6 0x86dd
#define GRE_ETHERNET 0x6558
#define GRE_ERSPAN 0x88be
#define GRE_ERSPAN3 0x22eb
#define PROTOCOL_IPV4 4
#define PROTOCOL_IPV6 41
#define PROTOCOL_GRE 47
#define PORT_VXLAN 4789
#define TAGS_MAX 4
#define EXTENSIONS_MAX 8

/* What comes next, and whether it is wrapped in something. */
enum next { NEXT_DONE, NEXT_ETHERNET, NEXT_IPV4, NEXT_IPV6, NEXT_NOTHING };

static enum next
next_of(uint16_t ethertype)
{
    return ethertype == ETHERTYPE_IPV4   ? NEXT_IPV4
           : ethertype == ETHERTYPE_IPV6 ? NEXT_IPV6
                                         : NEXT_NOTHING;
}

static void
arp_read(struct cursor *in, struct decoded *out)
{
    const uint8_t *arp = cur_take(in, 28);
    if (arp && arp[0] == 0 && arp[1] == 1 && arp[4] == 6 && arp[5] == 4) {
        out->is_arp = true;
        out->arp_op = (uint16_t)(arp[6] << 8 | arp[7]);
        out->src = ip_from_v4(arp + 14);
        out->dst = ip_from_v4(arp + 24);
    }
}

static enum next
ethernet_read(struct cursor *in, struct decoded *out)
{
    out->frame = in->pos;
    out->frame_size = cur_left(in);
    const uint8_t *head = cur_take(in, 14);
    if (!head) {
        return NEXT_NOTHING;
    }
    memcpy(out->dst_mac.b, head, 6);
    memcpy(out->src_mac.b, head + 6, 6);
    uint16_t type = (uint16_t)(head[12] << 8 | head[13]);
    out->vlan = 0;
    for (int i = 0; i < TAGS_MAX && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ ||
                                     type == ETHERTYPE_QINQ_OLD);
         i++) {
        out->vlan = cur_be16(in) & 0xfff;
        type = cur_be16(in);
    }
    if (type == ETHERTYPE_ARP) {
        arp_read(in, out);
        return out->is_arp ? NEXT_DONE : NEXT_NOTHING;
    }
    return cur_ok(in) ? next_of(type) : NEXT_NOTHING;
}

/* Only the outermost wrapping can be a mirror's; what is wrapped deeper any endpoint could have
 * made. */
static void
origin_set(struct decoded *out, uint16_t session, uint32_t index, bool is_stamped)
{
    if (out->wraps++ > 0) {
        return;
    }
    out->origin.switch_ip = out->src;
    out->origin.session = session;
    out->origin.port = index & ERSPAN_INDEX_PORT;
    out->origin.is_egress = (index & ERSPAN_INDEX_EGRESS) != 0;
    out->origin.is_stamped = is_stamped;
}

static enum next
erspan_read(struct cursor *in, struct decoded *out, bool has_sequence, bool is_three)
{
    if (!has_sequence && !is_three) { /* type I has no header of its own */
        origin_set(out, 0, 0, false);
        return NEXT_ETHERNET;
    }
    uint32_t first = cur_be32(in), second = cur_be32(in);
    uint16_t session = first & 0x3ff;
    if (!is_three) {
        origin_set(out, session, second & 0xfffff, true);
        return NEXT_ETHERNET;
    }
    uint32_t third = cur_be32(in);
    if (third & 1) { /* platform-specific part */
        cur_skip(in, 8);
    }
    origin_set(out, session, 0, false);
    return NEXT_ETHERNET;
}

static enum next
gre_read(struct cursor *in, struct decoded *out)
{
    uint16_t flags = cur_be16(in), type = cur_be16(in);
    if ((flags & 7) != 0) {
        return NEXT_DONE; /* version 1 is PPTP's */
    }
    cur_skip(in, flags & 0xc000 ? 4 : 0); /* checksum (and routing, which nobody uses) */
    cur_skip(in, flags & 0x2000 ? 4 : 0); /* key */
    uint32_t sequence = flags & 0x1000 ? cur_be32(in) : 0;
    if (out->wraps == 0) { /* an endpoint's own tunnel inside must not look like lost copies */
        out->mirror_sequence = sequence;
    }
    if (!cur_ok(in)) {
        return NEXT_NOTHING;
    }
    switch (type) {
    case GRE_ERSPAN:
        return erspan_read(in, out, flags & 0x1000, false);
    case GRE_ERSPAN3:
        return erspan_read(in, out, true, true);
    case GRE_ETHERNET:
        origin_set(out, 0, 0, false);
        return NEXT_ETHERNET;
    default: {
        enum next next = next_of(type);
        out->wraps++;
        return next == NEXT_NOTHING ? NEXT_DONE : next;
    }
    }
}

static enum next
udp_read(struct cursor *in, struct decoded *out)
{
    const uint8_t *head = cur_take(in, 8);
    if (!head) {
        return NEXT_NOTHING;
    }
    out->src_port = (uint16_t)(head[0] << 8 | head[1]);
    out->dst_port = (uint16_t)(head[2] << 8 | head[3]);
    out->payload = in->pos;
    out->size = cur_left(in);
    /* RFC 7348: the I flag set, the reserved bits zero */
    if (out->dst_port == PORT_VXLAN && out->size > 8 + 14 && in->pos[0] == 0x08 &&
        in->pos[7] == 0) {
        uint16_t session = (uint16_t)(in->pos[5] << 8 | in->pos[6]);
        cur_skip(in, 8);
        origin_set(out, session, 0, false);
        return NEXT_ETHERNET;
    }
    return NEXT_DONE;
}

static enum next
tcp_read(struct cursor *in, struct decoded *out)
{
    const uint8_t *head = cur_take(in, 20);
    if (!head) {
        return NEXT_NOTHING;
    }
    struct cursor fields = cur_make(head, 20);
    out->src_port = cur_be16(&fields);
    out->dst_port = cur_be16(&fields);
    out->seq = cur_be32(&fields);
    out->ack = cur_be32(&fields);
    size_t offset = (size_t)(head[12] >> 4) * 4;
    out->flags = head[13];
    if (offset < 20) {
        return NEXT_NOTHING;
    }
    cur_skip(in, offset - 20);
    out->payload = in->pos;
    out->size = cur_ok(in) ? cur_left(in) : 0;
    return NEXT_DONE;
}

static enum next
transport_read(struct cursor *in, struct decoded *out)
{
    switch (out->protocol) {
    case PROTOCOL_TCP:
        return tcp_read(in, out);
    case PROTOCOL_UDP:
        return udp_read(in, out);
    case PROTOCOL_GRE:
        return gre_read(in, out);
    case PROTOCOL_IPV4:
        out->wraps++;
        return NEXT_IPV4;
    case PROTOCOL_IPV6:
        out->wraps++;
        return NEXT_IPV6;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
        out->flags = cur_u8(in);
        out->payload = in->pos;
        out->size = cur_left(in);
        return cur_ok(in) ? NEXT_DONE : NEXT_NOTHING;
    default:
        return NEXT_DONE;
    }
}

/* A fragment that is not the whole datagram is given out as it is: fragments.c puts them together.
 */
static enum next
fragment_or_transport(struct cursor *in, struct decoded *out)
{
    out->is_fragment = out->fragment_offset > 0 || out->more_fragments;
    if (out->is_fragment) {
        out->payload = in->pos;
        out->size = cur_left(in);
        return NEXT_DONE;
    }
    return transport_read(in, out);
}

static enum next
ipv4_read(struct cursor *in, struct decoded *out)
{
    const uint8_t *head = cur_take(in, 20);
    if (!head || head[0] >> 4 != 4) {
        return NEXT_NOTHING;
    }
    size_t head_size = (size_t)(head[0] & 15) * 4;
    size_t total = (size_t)(head[2] << 8 | head[3]);
    uint16_t fragment = (uint16_t)(head[6] << 8 | head[7]);
    out->ip_id = (uint32_t)(head[4] << 8 | head[5]);
    out->ip_size = (uint16_t)total;
    out->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
    out->more_fragments = (fragment & 0x2000) != 0;
    out->protocol = head[9];
    out->src = ip_from_v4(head + 12);
    out->dst = ip_from_v4(head + 16);
    if (head_size < 20) {
        return NEXT_NOTHING;
    }
    cur_skip(in, head_size - 20);
    /* Padding of short frames is cut; 0 is a super-frame that segmentation offload made (total
     * unknown), and a capture may hold less than the header says. */
    if (total >= head_size && total - head_size < cur_left(in)) {
        *in = cur_sub(in, total - head_size);
    }
    return cur_ok(in) ? fragment_or_transport(in, out) : NEXT_NOTHING;
}

static enum next
ipv6_read(struct cursor *in, struct decoded *out)
{
    const uint8_t *head = cur_take(in, 40);
    if (!head || head[0] >> 4 != 6) {
        return NEXT_NOTHING;
    }
    size_t total = (size_t)(head[4] << 8 | head[5]);
    uint8_t next = head[6];
    out->ip_size = (uint16_t)total;
    out->ip_id = 0;
    out->fragment_offset = 0;
    out->more_fragments = false;
    memcpy(out->src.b, head + 8, 16);
    memcpy(out->dst.b, head + 24, 16);
    if (total > 0 && total < cur_left(in)) {
        *in = cur_sub(in, total);
    }
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        if (next == 44) { /* fragment */
            next = cur_u8(in);
            cur_skip(in, 1);
            uint16_t offset = cur_be16(in);
            out->ip_id = cur_be32(in);
            out->fragment_offset = offset & 0xfff8;
            out->more_fragments = offset & 1;
        } else if (next == 0 || next == 43 || next == 60 || next == 135) {
            next = cur_u8(in);
            size_t units = cur_u8(in);
            cur_skip(in, 6 + units * 8);
        } else {
            break;
        }
    }
    out->protocol = next;
    return cur_ok(in) ? fragment_or_transport(in, out) : NEXT_NOTHING;
}

/* Forgets what an outer header said, keeps where the mirror was. */
static void
unwrap(struct decoded *out)
{
    out->src_port = out->dst_port = 0;
    out->payload = NULL;
    out->size = 0;
    out->protocol = 0;
    out->flags = 0;
}

bool
decode_frame(const uint8_t *frame, size_t size, struct decoded *out, bool *undecoded)
{
    struct cursor in = cur_make(frame, size);
    enum next next = NEXT_ETHERNET;
    int64_t at_us = out->at_us;
    memset(out, 0, sizeof(*out));
    out->at_us = at_us;
    for (int depth = 0; depth < DECODE_DEPTH_MAX && next != NEXT_DONE && next != NEXT_NOTHING;
         depth++) {
        unwrap(out);
        if (next == NEXT_ETHERNET) {
            next = ethernet_read(&in, out);
        }
        if (next == NEXT_IPV4) {
            next = ipv4_read(&in, out);
        } else if (next == NEXT_IPV6) {
            next = ipv6_read(&in, out);
        }
    }
    *undecoded = !cur_ok(&in);
    return next == NEXT_DONE;
}

bool
decode_transport(const uint8_t *bytes, size_t size, struct decoded *out)
{
    struct cursor in = cur_make(bytes, size);
    out->is_fragment = false;
    return transport_read(&in, out) == NEXT_DONE;
}
