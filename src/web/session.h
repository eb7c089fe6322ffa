/* Sessions of people who signed in.  The browser holds 256 random bits in a cookie; here is their
 * SHA-256, also in a file (0600), so that the death of web signs nobody out: one line each,
 *     NUMBER ACCOUNT ROLE FLAGS CSRF HASH OPENED USED PEER PROOF AGENT
 * PROOF is of what the account signed in with, so that a session ends with it.  A line that is not
 * understood is a session that is over.  A new id at every sign-in and after a password change: an
 * id that somebody planted before is worth nothing. */
#ifndef CORDON_WEB_SESSION_H
#define CORDON_WEB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "web/account.h"
#include "web/totp.h"

#define SESSION_COOKIE "__Host-cordon"
#define SESSION_TEXT_SIZE 48 /* 43 characters of base64url */
#define SESSIONS_MAX 1000
#define SESSIONS_PER_ACCOUNT 20
#define SESSION_PROOF_SIZE 64
#define SESSION_IDLE_US (30 * 60 * 1000000ll)
#define SESSION_LIFE_US (12 * 60 * 60 * 1000000ll)

struct session {
    uint64_t number; /* of this process: for those who listen with it */
    char account[NAME_SIZE];
    enum account_role role;
    bool must_change;
    bool must_enrol;  /* a second factor, before anything else */
    bool has_pending; /* one waits for its first code */
    uint8_t pending[TOTP_SECRET_SIZE];
    char peer[HOST_SIZE];  /* signed in from there */
    char agent[HOST_SIZE]; /* what the browser says it is; "": nothing */
    char csrf[SESSION_TEXT_SIZE];
    uint8_t hash[32];
    uint8_t proof[SESSION_PROOF_SIZE]; /* of the account's password and second factor */
    int64_t opened_us, used_us;        /* boot clock */
};

struct sessions;

/* 'on_end' is called for each session that ends, whyever. */
struct sessions *sessions_new(const struct clock *clock,
                              void (*on_end)(void *context, const struct session *session),
                              void *context);
void sessions_free(struct sessions *sessions);
/* From now on they are kept in the file at 'path', and those that are in it live on, as long as
 * they would have.  Once, before the first one is opened. */
void sessions_keep(struct sessions *sessions, const char *path);
/* Where a session comes from. */
struct session_origin {
    const char *peer, *agent; /* agent NULL: it says nothing */
    bool must_enrol;
    uint8_t proof[SESSION_PROOF_SIZE];
};
/* Opens one; 'text' is what the browser gets.  Beyond the limits the account's (else everybody's)
 * longest unused session ends.  NULL: no random bytes. */
const struct session *sessions_open(struct sessions *sessions, const struct account *account,
                                    const struct session_origin *origin,
                                    char text[SESSION_TEXT_SIZE]);
/* NULL: none, or over; else it counts as used now. */
const struct session *sessions_find(struct sessions *sessions, const char *text);
void sessions_end(struct sessions *sessions, const struct session *session);
/* All of that account, but the one of the number 'but'. */
void sessions_end_of(struct sessions *sessions, const char *account, uint64_t but);
/* The account's next one behind 'session' (NULL: its first one); NULL: no more. */
const struct session *sessions_next_of(const struct sessions *sessions, const char *account,
                                       const struct session *session);
/* A second factor waits for its first code in this session; NULL: none does any more, and the
 * session is free to do the rest. */
void sessions_set_pending(struct sessions *sessions, const struct session *session,
                          const uint8_t *secret);
/* What its account signs in with is something else now, and this session changed it itself. */
void sessions_set_proof(struct sessions *sessions, const struct session *session,
                        const uint8_t proof[SESSION_PROOF_SIZE]);
/* Ends those of which 'is_good' says no. */
void sessions_check(struct sessions *sessions,
                    bool (*is_good)(void *context, const struct session *session), void *context);
size_t sessions_count_of(const struct sessions *sessions, const char *account);
/* Ends those whose time is over; writes now and then when they were used. */
void sessions_tick(struct sessions *sessions);
/* Until when it lasts at most, wall clock. */
int64_t sessions_expire_us(const struct sessions *sessions, const struct session *session);

/* Pure: the value of 'name' in a Cookie header (RFC 6265 5.4).  False: none, doubled (somebody
 * planted one), too long, or not made of base64url characters. */
bool cookie_find(const char *header, const char *name, char value[SESSION_TEXT_SIZE]);
/* Pure: 32 random bytes as 43 characters of base64url.  False: no random bytes. */
bool secret_make(char text[SESSION_TEXT_SIZE]);

#endif
