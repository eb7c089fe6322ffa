#include "driver/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "wire/desired_set.h"
#include "wire/protected_hosts.h"
#include "wire/message.h"

#define INBOX_MAX 256

enum job_kind { JOB_APPLY, JOB_READ_BACK, JOB_HELD, JOB_SUM, JOB_LEARN, JOB_STOP };

struct job {
    enum job_kind kind;
    uint64_t request;
    char sum_key[RULES_SUM_KEY_SIZE];
    struct wire_desired desired; /* owned */
};

struct worker {
    struct worker_settings settings;
    struct queue *inbox;
    struct protected_hosts *protected; /* the thread's */
    pthread_t thread;
    atomic_bool has_dropped;
    struct wire_desired partial; /* loop only: parts of a snapshot */
};

static void
job_free(struct job *job)
{
    wire_fini(WIRE_DESIRED, &job->desired);
    free(job);
}

static const char *
error_text(int error)
{
    switch (error) {
    case -ETIMEDOUT:
        return "no answer in time";
    case -ENOTCONN:
        return "not connected";
    default:
        return strerror(-error);
    }
}

static void
tell(struct worker *worker, int error, struct wire_observed *observed)
{
    const char *name = worker->settings.device->config.name;
    snprintf(observed->switch_name, sizeof(observed->switch_name), "%s", name);
    bool said = observed->needs_snapshot || observed->refused[0] != '\0';
    if (error == -EAGAIN) {
        observed->needs_snapshot = true;
    } else if (error && error != -ENOSPC && !said) {
        snprintf(observed->refused, sizeof(observed->refused), "%s", error_text(error));
    }
    if (atomic_exchange(&worker->has_dropped, false)) {
        observed->needs_snapshot = true;
    }
    worker->settings.on_observed(worker->settings.context, observed);
}

static void
run_apply(struct worker *worker, const struct wire_desired *desired)
{
    struct device *device = worker->settings.device;
    struct wire_observed observed = {.generation = 0};
    struct wire_desired let;
    size_t refused = protected_hosts_filter(worker->protected, desired, &let);
    int error = device->driver->apply(device, &let, worker->settings.deadline_ms, &observed);
    free(let.add);
    if (refused > 0) {
        protected_hosts_report(worker->protected, &observed);
    }
    tell(worker, error, &observed);
}

static int
question_ask(struct worker *worker, const struct job *job, struct wire_observed *observed)
{
    struct device *device = worker->settings.device;
    const struct driver *driver = device->driver;
    int deadline_ms = worker->settings.deadline_ms;
    if (job->kind == JOB_SUM) {
        return driver->sum ? driver->sum(device, job->sum_key, deadline_ms, observed) : -EOPNOTSUPP;
    }
    int (*question)(struct device *, int, struct wire_observed *) =
        job->kind == JOB_HELD ? driver->held : driver->read_back;
    return question ? question(device, deadline_ms, observed) : -EOPNOTSUPP;
}

static void
run_read_back(struct worker *worker, const struct job *job)
{
    struct wire_observed observed = {.generation = 0};
    int error = question_ask(worker, job, &observed);
    observed.request = job->request;
    if (!error && job->kind == JOB_READ_BACK) {
        protected_hosts_report(worker->protected, &observed);
    }
    tell(worker, error, &observed);
}

static void
run_learn(struct worker *worker)
{
    struct device *device = worker->settings.device;
    struct wire_facts facts = {.sequence = 0};
    if (device->driver->learn(device, &facts) == 0) {
        worker->settings.on_facts(worker->settings.context, &facts);
    }
    wire_fini(WIRE_FACTS, &facts);
}

/* Applies what 'first' starts, with all that already waits behind it and follows on it.  Returns
 * the job that ended the run, or NULL. */
static struct job *
run_applies(struct worker *worker, struct job *first)
{
    struct job *next = queue_take(worker->inbox);
    while (next && next->kind == JOB_APPLY && desired_merge(&first->desired, &next->desired)) {
        job_free(next);
        next = queue_take(worker->inbox);
    }
    run_apply(worker, &first->desired);
    return next;
}

static void *
worker_thread(void *context)
{
    struct worker *worker = context;
    struct job *job = queue_wait(worker->inbox, -1);
    while (!job || job->kind != JOB_STOP) {
        struct job *next = NULL;
        if (job && job->kind == JOB_APPLY) {
            next = run_applies(worker, job);
        } else if (job && job->kind == JOB_LEARN) {
            run_learn(worker);
        } else if (job) {
            run_read_back(worker, job);
        }
        if (job) {
            job_free(job);
        }
        job = next ? next : queue_wait(worker->inbox, -1);
    }
    job_free(job);
    return NULL;
}

int
worker_new(const struct worker_settings *settings, struct worker **out)
{
    struct worker *worker = MEM_NEW(struct worker);
    worker->settings = *settings;
    worker->inbox = queue_new(INBOX_MAX + 1);
    worker->protected = protected_hosts_new(settings->protected, settings->protected_count, true);
    int error = pthread_create(&worker->thread, NULL, worker_thread, worker);
    if (error) {
        queue_free(worker->inbox);
        protected_hosts_free(worker->protected);
        free(worker);
        return -error;
    }
    *out = worker;
    return 0;
}

void
worker_free(struct worker *worker)
{
    if (!worker) {
        return;
    }
    struct job *stop = MEM_NEW(struct job);
    stop->kind = JOB_STOP;
    while (!queue_put(worker->inbox, stop)) {
        usleep(1000); /* the thread is emptying it */
    }
    pthread_join(worker->thread, NULL);
    struct job *job;
    while ((job = queue_take(worker->inbox)) != NULL) {
        job_free(job);
    }
    wire_fini(WIRE_DESIRED, &worker->partial);
    queue_free(worker->inbox);
    protected_hosts_free(worker->protected);
    free(worker);
}

static void
job_put(struct worker *worker, struct job *job)
{
    if (queue_count(worker->inbox) < INBOX_MAX && queue_put(worker->inbox, job)) {
        return;
    }
    /* A full inbox means a switch that has not answered for long: the newest state is computed
     * again as a snapshot when it does. */
    atomic_store(&worker->has_dropped, true);
    job_free(job);
}

void
worker_desired(struct worker *worker, const struct wire_desired *desired)
{
    if (!desired_collect(&worker->partial, desired)) {
        return;
    }
    struct job *job = MEM_NEW(struct job);
    job->kind = JOB_APPLY;
    job->desired = worker->partial;
    worker->partial = (struct wire_desired){.generation = 0};
    job_put(worker, job);
}

void
worker_read_back(struct worker *worker, const struct wire_read_back *read_back)
{
    struct job *job = MEM_NEW(struct job);
    job->kind = read_back->asks_held            ? JOB_HELD
                : read_back->sum_key[0] != '\0' ? JOB_SUM
                                                : JOB_READ_BACK;
    job->request = read_back->request;
    memcpy(job->sum_key, read_back->sum_key, sizeof(job->sum_key));
    job_put(worker, job);
}

void
worker_learn(struct worker *worker)
{
    if (!worker->settings.device->driver->learn) {
        return;
    }
    struct job *job = MEM_NEW(struct job);
    job->kind = JOB_LEARN;
    job_put(worker, job);
}
