#include "sensor/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "sensor/mix.h"

#define FLOWS_DEFAULT 200000
#define HEADS_DEFAULT 8192
#define PURPOSE 0x666c6f77ULL
#define MOVE_US 1000000LL /* a busy flow goes to its list's end so often, not with each packet */

static const int64_t quiet_us[FLOW_STAGES] = {
    [FLOW_OPENING] = 30 * 1000000LL,
    [FLOW_TCP] = 300 * 1000000LL,
    [FLOW_OTHER] = 60 * 1000000LL,
    [FLOW_OVER] = 5 * 1000000LL, /* the shortest */
};

struct flow_list {
    struct flow *oldest, *newest;
};

struct flow_table {
    struct hmap flows;
    struct pool *pool, *heads, *segments;
    struct flow_list lists[FLOW_STAGES];
    int64_t due_us; /* nothing ends before */
    uint64_t keys[4];
    struct flow_handler handler;
    struct flow_counters counters;
    uint64_t number;
};

struct flow_table *
flow_table_new(const struct flow_settings *settings, const struct flow_handler *handler)
{
    struct flow_table *table = MEM_NEW(struct flow_table);
    size_t heads = settings->head_limit ? settings->head_limit : HEADS_DEFAULT;
    hmap_init(&table->flows);
    mix_keys(PURPOSE, table->keys, COUNT_OF(table->keys));
    table->pool =
        pool_new(sizeof(struct flow), settings->flow_limit ? settings->flow_limit : FLOWS_DEFAULT);
    table->heads = pool_new(sizeof(struct flow_head), heads);
    table->segments = pool_new(sizeof(struct flow_segment), heads / 2 + 1);
    table->handler = *handler;
    return table;
}

void
flow_table_free(struct flow_table *table)
{
    if (table) {
        hmap_fini(&table->flows);
        pool_free(table->pool);
        pool_free(table->heads);
        pool_free(table->segments);
        free(table);
    }
}

static uint64_t
end_hash(const uint64_t keys[4], const struct ip *ip, uint16_t port)
{
    return mix_two(mix_sixteen(keys, ip->b) ^ port, keys[2] | 1);
}

/* The same for both directions. */
static uint64_t
hash_of(const struct flow_table *table, const struct decoded *packet)
{
    const uint64_t *keys = table->keys;
    uint64_t a = end_hash(keys, &packet->src, packet->src_port);
    uint64_t b = end_hash(keys, &packet->dst, packet->dst_port);
    return mix_two((a + b) ^ keys[3],
                   (a ^ b ^ packet->protocol ^ (uint64_t)packet->is_tunnelled << 8) | 1);
}

static bool
is_from(const struct flow *flow, const struct decoded *packet, enum side side)
{
    return flow->port[side] == packet->src_port && flow->port[!side] == packet->dst_port &&
           ip_is_equal(&flow->ip[side], &packet->src) &&
           ip_is_equal(&flow->ip[!side], &packet->dst);
}

static struct flow *
find_hashed(const struct flow_table *table, const struct decoded *packet, uint64_t hash,
            enum side *side)
{
    HMAP_FOR_EACH_HASH (flow, struct flow, node, hash, &table->flows) {
        if (flow->protocol != packet->protocol || flow->is_tunnelled != packet->is_tunnelled) {
            continue;
        }
        if (is_from(flow, packet, SIDE_CLIENT)) {
            *side = SIDE_CLIENT;
            return flow;
        }
        if (is_from(flow, packet, SIDE_SERVER)) {
            *side = SIDE_SERVER;
            return flow;
        }
    }
    return NULL;
}

struct flow *
flow_find(const struct flow_table *table, const struct decoded *packet, enum side *side)
{
    return find_hashed(table, packet, hash_of(table, packet), side);
}

static enum flow_stage
stage_of(const struct flow *flow)
{
    return flow->is_over                    ? FLOW_OVER
           : !flow->is_established          ? FLOW_OPENING
           : flow->protocol == PROTOCOL_TCP ? FLOW_TCP
                                            : FLOW_OTHER;
}

static void
list_remove(struct flow_table *table, struct flow *flow)
{
    struct flow_list *list = &table->lists[flow->stage];
    *(flow->older ? &flow->older->newer : &list->oldest) = flow->newer;
    *(flow->newer ? &flow->newer->older : &list->newest) = flow->older;
}

static void
list_add(struct flow_table *table, struct flow *flow)
{
    flow->stage = (uint8_t)stage_of(flow);
    flow->listed_us = flow->last_us;
    struct flow_list *list = &table->lists[flow->stage];
    flow->older = list->newest;
    flow->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = flow;
    list->newest = flow;
}

