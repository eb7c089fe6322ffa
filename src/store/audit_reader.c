#include "store/audit_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"

#define JOBS_MAX 64 /* beyond, asking is refused: people ask again */

struct job {
    struct store_audit_question question;
    store_audit_fn *on_rows;
    struct store_audit_answer answer;
    store_chain_fn *on_chain; /* NULL: a question for rows */
    struct store_walk walk;
    struct audit_chain chain;
    int error;
    void *context;
};

struct audit_reader {
    sqlite3 *db;            /* the thread's */
    struct queue *in, *out; /* 'out' is never full: as long as may wait */
    struct event *event_out;
    pthread_t thread;
    bool is_running;
    atomic_bool is_ending;
    struct job stop; /* queued last */
    size_t waiting;
    pthread_mutex_t lock; /* of the tip */
    int64_t tip_number;
    uint8_t tip[AUDIT_HASH_SIZE];
};

static int
row_walk(sqlite3_stmt *row, struct audit_chain *chain)
{
    struct audit_fields fields = {
        .number = sqlite3_column_int64(row, 0),
        .at_us = sqlite3_column_int64(row, 1),
        .account = (const char *)sqlite3_column_text(row, 2),
        .action = (const char *)sqlite3_column_text(row, 3),
        .object = (const char *)sqlite3_column_text(row, 4),
        .detail = (const char *)sqlite3_column_text(row, 5),
    };
    bool has_hash = sqlite3_column_bytes(row, 6) == AUDIT_HASH_SIZE;
    return audit_chain_take(chain, &fields, has_hash ? sqlite3_column_blob(row, 6) : NULL);
}

/* Where rows were pruned, the chain begins behind the last of them; some of those may still stand,
 * where pruning has not come so far.  An anchor that is not signed is none: then rows are missing.
 */
