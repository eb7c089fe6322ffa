#include "web/people.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "web/people_state.h"
#include "web/reply.h"
#include "wire/view_account.h"
#include "wire/view_system.h"

#define ACCOUNT_FREE_FAILURES 5
#define PEER_FREE_FAILURES 20 /* one address may be a whole building behind a proxy */
#define PATH_ROOM 512
#define GONE_COOKIE SESSION_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"

/* One request that is being served; what of it counts depends on the operation. */
struct serving {
    struct people *people;
    struct evhttp_request *request;
    enum op op;
    struct caller caller;
    char name[NAME_SIZE]; /* the account or token that it is about */
    char password[PASSWORD_SIZE];
    struct account account;
    unsigned status; /* of the answer that waits for the audit */
    cJSON *body;     /* owned */
};

static void
on_session_end(void *context, const struct session *session)
{
    const struct people *people = context;
    people->settings.on_session_end(people->settings.context, session->number);
}

int
people_new(const struct people_settings *settings, struct people **out)
{
    struct people *people = MEM_NEW(struct people);
    people->settings = *settings;
    int error = hasher_new(settings->base, &people->hasher);
    if (error != 0) {
        free(people);
        return error;
    }
    people->tokens = token_file_new(settings->state_dir);
    people->accounts = account_file_new(settings->state_dir);
    people->sessions = sessions_new(settings->clock, on_session_end, people);
    people->by_account = lockout_new(ACCOUNT_FREE_FAILURES);
    people->by_peer = lockout_new(PEER_FREE_FAILURES);
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
    sessions_free(people->sessions);
    lockout_free(people->by_account);
    lockout_free(people->by_peer);
    account_file_free(people->accounts);
    token_file_free(people->tokens);
    free(people);
}

void
people_tick(struct people *people)
{
    sessions_tick(people->sessions);
}

/* ---- answers ---- */

static void
serving_free(struct serving *serving)
{
    cJSON_Delete(serving->body);
    sodium_memzero(serving, sizeof(*serving));
    free(serving);
}

static void
refuse(struct serving *serving, unsigned status, const char *detail, const char *where,
       const char *advice)
{
    reply_problem(serving->request, status, detail, where, advice);
    serving_free(serving);
}

static void
refuse_change(struct serving *serving, int error, const char *why)
{
    unsigned status = error == -ENOENT                                         ? 404
                      : error == -EINVAL                                       ? 422
                      : error == -EEXIST || error == -EPERM || error == -E2BIG ? 409
                                                                               : 503;
    refuse(serving, status, why, status == 422 ? "name" : NULL, "nothing was changed");
}

static void
on_recorded(void *context, const struct wire_answer *answer)
{
    struct serving *serving = context;
    if (answer->status == 200) {
        reply_json(serving->request, serving->status, serving->body);
        serving_free(serving);
    } else {
        refuse(serving, 503, "it was done, but could not be written to the audit", NULL,
               "look into the log of cordond");
    }
}

static void
on_recorded_aside(void *context, const struct wire_answer *answer)
{
    (void)context;
    if (answer->status != 200) {
        log_warn("web", "a sign-in, a sign-out or a new password was not written to the audit",
                 LOG_END);
    }
}

static void
record(struct people *people, const char *account, enum account_role role, const char *action,
       const char *object, asker_done_fn *done, void *context)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "action", action);
    if (object[0]) {
        cJSON_AddStringToObject(row, "object", object);
    }
    asker_ask(people->settings.asker, account, role, OP_AUDIT_RECORD, row, done, context);
}

/* Answers once the change that was made is in the audit.  Takes 'body'. */
static void
answer_recorded(struct serving *serving, unsigned status, cJSON *body, const char *action)
{
    serving->status = status;
    serving->body = body;
    record(serving->people, serving->caller.account, serving->caller.role, action, serving->name,
           on_recorded, serving);
}

static cJSON *
done_body(const char *text)
{
    struct view_done view = {0};
    snprintf(view.done, sizeof(view.done), "%s", text);
    return codec_encode(&view_done_shape, &view);
}

static cJSON *
account_body(const struct people *people, const struct account *account)
{
    struct view_account view = {
        .role = (int)account->role,
        .is_disabled = account->is_disabled,
        .must_change = account->must_change,
        .created_us = account->created_us,
        .sessions = (uint32_t)sessions_count_of(people->sessions, account->name),
    };
    memcpy(view.name, account->name, sizeof(view.name));
    return codec_encode(&view_account_shape, &view);
}

