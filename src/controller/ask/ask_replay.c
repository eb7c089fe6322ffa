/* Replay: start, sums, rows. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/replay/replay.h"
#include "wire/view_job.h"

/* A replay whose draft is being parsed beside the loop. */
struct drafting {
    struct ask_call call;
    uint32_t days;
    enum assumption assumption;
};

static void
start(const struct ask_call *call, struct policy *policy, bool is_draft, uint32_t days,
      enum assumption assumption)
{
    char why[TEXT_SIZE];
    const struct replay_settings settings = {.controller = call->controller,
                                             .policy = policy,
                                             .is_draft = is_draft,
                                             .days = days,
                                             .assumption = assumption};
    const struct job *job = replay_start(call->asks->jobs, call->account, &settings, why);
    if (job) {
        ask_answer_shape(call, 201, &view_job_shape, job);
    } else {
        ask_problem(call, 429, why, NULL, "wait for one to end, or cancel it");
    }
}

static void
on_draft(void *context, struct policy *policy, const struct policy_error *error)
{
    struct drafting *drafting = context;
    if (policy) {
        start(&drafting->call, policy, true, drafting->days, drafting->assumption);
    } else {
        ask_policy_refuse(&drafting->call, error, "policy");
    }
    free(drafting);
}

void
ask_replay_start(const struct ask_call *call, const void *parameters)
{
    const struct op_replay *asked = parameters;
    enum assumption assumption = (enum assumption)asked->assume;
    if (!asked->policy) {
        start(call, engine_policy(controller_engine(call->controller)), false, asked->days,
              assumption);
        return;
    }
    struct drafting *drafting = MEM_NEW(struct drafting);
    drafting->call = *call;
    drafting->call.parameters = NULL;
    drafting->days = asked->days;
    drafting->assumption = assumption;
    if (!revisions_check(call->asks->settings.revisions, asked->policy, false, on_draft,
                         drafting)) {
        free(drafting);
        ask_problem(call, 503, "too many texts are being checked", NULL, "try again");
    }
}

/* NULL: answered already. */
static struct replay *
replay_of(const struct ask_call *call, const char *id)
{
    struct replay *replay = jobs_context(call->asks->jobs, id, REPLAY_KIND);
    if (!replay) {
        ask_problem(call, 404, "no replay has this id; an hour after their end they are forgotten",
                    "id", "'cordonctl jobs' lists them");
    }
    return replay;
}

void
ask_replay_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    struct replay *replay = replay_of(call, asked->id);
    if (replay) {
        ask_answer_shape(call, 200, &view_replay_shape,
                         replay_view(replay, jobs_find(call->asks->jobs, asked->id)));
    }
}

static bool
is_asked(const struct op_replay_list *asked, const struct view_replay_decision *view)
{
    char mac[MAC_TEXT_SIZE];
    char ip[IP_TEXT_SIZE];
    char server[PREFIX_TEXT_SIZE];
    if ((asked->outcome != 0 && asked->outcome - 1 != (int)view->outcome) ||
        (asked->endpoint[0] != '\0' && strcmp(asked->endpoint, view->endpoint_id) != 0)) {
        return false;
    }
    if (asked->page.q[0] == '\0') {
        return true;
    }
    mac_format(&view->mac, mac);
    ip_format(&view->ip, ip);
    prefix_format(&view->server, server);
    const char *const texts[] = {view->host_name, view->endpoint_id, mac,          ip,
                                 server,          view->server_name, view->policy, view->reason,
                                 view->network,   view->switch_name, view->port,   NULL};
    return ask_matches(asked->page.q, texts);
}

void
ask_replay_list(const struct ask_call *call, const void *parameters)
{
    const struct op_replay_list *asked = parameters;
    const struct replay *replay = replay_of(call, asked->id);
    if (!replay) {
        return;
    }
    struct view_replay_decision *view = MEM_NEW(struct view_replay_decision);
    struct ask_page page;
    ask_page_begin(&page, &asked->page);
    /* where all of them are asked for, only the page's own are filled */
    bool is_all = asked->outcome == 0 && asked->endpoint[0] == '\0' && asked->page.q[0] == '\0';
    for (size_t i = 0; i < replay_decision_count(replay); i++) {
        bool may = is_all || (replay_decision_at(replay, i, view) && is_asked(asked, view));
        if (may && ask_page_takes(&page) && replay_decision_at(replay, i, view)) {
            ask_page_add(&page, codec_encode(&view_replay_decision_shape, view));
        }
    }
    free(view);
    ask_page_answer(call, &page);
}
