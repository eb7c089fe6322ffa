#include "controller/notices/on_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/entry.h"
#include "controller/notices/outbox.h"
#include "wire/notify.h"

#define MINUTE_US INT64_C(60000000)
#define WEEK_MIN (7 * 1440)

const struct notify_contact *
on_call_contact(const struct notify_on_call *on_call, const char *name)
{
    for (size_t i = 0; i < on_call->contact_count; i++) {
        if (strcmp(on_call->contacts[i].name, name) == 0) {
            return &on_call->contacts[i];
        }
    }
    return NULL;
}

const struct notify_contact *
on_call_now(const struct notify_on_call *on_call, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm local;
    localtime_r(&seconds, &local);
    unsigned now =
        (unsigned)local.tm_wday * 1440 + (unsigned)local.tm_hour * 60 + (unsigned)local.tm_min;
    for (size_t i = 0; i < on_call->shift_count; i++) {
        const struct notify_shift *shift = &on_call->shifts[i];
        unsigned from = 0, until = 0;
        if (!notify_minutes(shift->from, &from) || !notify_minutes(shift->until, &until)) {
            continue;
        }
        unsigned lasts = until > from ? until - from : until + 1440 - from;
        unsigned begin = (unsigned)shift->day * 1440 + from;
        /* Into the shift, also over the end of the week. */
        if ((now + WEEK_MIN - begin) % WEEK_MIN < lasts) {
            return on_call_contact(on_call, shift->contact);
        }
    }
    return NULL;
}

/* ---- watches ---- */

static struct watch *
watch_find(struct notices *notices, const char *containment_id)
{
    HMAP_FOR_EACH_HASH (watch, struct watch, by_id, hash_text(containment_id),
                        &notices->watch_map) {
        if (strcmp(watch->containment_id, containment_id) == 0) {
            return watch;
        }
    }
    return NULL;
}

static struct watch *
watch_new(struct notices *notices, const char *containment_id)
{
    struct watch *watch = MEM_NEW(struct watch);
    snprintf(watch->containment_id, sizeof(watch->containment_id), "%s", containment_id);
    hmap_insert(&notices->watch_map, &watch->by_id, hash_text(watch->containment_id));
    TAILQ_INSERT_TAIL(&notices->watches, watch, link);
    notices->watch_count++;
    return watch;
}

static void
watch_free(struct notices *notices, struct watch *watch)
{
    hmap_remove(&notices->watch_map, &watch->by_id);
    TAILQ_REMOVE(&notices->watches, watch, link);
    notices->watch_count--;
    free(watch);
}

void
on_call_free(struct notices *notices)
{
    while (!TAILQ_EMPTY(&notices->watches)) {
        watch_free(notices, TAILQ_FIRST(&notices->watches));
    }
    hmap_fini(&notices->watch_map);
}

static void
watch_put(struct store_change *change, const struct watch *watch, bool is_over)
{
    char name[NAME_SIZE];
    char value[NAME_SIZE + 80] = "";
    snprintf(name, sizeof(name), WATCH_SETTING "%s", watch->containment_id);
    if (!is_over) {
        snprintf(value, sizeof(value), "%u %lld %lld %s", watch->taken, (long long)watch->since_us,
                 (long long)watch->told_us, watch->told);
    }
    store_put_setting(change, name, value);
}

void
on_call_restore(struct controller *controller, const char *containment_id, const char *value)
{
    struct notices *notices = controller->notices;
    unsigned taken = 0;
    long long since = 0, told = 0;
    int used = 0;
    if (sscanf(value, "%u %lld %lld %n", &taken, &since, &told, &used) != 3 ||
        watch_find(notices, containment_id)) {
        return;
    }
    struct watch *watch = watch_new(notices, containment_id);
    watch->taken = taken;
    watch->since_us = since;
    watch->told_us = told;
    text_put(watch->told, sizeof(watch->told), value + used);
}

void
on_call_begin(struct controller *controller, struct store_change *change,
              const struct notice *notice)
{
    struct notices *notices = controller->notices;
    if (!notice->containment_id[0] || watch_find(notices, notice->containment_id) ||
        notices->watch_count >= PENDING_MAX) {
        return;
    }
    struct watch *watch = watch_new(notices, notice->containment_id);
    watch->since_us = notice->at_us;
    watch_put(change, watch, false);
}

/* ---- steps ---- */

static size_t
step_count(const struct notify_on_call *on_call)
{
    return on_call->step_count ? on_call->step_count : 1; /* none: at once, whoever is on call */
}

