/* DNS (RFC 1035) of contained endpoints.  A query for a permitted name to a declared resolver is
 * written anew (only that name, nothing else that the sender put in: no channel outwards) and sent
 * on; every other query is answered here: A with the warning address, everything else empty. */
#include "edge/responder_reply.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/dns_name.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
#define TTL_S 5
#define TTL_LEAST_S 30
#define TTL_MOST_S 3600
#define RECORDS_MAX 64
#define NAME_MAX_TEXT 253 /* 255 octets on the wire (RFC 1035 2.3.4) */

struct query {
    uint16_t id;
    uint16_t flags;
    char name[HOST_SIZE]; /* dotted, without the last dot, in the case that it was asked in */
    uint16_t type, class;
};

/* A name that a permit can be compared with: no dot or NUL within a label, which as text would be
 * another name, and no longer than names are. */
static bool
name_read(struct cursor *in, const struct cursor *message, char name[HOST_SIZE])
{
    struct dns_name read;
    if (!dns_name_read(in, message, &read) || read.size == 0 || read.size > NAME_MAX_TEXT) {
        return false;
    }
    size_t dots = 0;
    for (size_t i = 0; i < read.size; i++) {
        dots += read.text[i] == '.';
    }
    memcpy(name, read.text, read.size + 1);
    return dots == read.label_count - 1 && !memchr(name, '\0', read.size);
}

static bool
query_read(struct cursor in, struct query *query)
{
    struct cursor message = in;
    query->id = cur_be16(&in);
    query->flags = cur_be16(&in);
    uint16_t questions = cur_be16(&in);
    cur_skip(&in, 6);
    if (!cur_ok(&in) || questions != 1 || (query->flags & 0xf800) != 0 ||
        !name_read(&in, &message, query->name)) {
        return false;
    }
    query->type = cur_be16(&in);
    query->class = cur_be16(&in);
    return cur_ok(&in);
}

/* "*.example.org" is every name below example.org, and not that name itself. */
static bool
name_matches(const char *pattern, const char *name)
{
    if (strncmp(pattern, "*.", 2) != 0) {
        return strcasecmp(pattern, name) == 0;
    }
    size_t size = strlen(name), end = strlen(pattern + 1);
    return size > end && strcasecmp(name + size - end, pattern + 1) == 0;
}

