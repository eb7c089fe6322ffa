#include "controller/notices/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/inspect.h"
#include "controller/controller.h"
#include "controller/entry.h"
#include "controller/notices/outbox.h"
#include "controller/notices/settings_change.h"
#include "wire/notify.h"

static void
question_free(struct notices *notices, struct question *question)
{
    TAILQ_REMOVE(&notices->questions, question, link);
    free(question->m.notices);
    free(question);
}

void
delivery_free(struct notices *notices)
{
    while (!TAILQ_EMPTY(&notices->questions)) {
        question_free(notices, TAILQ_FIRST(&notices->questions));
    }
}

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
    settings_change_gone(notices);
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
