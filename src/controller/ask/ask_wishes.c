/* Wishes: contain, release, extend, judge, confirm, panic.  Answered when the commit is on disk. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/payload.h"

/* A wish whose commit is on its way. */
struct wishing {
    struct ask_call call;
    struct wish wish;     /* to compare with what was there already */
    char done[TEXT_SIZE]; /* answer where there is no containment */
};

static struct wishing *
wishing_new(const struct ask_call *call)
{
    struct wishing *wishing = MEM_NEW(struct wishing);
    wishing->call = *call;
    return wishing;
}

/* The same key for something else is a mistake of the asker's, not a repetition. */
static bool
is_same_wish(const struct wish *wish, const struct containment *there)
{
    bool is_same_server =
        wish->server_name[0]
            ? strcmp(wish->server_name, text_or_empty(there->server_name)) == 0
            : memcmp(&wish->server.ip, &there->server.ip, sizeof(struct ip)) == 0 &&
                  wish->server.length == there->server.length;
    /* As it was asked for: another way of naming somebody may be another machine. */
    bool is_same_subject =
        mac_is_equal(&wish->mac, &there->subject_mac) &&
        ip_is_equal(&wish->ip, &there->subject_ip) &&
        (!wish->endpoint_id[0] || strcmp(wish->endpoint_id, there->endpoint_id) == 0);
    bool is_same_site = !wish->site[0] || !there->site[0] || strcmp(wish->site, there->site) == 0;
    return wish->action == there->action && is_same_server && is_same_subject && is_same_site &&
           strcmp(wish->permit_set, there->permit_set) == 0;
}

static void
answer_refusal(const struct ask_call *call, enum wish_result result, const char *why)
{
    if (result == WISH_REFUSED) {
        ask_problem(call, 409, why, NULL, "nothing was changed");
    } else if (result == WISH_UNKNOWN) {
        ask_problem(call, 404, why, "id", "check the id or the address");
    } else {
        ask_problem(call, 503, why, NULL, "nothing was changed; try again");
    }
}

static void
on_recorded(void *context, enum wish_result result, const char *why,
            const struct containment *containment)
{
    struct wishing *wishing = context;
    struct view_done view = {.done = "recorded"};
    (void)containment;
    if (result == WISH_DONE) {
        ask_answer_shape(&wishing->call, 200, &view_done_shape, &view);
    } else {
        answer_refusal(&wishing->call, result, why);
    }
    free(wishing);
}

void
ask_audit_record(const struct ask_call *call, const void *parameters)
{
    const struct op_audit_record *record = parameters;
    if (record->payload != PAYLOAD_BY_ROLE) {
        payload_record(call, record);
        return;
    }
    controller_record(call->controller, call->account, record->action, record->object,
                      record->detail, on_recorded, wishing_new(call));
}

static void
on_wished(void *context, enum wish_result result, const char *why,
          const struct containment *containment)
{
    struct wishing *wishing = context;
    const struct ask_call *call = &wishing->call;
    bool creates = call->op == OP_CONTAINMENT_CREATE || call->op == OP_SERVER_CREATE;
    why = why ? why : "";
    if ((result != WISH_DONE && result != WISH_EXISTS) || !containment) {
        answer_refusal(call, result == WISH_DONE ? WISH_FAILED : result, why);
    } else if (creates && result == WISH_EXISTS && wishing->wish.external_id[0] &&
               strcmp(wishing->wish.external_id, text_or_empty(containment->external_id)) == 0 &&
               !is_same_wish(&wishing->wish, containment)) {
        ask_problem(call, 409, "this external_id was used for another wish", "external_id",
                    "use a new external_id for a new wish");
    } else {
        ask_answer_json(call, creates && result == WISH_DONE ? 201 : 200,
                        ask_view_containment(call->controller, containment));
    }
    free(wishing);
}

/* An address means a machine only within its site. */
static bool
is_our_site(const struct ask_call *call, const char *site)
{
    const struct policy *policy = engine_policy(controller_engine(call->controller));
    if (site[0] == '\0' || policy_knows_site(policy, site)) {
        return true;
    }
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail), "no site with addresses of its own is named '%s'", site);
    ask_problem(call, 422, detail, "site", "'cordonctl policy rollout' lists the sites");
    return false;
}

