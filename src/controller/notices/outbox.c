#include "controller/notices/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/notify.h"

#define HOUR_US INT64_C(3600000000)

static uint32_t
rate_of(const struct notify_channel *channel)
{
    static const uint32_t usual[NOTIFY_KIND_COUNT] = {
        [NOTIFY_EMAIL] = 60, [NOTIFY_WEBHOOK] = 600, [NOTIFY_SYSLOG] = 6000};
    return channel->per_hour ? channel->per_hour : usual[channel->kind];
}

struct lane *
outbox_lane(struct notices *notices, const char *channel)
{
    for (size_t i = 0; i < notices->lane_count; i++) {
        if (strcmp(notices->lanes[i].name, channel) == 0) {
            return &notices->lanes[i];
        }
    }
    return NULL;
}

/* Has it sent as much this hour as it may? */
static bool
lane_is_full(struct lane *lane, const struct notify_channel *channel, enum notify_voice voice,
             int64_t now_us)
{
    if (now_us - lane->window_us[voice] >= HOUR_US || now_us < lane->window_us[voice]) {
        lane->window_us[voice] = now_us;
        lane->sent[voice] = 0;
    }
    return lane->sent[voice] >= rate_of(channel);
}

/* ---- letters ---- */

static void
letter_free(struct notices *notices, struct letter *letter)
{
    TAILQ_REMOVE(&notices->letters, letter, link);
    notices->letter_count--;
    free(letter->m.notices);
    free(letter);
}

void
outbox_free(struct notices *notices)
{
    while (!TAILQ_EMPTY(&notices->letters)) {
        letter_free(notices, TAILQ_FIRST(&notices->letters));
    }
}

void
outbox_restore(struct controller *controller, const struct message *message)
{
    struct notices *notices = controller->notices;
    struct letter *letter = MEM_NEW(struct letter);
    letter->m = *message;
    letter->m.notices = mem_new(MESSAGE_NOTICES_MAX, sizeof(struct notice));
    if (message->notice_count > 0) {
        memcpy(letter->m.notices, message->notices, message->notice_count * sizeof(struct notice));
    }
    letter->is_closed = true; /* it may have been handed out */
    TAILQ_INSERT_TAIL(&notices->letters, letter, link);
    notices->letter_count++;
}

static struct letter *
letter_new(struct controller *controller, const struct outbox_target *target)
{
    struct notices *notices = controller->notices;
    struct letter *letter = MEM_NEW(struct letter);
    struct message *m = &letter->m;
    m->made_us = clock_wall_us(controller->clock);
    m->due_us = m->made_us;
    if (target->voice == VOICE_CHANNEL) {
        m->due_us += (int64_t)target->channel->digest_min * 60000000;
    }
    id_make(m->made_us, m->id);
    memcpy(m->channel, target->channel->name, sizeof(m->channel));
    m->voice = target->voice;
    m->language = target->language;
    text_put(m->contact, sizeof(m->contact), target->contact ? target->contact : "");
    m->to_count = target->to_count;
    if (target->to_count > 0) {
        memcpy(m->to, target->to, target->to_count * sizeof(m->to[0]));
    }
    m->notices = mem_new(MESSAGE_NOTICES_MAX, sizeof(struct notice));
    TAILQ_INSERT_TAIL(&notices->letters, letter, link);
    notices->letter_count++;
    return letter;
}

/* The newest that waits for that receiver; 'count' of all for that channel. */
static struct letter *
letter_find(struct notices *notices, const struct outbox_target *target, size_t *count)
{
    struct letter *letter;
    struct letter *found = NULL;
    *count = 0;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        const struct message *m = &letter->m;
        if (strcmp(m->channel, target->channel->name) != 0) {
            continue;
        }
        (*count)++;
        bool is_same = m->voice == target->voice && m->to_count == target->to_count &&
                       (m->to_count == 0 || strcmp(m->to[0], target->to[0]) == 0);
        if (is_same && !letter->is_closed && !letter->is_out && m->state == MESSAGE_WAITING) {
            found = letter;
        }
    }
    return found;
}

static bool
letter_has(const struct letter *letter, const char *notice_id)
{
    for (size_t i = 0; i < letter->m.notice_count; i++) {
        if (strcmp(letter->m.notices[i].id, notice_id) == 0) {
            return true; /* its commit failed, and it is routed again */
        }
    }
    return false;
}

