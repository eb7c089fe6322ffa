/* The audit's reader (store_read_audit, store_check_audit of store.h): a thread of its own with a
 * read-only connection, so that neither the loop nor a commit ever waits for a search or a walk
 * through a million rows. */
#ifndef CORDON_STORE_AUDIT_READER_H
#define CORDON_STORE_AUDIT_READER_H

#include <sqlite3.h>

#include "store/store.h"

struct audit_reader;

/* After the writer has made the tables.  0 or negative errno. */
int audit_reader_new(const char *path, struct event_base *base, struct audit_reader **audit_reader,
                     char why[256]) MUST_CHECK;
/* Whoever waits is told -ECANCELED. */
void audit_reader_free(struct audit_reader *audit_reader);
/* The newest row that is on disk; any thread. */
void audit_reader_tip(struct audit_reader *audit_reader, int64_t number,
                      const uint8_t hash[AUDIT_HASH_SIZE]);
void audit_reader_read(struct audit_reader *audit_reader,
                       const struct store_audit_question *question, store_audit_fn *done,
                       void *context);
void audit_reader_check(struct audit_reader *audit_reader, const struct store_walk *walk,
                        store_chain_fn *done, void *context);
/* What audit_reader_tip() was told last. */
int64_t audit_reader_newest(struct audit_reader *audit_reader, uint8_t hash[AUDIT_HASH_SIZE]);
/* The thread's own (audit_query.c): the rows to 'answer', whose memory the caller frees with
 * audit_rows_free. */
int audit_query_run(sqlite3 *db, const struct store_audit_question *question,
                    struct store_audit_answer *answer);
void audit_rows_free(struct store_audit_answer *answer);

#endif
