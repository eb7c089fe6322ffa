/* What asks read of the controller that is made of lists, and wish of it. */
#include "fake_controller.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "controller/ask/payload.h"
#include "controller/audit/checkpoints.h"
#include "wire/notify.h"

/* Wishes: done at once. */
void
controller_wish(struct controller *c, const struct wish *wish, wish_done_fn *done, void *context)
{
    enum wish_result result = c->next_result;
    c->next_result = WISH_DONE;
    if (result != WISH_DONE) {
        done(context, result, "the fake was told so", NULL);
        return;
    }
    for (size_t i = 0; wish->external_id[0] && i < c->containment_count; i++) {
        if (strcmp(text_or_empty(c->containments[i].external_id), wish->external_id) == 0) {
            done(context, WISH_EXISTS, "", &c->containments[i]);
            return;
        }
    }
    const struct endpoint *endpoint = topology_by_mac(c->topology, &wish->mac);
    struct held held;
    if (!endpoint && !ip_is_none(&wish->ip)) {
        (void)topology_resolve(c->topology, wish->site, &wish->ip, clock_wall_us(c->clock), &held);
        endpoint = held.endpoint;
    }
    if (!endpoint && wish->endpoint_id[0]) {
        endpoint = topology_by_id(c->topology, wish->endpoint_id);
    }
    if (!endpoint && wish->action != ACTION_BLOCK_SERVER) {
        done(context, WISH_UNKNOWN, "nobody has that address", NULL);
        return;
    }
    if (endpoint && strcmp(endpoint->host_name, "gw") == 0) {
        done(context, WISH_REFUSED, "gw is protected", NULL);
        return;
    }
    struct containment *made = fake_controller_add(c, wish->action, CONTAINMENT_VERIFIED);
    memcpy(made->endpoint_id, endpoint ? endpoint->id : "", endpoint ? ID_SIZE : 1);
    made->subject_mac = wish->mac;
    made->subject_ip = wish->ip;
    made->server = wish->server;
    made->server_name = mem_strdup(wish->server_name);
    memcpy(made->permit_set, wish->permit_set, sizeof(made->permit_set));
    made->reason = mem_strdup(wish->reason);
    made->external_id = mem_strdup(wish->external_id);
    memcpy(made->requested_by, wish->account, sizeof(made->requested_by));
    made->expires_us = wish->expires_s ? clock_wall_us(c->clock) + wish->expires_s * 1000000LL : 0;
    done(context, WISH_DONE, "", made);
}

static struct containment *
find(struct controller *c, const char *id)
{
    for (size_t i = 0; i < c->containment_count; i++) {
        if (strcmp(c->containments[i].id, id) == 0) {
            return &c->containments[i];
        }
    }
    return NULL;
}

void
controller_prove(struct controller *c, const char *id, const char *account, const char *reason,
                 wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account, (void)reason;
    bool waits = found && found->unproven;
    if (waits) {
        free(found->unproven);
        found->unproven = NULL;
    }
    done(context, waits ? WISH_DONE : WISH_REFUSED, waits ? "" : "it is not unproven", found);
}

int64_t
controller_restored(const struct controller *c, const char **cause)
{
    (void)c;
    *cause = "the file is gone";
    return 1;
}

void
controller_release(struct controller *c, const char *id, const char *account, const char *reason,
                   wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account;
    if (found->ended_us != 0) {
        done(context, WISH_REFUSED, "it has ended already", NULL);
        return;
    }
    found->state = CONTAINMENT_RELEASED;
    found->ended_us = clock_wall_us(c->clock);
    found->end_reason = mem_strdup(reason);
    done(context, WISH_DONE, "", found);
}

void
controller_extend(struct controller *c, const char *id, uint32_t expires_s, const char *account,
                  wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account;
    found->expires_us = clock_wall_us(c->clock) + expires_s * 1000000LL;
    done(context, WISH_DONE, "", found);
}