void
outbox_add(struct controller *controller, const struct outbox_target *target,
           const struct notice *notice)
{
    struct notices *notices = controller->notices;
    struct lane *lane = outbox_lane(notices, target->channel->name);
    size_t count = 0;
    struct letter *letter = letter_find(notices, target, &count);
    /* An owner is one person with one machine: each is told of each. */
    bool is_whole = letter && letter->m.notice_count == MESSAGE_NOTICES_MAX;
    bool is_full = count >= OUTBOX_OF_CHANNEL_MAX || notices->letter_count >= OUTBOX_MAX ||
                   (lane && lane_is_full(lane, target->channel, target->voice,
                                         clock_wall_us(controller->clock)));
    if (!letter && (count >= OUTBOX_OF_CHANNEL_MAX || notices->letter_count >= OUTBOX_MAX)) {
        notices->given_up++;
        log_error("controller", "ALARM: too many notices wait: one is dropped",
                  LOG_S("channel", target->channel->name), LOG_S("notice", notice->id));
        return;
    }
    if (!letter || (is_whole && !is_full)) {
        letter = letter_new(controller, target);
    }
    if (letter->m.notice_count == MESSAGE_NOTICES_MAX) {
        letter->m.more++;
        notices->counted_only++;
    } else if (!letter_has(letter, notice->id)) {
        letter->m.notices[letter->m.notice_count++] = *notice;
    }
    letter->commit = notices->submitted + 1;
    letter->is_changed = true;
}

static bool
lane_is_pressed(struct controller *controller, const char *name)
{
    struct notices *notices = controller->notices;
    const struct notify_channel *channel = notify_channel_find(&notices->settings, name);
    struct lane *lane = outbox_lane(notices, name);
    const struct letter *letter;
    if (!channel || channel->is_off || !lane) {
        return false; /* nobody is told there */
    }
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        if (strcmp(letter->m.channel, name) == 0 && letter->m.state == MESSAGE_WAITING) {
            return true;
        }
    }
    return lane_is_full(lane, channel, VOICE_CHANNEL, clock_wall_us(controller->clock));
}

bool
outbox_is_pressed(struct controller *controller, enum notice_kind kind)
{
    const struct notify_settings *settings = &controller->notices->settings;
    for (size_t i = 0; i < settings->rule_count; i++) {
        const struct notify_rule *rule = &settings->rules[i];
        for (size_t j = 0; rule->kind == kind && j < rule->channel_count; j++) {
            if (lane_is_pressed(controller, rule->channels[j])) {
                return true;
            }
        }
    }
    return false;
}

/* ---- commits ---- */

static void
on_stored(void *context, int error)
{
    (void)error; /* it is sent all the same: who knows of it must be told */
    outbox_committed(context);
    outbox_tick(context);
}

void
outbox_submit(struct controller *controller, struct store_change *change,
              void (*done)(void *context, int error))
{
    struct letter *letter;
    TAILQ_FOREACH(letter, &controller->notices->letters, link)
    {
        if (letter->is_changed) { /* written once, however much came to it */
            store_put_message(change, &letter->m);
            letter->is_changed = false;
        }
    }
    controller->notices->submitted++;
    store_submit(controller->store, change, done ? done : on_stored, controller);
}

void
outbox_committed(struct controller *controller)
{
    controller->notices->committed++;
}

/* ---- handing over ---- */

static void
give_up(struct controller *controller, struct letter *letter, const char *why)
{
    struct notices *notices = controller->notices;
    struct store_change *change = store_change_new();
    letter->m.state = MESSAGE_GIVEN_UP;
    letter->m.done_us = clock_wall_us(controller->clock);
    if (why) {
        text_put(letter->m.answer, sizeof(letter->m.answer), why);
    }
    notices->given_up++;
    log_error("controller", "ALARM: a notice was given up", LOG_S("message", letter->m.id),
              LOG_S("channel", letter->m.channel), LOG_S("why", letter->m.answer));
    store_put_message(change, &letter->m);
    store_submit(controller->store, change, NULL, NULL);
}

