/* Backups, and what a restored database did not know. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

static void
print_backup(const struct run *run, cJSON *backup)
{
    static const struct column facts[] = {
        {"RUNNING", "running", COLUMN_TEXT},
        {"LAST BACKUP", "last.at", COLUMN_TIME},
        {"FILE", "last.file", COLUMN_TEXT},
        {"BYTES", "last.bytes", COLUMN_TEXT},
        {"WITH SECRETS", "last.secrets", COLUMN_TEXT},
        {"PROBLEM", "last.problem", COLUMN_TEXT},
        {"EVERY HOURS", "every_h", COLUMN_TEXT},
        {"KEPT", "keep", COLUMN_TEXT},
        {"GOOD COPY", "copied", COLUMN_TIME},
        {"NO GOOD COPY", "copy_problem", COLUMN_TEXT},
        {"RESTORED", "restored", COLUMN_TIME},
        {"WHY", "restored_cause", COLUMN_TEXT},
        {"UNPROVEN", "unproven", COLUMN_TEXT},
    };
    const char *at = cJSON_GetStringValue(columns_at(backup, "last.at"));
    if (at && strncmp(at, "1970-", 5) == 0) { /* there was none (the API's document) */
        cJSON_DeleteItemFromObjectCaseSensitive(backup, "last");
    }
    columns_print_object(run, backup, facts, COUNT_OF(facts));
}

/* 'body' NULL: reads. */
static int
ask_and_print(struct run *run, const char *path, const cJSON *body)
{
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print_backup(run, answer.json);
    }
    client_answer_fini(&answer);
    return code;
}

/* Written as it comes; a file that is there already is not overwritten, one that is not whole goes.
 */
static int
download(struct run *run)
{
    const char *out = run->options.out;
    bool is_file = out && strcmp(out, "-") != 0;
    struct client_answer answer;
    if (!out) {
        return run_usage("backup download -o FILE");
    }
    FILE *file = is_file ? fopen(out, "wex") : stdout;
    if (!file) {
        return run_usage("%s: %s", out, strerror(errno));
    }
    client_save(run->client, API "/backup/download", file, &answer);
    int code = run_judge(run, &answer);
    client_answer_fini(&answer);
    bool is_written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    is_written = (is_written || !is_file) && !ferror(file);
    is_written = (!is_file || fclose(file) == 0) && is_written;
    if (code == EXIT_GOOD && !is_written) {
        fprintf(stderr, "cordonctl: %s: %s\n", out, strerror(errno));
        code = EXIT_REFUSED;
    }
    if (code != EXIT_GOOD && is_file) {
        unlink(out);
    }
    return code;
}

int
cmd_backup(struct run *run, char **words, int count)
{
    cJSON *body = cJSON_CreateObject();
    int code;
    if (count == 0) {
        code = ask_and_print(run, API "/backup", NULL);
    } else if (count == 1 && strcmp(words[0], "start") == 0) {
        code = ask_and_print(run, API "/backup/start", body);
    } else if (count == 1 && strcmp(words[0], "download") == 0) {
        code = download(run);
    } else if (count == 3 && strcmp(words[0], "schedule") == 0) {
        cJSON_AddNumberToObject(body, "every_h", (double)strtoul(words[1], NULL, 10));
        cJSON_AddNumberToObject(body, "keep", (double)strtoul(words[2], NULL, 10));
        code = ask_and_print(run, API "/backup/schedule", body);
    } else {
        code = run_usage("backup | backup start | backup schedule HOURS KEEP | backup download");
    }
    cJSON_Delete(body);
    return code;
}

static int
keep(struct run *run, const char *id)
{
    char path[URL_SIZE];
    struct client_answer answer;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    snprintf(path, sizeof(path), API "/unproven/%.64s/keep", id);
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    return code;
}

int
cmd_unproven(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"ID", "id", COLUMN_TEXT},           {"ENDPOINT", "", COLUMN_WHO},
        {"ACTION", "action", COLUMN_TEXT},   {"SERVER", "", COLUMN_SERVER},
        {"REASON", "reason", COLUMN_TEXT},   {"HELD BY", "unproven", COLUMN_TEXT},
        {"EXPIRES", "expires", COLUMN_TIME},
    };
    if (count == 2 && strcmp(words[0], "keep") == 0) {
        return run->options.reason
                   ? keep(run, words[1])
                   : run_usage("say why with --reason TEXT: it goes into the audit");
    }
    if (count != 0) {
        return run_usage("unproven | unproven keep ID --reason TEXT");
    }
    return columns_list(run, API "/unproven", columns, COUNT_OF(columns));
}
