#include "controller/notices/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/entry.h"
#include "controller/notices/on_call.h"
#include "controller/notices/outbox.h"
#include "controller/records.h"
#include "wire/notify.h"

#define SETTING "notifications"
#define ROUTE_AT_ONCE 32
#define READ_EVERY_US 10000000 /* where nothing was put */
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

static void
question_free(struct notices *notices, struct question *question)
{
    TAILQ_REMOVE(&notices->questions, question, link);
    free(question->m.notices);
    free(question);
}

void
notices_free(struct notices *notices)
{
    if (!notices) {
        return;
    }
    while (!TAILQ_EMPTY(&notices->questions)) {
        question_free(notices, TAILQ_FIRST(&notices->questions));
    }
    if (notices->change) {
        codec_fini(&notify_settings_shape, &notices->change->after);
        free(notices->change);
    }
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
    if (strcmp(name, SETTING) != 0) {
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
    memcpy(notice->server_name, c->server_name, sizeof(notice->server_name));
    memcpy(notice->policy, c->policy, sizeof(notice->policy));
    text_put(notice->reason, sizeof(notice->reason), c->reason);
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

/* ---- routing ---- */

struct routing {
    struct controller *controller;
    struct store_change *change;
    size_t count;
};

/* The registered address, where an owner may be told at all: never one that traffic named. */
static bool
owner_address(struct controller *controller, const struct notice *notice,
              char address[1][HOST_SIZE])
{
    const struct notify_people *owner = &controller->notices->settings.owner;
    const struct endpoint *endpoint =
        notice->endpoint_id[0] ? topology_by_id(controller->topology, notice->endpoint_id) : NULL;
    const char *registered =
        endpoint && endpoint->annotation ? endpoint->annotation->owner_email : "";
    if (!notify_is_address(registered)) {
        return false;
    }
    const char *domain = strchr(registered, '@') + 1;
    bool is_ours = owner->to_count == 0;
    for (size_t i = 0; i < owner->to_count; i++) {
        is_ours = is_ours || strcasecmp(owner->to[i], domain) == 0;
    }
    snprintf(address[0], HOST_SIZE, "%s", registered);
    return is_ours;
}

static bool
people_are_told(const struct notify_people *people, const struct notice *notice)
{
    bool is_end = notice->kind == NOTICE_RELEASED || notice->kind == NOTICE_EXPIRED;
    bool is_begin = notice->kind == NOTICE_CONTAINED && notice->detail[0] == '\0';
    return people->is_on && notice->action == ACTION_ISOLATE &&
           ((is_begin && !people->skips_contained) || (is_end && !people->skips_released));
}

/* NULL: there is none, or it is off. */
static const struct notify_channel *
channel_on(const struct notify_settings *settings, const char *name)
{
    const struct notify_channel *channel = notify_channel_find(settings, name);
    return channel && !channel->is_off ? channel : NULL;
}

static void
route_people(struct routing *routing, const struct notice *notice)
{
    const struct notify_settings *settings = &routing->controller->notices->settings;
    char owner[1][HOST_SIZE];
    struct outbox_target target = {.voice = VOICE_HELP_DESK,
                                   .language = settings->help_desk.language,
                                   .to = settings->help_desk.to,
                                   .to_count = settings->help_desk.to_count};
    target.channel = channel_on(settings, settings->help_desk.channel);
    if (people_are_told(&settings->help_desk, notice) && target.channel) {
        outbox_add(routing->controller, &target, notice);
    }
    target = (struct outbox_target){
        .voice = VOICE_OWNER, .language = settings->owner.language, .to = owner, .to_count = 1};
    target.channel = channel_on(settings, settings->owner.channel);
    if (people_are_told(&settings->owner, notice) && target.channel &&
        owner_address(routing->controller, notice, owner)) {
        outbox_add(routing->controller, &target, notice);
    }
}

static void
route_channels(struct routing *routing, const struct notice *notice)
{
    const struct notify_settings *settings = &routing->controller->notices->settings;
    for (size_t i = 0; i < settings->rule_count; i++) {
        const struct notify_rule *rule = &settings->rules[i];
        for (size_t j = 0; rule->kind == notice->kind && notice->severity >= rule->least &&
                           j < rule->channel_count;
             j++) {
            struct outbox_target target = {.channel = channel_on(settings, rule->channels[j])};
            if (target.channel) {
                target.language = target.channel->language;
                outbox_add(routing->controller, &target, notice);
            }
        }
    }
}

static void
on_notice(void *context, const char *id, const struct notice *notice)
{
    struct routing *routing = context;
    const struct notify_settings *settings = &routing->controller->notices->settings;
    store_mark_notice(routing->change, id);
    routing->count++;
    if (!notice) {
        return; /* it cannot be read: logged, and the next ones have their turn */
    }
    route_channels(routing, notice);
    route_people(routing, notice);
    if (notice->kind == NOTICE_PENDING && settings->on_call.is_on) {
        on_call_begin(routing->controller, routing->change, notice);
    }
}

void
notices_tell_unstored(struct controller *controller, enum notice_kind kind, enum severity severity,
                      const char *detail)
{
    struct notice notice = {
        .kind = kind, .severity = severity, .at_us = clock_wall_us(controller->clock)};
    struct routing routing = {.controller = controller, .change = store_change_new()};
    id_make(notice.at_us, notice.id);
    text_put(notice.detail, sizeof(notice.detail), detail);
    route_channels(&routing, &notice);
    outbox_submit(controller, routing.change, NULL); /* what fails is sent all the same */
}

static void
on_routed(void *context, int error)
{
    struct controller *controller = context;
    struct notices *notices = controller->notices;
    notices->is_routing = false;
    /* What could not be stored is routed again, and what was collected in memory is sent all the
     * same: a second copy is better than none. */
    notices->read_us = error ? clock_boot_us(controller->clock) + READ_EVERY_US : 0;
    outbox_committed(controller);
    outbox_tick(controller);
}

static void
route(struct controller *controller)
{
    struct notices *notices = controller->notices;
    int64_t now_us = clock_boot_us(controller->clock);
    if (notices->is_routing || now_us < notices->read_us) {
        return;
    }
    struct routing routing = {.controller = controller, .change = store_change_new()};
    int error = store_read_notices(controller->store, ROUTE_AT_ONCE, on_notice, &routing);
    if (routing.count == 0) {
        store_change_free(routing.change);
        notices->read_us = error ? now_us + READ_EVERY_US : now_us + 200000;
        return;
    }
    notices->is_routing = true;
    outbox_submit(controller, routing.change, on_routed);
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
    route(controller);
    on_call_tick(controller);
    outbox_tick(controller);
}

/* ---- the notify role ---- */

void
controller_notify_joined(struct controller *controller)
{
    controller->notices->is_joined = true;
    outbox_tick(controller);
}

static void
question_answer(struct notices *notices, struct question *question, bool is_good,
                const char *answer)
{
    notify_done_fn *done = question->done;
    void *context = question->context;
    question_free(notices, question);
    done(context, is_good ? NOTIFY_DONE : NOTIFY_FAILED, answer);
}

/* Takes the change. */
static void
change_end(struct notices *notices, enum notify_result result, const char *why)
{
    struct notify_change *change = notices->change;
    notices->change = NULL;
    change->done(change->context, result, why);
    codec_fini(&notify_settings_shape, &change->after);
    free(change);
}

void
controller_notify_gone(struct controller *controller)
{
    struct notices *notices = controller->notices;
    struct letter *letter;
    notices->is_joined = false;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        letter->is_out = false; /* the next one gets it again, by the same id */
    }
    while (!TAILQ_EMPTY(&notices->questions)) {
        question_answer(notices, TAILQ_FIRST(&notices->questions), false,
                        "the notify process ended; try again");
    }
    if (notices->change && notices->change->is_keeping) {
        change_end(notices, NOTIFY_FAILED, "the notify process ended; nothing was changed");
    }
}

static void
on_test_noted(struct controller *controller, struct question *question,
              const struct wire_notice_result *result)
{
    struct message *m = &question->m;
    struct store_change *change = store_change_new();
    m->state = result->is_delivered ? MESSAGE_DELIVERED : MESSAGE_GIVEN_UP;
    m->done_us = clock_wall_us(controller->clock);
    m->attempts = 1;
    text_put(m->answer, sizeof(m->answer), result->answer);
    store_put_message(change, m);
    store_submit(controller->store, change, NULL, NULL);
}

static void
letter_result(struct controller *controller, struct letter *letter,
              const struct wire_notice_result *result)
{
    struct notices *notices = controller->notices;
    struct lane *lane = outbox_lane(notices, letter->m.channel);
    int64_t now_us = clock_wall_us(controller->clock);
    letter->is_out = false;
    if (result->is_busy) {
        letter->m.due_us = now_us + 1000000;
        return;
    }
    letter->m.attempts++;
    text_put(letter->m.answer, sizeof(letter->m.answer), result->answer);
    if (lane) {
        memcpy(lane->answer, letter->m.answer, sizeof(lane->answer));
        lane->is_failing = !result->is_delivered;
        lane->pause_us = result->is_delivered                  ? 0
                         : lane->pause_us == 0                 ? OUTBOX_FIRST_US
                         : 2 * lane->pause_us > OUTBOX_MOST_US ? OUTBOX_MOST_US
                                                               : 2 * lane->pause_us;
        lane->next_us = now_us + lane->pause_us;
        *(result->is_delivered ? &lane->delivered_us : &lane->failed_us) = now_us;
    }
    if (result->is_delivered) {
        letter->m.state = MESSAGE_DELIVERED;
        letter->m.done_us = now_us;
        notices->delivered++;
    } else {
        letter->m.due_us = now_us + (lane ? lane->pause_us : OUTBOX_FIRST_US);
        log_warn("controller", "a notice was not delivered; it is tried again",
                 LOG_S("channel", letter->m.channel), LOG_I("attempts", letter->m.attempts),
                 LOG_S("why", letter->m.answer));
    }
    struct store_change *change = store_change_new();
    store_put_message(change, &letter->m);
    store_submit(controller->store, change, NULL, NULL);
    if (controller->ports.publish) {
        controller->ports.publish(controller->ports.context, "notice", &letter->m);
    }
}

void
controller_notice_result(struct controller *controller, const struct wire_notice_result *result)
{
    struct notices *notices = controller->notices;
    struct question *question;
    TAILQ_FOREACH(question, &notices->questions, link)
    {
        if (result->number != 0 && question->number == result->number) {
            on_test_noted(controller, question, result);
            question_answer(notices, question, result->is_delivered,
                            result->is_busy ? "every sender is in use; try again" : result->answer);
            return;
        }
    }
    struct letter *letter;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        if (strcmp(letter->m.id, result->id) == 0 && letter->is_out) {
            letter_result(controller, letter, result);
            break;
        }
    }
    outbox_tick(controller);
}

