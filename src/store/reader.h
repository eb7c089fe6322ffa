/* The reading connection: lists and evidence (store_read_*, store_has_detection,
 * store_find_external of store.h), and the live state at start (load.c).  Loop thread; in WAL mode
 * it never waits for the writer. */
#ifndef CORDON_STORE_READER_H
#define CORDON_STORE_READER_H

#include <sqlite3.h>

#include "base/macros.h"
#include "store/store.h"
#include "wire/codec.h"

enum query {
    QUERY_LIVE,
    QUERY_OPEN_INCIDENTS,
    QUERY_ENDPOINTS,
    QUERY_ANNOTATIONS,
    QUERY_CERTIFICATES,
    QUERY_ENROLMENTS,
    QUERY_SETTINGS,
    QUERY_SETTING,
    QUERY_HAS_DETECTION,
    QUERY_DETECTION_IDS,
    QUERY_EXTERNAL,
    QUERY_EVIDENCE,
    QUERY_INCIDENTS,
    QUERY_DETECTIONS,
    QUERY_SEEN,
    QUERY_SEEN_COUNT,
    QUERY_ENDED_SINCE,
    QUERY_ENDED_ONE,
    QUERY_RELEASED,
    QUERY_ISOLATIONS,
    QUERY_NOTICES,
    QUERY_WAITING,
    QUERY_MESSAGES,
    QUERY_REVISIONS,
    QUERY_REVISION,
    QUERY_INCIDENT_IS,
    QUERY_HAS_CONTAINMENT,
    QUERY_AUDIT_TIME,
    QUERY_COUNT
};

struct reader {
    sqlite3 *db;
    sqlite3_stmt *queries[QUERY_COUNT];
};

int reader_open(const char *path, struct reader *reader, char why[256]) MUST_CHECK;
void reader_close(struct reader *reader);
typedef int row_fn(void *context, sqlite3_stmt *row);
/* Every row of the bound query to 'each', until it gives an error; resets it.  0 or negative errno:
 * -EBADMSG for a damaged file. */
int reader_run(struct reader *reader, enum query which, row_fn *each, void *context);
/* Second column by 'shape' to 'out'; a failure is logged. */
int row_decode(sqlite3_stmt *row, const struct shape *shape, void *out) MUST_CHECK;
/* A setting's row (name, value, sum): is it as it was written?  Logged where not. */
bool row_is_setting(sqlite3_stmt *row) MUST_CHECK;
/* Where not: is its name one that an earlier build cut (STORE_PAYLOAD_SETTING)? */
bool row_is_cut_setting(sqlite3_stmt *row) MUST_CHECK;
/* At most 'limit' ids of detections with a number above 'after', in their order. */
int reader_detection_ids(struct reader *reader, int64_t after, size_t limit,
                         void (*each)(void *context, int64_t number, const char *id),
                         void *context) MUST_CHECK;
/* The store's own (store.c). */
struct reader *store_reader(struct store *store);
struct seen;
const struct seen *store_seen(const struct store *store);

#endif
