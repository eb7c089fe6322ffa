#include "controller/notices/route.h"

#include <stdio.h>
#include <string.h>

#include "controller/entry.h"
#include "controller/notices/on_call.h"
#include "controller/notices/outbox.h"
#include "wire/notify.h"

#define ROUTE_AT_ONCE 32
#define READ_EVERY_US 10000000 /* where nothing was put */

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

void
route_tick(struct controller *controller)
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
