/* The notify role: alone talks to mail servers, syslog receivers and webhooks, and alone holds
 * their secrets.  Core hands it one message after the other; nothing here can slow core. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "cordond/role.h"
#include "notify/deliver.h"
#include "notify/secrets.h"

#define WORKERS 8     /* receivers that may be slow at the same time */
#define DONE_MAX 1024 /* messages remembered as delivered */

struct job {
    struct wire_notice wire; /* owned */
    char secret[NOTIFY_SECRET_SIZE];
    struct wire_notice_result result;
    size_t worker;
};

struct worker {
    struct queue *in; /* one job at most, and the end */
    struct queue *out;
    pthread_t thread;
    bool is_running;
    char id[ID_SIZE]; /* loop: of the message it has; "": idle */
};

struct notify {
    struct role *role;
    struct channel *core;
    struct secrets *secrets;
    struct worker workers[WORKERS];
    struct queue *out;
    struct event *event_out;
    struct job stop;              /* queued last */
    char done[DONE_MAX][ID_SIZE]; /* a ring */
    size_t done_next;
};

static void
job_free(struct job *job)
{
    free(job->wire.message.notices);
    explicit_bzero(job->secret, sizeof(job->secret));
    free(job);
}

static void *
worker_thread(void *context)
{
    struct worker *worker = context;
    struct job *job;
    while ((job = queue_wait(worker->in, -1)) == NULL || job->worker < WORKERS) {
        if (job) {
            deliver(&job->wire, job->secret, &job->result);
            explicit_bzero(job->secret, sizeof(job->secret));
            while (!queue_put(worker->out, job)) {
                usleep(1000); /* cannot be: 'out' has a place for each worker */
            }
        }
    }
    return NULL;
}

/* ---- the loop ---- */

static void
result_send(struct notify *notify, const struct wire_notice_result *result)
{
    if (notify->core) {
        (void)channel_send(notify->core, WIRE_NOTICE_RESULT, result);
    }
}