/* ---- changing the settings ---- */

/* Of channels that are gone. */
static void
secrets_forget(struct controller *controller, const struct notify_settings *before)
{
    struct notices *notices = controller->notices;
    struct wire_secret_change forget = {
        .number = ++notices->numbers,
        .secrets = mem_new(before->channel_count + 1, sizeof(*forget.secrets))};
    for (size_t i = 0; i < before->channel_count; i++) {
        if (!notify_channel_find(&notices->settings, before->channels[i].name)) {
            memcpy(forget.secrets[forget.secret_count++].channel, before->channels[i].name,
                   NAME_SIZE);
        }
    }
    if (forget.secret_count > 0 && controller->ports.send_secret) {
        (void)controller->ports.send_secret(controller->ports.context, &forget);
    }
    free(forget.secrets);
}

static void
on_change_stored(void *context, int error)
{
    struct controller *controller = context;
    struct notices *notices = controller->notices;
    struct notify_change *change = notices->change;
    if (error) {
        change_end(notices, NOTIFY_FAILED, "it could not be stored; nothing was changed");
        return;
    }
    struct notify_settings before = notices->settings;
    notices->settings = change->after;
    change->after = before; /* freed with the change */
    secrets_forget(controller, &before);
    outbox_settle(controller);
    change_end(notices, NOTIFY_DONE, "");
    outbox_tick(controller);
}

