/* Who is asking, and what web answers by itself: sign-in and sign-out, accounts, tokens.  People
 * come with a session's cookie, programs with a bearer token.  One loop thread. */
#ifndef CORDON_WEB_PEOPLE_H
#define CORDON_WEB_PEOPLE_H

#include <event2/event.h>
#include <event2/http.h>

#include "base/clock.h"
#include "web/asker.h"
#include "web/route.h"
#include "web/session.h"
#include "web/token.h"
#include "wire/login.h"

struct people;
struct seal;

struct people_settings {
    struct event_base *base;
    const struct clock *clock;
    const char *state_dir;
    const struct config *config; /* borrowed; NULL: everything as where no key says otherwise */
    struct seal *seal;           /* taken, in any case: of the second factors */
    struct asker *asker;         /* for rows of the audit */
    /* To the login role; false: it did not go out. */
    bool (*login)(void *context, const struct wire_login *question);
    void *login_context;
    /* That session is over: whoever listens with it must go. */
    void (*on_session_end)(void *context, uint64_t session_number);
    void *context;
    int (*forget_password)(void *context); /* as in web.h */
    void *forget_context;
};

/* Whoever asks, checked. */
struct caller {
    char account[NAME_SIZE]; /* "account:NAME" or "token:NAME", as in the audit */
    enum account_role role;
    uint64_t session_number; /* 0: a token */
    bool must_change;        /* the password, before anything else */
    bool must_enrol;         /* a second factor, before anything else */
    int64_t expires_us;      /* of a token, wall clock; 0: never */
    bool is_scoped;          /* a token that may not do all that its role may: 'token' */
    struct token token;
};

/* Why not. */
struct caller_problem {
    unsigned status;
    const char *detail, *where, *advice;
};

/* 0, or negative errno and 'why'. */
int people_new(const struct people_settings *settings, struct people **people,
               char why[256]) MUST_CHECK;
void people_free(struct people *people);
/* Once a second or so. */
void people_tick(struct people *people);

/* Who sent this request?  Checks the token, or cookie, session and, for a POST, that it was our own
 * page that sent it.  False: 'problem' says why not. */
bool people_find(struct people *people, struct evhttp_request *request, struct caller *caller,
                 struct caller_problem *problem);
/* Was this sent by a page of ours, or by no browser at all?  (Fetch metadata; Origin.) */
bool people_is_own_page(const struct evkeyvalq *headers);
/* What the login role answered; it is gone. */
void people_login_answer(struct people *people, const struct wire_login_result *result);
void people_login_gone(struct people *people);
/* Answers a route of kind ROUTE_PEOPLE, now or later; 'parameters' have been checked.  'caller' is
 * NULL for the sign-in. */
void people_serve(struct people *people, struct evhttp_request *request, const struct route *route,
                  const struct caller *caller, const cJSON *parameters);

#endif
