/* Back-off against guessing: whoever failed too often waits, each time twice as long.  Keys are
 * accounts and addresses.  A bounded table: when it is full, the key that failed least makes room,
 * and whoever takes its place takes over what it failed for nothing: so neither a flood of names
 * nor one between each two guesses makes anybody's failures forgotten.  Who tries is counted while
 * the answer is on its way, so that guesses at the same time are no more than those one after the
 * other. Kept in a file, it outlives the process: whoever can end web gets no new guesses for it.
 * Times are microseconds on the boot clock. */
#ifndef CORDON_WEB_LOCKOUT_H
#define CORDON_WEB_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macros.h"

#define LOCKOUT_FILE "failures." /* in web's folder; of no use in a backup */
#define LOCKOUT_KEYS_MAX 4096
#define LOCKOUT_FIRST_US 1000000ll
#define LOCKOUT_MOST_US (15 * 60 * 1000000ll)
#define LOCKOUT_HALVE_US (15 * 60 * 1000000ll)  /* silent for so long: half as many */
#define LOCKOUT_FORGET_US (60 * 60 * 1000000ll) /* failures that long ago do not count */

struct lockout;

/* 'free_failures' cost nothing; 'tries' of one key may be under way at the same time, as long as
 * they could all fail for nothing. */
struct lockout *lockout_new(unsigned free_failures, unsigned tries);
void lockout_free(struct lockout *lockout);
/* Goes on with what the file says, and writes there what comes: a line for each failure, without
 * keys (their hashes), and without waiting for the disk: it outlives us, not the machine. */
void lockout_keep(struct lockout *lockout, const char *path, const struct clock *clock);
/* How long 'key' must wait still; 0: may try. */
int64_t lockout_wait_us(const struct lockout *lockout, const char *key, int64_t now_us);
void lockout_failed(struct lockout *lockout, const char *key, int64_t now_us);
void lockout_succeeded(struct lockout *lockout, const char *key);
/* A try of 'key' begins; false: as many as may be are under way.  Each that began ends once,
 * however it went. */
bool lockout_begin(struct lockout *lockout, const char *key, int64_t now_us) MUST_CHECK;
void lockout_end(struct lockout *lockout, const char *key);
size_t lockout_count(const struct lockout *lockout);

#endif
