#include "sensor/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sensor/duplicates.h"
#include "sensor/fragments.h"
#include "sensor/recorder.h"

#define TICK_US 100000
#define EXPIRE_PER_PACKET 2
#define EXPIRE_PER_TICK 2000
#define MIRRORS_MAX 64
#define NETWORKS_SEEN 256

struct pipeline {
    const struct sensor_settings *settings;
    bool trusts_mirrors;
    struct duplicates *duplicates;
    struct fragments *fragments;
    struct flow_table *flows;
    struct recorder *recorder;
    struct lists *lists;
    void **states; /* one per detector */
    struct detector_context context;
    const struct flow *current; /* of the finding being made; NULL: none */
    pipeline_found_fn *found;
    void *found_context;
    int64_t ticked_us;
    struct wire_sensor_stats stats;
    struct wire_mirror_seen mirrors[MIRRORS_MAX];
    uint32_t mirror_sequence[MIRRORS_MAX];
    size_t mirror_last;
    struct wire_network_seen networks[NETWORKS_SEEN];
};

#define ASK(pipeline, question, ...)                                                               \
    for (size_t ask_ = 0; ask_ < detector_count; ask_++) {                                         \
        if (detectors[ask_]->question) {                                                           \
            detectors[ask_]->question((pipeline)->states[ask_], &(pipeline)->context,              \
                                      __VA_ARGS__);                                                \
        }                                                                                          \
    }

void
finding_start(struct finding *finding, const struct flow *flow, int64_t now_us)
{
    memset(finding, 0, sizeof(*finding));
    struct detection *detection = &finding->detection;
    detection->seen_us = now_us;
    detection->first_us = flow->first_us;
    detection->src.ip = flow->ip[SIDE_CLIENT];
    detection->src.mac = flow->mac[SIDE_CLIENT];
    detection->src.port = flow->port[SIDE_CLIENT];
    detection->dst.ip = flow->ip[SIDE_SERVER];
    detection->dst.mac = flow->mac[SIDE_SERVER];
    detection->dst.port = flow->port[SIDE_SERVER];
    detection->protocol = flow->protocol;
    detection->vlan = flow->vlan;
    detection->handshake =
        flow->protocol == PROTOCOL_TCP && flow->is_established && !flow->is_tunnelled;
    detection->origin = flow->origin[SIDE_CLIENT];
    detection->peer_origin = flow->origin[SIDE_SERVER];
    detection->count = 1;
}

static void
on_report(void *context, const struct finding *finding)
{
    struct pipeline *pipeline = context;
    size_t size = 0;
    uint8_t *pcap = recorder_evidence(pipeline->recorder, finding->flow, &finding->source, &size);
    pipeline->stats.detections++;
    pipeline->found(pipeline->found_context, &finding->detection, pipeline->current, pcap, size);
    free(pcap);
}

static void
on_flow_end(void *context, struct flow *flow)
{
    struct pipeline *pipeline = context;
    pipeline->stats.flows++;
    (void)flow;
}

struct pipeline *
pipeline_new(const struct sensor_settings *settings, bool trusts_mirrors, pipeline_found_fn *found,
             void *context)
{
    struct pipeline *pipeline = MEM_NEW(struct pipeline);
    const struct flow_settings flow_settings = {.flow_limit = settings->flow_limit};
    const struct flow_handler flow_handler = {.on_end = on_flow_end, .context = pipeline};
    pipeline->settings = settings;
    pipeline->trusts_mirrors = trusts_mirrors;
    pipeline->found = found;
    pipeline->found_context = context;
    pipeline->duplicates = duplicates_new();
    pipeline->fragments = fragments_new();
    pipeline->flows = flow_table_new(&flow_settings, &flow_handler);
    pipeline->recorder = recorder_new();
    pipeline->lists = lists_load(NULL, 0);
    pipeline->context = (struct detector_context){
        .settings = settings, .lists = pipeline->lists, .report = on_report, .pipeline = pipeline};
    pipeline->states = mem_new(detector_count, sizeof(pipeline->states[0]));
    for (size_t i = 0; i < detector_count; i++) {
        pipeline->states[i] = detectors[i]->open(settings);
    }
    return pipeline;
}

