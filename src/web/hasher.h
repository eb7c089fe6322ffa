/* Passwords are hashed and checked on one thread of its own, in order: argon2id is made to be slow,
 * and the loop must not wait for it.  A bounded queue, so that a flood of sign-ins costs others
 * nothing but their turn.  All functions and 'done' run on the loop's thread. */
#ifndef CORDON_WEB_HASHER_H
#define CORDON_WEB_HASHER_H

#include <event2/event.h>
#include <stdbool.h>

#include "web/account.h"

#define HASHER_WAITING_MAX 32

struct hasher;

/* 'is_good': the password matched; for hasher_make, the hash was made. */
typedef void hasher_done_fn(void *context, bool is_good, const char *hash);

int hasher_new(struct event_base *base, struct hasher **hasher) MUST_CHECK;
/* Waits for what the thread is at; whoever waits still is told that it was no good. */
void hasher_free(struct hasher *hasher);
/* 'hash' NULL: there is no such account; takes as long, and does not match.  False: too many wait.
 */
bool hasher_check(struct hasher *hasher, const char *hash, const char *password,
                  hasher_done_fn *done, void *context);
bool hasher_make(struct hasher *hasher, const char *password, hasher_done_fn *done, void *context);

#endif
