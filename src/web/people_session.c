/* Sessions: given to whoever has shown all that the account asks for, shown, listed and ended. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "web/people_state.h"
#include "wire/view_account.h"

#define GONE_COOKIE SESSION_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"

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
    people_device_give(serving, account->name);
    cJSON *body = session_body(people, session);
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

/* Also where the audit cannot be written: without core there is nothing to see, but who is on duty
 * must not be locked out by a full disk. */
static void
on_session_recorded(void *context, const struct wire_answer *answer)
{
    struct serving *serving = context;
    const struct account_list *list = account_file_list(serving->people->accounts);
    const struct account *account = account_find(list, serving->name);
    people_recorded_aside(NULL, answer);
    if (account && !account->is_disabled) {
        session_give(serving, account);
    } else {
        people_refuse(serving, 401, "account name or password is wrong", NULL, NULL);
    }
}

void
people_give_session(struct serving *serving, enum account_role role, const char *action,
                    const char *object)
{
    people_record_as(serving->people, serving->caller.account, role, action, object,
                     on_session_recorded, serving);
}

void
people_sign_in(struct serving *serving, const struct account *account)
{
    struct people *people = serving->people;
    char key[HOST_SIZE];
    people_failures_key(serving, key);
    lockout_succeeded(people->by_account, key);
    snprintf(serving->caller.account, sizeof(serving->caller.account), ACCOUNT_PREFIX "%.55s",
             account->name);
    people_give_session(serving, account->role, "session.open", serving->peer);
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

void
people_serve_session(struct serving *serving)
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

void
people_serve_session_end(struct serving *serving)
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

void
people_serve_sessions(struct serving *serving)
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
