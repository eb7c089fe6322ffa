/* Inside of people: shared by people.c (sign-in, accounts, tokens) and caller.c (who asks). */
#ifndef CORDON_WEB_PEOPLE_STATE_H
#define CORDON_WEB_PEOPLE_STATE_H

#include "base/log.h"
#include "web/account.h"
#include "web/hasher.h"
#include "web/lockout.h"
#include "web/people.h"
#include "web/token.h"

#define ACCOUNT_PREFIX "account:"

struct people {
    struct people_settings settings;
    struct token_file *tokens;
    struct account_file *accounts;
    struct sessions *sessions;
    struct hasher *hasher;
    struct lockout *by_account, *by_peer;
    struct log_limit failure_limit;
};

#endif
