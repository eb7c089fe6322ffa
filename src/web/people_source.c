/* Signing in with an account of a directory or an OpenID provider: the login role says who it is,
 * and this makes an account of it, or not. */
#include <errno.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/mem.h"
#include "web/people_state.h"

#define WAITING_MAX 64
/* Longer than every time-out of login. */
#define PATIENCE_US (40 * 1000000ll)
#define DIRECTORY_PATIENCE_US (12 * 1000000ll)
/* Whose way to the provider and back it is; SameSite=Strict: the console itself sends it. */
#define FLOW_COOKIE "__Host-cordon-flow"

struct waiting {
    TAILQ_ENTRY(waiting) link;
    struct serving *serving; /* owned */
    uint64_t number;
    int kind; /* enum login_kind */
    int64_t until_us;
    char about[LOGIN_FLOW_SIZE];  /* as in wire/login.h */
    char flow[SESSION_TEXT_SIZE]; /* LOGIN_BEGIN: the cookie's value */
};

struct people_waiting {
    TAILQ_HEAD(, waiting) all;
    size_t count;
    uint64_t last_number;
};

struct people_waiting *
people_waiting_new(void)
{
    struct people_waiting *waiting = MEM_NEW(struct people_waiting);
    TAILQ_INIT(&waiting->all);
    /* Not from 0: an answer to our predecessor, which died, must sign nobody else in. */
    waiting->last_number = (uint64_t)clock_boot_us(clock_system());
    return waiting;
}

static struct serving *
take_out(struct people_waiting *list, struct waiting *waiting)
{
    struct serving *serving = waiting->serving;
    TAILQ_REMOVE(&list->all, waiting, link);
    list->count--;
    sodium_memzero(waiting, sizeof(*waiting));
    free(waiting);
    return serving;
}

void
people_waiting_free(struct people_waiting *list)
{
    while (list && !TAILQ_EMPTY(&list->all)) {
        serving_free(take_out(list, TAILQ_FIRST(&list->all)));
    }
    free(list);
}

static void
refuse_away(struct serving *serving)
{
    people_refuse(serving, 503, "the server that knows this account cannot be asked", NULL,
                  "accounts that are kept here still work");
}

void
people_login_gone(struct people *people)
{
    while (!TAILQ_EMPTY(&people->waiting->all)) {
        refuse_away(take_out(people->waiting, TAILQ_FIRST(&people->waiting->all)));
    }
}

void
people_waiting_tick(struct people *people)
{
    int64_t now = clock_boot_us(people->settings.clock);
    struct waiting *waiting = TAILQ_FIRST(&people->waiting->all);
    while (waiting) {
        struct waiting *next = TAILQ_NEXT(waiting, link);
        if (now > waiting->until_us) {
            refuse_away(take_out(people->waiting, waiting));
        }
        waiting = next;
    }
}

/* Takes 'serving'. */
static void
ask(struct serving *serving, struct wire_login *question, const char *flow)
{
    struct people *people = serving->people;
    struct people_waiting *list = people->waiting;
    if (list->count >= WAITING_MAX) {
        people_refuse_busy(serving);
        return;
    }
    question->number = ++list->last_number;
    if (!people->settings.login ||
        !people->settings.login(people->settings.login_context, question)) {
        refuse_away(serving);
        return;
    }
    bool is_directory = question->kind == LOGIN_PASSWORD;
    struct waiting *waiting = MEM_NEW(struct waiting);
    *waiting = (struct waiting){.serving = serving,
                                .number = question->number,
                                .kind = question->kind,
                                .until_us = clock_boot_us(people->settings.clock) +
                                            (is_directory ? DIRECTORY_PATIENCE_US : PATIENCE_US)};
    snprintf(waiting->about, sizeof(waiting->about), "%s",
             is_directory ? question->name : question->flow);
    snprintf(waiting->flow, sizeof(waiting->flow), "%s", flow);
    TAILQ_INSERT_TAIL(&list->all, waiting, link);
    list->count++;
}

void
people_ask_directory(struct serving *serving, const char *password)
{
    struct wire_login question = {.kind = LOGIN_PASSWORD};
    snprintf(question.name, sizeof(question.name), "%s", serving->name);
    snprintf(question.password, sizeof(question.password), "%s", password);
    ask(serving, &question, "");
    sodium_memzero(&question, sizeof(question));
}

static void
flow_hash(const char *text, char hash[LOGIN_FLOW_SIZE])
{
    uint8_t bytes[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)text, strlen(text), bytes);
    sodium_bin2hex(hash, LOGIN_FLOW_SIZE, bytes, sizeof(bytes));
}

static void
flow_cookie(struct serving *serving, const char *value, int age_s)
{
    char cookie[256];
    snprintf(cookie, sizeof(cookie),
             FLOW_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d", value,
             age_s);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie", cookie);
}

static void
serve_finish(struct serving *serving, const struct op_openid *asked)
{
    struct wire_login question = {.kind = LOGIN_FINISH};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(serving->request);
    char flow[SESSION_TEXT_SIZE];
    if (people_must_wait(serving)) {
        return;
    }
    if (!cookie_find(evhttp_find_header(headers, "Cookie"), FLOW_COOKIE, flow)) {
        people_refuse(serving, 401, "no sign-in of this browser waits for that answer", "state",
                      "begin again");
        return;
    }
    flow_hash(flow, question.flow);
    memcpy(question.code, asked->code, sizeof(question.code));
    memcpy(question.state, asked->state, sizeof(question.state));
    ask(serving, &question, "");
    sodium_memzero(&question, sizeof(question));
}

