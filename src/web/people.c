#include "web/people.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/seal.h"
#include "web/people_state.h"
#include "web/reply.h"
#include "wire/view_account.h"
#include "wire/view_system.h"

#define ACCOUNT_FREE_FAILURES 5
#define PEER_FREE_FAILURES 20 /* one address may be a whole building behind a proxy */
#define PEER_TRIES 20         /* of one address at the same time */
#define PATH_ROOM 512

static void
on_session_end(void *context, const struct session *session)
{
    const struct people *people = context;
    people->settings.on_session_end(people->settings.context, session->number);
}

int
people_new(const struct people_settings *settings, struct people **out, char why[256])
{
    struct people *people = MEM_NEW(struct people);
    people->settings = *settings;
    int error = hasher_new(settings->base, &people->hasher);
    if (error != 0) {
        snprintf(why, 256, "the thread for passwords cannot be started: %s", strerror(-error));
        seal_free(settings->seal);
        free(people);
        return error;
    }
    people->factors = factors_open(settings->state_dir, settings->seal);
    static const struct config none = {.state_dir = ""};
    people->rules = settings->config ? settings->config : &none;
    people->tokens = token_file_new(settings->state_dir);
    people->token_uses = token_uses_open(settings->state_dir);
    people->waiting = people_waiting_new();
    people->tickets = tickets_new(settings->clock);
    people->accounts = account_file_new(settings->state_dir);
    people->sessions = sessions_new(settings->clock, on_session_end, people);
    char kept[PATH_ROOM];
    snprintf(kept, sizeof(kept), "%s/web/sessions", settings->state_dir);
    sessions_keep(people->sessions, kept);
    people->by_account = lockout_new(ACCOUNT_FREE_FAILURES, 1);
    people->by_peer = lockout_new(PEER_FREE_FAILURES, PEER_TRIES);
    snprintf(kept, sizeof(kept), "%s/web/" LOCKOUT_FILE "accounts", settings->state_dir);
    lockout_keep(people->by_account, kept, settings->clock);
    snprintf(kept, sizeof(kept), "%s/web/" LOCKOUT_FILE "networks", settings->state_dir);
    lockout_keep(people->by_peer, kept, settings->clock);
    people->failure_limit = (struct log_limit){.period_us = 10 * 1000000, .burst = 20, .left = 20};
    *out = people;
    return 0;
}

void
people_free(struct people *people)
{
    if (!people) {
        return;
    }
    hasher_free(people->hasher);
    people_waiting_free(people->waiting);
    sessions_free(people->sessions);
    lockout_free(people->by_account);
    lockout_free(people->by_peer);
    account_file_free(people->accounts);
    token_file_free(people->tokens);
    token_uses_free(people->token_uses);
    tickets_free(people->tickets);
    factors_free(people->factors);
    free(people);
}

static bool
is_good(void *context, const struct session *session)
{
    return people_session_is_good(context, session);
}

#define CHECK_US (2 * 1000000ll)

void
people_tick(struct people *people)
{
    int64_t now_us = clock_boot_us(people->settings.clock);
    sessions_tick(people->sessions);
    if (now_us - people->checked_us > CHECK_US) { /* also those that only listen to events */
        people->checked_us = now_us;
        sessions_check(people->sessions, is_good, people);
    }
    people_waiting_tick(people);
    token_uses_tick(people->token_uses, clock_boot_us(people->settings.clock));
}

/* ---- answers ---- */

void
serving_free(struct serving *serving)
{
    if (serving->tried_key[0]) {
        lockout_end(serving->people->by_account, serving->tried_key);
    }
    if (serving->tried_peer[0]) {
        lockout_end(serving->people->by_peer, serving->tried_peer);
    }
    cJSON_Delete(serving->body);
    sodium_memzero(serving, sizeof(*serving));
    free(serving);
}

void
people_refuse(struct serving *serving, unsigned status, const char *detail, const char *where,
              const char *advice)
{
    reply_problem(serving->request, status, detail, where, advice);
    serving_free(serving);
}

void
people_refuse_change(struct serving *serving, int error, const char *why)
{
    unsigned status = error == -ENOENT                                         ? 404
                      : error == -EINVAL                                       ? 422
                      : error == -EEXIST || error == -EPERM || error == -E2BIG ? 409
                                                                               : 503;
    people_refuse(serving, status, why, status == 422 ? "name" : NULL, "nothing was changed");
}

void
people_answer(struct serving *serving, unsigned status, const cJSON *body)
{
    reply_json(serving->request, status, body);
    serving_free(serving);
}

void
people_refuse_busy(struct serving *serving)
{
    people_refuse(serving, 503, "too many sign in at the same time", NULL, "try again in a moment");
}

static void
on_recorded(void *context, const struct wire_answer *answer)
{
    struct serving *serving = context;
    if (answer->status == 200) {
        people_answer(serving, serving->status, serving->body);
    } else {
        people_refuse(serving, 503, "it was done, but could not be written to the audit", NULL,
                      "look into the log of cordond");
    }
}

