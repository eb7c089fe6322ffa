/* What a damaged database still proves, into the one that takes its place: audit rows that go on
 * the chain, and rows whose sum is right. */
#ifndef CORDON_STORE_MERGE_H
#define CORDON_STORE_MERGE_H

#include <stdint.h>

#include "base/macros.h"
#include "store/rescue.h"

/* Audit rows of 'from' behind those of 'to', as long as the chain of hashes holds; what cannot be
 * read ends it.  0 also where there is nothing. */
int merge_audit(const char *to, const char *from, uint64_t *merged, char why[256]) MUST_CHECK;
/* Rows of an exported audit behind those of 'to'.  All of them or none: -EBADMSG with 'why' where it
 * is of another log, has gaps, or a row is not as it was written. */
int merge_exported(const char *to, const char *file, uint64_t *merged, char why[256]) MUST_CHECK;
/* Containments, incidents and endpoints with a right sum; only between equal schemas. */
int merge_rows(const char *to, const char *from, char why[256]) MUST_CHECK;
/* What is in force or waits by the rows, and by the audit was ended (or left) by a person or its
 * time, is so again: the end is never older than the beginning. */
int merge_ends(const char *to, uint64_t *ended, char why[256]) MUST_CHECK;
/* Forgets the purges that had begun when the copy was made: what a restore brings back, it does not
 * delete.  Whoever still wants one begins it again. */
int merge_purges(const char *to, uint64_t *purges, char why[256]) MUST_CHECK;
/* The audit row "restored", and the setting that has switches looked at first. */
int merge_note(const char *to, int64_t now_us, const struct rescue *rescue,
               char why[256]) MUST_CHECK;

#endif
