#include "controller/worker_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/queue.h"

struct task {
    void (*work)(void *job);
    void (*done)(void *job);
    void *job;
};

struct worker_thread {
    struct queue *in;  /* loop -> thread */
    struct queue *out; /* thread -> loop; never full: as long as may wait */
    struct event *event;
    struct task stop; /* queued last */
    pthread_t thread;
    bool is_running;
    size_t count; /* given and not yet done */
};

static void *
aside_thread(void *context)
{
    struct worker_thread *aside = context;
    for (struct task *task; (task = queue_wait(aside->in, -1)) != &aside->stop;) {
        if (!task) {
            continue; /* a signal */
        }
        task->work(task->job);
        if (!queue_put(aside->out, task)) {
            abort(); /* 'out' has room for all that may wait: a bug */
        }
    }
    return NULL;
}

static void
out_drain(struct worker_thread *aside)
{
    for (struct task *task; (task = queue_take(aside->out)) != NULL;) {
        aside->count--;
        task->done(task->job);
        free(task);
    }
}

static void
on_out(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    out_drain(context);
}

int
worker_thread_new(struct event_base *base, struct worker_thread **out)
{
    struct worker_thread *aside = MEM_NEW(struct worker_thread);
    aside->in = queue_new(ASIDE_WAITING_MAX + 1);
    aside->out = queue_new(ASIDE_WAITING_MAX);
    aside->event = event_new(base, queue_fd(aside->out), EV_READ | EV_PERSIST, on_out, aside);
    int error = aside->event && event_add(aside->event, NULL) == 0 ? 0 : -ENOMEM;
    if (!error) {
        error = -pthread_create(&aside->thread, NULL, aside_thread, aside);
        aside->is_running = error == 0;
    }
    if (error) {
        worker_thread_free(aside);
        return error;
    }
    *out = aside;
    return 0;
}

void
worker_thread_free(struct worker_thread *aside)
{
    if (!aside) {
        return;
    }
    if (aside->is_running) {
        while (!queue_put(aside->in, &aside->stop)) {
            out_drain(aside); /* cannot be: 'in' has one place more than may wait */
        }
        pthread_join(aside->thread, NULL);
        aside->count = ASIDE_WAITING_MAX; /* nobody's 'done' gives it more */
        out_drain(aside);
    }
    if (aside->event) {
        event_free(aside->event);
    }
    queue_free(aside->in);
    queue_free(aside->out);
    free(aside);
}

bool
worker_thread_do(struct worker_thread *aside, void (*work)(void *job), void (*done)(void *job),
                 void *job)
{
    if (aside->count >= ASIDE_WAITING_MAX) {
        return false;
    }
    struct task *task = MEM_NEW(struct task);
    *task = (struct task){work, done, job};
    if (!queue_put(aside->in, task)) {
        free(task);
        return false;
    }
    aside->count++;
    return true;
}