void
controller_judge(struct controller *c, const char *id, enum verdict verdict, const char *account,
                 const char *reason, wish_done_fn *done, void *context)
{
    static const enum containment_state states[] = {CONTAINMENT_REQUESTED, CONTAINMENT_CHECKED,
                                                    CONTAINMENT_REVERTED};
    struct containment *found = find(c, id);
    (void)account, (void)reason;
    found->state = states[verdict];
    done(context, WISH_DONE, "", found);
}

void
controller_panic(struct controller *c, bool suspend, const char *account, const char *reason,
                 wish_done_fn *done, void *context)
{
    c->suspension =
        (struct suspension_view){.is_suspended = suspend, .since_us = clock_wall_us(c->clock)};
    snprintf(c->suspension.account, NAME_SIZE, "%s", account);
    snprintf(c->suspension.reason, TEXT_SIZE, "%s", reason);
    done(context, WISH_DONE, "", NULL);
}

struct recording {
    wish_done_fn *done;
    void *context;
};

static void
on_recorded(void *context, int error)
{
    struct recording *recording = context;
    recording->done(recording->context, error ? WISH_FAILED : WISH_DONE, "", NULL);
    free(recording);
}

void
controller_record(struct controller *c, const char *account, const char *action, const char *object,
                  const char *detail, wish_done_fn *done, void *context)
{
    struct store_change *change = store_change_new();
    store_put_audit(change, clock_wall_us(controller_clock(c)), account, action, object, detail);
    payload_forget(change, action, object);
    struct recording *recording = malloc(sizeof(*recording));
    *recording = (struct recording){done, context};
    store_submit(c->store, change, on_recorded, recording);
}

/* The chain alone, and what was given: no switch here keeps checkpoints. */
struct checking {
    checkpoint_check_fn *done;
    void *context;
    struct store_walk walk;
};

static void
on_checked(void *context, int error, const struct audit_chain *chain)
{
    struct checking *checking = context;
    const struct checkpoint_check check = {
        .error = error, .chain = error ? NULL : chain, .compared = checking->walk.held_count};
    checking->done(checking->context, &check);
    free(checking->walk.held);
    free(checking);
}

void
checkpoints_check(struct controller *c, const uint8_t *wanted, const struct checkpoint *given,
                  size_t given_count, checkpoint_check_fn *done, void *context)
{
    struct checking *checking = MEM_NEW(struct checking);
    *checking = (struct checking){.done = done, .context = context};
    checking->walk.has_wanted = wanted != NULL;
    if (wanted) {
        memcpy(checking->walk.wanted, wanted, AUDIT_HASH_SIZE);
    }
    checking->walk.held = mem_new(given_count + 1, sizeof(*checking->walk.held));
    for (size_t i = 0; i < given_count; i++) {
        struct audit_held *held = &checking->walk.held[checking->walk.held_count++];
        held->number = given[i].number;
        held->at_us = given[i].at_us;
        memcpy(held->hash, given[i].hash, AUDIT_HASH_SIZE);
        snprintf(held->by, sizeof(held->by), "the file");
    }
    store_check_audit(c->store, &checking->walk, on_checked, checking);
}

void
checkpoints_look(const struct controller *c, struct checkpoints_view *view)
{
    static const uint8_t seed[CHECKPOINT_KEY_SIZE] = {1};
    static struct checkpoint made;
    uint8_t secret[CHECKPOINT_SECRET_SIZE];
    *view = (struct checkpoints_view){.has_key = true, .recent = &made, .recent_count = 1};
    checkpoint_key_make(seed, &view->key, secret);
    made = (struct checkpoint){.number = 1, .at_us = clock_wall_us(controller_clock(c))};
    checkpoint_sign(&made, &view->key, secret);
}

void
controller_protect(struct controller *c, const char *id, bool confirm, const char *account,
                   const char *reason, wish_done_fn *done, void *context)
{
    (void)account, (void)reason;
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(c->protections[i].id, id) == 0) {
            bool is_declared = c->protections[i].state == PROTECTION_DECLARED;
            c->protections[i].state = is_declared ? PROTECTION_DECLARED
                                      : confirm   ? PROTECTION_CONFIRMED
                                                  : PROTECTION_PROPOSED;
            done(context, is_declared ? WISH_REFUSED : WISH_DONE, "declared in the policy file",
                 NULL);
            return;
        }
    }
    done(context, WISH_UNKNOWN, "no such protection", NULL);
}