/* Of all lists the one that was quiet longest. */
static struct flow *
oldest_of(const struct flow_table *table)
{
    struct flow *oldest = NULL;
    for (size_t i = 0; i < FLOW_STAGES; i++) {
        struct flow *flow = table->lists[i].oldest;
        if (flow && (!oldest || flow->listed_us < oldest->listed_us)) {
            oldest = flow;
        }
    }
    return oldest;
}

void
flow_head_drop(struct flow_table *table, struct flow *flow, enum side side)
{
    struct flow_head *head = flow->head[side];
    for (size_t i = 0; head && i < head->waiting; i++) {
        pool_give(table->segments, head->segments[i]);
    }
    pool_give(table->heads, head);
    flow->head[side] = NULL;
}

static void
end(struct flow_table *table, struct flow *flow)
{
    table->handler.on_end(table->handler.context, flow);
    flow_head_drop(table, flow, SIDE_CLIENT);
    flow_head_drop(table, flow, SIDE_SERVER);
    list_remove(table, flow);
    hmap_remove(&table->flows, &flow->node);
    pool_give(table->pool, flow);
}

/* Who opened, when the opening was not seen: SYN-ACK comes from the server, and of two ports the
 * lower one is more likely a service. */
static bool
is_server_first(const struct decoded *packet)
{
    if (packet->protocol == PROTOCOL_TCP &&
        (packet->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
        return true;
    }
    if (packet->protocol == PROTOCOL_TCP && (packet->flags & TCP_SYN)) {
        return false;
    }
    return packet->src_port < 1024 && packet->src_port < packet->dst_port;
}

static struct flow *
make(struct flow_table *table, const struct decoded *packet, uint64_t hash, enum side *side)
{
    struct flow *flow = pool_take(table->pool);
    if (!flow && flow_count(table) > 0) {
        table->counters.given_up++;
        end(table, oldest_of(table));
        flow = pool_take(table->pool);
    }
    if (!flow) {
        return NULL;
    }
    *side = is_server_first(packet) ? SIDE_SERVER : SIDE_CLIENT;
    flow->ip[*side] = packet->src;
    flow->ip[!*side] = packet->dst;
    flow->port[*side] = packet->src_port;
    flow->port[!*side] = packet->dst_port;
    flow->mac[!*side] = packet->dst_mac;
    flow->protocol = packet->protocol;
    flow->is_tunnelled = packet->is_tunnelled;
    flow->first_us = flow->last_us = packet->at_us;
    flow->number = ++table->number;
    hmap_insert(&table->flows, &flow->node, hash);
    table->counters.made++;
    list_add(table, flow);
    return flow;
}

/* Two-way handshake with numbers that agree (RFC 9293 3.5): somebody who does not see the answers
 * cannot make it. */
static void
tcp_update(struct flow *flow, const struct decoded *packet, enum side side)
{
    uint8_t kind = packet->flags & (TCP_SYN | TCP_ACK);
    if (kind == TCP_SYN && side == SIDE_CLIENT) {
        flow->saw_syn = true;
        flow->isn[SIDE_CLIENT] = packet->seq;
    } else if (kind == (TCP_SYN | TCP_ACK) && side == SIDE_SERVER && flow->saw_syn &&
               packet->ack == flow->isn[SIDE_CLIENT] + 1) {
        flow->saw_syn_ack = true;
        flow->isn[SIDE_SERVER] = packet->seq;
    } else if (kind == TCP_ACK && side == SIDE_CLIENT && flow->saw_syn_ack &&
               packet->ack - (flow->isn[SIDE_SERVER] + 1) < 0x10000 &&
               packet->seq - (flow->isn[SIDE_CLIENT] + 1) < 0x10000) {
        flow->is_established = true;
    }
    if (packet->flags & TCP_RST) {
        flow->was_refused =
            flow->was_refused || (side == SIDE_SERVER && flow->saw_syn && !flow->saw_syn_ack);
        flow->is_over = true;
    }
    if (packet->flags & TCP_FIN) {
        flow->fins |= (uint8_t)(1u << side);
        flow->is_over = flow->is_over || flow->fins == 3;
    }
}

static bool
is_reopened(const struct flow *flow, const struct decoded *packet, enum side side)
{
    return packet->protocol == PROTOCOL_TCP && side == SIDE_CLIENT &&
           (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && flow->saw_syn &&
           packet->seq != flow->isn[SIDE_CLIENT] && (flow->is_over || flow->is_established);
}

struct flow *
flow_update(struct flow_table *table, const struct decoded *packet, enum side *side)
{
    uint64_t hash = hash_of(table, packet);
    struct flow *flow = find_hashed(table, packet, hash, side);
    if (flow && is_reopened(flow, packet, *side)) {
        end(table, flow);
        flow = NULL;
    }
    if (!flow) {
        flow = make(table, packet, hash, side);
        if (!flow) {
            return NULL;
        }
    }
    flow->last_us = packet->at_us;
    flow->packets[*side]++;
    flow->bytes[*side] += packet->size;
    flow->mac[*side] = packet->src_mac;
    flow->vlan = packet->vlan ? packet->vlan : flow->vlan;
    if (packet->origin.is_stamped || !flow->origin[*side].is_stamped) {
        flow->origin[*side] = packet->origin;
    }
    if (packet->protocol == PROTOCOL_TCP) {
        tcp_update(flow, packet, *side);
    } else if (flow->packets[0] > 0 && flow->packets[1] > 0) {
        flow->is_established = true;
    }
    if (flow->last_us - flow->listed_us > MOVE_US || flow->stage != stage_of(flow)) {
        list_remove(table, flow);
        list_add(table, flow);
    }
    return flow;
}

/* Appends what is next in order; the first bytes of a place win. */
static bool
head_append(struct flow_head *head, uint32_t seq, const uint8_t *bytes, size_t size)
{
    uint32_t behind = head->next_seq - seq;
    if ((int32_t)behind < 0 || behind >= size) {
        return false; /* a gap before it, or nothing new in it */
    }
    size_t room = FLOW_HEAD_MAX - head->used;
    size_t fresh = size - behind < room ? size - behind : room;
    memcpy(head->bytes + head->used, bytes + behind, fresh);
    head->used += fresh;
    head->next_seq += (uint32_t)(size - behind);
    head->is_closed = head->used == FLOW_HEAD_MAX;
    return true;
}

static void
segment_keep(struct flow_table *table, struct flow_head *head, uint32_t seq, const uint8_t *bytes,
             size_t size)
{
    struct flow_segment *segment = NULL;
    if (head->waiting < FLOW_SEGMENTS_MAX && size <= sizeof(segment->bytes) &&
        seq - head->next_seq < FLOW_HEAD_MAX) {
        segment = pool_take(table->segments);
    }
    if (!segment) {
        table->counters.bytes_skipped += size;
        return;
    }
    segment->seq = seq;
    segment->size = (uint16_t)size;
    memcpy(segment->bytes, bytes, size);
    head->segments[head->waiting++] = segment;
}

/* Waiting segments that have become the next ones. */
static void
segments_use(struct flow_table *table, struct flow_head *head)
{
    for (size_t i = 0; i < head->waiting;) {
        struct flow_segment *segment = head->segments[i];
        bool is_past = (int32_t)(segment->seq + segment->size - head->next_seq) <= 0;
        if (is_past || head_append(head, segment->seq, segment->bytes, segment->size)) {
            head->segments[i] = head->segments[--head->waiting];
            pool_give(table->segments, segment);
            i = 0;
        } else {
            i++;
        }
    }
}

bool
flow_head_add(struct flow_table *table, struct flow *flow, enum side side,
              const struct decoded *packet)
{
    bool is_first = flow->bytes[side] == packet->size;
    if (!flow->head[side] && is_first) {
        flow->head[side] = pool_take(table->heads);
        table->counters.heads_refused += !flow->head[side];
    }
    struct flow_head *head = flow->head[side];
    if (!head || head->is_closed) {
        return false;
    }
    if (!head->has_seq) {
        bool knows_start = side == SIDE_CLIENT ? flow->saw_syn : flow->saw_syn_ack;
        head->next_seq = knows_start ? flow->isn[side] + 1 : packet->seq;
        head->has_seq = true;
    }
    if (!head_append(head, packet->seq, packet->payload, packet->size)) {
        if ((int32_t)(packet->seq - head->next_seq) > 0) {
            segment_keep(table, head, packet->seq, packet->payload, packet->size);
        }
        return false;
    }
    segments_use(table, head);
    return true;
}

/* When the first of a list may end. */
static int64_t
list_due(const struct flow_list *list, size_t stage)
{
    return list->oldest ? list->oldest->listed_us + quiet_us[stage] + MOVE_US : INT64_MAX;
}

void
flow_expire(struct flow_table *table, int64_t now_us, size_t most)
{
    /* further away than that it never is, unless time went back */
    if (now_us < table->due_us && table->due_us - now_us <= quiet_us[FLOW_OVER]) {
        return;
    }
    /* whatever comes to a list from now on is due no sooner */
    table->due_us = now_us + quiet_us[FLOW_OVER];
    for (size_t i = 0; i < FLOW_STAGES; i++) {
        struct flow_list *list = &table->lists[i];
        while (list_due(list, i) <= now_us && most > 0) {
            end(table, list->oldest);
            most--;
        }
        int64_t due_us = list_due(list, i);
        table->due_us = due_us < table->due_us ? due_us : table->due_us;
    }
}

size_t
flow_count(const struct flow_table *table)
{
    return table->flows.count;
}

struct flow_counters
flow_counters(const struct flow_table *table)
{
    return table->counters;
}
