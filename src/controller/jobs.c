#include "controller/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"

#define SLICE_US 2000
#define SLICE_STEPS_MAX 1024 /* also where the clock stands */
#define KEPT_US (INT64_C(3600) * 1000000)
#define PUBLISH_US 500000
#define HIDDEN_MAX 16

struct item {
    TAILQ_ENTRY(item) link;
    struct job job;
    struct job_work work;
    int64_t ended_us, published_us; /* boot */
    int64_t rests_until_us;         /* boot: no steps before */
    unsigned cancelling;            /* by so many, on its way to the disk: no steps */
};

struct jobs {
    const struct clock *clock;
    struct jobs_ports ports;
    TAILQ_HEAD(, item) items; /* newest first */
    size_t count, hidden_count;
    struct item *next; /* whose turn it is in the next slice; NULL: from the newest */
};

struct jobs *
jobs_new(const struct clock *clock, const struct jobs_ports *ports)
{
    struct jobs *jobs = MEM_NEW(struct jobs);
    jobs->clock = clock;
    jobs->ports = *ports;
    TAILQ_INIT(&jobs->items);
    return jobs;
}

static void
item_forget(struct jobs *jobs, struct item *item)
{
    jobs->count -= item->work.is_hidden ? 0 : 1;
    jobs->hidden_count -= item->work.is_hidden ? 1 : 0;
    jobs->next = jobs->next == item ? NULL : jobs->next;
    TAILQ_REMOVE(&jobs->items, item, link);
    item->work.free(item->work.context);
    free(item);
}

void
jobs_free(struct jobs *jobs)
{
    while (jobs && !TAILQ_EMPTY(&jobs->items)) {
        item_forget(jobs, TAILQ_FIRST(&jobs->items));
    }
    free(jobs);
}

static void
publish(struct jobs *jobs, struct item *item)
{
    item->published_us = clock_boot_us(jobs->clock);
    if (jobs->ports.publish && !item->work.is_hidden) {
        jobs->ports.publish(jobs->ports.context, &item->job);
    }
}

/* The ones that ended long ago; and, with 'room', the first to have ended if the table is full. */
static void
forget_old(struct jobs *jobs, bool room)
{
    struct item *oldest = NULL;
    struct item *item = TAILQ_FIRST(&jobs->items);
    while (item) {
        struct item *next = TAILQ_NEXT(item, link);
        bool has_ended = item->job.state != JOB_RUNNING;
        if (has_ended && clock_boot_us(jobs->clock) - item->ended_us > KEPT_US) {
            item_forget(jobs, item);
        } else if (has_ended && (!oldest || item->ended_us < oldest->ended_us)) {
            oldest = item;
        }
        item = next;
    }
    if (room && oldest && jobs->count >= JOBS_MAX) {
        item_forget(jobs, oldest);
    }
}

static bool
may_start(const struct jobs *jobs, const char *account, bool is_hidden, char why[TEXT_SIZE])
{
    size_t running = 0;
    size_t own = 0;
    const struct item *item;
    TAILQ_FOREACH(item, &jobs->items, link)
    {
        bool counts = item->job.state == JOB_RUNNING && !item->work.is_hidden;
        running += counts;
        own += counts && strcmp(item->job.account, account) == 0;
    }
    if (is_hidden && jobs->hidden_count >= HIDDEN_MAX) {
        snprintf(why, TEXT_SIZE, "too much is being counted at once");
        return false;
    }
    if (!is_hidden && own >= JOBS_OF_ACCOUNT_MAX) {
        snprintf(why, TEXT_SIZE, "%zu jobs of this account run already", own);
        return false;
    }
    if (!is_hidden && running >= JOBS_RUNNING_MAX) {
        snprintf(why, TEXT_SIZE, "%zu jobs run already", running);
        return false;
    }
    return true;
}

const struct job *
jobs_start(struct jobs *jobs, const char *kind, const char *account, const char *about,
           const struct job_work *work, char why[TEXT_SIZE])
{
    if (!may_start(jobs, account, work->is_hidden, why)) {
        return NULL;
    }
    forget_old(jobs, !work->is_hidden);
    struct item *item = MEM_NEW(struct item);
    item->work = *work;
    item->work.resumes = NULL; /* borrowed */
    item->job = (struct job){.state = JOB_RUNNING, .started_us = clock_wall_us(jobs->clock)};
    id_make(item->job.started_us, item->job.id);
    if (work->resumes) {
        item->job.started_us = work->resumes->started_us;
        memcpy(item->job.id, work->resumes->id, sizeof(item->job.id));
    }
    snprintf(item->job.kind, sizeof(item->job.kind), "%s", kind);
    snprintf(item->job.account, sizeof(item->job.account), "%s", account);
    snprintf(item->job.about, sizeof(item->job.about), "%s", about);
    TAILQ_INSERT_HEAD(&jobs->items, item, link);
    jobs->count += work->is_hidden ? 0 : 1;
    jobs->hidden_count += work->is_hidden ? 1 : 0;
    publish(jobs, item);
    if (jobs->ports.wake) {
        jobs->ports.wake(jobs->ports.context);
    }
    return &item->job;
}

