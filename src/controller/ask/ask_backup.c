/* Backups, and what a restored database did not know. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool
is_unproven(const struct containment *c)
{
    return c->unproven && !ask_is_ended(c->state);
}

static void
answer_view(const struct ask_call *call)
{
    const char *cause = "";
    struct view_backup view = *copies_view(call->asks->settings.copies);
    view.restored_us = controller_restored(call->controller, &cause);
    snprintf(view.restored_cause, sizeof(view.restored_cause), "%s", cause);
    for (size_t i = 0; i < controller_containment_count(call->controller); i++) {
        view.unproven += is_unproven(controller_containment_at(call->controller, i));
    }
    ask_answer_shape(call, 200, &view_backup_shape, &view);
}

void
ask_backup_show(const struct ask_call *call, const void *parameters)
{
    (void)parameters;
    answer_view(call);
}

static void
on_done(void *context, enum copies_result result)
{
    struct ask_call *call = context;
    if (result == COPIES_DONE) {
        answer_view(call);
    } else if (result == COPIES_BUSY) {
        ask_problem(call, 409, "a backup is being made already", NULL, "wait until it is done");
    } else {
        ask_problem(call, 503, "it could not be stored, or not be started", NULL,
                    "nothing was changed; try again");
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
ask_backup_start(const struct ask_call *call, const void *parameters)
{
    (void)parameters;
    copies_start(call->asks->settings.copies, call->account, on_done, kept(call));
}

void
ask_backup_schedule(const struct ask_call *call, const void *parameters)
{
    const struct op_schedule *asked = parameters;
    copies_schedule(call->asks->settings.copies, asked->every_h, asked->keep ? asked->keep : 1,
                    call->account, on_done, kept(call));
}

void
ask_unproven_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    if (!ask_page_begin_run(call, &page, asked)) {
        return;
    }
    for (size_t i = controller_containment_count(call->controller); i > 0; i--) {
        const struct containment *each = controller_containment_at(call->controller, i - 1);
        const char *const texts[] = {each->id, text_or_empty(each->reason),
                                     text_or_empty(each->unproven), each->case_number, NULL};
        if (is_unproven(each) && ask_matches(asked->q, texts) &&
            ask_page_takes_key(&page, controller_containment_serial(call->controller, i - 1),
                               true)) {
            ask_page_add(&page, ask_view_containment(call->controller, each));
        }
    }
    ask_page_answer(call, &page);
}

static void
on_kept(void *context, enum wish_result result, const char *why,
        const struct containment *containment)
{
    struct ask_call *call = context;
    if (result == WISH_DONE) {
        ask_answer_json(call, 200, ask_view_containment(call->controller, containment));
    } else {
        unsigned status = result == WISH_UNKNOWN ? 404 : result == WISH_REFUSED ? 409 : 503;
        ask_problem(call, status, why, "id", "'cordonctl unproven' lists what waits");
    }
    free(call);
}

void
ask_unproven_keep(const struct ask_call *call, const void *parameters)
{
    const struct op_reason *asked = parameters;
    controller_prove(call->controller, asked->id, call->account, asked->reason, on_kept,
                     kept(call));
}
