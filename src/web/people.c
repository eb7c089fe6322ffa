#include "web/people.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
#define GONE_COOKIE SESSION_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"

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

static void
on_recorded_aside(void *context, const struct wire_answer *answer)
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

static void
record(struct people *people, const char *account, enum account_role role, const char *action,
       const char *object, asker_done_fn *done, void *context)
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
    record(people, account, role, action, object, on_recorded_aside, NULL);
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

/* ---- sessions ---- */

bool
people_needs_factor(const struct people *people, enum account_role role)
{
    const struct config_accounts *rules = &people->rules->accounts;
    for (size_t i = 0; i < rules->factor_role_count; i++) {
        if (strcmp(rules->second_factor[i], account_role_names[role]) == 0) {
            return true;
        }
    }
    return false;
}

bool
people_trusts_factor(const struct people *people, const struct account *account)
{
    return account->source == ACCOUNT_OPENID && people->rules->openid.trusts_factor;
}

static cJSON *
session_body(const struct people *people, const struct session *session)
{
    const struct account *account =
        account_find(account_file_list(people->accounts), session->account);
    struct view_session view = {
        .account = {.role = (int)session->role},
        .must_change = session->must_change,
        .must_enrol = session->must_enrol,
        .has_factor = factors_have(people->factors, session->account),
        .has_password = account && account->source == ACCOUNT_LOCAL,
        .recovery_left = (uint32_t)factors_recovery_left(people->factors, session->account),
        .expires_us = sessions_expire_us(people->sessions, session)};
    snprintf(view.account.name, sizeof(view.account.name), "%s", session->account);
    snprintf(view.csrf, sizeof(view.csrf), "%s", session->csrf);
    return codec_encode(&view_session_shape, &view);
}

/* "NONCE" and its MAC for 'account', both base64url: shows that it signed in here before. */
#define NONCE_BYTES 12
#define NONCE_TEXT 16
#define MAC_BYTES 16

static bool
device_mac(const struct people *people, const char *account, const char *nonce, char text[32])
{
    char about[NAME_SIZE + NONCE_TEXT + 16];
    uint8_t mac[32];
    snprintf(about, sizeof(about), "device %.16s %s", nonce, account);
    if (!factors_mac(people->factors, about, mac)) {
        return false;
    }
    sodium_bin2base64(text, 32, mac, MAC_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

static void
device_give(struct serving *serving, const char *account)
{
    uint8_t nonce[NONCE_BYTES];
    char text[32], mac[32], cookie[256];
    randombytes_buf(nonce, sizeof(nonce));
    sodium_bin2base64(text, sizeof(text), nonce, sizeof(nonce),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (!device_mac(serving->people, account, text, mac)) {
        return;
    }
    snprintf(cookie, sizeof(cookie),
             DEVICE_COOKIE "=%s%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000",
             text, mac);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie", cookie);
}

/* The key under which failures count: this browser's own where 'name' signed in from it before, so
 * that whoever guesses from elsewhere, however many they are, does not keep that person out. */
static bool
device_find(const struct serving *serving, char key[HOST_SIZE])
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(serving->request);
    char value[SESSION_TEXT_SIZE], mac[32];
    if (!cookie_find(evhttp_find_header(headers, "Cookie"), DEVICE_COOKIE, value) ||
        strlen(value) <= NONCE_TEXT) {
        return false;
    }
    if (!device_mac(serving->people, serving->name, value, mac) ||
        strlen(value) != NONCE_TEXT + strlen(mac) ||
        sodium_memcmp(value + NONCE_TEXT, mac, strlen(mac)) != 0) {
        return false;
    }
    snprintf(key, HOST_SIZE, "%s %.*s", serving->name, NONCE_TEXT, value);
    return true;
}

static void
session_give(struct serving *serving, const struct account *account)
{
    struct people *people = serving->people;
    char text[SESSION_TEXT_SIZE], cookie[256];
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(serving->request);
    struct session_origin origin = {.peer = serving->peer,
                                    .agent = evhttp_find_header(headers, "User-Agent"),
                                    .must_enrol = people_needs_factor(people, account->role) &&
                                                  !people_trusts_factor(people, account) &&
                                                  !factors_have(people->factors, account->name)};
    people_proof(people, account, origin.proof);
    const struct session *session = sessions_open(people->sessions, account, &origin, text);
    if (!session) {
        people_refuse(serving, 500, "no random bytes", NULL, NULL);
        return;
    }
    snprintf(cookie, sizeof(cookie),
             SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict", text);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie", cookie);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(cookie, sizeof(cookie));
    device_give(serving, account->name);
    cJSON *body = session_body(people, session);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

/* Under what failures count.  Directories do not look at case: each way to write a name would be so
 * many more guesses. */
static void
failures_key(const struct serving *serving, char key[HOST_SIZE])
{
    if (device_find(serving, key)) {
        return;
    }
    size_t used = 0;
    for (; serving->name[used]; used++) {
        key[used] = (char)tolower((unsigned char)serving->name[used]);
    }
    key[used] = '\0';
}

static void
refuse_for(struct serving *serving, int64_t wait_us, const char *detail)
{
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_us + 999999) / 1000000);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Retry-After", seconds);
    people_refuse(serving, 429, detail, NULL, "wait as long as Retry-After says");
}

/* False: as many as may be are under way already.  Ends with 'serving'. */
static bool
try_begin(struct serving *serving, const char *key, const char *peer, int64_t now)
{
    struct people *people = serving->people;
    if (key[0]) {
        if (!lockout_begin(people->by_account, key, now)) {
            return false;
        }
        snprintf(serving->tried_key, sizeof(serving->tried_key), "%s", key);
    }
    if (peer[0]) {
        if (!lockout_begin(people->by_peer, peer, now)) {
            return false;
        }
        snprintf(serving->tried_peer, sizeof(serving->tried_peer), "%s", peer);
    }
    return true;
}

bool
people_must_wait(struct serving *serving)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    char key[HOST_SIZE], device[HOST_SIZE], peer[NAME_SIZE] = "";
    failures_key(serving, key);
    if (!device_find(serving, device)) {
        peer_key(serving->peer, peer);
    }
    int64_t wait = lockout_wait_us(people->by_account, key, now);
    int64_t also = peer[0] ? lockout_wait_us(people->by_peer, peer, now) : 0;
    wait = also > wait ? also : wait;
    if (wait > 0) {
        refuse_for(serving, wait, "too many failed attempts");
        return true;
    }
    if (!try_begin(serving, key, peer, now)) {
        refuse_for(serving, 1000000,
                   "another sign-in of that name, or from there, is being looked at");
        return true;
    }
    return false;
}

