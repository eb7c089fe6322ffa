/* What the supervisor does for a role that is locked in and may not do it itself: open a source's
 * file, listen for a source, read and write the policy file.
 *
 * The role says which errand, and for which entry of cordond.yaml: never a path.  Each role has its
 * own list (errand_is_allowed); any other wish cuts the line.  One line per child: descriptor
 * ERRAND_FD there, SOCK_SEQPACKET, one question and one answer at a time. */
#ifndef CORDON_CORDOND_ERRAND_H
#define CORDON_CORDOND_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "cordond/config.h"
#include "wire/message.h"

#define ERRAND_FD 4 /* in the child */

enum errand {
    ERRAND_POLICY_READ,    /* core: a descriptor to read the policy file */
    ERRAND_POLICY_WRITE,   /* core: the given descriptor's bytes become the policy file */
    ERRAND_BACKUP,         /* core: a backup is begun (backup.h); 'index' of them are kept */
    ERRAND_BACKUP_RESULT,  /* core: a descriptor to read how the last one ended */
    ERRAND_BACKUP_FILE,    /* core: the last one, where it is for the operator's key alone */
    ERRAND_SOURCE_FILE,    /* intake: the followed file; 'index' is of sources in each */
    ERRAND_SOURCE_ROTATED, /* intake: the file beside it that ends in ".1" */
    ERRAND_SOURCE_WATCH,   /* intake: an inotify descriptor that watches its folder */
    ERRAND_SOURCE_LISTEN,  /* intake: a bound socket; streams listen already */
    ERRAND_SOURCE_CERT,    /* intake: the certificate, its key, and the senders' authority */
    ERRAND_SOURCE_KEY,
    ERRAND_SOURCE_CA,
    ERRAND_KEY_CHECK,       /* core: is the master key's file as it must be? */
    ERRAND_PASSWORD_FORGET, /* web: admin.password is removed */
    ERRAND_COUNT
};

bool errand_is_allowed(enum wire_role role, enum errand errand);

/* Does it here and now, as whoever we are: a descriptor, 0 where none is the answer, or negative
 * errno.  'given': of ERRAND_POLICY_WRITE; stays the caller's. */
int errand_do(const struct config *config, enum errand errand, size_t index, int given) MUST_CHECK;

/* In the role: asks the supervisor, and waits for the answer (10 s at most: -ETIMEDOUT).  One
 * thread at a time.  'line' negative: there is no supervisor (a stage's tests), it is done here. */
int errand_ask(int line, const struct config *config, enum errand errand, size_t index,
               int given) MUST_CHECK;

/* In the supervisor: one question of 'role' is waiting on 'line'.  0, or negative errno: the line
 * must be cut. */
int errand_serve(const struct config *config, enum wire_role role, int line) MUST_CHECK;

#endif
