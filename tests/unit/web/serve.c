/* The real API over a fake controller, on a free port of loopback: for test_server.py.
 *
 *     serve FOLDER      makes certificates and tokens there; says "port N" on stdout
 *
 * Commands on stdin: "away" and "back" (core leaves and returns), "mute" (core does not answer any
 * more), "reload" (SIGHUP), "event" (one live event), "endpoints" (one of each machine), "notice"
 * (one of who was told), "gap" (an event is lost first), "slow" (time goes on by 11 s), "wait
 * SECONDS", "audit COUNT" (so many rows more), "require ROLE" (its accounts need a second factor),
 * "budget N" (requests per second), "trust PREFIX" (a reverse proxy), "directory" (accounts come
 * from one), "asked" (waits until it was), "answer NUMBER KIND ABOUT NAME" (it grants NAME; NUMBER
 * counts from that of the last question).  Ends with stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/seal.h"
#include "bus/pki.h"
#include "cordond/config.h"
#include "fake_controller.h"
#include "web/account.h"
#include "web/token.h"
#include "web/web.h"

struct fixture {
    struct event_base *base;
    struct web *web;
    struct asks *asks;
    struct controller *controller;
    struct clock_fake clock;
    struct event *jobs;
    bool is_mute;
    uint64_t sequence;
    char line[64]; /* the command under way */
    bool is_awaited;
    uint64_t asked, answered; /* numbers of questions to the directory */
    struct config config;
};

static void say_done(void *context, int error);

static bool
on_login(void *context, const struct wire_login *question)
{
    struct fixture *fixture = context;
    fixture->asked = question->number;
    if (fixture->is_awaited) {
        fixture->is_awaited = false;
        fixture->answered = fixture->asked;
        say_done(fixture, 0);
    }
    return true;
}

/* True: it was asked already; else that is said when it is. */
static bool
login_await(struct fixture *fixture)
{
    fixture->is_awaited = fixture->asked == fixture->answered;
    fixture->answered = fixture->asked;
    return !fixture->is_awaited;
}

static void
login_answer(struct fixture *fixture, const char *words)
{
    struct wire_login_result result = {.outcome = LOGIN_GRANTED,
                                       .source = ACCOUNT_LDAP,
                                       .role = ACCOUNT_OPERATOR,
                                       .subject = "one and the same"};
    char kind[16];
    int offset;
    if (sscanf(words, "%d %15s %63s %63s", &offset, kind, result.about, result.name) == 4) {
        result.number = fixture->asked + (uint64_t)(int64_t)offset;
        while (login_kind_names[result.kind] && strcmp(login_kind_names[result.kind], kind) != 0) {
            result.kind++;
        }
        web_login_answer(fixture->web, &result);
    }
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *fixture = context;
    if (fixture->web) { /* what the store still writes at the end is answered to nobody */
        web_answer(fixture->web, answer);
    }
}

static bool
send_ask(void *context, const struct wire_ask *ask)
{
    struct fixture *fixture = context;
    if (!fixture->is_mute) {
        asks_handle(fixture->asks, ask, on_answer, fixture);
    }
    return true;
}

static void
send_event(struct fixture *fixture)
{
    struct wire_event event = {.sequence = ++fixture->sequence, .topic = "containment"};
    event.body = ask_view_containment(fixture->controller,
                                      controller_containment_at(fixture->controller, 0));
    web_event(fixture->web, &event);
    cJSON_Delete(event.body);
}

/* One of each machine. */
static void
send_endpoints(struct fixture *fixture)
{
    struct topology *topology = controller_topology(fixture->controller);
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        struct wire_event event = {.topic = "endpoint"};
        if (endpoint) {
            event.sequence = ++fixture->sequence;
            event.body = ask_view_endpoint(fixture->controller, endpoint, true);
            web_event(fixture->web, &event);
            cJSON_Delete(event.body);
        }
    }
}

static void
send_notice(struct fixture *fixture)
{
    struct wire_event event = {.sequence = ++fixture->sequence, .topic = "notice"};
    event.body = cJSON_Parse("{\"to\": [\"owner@hospital.example\"]}");
    web_event(fixture->web, &event);
    cJSON_Delete(event.body);
}