/* ---- sessions ---- */

static cJSON *
session_body(const struct people *people, const struct session *session)
{
    struct view_session view = {.account = {.role = (int)session->role},
                                .must_change = session->must_change,
                                .expires_us = sessions_expire_us(people->sessions, session)};
    snprintf(view.account.name, sizeof(view.account.name), "%s", session->account);
    snprintf(view.csrf, sizeof(view.csrf), "%s", session->csrf);
    return codec_encode(&view_session_shape, &view);
}

static void
session_give(struct serving *serving, const struct account *account)
{
    struct people *people = serving->people;
    char text[SESSION_TEXT_SIZE], cookie[256];
    const struct session *session = sessions_open(people->sessions, account, text);
    if (!session) {
        refuse(serving, 500, "no random bytes", NULL, NULL);
        return;
    }
    snprintf(cookie, sizeof(cookie),
             SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict", text);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie", cookie);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(cookie, sizeof(cookie));
    cJSON *body = session_body(people, session);
    reply_json(serving->request, 200, body);
    cJSON_Delete(body);
    serving_free(serving);
}

static const char *
peer_of(struct evhttp_request *request)
{
    char *peer = NULL;
    uint16_t port = 0;
    evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
    return peer ? peer : "?";
}

/* True: refused already. */
static bool
must_wait(struct serving *serving)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    int64_t wait = lockout_wait_us(people->by_account, serving->name, now);
    int64_t also = lockout_wait_us(people->by_peer, peer_of(serving->request), now);
    wait = also > wait ? also : wait;
    if (wait == 0) {
        return false;
    }
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait + 999999) / 1000000);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Retry-After", seconds);
    refuse(serving, 429, "too many failed attempts", NULL, "wait as long as Retry-After says");
    return true;
}

#define LOCKOUT_TOLD_US (60 * 1000000ll) /* locked out for so long: people are told */

static void
fail(struct serving *serving, const char *action)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    uint64_t swallowed = 0;
    const char *peer = peer_of(serving->request);
    lockout_failed(people->by_account, serving->name, now);
    lockout_failed(people->by_peer, peer, now);
    if (log_limit_pass(&people->failure_limit, now, &swallowed)) {
        char object[TEXT_SIZE];
        log_warn("web", "wrong name or password", LOG_S("account", serving->name),
                 LOG_S("peer", peer), LOG_I("swallowed", swallowed));
        snprintf(object, sizeof(object), "%.55s from %.64s", serving->name, peer);
        record(people, "nobody", ACCOUNT_VIEWER, action, object, on_recorded_aside, NULL);
    }
    /* Each try after this one waits as long: they are few. */
    if (lockout_wait_us(people->by_account, serving->name, now) >= LOCKOUT_TOLD_US) {
        char object[TEXT_SIZE];
        snprintf(object, sizeof(object), "%.55s from %.64s", serving->name, peer);
        record(people, "nobody", ACCOUNT_VIEWER, "session.locked", object, on_recorded_aside, NULL);
    }
    refuse(serving, 401, "account name or password is wrong", NULL, NULL);
}

/* Also where the audit cannot be written: without core there is nothing to see, but who is on duty
 * must not be locked out by a full disk. */
static void
on_session_recorded(void *context, const struct wire_answer *answer)
{
    struct serving *serving = context;
    const struct account_list *list = account_file_list(serving->people->accounts);
    const struct account *account = account_find(list, serving->name);
    on_recorded_aside(NULL, answer);
    if (account && !account->is_disabled) {
        session_give(serving, account);
    } else {
        refuse(serving, 401, "account name or password is wrong", NULL, NULL);
    }
}

static void
on_sign_in_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    struct people *people = serving->people;
    const struct account *account =
        account_find(account_file_list(people->accounts), serving->name);
    /* it may have been changed, disabled or removed while the hash was made */
    if (!is_good || !account || account->is_disabled || strcmp(account->hash, hash) != 0) {
        fail(serving, "session.failed");
        return;
    }
    lockout_succeeded(people->by_account, serving->name);
    snprintf(serving->caller.account, sizeof(serving->caller.account), ACCOUNT_PREFIX "%.55s",
             account->name);
    record(people, serving->caller.account, account->role, "session.open",
           peer_of(serving->request), on_session_recorded, serving);
}

