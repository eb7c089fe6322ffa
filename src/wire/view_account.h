/* Accounts, sessions and tokens as the API shows them.  Never a password, a hash or a token, but
 * the one moment when a token is made. */
#ifndef CORDON_WIRE_VIEW_ACCOUNT_H
#define CORDON_WIRE_VIEW_ACCOUNT_H

#include "model/text.h"
#include "wire/op.h"

/* Where an account, its role and its password come from. */
enum account_source { ACCOUNT_LOCAL, ACCOUNT_LDAP, ACCOUNT_OPENID, ACCOUNT_SOURCE_COUNT };
extern const char *const account_source_names[ACCOUNT_SOURCE_COUNT + 1];

struct view_caller {
    char name[NAME_SIZE];
    int role; /* enum account_role */
};

struct view_session {
    struct view_caller account;
    bool must_change;     /* nothing else is allowed before the password is changed */
    char csrf[NAME_SIZE]; /* "" where no cookie was used */
    int64_t expires_us;   /* wall clock; 0: a token that does not expire, or no session yet */
    bool must_enrol;      /* nothing else is allowed before there is a second factor */
    bool has_factor;
    bool has_password;      /* one that is kept here */
    uint32_t recovery_left; /* codes */
    char ticket[NAME_SIZE]; /* not signed in yet: /session/code wants it, with a code */
};
extern const struct shape view_session_shape;

/* One open session of the account that asks. */
struct view_session_info {
    uint64_t number;
    int64_t opened_us, used_us; /* wall clock */
    char peer[HOST_SIZE];
    char agent[HOST_SIZE]; /* what the browser says it is */
    bool is_current;
};
extern const struct shape view_session_info_shape;

/* What the sign-in page offers. */
struct view_ways {
    char openid[NAME_SIZE]; /* the provider's name; "": none */
};
extern const struct shape view_ways_shape;
struct view_openid_begin {
    char *url; /* owned */
};
extern const struct shape view_openid_begin_shape;

/* A second factor that waits to be confirmed. */
struct view_factor {
    char secret[NAME_SIZE]; /* base32 */
    char uri[URL_SIZE];     /* otpauth:// */
};
extern const struct shape view_factor_shape;
#define VIEW_RECOVERY_MAX 10
struct view_recovery {
    char codes[VIEW_RECOVERY_MAX][NAME_SIZE];
    size_t code_count;
};
extern const struct shape view_recovery_shape;

/* Rules of cordond.yaml about who may come in. */
#define VIEW_MAPPINGS_MAX 64
struct view_mapping {
    int source; /* enum account_source */
    char group[URL_SIZE];
    int role;
};
struct view_rules {
    char factor_roles[ACCOUNT_ROLE_COUNT][NAME_SIZE];
    size_t factor_role_count;
    uint32_t token_days, session_hours, idle_minutes;
    char ldap[URL_SIZE];           /* the server; "": none */
    char openid[URL_SIZE];         /* the issuer; "": none */
    struct view_mapping *mappings; /* owned */
    size_t mapping_count;
};
extern const struct shape view_rules_shape;

struct view_account {
    char name[NAME_SIZE];
    int role;
    bool is_disabled;
    bool must_change;
    int64_t created_us;
    uint32_t sessions; /* open now */
    int source;        /* enum account_source */
    bool has_factor;
    bool must_have_factor;
};
extern const struct shape view_account_shape;

struct view_token {
    char name[NAME_SIZE];
    int role;
    int64_t created_us;
    char token[NAME_SIZE]; /* only in the answer that makes it */
    int64_t expires_us;    /* 0: never */
    bool is_expired;
    bool is_read_only;
    char ops[32][NAME_SIZE];
    size_t op_count;
    int64_t used_us; /* 0: not yet */
    char used_from[HOST_SIZE];
    int payload; /* enum payload_right, only in the answer that makes it */
};
extern const struct shape view_token_shape;

#endif
