/* The writing connection: runs changes as group commits.  Store thread only, once opened. */
#ifndef CORDON_STORE_WRITER_H
#define CORDON_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/audit_chain.h"
#include "store/change.h"

struct writer;

/* Opens or makes the file, migrates the schema. */
int writer_open(const char *path, struct writer **writer, char why[256]) MUST_CHECK;
/* False: what is in its log could not be moved into the database; it is found there again. */
bool writer_close(struct writer *writer);
/* Damaged (see store_is_damaged); any thread. */
bool writer_is_damaged(const struct writer *writer);
void writer_set_budget(struct writer *writer, uint64_t evidence_bytes, uint64_t detections);

/* Any thread; see store_newest_gone(). */
uint64_t writer_newest_gone(const struct writer *writer, bool of_packets);
/* Any thread; see store_set_collecting() and store_set_reserve(). */
void writer_set_collecting(struct writer *writer, int64_t since_us);
void writer_set_reserve(struct writer *writer, uint64_t bytes);
/* See store_scrub(); any thread. */
void writer_scrub(struct writer *writer);
bool writer_is_scrubbed(const struct writer *writer);
uint64_t writer_live_bytes(const struct writer *writer);

/* One commit for all; sets each change's 'error'.  A change that fails takes back only itself; a
 * commit that fails fails all. */
void writer_commit(struct writer *writer, struct store_change *const *changes, size_t count);

/* Nothing waits: moves the log into the database, drops what is over the limits (trim.h),
 * indexes the audit's texts, gives free room back.  True: there is more to do. */
bool writer_rest(struct writer *writer);
/* Nothing waited for long: the pages of the database that it keeps in memory are dropped. */
void writer_shed(struct writer *writer);
/* The log grew so long that it must be moved even under load. */
bool writer_is_full(const struct writer *writer);
/* Number and hash of the newest row of the audit; 0: there is none. */
int64_t writer_audit_tip(const struct writer *writer, uint8_t hash[AUDIT_HASH_SIZE]);

#endif
