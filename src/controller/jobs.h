/* Long work in core: replay of stored detections, counts over every endpoint.  Runs in slices on
 * core's loop, each of a few milliseconds with a pause after it, so that blocks never wait for it.
 *
 * A job is known by its id; it can be looked at while it runs and for an hour after, with what it
 * found.  The table is bounded: the oldest that has ended makes room, and what would be one too
 * many at once is refused. */
#ifndef CORDON_CONTROLLER_JOBS_H
#define CORDON_CONTROLLER_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/macros.h"
#include "model/job.h"
#include "store/store.h"

struct jobs;

#define JOBS_MAX 16
#define JOBS_RUNNING_MAX 4    /* at once */
#define JOBS_OF_ACCOUNT_MAX 2 /* at once */
#define JOBS_PAUSE_US 2000    /* between slices */
#define JOB_REST_US 1000000

struct jobs_ports {
    /* There is work: call jobs_run() soon.  May be NULL. */
    void (*wake)(void *context);
    /* Began, came further (twice a second at most), or ended.  May be NULL. */
    void (*publish)(void *context, const struct job *job);
    void *context;
};

enum job_step {
    JOB_GOES_ON,
    JOB_WAITS, /* for the store: asked again at the next slice */
    JOB_RESTS, /* nothing can be done now: asked again after JOB_REST_US */
    JOB_IS_DONE,
    JOB_HAS_FAILED
};

/* What a job does.  It may change done, total and note of its job, and nothing else of it. */
struct job_work {
    /* A part of the work that takes well under a millisecond. */
    enum job_step (*step)(void *context, struct job *job);
    /* What must be on the disk for it to stay cancelled, into the commit of the audit's row about
     * that: no step is made from then on, unless that cannot be stored.  May be NULL. */
    void (*cancel_put)(void *context, const struct job *job, struct store_change *change);
    /* Once, after the last step, also of a cancelled one.  May be NULL. */
    void (*over)(void *context, const struct job *job);
    /* When it is forgotten: frees the context with what was found. */
    void (*free)(void *context);
    void *context;
    /* Goes on after a restart: with its id, account and start.  NULL: a new one. */
    const struct job *resumes;
    bool
        is_hidden; /* core's own, for one answer: not listed, not published, forgotten at its end */
};

struct jobs *jobs_new(const struct clock *clock, const struct jobs_ports *ports);
/* Running ones are cancelled without a word. */
void jobs_free(struct jobs *jobs);
/* Takes the context where it succeeds.  NULL: too many run, 'why' says whose. */
const struct job *jobs_start(struct jobs *jobs, const char *kind, const char *account,
                             const char *about, const struct job_work *work,
                             char why[TEXT_SIZE]) MUST_CHECK;
/* So much there is to do, as far as is known. */
void jobs_expect(struct jobs *jobs, const char *id, uint64_t total);
/* One slice.  After how long it is to be called again, in microseconds; 0: there is no more to do.
 */
int64_t jobs_run(struct jobs *jobs);
/* Newest first; NULL: no more. */
const struct job *jobs_at(const struct jobs *jobs, size_t index);
const struct job *jobs_find(const struct jobs *jobs, const char *id);
/* What a job of that kind works on or has found; NULL: no such job. */
void *jobs_context(const struct jobs *jobs, const char *id, const char *kind);
/* Somebody cancels it: with what 'change' stores.  It stands still until jobs_cancel(), or
 * jobs_go_on(), is called as often as this was.  False: it does not run (any more). */
bool jobs_cancel_put(struct jobs *jobs, const char *id, struct store_change *change) MUST_CHECK;
/* That is stored: it ends.  False: it does not run (any more). */
bool jobs_cancel(struct jobs *jobs, const char *id);
/* That could not be stored. */
void jobs_go_on(struct jobs *jobs, const char *id);

#endif
