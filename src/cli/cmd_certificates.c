/* Certificates of switches and sensors, and how they get them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

static int
list(struct run *run, const char *path, const char *search, const struct column *columns,
     size_t count)
{
    char whole[1024];
    snprintf(whole, sizeof(whole), "%s", path);
    run_query(whole, sizeof(whole), "q", search);
    return columns_list(run, whole, columns, count);
}

/* POSTs why; prints what is then. */
static int
change(struct run *run, const char *collection, const char *id, const char *verb,
       const struct column *columns, size_t count)
{
    struct client_answer answer;
    if (!run->options.reason) {
        return run_usage("say why with --reason TEXT: it goes into the audit");
    }
    cJSON *body = cJSON_CreateObject();
    char *path = run_path(collection, id, verb);
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, columns, count);
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    free(path);
    return code;
}

int
cmd_certificates(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},      {"KIND", "role", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},    {"CONNECTED", "connected", COLUMN_TEXT},
        {"ISSUED", "issued", COLUMN_TIME},  {"EXPIRES", "expires", COLUMN_TIME},
        {"LAST SEEN", "seen", COLUMN_TIME}, {"FROM ADDRESS", "from", COLUMN_TEXT},
        {"SERIAL", "serial", COLUMN_TEXT},  {"REASON", "reason", COLUMN_TEXT},
    };
    static const struct column refused[] = {
        {"LAST", "last", COLUMN_TIME},     {"TIMES", "count", COLUMN_TEXT},
        {"WHY", "why", COLUMN_TEXT},       {"KIND", "role", COLUMN_TEXT},
        {"NAME", "name", COLUMN_TEXT},     {"FROM ADDRESS", "from", COLUMN_TEXT},
        {"DETAIL", "detail", COLUMN_TEXT}, {"SERIAL", "serial", COLUMN_TEXT},
    };
    if (count == 2 && strcmp(words[0], "revoke") == 0) {
        return change(run, "certificates", words[1], "revoke", columns, COUNT_OF(columns));
    }
    if (count > 0 && strcmp(words[0], "refused") == 0) {
        return list(run, API "/refused-peers", count == 2 ? words[1] : NULL, refused,
                    COUNT_OF(refused));
    }
    if (count == 2) {
        return run_usage("certificates [SEARCH] | revoke SERIAL|NAME | refused [SEARCH]");
    }
    return list(run, API "/certificates", count ? words[0] : NULL, columns, COUNT_OF(columns));
}

int
cmd_enrolments(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},     {"KIND", "role", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},   {"EXPIRES", "expires", COLUMN_TIME},
        {"WHO", "made_by", COLUMN_TEXT},   {"FROM ADDRESS", "from", COLUMN_TEXT},
        {"SERIAL", "serial", COLUMN_TEXT}, {"ID", "id", COLUMN_TEXT},
    };
    if (count == 2 && strcmp(words[0], "withdraw") == 0) {
        return change(run, "enrolments", words[1], "withdraw", columns, COUNT_OF(columns));
    }
    if (count == 2) {
        return run_usage("enrolments [SEARCH] | enrolments withdraw ID");
    }
    return list(run, API "/enrolments", count ? words[0] : NULL, columns, COUNT_OF(columns));
}

static bool
is_only_here(const char *url)
{
    return strstr(url, "://localhost") || strstr(url, "://127.") || strstr(url, "://[::1]");
}

/* The command alone on standard output: it can be piped. */
static int
print_offer(const struct run *run, const cJSON *json)
{
    const char *command = cJSON_GetStringValue(columns_at(json, "command"));
    puts(command ? command : "");
    if (cJSON_IsFalse(columns_at(json, "configured"))) {
        fprintf(stderr, "%s\n",
                run_text(run, "cordond.yaml has no switch of that name yet: it is not let in."));
    }
    return EXIT_GOOD;
}

int
cmd_enrol(struct run *run, char **words, int count)
{
    const char *controller =
        run->options.controller ? run->options.controller : run->options.settings.url;
    struct client_answer answer;
    unsigned life = run->options.expires ? run_duration(run->options.expires) : 0;
    (void)count;
    if (!run->options.controller && is_only_here(controller)) {
        return run_usage("say where the device reaches the controller: --controller "
                         "https://192.0.2.10:8443");
    }
    if (run->options.expires && life == 0) {
        return run_usage("--expires: 90s, 10m, 8h, 2d");
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "role", words[0]);
    cJSON_AddStringToObject(body, "name", words[1]);
    cJSON_AddStringToObject(body, "controller", controller);
    if (life) {
        cJSON_AddNumberToObject(body, "expires_in", life);
    }
    if (run->options.reason) {
        cJSON_AddStringToObject(body, "reason", run->options.reason);
    }
    int code = run_ask(run, API "/enrolments", body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        code = print_offer(run, answer.json);
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    return code;
}
