/* The audit's reader (store_read_audit, store_check_audit of store.h): a thread of its own with a
 * read-only connection, so that neither the loop nor a commit ever waits for a search or a walk
 * through a million rows. */
#ifndef CORDON_STORE_AUDITOR_H
#define CORDON_STORE_AUDITOR_H

#include <sqlite3.h>

#include "store/store.h"

struct auditor;

/* After the writer has made the tables.  0 or negative errno. */
int auditor_new(const char *path, struct event_base *base, struct auditor **auditor,
                char why[256]) MUST_CHECK;
/* Whoever waits is told -ECANCELED. */
void auditor_free(struct auditor *auditor);
/* The newest row that is on disk; any thread. */
void auditor_tip(struct auditor *auditor, int64_t number, const uint8_t hash[AUDIT_HASH_SIZE]);
void auditor_read(struct auditor *auditor, const struct store_audit_question *question,
                  store_audit_fn *done, void *context);
void auditor_check(struct auditor *auditor, const uint8_t wanted[AUDIT_HASH_SIZE],
                   store_chain_fn *done, void *context);
/* The thread's own (audit_query.c): the rows to 'answer', whose memory the caller frees with
 * audit_rows_free. */
int audit_query_run(sqlite3 *db, const struct store_audit_question *question,
                    struct store_audit_answer *answer);
void audit_rows_free(struct store_audit_answer *answer);

#endif
