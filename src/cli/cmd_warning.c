/* The warning page: its texts, and the page itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

#define FILE_MAX (256 * 1024)

static void
print_warning(const struct run *run, const cJSON *warning)
{
    static const struct column facts[] = {
        {"VERSION", "version", COLUMN_TEXT},
        {"EDITED", "edited", COLUMN_TEXT},
        {"TIME", "changed", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},
    };
    static const struct column texts[] = {
        {"LANGUAGE", "language", COLUMN_TEXT},
        {"TITLE", "title", COLUMN_TEXT},
        {"MESSAGE", "body", COLUMN_TEXT},
        {"CONTACT", "contact", COLUMN_TEXT},
    };
    columns_print_object(run, warning, facts, COUNT_OF(facts));
    puts("");
    columns_print(run, columns_at(warning, "texts"), texts, COUNT_OF(texts));
}

/* Asks ('body' NULL: reads), and prints what is in force then. */
static int
ask_and_print(struct run *run, const char *path, const cJSON *body)
{
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print_warning(run, answer.json);
    }
    client_answer_fini(&answer);
    return code;
}

/* NULL: told already. */
static cJSON *
read_texts(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int error = file_read(path, FILE_MAX, &text, &size);
    cJSON *json = error ? NULL : cJSON_ParseWithLength(text, size);
    if (!json || !cJSON_IsArray(columns_at(json, "texts"))) {
        run_usage("%s: %s", path,
                  error ? strerror(-error) : "no JSON with 'texts', as 'warning --json' writes it");
        cJSON_Delete(json);
        json = NULL;
    }
    free(text);
    return json;
}

/* The version in force; -1: '*code' says why, told already. */
static double
version_now(struct run *run, int *code)
{
    struct client_answer answer;
    *code = run_ask(run, API "/warning", NULL, &answer);
    const cJSON *version = *code == EXIT_GOOD ? columns_at(answer.json, "version") : NULL;
    double number = cJSON_IsNumber(version) ? version->valuedouble : -1;
    client_answer_fini(&answer);
    return number;
}

static int
change(struct run *run, const char *path, cJSON *body, const cJSON *version)
{
    int code = EXIT_GOOD;
    double number = cJSON_IsNumber(version) ? version->valuedouble : version_now(run, &code);
    if (code == EXIT_GOOD) {
        cJSON_AddNumberToObject(body, "version", number);
        cJSON_AddStringToObject(body, "reason", run->options.reason);
        code = ask_and_print(run, path, body);
    }
    cJSON_Delete(body);
    return code;
}

static int
set(struct run *run, const char *file)
{
    cJSON *json = read_texts(file);
    if (!json) {
        return EXIT_USAGE;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "texts", cJSON_DetachItemFromObject(json, "texts"));
    int code = change(run, API "/warning", body, columns_at(json, "version"));
    cJSON_Delete(json);
    return code;
}

static int
preview(struct run *run, const char *file)
{
    const char *out = run->options.out ? run->options.out : "-";
    struct client_answer answer;
    cJSON *json = file ? read_texts(file) : cJSON_CreateObject();
    if (!json) {
        return EXIT_USAGE;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON *texts = cJSON_DetachItemFromObject(json, "texts");
    cJSON_AddItemToObject(body, "texts", texts ? texts : cJSON_CreateArray());
    cJSON_AddStringToObject(body, "case_number", "AAAA-AAAA");
    int code = run_ask(run, API "/warning/preview", body, &answer);
    if (code == EXIT_GOOD && strcmp(out, "-") == 0) {
        fwrite(answer.bytes, 1, answer.size, stdout);
    } else if (code == EXIT_GOOD) {
        int error = file_write_atomic(out, answer.bytes, answer.size, 0644);
        code = error ? run_usage("%s: %s", out, strerror(-error)) : EXIT_GOOD;
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    cJSON_Delete(json);
    return code;
}

int
cmd_warning(struct run *run, char **words, int count)
{
    const char *verb = count > 0 ? words[0] : "";
    bool changes = strcmp(verb, "set") == 0 || strcmp(verb, "reset") == 0;
    if (count == 0) {
        return ask_and_print(run, API "/warning", NULL);
    }
    if (changes && !run->options.reason) {
        return run_usage("say why with --reason TEXT: it goes into the audit");
    }
    if (strcmp(verb, "set") == 0 && count == 2) {
        return set(run, words[1]);
    }
    if (strcmp(verb, "reset") == 0 && count == 1) {
        return change(run, API "/warning/reset", cJSON_CreateObject(), NULL);
    }
    if (strcmp(verb, "preview") == 0) {
        return preview(run, count == 2 ? words[1] : NULL);
    }
    return run_usage("warning | warning set FILE | warning reset | warning preview [FILE]");
}
