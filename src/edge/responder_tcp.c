/* Stateless TCP (RFC 9293): the initial sequence number is a keyed hash of the connection, and what
 * the client acknowledges says how far it is.  The request must come whole in its first segment, as
 * browsers' do; a lost segment of the page is sent again when the client sends its request again.
 */
#include "edge/responder_reply.h"

#include <string.h>

#include "base/hash.h"

#define SEGMENT_SIZE 1400
#define PAGE_SIZE_MAX (SEGMENT_SIZE * 10) /* a first flight, as any server's (RFC 6928) */

static bool
is_web_port(uint16_t port)
{
    return port == 80 || port == 8080;
}

static uint32_t
first_sequence(const struct responder_settings *settings, const struct packet *packet)
{
    struct {
        uint8_t key[16];
        struct ip src, dst;
        uint16_t src_port, dst_port;
    } connection = {.src = packet->src,
                    .dst = packet->dst,
                    .src_port = packet->src_port,
                    .dst_port = packet->dst_port};
    memcpy(connection.key, settings->key, sizeof(connection.key));
    return (uint32_t)hash_bytes(&connection, sizeof(connection));
}

static void
segment_send(const struct packet *packet, uint32_t seq, uint32_t ack, uint8_t flags,
             const void *data, size_t size, responder_emit_fn *emit, void *context)
{
    static const uint8_t mss[4] = {2, 4, SEGMENT_SIZE >> 8, SEGMENT_SIZE & 0xff};
    bool has_mss = flags & TCP_SYN;
    struct reply reply;
    reply_start(&reply, &packet->dst_mac, &packet->src_mac, &packet->dst, &packet->src, 6, 64);
    reply_put16(&reply, packet->dst_port);
    reply_put16(&reply, packet->src_port);
    reply_put32(&reply, seq);
    reply_put32(&reply, ack);
    reply_put16(&reply, (uint16_t)((has_mss ? 6 : 5) << 12 | flags));
    reply_put16(&reply, flags & TCP_RST ? 0 : 64000);
    reply_put32(&reply, 0);
    reply_put(&reply, mss, has_mss ? sizeof(mss) : 0);
    reply_put(&reply, data, size);
    reply_finish(&reply, &packet->dst, &packet->src, 6, 16);
    emit(context, reply.frame, reply.used, false);
}

/* RFC 9293 3.10.7.1: how to refuse a segment of a connection that does not exist. */
static void
reset_send(const struct packet *packet, responder_emit_fn *emit, void *context)
{
    size_t size = cur_left(&packet->payload);
    uint32_t counted = (uint32_t)size + !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN);
    if (packet->flags & TCP_ACK) {
        segment_send(packet, packet->ack, 0, TCP_RST, NULL, 0, emit, context);
    } else {
        segment_send(packet, 0, packet->seq + counted, TCP_RST | TCP_ACK, NULL, 0, emit, context);
    }
}

static bool
is_request(const struct cursor *payload, bool *is_head)
{
    static const char *const methods[] = {"GET ",     "HEAD ",   "POST ",  "PUT ",
                                          "OPTIONS ", "DELETE ", "PATCH ", "CONNECT "};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        size_t size = strlen(methods[i]);
        if (cur_left(payload) >= size && memcmp(payload->pos, methods[i], size) == 0) {
            *is_head = i == 1;
            return true;
        }
    }
    return false;
}

/* The page from byte 'from' on, in segments; the last one also says that we are done. */
static void
page_send(const struct packet *packet, const char *page, size_t page_size, size_t from,
          uint32_t ack, responder_emit_fn *emit, void *context)
{
    size_t at = from;
    do {
        size_t size = page_size - at < SEGMENT_SIZE ? page_size - at : SEGMENT_SIZE;
        bool is_last = at + size == page_size;
        segment_send(packet, packet->ack + (uint32_t)(at - from), ack,
                     (uint8_t)(TCP_ACK | (is_last ? TCP_FIN : 0)), page + at, size, emit, context);
        at += size;
    } while (at < page_size);
}

void
responder_tcp(const struct responder_settings *settings, const struct responder_endpoint *endpoint,
              const struct packet *packet, responder_emit_fn *emit, void *context)
{
    size_t size = cur_left(&packet->payload);
    uint32_t isn = first_sequence(settings, packet);
    if (packet->flags & TCP_RST) {
        return;
    }
    if (!is_web_port(packet->dst_port)) {
        reset_send(packet, emit, context);
        return;
    }
    if ((packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        segment_send(packet, isn, packet->seq + 1, TCP_SYN | TCP_ACK, NULL, 0, emit, context);
        return;
    }
    char page[PAGE_SIZE_MAX];
    bool is_head = false;
    uint32_t got = packet->ack - (isn + 1); /* how much of ours the client has */
    bool is_ours = (packet->flags & TCP_ACK) && got <= PAGE_SIZE_MAX + 1;
    if (!is_ours || (size > 0 && !is_request(&packet->payload, &is_head) && got == 0)) {
        reset_send(packet, emit, context); /* a connection from before the block, or no HTTP */
        return;
    }
    uint32_t ack = packet->seq + (uint32_t)size + !!(packet->flags & TCP_FIN);
    size_t page_size = size > 0 ? page_make(settings, endpoint, is_head, page, sizeof(page)) : 0;
    if (size > 0 && got <= page_size) {
        page_send(packet, page, page_size, got, ack, emit, context);
    } else if (packet->flags & TCP_FIN) {
        segment_send(packet, packet->ack, ack, TCP_ACK, NULL, 0, emit, context);
    }
}
