/* How many requests one account, token or address may send: a bucket of tokens each, which refills
 * by time.  A bounded table: when it is full, the one that was used longest ago makes room: it is
 * full again, or nearly.  Pure but for memory; times are microseconds on the boot
 * clock. */
#ifndef CORDON_WEB_SHARE_H
#define CORDON_WEB_SHARE_H

#include <stddef.h>
#include <stdint.h>

#define SHARE_KEYS_MAX 4096
#define SHARE_BURST 10 /* seconds' worth at once */

struct shares;

struct shares *shares_new(void);
void shares_free(struct shares *shares);
/* One request of 'key', of whom so many per second are fine.  0: take it; else how long 'key' must
 * wait. */
int64_t share_take(struct shares *shares, const char *key, uint32_t per_s, int64_t now_us);
size_t shares_count(const struct shares *shares);

#endif
