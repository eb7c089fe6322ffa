#include "policy/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define ASSUMED_MAX 8 /* endpoints that one detection can ask for, and more */

struct assumed_endpoint {
    struct endpoint endpoint;
    struct binding binding;
};

/* The assumed world: an endpoint per inside address, made up from the address. */
struct assumed {
    struct policy *policy;
    const struct detection *detection; /* whose MACs are its ends' own */
    struct assumed_endpoint made[ASSUMED_MAX];
    size_t next;
};

static const struct endpoint *
assumed_find(const struct assumed *assumed, const char *id)
{
    for (size_t i = 0; i < ASSUMED_MAX; i++) {
        if (strcmp(assumed->made[i].endpoint.id, id) == 0) {
            return &assumed->made[i].endpoint;
        }
    }
    return NULL;
}

static void
assumed_make(struct assumed *assumed, const struct ip *ip, const struct mac *mac, char id[ID_SIZE])
{
    snprintf(id, ID_SIZE, "assumed-%016llx", (unsigned long long)hash_stable(ip, sizeof(*ip)));
    if (assumed_find(assumed, id)) {
        return;
    }
    struct assumed_endpoint *made = &assumed->made[assumed->next++ % ASSUMED_MAX];
    memset(made, 0, sizeof(*made));
    snprintf(made->endpoint.id, sizeof(made->endpoint.id), "%s", id);
    made->binding = (struct binding){.mac = *mac, .ip = *ip, .from_us = 1};
    made->endpoint.bindings = &made->binding;
    made->endpoint.binding_count = 1;
    made->endpoint.macs[0] = *mac;
    made->endpoint.mac_count = mac_is_none(mac) ? 0 : 1;
    made->endpoint.location.class = LOCATION_DIRECT;
    made->endpoint.location.confidence = 100;
    made->endpoint.location.switch_name = "";
    made->endpoint.location.port = made->endpoint.id;
}

static const struct peer *
assumed_peer(const struct assumed *assumed, const struct ip *ip)
{
    const struct detection *d = assumed->detection;
    return ip_is_equal(ip, &d->src.ip) ? &d->src : ip_is_equal(ip, &d->dst.ip) ? &d->dst : NULL;
}

static int
assumed_resolve(void *context, const char *site, const struct ip *ip, int64_t at_us,
                struct policy_held *held)
{
    struct assumed *assumed = context;
    const struct peer *peer = assumed_peer(assumed, ip);
    (void)at_us;
    held->mac = peer ? peer->mac : (struct mac){{0}};
    snprintf(held->site, sizeof(held->site), "%s", site[0] ? site : SITE_DEFAULT);
    if (!policy_is_home(assumed->policy, ip)) {
        return KNOWN_NONE;
    }
    assumed_make(assumed, ip, &held->mac, held->endpoint_id);
    return KNOWN_SURE;
}

static bool
assumed_by_mac(void *context, const struct mac *mac, char endpoint_id[ID_SIZE])
{
    struct assumed *assumed = context;
    const struct detection *d = assumed->detection;
    const struct peer *peer = mac_is_equal(mac, &d->src.mac)   ? &d->src
                              : mac_is_equal(mac, &d->dst.mac) ? &d->dst
                                                               : NULL;
    if (!peer || !policy_is_home(assumed->policy, &peer->ip)) {
        return false;
    }
    assumed_make(assumed, &peer->ip, mac, endpoint_id);
    return true;
}

static bool
assumed_endpoint(void *context, const char *endpoint_id, const struct endpoint **endpoint)
{
    *endpoint = assumed_find(context, endpoint_id);
    return *endpoint != NULL;
}

static bool
assumed_agrees(void *context, const char *site, const struct mirror_origin *origin,
               const struct mac *mac)
{
    (void)context;
    (void)site;
    (void)origin;
    (void)mac;
    return true;
}

static bool
assumed_unprotected(void *context, const char *site, const char *endpoint_id, const struct ip *ip,
                    char why[TEXT_SIZE])
{
    (void)context;
    (void)site;
    (void)endpoint_id;
    (void)ip;
    (void)why;
    return false;
}

static size_t
assumed_talkers(void *context, const struct ip *server)
{
    (void)context;
    (void)server;
    return 0;
}

static void
tell_decision(const struct decision *d, size_t index, policy_test_line *line, void *context)
{
    char text[TEXT_SIZE * 2];
    char ip[IP_TEXT_SIZE] = "";
    char server[PREFIX_TEXT_SIZE] = "";
    if (!ip_is_none(&d->ip)) {
        ip_format(&d->ip, ip);
    }
    if (!prefix_is_none(&d->server)) {
        prefix_format(&d->server, server);
    }
    const char *verdict = d->mode == MODE_OBSERVE ? "would " : d->hold != HOLD_NONE ? "holds " : "";
    snprintf(text, sizeof(text), "  %s%s%s%s%s%s%s%s%s%s  [policy %s, mode %s%s%s%s%.300s]",
             verdict, action_names[d->action], ip[0] ? " " : "", ip, server[0] ? " server " : "",
             server, d->server_name[0] && d->action != ACTION_ISOLATE ? " " : "",
             d->action != ACTION_ISOLATE ? d->server_name : "",
             d->permit_set[0] ? " permitting " : "", d->permit_set, d->policy, mode_names[d->mode],
             d->hold != HOLD_NONE ? ", held " : "", d->hold != HOLD_NONE ? hold_names[d->hold] : "",
             d->hold != HOLD_NONE ? ": " : "", d->hold_detail);
    line(context, index, text);
}

