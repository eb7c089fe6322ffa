/* Secrets at rest.  One master key, in a file of its own that only its owner can read, made at the
 * first start; from it a key per purpose, so that a role process holds what it needs and nothing
 * that opens another's secrets.  A sealed file opens only under its purpose and its own name: one
 * cannot be put in the place of another.
 *
 *   "CORDSEAL" | id of the master key (8) | nonce (24) | XChaCha20-Poly1305 of the content
 *
 * Keys and opened secrets lie in locked memory, which is in no core image, and are wiped.  Role
 * mains open what they need before they are locked in. */
#ifndef CORDON_BASE_SEAL_H
#define CORDON_BASE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* A purpose's number is part of its key: never change one, add new ones at the end. */
enum seal_purpose {
    SEAL_NOTIFY,    /* passwords and signing keys of channels */
    SEAL_ACCOUNTS,  /* second factors of accounts */
    SEAL_LOGIN,     /* what LDAP and OpenID Connect servers are asked with */
    SEAL_DEVICES,   /* credentials of switches, for drivers that need some */
    SEAL_PKI,       /* the private key of our own certificate */
    SEAL_AUTHORITY, /* the certificate authority's */
    SEAL_AUDIT,     /* the key that signs checkpoints of the audit */
    SEAL_PURPOSE_COUNT
};
extern const char *const seal_purpose_names[SEAL_PURPOSE_COUNT + 1];

#define SEAL_KEY_SIZE 32

struct seal;

/* Makes the key file (0400) where there is none, and checks it: a plain file, of its owner alone,
 * of this user, not a link, of the right size.  0 or negative errno and 'why', which says what to
 * do. */
int seal_prepare(const char *key_path, char why[256]) MUST_CHECK;
/* The key of 'purpose'; the file is checked as above.  Also where the key was changed and not
 * everything was sealed anew: then what the former one sealed can be opened. */
int seal_open(const char *key_path, enum seal_purpose purpose, struct seal **seal,
              char why[256]) MUST_CHECK;
void seal_free(struct seal *seal);

/* Seals 'bytes' for the file at 'path' and writes it whole (0600): the old one stays or the new one
 * is there. */
int seal_write(const struct seal *seal, const char *path, const void *bytes,
               size_t size) MUST_CHECK;
/* Opens the file; '*bytes' is NUL-terminated beyond '*size', in locked memory, and the caller's:
 * seal_bytes_free.  -ENOENT: there is none; -EBADMSG: altered, another file, or another purpose;
 * -EKEYREJECTED: sealed with a key that is not in the key file. */
int seal_read(const struct seal *seal, const char *path, size_t limit, char **bytes,
              size_t *size) MUST_CHECK;
/* Accepts NULL; wipes. */
void seal_bytes_free(char *bytes);

/* What a rotation seals anew. */
struct seal_file {
    const char *path;
    enum seal_purpose purpose;
};
/* A new master key: the key file holds both, each file is sealed anew, then the former key goes.
 * Cut off anywhere, everything can be opened, and the same call again ends it.  Nobody else may be
 * writing: the caller holds the state folder's lock.  Files that are not there are passed over.
 * '*is_new': false where the file held several already, and its first one is the one that stays. */
int seal_rotate(const char *key_path, const struct seal_file *files, size_t count, bool *is_new,
                char why[256]) MUST_CHECK;

/* The same without a new key: what several keys of the file sealed (a change that was cut off, or
 * seal_join) is sealed with the first one, and the others go. */
int seal_settle(const char *key_path, const struct seal_file *files, size_t count,
                char why[256]) MUST_CHECK;

/* What an earlier release, or a person, left in the clear at 'plain' goes into the sealed file at
 * 'path'; then its bytes are overwritten and the file goes.  Cut off anywhere, the next call ends
 * it.  Nothing is at 'plain': 0, and '*is_taken' false.  Where both are there and differ, the plain
 * one counts if 'is_newer'; else -EEXIST, and nothing is touched.  'why' says what to do. */
int seal_take_over(const struct seal *seal, const char *plain, const char *path, bool is_newer,
                   bool *is_taken, char why[256]) MUST_CHECK;

/* The key file at 'key_path' (a backup's) also opens what the one at 'former_path' sealed, until
 * seal_rotate() ends that.  There is no former one, or it is the same key: nothing is done. */
int seal_join(const char *key_path, const char *former_path, char why[256]) MUST_CHECK;

/* Checks a file with a private key that others made (an edge's, a receiver's): a plain file that
 * only its owner reads, of this user or root. */
int seal_check_private(const char *path, char why[256]) MUST_CHECK;

#endif