/* An account that is disabled is treated like one that is not there. */
static const char *
hash_of(const struct people *people, const char *name)
{
    const struct account *account = account_find(account_file_list(people->accounts), name);
    return account && !account->is_disabled ? account->hash : NULL;
}

static void
refuse_busy(struct serving *serving)
{
    refuse(serving, 503, "too many sign in at the same time", NULL, "try again in a moment");
}

static void
serve_sign_in(struct serving *serving, const struct op_sign_in *asked)
{
    struct people *people = serving->people;
    snprintf(serving->name, sizeof(serving->name), "%s", asked->name);
    if (!people_is_own_page(evhttp_request_get_input_headers(serving->request))) {
        refuse(serving, 403, "this sign-in was not sent by the console", "Origin", NULL);
    } else if (!must_wait(serving) && !hasher_check(people->hasher, hash_of(people, serving->name),
                                                    asked->password, on_sign_in_checked, serving)) {
        refuse_busy(serving);
    }
}

static const struct session *
session_of(struct serving *serving)
{
    char cookie[SESSION_TEXT_SIZE];
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(serving->request), "Cookie");
    return serving->caller.session_number && cookie_find(header, SESSION_COOKIE, cookie)
               ? sessions_find(serving->people->sessions, cookie)
               : NULL;
}

static void
serve_session_show(struct serving *serving)
{
    const struct session *session = session_of(serving);
    struct view_session view = {.account = {.role = (int)serving->caller.role}};
    memcpy(view.account.name, serving->caller.account, sizeof(view.account.name));
    cJSON *body =
        session ? session_body(serving->people, session) : codec_encode(&view_session_shape, &view);
    reply_json(serving->request, 200, body);
    cJSON_Delete(body);
    serving_free(serving);
}

static void
serve_session_end(struct serving *serving)
{
    struct people *people = serving->people;
    const struct session *session = session_of(serving);
    if (!session) {
        refuse(serving, 409, "a token has no session", NULL, "revoke the token instead");
        return;
    }
    record(people, serving->caller.account, serving->caller.role,
           serving->op == OP_SESSION_END ? "session.end" : "session.end-all", "", on_recorded_aside,
           NULL);
    if (serving->op == OP_SESSION_END) {
        sessions_end(people->sessions, session);
    } else {
        char name[NAME_SIZE];
        memcpy(name, session->account, sizeof(name));
        sessions_end_of(people->sessions, name);
    }
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie",
                      GONE_COOKIE);
    cJSON *body = done_body("signed out");
    reply_json(serving->request, 200, body);
    cJSON_Delete(body);
    serving_free(serving);
}

/* ---- one's own password ---- */

static void
first_password_forget(const struct people *people)
{
    char path[PATH_ROOM];
    const struct people_settings *settings = &people->settings;
    int error;
    snprintf(path, sizeof(path), "%s/admin.password", settings->state_dir);
    if (settings->forget_password) {
        error = settings->forget_password(settings->forget_context);
    } else {
        error = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
    }
    if (error) {
        log_warn("web", "the first password's file is still there", LOG_S("file", path),
                 LOG_S("why", strerror(-error)));
    }
}

static void
on_own_password_made(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    struct people *people = serving->people;
    struct account account = {.must_change = false};
    char why[256] = "not enough memory to hash a password";
    memcpy(account.name, serving->name, sizeof(account.name));
    snprintf(account.hash, sizeof(account.hash), "%s", hash);
    int error = is_good
                    ? account_apply(people->settings.state_dir, ACCOUNT_SET_PASSWORD, &account, why)
                    : -ENOMEM;
    if (error != 0) {
        refuse_change(serving, error, why);
        return;
    }
    if (strcmp(serving->name, "admin") == 0) {
        first_password_forget(people);
    }
    sessions_end_of(people->sessions, serving->name);
    record(people, serving->caller.account, serving->caller.role, "account.own-password", "",
           on_session_recorded, serving);
}

static void
on_own_password_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    (void)hash;
    if (!is_good) {
        fail(serving, "session.password-failed");
    } else if (!hasher_make(serving->people->hasher, serving->password, on_own_password_made,
                            serving)) {
        refuse_busy(serving);
    }
}