#define LOCKOUT_TOLD_US (60 * 1000000ll) /* locked out for so long: people are told */

void
people_fail(struct serving *serving, const char *action, const char *detail, const char *where)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    uint64_t swallowed = 0;
    const char *peer = serving->peer;
    char key[HOST_SIZE], network[NAME_SIZE], object[TEXT_SIZE];
    failures_key(serving, key);
    if (key[0]) { /* nobody's are the address's alone */
        lockout_failed(people->by_account, key, now);
    }
    peer_key(peer, network);
    lockout_failed(people->by_peer, network, now);
    snprintf(object, sizeof(object), "%.55s from %.64s", key[0] ? serving->name : "somebody", peer);
    if (log_limit_pass(&people->failure_limit, now, &swallowed)) {
        log_warn("web", "wrong name, password or code", LOG_S("account", serving->name),
                 LOG_S("peer", peer), LOG_I("swallowed", swallowed));
        people_record_aside(people, "nobody", ACCOUNT_VIEWER, action, object);
    }
    /* Each try after this one waits as long: they are few. */
    if (lockout_wait_us(people->by_account, key, now) >= LOCKOUT_TOLD_US) {
        people_record_aside(people, "nobody", ACCOUNT_VIEWER, "session.locked", object);
    }
    /* Whoever is signed in stays so: what was wrong is what was asked for once more. */
    bool is_signed_in = serving->caller.session_number && serving->op != OP_SESSION_PASSWORD;
    people_refuse(serving, is_signed_in ? 422 : 401, detail, where, NULL);
}

static void
fail_password(struct serving *serving, const char *action)
{
    people_fail(serving, action, "account name or password is wrong", NULL);
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
        people_refuse(serving, 401, "account name or password is wrong", NULL, NULL);
    }
}

void
people_sign_in(struct serving *serving, const struct account *account)
{
    struct people *people = serving->people;
    char key[HOST_SIZE];
    failures_key(serving, key);
    lockout_succeeded(people->by_account, key);
    snprintf(serving->caller.account, sizeof(serving->caller.account), ACCOUNT_PREFIX "%.55s",
             account->name);
    record(people, serving->caller.account, account->role, "session.open", serving->peer,
           on_session_recorded, serving);
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
        fail_password(serving, "session.failed");
    } else {
        people_ask_code(serving, account);
    }
}

/* An account that is disabled is treated like one that is not there. */
const char *
people_hash(const struct people *people, const char *name)
{
    const struct account *account = account_find(account_file_list(people->accounts), name);
    return account && !account->is_disabled && account->source == ACCOUNT_LOCAL ? account->hash
                                                                                : NULL;
}

void
people_refuse_busy(struct serving *serving)
{
    people_refuse(serving, 503, "too many sign in at the same time", NULL, "try again in a moment");
}

/* An account of ours is asked here, whatever the directory says of that name. */
static bool
is_of_directory(const struct people *people, const char *name)
{
    const struct account *account = account_find(account_file_list(people->accounts), name);
    return people->rules->ldap.url[0] && account_name_is_valid(name) &&
           (!account || account->source == ACCOUNT_LDAP);
}