static void
tell_outcome(const struct detection *d, const struct outcome *outcome, size_t index,
             policy_test_line *line, void *context)
{
    char text[TEXT_SIZE * 3];
    snprintf(text, sizeof(text), "%.200s: party %s, evidence %s", d->signature,
             outcome->party == PARTY_UNSAID ? "none of ours" : party_names[outcome->party],
             strength_names[outcome->strength]);
    line(context, index, text);
    for (size_t i = 0; i < outcome->decision_count; i++) {
        tell_decision(&outcome->decisions[i], index, line, context);
    }
    snprintf(text, sizeof(text), "  why: %s", outcome->why);
    line(context, index, text);
}

struct policy_trial {
    struct clock_fake clock;
    bool has_begun; /* the clock is set */
    struct assumed assumed;
    bool is_assuming;
    struct engine *engine;
    int64_t ticked_us; /* of its clock */
};

struct policy_trial *
policy_trial_new(struct policy *policy, const struct policy_world *world)
{
    struct policy_trial *trial = MEM_NEW(struct policy_trial);
    trial->assumed.policy = policy; /* the engine's reference keeps it */
    trial->is_assuming = !world;
    struct policy_world made = {
        .resolve = assumed_resolve,
        .by_mac = assumed_by_mac,
        .endpoint = assumed_endpoint,
        .origin_agrees = assumed_agrees,
        .is_protected = assumed_unprotected,
        .talkers = assumed_talkers,
        .context = &trial->assumed,
    };
    clock_fake_init(&trial->clock, 0);
    trial->engine = engine_new(policy, world ? world : &made, &trial->clock.clock);
    return trial;
}

void
policy_trial_free(struct policy_trial *trial)
{
    if (trial) {
        engine_free(trial->engine);
        free(trial);
    }
}

void
policy_trial_run(struct policy_trial *trial, const struct detection *detections, size_t count,
                 policy_test_line *line, void *context)
{
    struct outcome *outcome = MEM_NEW(struct outcome);
    if (!trial->has_begun && count > 0) {
        trial->has_begun = true;
        clock_fake_init(&trial->clock, detections[0].seen_us);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t ahead_us = detections[i].seen_us - trial->clock.wall_now_us;
        clock_fake_advance(&trial->clock, ahead_us > 0 ? ahead_us : 0);
        engine_tick(trial->engine);
        trial->assumed.detection = &detections[i];
        engine_detection(trial->engine, &detections[i], outcome);
        tell_outcome(&detections[i], outcome, i, line, context);
    }
    trial->assumed.detection = NULL;
    if (trial->is_assuming) {
        line(context, count,
             "Assumed: every inside address is one endpoint, attached where its "
             "frames come from; nobody is protected but by the file.");
    }
    free(outcome);
}

void
policy_trial_assume(struct policy_trial *trial, enum assumption assumption)
{
    engine_assume(trial->engine, assumption);
}

/* What is decided is done: in force from now on, for as long as it says. */
static void
step_enforce(struct policy_trial *trial, const struct decision *d)
{
    if (d->mode != MODE_AUTO || d->hold != HOLD_NONE || d->action == ACTION_NOTIFY ||
        d->action == ACTION_MIRROR) {
        return;
    }
    struct containment c = {.action = d->action,
                            .server = d->server,
                            .server_name = (char *)d->server_name /* only read */};
    snprintf(c.requested_by, sizeof(c.requested_by), "policy:%.50s", d->policy);
    memcpy(c.endpoint_id, d->endpoint_id, sizeof(c.endpoint_id));
    memcpy(c.permit_set, d->permit_set, sizeof(c.permit_set));
    c.expires_us = trial->clock.wall_now_us + (int64_t)d->expires_s * 1000000;
    engine_note_begun(trial->engine, &c);
}

void
policy_trial_step(struct policy_trial *trial, const struct detection *detection,
                  struct outcome *outcome)
{
    if (!trial->has_begun) {
        trial->has_begun = true;
        clock_fake_init(&trial->clock, detection->seen_us);
    }
    int64_t ahead_us = detection->seen_us - trial->clock.wall_now_us;
    clock_fake_advance(&trial->clock, ahead_us > 0 ? ahead_us : 0);
    if (trial->clock.wall_now_us - trial->ticked_us >= 1000000) {
        trial->ticked_us = trial->clock.wall_now_us;
        engine_tick(trial->engine);
    }
    trial->assumed.detection = detection;
    engine_detection(trial->engine, detection, outcome);
    trial->assumed.detection = NULL;
    for (size_t i = 0; i < outcome->decision_count; i++) {
        step_enforce(trial, &outcome->decisions[i]);
    }
}

void
policy_test(struct policy *policy, const struct policy_world *world,
            const struct detection *detections, size_t count, policy_test_line *line, void *context)
{
    struct policy_trial *trial = policy_trial_new(policy, world);
    policy_trial_run(trial, detections, count, line, context);
    policy_trial_free(trial);
}
