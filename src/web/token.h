/* API tokens: who may ask, in which role.  A token is 256 random bits, shown once; the file keeps
 * its SHA-256 only (no password: nothing to guess, so no slow hash).  Written by 'cordond token
 * add' and at the first start; read by the web role, which notices changes by itself.
 *
 * File STATE_DIR/web/tokens, one line each:
 *     NAME ROLE SHA256-HEX CREATED [EXPIRES|never [SCOPE]]
 * Without EXPIRES it never does, as before there was one.  SCOPE: "all" (also where none stands),
 * "read" (nothing that changes anything), or names of operations with commas in between. */
#ifndef CORDON_WEB_TOKEN_H
#define CORDON_WEB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/text.h"
#include "wire/op.h"

#define TOKEN_TEXT_SIZE 64 /* "cordon_" and 43 characters of base64url */
#define TOKENS_MAX 1000
#define TOKEN_HASH_SIZE 32
#define TOKEN_SCOPE_OPS 32                     /* operations in one scope */
#define TOKEN_LIFE_US (90 * 86400 * 1000000ll) /* where nobody says how long */

struct token {
    char name[NAME_SIZE];
    enum account_role role;
    uint8_t hash[TOKEN_HASH_SIZE];
    int64_t created_us;
    int64_t expires_us; /* wall clock; 0: never */
    bool is_read_only;
    enum op ops[TOKEN_SCOPE_OPS]; /* only these; none: whatever the role may */
    size_t op_count;
};

struct token_list {
    struct token *tokens; /* owned */
    size_t count;
};

/* Pure: the text of a token file.  0, or -EBADMSG with line and reason in 'why'. */
int token_parse(const char *text, size_t size, struct token_list *list, char why[256]) MUST_CHECK;
void token_list_fini(struct token_list *list);
/* The token with that text, in constant time per entry; NULL: none. */
const struct token *token_find(const struct token_list *list, const char *text);
void token_hash(const char *text, uint8_t hash[TOKEN_HASH_SIZE]);
/* Letters, digits, '.', '_', '-': fits into the file and into audit rows. */
bool token_name_is_valid(const char *name);

/* "all", "read" or names of operations, into 'token'.  False: 'why' says which word is none. */
bool token_scope_parse(const char *text, struct token *token, char why[256]) MUST_CHECK;
#define TOKEN_SCOPE_SIZE 1100
void token_scope_format(const struct token *token, char text[TOKEN_SCOPE_SIZE]);
bool token_is_expired(const struct token *token, int64_t wall_us);
/* Does the token's scope hold 'op'?  'reads': it changes nothing. */
bool token_allows(const struct token *token, enum op op, bool reads);

/* Makes a token (its hash is written into it) and appends it to STATE_DIR/web/tokens (mode 0600).
 * 'text' is what its owner gets.  0, -EEXIST (the name is taken), -EINVAL (the name), or the errno
 * of the file, negative. */
int token_add(const char *state_dir, struct token *token, char text[TOKEN_TEXT_SIZE],
              char why[256]) MUST_CHECK;
/* Takes it out of STATE_DIR/web/tokens: it is worth nothing at once.  0, -ENOENT, or the errno of
 * the file, negative. */
int token_remove(const char *state_dir, const char *name, char why[256]) MUST_CHECK;
/* First start: where STATE_DIR/web/tokens is missing, makes the token "admin" and writes it to
 * STATE_DIR/admin.token (mode 0600).  0 also when there was nothing to do. */
int token_prepare(const char *state_dir, const struct clock *clock, char why[256]) MUST_CHECK;

/* The file as web sees it: read again when it changed. */
struct token_file;
struct token_file *token_file_new(const char *state_dir);
void token_file_free(struct token_file *file);
/* Looks whether the file changed, then finds; a file that became unreadable or wrong keeps the
 * last good list and is logged once. */
const struct token *token_file_find(struct token_file *file, const char *text);
/* Valid until the next call. */
const struct token_list *token_file_list(struct token_file *file);

/* When and from where a token was used last, by name. */
struct token_use {
    char name[NAME_SIZE];
    char peer[HOST_SIZE];
    int64_t at_us; /* wall clock */
};
/* Kept in STATE_DIR/web/tokens.used, a minute late at most: web notes each use, and writes now and
 * then. */
struct token_uses;
struct token_uses *token_uses_open(const char *state_dir);
/* Writes what is not yet written. */
void token_uses_free(struct token_uses *uses);
void token_uses_note(struct token_uses *uses, const struct token *token, const char *peer,
                     int64_t wall_us);
/* NULL: not used yet. */
const struct token_use *token_uses_find(const struct token_uses *uses, const char *name);
void token_uses_forget(struct token_uses *uses, const char *name);
/* Writes where a minute has passed since the last time, and something changed. */
void token_uses_tick(struct token_uses *uses, int64_t boot_us);

#endif
