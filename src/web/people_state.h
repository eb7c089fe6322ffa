/* Inside of people: shared by people.c (answers, rows of the audit, and which of the others serves
 * what), caller.c (who asks) and people_*.c (tries, passwords, sessions, second factors, accounts
 * of other sources, accounts, tokens). */
#ifndef CORDON_WEB_PEOPLE_STATE_H
#define CORDON_WEB_PEOPLE_STATE_H

#include "base/log.h"
#include "cordond/config.h"
#include "web/account.h"
#include "web/factor.h"
#include "web/hasher.h"
#include "web/lockout.h"
#include "web/peer.h"
#include "web/people.h"
#include "web/ticket.h"
#include "web/token.h"

#define ACCOUNT_PREFIX "account:"
/* Shows that somebody signed in from this browser before: guessers elsewhere do not lock it out. */
#define DEVICE_COOKIE "__Host-cordon-device"

struct people {
    struct people_settings settings;
    const struct config *rules; /* of cordond.yaml; all zero where there is none */
    struct token_file *tokens;
    struct token_uses *token_uses;
    struct account_file *accounts;
    struct factors *factors;
    struct tickets *tickets;
    struct sessions *sessions;
    struct hasher *hasher;
    struct people_waiting *waiting; /* for the login role */
    struct lockout *by_account, *by_peer;
    struct log_limit failure_limit;
    int64_t checked_us; /* boot: when the sessions were looked at */
};

/* One request that is being served; what of it counts depends on the operation. */
struct serving {
    struct people *people;
    struct evhttp_request *request;
    enum op op;
    struct caller caller;
    char peer[IP_TEXT_SIZE];                          /* where it comes from */
    char name[NAME_SIZE];                             /* the account or token that it is about */
    char tried_key[HOST_SIZE], tried_peer[NAME_SIZE]; /* of the back-off; "": no try began */
    char password[PASSWORD_SIZE];
    struct account account;
    unsigned status; /* of the answer that waits for the audit */
    cJSON *body;     /* owned */
};

void serving_free(struct serving *serving);
/* Answers; each ends 'serving'. */
void people_refuse(struct serving *serving, unsigned status, const char *detail, const char *where,
                   const char *advice);
void people_refuse_change(struct serving *serving, int error, const char *why);
void people_refuse_busy(struct serving *serving);
void people_answer(struct serving *serving, unsigned status, const cJSON *body);
cJSON *people_done_body(const char *text);
/* Only logs that the row of a thing that was done is missing. */
void people_recorded_aside(void *context, const struct wire_answer *answer);
/* Answers once the change that was made is in the audit.  Takes 'body'. */
void people_answer_recorded(struct serving *serving, unsigned status, cJSON *body,
                            const char *action);
/* The row alone, with what 'more' says beside (NULL: nothing); 'done' ends 'serving'.  Takes
 * 'more'. */
void people_record(struct serving *serving, const char *action, cJSON *more, asker_done_fn *done);
/* Likewise, in the name of 'account'; 'object' may be "". */
void people_record_as(struct people *people, const char *account, enum account_role role,
                      const char *action, const char *object, asker_done_fn *done, void *context);
/* A row of the audit that nobody waits for. */
void people_record_aside(struct people *people, const char *account, enum account_role role,
                         const char *action, const char *object);

/* people_tries.c */
/* True: refused already, for 'name' or this address failed too often, or is being tried just now.
 * Else a try has begun, which ends with 'serving'. */
bool people_must_wait(struct serving *serving);
/* It was wrong: counted, logged, recorded as 'action', and refused with 'detail'. */
void people_fail(struct serving *serving, const char *action, const char *detail,
                 const char *where);
/* A name or a password was: which of them is not said. */
void people_fail_password(struct serving *serving, const char *action);
/* Under what failures of 'name' count from here; "": nobody's. */
void people_failures_key(const struct serving *serving, char key[HOST_SIZE]);
/* This browser shows from now on that 'account' signed in from it. */
void people_device_give(struct serving *serving, const char *account);

/* people_session.c */
/* The account of 'name' has shown all that it must: back-off is forgotten, the session is opened,
 * recorded and given. */
void people_sign_in(struct serving *serving, const struct account *account);
/* A session for the account of 'name', once 'action' is in the audit. */
void people_give_session(struct serving *serving, enum account_role role, const char *action,
                         const char *object);
void people_serve_session(struct serving *serving);
void people_serve_sessions(struct serving *serving);
void people_serve_session_end(struct serving *serving);
/* The session that sent this request; NULL: a token did. */
const struct session *people_session(struct serving *serving);
/* Must 'role' have a second factor? */
bool people_needs_factor(const struct people *people, enum account_role role);
/* Does whoever vouches for that account ask for a second factor itself? */
bool people_trusts_factor(const struct people *people, const struct account *account);

/* people_password.c */
/* The hash that a password is checked against; NULL: there is none here. */
const char *people_hash(const struct people *people, const char *name);
void people_serve_sign_in(struct serving *serving, const struct op_sign_in *asked);
void people_serve_password(struct serving *serving, const struct op_password *asked);

/* caller.c */
/* Of what 'account' signs in with: its password, or who it is elsewhere; and its second factor. */
void people_proof(const struct people *people, const struct account *account,
                  uint8_t proof[SESSION_PROOF_SIZE]);
/* Is the session's account still what it was, and does it still sign in with the same?  Whoever
 * changed the files (also 'cordond account reset'), it counts at once. */
bool people_session_is_good(const struct people *people, const struct session *session);
/* 'session' itself has changed what its account signs in with. */
void people_session_renew(struct people *people, const struct session *session);

/* people_account.c */
/* One page of a list whose names hold 'q'; 'item_at' gives NULL behind the last one. */
void people_serve_list(struct serving *serving, const struct op_page *page,
                       cJSON *(*item_at)(const struct people *people, size_t index,
                                         const char **name));
void people_serve_accounts(struct serving *serving, const void *parameters);

/* people_factor.c */
void people_ask_code(struct serving *serving, const struct account *account);
void people_serve_code(struct serving *serving, const struct op_code *asked);
void people_serve_factor(struct serving *serving, const void *parameters);
/* people_source.c */
struct people_waiting *people_waiting_new(void);
void people_waiting_free(struct people_waiting *waiting);
void people_waiting_tick(struct people *people);
/* 'name' is nobody of ours: is it somebody of the directory's? */
void people_ask_directory(struct serving *serving, const char *password);
void people_serve_openid(struct serving *serving, const void *parameters);
/* people_token.c */
void people_serve_tokens(struct serving *serving, const void *parameters);

#endif
