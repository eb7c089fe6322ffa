/* Back-off against guessing: whoever failed too often waits, each time twice as long.  Keys are
 * accounts and addresses.  A bounded table: when it is full, the key whose last failure is oldest
 * makes room.  Pure but for memory; times are microseconds on the boot clock. */
#ifndef CORDON_WEB_LOCKOUT_H
#define CORDON_WEB_LOCKOUT_H

#include <stddef.h>
#include <stdint.h>

#define LOCKOUT_KEYS_MAX 4096
#define LOCKOUT_FIRST_US 1000000ll
#define LOCKOUT_MOST_US (15 * 60 * 1000000ll)
#define LOCKOUT_FORGET_US (60 * 60 * 1000000ll) /* failures that long ago do not count */

struct lockout;

/* 'free_failures' cost nothing. */
struct lockout *lockout_new(unsigned free_failures);
void lockout_free(struct lockout *lockout);
/* How long 'key' must wait still; 0: may try. */
int64_t lockout_wait_us(const struct lockout *lockout, const char *key, int64_t now_us);
void lockout_failed(struct lockout *lockout, const char *key, int64_t now_us);
void lockout_succeeded(struct lockout *lockout, const char *key);
size_t lockout_count(const struct lockout *lockout);

#endif