void
people_recorded_aside(void *context, const struct wire_answer *answer)
{
    (void)context;
    if (answer->status != 200) {
        log_warn("web", "a sign-in, a sign-out or a new password was not written to the audit",
                 LOG_END);
    }
}

static cJSON *
row_of(cJSON *more, const char *action, const char *object)
{
    cJSON *row = more ? more : cJSON_CreateObject();
    cJSON_AddStringToObject(row, "action", action);
    if (object[0]) {
        cJSON_AddStringToObject(row, "object", object);
    }
    return row;
}

void
people_record_as(struct people *people, const char *account, enum account_role role,
                 const char *action, const char *object, asker_done_fn *done, void *context)
{
    asker_ask(people->settings.asker, account, role, OP_AUDIT_RECORD, row_of(NULL, action, object),
              done, context);
}

void
people_record(struct serving *serving, const char *action, cJSON *more, asker_done_fn *done)
{
    asker_ask(serving->people->settings.asker, serving->caller.account, serving->caller.role,
              OP_AUDIT_RECORD, row_of(more, action, serving->name), done, serving);
}

void
people_record_aside(struct people *people, const char *account, enum account_role role,
                    const char *action, const char *object)
{
    people_record_as(people, account, role, action, object, people_recorded_aside, NULL);
}

void
people_answer_recorded(struct serving *serving, unsigned status, cJSON *body, const char *action)
{
    serving->status = status;
    serving->body = body;
    people_record(serving, action, NULL, on_recorded);
}

cJSON *
people_done_body(const char *text)
{
    struct view_done view = {0};
    snprintf(view.done, sizeof(view.done), "%s", text);
    return codec_encode(&view_done_shape, &view);
}

/* ---- all of them ---- */

/* What must not be done where the audit cannot be written. */
static bool
changes_accounts(enum op op)
{
    return op != OP_ACCOUNT_LIST && op != OP_ACCOUNT_RULES && op != OP_TOKEN_LIST &&
           op >= OP_FACTOR_CONFIRM;
}

static void
serve_ways(struct serving *serving)
{
    struct view_ways view = {0};
    const struct config_openid *openid = &serving->people->rules->openid;
    if (openid->issuer[0]) {
        snprintf(view.openid, sizeof(view.openid), "%s", openid->name);
    }
    cJSON *body = codec_encode(&view_ways_shape, &view);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

static void
serve_session(struct serving *serving, const void *parameters)
{
    switch (serving->op) {
    case OP_SESSION_OPEN:
        people_serve_sign_in(serving, parameters);
        break;
    case OP_SESSION_CODE:
        people_serve_code(serving, parameters);
        break;
    case OP_SESSION_WAYS:
        serve_ways(serving);
        break;
    case OP_SESSION_OPENID_BEGIN:
    case OP_SESSION_OPENID:
        people_serve_openid(serving, parameters);
        break;
    case OP_SESSION_SHOW:
        people_serve_session(serving);
        break;
    case OP_SESSION_LIST:
        people_serve_sessions(serving);
        break;
    case OP_SESSION_PASSWORD:
        people_serve_password(serving, parameters);
        break;
    default: /* OP_SESSION_END, _ALL, _OTHERS */
        people_serve_session_end(serving);
        break;
    }
}

/* Signing in is for our own page: another one must not sign a browser in, as somebody else. */
static bool
is_foreign(const struct serving *serving)
{
    return serving->op != OP_SESSION_WAYS && serving->caller.account[0] == '\0' &&
           !people_is_own_page(evhttp_request_get_input_headers(serving->request));
}

static void
serve(struct serving *serving, const void *parameters)
{
    if (is_foreign(serving)) {
        people_refuse(serving, 403, "this sign-in was not sent by the console", "Origin", NULL);
    } else if (serving->op < OP_FACTOR_BEGIN) {
        serve_session(serving, parameters);
    } else if (serving->op < OP_ACCOUNT_LIST) {
        people_serve_factor(serving, parameters);
    } else if (serving->op < OP_TOKEN_LIST) {
        people_serve_accounts(serving, parameters);
    } else {
        people_serve_tokens(serving, parameters);
    }
}

void
people_serve(struct people *people, struct evhttp_request *request, const struct route *route,
             const struct caller *caller, const cJSON *parameters)
{
    const struct shape *shape = op_table[route->op].parameters;
    void *decoded = shape ? mem_new(1, shape->size) : NULL;
    struct codec_error error = {0};
    struct serving *serving = MEM_NEW(struct serving);
    serving->people = people;
    serving->request = request;
    serving->op = route->op;
    peer_of(people->rules, request, serving->peer);
    if (caller) {
        serving->caller = *caller;
    }
    if (shape && codec_decode(shape, parameters, decoded, &error) != 0) {
        people_refuse(serving, 422, error.why, error.path, NULL);
    } else if (changes_accounts(route->op) && !asker_is_connected(people->settings.asker)) {
        people_refuse(serving, 503, "core is away: the audit could not be written", NULL,
                      "nothing was changed; try again");
    } else {
        serve(serving, decoded);
    }
    if (shape) {
        sodium_memzero(decoded, shape->size);
    }
    free(decoded);
}