static void
serve_own_password(struct serving *serving, const struct op_password *asked)
{
    struct people *people = serving->people;
    const struct session *session = session_of(serving);
    char why[256];
    if (!session) {
        refuse(serving, 409, "a token has no password", NULL, NULL);
        return;
    }
    memcpy(serving->name, session->account, sizeof(serving->name));
    if (!account_password_is_good(serving->name, asked->password, why)) {
        refuse(serving, 422, why, "new", NULL);
    } else if (strcmp(asked->old, asked->password) == 0) {
        refuse(serving, 422, "the new password is the old one", "new", "choose another one");
    } else if (!must_wait(serving)) {
        snprintf(serving->password, sizeof(serving->password), "%s", asked->password);
        if (!hasher_check(people->hasher, hash_of(people, serving->name), asked->old,
                          on_own_password_checked, serving)) {
            refuse_busy(serving);
        }
    }
}

/* ---- accounts ---- */

static cJSON *
account_item(const struct people *people, size_t index, const char **name)
{
    const struct account_list *list = account_file_list(people->accounts);
    *name = index < list->count ? list->items[index].name : NULL;
    return *name ? account_body(people, &list->items[index]) : NULL;
}

/* One page of a list whose names hold 'q'; 'item_at' gives NULL behind the last one. */
static void
serve_list(struct serving *serving, const struct op_page *page,
           cJSON *(*item_at)(const struct people *people, size_t index, const char **name))
{
    cJSON *body = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(body, "items"), *item;
    uint64_t seen = 0, taken = 0, limit = page->limit ? page->limit : OP_LIMIT_DEFAULT;
    const char *name;
    for (size_t i = 0; (item = item_at(serving->people, i, &name)); i++) {
        if (page->q[0] && !strcasestr(name, page->q)) {
            cJSON_Delete(item);
        } else if (seen++ < page->cursor || taken == limit) {
            cJSON_Delete(item);
        } else {
            cJSON_AddItemToArray(items, item);
            taken++;
        }
    }
    if (page->cursor + taken < seen) {
        cJSON_AddNumberToObject(body, "next", (double)(page->cursor + taken));
    }
    cJSON_AddNumberToObject(body, "total", (double)seen);
    reply_json(serving->request, 200, body);
    cJSON_Delete(body);
    serving_free(serving);
}

/* The change that 'serving' describes is made, and answered when the audit has it. */
static void
account_change(struct serving *serving, enum account_change change, const char *action)
{
    struct people *people = serving->people;
    char why[256];
    int error = account_apply(people->settings.state_dir, change, &serving->account, why);
    if (error != 0) {
        refuse_change(serving, error, why);
        return;
    }
    bool frees = change == ACCOUNT_CREATE ||
                 (change == ACCOUNT_SET_DISABLED && !serving->account.is_disabled);
    if (!frees) {
        sessions_end_of(people->sessions, serving->name);
    }
    const struct account *now = account_find(account_file_list(people->accounts), serving->name);
    cJSON *body = now ? account_body(people, now) : done_body("removed");
    answer_recorded(serving, change == ACCOUNT_CREATE ? 201 : 200, body, action);
}

static void
on_account_password_made(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    if (!is_good) {
        refuse(serving, 503, "not enough memory to hash a password", NULL, "try again");
        return;
    }
    snprintf(serving->account.hash, sizeof(serving->account.hash), "%s", hash);
    if (serving->op == OP_ACCOUNT_CREATE) {
        account_change(serving, ACCOUNT_CREATE, "account.create");
    } else {
        account_change(serving, ACCOUNT_SET_PASSWORD, "account.password");
    }
}

static void
serve_account_password(struct serving *serving, const struct op_account *asked)
{
    char why[256];
    serving->account.must_change = true; /* whoever sets it knows it */
    if (!account_password_is_good(serving->name, asked->password, why)) {
        refuse(serving, 422, why, "password", NULL);
    } else if (!hasher_make(serving->people->hasher, asked->password, on_account_password_made,
                            serving)) {
        refuse_busy(serving);
    }
}