/* Index of the permit with that name; -1: none. */
static int
permit_find(const struct permit_set *permits, const char *name)
{
    for (size_t i = 0; permits && i < permits->permit_count; i++) {
        if (permits->permits[i].name[0] && name_matches(permits->permits[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

static bool
is_resolver(const struct permit_set *permits, const struct ip *ip)
{
    for (size_t i = 0; i < permits->resolver_count; i++) {
        if (ip_is_equal(&permits->resolvers[i], ip)) {
            return true;
        }
    }
    return false;
}

static void
question_put(struct reply *reply, const struct query *query)
{
    const char *label = query->name;
    while (*label) {
        size_t size = strcspn(label, ".");
        const uint8_t head = (uint8_t)size;
        reply_put(reply, &head, 1);
        reply_put(reply, label, size);
        label += size + (label[size] == '.');
    }
    reply_put(reply, "", 1);
    reply_put16(reply, query->type);
    reply_put16(reply, query->class);
}

static void
udp_start(struct reply *reply, uint16_t from, uint16_t to)
{
    reply_put16(reply, from);
    reply_put16(reply, to);
    reply_put32(reply, 0); /* length and checksum: udp_finish */
}

static void
udp_finish(struct reply *reply, const struct ip *from, const struct ip *to)
{
    uint8_t *length = reply->frame + reply->body_at + 4;
    size_t size = reply->used - reply->body_at;
    length[0] = (uint8_t)(size >> 8);
    length[1] = (uint8_t)size;
    reply_finish(reply, from, to, 17, 6);
}

static void
head_put(struct reply *reply, uint16_t id, uint16_t flags, uint16_t answers)
{
    reply_put16(reply, id);
    reply_put16(reply, flags);
    reply_put16(reply, 1);
    reply_put16(reply, answers);
    reply_put32(reply, 0);
}

static void
answer_here(const struct responder_settings *settings, const struct packet *packet,
            const struct query *query, responder_emit_fn *emit, void *context)
{
    bool has_address = query->type == TYPE_A && query->class == CLASS_IN;
    struct reply reply;
    reply_start(&reply, &packet->dst_mac, &packet->src_mac, &packet->dst, &packet->src, 17, 64);
    udp_start(&reply, packet->dst_port, packet->src_port);
    /* response, recursion as asked for and available, no error */
    head_put(&reply, query->id, (uint16_t)(0x8080 | (query->flags & 0x0100)), has_address);
    question_put(&reply, query);
    if (has_address) {
        reply_put16(&reply, 0xc00c); /* the name of the question */
        reply_put16(&reply, TYPE_A);
        reply_put16(&reply, CLASS_IN);
        reply_put32(&reply, TTL_S);
        reply_put16(&reply, 4);
        reply_put(&reply, settings->warning_address.b + 12, 4);
    }
    udp_finish(&reply, &packet->dst, &packet->src);
    emit(context, reply.frame, reply.used, false);
}

/* In lower case: letters of either case would carry the sender's bits outwards. */
static void
forward(const struct packet *packet, const struct query *asked, responder_emit_fn *emit,
        void *context)
{
    struct reply reply;
    struct query query = *asked;
    for (char *at = query.name; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    reply_start(&reply, &packet->src_mac, &packet->dst_mac, &packet->src, &packet->dst, 17, 64);
    udp_start(&reply, packet->src_port, packet->dst_port);
    head_put(&reply, query.id, 0x0100, 0);
    question_put(&reply, &query);
    udp_finish(&reply, &packet->src, &packet->dst);
    emit(context, reply.frame, reply.used, true);
}

void
responder_dns(const struct responder_settings *settings, const struct responder_endpoint *endpoint,
              const struct packet *packet, responder_emit_fn *emit, void *context)
{
    struct query query;
    if (!query_read(packet->payload, &query)) {
        return;
    }
    bool is_plain = (query.type == TYPE_A || query.type == TYPE_AAAA) && query.class == CLASS_IN;
    const struct permit_set *permits = endpoint->permits;
    if (is_plain && permits && permits->forwards_dns && is_resolver(permits, &packet->dst) &&
        permit_find(permits, query.name) >= 0) {
        forward(packet, &query, emit, context);
    } else {
        answer_here(settings, packet, &query, emit, context);
    }
}

/* One resource record of the answer section. */
static bool
record_read(struct cursor *in, const struct cursor *message, struct responder_learnt *learnt,
            bool *is_address)
{
    char name[HOST_SIZE];
    *is_address = false;
    if (!name_read(in, message, name)) {
        return false;
    }
    uint16_t type = cur_be16(in), class = cur_be16(in);
    uint32_t ttl_s = cur_be32(in);
    struct cursor data = cur_sub(in, cur_be16(in));
    uint8_t bytes[16];
    size_t size = cur_left(&data);
    if (class == CLASS_IN && ((type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16))) {
        cur_copy(&data, bytes, size);
        learnt->ip = size == 4 ? ip_from_v4(bytes) : ip_from_v6(bytes);
        learnt->ttl_s = ttl_s < TTL_LEAST_S ? TTL_LEAST_S : ttl_s > TTL_MOST_S ? TTL_MOST_S : ttl_s;
        *is_address = cur_ok(&data);
    }
    return cur_ok(in);
}

size_t
responder_learn(const struct permit_set *permits, const uint8_t *frame, size_t size,
                struct responder_learnt *learnt, size_t room)
{
    struct packet packet;
    char name[HOST_SIZE];
    size_t count = 0;
    if (!packet_parse(frame, size, &packet) || packet.kind != PACKET_UDP || packet.src_port != 53 ||
        !is_resolver(permits, &packet.src)) {
        return 0;
    }
    struct cursor in = packet.payload, message = packet.payload;
    cur_skip(&in, 2);
    uint16_t flags = cur_be16(&in), questions = cur_be16(&in), answers = cur_be16(&in);
    cur_skip(&in, 4);
    if (!cur_ok(&in) || !(flags & 0x8000) || questions != 1 || !name_read(&in, &message, name)) {
        return 0;
    }
    cur_skip(&in, 4);
    int permit = permit_find(permits, name);
    bool is_address;
    for (int i = 0; permit >= 0 && i < answers && i < RECORDS_MAX && count < room; i++) {
        if (!record_read(&in, &message, &learnt[count], &is_address)) {
            break;
        }
        learnt[count].permit = (size_t)permit;
        count += is_address;
    }
    return count;
}
