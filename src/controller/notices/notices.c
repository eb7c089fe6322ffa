#include "controller/notices/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/entry.h"
#include "controller/notices/delivery.h"
#include "controller/notices/on_call.h"
#include "controller/notices/outbox.h"
#include "controller/notices/route.h"
#include "controller/notices/settings_change.h"
#include "controller/records.h"
#include "wire/notify.h"

#define LOST_US INT64_C(10000000)

struct notices *
notices_new(void)
{
    struct notices *notices = MEM_NEW(struct notices);
    TAILQ_INIT(&notices->letters);
    TAILQ_INIT(&notices->questions);
    TAILQ_INIT(&notices->watches);
    hmap_init(&notices->watch_map);
    return notices;
}

void
notices_free(struct notices *notices)
{
    if (!notices) {
        return;
    }
    delivery_free(notices);
    settings_change_free(notices);
    outbox_free(notices);
    on_call_free(notices);
    codec_fini(&notify_settings_shape, &notices->settings);
    free(notices);
}

/* ---- from the store ---- */

void
notices_setting(struct controller *controller, const char *name, const char *value)
{
    struct notices *notices = controller->notices;
    if (strncmp(name, WATCH_SETTING, strlen(WATCH_SETTING)) == 0) {
        on_call_restore(controller, name + strlen(WATCH_SETTING), value);
        return;
    }
    if (strcmp(name, NOTICES_SETTING) != 0) {
        return;
    }
    struct codec_error error = {.why = "not JSON"};
    cJSON *json = codec_parse(value, strlen(value));
    codec_fini(&notify_settings_shape, &notices->settings);
    if (!json || codec_decode(&notify_settings_shape, json, &notices->settings, &error)) {
        log_error("controller",
                  "ALARM: the stored notification settings cannot be read: nobody "
                  "is told anything; set them again",
                  LOG_S("where", error.path), LOG_S("why", error.why));
    }
    cJSON_Delete(json);
}

static void
on_waiting(void *context, const struct message *message)
{
    outbox_restore(context, message);
}

int
notices_load(struct controller *controller)
{
    outbox_settle(controller);
    return store_read_waiting(controller->store, OUTBOX_MAX, on_waiting, controller);
}

/* ---- putting ---- */

void
notices_put(struct controller *controller, struct store_change *change, struct notice *notice)
{
    notice->at_us = notice->at_us ? notice->at_us : clock_wall_us(controller->clock);
    id_make(notice->at_us, notice->id);
    store_put_notice(change, notice);
    controller->notices->put++;
    controller->notices->read_us = 0;
}

void
notices_tell(struct controller *controller, struct notice *notice)
{
    struct store_change *change = store_change_new();
    notices_put(controller, change, notice);
    store_submit(controller->store, change, NULL, NULL);
}

static enum severity
severity_of(const struct controller *controller, const struct containment *c, enum notice_kind kind)
{
    const struct incident *incident =
        c->incident_id[0] ? controller_incident(controller, c->incident_id) : NULL;
    if (kind == NOTICE_FAILED || kind == NOTICE_UNVERIFIED) {
        return SEVERITY_HIGH;
    }
    if (kind == NOTICE_RELEASED || kind == NOTICE_EXPIRED || kind == NOTICE_ANSWERED) {
        return SEVERITY_LOW;
    }
    return incident && incident->severity > SEVERITY_MEDIUM ? incident->severity : SEVERITY_MEDIUM;
}

static void
endpoint_fill(const struct endpoint *endpoint, struct notice *notice)
{
    text_put(notice->host_name, sizeof(notice->host_name), endpoint_name(endpoint));
    notice->mac = endpoint->mac_count > 0 ? endpoint->macs[0] : notice->mac;
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        bool is_better =
            ip_is_none(&notice->ip) || (ip_is_v4(&binding->ip) && !ip_is_v4(&notice->ip));
        if (binding->until_us == 0 && !ip_is_link_local(&binding->ip) && is_better) {
            notice->ip = binding->ip;
        }
    }
    if (endpoint->location.class != LOCATION_NONE) {
        snprintf(notice->switch_name, NAME_SIZE, "%s", endpoint->location.switch_name);
        snprintf(notice->port, NAME_SIZE, "%s", endpoint->location.port);
    }
}

void
notices_fill_containment(struct controller *controller, const struct containment *c,
                         enum notice_kind kind, struct notice *notice)
{
    const struct endpoint *endpoint =
        c->endpoint_id[0] ? topology_by_id(controller->topology, c->endpoint_id) : NULL;
    *notice = (struct notice){.kind = kind,
                              .severity = severity_of(controller, c, kind),
                              .action = c->action,
                              .state = c->state,
                              .mac = c->subject_mac,
                              .ip = c->subject_ip,
                              .server = c->server};
    memcpy(notice->containment_id, c->id, sizeof(notice->containment_id));
    memcpy(notice->case_number, c->case_number, sizeof(notice->case_number));
    memcpy(notice->endpoint_id, c->endpoint_id, sizeof(notice->endpoint_id));
    text_put(notice->server_name, sizeof(notice->server_name), text_or_empty(c->server_name));
    memcpy(notice->policy, c->policy, sizeof(notice->policy));
    text_put(notice->reason, sizeof(notice->reason), text_or_empty(c->reason));
    if (endpoint) {
        endpoint_fill(endpoint, notice);
    }
    if (kind == NOTICE_PENDING) {
        notice->until_us = c->pending_until_us;
        notice->pending_action = c->pending_until_us ? c->pending_action : ACTION_NONE;
    } else if (kind == NOTICE_CONTAINED) {
        notice->until_us = c->expires_us;
    }
}

