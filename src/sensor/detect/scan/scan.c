/* Scans by sequential hypothesis testing: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan
 * Detection Using Sequential Hypothesis Testing", IEEE S&P 2004 (TRW).
 *
 * For each source, first contacts only: an answered attempt is likelier from a benign host
 * (theta0 = 0.8) than from a scanner (theta1 = 0.2).  Each failure multiplies the likelihood ratio
 * by (1-theta1)/(1-theta0) = 4, each success by theta1/theta0 = 0.25; at P_D/P_F = 0.99/0.01 = 99
 * the source is a scanner: four failures in a row.  So few are normal for a busy host, so
 * 'scan_targets' (default 5) distinct unanswered targets are asked for as well.  The ratio does not
 * sink below 0.0001: a long good past delays a finding by seven failures at most.  Silence is known
 * a second later than an answer, so the failures of a burst come all at its end: while successes
 * are fresh, failures must also be more than they, else a client of hundreds of servers, some of
 * which are down, would be a scanner.
 *
 *   host sweep: one source, one port, many hosts (TCP; ARP for silent neighbours)
 *   port scan:  one source, one host, many ports
 *
 * An attempt without an answer counts as failed after WAIT_US, but only while answers to somebody
 * are seen at all: a mirror that carries one direction only must not make scanners of everybody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"
#include "base/pool.h"
#include "sensor/detector.h"

#define WAIT_US 1000000LL
#define FORGET_US (30 * 60 * 1000000LL) /* the authors' own expiry */
#define ANSWERS_SEEN_US (600 * 1000000LL)
#define REPORT_AGAIN_US (60 * 1000000LL) /* one that was released and goes on is told soon */
#define FRESH_US (60 * 1000000LL)        /* for how long successes speak for the source */
#define FAILURE 4.0
#define SUCCESS 0.25
#define THRESHOLD 99.0
#define LEAST 0.0001
#define TARGETS_DEFAULT 5
#define OFTEN_FACTOR 3 /* port scans and ARP sweeps ask for that many times more */
#define SUBJECTS 32768
#define PENDING 65536
#define CONTACTS (1u << 18)
#define PLACES (PENDING * 2) /* where pending attempts are found again */
#define PROBES 4

#define SID_SWEEP 9200001
#define SID_PORTS 9200002
#define SID_ARP 9200003

enum subject_kind { SUBJECT_SWEEP, SUBJECT_PORTS, SUBJECT_ARP };

struct subject {
    struct hmap_node node;
    struct subject_key {
        struct ip source;
        struct ip target; /* port scan */
        uint16_t port;    /* sweep */
        uint8_t kind;
        uint8_t protocol;
    } key;
    double ratio;
    uint32_t failures;  /* distinct targets that did not answer */
    uint32_t successes; /* of late */
    int64_t success_us;
    int64_t first_us, last_us, reported_us;
    struct subject *older, *newer;
};

struct attempt {
    int64_t at_us;
    struct ip source, target;
    struct mac mac;
    struct mirror_origin origin;
    uint16_t port, source_port, vlan;
    uint8_t protocol; /* 0: ARP */
    bool is_answered;
};

struct scan {
    struct hmap subjects;
    struct pool *pool;
    struct subject *oldest, *newest;
    struct attempt *pending; /* ring */
    uint64_t first, next;
    uint64_t *index;    /* by hash: numbers + 1 of pending attempts; old ones are overwritten */
    uint64_t *contacts; /* digests of contacts that were not the first */
    int64_t answer_us, arp_answer_us;
    uint32_t targets;
};

static void *
scan_open(const struct sensor_settings *settings)
{
    struct scan *scan = MEM_NEW(struct scan);
    hmap_init(&scan->subjects);
    scan->pool = pool_new(sizeof(struct subject), SUBJECTS);
    scan->pending = mem_new(PENDING, sizeof(scan->pending[0]));
    scan->index = mem_new(PLACES, sizeof(scan->index[0]));
    scan->contacts = mem_new(CONTACTS, sizeof(scan->contacts[0]));
    scan->targets = settings->scan_targets ? settings->scan_targets : TARGETS_DEFAULT;
    return scan;
}

static void
scan_close(void *state)
{
    struct scan *scan = state;
    hmap_fini(&scan->subjects);
    pool_free(scan->pool);
    free(scan->pending);
    free(scan->index);
    free(scan->contacts);
    free(scan);
}