static bool
is_done(const struct notify *notify, const char *id)
{
    for (size_t i = 0; i < DONE_MAX; i++) {
        if (strcmp(notify->done[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static void
on_out(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct notify *notify = context;
    struct job *job;
    while ((job = queue_take(notify->out)) != NULL) {
        notify->workers[job->worker].id[0] = '\0';
        if (job->result.is_delivered) {
            memcpy(notify->done[notify->done_next], job->result.id, ID_SIZE);
            notify->done_next = (notify->done_next + 1) % DONE_MAX;
        } else {
            log_warn("notify", "a message was not delivered", LOG_S("message", job->result.id),
                     LOG_S("channel", job->wire.channel.name), LOG_S("why", job->result.answer));
        }
        result_send(notify, &job->result);
        job_free(job);
    }
}

static void
job_start(struct notify *notify, struct worker *worker, const struct wire_notice *wire)
{
    struct wire_notice_result result = {.number = wire->number};
    struct job *job = MEM_NEW(struct job);
    memcpy(result.id, wire->message.id, sizeof(result.id));
    if (!secrets_find(notify->secrets, &wire->channel, job->secret)) {
        snprintf(result.answer, sizeof(result.answer),
                 "the secret was given for another server: give it again");
        result_send(notify, &result);
        job_free(job);
        return;
    }
    job->wire = *wire;
    job->wire.message.notices = mem_new(wire->message.notice_count + 1, sizeof(struct notice));
    if (wire->message.notice_count > 0) {
        memcpy(job->wire.message.notices, wire->message.notices,
               wire->message.notice_count * sizeof(struct notice));
    }
    job->worker = (size_t)(worker - notify->workers);
    memcpy(worker->id, wire->message.id, sizeof(worker->id));
    if (!queue_put(worker->in, job)) {
        worker->id[0] = '\0'; /* cannot be: an idle one has room */
        job_free(job);
    }
}

static void
on_notice(struct notify *notify, const struct wire_notice *wire)
{
    struct wire_notice_result result = {.number = wire->number};
    struct worker *idle = NULL;
    memcpy(result.id, wire->message.id, sizeof(result.id));
    if (is_done(notify, wire->message.id)) { /* core died before it could note it */
        result.is_delivered = true;
        snprintf(result.answer, sizeof(result.answer), "delivered before");
        result_send(notify, &result);
        return;
    }
    for (size_t i = 0; i < WORKERS; i++) {
        if (strcmp(notify->workers[i].id, wire->message.id) == 0) {
            return; /* being delivered: its result goes to the core that is there then */
        }
        if (notify->workers[i].is_running && notify->workers[i].id[0] == '\0') {
            idle = &notify->workers[i];
        }
    }
    if (!idle) {
        result.is_busy = true;
        result_send(notify, &result);
        return;
    }
    job_start(notify, idle, wire);
}

static void
on_secret(struct notify *notify, const struct wire_secret_change *change)
{
    struct wire_secrets answer = {.number = change->number};
    if (secrets_put(notify->secrets, change->secrets, change->secret_count, answer.why)) {
        log_error("notify", "secrets could not be kept", LOG_I("count", change->secret_count),
                  LOG_S("why", answer.why));
    }
    secrets_list(notify->secrets, &answer);
    (void)channel_send(notify->core, WIRE_SECRETS, &answer);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)channel;
    struct notify *notify = context;
    if (type == WIRE_NOTICE) {
        on_notice(notify, message);
    } else if (type == WIRE_SECRET && notify->core) {
        on_secret(notify, message);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct notify *notify = context;
    if (notify->core == channel) {
        log_warn("notify", "core is away", LOG_S("why", why));
        notify->core = NULL;
    }
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct notify *notify = context;
    if (peer == ROLE_CORE) {
        struct wire_secrets have = {.number = 0};
        notify->core = channel;
        secrets_list(notify->secrets, &have);
        (void)channel_send(channel, WIRE_SECRETS, &have);
    }
}

static bool
workers_start(struct notify *notify)
{
    notify->stop.worker = WORKERS;
    notify->out = queue_new(WORKERS);
    notify->event_out =
        event_new(notify->role->base, queue_fd(notify->out), EV_READ | EV_PERSIST, on_out, notify);
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &notify->workers[i];
        worker->in = queue_new(2);
        worker->out = notify->out;
        worker->is_running = pthread_create(&worker->thread, NULL, worker_thread, worker) == 0;
        if (!worker->is_running) {
            return false;
        }
    }
    return notify->event_out && event_add(notify->event_out, NULL) == 0;
}

/* Nobody waits half a minute for a receiver that is silent: its message is sent again by the next
 * one.  The threads end with the process. */
static void
notify_close(struct notify *notify)
{
    bool is_busy = false;
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &notify->workers[i];
        is_busy = is_busy || worker->id[0] != '\0';
        if (worker->is_running && worker->id[0] == '\0' && queue_put(worker->in, &notify->stop)) {
            pthread_join(worker->thread, NULL);
            worker->is_running = false;
        }
    }
    if (notify->core) {
        channel_drop(notify->core);
    }
    if (is_busy) {
        _exit(0); /* what the threads still use stays theirs */
    }
    for (size_t i = 0; i < WORKERS; i++) {
        if (notify->workers[i].in) {
            queue_free(notify->workers[i].in);
        }
    }
    if (notify->event_out) {
        event_free(notify->event_out);
    }
    if (notify->out) {
        queue_free(notify->out);
    }
    secrets_free(notify->secrets);
}

int
notify_role_run(struct role *role)
{
    struct notify *notify = MEM_NEW(struct notify);
    char why[TEXT_SIZE], problem[TEXT_SIZE];
    notify->role = role;
    deliver_setup();
    notify->secrets = secrets_open(role->config->state_dir, role->config->secret_key_file, why);
    if (role_lock_in(role)) {
        secrets_free(notify->secrets);
        free(notify);
        return 1;
    }
    secrets_load(notify->secrets, problem);
    if (why[0] || problem[0]) {
        log_error("notify", "the secrets cannot be read", LOG_S("why", why[0] ? why : problem));
    }
    role->handler =
        (struct channel_handler){.on_message = on_message, .on_close = on_close, .context = notify};
    role->on_peer = on_peer;
    role->context = notify;
    int result = workers_start(notify) ? role_run(role) : -1;
    notify_close(notify);
    free(notify);
    return result ? 1 : 0;
}
