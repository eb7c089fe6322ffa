/* Sign-ins that wait for their second step: the password was right, nobody is signed in yet.  The
 * browser holds 256 random bits, here is their SHA-256.  In memory, bounded, for five minutes and
 * five tries.  Loop thread. */
#ifndef CORDON_WEB_TICKET_H
#define CORDON_WEB_TICKET_H

#include <stdbool.h>

#include "base/clock.h"
#include "web/session.h"

#define TICKETS_MAX 256
#define TICKET_LIFE_US (5 * 60 * 1000000ll)
#define TICKET_TRIES 5

struct tickets;

struct tickets *tickets_new(const struct clock *clock);
void tickets_free(struct tickets *tickets);
/* For 'account' as it is now; the oldest makes room.  False: no random bytes. */
bool tickets_open(struct tickets *tickets, const struct account *account,
                  char text[SESSION_TEXT_SIZE]) MUST_CHECK;
/* The account as it was when its password was shown; one try less.  False: unknown, too old, or
 * tried too often. */
bool tickets_try(struct tickets *tickets, const char *text, struct account *account) MUST_CHECK;
/* The ticket is worth nothing any more. */
void tickets_end(struct tickets *tickets, const char *text);

#endif