void
outbox_settle(struct controller *controller)
{
    struct notices *notices = controller->notices;
    const struct notify_settings *settings = &notices->settings;
    struct lane before[NOTIFY_CHANNELS_MAX];
    size_t count = notices->lane_count;
    memcpy(before, notices->lanes, sizeof(before));
    notices->lane_count = settings->channel_count;
    for (size_t i = 0; i < settings->channel_count; i++) {
        struct lane *lane = &notices->lanes[i];
        *lane = (struct lane){.next_us = 0};
        memcpy(lane->name, settings->channels[i].name, sizeof(lane->name));
        for (size_t j = 0; j < count; j++) {
            if (strcmp(before[j].name, lane->name) == 0) {
                *lane = before[j];
                lane->next_us = lane->pause_us = 0; /* whoever changed it wants to see */
            }
        }
    }
    struct letter *letter;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        const struct notify_channel *channel = notify_channel_find(settings, letter->m.channel);
        if (letter->m.state == MESSAGE_WAITING && (!channel || channel->is_off)) {
            give_up(controller, letter,
                    channel ? "the channel was turned off" : "the channel was taken out");
        } else if (letter->m.attempts > 0) {
            letter->m.due_us = 0;
        }
    }
}

static void
hand_over(struct controller *controller, struct letter *letter,
          const struct notify_channel *channel, struct lane *lane)
{
    struct wire_notice wire = {.message = letter->m, .channel = *channel};
    memcpy(wire.console_url, controller->notices->settings.console_url, sizeof(wire.console_url));
    letter->is_out = controller->ports.send_notice &&
                     controller->ports.send_notice(controller->ports.context, &wire);
    if (letter->is_out && !letter->is_closed) {
        letter->is_closed = true;
        lane->sent[letter->m.voice]++;
    }
}

/* The next of that channel: people who are on call first, else the oldest. */
static struct letter *
lane_next(struct controller *controller, struct lane *lane, const struct notify_channel *channel)
{
    struct notices *notices = controller->notices;
    int64_t now_us = clock_wall_us(controller->clock);
    struct letter *letter;
    struct letter *next = NULL;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        if (strcmp(letter->m.channel, lane->name) != 0 || letter->m.state != MESSAGE_WAITING) {
            continue;
        }
        if (letter->is_out) {
            return NULL; /* one at a time */
        }
        bool is_due = letter->m.due_us <= now_us && letter->commit <= notices->committed;
        bool may = letter->is_closed || !lane_is_full(lane, channel, letter->m.voice, now_us);
        bool is_better =
            !next || (letter->m.voice == VOICE_ON_CALL && next->m.voice != VOICE_ON_CALL);
        next = is_due && may && is_better ? letter : next;
    }
    return next;
}

static void
sweep(struct controller *controller)
{
    struct notices *notices = controller->notices;
    int64_t now_us = clock_wall_us(controller->clock);
    struct letter *letter = TAILQ_FIRST(&notices->letters);
    while (letter) {
        struct letter *next = TAILQ_NEXT(letter, link);
        if (letter->m.state == MESSAGE_WAITING && !letter->is_out &&
            now_us - letter->m.made_us > OUTBOX_AGE_US) {
            give_up(controller, letter, NULL);
        }
        if (letter->m.state != MESSAGE_WAITING && letter->commit <= notices->committed) {
            letter_free(notices, letter);
        }
        letter = next;
    }
}

void
outbox_tick(struct controller *controller)
{
    struct notices *notices = controller->notices;
    int64_t now_us = clock_wall_us(controller->clock);
    sweep(controller);
    for (size_t i = 0; notices->is_joined && i < notices->lane_count; i++) {
        struct lane *lane = &notices->lanes[i];
        const struct notify_channel *channel = notify_channel_find(&notices->settings, lane->name);
        if (now_us < lane->next_us || !channel || channel->is_off) {
            continue;
        }
        struct letter *letter = lane_next(controller, lane, channel);
        if (letter) {
            hand_over(controller, letter, channel, lane);
        }
    }
}

void
outbox_shift(struct controller *controller, const struct clock_move *move)
{
    struct notices *notices = controller->notices;
    struct letter *letter;
    TAILQ_FOREACH(letter, &notices->letters, link)
    {
        if (letter->m.state == MESSAGE_WAITING && clock_is_moved(move, letter->m.made_us)) {
            letter->m.made_us += move->by_us;
            letter->m.due_us += move->by_us;
            letter->is_changed = true;
        }
    }
    for (size_t i = 0; i < notices->lane_count; i++) {
        struct lane *lane = &notices->lanes[i];
        lane->next_us += lane->next_us ? move->by_us : 0;
        for (size_t k = 0; k < VOICE_COUNT; k++) {
            lane->window_us[k] += lane->window_us[k] ? move->by_us : 0;
        }
    }
}