static void
change_store(struct controller *controller)
{
    struct notify_change *change = controller->notices->change;
    struct store_change *rows = store_change_new();
    char detail[TEXT_SIZE];
    cJSON *json = codec_encode(&notify_settings_shape, &change->after);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    snprintf(detail, sizeof(detail),
             "version %u: %zu channels, %zu rules, help desk %s, owner %s, "
             "on call %s",
             change->after.version, change->after.channel_count, change->after.rule_count,
             change->after.help_desk.is_on ? "on" : "off", change->after.owner.is_on ? "on" : "off",
             change->after.on_call.is_on ? "on" : "off");
    store_put_setting(rows, SETTING, text ? text : "");
    store_put_audit(rows, clock_wall_us(controller->clock), change->account, "notifications.change",
                    SETTING, detail);
    cJSON_free(text);
    store_submit(controller->store, rows, on_change_stored, controller);
}

void
controller_secrets(struct controller *controller, const struct wire_secrets *secrets)
{
    struct notices *notices = controller->notices;
    struct notify_change *change = notices->change;
    notices->secrets = *secrets;
    bool is_ours = change && change->is_keeping && secrets->number == change->secrets_number;
    if (!is_ours) {
        return; /* unasked, or about one that an earlier change had forgotten */
    }
    if (secrets->why[0]) {
        change_end(notices, NOTIFY_FAILED, secrets->why);
    } else {
        change->is_keeping = false;
        change_store(controller);
    }
}

