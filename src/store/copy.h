/* A copy of a database that is in use, and what it is.  Takes as long as the disk takes: never on
 * core's loop. */
#ifndef CORDON_STORE_COPY_H
#define CORDON_STORE_COPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/audit_chain.h"
#include "model/text.h"

/* What stands in a copy, for people and for whoever restores it. */
struct copy_facts {
    uint64_t schema;
    uint64_t epoch;
    int64_t audit_number; /* of the newest row; 0: none */
    uint8_t audit_hash[AUDIT_HASH_SIZE];
    uint64_t live; /* containments that have not ended */
    uint64_t bytes;
};

/* Copies the database at 'from' (as of one moment, while others write) to 'to', one file that is
 * checked and on disk when this returns, and replaces what was there in one step.  'stop' may be
 * NULL; set, it ends the copying.  0; -ENOSPC, -ECANCELED, -EBADMSG (the source or the copy is
 * damaged) or another negative errno with 'why'; then 'to' is as it was. */
int copy_make(const char *from, const char *to, const atomic_bool *stop, char why[256]) MUST_CHECK;
/* Looks at a database that nobody writes: whole (all pages, header, schema that we know).  0;
 * -EPROTO: of a later release; -EBADMSG: damaged; -ENODATA: nothing was ever stored in it; 'facts'
 * may be NULL. */
int copy_check(const char *path, struct copy_facts *facts, char why[256]) MUST_CHECK;

#endif
