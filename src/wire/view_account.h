/* Accounts, sessions and tokens as the API shows them.  Never a password, a hash or a token, but the
 * one moment when a token is made. */
#ifndef CORDON_WIRE_VIEW_ACCOUNT_H
#define CORDON_WIRE_VIEW_ACCOUNT_H

#include "model/text.h"
#include "wire/op.h"

struct view_caller {
    char name[NAME_SIZE];
    int role; /* enum account_role */
};

struct view_session {
    struct view_caller account;
    bool must_change;       /* nothing else is allowed before the password is changed */
    char csrf[NAME_SIZE];   /* "" where no cookie was used */
    int64_t expires_us;     /* wall clock; 0: a token, which does not expire */
};
extern const struct shape view_session_shape;

struct view_account {
    char name[NAME_SIZE];
    int role;
    bool is_disabled;
    bool must_change;
    int64_t created_us;
    uint32_t sessions; /* open now */
};
extern const struct shape view_account_shape;

struct view_token {
    char name[NAME_SIZE];
    int role;
    int64_t created_us;
    char token[NAME_SIZE]; /* only in the answer that makes it */
};
extern const struct shape view_token_shape;

#endif
