#include "controller/decide.h"

#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/join.h"
#include "base/mem.h"
#include "controller/clocks.h"
#include "controller/commit.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/pending.h"
#include "controller/records.h"
#include "controller/recovery/unproven.h"
#include "controller/storm.h"
#include "controller/switches.h"
#include "controller/unclear.h"
#include "controller/wish.h"
#include "controller/world.h"

/* ---- detections seen lately: a sender that was not acknowledged sends again ---- */

#define RECENT_MAX 16384 /* older ones are looked up in the store */

struct recent_item {
    struct hmap_node node;
    char id[NAME_SIZE];
    bool is_stored;
};

struct recent {
    struct hmap map;
    struct recent_item *items; /* a ring */
    size_t next;
};

struct recent *
recent_new(void)
{
    struct recent *recent = MEM_NEW(struct recent);
    hmap_init(&recent->map);
    recent->items = mem_new(RECENT_MAX, sizeof(*recent->items));
    return recent;
}

void
recent_free(struct recent *recent)
{
    if (recent) {
        hmap_fini(&recent->map);
        free(recent->items);
        free(recent);
    }
}

static struct recent_item *
recent_find(struct recent *recent, const char *id)
{
    HMAP_FOR_EACH_HASH (item, struct recent_item, node, hash_text(id), &recent->map) {
        if (strcmp(item->id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

static void
recent_drop(struct recent *recent, struct recent_item *item)
{
    if (item && item->id[0] != '\0') {
        hmap_remove(&recent->map, &item->node);
        item->id[0] = '\0';
    }
}

static struct recent_item *
recent_put(struct recent *recent, const char *id)
{
    struct recent_item *item = &recent->items[recent->next];
    recent->next = (recent->next + 1) % RECENT_MAX;
    recent_drop(recent, item);
    join_copy(item->id, sizeof(item->id), id);
    item->is_stored = false;
    hmap_insert(&recent->map, &item->node, hash_text(item->id));
    return item;
}

/* ---- detections ---- */

struct detection_commit {
    struct commit commit;       /* first: freed as that */
    struct recent_item *recent; /* its place; another's since, where the id is another one */
    char detection_id[NAME_SIZE];
    struct incident incident, left;
    enum unclear unclear;
    struct detection *detection; /* owned; NULL: nothing of it is unclear */
    detection_done_fn *done;
    void *context;
};

static void
on_detection_stored(void *context, int error)
{
    struct detection_commit *waits = context;
    struct controller *controller = waits->commit.controller;
    struct recent_item *item = waits->recent;
    if (!item || strcmp(item->id, waits->detection_id) != 0) {
        item = recent_find(controller->recent, waits->detection_id);
    }
    if (item && error) {
        recent_drop(controller->recent, item);
    } else if (item) {
        item->is_stored = true;
    }
    if (!error && waits->left.id[0] != '\0') {
        records_incident(controller, &waits->left);
        /* nothing may be left in it: then it is not in the list any more */
        controller->changed[CHANGED_INCIDENTS] |= !waits->left.is_open;
    }
    if (!error && waits->incident.id[0] != '\0') {
        records_incident(controller, &waits->incident);
    }
    if (waits->done) {
        waits->done(waits->context, waits->detection_id, error);
    }
    if (!error && waits->detection) {
        unclear_note(controller, waits->detection, &waits->incident, waits->unclear);
        waits->detection = NULL;
    }
    free(waits->detection);
}

/* Sent again while the first one's commit is on its way. */
struct detection_again {
    struct controller *controller;
    char detection_id[NAME_SIZE];
    detection_done_fn *done;
    void *context;
};

/* The commit before was the first one's, and may have failed where this empty one did not. */
static void
on_first_decided(void *context, int error)
{
    struct detection_again *waits = context;
    const char *id = waits->detection_id;
    const struct recent_item *item = recent_find(waits->controller->recent, id);
    bool is_stored =
        !error && ((item && item->is_stored) || store_has_detection(waits->controller->store, id));
    waits->done(waits->context, id, is_stored ? 0 : error ? error : -EAGAIN);
    free(waits);
}

/* Seen before: acknowledged again, at once or when the first one's commit is through. */
static bool
is_known(struct controller *controller, const char *id, detection_done_fn *done, void *context)
{
    struct recent_item *item = recent_find(controller->recent, id);
    if (item && !item->is_stored) {
        struct detection_again *waits = MEM_NEW(struct detection_again);
        *waits =
            (struct detection_again){.controller = controller, .done = done, .context = context};
        join_copy(waits->detection_id, sizeof(waits->detection_id), id);
        store_submit(controller->store, store_change_new(), on_first_decided, waits);
        return true;
    }
    if (item || store_has_detection(controller->store, id)) {
        done(context, id, 0);
        return true;
    }
    return false;
}

static void
decision_marks(struct containment *c, const struct detection *detection, int64_t received_us,
               int64_t decided_us)
{
    containment_mark(c, "packet", detection->seen_us, detection->signature);
    containment_mark(c, "detected", detection->reported_us, detection->sensor);
    containment_mark(c, "received", received_us, "");
    containment_mark(c, "decided", decided_us, c->policy);
}

/* Policy has asked already; this is asked again, of whom is really going to be cut off. */
static bool
is_barred(const struct controller *controller, const struct decision *d, char why[TEXT_SIZE])
{
    const struct endpoint *endpoint =
        d->endpoint_id[0] ? topology_by_id(controller->topology, d->endpoint_id) : NULL;
    const struct prefix address = {.ip = d->ip, .length = ip_is_none(&d->ip) ? 0 : 128};
    bool is_server = d->action == ACTION_BLOCK_SERVER;
    return d->action != ACTION_MIRROR &&
           world_is_protected(controller, endpoint, is_server ? NULL : &d->mac,
                              is_server ? &d->server : &address, d->site, why);
}

/* 'decision', or 'room' filled with it as one that waits for a person. */
static const struct decision *
decision_check(struct controller *controller, const struct decision *decision,
               struct decision *room)
{
    char why[TEXT_SIZE];
    if (decision->hold != HOLD_NONE || !is_barred(controller, decision, why)) {
        return decision;
    }
    controller->barred_count++;
    log_error("controller", "REFUSED: policy would have contained a protected host",
              LOG_S("endpoint", decision->endpoint_id), LOG_S("why", why));
    *room = *decision;
    room->hold = HOLD_PROTECTED;
    room->pending_action = ACTION_NONE;
    memcpy(room->hold_detail, why, sizeof(why));
    return room;
}

void
decision_hold(struct containment *c, const struct decision *decision, int64_t now_us)
{
    c->hold = decision->hold;
    text_keep(&c->hold_detail, TEXT_SIZE, decision->hold_detail);
    if (c->hold == HOLD_NONE && decision->mode == MODE_APPROVE) {
        c->hold = HOLD_MODE;
        text_keep(&c->hold_detail, TEXT_SIZE, "the network's mode is approve");
    }
    if (c->hold == HOLD_NONE) {
        return;
    }
    c->state = CONTAINMENT_PENDING;
    c->pending_action = decision->pending_action;
    if (decision->pending_s > 0) {
        c->pending_until_us = now_us + (int64_t)decision->pending_s * 1000000;
    }
}

static void
decision_fill(struct controller *controller, struct containment *c, const struct decision *decision)
{
    snprintf(c->site, sizeof(c->site), "%s",
             subject_site(controller, decision->action, &decision->server, decision->site));
    snprintf(c->endpoint_id, sizeof(c->endpoint_id), "%s", decision->endpoint_id);
    snprintf(c->incident_id, sizeof(c->incident_id), "%s", decision->incident_id);
    snprintf(c->permit_set, sizeof(c->permit_set), "%s", decision->permit_set);
    snprintf(c->policy, sizeof(c->policy), "%s", decision->policy);
    text_keep(&c->server_name, HOST_SIZE, decision->server_name);
    text_keep(&c->reason, TEXT_SIZE, decision->reason);
    c->subject_mac = decision->mac;
    c->subject_ip = decision->ip;
    c->server = decision->server;
    if (decision->expires_s > 0) {
        c->expires_us = c->requested_us + (int64_t)decision->expires_s * 1000000;
    }
    decision_hold(c, decision, c->requested_us);
}

/* Policy asks for no more than that people know. */
static void
detected_put(struct controller *controller, struct commit *commit, const struct decision *decision,
             const struct detection *detection)
{
    struct containment about = {.action = ACTION_NOTIFY,
                                .subject_mac = decision->mac,
                                .subject_ip = decision->ip,
                                .server = decision->server};
    memcpy(about.endpoint_id, decision->endpoint_id, sizeof(about.endpoint_id));
    text_keep(&about.server_name, HOST_SIZE, decision->server_name);
    memcpy(about.policy, decision->policy, sizeof(about.policy));
    text_keep(&about.reason, TEXT_SIZE, decision->reason);
    struct notice notice;
    notices_fill_containment(controller, &about, NOTICE_DETECTED, &notice);
    notice.severity = detection->severity;
    text_put(notice.detail, sizeof(notice.detail), detection->signature);
    notices_put(controller, commit->change, &notice);
    containment_fini(&about);
}

static bool
is_by_mode(enum hold hold)
{
    return hold == HOLD_MODE || hold == HOLD_ROLLOUT || hold == HOLD_MAINTENANCE;
}

/* What was doubtful is not any more, but its mode leaves it to a person all the same: that is what
 * he must know when he decides, and he has the time for it that he is due. */
static bool
pending_clear(struct controller *controller, struct entry *entry, const struct decision *decision)
{
    bool is_cleared = is_by_mode(decision->hold) && !is_by_mode(entry->c.hold) &&
                      entry->c.hold != HOLD_PROTECTED && !entry->is_changing;
    if (is_cleared) {
        entry->c.pending_until_us = 0;
        decision_hold(&entry->c, decision, clock_wall_us(controller->clock));
        entry_due(controller, entry);
        entry_touch(controller, entry);
    }
    return is_cleared;
}

/* What was doubtful is not any more, and waits for another reason: that one is shown, too.  Of a
 * spent budget the storm's notice tells.  Where the mode alone leaves it to a person, every
 * guard was asked, and nothing refuses it any more. */
static void
pending_bar(struct controller *controller, struct entry *entry, const struct decision *decision)
{
    bool is_barred = decision->hold == HOLD_BUDGET || decision->hold == HOLD_PROTECTED;
    if (is_barred && entry->c.hold != decision->hold && !is_by_mode(entry->c.hold)) {
        pending_refuse(controller, entry, decision->hold_detail, decision->hold == HOLD_BUDGET);
    } else if (is_by_mode(decision->hold) && entry->c.refused && !entry->is_changing) {
        pending_admit(&entry->c);
        entry_touch(controller, entry);
    }
}

/* One more detection of what waits: people are told again where it says more than they know. */
static void
pending_learn(struct controller *controller, struct commit *commit, struct entry *entry,
              const struct decision *decision, const struct detection *detection)
{
    bool is_cleared = pending_clear(controller, entry, decision);
    pending_bar(controller, entry, decision);
    bool is_graver = entry_learn(controller, entry, detection->phase, detection->severity);
    if ((is_cleared || is_graver) && !storm_covers(controller, &entry->c)) {
        commit_ask(commit, &entry->c);
    }
}

static void
gathered_note(struct controller *controller, struct commit *commit, struct entry *entry,
              const struct decision *decision)
{
    if (decision->is_gathered && decision->hold == HOLD_BUDGET && !entry->is_gathered) {
        storm_gathered(controller, commit->change, entry, decision);
    }
}

/* Was a person asked for that policy? */
static bool
was_asked_by(const struct containment *c, const char *policy)
{
    char account[NAME_SIZE];
    size_t size = (size_t)snprintf(account, sizeof(account), "policy:%.50s: ", policy);
    bool was_asked = strcmp(c->policy, policy) == 0;
    for (size_t i = 0; i < c->mark_count && !was_asked; i++) {
        const char *detail = c->marks[i].detail;
        was_asked = strcmp(c->marks[i].step, life_event_names[LIFE_ASK]) == 0 && detail &&
                    strncmp(detail, account, size) == 0;
    }
    return was_asked;
}

/* A person looked at it and left it.  That is for what there was to see: not for another incident,
 * another policy's evidence, graver evidence, or evidence that leaves no more doubt. */
static bool
is_news(const struct containment *checked, const struct decision *decision, bool is_held)
{
    bool was_doubtful = !is_by_mode(checked->hold) && checked->hold != HOLD_BUDGET;
    bool is_doubtful = is_held && !is_by_mode(decision->hold) && decision->hold != HOLD_BUDGET &&
                       decision->hold != HOLD_NONE;
    return strcmp(checked->incident_id, decision->incident_id) != 0 ||
           (was_doubtful && !is_doubtful) || !was_asked_by(checked, decision->policy);
}

static void
checked_take(struct controller *controller, struct entry *checked, const struct decision *decision,
             const struct detection *detection, bool is_held)
{
    if (is_held && checked->is_changing) {
        return; /* the next detection finds it as it is then */
    }
    bool is_graver = entry_learn(controller, checked, detection->phase, detection->severity);
    if (!is_graver && !is_news(&checked->c, decision, is_held)) {
        return;
    }
    if (!is_held) {
        entry_tighten(checked, decision->permit_set);
        memcpy(checked->c.incident_id, decision->incident_id, sizeof(checked->c.incident_id));
        pending_confirm(controller, checked, decision->policy);
    } else {
        pending_ask_again(controller, checked, decision);
    }
}

/* What waits is certain now; or it is in force, and policy, which asked for it all the same, must
 * know until when: else it spends its budget for it again and again. */
static void
same_take(struct controller *controller, struct entry *same, const struct decision *decision,
          bool is_held)
{
    bool is_confirmed = same->c.state == CONTAINMENT_PENDING && !is_held;
    if (is_confirmed) {
        entry_tighten(same, decision->permit_set);
    }
    if (is_confirmed && same->is_committed) {
        pending_confirm(controller, same, decision->policy);
    } else if (is_confirmed) { /* the doubtful one is still on its way to the disk */
        text_keep(&same->confirmed_by, NAME_SIZE, decision->policy);
    } else if (!is_held && lifecycle_is_in_force(same->c.state)) {
        unproven_believe(controller, same);
        controller_tighten(controller, same, decision);
        entry_note_begun(controller, same);
    }
}

static void
decision_take(struct controller *controller, struct commit *commit, const struct decision *decided,
              const struct detection *detection, int64_t received_us)
{
    struct decision room;
    if (decided->mode == MODE_OBSERVE) {
        return; /* told by observed_log */
    }
    const struct decision *decision = decision_check(controller, decided, &room);
    if (decision->action == ACTION_NONE || decision->action == ACTION_NOTIFY) {
        log_info("controller", "notify", LOG_S("incident", decision->incident_id),
                 LOG_S("policy", decision->policy), LOG_S("reason", decision->reason));
        detected_put(controller, commit, decision, detection);
        return;
    }
    const struct subject subject = {
        .action = decision->action,
        .endpoint_id = decision->endpoint_id,
        .mac = decision->mac,
        .ip = decision->ip,
        .server = decision->server,
        .site = subject_site(controller, decision->action, &decision->server, decision->site)};
    bool is_held = decision->hold != HOLD_NONE || decision->mode == MODE_APPROVE;
    if (decision->hold == HOLD_BUDGET && !controller->storm.is_on) {
        storm_watch(controller);
    }
    struct entry *same = entry_find_same(controller, &subject);
    if (same && is_held && entry_only_on(same)) {
        same = NULL; /* people are asked all the same */
    }
    if (same && same->c.state == CONTAINMENT_CHECKED) {
        checked_take(controller, same, decision, detection, is_held);
        return;
    }
    if (same && same->c.state == CONTAINMENT_PENDING && is_held) {
        pending_learn(controller, commit, same, decision, detection);
        gathered_note(controller, commit, same, decision);
        return;
    }
    if (same) {
        same_take(controller, same, decision, is_held);
        if (is_held && lifecycle_is_in_force(same->c.state)) { /* stricter: people decide */
            detected_put(controller, commit, decision, detection);
        }
        return;
    }
    if (is_held && !entry_has_room(controller, &subject)) {
        return;
    }
    struct containment c;
    char by[NAME_SIZE];
    snprintf(by, sizeof(by), "policy:%.50s", decision->policy);
    containment_begin(controller, &c, decision->action, by);
    decision_fill(controller, &c, decision);
    decision_marks(&c, detection, received_us, c.requested_us);
    struct entry *entry = entry_new(controller, &c);
    (void)entry_learn(controller, entry, detection->phase, detection->severity);
    commit_add(commit, entry);
    gathered_note(controller, commit, entry, decision);
}

void
decide_gathered(struct controller *controller, const struct decision *decision)
{
    struct decision room;
    if (decision_check(controller, decision, &room) == &room) {
        return; /* where it waits, it goes on waiting */
    }
    const struct subject subject = {
        .action = decision->action,
        .endpoint_id = decision->endpoint_id,
        .mac = decision->mac,
        .ip = decision->ip,
        .server = decision->server,
        .site = subject_site(controller, decision->action, &decision->server, decision->site)};
    struct entry *same = entry_find_same(controller, &subject);
    if (same) {
        same_take(controller, same, decision, false);
        return;
    }
    struct containment c; /* there was no room to let it wait */
    char by[NAME_SIZE];
    snprintf(by, sizeof(by), "policy:%.50s", decision->policy);
    containment_begin(controller, &c, decision->action, by);
    decision_fill(controller, &c, decision);
    containment_mark(&c, "decided", c.requested_us, c.policy);
    struct commit *commit = commit_new(controller);
    commit_add(commit, entry_new(controller, &c));
    commit_submit(commit, NULL, NULL);
}

static void
observed_log(const struct outcome *outcome, struct store_change *change, int64_t now_us)
{
    for (size_t i = 0; i < outcome->decision_count; i++) {
        const struct decision *decision = &outcome->decisions[i];
        if (decision->mode != MODE_OBSERVE) {
            continue;
        }
        char detail[TEXT_SIZE];
        snprintf(detail, sizeof(detail), "would %s%s: %.400s", action_names[decision->action],
                 decision->hold ? " (after a person's word)" : "", decision->reason);
        log_info("controller", "observe: nothing is contained; in mode auto it would have been",
                 LOG_S("action", action_names[decision->action]),
                 LOG_S("endpoint", decision->endpoint_id), LOG_S("policy", decision->policy),
                 LOG_S("reason", decision->reason));
        store_put_audit(change, now_us, decision->policy, "observe", decision->endpoint_id, detail);
    }
}

static struct detection_commit *
detection_commit_new(struct controller *controller, const struct detection *detection)
{
    struct detection_commit *waits = MEM_NEW(struct detection_commit);
    commit_init(&waits->commit, controller);
    join_copy(waits->detection_id, sizeof(waits->detection_id), detection->id);
    return waits;
}

/* What the engine said of it goes with it to the disk, and then to the switches. */
static void
detection_decide(struct controller *controller, struct detection_commit *waits,
                 const struct detection *detection)
{
    const struct outcome *outcome = controller->outcome;
    struct commit *commit = &waits->commit;
    int64_t received_us = clock_wall_us(controller->clock);
    waits->incident = outcome->incident;
    waits->unclear = outcome->unclear;
    if (outcome->unclear != UNCLEAR_NOT) {
        waits->detection = mem_resize(NULL, 1, sizeof(*waits->detection));
        *waits->detection = *detection;
        waits->detection->strength = outcome->strength; /* as it is stored */
    }
    if (outcome->incident.id[0] != '\0') {
        commit->severity = outcome->incident.severity;
        store_put_incident(commit->change, &outcome->incident);
    }
    if (outcome->is_observed) {
        observed_log(outcome, commit->change, received_us);
    }
    for (size_t i = 0; i < outcome->decision_count; i++) {
        decision_take(controller, commit, &outcome->decisions[i], detection, received_us);
    }
    uint64_t swallowed = 0;
    if (log_limit_pass(&controller->detection_limit, clock_boot_us(controller->clock),
                       &swallowed)) {
        log_info("controller", "detection", LOG_S("id", detection->id),
                 LOG_S("sensor", detection->sensor), LOG_S("signature", detection->signature),
                 LOG_S("outcome", outcome->why), LOG_I("not_logged", swallowed));
    }
    commit_submit(commit, on_detection_stored, waits);
}

void
controller_detection(struct controller *controller, const struct detection *detection,
                     detection_done_fn *done, void *context)
{
    clocks_tick(controller);
    if (is_known(controller, detection->id, done, context)) {
        return;
    }
    struct recent_item *recent = recent_put(controller->recent, detection->id);
    struct outcome *outcome = controller->outcome;
    controller->unsure_us = detection->unsure_us;
    engine_detection(controller->engine, detection, outcome);
    controller->unsure_us = 0;
    world_note_talk(controller, outcome);
    records_sensor_seen(controller, detection->sensor);
    struct detection_commit *waits = detection_commit_new(controller, detection);
    struct detection rated = *detection; /* shallow: only written out */
    rated.strength = outcome->strength;
    store_put_detection(waits->commit.change, &rated, outcome->incident.id);
    waits->recent = recent;
    waits->done = done;
    waits->context = context;
    detection_decide(controller, waits, detection);
}

void
decide_again(struct controller *controller, const struct detection *detection,
             const struct incident *was, bool is_refused)
{
    struct outcome *outcome = controller->outcome;
    controller->unsure_us = detection->unsure_us;
    controller->is_again = true;
    engine_detection_again(controller->engine, detection, was, is_refused, outcome);
    unclear_own(controller, was, outcome->incident.endpoint_id, outcome);
    controller->unsure_us = 0;
    struct detection_commit *waits = detection_commit_new(controller, detection);
    struct store_change *change = waits->commit.change;
    struct detection rated = *detection; /* shallow: only written out */
    rated.strength = outcome->strength;
    store_move_detection(change, &rated, outcome->incident.id);
    const struct endpoint *endpoint =
        topology_by_id(controller->topology, outcome->incident.endpoint_id);
    if (endpoint) { /* what waits about it must not be lost without it */
        endpoint_put(controller, change, endpoint);
    }
    if (outcome->left.id[0] != '\0') {
        waits->left = outcome->left;
        store_put_incident(change, &outcome->left);
    }
    detection_decide(controller, waits, detection);
    controller->is_again = false;
}

void
controller_evidence(struct controller *controller, const struct evidence *evidence)
{
    struct store_change *change = store_change_new();
    store_put_evidence(change, evidence);
    store_submit(controller->store, change, NULL, NULL);
}
