/* Contact with listed servers.
 *
 * Strong: our host opened a connection, both sides of the handshake were seen, and the server's
 * address, name, URL or the client's fingerprint is listed.  Weaker: a mere question for a listed
 * name.  A listed address that calls us accuses nobody here: the Internet scans everybody.  The
 * addresses that a listed name led to are remembered, so that a contact without any name counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sensor/detector.h"
#include "sensor/protocol/dns/message.h"
#include "sensor/protocol/http/request.h"
#include "sensor/protocol/tls/hello.h"

#define ANSWERS (1u << 14) /* addresses remembered: one place per hash, the newest wins */
#define ANSWER_LEAST_US (3600 * 1000000LL)
#define FOUND_CONTACT 1u
#define FOUND_APPLICATION 2u

#define SID_IP 9100001
#define SID_NAME 9100002
#define SID_URL 9100003
#define SID_FINGERPRINT 9100004
#define SID_DNS 9100005

struct answer {
    struct ip ip;
    int64_t until_us;
    struct list_match match;
};

struct reputation {
    struct answer *answers;
};

static void *
reputation_open(const struct sensor_settings *settings)
{
    (void)settings;
    struct reputation *reputation = MEM_NEW(struct reputation);
    reputation->answers = mem_new(ANSWERS, sizeof(reputation->answers[0]));
    return reputation;
}

static void
reputation_close(void *state)
{
    struct reputation *reputation = state;
    free(reputation->answers);
    free(reputation);
}

static struct answer *
answer_at(struct reputation *reputation, const struct ip *ip)
{
    return &reputation->answers[hash_bytes(ip, sizeof(*ip)) % ANSWERS];
}

static void
technique_add(struct detection *detection, const char *technique)
{
    for (size_t i = 0; i < DETECTION_TECHNIQUES_MAX; i++) {
        if (!detection->techniques[i][0]) {
            snprintf(detection->techniques[i], TECHNIQUE_SIZE, "%s", technique);
            return;
        }
    }
}

static void
report(struct detector_context *context, struct flow *flow, struct finding *finding,
       const struct list_match *match, uint64_t signature_id, const char *signature)
{
    struct detection *detection = &finding->detection;
    detection->signature_id = signature_id;
    snprintf(detection->signature, sizeof(detection->signature), "%s", signature);
    snprintf(detection->category, sizeof(detection->category), "%s",
             "Malware Command and Control Activity Detected");
    snprintf(detection->list, sizeof(detection->list), "%s", match->list);
    snprintf(detection->indicator, sizeof(detection->indicator), "%s", match->indicator);
    detection->confidence = match->confidence;
    detection->phase = PHASE_C2;
    detection->suspect = PARTY_SRC;
    finding->flow = flow->number;
    context->report(context->pipeline, finding);
}

/* Who opened is one of ours: only then can it be the infected one. */
static bool
is_outgoing(const struct detector_context *context, const struct flow *flow)
{
    return settings_is_home(context->settings, &flow->ip[SIDE_CLIENT]);
}

static void
on_contact(void *state, struct detector_context *context, struct flow *flow)
{
    struct list_match match;
    struct finding finding;
    const struct ip *server = &flow->ip[SIDE_SERVER];
    const struct answer *answer = answer_at(state, server);
    if (!is_outgoing(context, flow) || flow->findings & FOUND_CONTACT) {
        return;
    }
    bool is_listed = lists_find_ip(context->lists, server, &match);
    bool was_named =
        !is_listed && answer->until_us > context->now_us && ip_is_equal(&answer->ip, server);
    if (!is_listed && !was_named) {
        return;
    }
    flow->findings |= FOUND_CONTACT;
    finding_start(&finding, flow, context->now_us);
    finding.detection.severity = SEVERITY_HIGH;
    technique_add(&finding.detection, flow->protocol == PROTOCOL_TCP ? "T1071.001" : "T1095");
    if (was_named) {
        match = answer->match;
        snprintf(finding.detection.server_name, sizeof(finding.detection.server_name), "%.255s",
                 match.indicator);
    }
    report(context, flow, &finding, &match, was_named ? SID_NAME : SID_IP,
           was_named ? "CORDON C&C contact: address of a listed name"
                     : "CORDON C&C contact: listed address");
}