static void
say_done(void *context, int error)
{
    const struct fixture *fixture = context;
    printf("%s %s\n", error ? "failed" : "done", fixture->line);
    fflush(stdout);
}

static void
write_audit(struct fixture *fixture, int count)
{
    struct store_change *change = store_change_new();
    for (int i = 0; i < count; i++) {
        char detail[32];
        snprintf(detail, sizeof(detail), "filler %d of %d", i, count);
        store_put_audit(change, clock_wall_us(&fixture->clock.clock), "token:filler", "filler.row",
                        "01FILLER", detail);
    }
    store_submit(controller_store(fixture->controller), change, say_done, fixture);
}

static void
on_command(evutil_socket_t fd, short what, void *context)
{
    struct fixture *fixture = context;
    char *line = fixture->line;
    ssize_t size = read((int)fd, line, sizeof(fixture->line) - 1);
    (void)what;
    if (size <= 0) {
        event_base_loopbreak(fixture->base);
        return;
    }
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "away") == 0) {
        web_core_gone(fixture->web);
    } else if (strcmp(line, "back") == 0) {
        fixture->is_mute = false;
        web_core_joined(fixture->web);
    } else if (strcmp(line, "mute") == 0) {
        fixture->is_mute = true;
    } else if (strcmp(line, "reload") == 0) {
        revisions_reload(fixture->controller->revisions);
    } else if (strcmp(line, "event") == 0) {
        send_event(fixture);
    } else if (strcmp(line, "endpoints") == 0) {
        send_endpoints(fixture);
    } else if (strcmp(line, "notice") == 0) {
        send_notice(fixture);
    } else if (strcmp(line, "gap") == 0) {
        fixture->sequence++;
        send_event(fixture);
    } else if (strncmp(line, "wait ", 5) == 0) {
        clock_fake_advance(&fixture->clock, atoll(line + 5) * 1000000);
    } else if (strncmp(line, "audit ", 6) == 0) {
        write_audit(fixture, atoi(line + 6));
        return; /* done when it is on disk */
    } else if (strncmp(line, "budget ", 7) == 0) {
        fixture->config.accounts.requests_per_s = (uint32_t)atoi(line + 7);
    } else if (strcmp(line, "directory") == 0) {
        snprintf(fixture->config.ldap.url, URL_SIZE, "ldaps://directory.example");
    } else if (strcmp(line, "asked") == 0) {
        if (!login_await(fixture)) {
            return;
        }
    } else if (strncmp(line, "answer ", 7) == 0) {
        login_answer(fixture, line + 7);
    } else if (strncmp(line, "trust ", 6) == 0) {
        struct config *config = &fixture->config;
        char *prefix = config->trusted_proxies[config->trusted_proxy_count++];
        memccpy(prefix, line + 6, '\0', PREFIX_TEXT_SIZE - 1);
    } else if (strncmp(line, "require ", 8) == 0) {
        struct config_accounts *accounts = &fixture->config.accounts;
        memcpy(accounts->second_factor[accounts->factor_role_count++], line + 8, strlen(line) - 7);
    } else if (strcmp(line, "slow") == 0) {
        clock_fake_advance(&fixture->clock, 11 * 1000000);
    }
    say_done(fixture, 0);
}

static bool
parse_line(const struct config *config, const char *source, const char *line, size_t size,
           struct detection *detection, char why[TEXT_SIZE])
{
    (void)config, (void)source, (void)line, (void)size, (void)detection;
    snprintf(why, TEXT_SIZE, "not understood by the fixture");
    return false;
}

static void
jobs_wake(void *context)
{
    struct fixture *fixture = context;
    const struct timeval at_once = {.tv_usec = 1000};
    event_add(fixture->jobs, &at_once);
}

static void
on_jobs(evutil_socket_t fd, short what, void *context)
{
    struct fixture *fixture = context;
    (void)fd, (void)what;
    if (asks_run_jobs(fixture->asks)) {
        jobs_wake(fixture);
    }
}