/* Is this the first time that the two meet there?  Remembers it. */
static bool
is_first(struct scan *scan, const struct ip *source, const struct ip *target, uint16_t port,
         uint8_t protocol)
{
    struct {
        struct ip source, target;
        uint32_t port;
        uint32_t protocol;
    } key = {.source = *source, .target = *target, .port = port, .protocol = protocol};
    uint64_t digest = hash_bytes(&key, sizeof(key));
    uint64_t *place = &scan->contacts[digest % CONTACTS];
    bool is_new = *place != digest;
    *place = digest;
    return is_new;
}

static void
list_remove(struct scan *scan, struct subject *subject)
{
    *(subject->older ? &subject->older->newer : &scan->oldest) = subject->newer;
    *(subject->newer ? &subject->newer->older : &scan->newest) = subject->older;
}

static void
list_add(struct scan *scan, struct subject *subject)
{
    subject->older = scan->newest;
    subject->newer = NULL;
    *(scan->newest ? &scan->newest->newer : &scan->oldest) = subject;
    scan->newest = subject;
}

static void
forget(struct scan *scan, struct subject *subject)
{
    list_remove(scan, subject);
    hmap_remove(&scan->subjects, &subject->node);
    pool_give(scan->pool, subject);
}

static struct subject *
subject_get(struct scan *scan, const struct subject_key *key, int64_t now_us)
{
    uint64_t hash = hash_bytes(key, sizeof(*key));
    HMAP_FOR_EACH_HASH (subject, struct subject, node, hash, &scan->subjects) {
        if (memcmp(&subject->key, key, sizeof(*key)) == 0) {
            list_remove(scan, subject);
            list_add(scan, subject);
            if (now_us - subject->last_us > FORGET_US) {
                subject->ratio = 1;
                subject->failures = 0;
            }
            subject->last_us = now_us;
            return subject;
        }
    }
    struct subject *made = pool_take(scan->pool);
    if (!made) {
        forget(scan, scan->oldest);
        made = pool_take(scan->pool);
    }
    made->key = *key;
    made->ratio = 1;
    made->first_us = made->last_us = now_us;
    hmap_insert(&scan->subjects, &made->node, hash);
    list_add(scan, made);
    return made;
}

/* Services by which malware spreads: a sweep of them is lateral movement. */
static const char *
spreading_technique(uint16_t port)
{
    switch (port) {
    case 445:
    case 139:
        return "T1021.002";
    case 3389:
        return "T1021.001";
    case 22:
        return "T1021.004";
    case 135:
        return "T1021.003";
    case 5985:
    case 5986:
        return "T1021.006";
    default:
        return NULL;
    }
}

static void
signature_put(struct detection *detection, const struct subject *subject)
{
    const char *spreading = spreading_technique(subject->key.port);
    bool is_sweep = subject->key.kind == SUBJECT_SWEEP;
    if (subject->key.kind == SUBJECT_PORTS) {
        detection->signature_id = SID_PORTS;
        snprintf(detection->signature, TEXT_SIZE, "CORDON port scan");
    } else if (is_sweep) {
        detection->signature_id = SID_SWEEP;
        snprintf(detection->signature, TEXT_SIZE, "CORDON host sweep of port %u",
                 subject->key.port);
    } else {
        detection->signature_id = SID_ARP;
        snprintf(detection->signature, TEXT_SIZE, "CORDON ARP sweep");
    }
    detection->phase = is_sweep && spreading ? PHASE_LATERAL_MOVEMENT : PHASE_DISCOVERY;
    detection->severity = is_sweep && spreading ? SEVERITY_HIGH : SEVERITY_MEDIUM;
    snprintf(detection->techniques[0], TECHNIQUE_SIZE, "%s",
             subject->key.kind == SUBJECT_PORTS ? "T1046" : "T1018");
    if (is_sweep) {
        snprintf(detection->techniques[0], TECHNIQUE_SIZE, "T1046");
        snprintf(detection->techniques[1], TECHNIQUE_SIZE, "%s", spreading ? spreading : "");
    }
}