static int64_t
anchor_read(struct audit_reader *audit_reader, struct job *job)
{
    sqlite3_stmt *query = NULL;
    struct checkpoint anchor;
    int64_t number = 0;
    if (sqlite3_prepare_v2(audit_reader->db,
                           "SELECT value FROM setting WHERE name = '" AUDIT_ANCHOR "'", -1, &query,
                           NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(query, 0);
        if (line && anchor_line_find(line, &anchor) &&
            checkpoint_is_signed(&anchor, &job->walk.key)) {
            audit_chain_anchor(&job->chain, anchor.number, anchor.hash);
            number = anchor.number;
        }
    }
    sqlite3_finalize(query);
    return number;
}

/* Within a read transaction: rows, and the anchor before them, are of one moment. */
static int
chain_walk(struct audit_reader *audit_reader, struct job *job)
{
    sqlite3_stmt *query = NULL;
    int result = SQLITE_DONE;
    audit_chain_begin(&job->chain);
    if (job->walk.has_wanted) {
        audit_chain_want(&job->chain, job->walk.wanted);
    }
    /* Before the first read: what is written meanwhile is not missed. */
    pthread_mutex_lock(&audit_reader->lock);
    audit_chain_tip(&job->chain, audit_reader->tip_number, audit_reader->tip);
    pthread_mutex_unlock(&audit_reader->lock);
    int64_t anchor = anchor_read(audit_reader, job);
    audit_chain_hold(&job->chain, job->walk.held, job->walk.held_count);
    if (sqlite3_prepare_v2(audit_reader->db,
                           "SELECT number, at_us, account, action, object, detail, hash"
                           " FROM audit WHERE number > ?1 ORDER BY number",
                           -1, &query, NULL) != SQLITE_OK) {
        result = SQLITE_ERROR;
    }
    sqlite3_bind_int64(query, 1, anchor);
    while (result == SQLITE_DONE && (result = sqlite3_step(query)) == SQLITE_ROW) {
        result = SQLITE_DONE;
        if (!row_walk(query, &job->chain)) {
            break;
        }
    }
    sqlite3_finalize(query);
    audit_chain_end(&job->chain);
    return result == SQLITE_DONE ? 0 : -EIO;
}

/* Ends a walk or a search when the store is closed. */
static int
on_progress(void *context)
{
    const struct audit_reader *audit_reader = context;
    return atomic_load(&audit_reader->is_ending);
}

static void *
audit_reader_thread(void *context)
{
    struct audit_reader *audit_reader = context;
    for (;;) {
        struct job *job = queue_wait(audit_reader->in, -1);
        if (job == &audit_reader->stop) {
            return NULL;
        }
        if (!job) {
            continue;
        }
        if (atomic_load(&audit_reader->is_ending)) {
            job->error = -ECANCELED;
        } else if (job->on_chain) {
            sqlite3_exec(audit_reader->db, "BEGIN", NULL, NULL, NULL);
            job->error = chain_walk(audit_reader, job);
            sqlite3_exec(audit_reader->db, "COMMIT", NULL, NULL, NULL);
        } else {
            job->error = audit_query_run(audit_reader->db, &job->question, &job->answer);
        }
        (void)sqlite3_db_release_memory(audit_reader->db); /* the next question is another */
        if (!queue_put(audit_reader->out, job)) {
            abort(); /* 'out' has room for all that may wait: a bug */
        }
    }
}

static void
job_finish(struct job *job)
{
    if (job->on_chain) {
        job->on_chain(job->context, job->error, &job->chain);
    } else {
        job->answer.error = job->error;
        job->on_rows(job->context, &job->answer);
        audit_rows_free(&job->answer);
    }
    free(job);
}

static void
on_out(evutil_socket_t fd, short what, void *context)
{
    struct audit_reader *audit_reader = context;
    struct job *job = NULL;
    (void)fd, (void)what;
    while ((job = queue_take(audit_reader->out)) != NULL) {
        audit_reader->waiting--;
        job_finish(job);
    }
}

static int
audit_reader_start(struct audit_reader *audit_reader, struct event_base *base)
{
    audit_reader->in = queue_new(JOBS_MAX + 1);
    audit_reader->out = queue_new(JOBS_MAX);
    audit_reader->event_out =
        event_new(base, queue_fd(audit_reader->out), EV_READ | EV_PERSIST, on_out, audit_reader);
    if (!audit_reader->event_out || event_add(audit_reader->event_out, NULL)) {
        return -ENOMEM;
    }
    int error = pthread_create(&audit_reader->thread, NULL, audit_reader_thread, audit_reader);
    audit_reader->is_running = error == 0;
    return -error;
}

int
audit_reader_new(const char *path, struct event_base *base, struct audit_reader **out,
                 char why[256])
{
    struct audit_reader *audit_reader = MEM_NEW(struct audit_reader);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    pthread_mutex_init(&audit_reader->lock, NULL);
    int error = sqlite3_open_v2(path, &audit_reader->db, flags, NULL) == SQLITE_OK ? 0 : -EIO;
    if (error) {
        snprintf(why, 256, "%s: %s", path,
                 audit_reader->db ? sqlite3_errmsg(audit_reader->db) : "out of memory");
    } else {
        sqlite3_progress_handler(audit_reader->db, 1000, on_progress, audit_reader);
        error = audit_reader_start(audit_reader, base);
        if (error) {
            snprintf(why, 256, "the audit's thread cannot start");
        }
    }
    if (error) {
        audit_reader_free(audit_reader);
        return error;
    }
    *out = audit_reader;
    return 0;
}

void
audit_reader_free(struct audit_reader *audit_reader)
{
    if (!audit_reader) {
        return;
    }
    atomic_store(&audit_reader->is_ending, true);
    if (audit_reader->is_running) {
        if (!queue_put(audit_reader->in, &audit_reader->stop)) {
            abort(); /* 'in' has one place more than may wait: a bug */
        }
        pthread_join(audit_reader->thread, NULL);
        on_out(-1, 0, audit_reader);
    }
    if (audit_reader->event_out) {
        event_free(audit_reader->event_out);
    }
    if (audit_reader->in) {
        queue_free(audit_reader->in);
        queue_free(audit_reader->out);
    }
    sqlite3_close(audit_reader->db);
    pthread_mutex_destroy(&audit_reader->lock);
    free(audit_reader);
}

void
audit_reader_tip(struct audit_reader *audit_reader, int64_t number,
                 const uint8_t hash[AUDIT_HASH_SIZE])
{
    pthread_mutex_lock(&audit_reader->lock);
    audit_reader->tip_number = number;
    memcpy(audit_reader->tip, hash, AUDIT_HASH_SIZE);
    pthread_mutex_unlock(&audit_reader->lock);
}

int64_t
audit_reader_newest(struct audit_reader *audit_reader, uint8_t hash[AUDIT_HASH_SIZE])
{
    pthread_mutex_lock(&audit_reader->lock);
    int64_t number = audit_reader->tip_number;
    memcpy(hash, audit_reader->tip, AUDIT_HASH_SIZE);
    pthread_mutex_unlock(&audit_reader->lock);
    return number;
}

static void
job_put(struct audit_reader *audit_reader, struct job *job)
{
    if (audit_reader->waiting >= JOBS_MAX || !queue_put(audit_reader->in, job)) {
        job->error = -EBUSY;
        job_finish(job);
        return;
    }
    audit_reader->waiting++;
}

void
audit_reader_read(struct audit_reader *audit_reader, const struct store_audit_question *question,
                  store_audit_fn *done, void *context)
{
    struct job *job = MEM_NEW(struct job);
    job->question = *question;
    job->on_rows = done;
    job->context = context;
    job_put(audit_reader, job);
}

void
audit_reader_check(struct audit_reader *audit_reader, const struct store_walk *walk,
                   store_chain_fn *done, void *context)
{
    struct job *job = MEM_NEW(struct job);
    job->walk = *walk;
    job->on_chain = done;
    job->context = context;
    job_put(audit_reader, job);
}