void
notices_put_containment(struct controller *controller, struct store_change *change,
                        const struct containment *c, enum notice_kind kind, const char *account,
                        const char *detail)
{
    struct notice notice;
    notices_fill_containment(controller, c, kind, &notice);
    text_put(notice.account, sizeof(notice.account), account);
    text_put(notice.detail, sizeof(notice.detail), detail);
    notices_put(controller, change, &notice);
}

void
notices_tell_containment(struct controller *controller, const struct containment *c,
                         enum notice_kind kind, const char *detail)
{
    struct store_change *change = store_change_new();
    notices_put_containment(controller, change, c, kind, "", detail);
    store_submit(controller->store, change, NULL, NULL);
}

void
notices_tell_protection(struct controller *controller, const struct endpoint *endpoint,
                        const char *why)
{
    struct notice notice = {.kind = NOTICE_PROTECTION, .severity = SEVERITY_LOW};
    memcpy(notice.endpoint_id, endpoint->id, sizeof(notice.endpoint_id));
    endpoint_fill(endpoint, &notice);
    text_put(notice.reason, sizeof(notice.reason), why);
    notices_tell(controller, &notice);
}

void
notices_tell_object(struct controller *controller, enum notice_kind kind, enum severity severity,
                    const char *object, const char *detail)
{
    struct notice notice = {.kind = kind, .severity = severity};
    text_put(notice.object, sizeof(notice.object), object);
    text_put(notice.detail, sizeof(notice.detail), detail);
    notices_tell(controller, &notice);
}

/* ---- switches that are away, or complain ---- */

static void
switch_watch(struct controller *controller, struct switch_state *sw)
{
    int64_t now_us = clock_wall_us(controller->clock);
    const char *name = sw->device.switch_name;
    const char *problem = sw->problem[0] ? sw->problem : sw->edge_problem;
    if (sw->device.is_connected) {
        sw->lost_us = 0;
        if (sw->is_told_lost) {
            sw->is_told_lost = false;
            notices_tell_object(controller, NOTICE_SWITCH_BACK, SEVERITY_LOW, name, "");
        }
    } else if (!sw->is_told_lost) {
        sw->lost_us = sw->lost_us ? sw->lost_us : now_us;
        if (now_us - sw->lost_us >= LOST_US) {
            sw->is_told_lost = true;
            notices_tell_object(controller, NOTICE_SWITCH_LOST, SEVERITY_HIGH, name, problem);
        }
        return;
    }
    if (!sw->device.is_connected || strcmp(problem, sw->told_problem) == 0) {
        sw->problem_us = 0;
        return;
    }
    sw->problem_us = sw->problem_us ? sw->problem_us : now_us;
    if (now_us - sw->problem_us >= LOST_US) { /* it stayed */
        snprintf(sw->told_problem, sizeof(sw->told_problem), "%s", problem);
        sw->problem_us = 0;
        if (problem[0]) {
            notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_MEDIUM, name, problem);
        }
    }
}

void
notices_tick(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_watch(controller, sw);
    }
    route_tick(controller);
    on_call_tick(controller);
    outbox_tick(controller);
}

void
controller_notice(struct controller *controller, enum notice_kind kind, enum severity severity,
                  const char *account, const char *detail)
{
    struct notice notice = {.kind = kind, .severity = severity};
    text_put(notice.account, sizeof(notice.account), account);
    text_put(notice.detail, sizeof(notice.detail), detail);
    notices_tell(controller, &notice);
}

void
controller_tell(struct controller *controller, enum notice_kind kind, enum severity severity,
                const char *object, const char *detail)
{
    notices_tell_object(controller, kind, severity, object, detail);
}

const struct notify_settings *
controller_notify_settings(const struct controller *controller)
{
    return &controller->notices->settings;
}

void
controller_notify_state(const struct controller *controller, struct notify_state *state)
{
    const struct notices *notices = controller->notices;
    *state = (struct notify_state){.is_joined = notices->is_joined,
                                   .waiting = notices->letter_count,
                                   .put = notices->put,
                                   .delivered = notices->delivered,
                                   .given_up = notices->given_up,
                                   .counted_only = notices->counted_only};
    const struct notify_contact *contact =
        notices->settings.on_call.is_on
            ? on_call_now(&notices->settings.on_call, clock_wall_us(controller->clock))
            : NULL;
    text_put(state->on_call, sizeof(state->on_call), contact ? contact->name : "");
}

bool
controller_notify_channel_at(const struct controller *controller, size_t index,
                             struct notify_channel_state *state)
{
    const struct notices *notices = controller->notices;
    if (index >= notices->lane_count) {
        return false;
    }
    const struct lane *lane = &notices->lanes[index];
    *state = (struct notify_channel_state){.delivered_us = lane->delivered_us,
                                           .failed_us = lane->failed_us,
                                           .is_failing = lane->is_failing};
    memcpy(state->name, lane->name, sizeof(state->name));
    memcpy(state->answer, lane->answer, sizeof(state->answer));
    for (size_t i = 0; i < notices->secrets.channel_count; i++) {
        state->has_secret |= strcmp(notices->secrets.channels[i], lane->name) == 0;
    }
    const struct letter *letter;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        state->waiting += strcmp(letter->m.channel, lane->name) == 0;
    }
    return true;
}
