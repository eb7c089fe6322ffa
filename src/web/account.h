/* Accounts of people: who may sign in, in which role.  Passwords are kept as argon2id hashes.
 * Written by the console, by 'cordond account' and at the first start; web notices changes by
 * itself.
 *
 * File STATE_DIR/web/accounts (mode 0600), one line each:
 *     NAME ROLE active|initial|disabled HASH CREATED
 * 'initial': somebody else has seen the password; it must be changed first.  Where an account comes
 * from a directory or an OpenID provider, HASH is "source:ldap:SUBJECT" or "source:openid:SUBJECT":
 * no password is kept here, and SUBJECT (a hash) says who it is there, however names change hands.
 * Its role is what the source said at the last sign-in. */
#ifndef CORDON_WEB_ACCOUNT_H
#define CORDON_WEB_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/text.h"
#include "wire/op.h"
#include "wire/view_account.h"

#define ACCOUNTS_MAX 1000
#define ACCOUNT_HASH_SIZE 128 /* crypto_pwhash_STRBYTES */
#define PASSWORD_LEAST 12
#define FIRST_PASSWORD_SIZE 24

struct account {
    char name[NAME_SIZE];
    enum account_role role;
    bool is_disabled;
    bool must_change;
    enum account_source source;
    char hash[ACCOUNT_HASH_SIZE]; /* of the password; of others than local ones, who it is there */
    int64_t created_us;
};

struct account_list {
    struct account *items; /* owned */
    size_t count;
};

/* Pure: the text of an account file.  0, or -EBADMSG with line and reason in 'why'. */
int account_parse(const char *text, size_t size, struct account_list *list,
                  char why[256]) MUST_CHECK;
void account_list_fini(struct account_list *list);
/* As for tokens, and fits behind "account:" into audit rows. */
bool account_name_is_valid(const char *name);
/* NULL: none. */
struct account *account_find(const struct account_list *list, const char *name);
/* Is this a password that we take for that account?  False: 'why' says what is wrong with it. */
bool account_password_is_good(const char *name, const char *password, char why[256]);
/* argon2id: about 50 ms and 64 MiB each; never on the loop (hasher.h).  0 or -ENOMEM. */
int account_password_hash(const char *password, char hash[ACCOUNT_HASH_SIZE]) MUST_CHECK;
bool account_password_matches(const char *hash, const char *password);

enum account_change {
    ACCOUNT_CREATE, /* all of 'account' */
    ACCOUNT_SET_ROLE,
    ACCOUNT_SET_PASSWORD, /* its hash and must_change */
    ACCOUNT_SET_DISABLED,
    ACCOUNT_REMOVE,
    ACCOUNT_FROM_SOURCE, /* somebody signed in at a source: makes the account, or sets its role */
};
#define ACCOUNT_SUBJECT_HEX 32
/* What stands as HASH for somebody from a source; 'subject': whatever that names the person by. */
void account_subject_hash(enum account_source source, const char *subject,
                          char hash[ACCOUNT_HASH_SIZE]);
/* Changes the file under its lock.  0; -EEXIST, -ENOENT, -EINVAL (the name), -EPERM (nobody could
 * administer any more), -E2BIG, -EBADMSG (the file is broken) or the errno of the file, negative.
 */
int account_apply(const char *state_dir, enum account_change change, const struct account *account,
                  char why[256]) MUST_CHECK;
/* First start: where STATE_DIR/web/accounts is missing, makes the account "admin" and writes its
 * password to STATE_DIR/admin.password (mode 0600).  0 also when there was nothing to do. */
int account_prepare(const char *state_dir, const struct clock *clock, char why[256]) MUST_CHECK;
/* A password for somebody who must change it. */
void account_password_make(char password[FIRST_PASSWORD_SIZE]);

/* The file as web sees it: read again when it changed. */
struct account_file;
struct account_file *account_file_new(const char *state_dir);
void account_file_free(struct account_file *file);
/* Valid until the next call; a file that became unreadable or wrong keeps the last good list. */
const struct account_list *account_file_list(struct account_file *file);

#endif