static void
serve_sign_in(struct serving *serving, const struct op_sign_in *asked)
{
    struct people *people = serving->people;
    snprintf(serving->name, sizeof(serving->name), "%s", asked->name);
    if (people_must_wait(serving)) {
        return;
    }
    if (is_of_directory(people, serving->name)) {
        people_ask_directory(serving, asked->password);
        return;
    }
    if (!hasher_check(people->hasher, people_hash(people, serving->name), asked->password,
                      on_sign_in_checked, serving)) {
        people_refuse_busy(serving);
    }
}

const struct session *
people_session(struct serving *serving)
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
    const struct session *session = people_session(serving);
    struct view_session view = {.account = {.role = (int)serving->caller.role},
                                .expires_us = serving->caller.expires_us};
    memcpy(view.account.name, serving->caller.account, sizeof(view.account.name));
    cJSON *body =
        session ? session_body(serving->people, session) : codec_encode(&view_session_shape, &view);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

static void
serve_session_end(struct serving *serving)
{
    struct people *people = serving->people;
    const struct session *session = people_session(serving);
    bool is_others = serving->op == OP_SESSION_END_OTHERS;
    if (!session) {
        people_refuse(serving, 409, "a token has no session", NULL, "revoke the token instead");
        return;
    }
    people_record_aside(people, serving->caller.account, serving->caller.role,
                        serving->op == OP_SESSION_END ? "session.end"
                        : is_others                   ? "session.end-others"
                                                      : "session.end-all",
                        "");
    if (serving->op == OP_SESSION_END) {
        sessions_end(people->sessions, session);
    } else {
        char name[NAME_SIZE];
        memcpy(name, session->account, sizeof(name));
        sessions_end_of(people->sessions, name, is_others ? session->number : 0);
    }
    if (!is_others) {
        evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie",
                          GONE_COOKIE);
    }
    cJSON *body = people_done_body("signed out");
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

static cJSON *
session_info_body(const struct people *people, const struct session *session, bool is_current)
{
    const struct clock *clock = people->settings.clock;
    int64_t since_boot = clock_wall_us(clock) - clock_boot_us(clock);
    struct view_session_info view = {.number = session->number,
                                     .opened_us = since_boot + session->opened_us,
                                     .used_us = since_boot + session->used_us,
                                     .is_current = is_current};
    snprintf(view.peer, sizeof(view.peer), "%s", session->peer);
    snprintf(view.agent, sizeof(view.agent), "%s", session->agent);
    return codec_encode(&view_session_info_shape, &view);
}

static void
serve_session_list(struct serving *serving)
{
    const struct session *own = people_session(serving);
    cJSON *body = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(body, "items");
    const struct session *each = NULL;
    while (own && (each = sessions_next_of(serving->people->sessions, own->account, each))) {
        cJSON_AddItemToArray(items, session_info_body(serving->people, each, each == own));
    }
    cJSON_AddNumberToObject(body, "total", cJSON_GetArraySize(items));
    people_answer(serving, 200, body);
    cJSON_Delete(body);
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
        people_refuse_change(serving, error, why);
        return;
    }
    if (strcmp(serving->name, "admin") == 0) {
        first_password_forget(people);
    }
    sessions_end_of(people->sessions, serving->name, 0);
    record(people, serving->caller.account, serving->caller.role, "account.own-password", "",
           on_session_recorded, serving);
}

static void
on_own_password_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    (void)hash;
    if (!is_good) {
        fail_password(serving, "session.password-failed");
    } else if (!hasher_make(serving->people->hasher, serving->password, on_own_password_made,
                            serving)) {
        people_refuse_busy(serving);
    }
}

static void
serve_own_password(struct serving *serving, const struct op_password *asked)
{
    struct people *people = serving->people;
    const struct session *session = people_session(serving);
    char why[256];
    if (!session) {
        people_refuse(serving, 409, "a token has no password", NULL, NULL);
        return;
    }
    memcpy(serving->name, session->account, sizeof(serving->name));
    if (!people_hash(people, serving->name)) {
        people_refuse(serving, 409, "this account's password is not kept here", NULL,
                      "change it where the account comes from");
    } else if (!account_password_is_good(serving->name, asked->password, why)) {
        people_refuse(serving, 422, why, "new", NULL);
    } else if (strcmp(asked->old, asked->password) == 0) {
        people_refuse(serving, 422, "the new password is the old one", "new", "choose another one");
    } else if (!people_must_wait(serving)) {
        snprintf(serving->password, sizeof(serving->password), "%s", asked->password);
        if (!hasher_check(people->hasher, people_hash(people, serving->name), asked->old,
                          on_own_password_checked, serving)) {
            people_refuse_busy(serving);
        }
    }
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
        serve_sign_in(serving, parameters);
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
        serve_session_show(serving);
        break;
    case OP_SESSION_LIST:
        serve_session_list(serving);
        break;
    case OP_SESSION_PASSWORD:
        serve_own_password(serving, parameters);
        break;
    default: /* OP_SESSION_END, _ALL, _OTHERS */
        serve_session_end(serving);
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