static void
report(struct detector_context *context, struct subject *subject, const struct attempt *attempt)
{
    struct finding finding = {.source = attempt->source};
    struct detection *detection = &finding.detection;
    detection->seen_us = context->now_us;
    detection->first_us = subject->first_us;
    detection->src =
        (struct peer){.ip = attempt->source, .mac = attempt->mac, .port = attempt->source_port};
    detection->dst = (struct peer){.ip = attempt->target, .port = attempt->port};
    detection->protocol = attempt->protocol;
    detection->vlan = attempt->vlan;
    detection->origin = attempt->origin;
    detection->suspect = PARTY_SRC;
    detection->confidence = 85;
    detection->count = subject->failures;
    snprintf(detection->category, sizeof(detection->category), "Detection of a Network Scan");
    signature_put(detection, subject);
    subject->reported_us = context->now_us;
    context->report(context->pipeline, &finding);
}

static void
judge(struct scan *scan, struct detector_context *context, const struct subject_key *key,
      const struct attempt *attempt, bool is_success)
{
    int64_t now_us = context->now_us;
    struct subject *subject = subject_get(scan, key, now_us);
    if (now_us - subject->success_us > FRESH_US) {
        if (subject->failures < subject->successes) { /* benign, all in all: starts over */
            subject->failures = 0;
            subject->ratio = 1;
        }
        subject->successes = 0;
    }
    if (is_success) {
        subject->successes++;
        subject->success_us = now_us;
    } else {
        subject->failures++;
    }
    subject->ratio *= is_success ? SUCCESS : FAILURE;
    subject->ratio = subject->ratio < LEAST ? LEAST : subject->ratio;
    uint32_t needed = scan->targets * (key->kind == SUBJECT_SWEEP ? 1 : OFTEN_FACTOR);
    bool was_told = subject->reported_us != 0 && now_us - subject->reported_us < REPORT_AGAIN_US;
    if (!is_success && subject->ratio >= THRESHOLD && subject->failures >= needed &&
        subject->failures > subject->successes && !was_told) {
        report(context, subject, attempt);
    }
}

/* The outcome of one first contact, for the questions that it belongs to. */
static void
outcome(struct scan *scan, struct detector_context *context, const struct attempt *attempt,
        bool is_success)
{
    struct subject_key key;
    memset(&key, 0, sizeof(key)); /* also the padding: keys are compared and hashed as bytes */
    key.source = attempt->source;
    key.protocol = attempt->protocol;
    key.kind = attempt->protocol == 0 ? SUBJECT_ARP : SUBJECT_SWEEP;
    key.port = attempt->port;
    if (is_first(scan, &attempt->source, &attempt->target, attempt->port, key.kind)) {
        judge(scan, context, &key, attempt, is_success);
    }
    if (attempt->protocol == 0) {
        return;
    }
    key.kind = SUBJECT_PORTS;
    key.target = attempt->target;
    key.port = 0;
    if (is_first(scan, &attempt->source, &attempt->target, attempt->port, SUBJECT_PORTS)) {
        judge(scan, context, &key, attempt, is_success);
    }
}

static uint64_t
attempt_hash(const struct ip *source, const struct ip *target, uint16_t port, uint8_t protocol)
{
    struct {
        struct ip source, target;
        uint32_t port, protocol;
    } key = {.source = *source, .target = *target, .port = port, .protocol = protocol};
    return hash_bytes(&key, sizeof(key));
}

static void
attempt_keep(struct scan *scan, const struct attempt *attempt)
{
    if (scan->next - scan->first == PENDING) {
        scan->first++; /* the oldest is neither success nor failure */
    }
    uint64_t hash =
        attempt_hash(&attempt->source, &attempt->target, attempt->port, attempt->protocol);
    uint64_t *oldest = &scan->index[hash % PLACES];
    for (uint64_t i = 1; i < PROBES; i++) {
        uint64_t *place = &scan->index[(hash + i) % PLACES];
        oldest = *place < *oldest ? place : oldest;
    }
    scan->pending[scan->next++ % PENDING] = *attempt;
    *oldest = scan->next; /* its number + 1 */
}

