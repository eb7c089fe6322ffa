/* Second factors: the second step of a sign-in, and what people do with their own. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "web/people_state.h"

#define ISSUER "Cordon"

/* ---- the second step of a sign-in ---- */

void
people_ask_code(struct serving *serving, const struct account *account)
{
    struct people *people = serving->people;
    struct view_session view = {.account = {.role = (int)account->role}, .has_factor = true};
    if (!factors_are_readable(people->factors)) {
        people_refuse(serving, 503, "the second factors cannot be read", NULL,
                      "look into the log of cordond");
        return;
    }
    if (!factors_have(people->factors, account->name)) {
        people_sign_in(serving, account);
        return;
    }
    _Static_assert(sizeof(view.ticket) >= SESSION_TEXT_SIZE, "room for a ticket");
    if (!tickets_open(people->tickets, account, view.ticket)) {
        people_refuse(serving, 500, "no random bytes", NULL, NULL);
        return;
    }
    snprintf(view.account.name, sizeof(view.account.name), "%s", account->name);
    cJSON *body = codec_encode(&view_session_shape, &view);
    sodium_memzero(&view, sizeof(view));
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

/* The account of the ticket as it is now; NULL: it was changed since, or is no more. */
static const struct account *
still_the_same(const struct people *people, const struct account *then)
{
    const struct account *now = account_find(account_file_list(people->accounts), then->name);
    return now && !now->is_disabled && now->role == then->role && strcmp(now->hash, then->hash) == 0
               ? now
               : NULL;
}

void
people_serve_code(struct serving *serving, const struct op_code *asked)
{
    struct people *people = serving->people;
    struct account then;
    if (!tickets_try(people->tickets, asked->ticket, &then)) {
        people_refuse(serving, 401, "this sign-in took too long, or too many tries", "ticket",
                      "begin again");
        return;
    }
    memcpy(serving->name, then.name, sizeof(serving->name));
    if (people_must_wait(serving)) {
        return;
    }
    const struct account *account = still_the_same(people, &then);
    enum factor_answer answer = account ? factors_check(people->factors, then.name, asked->code,
                                                        clock_wall_us(people->settings.clock))
                                        : FACTOR_WRONG;
    if (answer == FACTOR_UNKEPT) {
        people_refuse(serving, 503, "that the code is used cannot be written", NULL,
                      "look into the log of cordond");
        return;
    }
    if (answer == FACTOR_WRONG) {
        people_fail(serving, "session.code-failed", "the code is wrong, or was used before",
                    "code");
        return;
    }
    tickets_end(people->tickets, asked->ticket);
    if (answer == FACTOR_RECOVERY) {
        people_record_aside(people, "nobody", ACCOUNT_VIEWER, "session.recovery-code", then.name);
    }
    people_sign_in(serving, account);
}

/* ---- one's own ---- */

/* otpauth://totp/Cordon:NAME?secret=...&issuer=Cordon (the Key Uri Format that apps read); names of
 * accounts need no percent-encoding. */
static void
give_secret(struct serving *serving, const struct session *session)
{
    struct view_factor view = {.secret = ""};
    uint8_t secret[TOTP_SECRET_SIZE];
    char text[TOTP_BASE32_SIZE];
    randombytes_buf(secret, sizeof(secret));
    sessions_set_pending(serving->people->sessions, session, secret);
    totp_base32(secret, text);
    snprintf(view.secret, sizeof(view.secret), "%s", text);
    snprintf(view.uri, sizeof(view.uri),
             "otpauth://totp/" ISSUER ":%s?secret=%s&issuer=" ISSUER "&algorithm=SHA1&digits=%d"
             "&period=%d",
             session->account, text, TOTP_DIGITS, TOTP_STEP_S);
    cJSON *body = codec_encode(&view_factor_shape, &view);
    sodium_memzero(&view, sizeof(view));
    sodium_memzero(secret, sizeof(secret));
    people_answer(serving, 200, body);
    cJSON_Delete(body);
}

static void
on_begin_checked(void *context, bool is_good, const char *hash)
{
    struct serving *serving = context;
    const struct session *session = people_session(serving);
    (void)hash;
    if (!is_good) {
        people_fail(serving, "session.password-failed", "the password is wrong", "password");
    } else if (!session) {
        people_refuse(serving, 401, "the session is over", "Cookie", "sign in again");
    } else {
        give_secret(serving, session);
    }
}

#define FRESH_US (15 * 60 * 1000000ll)

/* Whoever only found a browser signed in must not make its owner's second factor. */
static void
serve_begin(struct serving *serving, const struct session *session,
            const struct op_factor_begin *asked)
{
    struct people *people = serving->people;
    const char *hash = people_hash(people, serving->name);
    int64_t age_us = clock_boot_us(people->settings.clock) - session->opened_us;
    if (factors_have(people->factors, serving->name)) {
        people_refuse(serving, 409, "there is a second factor already", NULL,
                      "remove it first, with a code");
    } else if (!hash && age_us > FRESH_US) {
        people_refuse(serving, 409, "this sign-in is too long ago", NULL, "sign in again");
    } else if (!hash) {
        give_secret(serving, session);
    } else if (!asked->password[0]) {
        people_refuse(serving, 422, "the password is needed once more", "password", NULL);
    } else if (!people_must_wait(serving) &&
               !hasher_check(people->hasher, hash, asked->password, on_begin_checked, serving)) {
        people_refuse_busy(serving);
    }
}

static void
answer_codes(struct serving *serving, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE],
             const char *action)
{
    struct view_recovery view = {.code_count = RECOVERY_CODES};
    _Static_assert(RECOVERY_CODES <= VIEW_RECOVERY_MAX, "room for the codes");
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        memcpy(view.codes[i], codes[i], RECOVERY_CODE_SIZE);
    }
    cJSON *body = codec_encode(&view_recovery_shape, &view);
    sodium_memzero(&view, sizeof(view));
    sodium_memzero(codes, RECOVERY_CODES * RECOVERY_CODE_SIZE);
    serving->name[0] = '\0'; /* its own */
    people_answer_recorded(serving, 200, body, action);
}

