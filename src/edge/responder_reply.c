#include "edge/responder_reply.h"

#include <string.h>

#define ETHERNET_SIZE 14

void
reply_put(struct reply *reply, const void *bytes, size_t size)
{
    if (size > 0 && reply->used + size <= sizeof(reply->frame)) {
        memcpy(reply->frame + reply->used, bytes, size);
        reply->used += size;
    }
}

void
reply_put16(struct reply *reply, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    reply_put(reply, bytes, sizeof(bytes));
}

void
reply_put32(struct reply *reply, uint32_t value)
{
    reply_put16(reply, (uint16_t)(value >> 16));
    reply_put16(reply, (uint16_t)value);
}

static void
store16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void
reply_start(struct reply *reply, const struct mac *mac, const struct mac *to_mac,
            const struct ip *from, const struct ip *to, uint8_t protocol, uint8_t hop_limit)
{
    bool is_v4 = ip_is_v4(from);
    reply->used = 0;
    reply_put(reply, to_mac->b, 6);
    reply_put(reply, mac->b, 6);
    reply_put16(reply, is_v4 ? 0x0800 : 0x86dd);
    reply->ip_at = ETHERNET_SIZE;
    if (is_v4) {
        const uint8_t head[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, hop_limit, protocol, 0, 0};
        reply_put(reply, head, sizeof(head));
        reply_put(reply, from->b + 12, 4);
        reply_put(reply, to->b + 12, 4);
    } else {
        const uint8_t head[8] = {0x60, 0, 0, 0, 0, 0, protocol, hop_limit};
        reply_put(reply, head, sizeof(head));
        reply_put(reply, from->b, 16);
        reply_put(reply, to->b, 16);
    }
    reply->body_at = reply->used;
}

void
reply_finish(struct reply *reply, const struct ip *from, const struct ip *to, uint8_t protocol,
             size_t checksum_at)
{
    uint8_t *ip = reply->frame + reply->ip_at;
    uint8_t *body = reply->frame + reply->body_at;
    size_t body_size = reply->used - reply->body_at;
    if (ip_is_v4(from)) {
        store16(ip + 2, (uint16_t)(reply->used - reply->ip_at));
        store16(ip + 10, 0);
        store16(ip + 10, packet_sum(ip, 20));
    } else {
        store16(ip + 4, (uint16_t)body_size);
    }
    bool has_pseudo_head = protocol != 1; /* ICMPv4 sums only itself */
    store16(body + checksum_at, 0);
    uint16_t sum = has_pseudo_head ? packet_checksum(from, to, protocol, body, body_size)
                                   : packet_sum(body, body_size);
    if (protocol == 17 && sum == 0) {
        sum = 0xffff; /* 0 means "no checksum" (RFC 768) */
    }
    store16(body + checksum_at, sum);
}