static int
make_tokens(const char *folder, const struct clock *clock)
{
    static const char *const names[] = {"viewer", "operator", "admin", "auditor"};
    char why[256];
    for (size_t i = 0; i < 4; i++) {
        char text[TOKEN_TEXT_SIZE];
        char path[256];
        struct token token = {.role = (enum account_role)i, .created_us = clock_wall_us(clock)};
        snprintf(token.name, sizeof(token.name), "%s", names[i]);
        if (token_add(folder, &token, text, why) != 0) {
            fprintf(stderr, "%s\n", why);
            return 1;
        }
        snprintf(path, sizeof(path), "%s/%s.token", folder, names[i]);
        FILE *file = fopen(path, "we");
        if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0) {
            return 1;
        }
    }
    return 0;
}

static int
serve(struct fixture *fixture, const char *folder)
{
    char cert[256], key[256], secret_key[256], why[256];
    snprintf(secret_key, sizeof(secret_key), "%s/secret.key", folder);
    if (seal_prepare(secret_key, why)) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    snprintf(cert, sizeof(cert), "%s/pki/server.pem", folder);
    snprintf(key, sizeof(key), "%s/pki/server.key.sealed", folder);
    struct web_settings settings = {.listen = "127.0.0.1:0",
                                    .cert = cert,
                                    .key = key,
                                    .state_dir = folder,
                                    .secret_key_file = secret_key,
                                    .connection_limit = 40,
                                    .parse_line = parse_line,
                                    .config = &fixture->config,
                                    .send = send_ask,
                                    .login = on_login,
                                    .context = fixture};
    if (web_new(fixture->base, &settings, &fixture->clock.clock, &fixture->web, why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    web_core_joined(fixture->web);
    struct event *commands =
        event_new(fixture->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_command, fixture);
    event_add(commands, NULL);
    printf("port %u\n", web_port(fixture->web));
    fflush(stdout);
    event_base_dispatch(fixture->base);
    event_free(commands);
    web_free(fixture->web);
    fixture->web = NULL;
    return 0;
}

/* It is never done: a second one is refused. */
static int
backup_start(void *context, uint32_t keep)
{
    (void)context, (void)keep;
    return 0;
}

int
main(int count, char **words)
{
    struct fixture fixture = {0};
    char pki[256], master[256], why[256];
    if (count != 2) {
        return 2;
    }
    log_setup("serve", LOG_TEXT, LOG_INFO);
    clock_fake_init(&fixture.clock, clock_wall_us(clock_system()));
    fixture.base = event_base_new();
    snprintf(pki, sizeof(pki), "%s/web", words[1]);
    if (mkdir(pki, 0700) != 0) {
        perror(pki);
        return 1;
    }
    fixture.config.accounts.requests_per_s = 100000; /* its clock stands still */
    snprintf(pki, sizeof(pki), "%s/pki", words[1]);
    snprintf(master, sizeof(master), "%s/secret.key", words[1]);
    if (seal_prepare(master, why) || pki_prepare(pki, master, "localhost,127.0.0.1", why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (make_tokens(words[1], &fixture.clock.clock) != 0 ||
        account_prepare(words[1], &fixture.clock.clock, why) != 0) {
        return 1;
    }
    fixture.controller = fake_controller_new(fixture.base, &fixture.clock.clock, words[1]);
    const struct copies_settings copying = {.base = fixture.base,
                                            .store = controller_store(fixture.controller),
                                            .clock = &fixture.clock.clock,
                                            .folder = "/var/lib/cordon/backups",
                                            .start = backup_start};
    struct copies *copies = NULL;
    if (copies_open(&copying, &copies)) {
        return 1;
    }
    struct ask_settings settings = {.controller = fixture.controller,
                                    .copies = copies,
                                    .revisions = fixture.controller->revisions,
                                    .warnings = fixture.controller->warnings,
                                    .certificates = fixture.controller->certificates,
                                    .started_us = clock_wall_us(&fixture.clock.clock),
                                    .jobs = {.wake = jobs_wake, .context = &fixture}};
    fixture.jobs = evtimer_new(fixture.base, on_jobs, &fixture);
    fixture.asks = asks_new(&settings);
    int status = serve(&fixture, words[1]);
    copies_stop(copies);
    fake_controller_free(fixture.controller);
    copies_free(copies);
    asks_free(fixture.asks);
    event_free(fixture.jobs);
    event_base_free(fixture.base);
    return status;
}