static void
answers_keep(struct reputation *reputation, const struct detector_context *context,
             const struct dns_message *message, const struct list_match *match)
{
    for (size_t i = 0; i < message->address_count; i++) {
        /* A crafted answer may lead a listed name to our own servers: such addresses stay innocent.
         */
        if (settings_is_home(context->settings, &message->addresses[i])) {
            continue;
        }
        int64_t life = message->ttl_s[i] * 1000000LL;
        struct answer *answer = answer_at(reputation, &message->addresses[i]);
        answer->ip = message->addresses[i];
        answer->match = *match;
        answer->until_us = context->now_us + (life > ANSWER_LEAST_US ? life : ANSWER_LEAST_US);
    }
}

static void
on_dns(void *state, struct detector_context *context, struct flow *flow, const void *what)
{
    const struct dns_message *message = what;
    struct list_match match;
    struct finding finding;
    if (!lists_find_domain(context->lists, message->name, &match)) {
        return;
    }
    if (message->is_answer) {
        answers_keep(state, context, message, &match);
        return;
    }
    if (!is_outgoing(context, flow)) { /* each query counts: a socket may live for long */
        return;
    }
    finding_start(&finding, flow, context->now_us);
    finding.detection.severity = SEVERITY_MEDIUM;
    technique_add(&finding.detection, "T1071.004");
    snprintf(finding.detection.server_name, sizeof(finding.detection.server_name), "%s",
             message->name);
    report(context, flow, &finding, &match, SID_DNS, "CORDON DNS query for a listed name");
}

static void
on_http(void *state, struct detector_context *context, struct flow *flow, const void *what)
{
    const struct http_request *request = what;
    (void)state;
    struct list_match match;
    struct finding finding;
    if (!is_outgoing(context, flow) || flow->findings & FOUND_APPLICATION) {
        return;
    }
    bool is_url = lists_find_url(context->lists, request->host, request->path, &match);
    if (!is_url && !lists_find_domain(context->lists, request->host, &match)) {
        return;
    }
    flow->findings |= FOUND_APPLICATION;
    finding_start(&finding, flow, context->now_us);
    finding.detection.severity = SEVERITY_HIGH;
    technique_add(&finding.detection, "T1071.001");
    bool is_whole = request->path[0] != '/';
    snprintf(finding.detection.server_name, sizeof(finding.detection.server_name), "%s",
             request->host);
    snprintf(finding.detection.url, sizeof(finding.detection.url), "%s%.255s%.700s",
             is_whole ? "" : "http://", is_whole ? "" : request->host, request->path);
    report(context, flow, &finding, &match, is_url ? SID_URL : SID_NAME,
           is_url ? "CORDON C&C contact: listed URL" : "CORDON C&C contact: listed name over HTTP");
}

static void
on_tls(void *state, struct detector_context *context, struct flow *flow, const void *what)
{
    const struct tls_hello *hello = what;
    (void)state;
    struct list_match match;
    struct finding finding;
    if (!is_outgoing(context, flow) || flow->findings & FOUND_APPLICATION) {
        return;
    }
    bool is_name = hello->sni[0] && lists_find_domain(context->lists, hello->sni, &match);
    if (!is_name && !lists_find_fingerprint(context->lists, hello->ja3, hello->ja4, &match)) {
        return;
    }
    flow->findings |= FOUND_APPLICATION;
    finding_start(&finding, flow, context->now_us);
    /* A fingerprint is shared by every program of the same library: evidence, never proof. */
    finding.detection.severity = is_name ? SEVERITY_HIGH : SEVERITY_LOW;
    technique_add(&finding.detection, "T1071.001");
    technique_add(&finding.detection, "T1573");
    snprintf(finding.detection.server_name, sizeof(finding.detection.server_name), "%s",
             hello->sni);
    snprintf(finding.detection.ja3, sizeof(finding.detection.ja3), "%s", hello->ja3);
    snprintf(finding.detection.ja4, sizeof(finding.detection.ja4), "%s", hello->ja4);
    if (!is_name && match.confidence > 50) {
        match.confidence = 50;
    }
    report(context, flow, &finding, &match, is_name ? SID_NAME : SID_FINGERPRINT,
           is_name ? "CORDON C&C contact: listed name over TLS"
                   : "CORDON listed TLS client fingerprint");
}

const struct detector detector_reputation = {
    .name = "reputation",
    .open = reputation_open,
    .close = reputation_close,
    .on_contact = on_contact,
    .subscriptions = {{&protocol_dns, on_dns}, {&protocol_http, on_http}, {&protocol_tls, on_tls}},
};
