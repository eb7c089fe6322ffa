/* The audit log's chain: each row's hash covers its own fields and the hash before it, so that an
 * altered or removed row breaks every later one.  (Who can rewrite the whole file can rewrite the
 * chain: keep the newest hash elsewhere, e.g. in the system log, to notice that.) */
#ifndef CORDON_STORE_AUDIT_H
#define CORDON_STORE_AUDIT_H

#include <stdint.h>

#define AUDIT_HASH_SIZE 32 /* SHA-256 */

struct audit_fields {
    int64_t number, at_us;
    const char *account, *action, *object, *detail;
};

/* 'hash' may be 'before'.  The first row's 'before' is all zero. */
void audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const struct audit_fields *fields,
                uint8_t hash[AUDIT_HASH_SIZE]);

#endif