static void
serve_account(struct serving *serving, const struct op_account *asked)
{
    struct people *people = serving->people;
    const char *name = serving->op == OP_ACCOUNT_CREATE ? asked->name : asked->id;
    snprintf(serving->name, sizeof(serving->name), "%s", name);
    serving->account.role = (enum account_role)asked->role;
    serving->account.created_us = clock_wall_us(people->settings.clock);
    memcpy(serving->account.name, serving->name, sizeof(serving->name));
    switch (serving->op) {
    case OP_ACCOUNT_CREATE:
    case OP_ACCOUNT_PASSWORD:
        serve_account_password(serving, asked);
        break;
    case OP_ACCOUNT_ROLE:
        account_change(serving, ACCOUNT_SET_ROLE, "account.role");
        break;
    case OP_ACCOUNT_DISABLE:
        serving->account.is_disabled = true;
        account_change(serving, ACCOUNT_SET_DISABLED, "account.disable");
        break;
    case OP_ACCOUNT_ENABLE:
        account_change(serving, ACCOUNT_SET_DISABLED, "account.enable");
        break;
    case OP_ACCOUNT_REMOVE:
        account_change(serving, ACCOUNT_REMOVE, "account.remove");
        break;
    default: /* OP_ACCOUNT_END_SESSIONS */
        sessions_end_of(people->sessions, serving->name);
        answer_recorded(serving, 200, done_body("its sessions are over"), "account.end-sessions");
        break;
    }
}

/* ---- tokens ---- */

static cJSON *
token_body(const struct token *token, const char *text)
{
    struct view_token view = {.role = (int)token->role, .created_us = token->created_us};
    memcpy(view.name, token->name, sizeof(view.name));
    snprintf(view.token, sizeof(view.token), "%s", text);
    cJSON *body = codec_encode(&view_token_shape, &view);
    sodium_memzero(&view, sizeof(view));
    return body;
}

static cJSON *
token_item(const struct people *people, size_t index, const char **name)
{
    const struct token_list *list = token_file_list(people->tokens);
    *name = index < list->count ? list->tokens[index].name : NULL;
    return *name ? token_body(&list->tokens[index], "") : NULL;
}

static void
serve_token_create(struct serving *serving, const struct op_token *asked)
{
    const struct people_settings *settings = &serving->people->settings;
    char text[TOKEN_TEXT_SIZE], why[256];
    struct token token = {.role = (enum account_role)asked->role,
                          .created_us = clock_wall_us(settings->clock)};
    memcpy(token.name, asked->name, sizeof(token.name));
    memcpy(serving->name, asked->name, sizeof(serving->name));
    int error = token_add(settings->state_dir, asked->name, token.role, settings->clock, text, why);
    if (error != 0) {
        refuse_change(serving, error, why);
        return;
    }
    answer_recorded(serving, 201, token_body(&token, text), "token.create");
    sodium_memzero(text, sizeof(text));
}

static void
serve_token_revoke(struct serving *serving, const struct op_id *asked)
{
    char why[256];
    snprintf(serving->name, sizeof(serving->name), "%.63s", asked->id);
    int error = token_remove(serving->people->settings.state_dir, serving->name, why);
    if (error != 0) {
        refuse_change(serving, error, why);
        return;
    }
    answer_recorded(serving, 200, done_body("revoked"), "token.revoke");
}

/* ---- all of them ---- */

static bool
changes_accounts(enum op op)
{
    return op != OP_ACCOUNT_LIST && op != OP_TOKEN_LIST && op >= OP_ACCOUNT_LIST;
}

static void
serve(struct serving *serving, const void *parameters)
{
    switch (serving->op) {
    case OP_SESSION_OPEN:
        serve_sign_in(serving, parameters);
        break;
    case OP_SESSION_SHOW:
        serve_session_show(serving);
        break;
    case OP_SESSION_END:
    case OP_SESSION_END_ALL:
        serve_session_end(serving);
        break;
    case OP_SESSION_PASSWORD:
        serve_own_password(serving, parameters);
        break;
    case OP_ACCOUNT_LIST:
        serve_list(serving, parameters, account_item);
        break;
    case OP_TOKEN_LIST:
        serve_list(serving, parameters, token_item);
        break;
    case OP_TOKEN_CREATE:
        serve_token_create(serving, parameters);
        break;
    case OP_TOKEN_REVOKE:
        serve_token_revoke(serving, parameters);
        break;
    default:
        serve_account(serving, parameters);
        break;
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
    if (caller) {
        serving->caller = *caller;
    }
    if (shape && codec_decode(shape, parameters, decoded, &error) != 0) {
        refuse(serving, 422, error.why, error.path, NULL);
    } else if (changes_accounts(route->op) && !asker_is_connected(people->settings.asker)) {
        refuse(serving, 503, "core is away: the audit could not be written", NULL,
               "nothing was changed; try again");
    } else {
        serve(serving, decoded);
    }
    if (shape) {
        sodium_memzero(decoded, shape->size);
    }
    free(decoded);
}
