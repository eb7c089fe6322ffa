#include "store/auditor.h"

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
    bool has_wanted;
    uint8_t wanted[AUDIT_HASH_SIZE];
    struct audit_chain chain;
    int error;
    void *context;
};

struct auditor {
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

static int
chain_walk(struct auditor *auditor, struct job *job)
{
    sqlite3_stmt *query = NULL;
    int result = SQLITE_DONE;
    audit_chain_begin(&job->chain);
    if (job->has_wanted) {
        audit_chain_want(&job->chain, job->wanted);
    }
    /* Before the walk begins: what is written meanwhile is not missed. */
    pthread_mutex_lock(&auditor->lock);
    audit_chain_tip(&job->chain, auditor->tip_number, auditor->tip);
    pthread_mutex_unlock(&auditor->lock);
    if (sqlite3_prepare_v2(auditor->db,
                           "SELECT number, at_us, account, action, object, detail, hash"
                           " FROM audit ORDER BY number",
                           -1, &query, NULL) != SQLITE_OK) {
        result = SQLITE_ERROR;
    }
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
    const struct auditor *auditor = context;
    return atomic_load(&auditor->is_ending);
}

static void *
auditor_thread(void *context)
{
    struct auditor *auditor = context;
    for (;;) {
        struct job *job = queue_wait(auditor->in, -1);
        if (job == &auditor->stop) {
            return NULL;
        }
        if (!job) {
            continue;
        }
        if (atomic_load(&auditor->is_ending)) {
            job->error = -ECANCELED;
        } else if (job->on_chain) {
            job->error = chain_walk(auditor, job);
        } else {
            job->error = audit_query_run(auditor->db, &job->question, &job->answer);
        }
        if (!queue_put(auditor->out, job)) {
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
    struct auditor *auditor = context;
    struct job *job = NULL;
    (void)fd, (void)what;
    while ((job = queue_take(auditor->out)) != NULL) {
        auditor->waiting--;
        job_finish(job);
    }
}

static int
auditor_start(struct auditor *auditor, struct event_base *base)
{
    auditor->in = queue_new(JOBS_MAX + 1);
    auditor->out = queue_new(JOBS_MAX);
    auditor->event_out =
        event_new(base, queue_fd(auditor->out), EV_READ | EV_PERSIST, on_out, auditor);
    if (!auditor->event_out || event_add(auditor->event_out, NULL)) {
        return -ENOMEM;
    }
    int error = pthread_create(&auditor->thread, NULL, auditor_thread, auditor);
    auditor->is_running = error == 0;
    return -error;
}

int
auditor_new(const char *path, struct event_base *base, struct auditor **out, char why[256])
{
    struct auditor *auditor = MEM_NEW(struct auditor);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    pthread_mutex_init(&auditor->lock, NULL);
    int error = sqlite3_open_v2(path, &auditor->db, flags, NULL) == SQLITE_OK ? 0 : -EIO;
    if (error) {
        snprintf(why, 256, "%s: %s", path,
                 auditor->db ? sqlite3_errmsg(auditor->db) : "out of memory");
    } else {
        sqlite3_progress_handler(auditor->db, 1000, on_progress, auditor);
        error = auditor_start(auditor, base);
        if (error) {
            snprintf(why, 256, "the audit's thread cannot start");
        }
    }
    if (error) {
        auditor_free(auditor);
        return error;
    }
    *out = auditor;
    return 0;
}

void
auditor_free(struct auditor *auditor)
{
    if (!auditor) {
        return;
    }
    atomic_store(&auditor->is_ending, true);
    if (auditor->is_running) {
        if (!queue_put(auditor->in, &auditor->stop)) {
            abort(); /* 'in' has one place more than may wait: a bug */
        }
        pthread_join(auditor->thread, NULL);
        on_out(-1, 0, auditor);
    }
    if (auditor->event_out) {
        event_free(auditor->event_out);
    }
    if (auditor->in) {
        queue_free(auditor->in);
        queue_free(auditor->out);
    }
    sqlite3_close(auditor->db);
    pthread_mutex_destroy(&auditor->lock);
    free(auditor);
}

void
auditor_tip(struct auditor *auditor, int64_t number, const uint8_t hash[AUDIT_HASH_SIZE])
{
    pthread_mutex_lock(&auditor->lock);
    auditor->tip_number = number;
    memcpy(auditor->tip, hash, AUDIT_HASH_SIZE);
    pthread_mutex_unlock(&auditor->lock);
}

static void
job_put(struct auditor *auditor, struct job *job)
{
    if (auditor->waiting >= JOBS_MAX || !queue_put(auditor->in, job)) {
        job->error = -EBUSY;
        job_finish(job);
        return;
    }
    auditor->waiting++;
}

void
auditor_read(struct auditor *auditor, const struct store_audit_question *question,
             store_audit_fn *done, void *context)
{
    struct job *job = MEM_NEW(struct job);
    job->question = *question;
    job->on_rows = done;
    job->context = context;
    job_put(auditor, job);
}

void
auditor_check(struct auditor *auditor, const uint8_t wanted[AUDIT_HASH_SIZE], store_chain_fn *done,
              void *context)
{
    struct job *job = MEM_NEW(struct job);
    job->has_wanted = wanted != NULL;
    if (wanted) {
        memcpy(job->wanted, wanted, AUDIT_HASH_SIZE);
    }
    job->on_chain = done;
    job->context = context;
    job_put(auditor, job);
}