static bool
is_known_permit_set(const struct ask_call *call, const char *name)
{
    const struct permit_set *sets = NULL;
    size_t count = policy_permit_sets(engine_policy(controller_engine(call->controller)), &sets);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return true;
        }
    }
    if (name[0] == '\0') {
        return true;
    }
    ask_problem(call, 422, "no permit set of the running policy has this name", "permit_set",
                "'cordonctl policy show' lists them");
    return false;
}

static void
wish_fill(const struct ask_call *call, struct wish *wish, const char *reason,
          const char *external_id, uint32_t expires_s)
{
    snprintf(wish->reason, sizeof(wish->reason), "%s", reason);
    snprintf(wish->external_id, sizeof(wish->external_id), "%s", external_id);
    memcpy(wish->account, call->account, sizeof(wish->account));
    wish->expires_s = expires_s;
}

void
ask_containment_create(const struct ask_call *call, const void *parameters)
{
    const struct op_contain *asked = parameters;
    if (!is_our_site(call, asked->site) || !is_known_permit_set(call, asked->permit_set)) {
        return;
    }
    struct wishing *wishing = wishing_new(call);
    struct wish *wish = &wishing->wish;
    wish->action = (enum action)(asked->action + 1);
    memcpy(wish->endpoint_id, asked->endpoint_id, sizeof(wish->endpoint_id));
    wish->mac = asked->mac;
    wish->ip = asked->ip;
    memcpy(wish->site, asked->site, sizeof(wish->site));
    wish->observed_us = asked->observed_us;
    wish->is_by_address = asked->is_by_address;
    wish->server = asked->server;
    memcpy(wish->server_name, asked->server_name, sizeof(wish->server_name));
    memcpy(wish->permit_set, asked->permit_set, sizeof(wish->permit_set));
    wish_fill(call, wish, asked->reason, asked->external_id, asked->expires_s);
    controller_wish(call->controller, wish, on_wished, wishing);
}

void
ask_server_create(const struct ask_call *call, const void *parameters)
{
    const struct op_block_server *asked = parameters;
    if (!is_our_site(call, asked->site)) {
        return;
    }
    struct wishing *wishing = wishing_new(call);
    struct wish *wish = &wishing->wish;
    wish->action = ACTION_BLOCK_SERVER;
    wish->server = asked->server;
    memcpy(wish->site, asked->site, sizeof(wish->site));
    memcpy(wish->server_name, asked->server_name, sizeof(wish->server_name));
    wish_fill(call, wish, asked->reason, asked->external_id, asked->expires_s);
    controller_wish(call->controller, wish, on_wished, wishing);
}

/* Also after a restart: whoever did not hear the answer to a release asks again. */
static bool
answer_ended(const struct ask_call *call, const char *id, bool only_server)
{
    struct containment ended;
    if (!store_find_ended(controller_store(call->controller), id,
                          only_server ? action_names[ACTION_BLOCK_SERVER] : NULL, &ended)) {
        return false;
    }
    ask_answer_json(call, 200, ask_view_containment(call->controller, &ended));
    containment_fini(&ended);
    return true;
}

/* NULL: none. */
static const struct containment *
live_with(const struct ask_call *call, const char *id, bool only_server)
{
    for (size_t i = controller_containment_count(call->controller); i > 0; i--) {
        const struct containment *each = controller_containment_at(call->controller, i - 1);
        if ((strcmp(each->id, id) == 0 || strcmp(each->case_number, id) == 0) &&
            (!only_server || each->action == ACTION_BLOCK_SERVER)) {
            return each;
        }
    }
    return NULL;
}

/* The live containment with that id or case number; NULL: answered already. */
static const struct containment *
find_live(const struct ask_call *call, const char *id, bool only_server)
{
    const struct containment *found = live_with(call, id, only_server);
    if (found) {
        return found;
    }
    ask_problem(call, 404,
                only_server ? "no server block in force has this id"
                            : "no containment in force has this id or case number",
                "id", "'cordonctl containments' lists those in force");
    return NULL;
}

static void
release(const struct ask_call *call, const struct op_reason *asked, bool only_server)
{
    if (!live_with(call, asked->id, only_server) && answer_ended(call, asked->id, only_server)) {
        return;
    }
    const struct containment *found = find_live(call, asked->id, only_server);
    if (found) {
        controller_release(call->controller, found->id, call->account, asked->reason, on_wished,
                           wishing_new(call));
    }
}