void
pipeline_free(struct pipeline *pipeline)
{
    if (!pipeline) {
        return;
    }
    for (size_t i = 0; i < detector_count; i++) {
        detectors[i]->close(pipeline->states[i]);
    }
    free(pipeline->states);
    lists_free(pipeline->lists);
    recorder_free(pipeline->recorder);
    flow_table_free(pipeline->flows);
    fragments_free(pipeline->fragments);
    duplicates_free(pipeline->duplicates);
    free(pipeline);
}

void
pipeline_set_lists(struct pipeline *pipeline, struct lists *lists)
{
    lists_free(pipeline->lists);
    pipeline->lists = lists;
    pipeline->context.lists = lists;
    pipeline->stats.indicators = lists_count(lists);
}

/* ---- what arrives from where ---- */

/* One wrapping, by a switch that we know, is the mirror's.  Every other tunnel any endpoint could
 * have made around frames that never were. */
static void
mirror_judge(const struct pipeline *pipeline, struct decoded *packet)
{
    const struct ip *from = &packet->origin.switch_ip;
    bool is_mirror = !ip_is_none(from) &&
                     (pipeline->trusts_mirrors || settings_is_mirror(pipeline->settings, from));
    packet->is_tunnelled = packet->wraps > is_mirror;
    if (!is_mirror) {
        packet->origin = (struct mirror_origin){.session = 0};
    }
}

/* The place of a mirror; MIRRORS_MAX: more than are told apart (the totals still count). */
static size_t
mirror_find(struct pipeline *pipeline, const struct mirror_origin *origin)
{
    size_t i = pipeline->mirror_last; /* mostly the same as before */
    if (i < pipeline->stats.mirror_count && pipeline->mirrors[i].session == origin->session &&
        ip_is_equal(&pipeline->mirrors[i].switch_ip, &origin->switch_ip)) {
        return i;
    }
    for (i = 0; i < pipeline->stats.mirror_count; i++) {
        if (pipeline->mirrors[i].session == origin->session &&
            ip_is_equal(&pipeline->mirrors[i].switch_ip, &origin->switch_ip)) {
            break;
        }
    }
    pipeline->mirror_last = i;
    return i;
}

static void
mirror_count(struct pipeline *pipeline, const struct decoded *packet, size_t size)
{
    const struct mirror_origin *origin = &packet->origin;
    size_t i = mirror_find(pipeline, origin);
    if (i == MIRRORS_MAX) {
        return;
    }
    struct wire_mirror_seen *mirror = &pipeline->mirrors[i];
    if (i == pipeline->stats.mirror_count) {
        pipeline->stats.mirror_count++;
        *mirror =
            (struct wire_mirror_seen){.switch_ip = origin->switch_ip, .session = origin->session};
        pipeline->mirror_sequence[i] = packet->mirror_sequence;
    }
    uint32_t gap = packet->mirror_sequence - pipeline->mirror_sequence[i];
    if (origin->is_stamped && gap > 1 && gap < 100000) {
        mirror->lost += gap - 1;
    }
    pipeline->mirror_sequence[i] = packet->mirror_sequence;
    mirror->packets++;
    mirror->bytes += size;
    mirror->last_us = packet->at_us;
}

/* The place + 1 of a sender's /24 or /64, when it is ours; NETWORKS_SEEN + 1: not counted. */
static uint16_t
network_find(struct pipeline *pipeline, const struct ip *ip)
{
    struct prefix network = {.length = ip_is_v4(ip) ? 120 : 64};
    memcpy(network.ip.b, ip->b, network.length / 8);
    size_t count = pipeline->stats.network_count, i = 0;
    while (i < count && memcmp(&pipeline->networks[i].network, &network, sizeof(network)) != 0) {
        i++;
    }
    if (i == NETWORKS_SEEN || (i == count && !settings_is_home(pipeline->settings, ip))) {
        return NETWORKS_SEEN + 1;
    }
    if (i == count) {
        pipeline->networks[i] = (struct wire_network_seen){.network = network};
        pipeline->stats.network_count++;
    }
    return (uint16_t)(i + 1);
}

/* Looked up once for each side of a flow. */
static void
network_count(struct pipeline *pipeline, struct flow *flow, enum side side, int64_t at_us)
{
    if (flow->network[side] == 0) {
        flow->network[side] = network_find(pipeline, &flow->ip[side]);
    }
    if (flow->network[side] <= NETWORKS_SEEN) {
        struct wire_network_seen *network = &pipeline->networks[flow->network[side] - 1];
        network->packets++;
        network->last_us = at_us;
    }
}

/* ---- protocols ---- */

