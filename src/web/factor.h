/* Second factors of accounts: a TOTP secret and recovery codes that work once.  Web alone reads and
 * writes them; 'cordond account reset-factor' takes one out.
 *
 * STATE_DIR/web/factors.sealed, sealed with the key of its purpose (base/seal.h), is text: a line
 * "key HEX", with which what browsers keep is authenticated, and one line each:
 *     NAME SECRET-HEX LAST-STEP HASHES
 * HASHES: SHA-256 of the recovery codes that are left (80 random bits each: no slow hash needed),
 * with commas in between; '-': none.  Loop thread. */
#ifndef CORDON_WEB_FACTOR_H
#define CORDON_WEB_FACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/text.h"
#include "web/totp.h"

#define RECOVERY_CODES 10
#define RECOVERY_CODE_SIZE 20 /* "abcd-efgh-ijkl-mnop" */

struct factor {
    char name[NAME_SIZE];
    uint8_t secret[TOTP_SECRET_SIZE];
    uint64_t step; /* the last one whose code was taken */
    uint8_t recovery[RECOVERY_CODES][32];
    size_t recovery_count;
};

struct factors;

enum factor_answer {
    FACTOR_WRONG,
    FACTOR_CODE,     /* of the app */
    FACTOR_RECOVERY, /* one of the codes that work once */
    FACTOR_UNKEPT,   /* right, but that it is used could not be written: not granted */
};

struct seal;

/* Takes 'seal', whose purpose is SEAL_ACCOUNTS.  Never NULL. */
struct factors *factors_open(const char *state_dir, struct seal *seal);
void factors_free(struct factors *factors);
/* False: the file cannot be opened or understood; then nobody may be let in without a code. */
bool factors_are_readable(struct factors *factors);
bool factors_have(struct factors *factors, const char *name);
/* A digest of that account's secret; all zero: it has none. */
void factors_digest(struct factors *factors, const char *name, uint8_t digest[32]);
/* How many recovery codes are left. */
size_t factors_recovery_left(struct factors *factors, const char *name);
/* Is this code good for that account now?  It is not a second time: that stands on disk before
 * this returns. */
enum factor_answer factors_check(struct factors *factors, const char *name, const char *code,
                                 int64_t wall_us);
/* The account has this secret from now on, whose code of 'step' was used, and new recovery codes,
 * which are told here only.  0 or negative errno, and 'why'. */
int factors_set(struct factors *factors, const char *name, const uint8_t secret[TOTP_SECRET_SIZE],
                uint64_t step, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE],
                char why[256]) MUST_CHECK;
/* New recovery codes; the old ones are worth nothing.  0, -ENOENT or negative errno, and 'why'. */
int factors_recover(struct factors *factors, const char *name,
                    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], char why[256]) MUST_CHECK;
/* 0, -ENOENT (there is none) or negative errno, and 'why'. */
int factors_remove(struct factors *factors, const char *name, char why[256]) MUST_CHECK;
/* A MAC over 'text' with a key of this server: what we give browsers and take back.  False: there
 * is no key, for the file can neither be read nor made. */
bool factors_mac(struct factors *factors, const char *text, uint8_t mac[32]) MUST_CHECK;

/* Pure: one line without its newline; modified in place.  NULL, or what is wrong. */
const char *factor_line_parse(char *line, struct factor *factor);

#endif
