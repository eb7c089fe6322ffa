/* Sessions of people who signed in: in memory only, so that a restart of web ends them all.  The
 * browser holds 256 random bits in a cookie; here is their SHA-256.  A new id at every sign-in and
 * after a password change: an id that somebody planted before is worth nothing. */
#ifndef CORDON_WEB_SESSION_H
#define CORDON_WEB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "web/account.h"

#define SESSION_COOKIE "__Host-cordon"
#define SESSION_TEXT_SIZE 48 /* 43 characters of base64url */
#define SESSIONS_MAX 1000
#define SESSIONS_PER_ACCOUNT 20
#define SESSION_IDLE_US (30 * 60 * 1000000ll)
#define SESSION_LIFE_US (12 * 60 * 60 * 1000000ll)

struct session {
    uint64_t number; /* of this process: for those who listen with it */
    char account[NAME_SIZE];
    enum account_role role;
    bool must_change;
    char csrf[SESSION_TEXT_SIZE];
    uint8_t hash[32];
    int64_t opened_us, used_us; /* boot clock */
};

struct sessions;

/* 'on_end' is called for each session that ends, whyever. */
struct sessions *sessions_new(const struct clock *clock,
                              void (*on_end)(void *context, const struct session *session),
                              void *context);
void sessions_free(struct sessions *sessions);
/* Opens one; 'text' is what the browser gets.  Beyond the limits the account's (else everybody's)
 * longest unused session ends.  NULL: no random bytes. */
const struct session *sessions_open(struct sessions *sessions, const struct account *account,
                                    char text[SESSION_TEXT_SIZE]);
/* NULL: none, or over; else it counts as used now. */
const struct session *sessions_find(struct sessions *sessions, const char *text);
void sessions_end(struct sessions *sessions, const struct session *session);
/* All of that account. */
void sessions_end_of(struct sessions *sessions, const char *account);
size_t sessions_count_of(const struct sessions *sessions, const char *account);
/* Ends those whose time is over. */
void sessions_tick(struct sessions *sessions);
/* Until when it lasts at most, wall clock. */
int64_t sessions_expire_us(const struct sessions *sessions, const struct session *session);

/* Pure: the value of 'name' in a Cookie header (RFC 6265 5.4).  False: none, doubled (somebody
 * planted one), too long, or not made of base64url characters. */
bool cookie_find(const char *header, const char *name, char value[SESSION_TEXT_SIZE]);
/* Pure: 32 random bytes as 43 characters of base64url.  False: no random bytes. */
bool secret_make(char text[SESSION_TEXT_SIZE]);

#endif