static struct notify_step
step_at(const struct notify_on_call *on_call, size_t index)
{
    return index < on_call->step_count ? on_call->steps[index]
                                       : (struct notify_step){.after_min = 0};
}

int64_t
on_call_due(const struct notify_on_call *on_call, const struct watch *watch)
{
    if (!on_call->is_on || watch->taken >= step_count(on_call)) {
        return 0;
    }
    return watch->since_us + step_at(on_call, watch->taken).after_min * MINUTE_US;
}

/* Nobody has a shift now: everybody is asked rather than nobody. */
static void
tell_contact(struct controller *controller, const struct notify_contact *contact,
             const struct containment *c)
{
    const struct notify_settings *settings = &controller->notices->settings;
    struct notice notice;
    char to[1][HOST_SIZE];
    struct outbox_target target = {.voice = VOICE_ON_CALL,
                                   .language = contact->language,
                                   .contact = contact->name,
                                   .to = to,
                                   .to_count = 1};
    target.channel = notify_channel_find(settings, settings->on_call.channel);
    memcpy(to[0], contact->email, sizeof(to[0]));
    notices_fill_containment(controller, c, NOTICE_PENDING, &notice);
    notice.at_us = c->requested_us;
    id_make(clock_wall_us(controller->clock), notice.id);
    text_put(notice.detail, sizeof(notice.detail), text_or_empty(c->hold_detail));
    if (target.channel && !target.channel->is_off) {
        outbox_add(controller, &target, &notice);
    }
}

static void
step_take(struct controller *controller, struct watch *watch, const struct containment *c)
{
    const struct notify_on_call *on_call = &controller->notices->settings.on_call;
    int64_t now_us = clock_wall_us(controller->clock);
    struct notify_step step = step_at(on_call, watch->taken);
    const struct notify_contact *contact =
        step.contact[0] ? on_call_contact(on_call, step.contact) : on_call_now(on_call, now_us);
    watch->taken++;
    watch->told_us = now_us;
    if (contact) {
        text_put(watch->told, sizeof(watch->told), contact->name);
        tell_contact(controller, contact, c);
        return;
    }
    text_put(watch->told, sizeof(watch->told), "everybody");
    for (size_t i = 0; i < on_call->contact_count; i++) {
        tell_contact(controller, &on_call->contacts[i], c);
    }
}

void
on_call_tick(struct controller *controller)
{
    struct notices *notices = controller->notices;
    const struct notify_on_call *on_call = &notices->settings.on_call;
    int64_t now_us = clock_wall_us(controller->clock);
    struct store_change *change = NULL;
    struct watch *watch = TAILQ_FIRST(&notices->watches);
    while (watch) {
        struct watch *next = TAILQ_NEXT(watch, link);
        const struct containment *c = controller_find(controller, watch->containment_id);
        int64_t due_us = on_call_due(on_call, watch);
        bool is_over = !c || c->state != CONTAINMENT_PENDING;
        if (is_over || (due_us > 0 && due_us <= now_us)) {
            change = change ? change : store_change_new();
            if (!is_over) {
                step_take(controller, watch, c);
            }
            watch_put(change, watch, is_over);
        }
        if (is_over) {
            watch_free(notices, watch);
        }
        watch = next;
    }
    if (change) {
        outbox_submit(controller, change, NULL);
    }
}

bool
controller_escalation(const struct controller *controller, const char *containment_id,
                      struct escalation_view *view)
{
    struct notices *notices = controller->notices;
    const struct notify_on_call *on_call = &notices->settings.on_call;
    const struct watch *watch = watch_find(notices, containment_id);
    if (!watch) {
        return false;
    }
    *view = (struct escalation_view){.taken = watch->taken,
                                     .steps = (uint32_t)step_count(on_call),
                                     .told_us = watch->told_us,
                                     .next_us = on_call_due(on_call, watch)};
    memcpy(view->told, watch->told, sizeof(view->told));
    if (view->next_us > 0) {
        struct notify_step step = step_at(on_call, watch->taken);
        const struct notify_contact *contact = step.contact[0]
                                                   ? on_call_contact(on_call, step.contact)
                                                   : on_call_now(on_call, view->next_us);
        text_put(view->next, sizeof(view->next), contact ? contact->name : "everybody");
    }
    return true;
}

void
on_call_shift(struct controller *controller, struct store_change *change,
              const struct clock_move *move)
{
    struct watch *watch;
    TAILQ_FOREACH(watch, &controller->notices->watches, link)
    {
        clock_move(move, &watch->since_us);
        clock_move(move, &watch->told_us);
        watch_put(change, watch, false);
    }
}