/* A message of a protocol, to whoever subscribed. */
static void
on_told(struct protocol_call *call, const void *message)
{
    struct pipeline *pipeline = call->pipeline;
    const struct protocol *protocol = protocols[call->flow->application];
    for (size_t i = 0; i < detector_count; i++) {
        const struct subscription *at = detectors[i]->subscriptions;
        for (; at->protocol; at++) {
            if (at->protocol == protocol) {
                at->on_message(pipeline->states[i], &pipeline->context, call->flow, message);
            }
        }
    }
}

/* By its port a flow may belong to one protocol, whatever it carries. */
static int8_t
protocol_by_port(const struct flow *flow)
{
    for (size_t i = 0; i < protocol_count; i++) {
        bool is_to = protocols[i]->port == flow->port[SIDE_SERVER];
        bool is_from =
            flow->protocol == PROTOCOL_UDP && protocols[i]->port == flow->port[SIDE_CLIENT];
        if (protocols[i]->port && (is_to || is_from)) {
            return (int8_t)i;
        }
    }
    return APPLICATION_UNKNOWN;
}

/* The client's first bytes: which protocol, and what does it ask for? */
static void
head_look(struct pipeline *pipeline, struct protocol_call *call)
{
    struct flow *flow = call->flow;
    const struct flow_head *head = flow->head[SIDE_CLIENT];
    bool may_become = false;
    call->bytes = head->bytes;
    call->size = head->used;
    for (size_t i = 0; i < protocol_count; i++) {
        bool is_asked = flow->by_port == APPLICATION_UNKNOWN ? protocols[i]->port == 0
                                                             : (size_t)flow->by_port == i;
        if (!is_asked || !protocols[i]->on_head) {
            continue;
        }
        flow->application = (int8_t)i; /* for whoever is told meanwhile */
        enum parsed parsed = protocols[i]->on_head(call);
        if (parsed == PARSED_YES) {
            flow_head_drop(pipeline->flows, flow, SIDE_CLIENT);
            return;
        }
        may_become = may_become || parsed == PARSED_MORE;
    }
    flow->application = APPLICATION_UNKNOWN;
    if (!may_become || head->is_closed) {
        flow->application = APPLICATION_OTHER;
        flow_head_drop(pipeline->flows, flow, SIDE_CLIENT);
    }
}

/* A connection met in its middle may show what it is only later: each segment of the client could
 * be the beginning of a message. */
static void
middle_look(struct protocol_call *call)
{
    for (size_t i = 0; i < protocol_count; i++) {
        if (protocols[i]->port == 0 && protocols[i]->on_head) {
            call->flow->application = (int8_t)i;
            if (protocols[i]->on_head(call) == PARSED_YES) {
                return;
            }
        }
    }
    call->flow->application = APPLICATION_OTHER;
}

static void
tcp_payload(struct pipeline *pipeline, struct protocol_call *call, const struct decoded *packet)
{
    struct flow *flow = call->flow;
    if (call->side == SIDE_CLIENT && flow->application == APPLICATION_UNKNOWN) {
        if (flow_head_add(pipeline->flows, flow, SIDE_CLIENT, packet)) {
            head_look(pipeline, call);
        }
        return;
    }
    if (call->side == SIDE_CLIENT && flow->application == APPLICATION_OTHER && !flow->saw_syn &&
        flow->by_port == APPLICATION_UNKNOWN) {
        middle_look(call);
        return;
    }
    int8_t known = flow->application == APPLICATION_UNKNOWN ? flow->by_port : flow->application;
    if (known >= 0 && protocols[known]->on_segment) {
        int8_t before = flow->application;
        flow->application = known;
        protocols[known]->on_segment(call);
        flow->application = before;
    }
}

static void
udp_payload(struct protocol_call *call)
{
    struct flow *flow = call->flow;
    int8_t before = flow->application;
    if (flow->by_port >= 0 && protocols[flow->by_port]->on_datagram) {
        flow->application = flow->by_port;
        if (!protocols[flow->by_port]->on_datagram(call)) {
            flow->application = before;
        }
    }
}

static void
payload_look(struct pipeline *pipeline, struct flow *flow, enum side side,
             const struct decoded *packet)
{
    struct protocol_call call = {.flow = flow,
                                 .side = side,
                                 .bytes = packet->payload,
                                 .size = packet->size,
                                 .tell = on_told,
                                 .pipeline = pipeline};
    if (packet->protocol == PROTOCOL_TCP) {
        tcp_payload(pipeline, &call, packet);
    } else if (packet->protocol == PROTOCOL_UDP) {
        udp_payload(&call);
    }
}

