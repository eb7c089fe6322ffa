/* notify [show] | get | set FILE | test CHANNEL | secret CHANNEL | history. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

#define FILE_MAX (512 * 1024)
#define SECRET_ROOM 512

static int
notify_show(struct run *run)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},           {"SECRET", "has_secret", COLUMN_TEXT},
        {"FAILING", "failing", COLUMN_TEXT},     {"WAITING", "waiting", COLUMN_TEXT},
        {"LAST", "last_delivered", COLUMN_TIME}, {"ANSWER", "answer", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, API "/notifications", NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print(run, columns_at(answer.json, "channels"), columns, COUNT_OF(columns));
    }
    client_answer_fini(&answer);
    return code;
}

/* The settings as a document that 'set' takes. */
static int
notify_get(struct run *run)
{
    struct client_answer answer;
    int code = run_ask(run, API "/notifications", NULL, &answer);
    if (code == EXIT_GOOD) {
        run_print_json(columns_at(answer.json, "settings"));
    }
    client_answer_fini(&answer);
    return code;
}

/* Takes 'settings' and 'secrets' (NULL: none). */
static int
send_settings(struct run *run, cJSON *settings, cJSON *secrets)
{
    struct client_answer answer;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "settings", settings);
    cJSON_AddItemToObject(body, "secrets", secrets ? secrets : cJSON_CreateArray());
    int code = run_ask(run, API "/notifications", body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        puts(run_text(run, "done"));
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    return code;
}

static int
notify_set(struct run *run, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int error = file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, FILE_MAX, &text, &size);
    cJSON *settings = error ? NULL : cJSON_ParseWithLength(text, size);
    free(text);
    if (!cJSON_IsObject(settings)) {
        fprintf(stderr, "cordonctl: %s: %s\n", path,
                error ? strerror(-error) : "is no JSON object; 'notify get' writes one");
        cJSON_Delete(settings);
        return EXIT_USAGE;
    }
    return send_settings(run, settings, NULL);
}

/* Read from standard input: a word of the command line would be seen by others. */
static int
notify_secret(struct run *run, const char *channel)
{
    char value[SECRET_ROOM] = "";
    struct client_answer answer;
    if (!fgets(value, sizeof(value), stdin)) {
        fprintf(stderr, "cordonctl: the secret is read from standard input\n");
        return EXIT_USAGE;
    }
    value[strcspn(value, "\r\n")] = '\0';
    int code = run_ask(run, API "/notifications", NULL, &answer);
    if (code == EXIT_GOOD) {
        cJSON *secrets = cJSON_CreateArray();
        cJSON *secret = cJSON_CreateObject();
        cJSON_AddStringToObject(secret, "channel", channel);
        cJSON_AddStringToObject(secret, "value", value);
        cJSON_AddItemToArray(secrets, secret);
        code =
            send_settings(run, cJSON_Duplicate(columns_at(answer.json, "settings"), true), secrets);
    }
    explicit_bzero(value, sizeof(value));
    client_answer_fini(&answer);
    return code;
}

static int
notify_test(struct run *run, const char *channel)
{
    struct client_answer answer;
    cJSON *body = cJSON_CreateObject();
    char *path = run_path("notifications", channel, "test");
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        const char *words = cJSON_GetStringValue(columns_at(answer.json, "answer"));
        puts(words ? words : "");
    }
    if (code == EXIT_GOOD && !cJSON_IsTrue(columns_at(answer.json, "delivered"))) {
        code = EXIT_REFUSED;
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    free(path);
    return code;
}

static int
notify_history(struct run *run)
{
    static const struct column columns[] = {
        {"TIME", "made_at", COLUMN_TIME},    {"STATE", "state", COLUMN_TEXT},
        {"CHANNEL", "channel", COLUMN_TEXT}, {"WHO", "voice", COLUMN_TEXT},
        {"KIND", "kinds", COLUMN_TEXT},      {"COUNT", "attempts", COLUMN_TEXT},
        {"ANSWER", "answer", COLUMN_TEXT},
    };
    int code;
    cJSON *items = run_list(run, API "/notices", &code);
    if (!items) {
        return code;
    }
    if (run->options.json) {
        run_print_json(items);
    } else {
        cJSON *item;
        cJSON_ArrayForEach(item, items)
        {
            const cJSON *notice;
            cJSON *kinds = cJSON_AddArrayToObject(item, "kinds");
            cJSON_ArrayForEach(notice, columns_at(item, "notices"))
            {
                const char *kind = cJSON_GetStringValue(columns_at(notice, "kind"));
                cJSON_AddItemToArray(kinds, cJSON_CreateString(kind ? kind : "?"));
            }
        }
        columns_print(run, items, columns, COUNT_OF(columns));
    }
    cJSON_Delete(items);
    return EXIT_GOOD;
}

int
cmd_notify(struct run *run, char **words, int count)
{
    if (count == 0 || (count == 1 && strcmp(words[0], "show") == 0)) {
        return notify_show(run);
    }
    if (count == 1 && strcmp(words[0], "get") == 0) {
        return notify_get(run);
    }
    if (count == 1 && strcmp(words[0], "history") == 0) {
        return notify_history(run);
    }
    if (count == 2 && strcmp(words[0], "set") == 0) {
        return notify_set(run, words[1]);
    }
    if (count == 2 && strcmp(words[0], "test") == 0) {
        return notify_test(run, words[1]);
    }
    if (count == 2 && strcmp(words[0], "secret") == 0) {
        return notify_secret(run, words[1]);
    }
    return run_usage("notify [show | get | history | set FILE | test CHANNEL | secret CHANNEL]");
}