void
people_serve_openid(struct serving *serving, const void *parameters)
{
    struct wire_login question = {.kind = LOGIN_BEGIN};
    char flow[SESSION_TEXT_SIZE];
    if (!serving->people->rules->openid.issuer[0]) {
        people_refuse(serving, 404, "no OpenID provider is set up", NULL, NULL);
    } else if (serving->op == OP_SESSION_OPENID) {
        serve_finish(serving, parameters);
    } else if (!secret_make(flow)) {
        people_refuse(serving, 500, "no random bytes", NULL, NULL);
    } else {
        flow_hash(flow, question.flow);
        peer_key(serving->peer, question.peer);
        ask(serving, &question, flow);
    }
}

/* ---- answers ---- */

/* It is that person: its account here, made or brought up to date.  NULL: refused already. */
static const struct account *
account_for(struct serving *serving, const struct wire_login_result *result)
{
    struct people *people = serving->people;
    struct account account = {.role = (enum account_role)result->role,
                              .source = (enum account_source)result->source,
                              .created_us = clock_wall_us(people->settings.clock)};
    char why[256];
    snprintf(account.name, sizeof(account.name), "%s", result->name);
    account_subject_hash(account.source, result->subject, account.hash);
    const struct account *there = account_find(account_file_list(people->accounts), account.name);
    if (!there || there->source != account.source || there->role != account.role ||
        strcmp(there->hash, account.hash) != 0) {
        int error = account_apply(people->settings.state_dir, ACCOUNT_FROM_SOURCE, &account, why);
        if (error) {
            people_refuse_change(serving, error, why);
            return NULL;
        }
        char actor[NAME_SIZE];
        snprintf(actor, sizeof(actor), ACCOUNT_PREFIX "%.55s", account.name);
        people_record_aside(people, actor, account.role, "account.from-source",
                            account_role_names[account.role]);
        sessions_end_of(people->sessions, account.name, 0);
        there = account_find(account_file_list(people->accounts), account.name);
    }
    if (!there || there->is_disabled) {
        people_fail(serving, "session.failed", "account name or password is wrong", NULL);
        return NULL;
    }
    return there;
}

static void
on_granted(struct serving *serving, const struct wire_login_result *result)
{
    const struct account *account = account_for(serving, result);
    if (!account) {
        return;
    }
    snprintf(serving->name, sizeof(serving->name), "%s", account->name);
    if (people_trusts_factor(serving->people, account)) {
        people_sign_in(serving, account);
    } else {
        people_ask_code(serving, account);
    }
}

static void
on_begun(struct serving *serving, const char *flow, const struct wire_login_result *result)
{
    struct view_openid_begin view = {.url = result->url};
    flow_cookie(serving, flow, 600);
    cJSON *body = codec_encode(&view_openid_begin_shape, &view);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

static void
on_refused(struct serving *serving, int kind)
{
    if (kind == LOGIN_PASSWORD) {
        people_fail(serving, "session.failed", "account name or password is wrong", NULL);
    } else {
        people_fail(serving, "session.failed", "the OpenID provider's answer is not accepted",
                    "code");
    }
}

/* Whose answer is it?  NULL: nobody's (any more). */
static struct waiting *
find_waiting(struct people *people, const struct wire_login_result *result)
{
    struct waiting *waiting;
    TAILQ_FOREACH(waiting, &people->waiting->all, link)
    {
        if (waiting->number == result->number) {
            break;
        }
    }
    if (waiting && (waiting->kind != result->kind || strcmp(waiting->about, result->about) != 0)) {
        log_error("web", "login answered what was not asked: nobody is let in by that", LOG_END);
        return NULL;
    }
    return waiting;
}

void
people_login_answer(struct people *people, const struct wire_login_result *result)
{
    struct waiting *waiting = find_waiting(people, result);
    char flow[SESSION_TEXT_SIZE];
    if (!waiting) {
        return; /* given up already */
    }
    int kind = waiting->kind;
    memcpy(flow, waiting->flow, sizeof(flow));
    struct serving *serving = take_out(people->waiting, waiting);
    if (kind == LOGIN_FINISH) {
        flow_cookie(serving, "", 0);
    }
    bool is_other = kind == LOGIN_PASSWORD && strcasecmp(result->name, serving->name) != 0;
    if (result->outcome == LOGIN_GRANTED && is_other) {
        on_refused(serving, kind);
    } else if (result->outcome == LOGIN_GRANTED && kind != LOGIN_BEGIN) {
        on_granted(serving, result);
    } else if (result->outcome == LOGIN_BEGUN && kind == LOGIN_BEGIN && result->url) {
        on_begun(serving, flow, result);
    } else if (result->outcome == LOGIN_REFUSED) {
        on_refused(serving, kind);
    } else if (result->outcome == LOGIN_UNMAPPED) {
        people_refuse(serving, 403, "no group of this account has a role here", NULL,
                      "ask an administrator");
    } else if (result->outcome == LOGIN_BUSY) {
        people_refuse_busy(serving);
    } else {
        refuse_away(serving);
    }
    sodium_memzero(flow, sizeof(flow));
}