void
ask_containment_release(const struct ask_call *call, const void *parameters)
{
    release(call, parameters, false);
}

void
ask_server_release(const struct ask_call *call, const void *parameters)
{
    release(call, parameters, true);
}

static void
extend(const struct ask_call *call, const struct op_extend *asked, bool only_server)
{
    const struct containment *found = find_live(call, asked->id, only_server);
    if (found) {
        controller_extend(call->controller, found->id, asked->expires_s, call->account, on_wished,
                          wishing_new(call));
    }
}

void
ask_containment_extend(const struct ask_call *call, const void *parameters)
{
    extend(call, parameters, false);
}

void
ask_server_extend(const struct ask_call *call, const void *parameters)
{
    extend(call, parameters, true);
}

static void
judge(const struct ask_call *call, const struct op_reason *asked, enum verdict verdict)
{
    const struct containment *found = find_live(call, asked->id, false);
    if (!found) {
        return;
    }
    if (found->state != CONTAINMENT_PENDING) {
        char detail[TEXT_SIZE];
        snprintf(detail, sizeof(detail), "it is not pending but %s",
                 containment_state_names[found->state]);
        ask_problem(call, 409, detail, "id", "'cordonctl pending' lists what waits");
        return;
    }
    controller_judge(call->controller, found->id, verdict, call->account, asked->reason, on_wished,
                     wishing_new(call));
}

void
ask_pending_enforce(const struct ask_call *call, const void *parameters)
{
    judge(call, parameters, VERDICT_ENFORCE);
}

void
ask_pending_check(const struct ask_call *call, const void *parameters)
{
    judge(call, parameters, VERDICT_CHECK);
}

void
ask_pending_revert(const struct ask_call *call, const void *parameters)
{
    judge(call, parameters, VERDICT_REVERT);
}

static void
on_protected(void *context, enum wish_result result, const char *why,
             const struct containment *containment)
{
    struct wishing *wishing = context;
    (void)containment;
    if (result == WISH_DONE || result == WISH_EXISTS) {
        struct view_done view = {0};
        memcpy(view.done, wishing->done, sizeof(view.done));
        ask_answer_shape(&wishing->call, 200, &view_done_shape, &view);
    } else {
        answer_refusal(&wishing->call, result, why ? why : "");
    }
    free(wishing);
}

void
ask_endpoint_protect(const struct ask_call *call, const void *parameters)
{
    const struct op_reason *asked = parameters;
    const struct endpoint *endpoint = ask_find_endpoint(call, asked->id);
    if (endpoint) {
        struct wishing *wishing = wishing_new(call);
        snprintf(wishing->done, sizeof(wishing->done), "%s is protected", endpoint->id);
        controller_protect_endpoint(call->controller, endpoint->id, call->account, asked->reason,
                                    on_protected, wishing);
    }
}

static void
protect(const struct ask_call *call, const struct op_reason *asked, bool confirm)
{
    struct wishing *wishing = wishing_new(call);
    snprintf(wishing->done, sizeof(wishing->done), "%s %s", asked->id,
             confirm ? "is protected" : "is not protected any more");
    controller_protect(call->controller, asked->id, confirm, call->account, asked->reason,
                       on_protected, wishing);
}

void
ask_protection_confirm(const struct ask_call *call, const void *parameters)
{
    protect(call, parameters, true);
}

void
ask_protection_remove(const struct ask_call *call, const void *parameters)
{
    protect(call, parameters, false);
}

static void
on_suspended(void *context, enum wish_result result, const char *why,
             const struct containment *containment)
{
    struct wishing *wishing = context;
    (void)containment;
    if (result == WISH_DONE || result == WISH_EXISTS) {
        ask_enforcement_show(&wishing->call, NULL);
    } else {
        answer_refusal(&wishing->call, result, why ? why : "");
    }
    free(wishing);
}

void
ask_enforcement_panic(const struct ask_call *call, const void *parameters)
{
    controller_panic(call->controller, true, call->account,
                     ((const struct op_why *)parameters)->reason, on_suspended, wishing_new(call));
}

void
ask_enforcement_resume(const struct ask_call *call, const void *parameters)
{
    controller_panic(call->controller, false, call->account,
                     ((const struct op_why *)parameters)->reason, on_suspended, wishing_new(call));
}