static void
item_end(struct jobs *jobs, struct item *item, enum job_state state)
{
    item->job.state = state;
    item->job.ended_us = clock_wall_us(jobs->clock);
    item->ended_us = clock_boot_us(jobs->clock);
    if (item->work.over) {
        item->work.over(item->work.context, &item->job);
    }
    publish(jobs, item);
    if (item->work.is_hidden) {
        item_forget(jobs, item);
        return;
    }
    log_info("core", "a job ended", LOG_S("job", item->job.id), LOG_S("kind", item->job.kind),
             LOG_S("state", job_state_names[state]), LOG_S("note", item->job.note));
}

/* True: it waits or rests, and asking again at once is of no use. */
static bool
item_step(struct jobs *jobs, struct item *item)
{
    enum job_step is = item->work.step(item->work.context, &item->job);
    switch (is) {
    case JOB_IS_DONE:
        item_end(jobs, item, JOB_DONE);
        break;
    case JOB_HAS_FAILED:
        item_end(jobs, item, JOB_FAILED);
        break;
    case JOB_GOES_ON:
    case JOB_WAITS:
    case JOB_RESTS:
        item->rests_until_us = is == JOB_RESTS ? clock_boot_us(jobs->clock) + JOB_REST_US : 0;
        if (clock_boot_us(jobs->clock) - item->published_us >= PUBLISH_US) {
            publish(jobs, item);
        }
        break;
    }
    return is == JOB_WAITS || is == JOB_RESTS;
}

static bool
has_turn(const struct jobs *jobs, const struct item *item)
{
    return item->job.state == JOB_RUNNING && item->cancelling == 0 &&
           clock_boot_us(jobs->clock) >= item->rests_until_us;
}

/* The next that runs, in turn; NULL: none. */
static struct item *
take_turn(struct jobs *jobs)
{
    struct item *from = jobs->next ? jobs->next : TAILQ_FIRST(&jobs->items);
    struct item *item = from;
    while (item && !has_turn(jobs, item)) {
        item = TAILQ_NEXT(item, link) ? TAILQ_NEXT(item, link) : TAILQ_FIRST(&jobs->items);
        item = item == from ? NULL : item;
    }
    jobs->next = item ? TAILQ_NEXT(item, link) : NULL;
    return item;
}

static struct item *
item_find(const struct jobs *jobs, const char *id)
{
    struct item *item;
    TAILQ_FOREACH(item, &jobs->items, link)
    {
        if (!item->work.is_hidden && strcmp(item->job.id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

void
jobs_expect(struct jobs *jobs, const char *id, uint64_t total)
{
    struct item *item = item_find(jobs, id);
    if (item) {
        item->job.total = total;
    }
}

/* Until the first of them has its turn; 0: none runs. */
static int64_t
pause_of(const struct jobs *jobs)
{
    int64_t now_us = clock_boot_us(jobs->clock), pause_us = 0;
    const struct item *item;
    TAILQ_FOREACH(item, &jobs->items, link)
    {
        int64_t left_us = item->rests_until_us - now_us;
        left_us = left_us > JOBS_PAUSE_US ? left_us : JOBS_PAUSE_US;
        if (item->job.state == JOB_RUNNING && (pause_us == 0 || left_us < pause_us)) {
            pause_us = left_us;
        }
    }
    return pause_us;
}

int64_t
jobs_run(struct jobs *jobs)
{
    int64_t began_us = clock_boot_us(jobs->clock);
    struct item *item = take_turn(jobs);
    for (size_t i = 0; item && i < SLICE_STEPS_MAX; i++) {
        if (item_step(jobs, item) || clock_boot_us(jobs->clock) - began_us >= SLICE_US) {
            break;
        }
        item = take_turn(jobs);
    }
    forget_old(jobs, false);
    return pause_of(jobs);
}

const struct job *
jobs_at(const struct jobs *jobs, size_t index)
{
    const struct item *item;
    TAILQ_FOREACH(item, &jobs->items, link)
    {
        if (!item->work.is_hidden && index-- == 0) {
            return &item->job;
        }
    }
    return NULL;
}

const struct job *
jobs_find(const struct jobs *jobs, const char *id)
{
    const struct item *item = item_find(jobs, id);
    return item ? &item->job : NULL;
}

void *
jobs_context(const struct jobs *jobs, const char *id, const char *kind)
{
    const struct item *item = item_find(jobs, id);
    return item && strcmp(item->job.kind, kind) == 0 ? item->work.context : NULL;
}

bool
jobs_cancel_put(struct jobs *jobs, const char *id, struct store_change *change)
{
    struct item *item = item_find(jobs, id);
    if (!item || item->job.state != JOB_RUNNING) {
        return false;
    }
    item->cancelling++;
    if (item->work.cancel_put) {
        item->work.cancel_put(item->work.context, &item->job, change);
    }
    return true;
}

void
jobs_go_on(struct jobs *jobs, const char *id)
{
    struct item *item = item_find(jobs, id);
    if (item && item->cancelling > 0) {
        item->cancelling--;
    }
}

bool
jobs_cancel(struct jobs *jobs, const char *id)
{
    struct item *item = item_find(jobs, id);
    if (!item || item->job.state != JOB_RUNNING) {
        return false;
    }
    item_end(jobs, item, JOB_CANCELLED);
    return true;
}
