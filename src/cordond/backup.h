/* `cordond backup`, `cordond restore` and `cordond backup-key`: run by root beside a cordond that
 * runs (backup) or while it does not (restore).
 *
 * A backup holds the database as of one moment, the configuration and the policy file; with the
 * operator's key or a passphrase also what is secret: the master key, what is sealed with it,
 * private keys, accounts and tokens.  It says which it holds and what it left out.
 * The database is copied by a child that has become the user whom it belongs to: what that user
 * could have put there is never followed as root. */
#ifndef CORDON_CORDOND_BACKUP_H
#define CORDON_CORDOND_BACKUP_H

#include "cordond/config.h"

struct backup_arguments {
    const struct config *config;
    const char *config_path;
    const char *file;            /* to write, or to restore; NULL: below the state folder */
    const char *key_file;        /* the operator's secret key */
    const char *passphrase_file; /* its first line */
    const char *audit_file;      /* an exported audit, whose newer rows count; NULL: none */
    bool leaves_result;          /* by the supervisor: last.json says how it ended */
    unsigned keep;               /* of those below the state folder, the newest; 0: all */
};

/* Each returns the exit status, and says what it did or what is wrong. */
int backup_make(const struct backup_arguments *arguments);
int backup_restore(const struct backup_arguments *arguments);
int backup_key(const char *out);

/* Where backups without a name of their own go, and last.json (errand.h hands that to core). */
#define BACKUP_FOLDER "backups"

#endif
