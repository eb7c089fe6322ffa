/* The login role: alone talks to the directory and to the OpenID provider, and alone holds what we
 * are known by there.  Web asks it, over a line of their own; it answers who somebody is, never
 * with a secret.  Directory: a few threads, for it may be slow; provider: one, which owns what is
 * known of it. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/seal.h"
#include "cordond/role.h"
#include "login/directory.h"
#include "login/openid.h"

#define LDAP_WORKERS 4
#define WAITING_MAX 16 /* per kind; more are told that it is busy */

struct job {
    struct wire_login ask;
    struct wire_login_result result;
    int64_t asked_us; /* boot clock */
};

struct worker {
    struct login *login;
    struct queue *in;
    struct directory_line *line;
    pthread_t thread;
    bool is_running;
};

struct login {
    struct role *role;
    struct channel *web;
    const struct config *config;
    char ldap_secret[HOST_SIZE];
    struct openid *openid;
    struct queue *directory, *provider, *out;
    struct worker workers[LDAP_WORKERS + 1]; /* the last one: the provider's */
    struct event *event_out, *tick;
    struct job stop;
    struct log_limit away_limit;
};

static void
job_free(struct job *job)
{
    free(job->result.url);
    explicit_bzero(job, sizeof(*job));
    free(job);
}

static void
job_run(struct worker *worker, struct job *job)
{
    struct login *login = worker->login;
    const struct wire_login *ask = &job->ask;
    const struct directory_ask question = {.config = &login->config->ldap,
                                           .secret = login->ldap_secret,
                                           .name = ask->name,
                                           .password = ask->password,
                                           .until_us = job->asked_us + DIRECTORY_SUM_US};
    switch (ask->kind) {
    case LOGIN_PASSWORD:
        directory_sign_in(worker->line, &question, &job->result);
        break;
    case LOGIN_BEGIN:
        openid_begin(login->openid, ask->flow, ask->peer, &job->result);
        break;
    default: /* LOGIN_FINISH */
        openid_finish(login->openid, ask->flow, ask->state, ask->code, &job->result);
        break;
    }
}

static void *
worker_thread(void *context)
{
    struct worker *worker = context;
    struct job *job;
    while ((job = queue_wait(worker->in, -1)) != &worker->login->stop) {
        if (job) {
            job_run(worker, job);
            while (!queue_put(worker->login->out, job)) {
                usleep(1000); /* cannot be: it has a place for each that may wait */
            }
        }
    }
    return NULL;
}

/* ---- the loop ---- */

static void
result_send(struct login *login, struct job *job)
{
    uint64_t swallowed = 0;
    int64_t now = clock_boot_us(clock_system());
    job->result.number = job->ask.number;
    job->result.kind = job->ask.kind;
    snprintf(job->result.about, sizeof(job->result.about), "%s",
             job->ask.kind == LOGIN_PASSWORD ? job->ask.name : job->ask.flow);
    if (job->result.outcome != LOGIN_GRANTED && job->result.outcome != LOGIN_BEGUN &&
        log_limit_pass(&login->away_limit, now, &swallowed)) {
        log_warn("login", "nobody was let in",
                 LOG_S("source", account_source_names[job->result.source]),
                 LOG_S("outcome", login_outcome_names[job->result.outcome]),
                 LOG_S("account", job->ask.name), LOG_S("why", job->result.why),
                 LOG_I("swallowed", swallowed));
    }
    if (login->web && !channel_send(login->web, WIRE_LOGIN_RESULT, &job->result)) {
        log_warn("login", "an answer was not sent", LOG_END);
    }
}

static void
on_out(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct login *login = context;
    struct job *job;
    while ((job = queue_take(login->out)) != NULL) {
        result_send(login, job);
        job_free(job);
    }
}