/* Takes over what 'settings' owns. */
static void
settings_copy(const struct notify_settings *settings, struct notify_settings *copy)
{
    struct codec_error error;
    cJSON *json = codec_encode(&notify_settings_shape, settings);
    if (codec_decode(&notify_settings_shape, json, copy, &error)) {
        abort(); /* what was decoded a moment ago: a bug */
    }
    cJSON_Delete(json);
}

/* All in one message: the notify role keeps all of them, or none. */
static bool
secrets_send(struct controller *controller, const struct notify_settings *settings,
             const struct wire_secret *secrets, size_t count, char why[TEXT_SIZE])
{
    struct notices *notices = controller->notices;
    struct wire_secret_change change = {.number = ++notices->numbers,
                                        .secrets = mem_new(count + 1, sizeof(*secrets)),
                                        .secret_count = count};
    why[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct notify_channel *channel = notify_channel_find(settings, secrets[i].channel);
        change.secrets[i] = secrets[i];
        if (channel) {
            notify_place(channel, change.secrets[i].place);
        } else {
            snprintf(why, TEXT_SIZE, "a secret names a channel that there is not");
        }
    }
    notices->change->secrets_number = change.number;
    if (!why[0] && (!controller->ports.send_secret ||
                    !controller->ports.send_secret(controller->ports.context, &change))) {
        snprintf(why, TEXT_SIZE, "the notify process is away; try again");
    }
    explicit_bzero(change.secrets, count * sizeof(*secrets));
    free(change.secrets);
    return !why[0];
}

void
controller_notify_set(struct controller *controller, const struct notify_settings *settings,
                      const struct wire_secret *secrets, size_t secret_count, const char *account,
                      notify_done_fn *done, void *context)
{
    struct notices *notices = controller->notices;
    char why[TEXT_SIZE];
    if (notices->change) {
        done(context, NOTIFY_STALE, "another change is being stored; try again");
        return;
    }
    if (settings->version != notices->settings.version) {
        snprintf(why, sizeof(why), "the settings were changed meanwhile: version %u",
                 notices->settings.version);
        done(context, NOTIFY_STALE, why);
        return;
    }
    struct notify_change *change = MEM_NEW(struct notify_change);
    settings_copy(settings, &change->after);
    change->after.version++;
    change->is_keeping = secret_count > 0;
    change->done = done;
    change->context = context;
    text_put(change->account, sizeof(change->account), account);
    notices->change = change;
    if (secret_count == 0) {
        change_store(controller);
    } else if (!secrets_send(controller, settings, secrets, secret_count, why)) {
        change_end(notices, NOTIFY_FAILED, why);
    }
}

void
controller_notify_test(struct controller *controller, const char *name, const char *account,
                       notify_done_fn *done, void *context)
{
    struct notices *notices = controller->notices;
    const struct notify_channel *channel = notify_channel_find(&notices->settings, name);
    if (!channel) {
        done(context, NOTIFY_UNKNOWN, "no channel has that name");
        return;
    }
    struct question *question = MEM_NEW(struct question);
    struct message *m = &question->m;
    *m = (struct message){.language = channel->language,
                          .made_us = clock_wall_us(controller->clock),
                          .notices = MEM_NEW(struct notice),
                          .notice_count = 1};
    id_make(m->made_us, m->id);
    memcpy(m->channel, channel->name, sizeof(m->channel));
    *m->notices = (struct notice){.kind = NOTICE_TEST, .at_us = m->made_us};
    memcpy(m->notices->id, m->id, sizeof(m->notices->id));
    text_put(m->notices->account, sizeof(m->notices->account), account);
    question->number = ++notices->numbers;
    question->done = done;
    question->context = context;
    TAILQ_INSERT_TAIL(&notices->questions, question, link);
    struct wire_notice wire = {.message = *m, .channel = *channel, .number = question->number};
    memcpy(wire.console_url, notices->settings.console_url, sizeof(wire.console_url));
    struct store_change *change = store_change_new();
    store_put_audit(change, m->made_us, account, "notifications.test", name, "");
    store_submit(controller->store, change, NULL, NULL);
    if (!controller->ports.send_notice || !notices->is_joined ||
        !controller->ports.send_notice(controller->ports.context, &wire)) {
        question_answer(notices, question, false, "the notify process is away; try again");
    }
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