static void
serve_confirm(struct serving *serving, const struct session *session, const struct op_code *asked)
{
    struct people *people = serving->people;
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], why[256];
    uint64_t step;
    if (!session->has_pending) {
        people_refuse(serving, 409, "no second factor waits for its first code", NULL,
                      "begin again");
        return;
    }
    if (!totp_check(session->pending, asked->code, clock_wall_us(people->settings.clock), 0,
                    &step)) {
        people_refuse(serving, 422, "that is not the app's code; is the clock right?", "code",
                      NULL);
        return;
    }
    int error = factors_set(people->factors, serving->name, session->pending, step, codes, why);
    if (error) {
        people_refuse_change(serving, error, why);
        return;
    }
    sessions_set_pending(people->sessions, session, NULL);
    people_session_renew(people, session);
    sessions_end_of(people->sessions, serving->name, session->number);
    answer_codes(serving, codes, "session.factor-set");
}

/* False: refused already. */
static bool
own_code(struct serving *serving, const struct op_code *asked)
{
    struct people *people = serving->people;
    if (!factors_have(people->factors, serving->name)) {
        people_refuse(serving, 409, "there is no second factor", NULL, NULL);
        return false;
    }
    if (people_must_wait(serving)) {
        return false;
    }
    enum factor_answer answer = factors_check(people->factors, serving->name, asked->code,
                                              clock_wall_us(people->settings.clock));
    if (answer == FACTOR_UNKEPT) {
        people_refuse(serving, 503, "that the code is used cannot be written", NULL,
                      "look into the log of cordond");
        return false;
    }
    if (answer == FACTOR_WRONG) {
        people_fail(serving, "session.code-failed", "the code is wrong, or was used before",
                    "code");
        return false;
    }
    return true;
}

static void
serve_recover(struct serving *serving, const struct op_code *asked)
{
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], why[256];
    if (!own_code(serving, asked)) {
        return;
    }
    int error = factors_recover(serving->people->factors, serving->name, codes, why);
    if (error) {
        people_refuse_change(serving, error, why);
        return;
    }
    answer_codes(serving, codes, "session.factor-recovery");
}

static void
serve_remove(struct serving *serving, const struct session *session, const struct op_code *asked)
{
    char why[256];
    if (people_needs_factor(serving->people, serving->caller.role)) {
        people_refuse(serving, 409, "this role needs a second factor", NULL,
                      "an administrator can reset it");
        return;
    }
    if (!own_code(serving, asked)) {
        return;
    }
    int error = factors_remove(serving->people->factors, serving->name, why);
    if (error) {
        people_refuse_change(serving, error, why);
        return;
    }
    people_session_renew(serving->people, session); /* the others end */
    serving->name[0] = '\0';                        /* its own */
    people_answer_recorded(serving, 200, people_done_body("removed"), "session.factor-removed");
}

void
people_serve_factor(struct serving *serving, const void *parameters)
{
    const struct session *session = people_session(serving);
    if (!session) {
        people_refuse(serving, 409, "a token has no second factor", NULL, NULL);
        return;
    }
    memcpy(serving->name, session->account, sizeof(serving->name));
    switch (serving->op) {
    case OP_FACTOR_BEGIN:
        serve_begin(serving, session, parameters);
        break;
    case OP_FACTOR_CONFIRM:
        serve_confirm(serving, session, parameters);
        break;
    case OP_FACTOR_RECOVER:
        serve_recover(serving, parameters);
        break;
    default: /* OP_FACTOR_REMOVE */
        serve_remove(serving, session, parameters);
        break;
    }
}