void
controller_publish(struct controller *c, const char *topic, const void *object)
{
    (void)c, (void)topic, (void)object;
}

void
controller_protect_endpoint(struct controller *c, const char *endpoint_id, const char *account,
                            const char *reason, wish_done_fn *done, void *context)
{
    (void)account, (void)reason;
    memcpy(c->protections[1].endpoint_id, endpoint_id, ID_SIZE);
    c->protections[1].state = PROTECTION_CONFIRMED;
    done(context, WISH_DONE, "", NULL);
}

/* What is read. */
bool
controller_is_suspended(const struct controller *c)
{
    return c->suspension.is_suspended;
}

const struct containment *
controller_containment_at(const struct controller *c, size_t index)
{
    return &c->containments[index];
}

uint64_t
controller_run(const struct controller *controller)
{
    (void)controller;
    return 1;
}

uint64_t
controller_containment_serial(const struct controller *c, size_t index)
{
    (void)c;
    return index + 1;
}

const struct containment *
controller_containment_on(const struct controller *c, const char *endpoint_id)
{
    for (size_t i = 0; i < c->containment_count; i++) {
        const struct containment *each = &c->containments[i];
        if (strcmp(each->endpoint_id, endpoint_id) == 0 && each->action == ACTION_ISOLATE &&
            each->state == CONTAINMENT_VERIFIED) {
            return each;
        }
    }
    return NULL;
}

size_t
controller_containment_count(const struct controller *c)
{
    return c->containment_count;
}

const struct containment *
controller_find(const struct controller *c, const char *id)
{
    return find((struct controller *)c, id);
}

struct topology *
controller_topology(struct controller *c)
{
    return c->topology;
}

struct store *
controller_store(struct controller *c)
{
    return c->store;
}

struct engine *
controller_engine(struct controller *c)
{
    return c->engine;
}

const struct policy_world *
controller_world(struct controller *c)
{
    return &c->world;
}

bool
controller_switch_at(const struct controller *c, size_t index, struct switch_view *view)
{
    *view = c->switches[index];
    view->is_settled = true;
    return true;
}

size_t
controller_switch_count(const struct controller *c)
{
    (void)c;
    return 2;
}

size_t
controller_incident_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct incident *
controller_incident_at(const struct controller *c, size_t index)
{
    (void)index;
    return &c->incident;
}

const struct incident *
controller_incident(const struct controller *c, const char *id)
{
    return strcmp(c->incident.id, id) == 0 ? &c->incident : NULL;
}

size_t
controller_source_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct wire_source *
controller_source_at(const struct controller *c, size_t index)
{
    (void)index;
    return &c->source;
}

size_t
controller_sensor_count(const struct controller *c)
{
    (void)c;
    return 1;
}

bool
controller_sensor_at(const struct controller *c, size_t index, struct sensor_view *view)
{
    if (index > 0) {
        return false;
    }
    *view = (struct sensor_view){
        .stats = &c->sensor, .seen_us = clock_wall_us(c->clock), .skew_us = 7000000};
    snprintf(view->name, NAME_SIZE, "s1");
    return true;
}

size_t
controller_reports(const struct controller *c, const char *id, struct switch_report *reports,
                   size_t room)
{
    (void)c, (void)id;
    if (room == 0) {
        return 0;
    }
    reports[0] = (struct switch_report){.state = RULE_VERIFIED, .hits = 5};
    snprintf(reports[0].switch_name, NAME_SIZE, "e1");
    return 1;
}

bool
controller_is_protected(const struct controller *c, const struct endpoint *endpoint,
                        char why[TEXT_SIZE])
{
    for (size_t i = 0; i < 2; i++) {
        const struct protection_view *view = &c->protections[i];
        if (view->state != PROTECTION_PROPOSED && strcmp(view->endpoint_id, endpoint->id) == 0) {
            snprintf(why, TEXT_SIZE, "%s", view->why);
            return true;
        }
    }
    return engine_protects(c->engine, endpoint, why);
}