/* The newest pending attempt between the two; NULL: none. */
static struct attempt *
attempt_find(struct scan *scan, const struct ip *source, const struct ip *target, uint16_t port,
             uint8_t protocol)
{
    uint64_t hash = attempt_hash(source, target, port, protocol), newest = 0;
    for (uint64_t i = 0; i < PROBES; i++) {
        uint64_t number = scan->index[(hash + i) % PLACES];
        const struct attempt *attempt = &scan->pending[(number - 1) % PENDING];
        if (number > scan->first && number > newest && !attempt->is_answered &&
            attempt->port == port && attempt->protocol == protocol &&
            ip_is_equal(&attempt->source, source) && ip_is_equal(&attempt->target, target)) {
            newest = number;
        }
    }
    return newest ? &scan->pending[(newest - 1) % PENDING] : NULL;
}

/* Scanners of other people's networks are not ours to find; the Internet scans us all day. */
static bool
is_ours(const struct detector_context *context, const struct ip *source)
{
    return settings_is_home(context->settings, source);
}

static void
on_attempt(void *state, struct detector_context *context, const struct flow *flow)
{
    struct scan *scan = state;
    if (!is_ours(context, &flow->ip[SIDE_CLIENT]) || ip_is_group(&flow->ip[SIDE_SERVER])) {
        return;
    }
    const struct attempt attempt = {.at_us = context->now_us,
                                    .source = flow->ip[SIDE_CLIENT],
                                    .target = flow->ip[SIDE_SERVER],
                                    .mac = flow->mac[SIDE_CLIENT],
                                    .origin = flow->origin[SIDE_CLIENT],
                                    .port = flow->port[SIDE_SERVER],
                                    .source_port = flow->port[SIDE_CLIENT],
                                    .vlan = flow->vlan,
                                    .protocol = flow->protocol};
    attempt_keep(scan, &attempt);
}

static void
settle(struct scan *scan, struct detector_context *context, const struct flow *flow,
       bool is_success)
{
    struct attempt *attempt = attempt_find(scan, &flow->ip[SIDE_CLIENT], &flow->ip[SIDE_SERVER],
                                           flow->port[SIDE_SERVER], flow->protocol);
    scan->answer_us = context->now_us;
    if (attempt) {
        attempt->is_answered = true;
        outcome(scan, context, attempt, is_success);
    }
}

static void
on_contact(void *state, struct detector_context *context, struct flow *flow)
{
    if (flow->protocol == PROTOCOL_TCP && flow->saw_syn) {
        settle(state, context, flow, true);
    }
}

static void
on_refused(void *state, struct detector_context *context, const struct flow *flow)
{
    settle(state, context, flow, false);
}

static void
on_arp(void *state, struct detector_context *context, const struct decoded *packet)
{
    struct scan *scan = state;
    static const struct ip nobody = {{[10] = 0xff, [11] = 0xff}};
    if (packet->arp_op == 2) {
        struct attempt *attempt = attempt_find(scan, &packet->dst, &packet->src, 0, 0);
        scan->arp_answer_us = context->now_us;
        if (attempt) {
            attempt->is_answered = true;
            outcome(scan, context, attempt, true);
        }
        return;
    }
    if (packet->arp_op != 1 || ip_is_equal(&packet->src, &nobody) ||
        ip_is_equal(&packet->src, &packet->dst) || !is_ours(context, &packet->src)) {
        return;
    }
    const struct attempt attempt = {.at_us = context->now_us,
                                    .source = packet->src,
                                    .target = packet->dst,
                                    .mac = packet->src_mac,
                                    .origin = packet->origin,
                                    .vlan = packet->vlan};
    attempt_keep(scan, &attempt);
}

static void
on_tick(void *state, struct detector_context *context)
{
    struct scan *scan = state;
    while (scan->first < scan->next) {
        struct attempt *attempt = &scan->pending[scan->first % PENDING];
        if (context->now_us - attempt->at_us < WAIT_US) {
            break;
        }
        int64_t answer_us = attempt->protocol ? scan->answer_us : scan->arp_answer_us;
        bool is_visible = answer_us != 0 && context->now_us - answer_us < ANSWERS_SEEN_US;
        if (!attempt->is_answered && is_visible) {
            outcome(scan, context, attempt, false);
        }
        scan->first++;
    }
    while (scan->oldest && context->now_us - scan->oldest->last_us > FORGET_US) {
        forget(scan, scan->oldest);
    }
}

const struct detector detector_scan = {
    .name = "scan",
    .open = scan_open,
    .close = scan_close,
    .on_contact = on_contact,
    .on_attempt = on_attempt,
    .on_refused = on_refused,
    .on_arp = on_arp,
    .on_tick = on_tick,
};
