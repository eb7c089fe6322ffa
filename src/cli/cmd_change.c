/* Wishes: contain, block, mirror, release, extend, judge, protect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "model/addr.h"

static int
need_reason(const struct run *run)
{
    return run->options.reason ? EXIT_GOOD
                               : run_usage("say why with --reason TEXT: it goes into the audit");
}

/* Posts, and shows the containment that came of it. */
static int
post(struct run *run, const char *path, cJSON *body)
{
    static const struct column facts[] = {
        {"ID", "id", COLUMN_TEXT},         {"ACTION", "action", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},   {"ENDPOINT", "", COLUMN_WHO},
        {"SERVER", "", COLUMN_SERVER},     {"EXPIRES", "expires", COLUMN_TIME},
        {"REASON", "reason", COLUMN_TEXT}, {"done", "done", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
    }
    client_answer_fini(&answer);
    return code;
}

/* The endpoint's id, by any of its names: "" where the API said no, told already. */
static int
look_up(struct run *run, const char *name, const char *member, char id[64])
{
    struct client_answer answer;
    char *path = run_path("endpoints", name, NULL);
    int code = run_ask(run, path, NULL, &answer);
    const cJSON *found = columns_at(answer.json, member);
    id[0] = '\0';
    if (code == EXIT_GOOD && cJSON_IsString(found)) {
        snprintf(id, 64, "%s", found->valuestring);
    }
    client_answer_fini(&answer);
    free(path);
    return code;
}

/* MACs and addresses go as they are: the endpoint need not be known yet. */
static int
add_subject(struct run *run, cJSON *body, const char *name)
{
    struct mac mac;
    struct ip ip;
    char id[64];
    if (mac_parse(name, &mac)) {
        cJSON_AddStringToObject(body, "mac", name);
        return EXIT_GOOD;
    }
    if (ip_parse(name, &ip)) {
        cJSON_AddStringToObject(body, "ip", name);
        return EXIT_GOOD;
    }
    int code = look_up(run, name, "id", id);
    if (code == EXIT_GOOD) {
        cJSON_AddStringToObject(body, "endpoint_id", id);
    }
    return code;
}

static void
add_server(cJSON *body, const char *name)
{
    struct prefix prefix;
    cJSON_AddStringToObject(body, prefix_parse(name, &prefix) ? "server" : "server_name", name);
}

static int
add_expiry(const struct run *run, cJSON *body)
{
    const char *text = run->options.expires;
    unsigned seconds = text ? run_duration(text) : 0;
    if (text && seconds == 0) {
        return run_usage("'%s' is no time: 90s, 10m, 8h, 2d; at most 366d", text);
    }
    if (text) {
        cJSON_AddNumberToObject(body, "expires_in_s", seconds);
    }
    return EXIT_GOOD;
}

static void
add_option(cJSON *body, const char *name, const char *value)
{
    if (value) {
        cJSON_AddStringToObject(body, name, value);
    }
}

/* What all new containments share; takes 'body'. */
static int
create(struct run *run, const char *path, const char *action, const char *endpoint,
       const char *server)
{
    cJSON *body = cJSON_CreateObject();
    int code = need_reason(run);
    add_option(body, "action", action);
    add_option(body, "reason", run->options.reason);
    add_option(body, "permit_set", run->options.permit);
    add_option(body, "external_id", run->options.external_id);
    add_option(body, "observed_at", run->options.observed_at);
    add_option(body, "site", run->options.site);
    if (run->options.by_address) {
        cJSON_AddTrueToObject(body, "by_address");
    }
    if (server) {
        add_server(body, server);
    }
    code = code == EXIT_GOOD ? add_expiry(run, body) : code;
    code = code == EXIT_GOOD && endpoint ? add_subject(run, body, endpoint) : code;
    code = code == EXIT_GOOD ? post(run, path, body) : code;
    cJSON_Delete(body);
    return code;
}

int
cmd_contain(struct run *run, char **words, int count)
{
    (void)count;
    if (run->options.none == (run->options.permit != NULL)) {
        return run_usage("say what stays permitted: --permit SET, or --none");
    }
    return create(run, API "/containments", "isolate", words[0], NULL);
}

int
cmd_block_pair(struct run *run, char **words, int count)
{
    (void)count;
    return create(run, API "/containments", "block_pair", words[0], words[1]);
}

int
cmd_block_server(struct run *run, char **words, int count)
{
    (void)count;
    return create(run, API "/server-blocks", NULL, NULL, words[0]);
}

int
cmd_mirror(struct run *run, char **words, int count)
{
    (void)count;
    if (!run->options.expires) {
        return run_usage("say for how long: --for 10m");
    }
    return create(run, API "/containments", "mirror", words[0], NULL);
}

static int
post_reason(struct run *run, const char *collection, const char *id, const char *verb)
{
    int code = need_reason(run);
    if (code != EXIT_GOOD) {
        return code;
    }
    cJSON *body = cJSON_CreateObject();
    char *path = run_path(collection, id, verb);
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    code = post(run, path, body);
    free(path);
    cJSON_Delete(body);
    return code;
}

/* Ids and case numbers are asked for first; what is neither is an endpoint. */
static bool
is_containment(struct run *run, const char *name)
{
    struct client_answer answer;
    char *path = run_path("containments", name, NULL);
    client_ask(run->client, path, NULL, &answer);
    bool found = answer.status != 404;
    client_answer_fini(&answer);
    free(path);
    return found;
}

int
cmd_release(struct run *run, char **words, int count)
{
    char id[64];
    int code = need_reason(run);
    (void)count;
    if (code != EXIT_GOOD || is_containment(run, words[0])) {
        return code != EXIT_GOOD ? code : post_reason(run, "containments", words[0], "release");
    }
    code = look_up(run, words[0], "containment_id", id);
    if (code == EXIT_GOOD && id[0] == '\0') {
        fprintf(stderr, "cordonctl: %s is not contained\n", words[0]);
        return EXIT_REFUSED;
    }
    return code == EXIT_GOOD ? post_reason(run, "containments", id, "release") : code;
}

int
cmd_extend(struct run *run, char **words, int count)
{
    (void)count;
    if (!run->options.expires) {
        return run_usage("say until when: --expires 8h");
    }
    cJSON *body = cJSON_CreateObject();
    char *path = run_path("containments", words[0], "extend");
    int code = add_expiry(run, body);
    code = code == EXIT_GOOD ? post(run, path, body) : code;
    free(path);
    cJSON_Delete(body);
    return code;
}

int
cmd_enforce(struct run *run, char **words, int count)
{
    (void)count;
    return post_reason(run, "pending", words[0], "enforce");
}

int
cmd_check(struct run *run, char **words, int count)
{
    (void)count;
    return post_reason(run, "pending", words[0], "check");
}

int
cmd_revert(struct run *run, char **words, int count)
{
    (void)count;
    return post_reason(run, "pending", words[0], "revert");
}

int
cmd_protect(struct run *run, char **words, int count)
{
    (void)count;
    return post_reason(run, "endpoints", words[0], "protect");
}

int
cmd_protected(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"ID", "id", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"HOST NAME", "host_name", COLUMN_TEXT},
        {"MAC", "mac", COLUMN_TEXT},
        {"ADDRESS", "address", COLUMN_TEXT},
        {"SINCE", "since", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},
        {"WHY", "why", COLUMN_TEXT},
    };
    bool is_change =
        count == 2 && (strcmp(words[0], "confirm") == 0 || strcmp(words[0], "remove") == 0);
    if (is_change) {
        return post_reason(run, "protected", words[1], words[0]);
    }
    if (count > 1 || (count == 1 && strcmp(words[0], "list") != 0)) {
        return run_usage("protected [list] | protected confirm ID | protected remove ID");
    }
    return columns_list(run, API "/protected", columns, COUNT_OF(columns));
}