static void
on_ask(struct login *login, const struct wire_login *ask)
{
    struct job *job = MEM_NEW(struct job);
    bool is_directory = ask->kind == LOGIN_PASSWORD;
    job->ask = *ask;
    job->asked_us = clock_boot_us(clock_system());
    job->result.source = is_directory ? ACCOUNT_LDAP : ACCOUNT_OPENID;
    bool is_set_up = is_directory ? login->config->ldap.url[0] != '\0' : login->openid != NULL;
    if (!is_set_up) {
        job->result.outcome = LOGIN_AWAY;
        snprintf(job->result.why, TEXT_SIZE, "it is not set up, or could not be at the start");
    } else if (queue_put(is_directory ? login->directory : login->provider, job)) {
        return;
    } else {
        job->result.outcome = LOGIN_BUSY;
    }
    result_send(login, job);
    job_free(job);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct login *login = context;
    if (type == WIRE_LOGIN && channel == login->web) {
        on_ask(login, message);
    } else {
        channel_close(channel, "login takes questions of web only");
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct login *login = context;
    if (channel == login->web) {
        log_warn("login", "web is away", LOG_S("why", why));
        login->web = NULL;
    }
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct login *login = context;
    if (peer != ROLE_WEB) {
        channel_close(channel, "login talks to web only");
        return;
    }
    struct channel *old = login->web;
    login->web = channel;
    if (old) {
        channel_close(old, "web was joined anew");
    }
}

/* ---- the start ---- */

/* What systemd gave is not sealed: it lies in memory. */
static int
credential_read(const char *path, char secret[HOST_SIZE], size_t *size, char why[256])
{
    char *text = NULL;
    int error = seal_check_private(path, why);
    if (!error) {
        error = file_read(path, HOST_SIZE - 1, &text, size);
        snprintf(why, 256, "%.200s: %s", path, error ? strerror(-error) : "");
    }
    if (!error) {
        memcpy(secret, text, *size);
        explicit_bzero(text, *size);
    }
    free(text);
    return error;
}

/* The supervisor took the file at 'path' over. */
static int
sealed_read(const struct config *config, const char *path, const char *name, char secret[HOST_SIZE],
            size_t *size, char why[256])
{
    char sealed[ROLE_PATH_SIZE + 32], folder[ROLE_PATH_SIZE], *text = NULL;
    struct seal *seal = NULL;
    role_folder(config, ROLE_LOGIN, folder);
    snprintf(sealed, sizeof(sealed), "%s/%s", folder, name);
    int error = seal_open(config->secret_key_file, SEAL_LOGIN, &seal, why);
    if (error) {
        return error;
    }
    error = seal_read(seal, sealed, HOST_SIZE - 1, &text, size);
    seal_free(seal);
    if (error) {
        snprintf(why, 256, "%.80s is not there, and %.80s cannot be opened: %.40s", path, sealed,
                 strerror(-error));
        return error;
    }
    memcpy(secret, text, *size);
    seal_bytes_free(text);
    return 0;
}

/* One line. */
static bool
secret_read(const struct config *config, const char *path, const char *name, char secret[HOST_SIZE])
{
    char why[256];
    size_t size = 0;
    bool is_given = strncmp(path, CONFIG_CREDENTIALS, strlen(CONFIG_CREDENTIALS)) == 0;
    int error = is_given ? credential_read(path, secret, &size, why)
                         : sealed_read(config, path, name, secret, &size, why);
    secret[error ? 0 : size] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';
    if (!error && !secret[0]) {
        error = -EBADMSG;
        snprintf(why, sizeof(why), "%.200s: needs one line", path);
    }
    if (error) {
        log_error("login", "a secret cannot be read: nobody signs in there", LOG_S("why", why));
    }
    return !error;
}

/* What is wrong with one source is said, and does not keep the other one from working. */
static void
sources_open(struct login *login)
{
    const struct config *config = login->config;
    char secret[HOST_SIZE] = "", why[TEXT_SIZE];
    if (config->ldap.url[0] && (!secret_read(config, config->ldap.bind_password_file,
                                             CONFIG_LDAP_SEALED, login->ldap_secret) ||
                                directory_setup(&config->ldap, why))) {
        log_error("login", "the directory cannot be asked", LOG_S("server", config->ldap.url),
                  LOG_S("why", login->ldap_secret[0] ? why : "no password"));
    }
    if (config->openid.issuer[0] &&
        secret_read(config, config->openid.client_secret_file, CONFIG_OPENID_SEALED, secret)) {
        login->openid = openid_new(&config->openid, secret, clock_system(), why);
        if (!login->openid) {
            log_error("login", "the OpenID provider cannot be asked", LOG_S("why", why));
        }
    }
    explicit_bzero(secret, sizeof(secret));
}

#define TICK_US 250000

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
    struct login *login = context;
    int64_t now_us = clock_boot_us(clock_system());
    (void)fd, (void)what;
    for (size_t i = 0; i < LDAP_WORKERS; i++) {
        directory_line_check(login->workers[i].line, now_us);
    }
}

static bool
workers_start(struct login *login)
{
    login->directory = queue_new(WAITING_MAX);
    login->provider = queue_new(WAITING_MAX);
    login->out = queue_new(2 * WAITING_MAX + LDAP_WORKERS + 1);
    login->event_out =
        event_new(login->role->base, queue_fd(login->out), EV_READ | EV_PERSIST, on_out, login);
    for (size_t i = 0; i < COUNT_OF(login->workers); i++) {
        struct worker *worker = &login->workers[i];
        worker->login = login;
        worker->line = directory_line_new();
        worker->in = i < LDAP_WORKERS ? login->directory : login->provider;
        worker->is_running = pthread_create(&worker->thread, NULL, worker_thread, worker) == 0;
        if (!worker->is_running) {
            return false;
        }
    }
    const struct timeval tick = {.tv_usec = TICK_US};
    login->tick = event_new(login->role->base, -1, EV_PERSIST, on_tick, login);
    return login->event_out && event_add(login->event_out, NULL) == 0 && login->tick &&
           event_add(login->tick, &tick) == 0;
}

int
login_role_run(struct role *role)
{
    struct login *login = MEM_NEW(struct login);
    login->role = role;
    login->config = role->config;
    login->away_limit = (struct log_limit){.period_us = 10 * 1000000, .burst = 20, .left = 20};
    openid_setup();
    sources_open(login);
    role->handler =
        (struct channel_handler){.on_message = on_message, .on_close = on_close, .context = login};
    role->on_peer = on_peer;
    role->context = login;
    int result = role_lock_in(role);
    result = result == 0 && workers_start(login) ? role_run(role) : -1;
    explicit_bzero(login->ldap_secret, sizeof(login->ldap_secret));
    /* Threads may be in the middle of a time-out: they end with the process. */
    fflush(NULL);
    _exit(result ? 1 : 0);
}
