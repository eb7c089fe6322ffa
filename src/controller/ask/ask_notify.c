/* Notifications: settings, test, history. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/notice.h"
#include "wire/view_notify.h"

#define STEP_MESSAGES 2

static void
answer_notifications(const struct ask_call *call)
{
    struct view_notifications *view = MEM_NEW(struct view_notifications);
    struct notify_state state;
    struct notify_channel_state channel;
    controller_notify_state(call->controller, &state);
    view->settings = *controller_notify_settings(call->controller);
    while (view->channel_count < NOTIFY_CHANNELS_MAX &&
           controller_notify_channel_at(call->controller, view->channel_count, &channel)) {
        struct view_notify_channel *to = &view->channels[view->channel_count++];
        *to = (struct view_notify_channel){.has_secret = channel.has_secret,
                                           .is_failing = channel.is_failing,
                                           .waiting = channel.waiting,
                                           .delivered_us = channel.delivered_us,
                                           .failed_us = channel.failed_us};
        memcpy(to->name, channel.name, sizeof(to->name));
        memcpy(to->answer, channel.answer, sizeof(to->answer));
    }
    view->channel_list = view->channels;
    view->is_connected = state.is_joined;
    memcpy(view->on_call, state.on_call, sizeof(view->on_call));
    view->waiting = state.waiting;
    view->put = state.put;
    view->delivered = state.delivered;
    view->given_up = state.given_up;
    view->counted_only = state.counted_only;
    ask_answer_shape(call, 200, &view_notifications_shape, view);
    free(view);
}

void
ask_notifications_show(const struct ask_call *call, const void *parameters)
{
    (void)parameters;
    answer_notifications(call);
}

static void
on_set(void *context, enum notify_result result, const char *answer)
{
    struct ask_call *call = context;
    if (result == NOTIFY_DONE) {
        answer_notifications(call);
    } else if (result == NOTIFY_STALE) {
        ask_problem(call, 409, answer, "version", "read the settings again; nothing was changed");
    } else {
        ask_problem(call, 503, answer, NULL, "nothing was changed; try again");
    }
    free(call);
}

static struct ask_call *
kept(const struct ask_call *call)
{
    struct ask_call *copy = MEM_NEW(struct ask_call);
    *copy = *call;
    return copy;
}

void
ask_notifications_set(const struct ask_call *call, const void *parameters)
{
    const struct op_notifications *asked = parameters;
    controller_notify_set(call->controller, &asked->settings, asked->secrets, asked->secret_count,
                          call->account, on_set, kept(call));
}

static void
on_tested(void *context, enum notify_result result, const char *answer)
{
    struct ask_call *call = context;
    struct view_notify_test view = {.is_delivered = result == NOTIFY_DONE};
    if (result == NOTIFY_UNKNOWN) {
        ask_problem(call, 404, answer, "id", "the settings name the channels");
    } else {
        snprintf(view.answer, sizeof(view.answer), "%s", answer);
        ask_answer_shape(call, 200, &view_notify_test_shape, &view);
    }
    free(call);
}

void
ask_notifications_test(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    controller_notify_test(call->controller, asked->id, call->account, on_tested, kept(call));
}

/* A message may tell of twenty notices: they are read in slices (jobs.h), a few at a time. */
struct listing {
    struct ask_call call;
    struct ask_page page;
    char q[HOST_SIZE];
    int64_t place; /* number of the last one read */
    int64_t last;  /* of the last one that the page looked at */
    size_t rows;   /* of this step */
    bool is_answered;
};

static bool
message_matches(const char *q, const struct message *m)
{
    const char *const texts[] = {m->channel,
                                 m->contact,
                                 m->answer,
                                 message_state_names[m->state],
                                 notify_voice_names[m->voice],
                                 m->to_count ? m->to[0] : "",
                                 NULL};
    bool matches = ask_matches(q, texts);
    for (size_t i = 0; !matches && i < m->notice_count; i++) {
        const struct notice *n = &m->notices[i];
        const char *const more[] = {notice_kind_names[n->kind],
                                    n->case_number,
                                    n->host_name,
                                    n->object,
                                    n->switch_name,
                                    n->reason,
                                    NULL};
        matches = ask_matches(q, more);
    }
    return matches;
}

static void
on_message(void *context, int64_t number, const struct message *message)
{
    struct listing *listing = context;
    struct ask_page *page = &listing->page;
    listing->rows++;
    listing->place = number;
    page->is_full = page->is_full || page->taken == page->limit || page->bytes >= ASK_PAGE_BYTES;
    if (page->is_full) {
        return;
    }
    listing->last = number;
    if (message && message_matches(listing->q, message)) {
        ask_page_add(page, codec_encode(&message_shape, message));
    }
}

static enum job_step
listing_step(void *context, struct job *job)
{
    struct listing *listing = context;
    listing->rows = 0;
    if (store_read_messages(controller_store(listing->call.controller), listing->place,
                            STEP_MESSAGES, on_message, listing) != 0) {
        return JOB_HAS_FAILED;
    }
    job->done += listing->rows;
    return listing->rows < STEP_MESSAGES || listing->page.is_full ? JOB_IS_DONE : JOB_GOES_ON;
}

static void
listing_over(void *context, const struct job *job)
{
    struct listing *listing = context;
    listing->is_answered = true;
    if (job->state != JOB_DONE) {
        cJSON_Delete(listing->page.items);
        ask_problem(&listing->call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "items", listing->page.items);
    if (listing->page.is_full) {
        cJSON_AddNumberToObject(body, "next", (double)listing->last);
    }
    ask_answer_json(&listing->call, 200, body);
}

static void
listing_free(void *context)
{
    struct listing *listing = context;
    if (!listing->is_answered) { /* core ends */
        cJSON_Delete(listing->page.items);
        ask_problem(&listing->call, 503, "core is ending", NULL, "ask again in a moment");
    }
    free(listing);
}

void
ask_notice_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct listing *listing = MEM_NEW(struct listing);
    char why[TEXT_SIZE];
    listing->call = *call;
    listing->place = (int64_t)asked->cursor;
    memcpy(listing->q, asked->q, sizeof(listing->q));
    ask_page_begin(&listing->page, asked);
    const struct job_work work = {.step = listing_step,
                                  .over = listing_over,
                                  .free = listing_free,
                                  .context = listing,
                                  .is_hidden = true};
    if (!jobs_start(call->asks->jobs, "notices.list", call->account, "", &work, why)) {
        ask_problem(call, 429, why, NULL, "ask again in a moment");
        listing->is_answered = true;
        cJSON_Delete(listing->page.items);
        listing_free(listing);
    }
}