/* ---- one packet ---- */

static void
contact_look(struct pipeline *pipeline, struct flow *flow)
{
    if (!flow->has_told && flow->is_established) {
        flow->has_told = true;
        ASK(pipeline, on_contact, flow);
    }
}

static void
flow_look(struct pipeline *pipeline, struct flow *flow, enum side side,
          const struct decoded *packet)
{
    bool is_tcp = packet->protocol == PROTOCOL_TCP;
    if (flow->packets[0] + flow->packets[1] == 1) {
        flow->application = APPLICATION_UNKNOWN;
        flow->by_port = protocol_by_port(flow);
    }
    if (flow->packets[0] + flow->packets[1] <= RECORDER_PER_FLOW) {
        recorder_keep(pipeline->recorder, packet, flow->number);
    }
    if (is_tcp && (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && side == SIDE_CLIENT &&
        flow->packets[SIDE_CLIENT] == 1) {
        ASK(pipeline, on_attempt, flow);
    }
    if (is_tcp && flow->was_refused && !flow->has_told) {
        flow->has_told = true;
        ASK(pipeline, on_refused, flow);
        return;
    }
    contact_look(pipeline, flow);
    if (packet->size > 0) {
        payload_look(pipeline, flow, side, packet);
    }
}

/* The copy that was made at an edge says more than the one made at the core. */
static void
origin_note(struct pipeline *pipeline, const struct decoded *packet)
{
    enum side side;
    struct flow *flow =
        packet->origin.is_stamped ? flow_find(pipeline->flows, packet, &side) : NULL;
    if (flow) {
        flow->origin[side] = packet->origin;
    }
}

static void
decoded_look(struct pipeline *pipeline, struct decoded *packet)
{
    enum side side;
    if (duplicates_check(pipeline->duplicates, packet)) {
        pipeline->stats.duplicates++;
        origin_note(pipeline, packet);
        return;
    }
    if (packet->is_arp) {
        recorder_keep(pipeline->recorder, packet, 0);
        ASK(pipeline, on_arp, packet);
        return;
    }
    if (packet->is_fragment && !fragments_add(pipeline->fragments, packet)) {
        return;
    }
    struct flow *flow = flow_update(pipeline->flows, packet, &side);
    if (flow) {
        pipeline->current = flow;
        network_count(pipeline, flow, side, packet->at_us);
        flow_look(pipeline, flow, side, packet);
        pipeline->current = NULL;
    }
}

void
pipeline_packet(struct pipeline *pipeline, int64_t at_us, const uint8_t *frame, size_t size)
{
    struct decoded packet;
    bool is_broken;
    packet.at_us = at_us;
    pipeline->stats.packets++;
    pipeline->stats.bytes += size;
    pipeline->context.now_us = at_us;
    bool is_decoded = decode_frame(frame, size, &packet, &is_broken);
    pipeline->stats.undecoded += is_broken;
    if (is_decoded) {
        mirror_judge(pipeline, &packet);
        mirror_count(pipeline, &packet, size);
        decoded_look(pipeline, &packet);
    }
    flow_expire(pipeline->flows, at_us, EXPIRE_PER_PACKET);
    if (at_us - pipeline->ticked_us >= TICK_US) {
        pipeline_tick(pipeline, at_us);
    }
}

void
pipeline_tick(struct pipeline *pipeline, int64_t now_us)
{
    pipeline->ticked_us = now_us;
    pipeline->context.now_us = now_us;
    flow_expire(pipeline->flows, now_us, EXPIRE_PER_TICK);
    for (size_t i = 0; i < detector_count; i++) {
        if (detectors[i]->on_tick) {
            detectors[i]->on_tick(pipeline->states[i], &pipeline->context);
        }
    }
}

void
pipeline_stats(struct pipeline *pipeline, struct wire_sensor_stats *stats)
{
    struct flow_counters counters = flow_counters(pipeline->flows);
    *stats = pipeline->stats;
    stats->flows = counters.made;
    stats->flows_refused = counters.given_up;
    stats->stream_bytes_skipped = counters.bytes_skipped;
    stats->mirrors = pipeline->mirrors;
    stats->networks = pipeline->networks;
}