size_t
controller_protection_count(const struct controller *c)
{
    (void)c;
    return 2;
}

bool
controller_protection_at(const struct controller *c, size_t index, struct protection_view *view)
{
    *view = c->protections[index];
    return true;
}

void
controller_suspension(const struct controller *c, struct suspension_view *view)
{
    *view = c->suspension;
}

bool
controller_storm(const struct controller *c, int64_t *since_us, int64_t *last_us, uint64_t *held)
{
    *since_us = *last_us = clock_wall_us(c->clock);
    *held = 7;
    return true;
}

size_t
controller_conflict_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct conflict_view *
controller_conflict_at(const struct controller *c, size_t index)
{
    static const struct conflict_view one = {
        .switch_name = "e1",
        .port = "p1",
        .why = "more than 256 MAC addresses on one port: new ones are not followed",
        .first_us = 1000000,
        .last_us = 2000000,
        .times = 2};
    (void)c;
    return index == 0 ? &one : NULL;
}

size_t
controller_mirror_count(const struct controller *c)
{
    (void)c;
    return 1;
}

bool
controller_mirror_at(const struct controller *c, size_t index, struct mirror_view *view)
{
    (void)index;
    *view = (struct mirror_view){.mirror = &c->mirror};
    return true;
}

uint64_t
controller_pending_dropped(const struct controller *controller)
{
    (void)controller;
    return 0;
}

uint64_t
controller_unclear_dropped(const struct controller *controller)
{
    (void)controller;
    return 0;
}

uint64_t
controller_epoch(const struct controller *c)
{
    (void)c;
    return 3;
}

const struct clock *
controller_clock(const struct controller *c)
{
    return c->clock;
}

/* ---- notifications: the settings are kept, a test is answered at once ---- */

const struct notify_settings *
controller_notify_settings(const struct controller *c)
{
    return &c->notify;
}

void
controller_notify_state(const struct controller *c, struct notify_state *state)
{
    (void)c;
    *state = (struct notify_state){.is_joined = true, .waiting = 1, .put = 2};
}

bool
controller_notify_channel_at(const struct controller *c, size_t index,
                             struct notify_channel_state *state)
{
    if (index >= c->notify.channel_count) {
        return false;
    }
    *state = (struct notify_channel_state){.has_secret = c->has_secret};
    memcpy(state->name, c->notify.channels[index].name, sizeof(state->name));
    return true;
}

void
controller_notify_set(struct controller *c, const struct notify_settings *settings,
                      const struct wire_secret *secrets, size_t secret_count, const char *account,
                      notify_done_fn *done, void *context)
{
    (void)account;
    struct codec_error error;
    if (settings->version != c->notify.version) {
        done(context, NOTIFY_STALE, "the settings were changed meanwhile");
        return;
    }
    cJSON *json = codec_encode(&notify_settings_shape, settings);
    codec_fini(&notify_settings_shape, &c->notify);
    if (codec_decode(&notify_settings_shape, json, &c->notify, &error)) {
        abort();
    }
    cJSON_Delete(json);
    c->notify.version++;
    c->has_secret = c->has_secret || (secret_count > 0 && secrets[0].value[0] != '\0');
    done(context, NOTIFY_DONE, "");
}

void
controller_notify_test(struct controller *c, const char *name, const char *account,
                       notify_done_fn *done, void *context)
{
    (void)account;
    bool is_there = notify_channel_find(&c->notify, name) != NULL;
    done(context, is_there ? NOTIFY_DONE : NOTIFY_UNKNOWN, is_there ? "250 queued" : "no channel");
}

void
controller_notice(struct controller *c, enum notice_kind kind, enum severity severity,
                  const char *account, const char *detail)
{
    (void)c, (void)kind, (void)severity, (void)account, (void)detail;
}

bool
controller_escalation(const struct controller *c, const char *id, struct escalation_view *view)
{
    (void)c, (void)id;
    *view = (struct escalation_view){
        .taken = 1, .steps = 2, .told_us = 1700000000000000, .told = "Hana"};
    return true;
}
