/* The file that a backup is.
 *
 *   "CORDON BACKUP 1\n" | size of the head (4, little endian) | head: JSON, readable by anybody
 *   | header of the stream (24) | chunks: size (4) and bytes
 *
 * The chunks are one secretstream (XChaCha20-Poly1305): none can be altered, left out, doubled or
 * put elsewhere, the first one vouches for the head, the last one says that it is the last.  A
 * chunk is 'M' (a member begins: its name), 'D' (its bytes) or 'E' (the end: names, sizes and
 * SHA-256). The stream's key is random, and in the head: sealed to the operator's public key, or
 * derived from a passphrase (argon2id); without either it is made from the head, and keeps
 * accidents out, nobody else. */
#ifndef CORDON_CORDOND_BUNDLE_H
#define CORDON_CORDOND_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "wire/view_system.h"

#define BUNDLE_KEY_HEX 65 /* of a key of the operator, with the end */

/* Whose key; empty members: none. */
struct bundle_lock {
    char public_key[BUNDLE_KEY_HEX]; /* to write */
    char secret_key[BUNDLE_KEY_HEX]; /* to read */
    char passphrase[1024];
};

struct bundle_writer;
/* 0600, beside 'path' until it is whole. */
int bundle_create(const char *path, const struct view_backup_head *head,
                  const struct bundle_lock *lock, struct bundle_writer **writer,
                  char why[256]) MUST_CHECK;
/* A member from the open file 'fd'. */
int bundle_add(struct bundle_writer *writer, const char *name, int fd, char why[256]) MUST_CHECK;
/* On disk and in its place when it returns.  Frees 'writer'. */
int bundle_commit(struct bundle_writer *writer, uint64_t *bytes, char why[256]) MUST_CHECK;
void bundle_abort(struct bundle_writer *writer);

/* Opens, checks every byte and unpacks into 'folder' (made, 0700).  0; -EKEYREJECTED: another key
 * or passphrase; -EBADMSG: damaged; -EPROTO: of a later release. */
int bundle_unpack(const char *path, const struct bundle_lock *lock, const char *folder,
                  struct view_backup_head *head, char why[256]) MUST_CHECK;

/* A key pair, as hexadecimal digits. */
int bundle_key_make(char public_key[BUNDLE_KEY_HEX], char secret_key[BUNDLE_KEY_HEX]) MUST_CHECK;
bool bundle_key_check(const char *hex) MUST_CHECK;
/* May a member be called so?  Parts of letters, digits, '.', '_', '-', none of them ".." or hidden.
 */
bool bundle_name_check(const char *name) MUST_CHECK;

#endif
