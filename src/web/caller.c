/* people_find(): who sent a request. */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "web/people_state.h"

static const char bearer[] = "Bearer ";

bool
people_is_own_page(const struct evkeyvalq *headers)
{
    const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");
    const char *origin = evhttp_find_header(headers, "Origin");
    const char *host = evhttp_find_header(headers, "Host");
    if (site) {
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    }
    if (!origin) {
        return true;
    }
    const char *authority = strstr(origin, "://");
    return authority && host && evutil_ascii_strcasecmp(authority + 3, host) == 0;
}

static bool
find_token(struct people *people, struct evhttp_request *request, const char *text,
           struct caller *caller, struct caller_problem *problem)
{
    char peer[IP_TEXT_SIZE];
    int64_t wall_us = clock_wall_us(people->settings.clock);
    const struct token *token = token_file_find(people->tokens, text);
    if (!token) {
        *problem = (struct caller_problem){
            401, "this token is not known", "Authorization",
            "send 'Authorization: Bearer TOKEN'; 'cordond token add' makes one"};
        return false;
    }
    if (token_is_expired(token, wall_us)) {
        *problem = (struct caller_problem){401, "this token has expired", "Authorization",
                                           "an administrator makes a new one"};
        return false;
    }
    peer_of(people->rules, request, peer);
    token_uses_note(people->token_uses, token, peer, wall_us);
    *caller = (struct caller){.role = token->role,
                              .expires_us = token->expires_us,
                              .is_scoped = token->is_read_only || token->op_count > 0,
                              .token = *token};
    snprintf(caller->account, sizeof(caller->account), "token:%.56s", token->name);
    return true;
}

/* The cookie comes with every request that a browser sends to us, whoever told it to: what changes
 * something must show that it was our page. */
static bool
is_meant(const struct session *session, const struct evkeyvalq *headers)
{
    const char *csrf = evhttp_find_header(headers, "X-Cordon-Csrf");
    return csrf && strlen(csrf) == strlen(session->csrf) &&
           CRYPTO_memcmp(csrf, session->csrf, strlen(csrf)) == 0 && people_is_own_page(headers);
}

_Static_assert(SESSION_PROOF_SIZE == 2 * SHA256_DIGEST_LENGTH, "two digests");

void
people_proof(const struct people *people, const struct account *account,
             uint8_t proof[SESSION_PROOF_SIZE])
{
    char text[ACCOUNT_HASH_SIZE + 16];
    int size = snprintf(text, sizeof(text), "%d %s", (int)account->source, account->hash);
    SHA256((const uint8_t *)text, (size_t)size, proof);
    factors_digest(people->factors, account->name, proof + SHA256_DIGEST_LENGTH);
}

bool
people_session_is_good(const struct people *people, const struct session *session)
{
    const struct account *account =
        account_find(account_file_list(people->accounts), session->account);
    if (!account || account->is_disabled || account->role != session->role) {
        return false;
    }
    uint8_t proof[SESSION_PROOF_SIZE];
    people_proof(people, account, proof);
    /* What cannot be read was not changed: nobody is signed out by a faulty disk. */
    size_t size = factors_are_readable(people->factors) ? sizeof(proof) : SHA256_DIGEST_LENGTH;
    return CRYPTO_memcmp(proof, session->proof, size) == 0;
}

void
people_session_renew(struct people *people, const struct session *session)
{
    const struct account *account =
        account_find(account_file_list(people->accounts), session->account);
    uint8_t proof[SESSION_PROOF_SIZE];
    if (account) {
        people_proof(people, account, proof);
        sessions_set_proof(people->sessions, session, proof);
    }
}

static bool
find_session(struct people *people, struct evhttp_request *request, const char *text,
             struct caller *caller, struct caller_problem *problem)
{
    const struct session *session = sessions_find(people->sessions, text);
    if (session && !people_session_is_good(people, session)) {
        sessions_end(people->sessions, session);
        session = NULL;
    }
    if (!session) {
        *problem = (struct caller_problem){401, "the session is over", "Cookie", "sign in again"};
        return false;
    }
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET &&
        !is_meant(session, evhttp_request_get_input_headers(request))) {
        *problem = (struct caller_problem){
            403, "this request was not sent by the console, or its X-Cordon-Csrf is wrong",
            "X-Cordon-Csrf", "send the 'csrf' of GET /session"};
        return false;
    }
    *caller = (struct caller){.role = session->role,
                              .session_number = session->number,
                              .must_change = session->must_change,
                              .must_enrol = session->must_enrol};
    snprintf(caller->account, sizeof(caller->account), ACCOUNT_PREFIX "%.55s", session->account);
    return true;
}

bool
people_find(struct people *people, struct evhttp_request *request, struct caller *caller,
            struct caller_problem *problem)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *header = evhttp_find_header(headers, "Authorization");
    char cookie[SESSION_TEXT_SIZE];
    if (header && evutil_ascii_strncasecmp(header, bearer, sizeof(bearer) - 1) == 0) {
        return find_token(people, request, header + sizeof(bearer) - 1, caller, problem);
    }
    if (!header && cookie_find(evhttp_find_header(headers, "Cookie"), SESSION_COOKIE, cookie)) {
        return find_session(people, request, cookie, caller, problem);
    }
    *problem = (struct caller_problem){
        401, "a bearer token or a session is required", "Authorization",
        "programs send 'Authorization: Bearer TOKEN' ('cordond token add' makes one); people sign "
        "in at /api/v1/session"};
    return false;
}
