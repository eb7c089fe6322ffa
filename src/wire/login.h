/* What web asks of login, and what it answers: who somebody is at a directory or an OpenID
 * provider. They meet without core in between: a password is nobody else's. */
#ifndef CORDON_WIRE_LOGIN_H
#define CORDON_WIRE_LOGIN_H

#include "wire/op.h"
#include "wire/view_account.h"

enum login_kind {
    LOGIN_PASSWORD, /* is this that person's password at the directory? */
    LOGIN_BEGIN,    /* where must the browser go? */
    LOGIN_FINISH,   /* it came back with a code */
    LOGIN_KIND_COUNT
};
extern const char *const login_kind_names[LOGIN_KIND_COUNT + 1];

#define LOGIN_FLOW_SIZE 80 /* hex of SHA-256: of what the browser's cookie holds */
_Static_assert(LOGIN_FLOW_SIZE >= NAME_SIZE, "about");

struct wire_login {
    uint64_t number; /* of this question */
    int kind;        /* enum login_kind */
    char name[NAME_SIZE];
    char password[PASSWORD_SIZE];
    char flow[LOGIN_FLOW_SIZE];
    char peer[NAME_SIZE];                  /* LOGIN_BEGIN: from which network */
    char code[URL_SIZE], state[NAME_SIZE]; /* LOGIN_FINISH */
};

enum login_outcome {
    LOGIN_REFUSED,  /* it is not that person, or nobody's answer to what we asked */
    LOGIN_UNMAPPED, /* it is, but no group of theirs has a role here */
    LOGIN_AWAY,     /* the server could not be asked: 'why' */
    LOGIN_BUSY,
    LOGIN_BEGUN,   /* 'url' */
    LOGIN_GRANTED, /* name, subject, role */
    LOGIN_OUTCOME_COUNT
};
extern const char *const login_outcome_names[LOGIN_OUTCOME_COUNT + 1];

#define LOGIN_LINK_MAX 4096

/* Number, kind and what it was about come back as they were asked: an answer that does not fit its
 * question in all three is nobody's. */
struct wire_login_result {
    uint64_t number;
    int kind;                    /* enum login_kind */
    char about[LOGIN_FLOW_SIZE]; /* LOGIN_PASSWORD: the name that was asked for; else the flow */
    int outcome;                 /* enum login_outcome */
    int source;                  /* enum account_source */
    char name[NAME_SIZE];        /* of the account here */
    char subject[URL_SIZE];      /* whoever it is there, for ever */
    int role;                    /* enum account_role */
    char *url;                   /* owned; NULL: none */
    char why[TEXT_SIZE];         /* for the log, never for whoever signs in */
};

extern const struct shape wire_login_shape;
extern const struct shape wire_login_result_shape;

#endif
