#include "web/hasher.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/mem.h"

struct job {
    TAILQ_ENTRY(job) link;
    char password[PASSWORD_SIZE];
    char hash[ACCOUNT_HASH_SIZE];
    bool is_check, is_known;
    bool is_good;
    hasher_done_fn *done;
    void *context;
};

TAILQ_HEAD(jobs, job);

struct hasher {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct jobs waiting, finished;  /* under 'lock' */
    bool is_ending;                 /* under 'lock' */
    size_t count;                   /* loop only: given and not yet told */
    char nobody[ACCOUNT_HASH_SIZE]; /* checked for accounts that are not there; thread only */
    int fd;
    struct event *event;
};

static void
job_free(struct job *job)
{
    sodium_memzero(job, sizeof(*job));
    free(job);
}

static void
job_run(struct hasher *hasher, struct job *job)
{
    if (!job->is_check) {
        job->is_good = account_password_hash(job->password, job->hash) == 0;
        return;
    }
    bool matches =
        account_password_matches(job->is_known ? job->hash : hasher->nobody, job->password);
    job->is_good = job->is_known && matches;
}

static void *
work(void *context)
{
    struct hasher *hasher = context;
    char nothing[32];
    randombytes_buf(nothing, sizeof(nothing) - 1);
    nothing[sizeof(nothing) - 1] = '\0';
    if (account_password_hash(nothing, hasher->nobody)) {
        hasher->nobody[0] = '\0'; /* matches nothing; only the time will differ */
    }
    pthread_mutex_lock(&hasher->lock);
    while (!hasher->is_ending) {
        struct job *job = TAILQ_FIRST(&hasher->waiting);
        if (!job) {
            pthread_cond_wait(&hasher->wake, &hasher->lock);
            continue;
        }
        TAILQ_REMOVE(&hasher->waiting, job, link);
        pthread_mutex_unlock(&hasher->lock);
        job_run(hasher, job);
        pthread_mutex_lock(&hasher->lock);
        TAILQ_INSERT_TAIL(&hasher->finished, job, link);
        eventfd_write(hasher->fd, 1);
    }
    pthread_mutex_unlock(&hasher->lock);
    return NULL;
}

static void
on_finished(evutil_socket_t fd, short what, void *context)
{
    struct hasher *hasher = context;
    struct jobs finished = TAILQ_HEAD_INITIALIZER(finished);
    eventfd_t value;
    struct job *job;
    (void)what;
    eventfd_read((int)fd, &value);
    pthread_mutex_lock(&hasher->lock);
    TAILQ_CONCAT(&finished, &hasher->finished, link);
    pthread_mutex_unlock(&hasher->lock);
    while ((job = TAILQ_FIRST(&finished))) {
        TAILQ_REMOVE(&finished, job, link);
        hasher->count--;
        job->done(job->context, job->is_good, job->hash);
        job_free(job);
    }
}

int
hasher_new(struct event_base *base, struct hasher **out)
{
    struct hasher *hasher = MEM_NEW(struct hasher);
    if (sodium_init() < 0) {
        free(hasher);
        return -EIO;
    }
    TAILQ_INIT(&hasher->waiting);
    TAILQ_INIT(&hasher->finished);
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->wake, NULL);
    hasher->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hasher->event = hasher->fd < 0
                        ? NULL
                        : event_new(base, hasher->fd, EV_READ | EV_PERSIST, on_finished, hasher);
    if (!hasher->event || event_add(hasher->event, NULL) ||
        pthread_create(&hasher->thread, NULL, work, hasher)) {
        int error = errno ? -errno : -ENOMEM;
        if (hasher->event) {
            event_free(hasher->event);
        }
        if (hasher->fd >= 0) {
            close(hasher->fd);
        }
        free(hasher);
        return error;
    }
    *out = hasher;
    return 0;
}

static void
jobs_end(struct jobs *jobs)
{
    struct job *job;
    while ((job = TAILQ_FIRST(jobs))) {
        TAILQ_REMOVE(jobs, job, link);
        job->done(job->context, false, "");
        job_free(job);
    }
}

void
hasher_free(struct hasher *hasher)
{
    if (!hasher) {
        return;
    }
    pthread_mutex_lock(&hasher->lock);
    hasher->is_ending = true;
    pthread_cond_signal(&hasher->wake);
    pthread_mutex_unlock(&hasher->lock);
    pthread_join(hasher->thread, NULL);
    jobs_end(&hasher->finished);
    jobs_end(&hasher->waiting);
    event_free(hasher->event);
    close(hasher->fd);
    pthread_cond_destroy(&hasher->wake);
    pthread_mutex_destroy(&hasher->lock);
    free(hasher);
}

static bool
job_add(struct hasher *hasher, struct job *job, const char *password, hasher_done_fn *done,
        void *context)
{
    if (hasher->count >= HASHER_WAITING_MAX) {
        job_free(job);
        return false;
    }
    snprintf(job->password, sizeof(job->password), "%s", password);
    job->done = done;
    job->context = context;
    hasher->count++;
    pthread_mutex_lock(&hasher->lock);
    TAILQ_INSERT_TAIL(&hasher->waiting, job, link);
    pthread_cond_signal(&hasher->wake);
    pthread_mutex_unlock(&hasher->lock);
    return true;
}

bool
hasher_check(struct hasher *hasher, const char *hash, const char *password, hasher_done_fn *done,
             void *context)
{
    struct job *job = MEM_NEW(struct job);
    job->is_check = true;
    job->is_known = hash != NULL;
    if (hash) {
        snprintf(job->hash, sizeof(job->hash), "%s", hash);
    }
    return job_add(hasher, job, password, done, context);
}

bool
hasher_make(struct hasher *hasher, const char *password, hasher_done_fn *done, void *context)
{
    return job_add(hasher, MEM_NEW(struct job), password, done, context);
}
