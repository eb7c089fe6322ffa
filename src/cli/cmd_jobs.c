/* jobs, jobs cancel ID; and following one until it ends. */
#include "cli/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

#define LOOK_US 250000

static const struct column columns[] = {
    {"ID", "id", COLUMN_TEXT},         {"KIND", "kind", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},   {"DONE", "done", COLUMN_TEXT},
    {"TOTAL", "total", COLUMN_TEXT},   {"WHO", "account", COLUMN_TEXT},
    {"SINCE", "started", COLUMN_TIME}, {"WHAT", "about", COLUMN_TEXT},
    {"WHY", "note", COLUMN_TEXT},
};

static void
tell_progress(const struct run *run, const cJSON *job)
{
    const cJSON *done = columns_at(job, "done");
    const cJSON *total = columns_at(job, "total");
    if (run->is_terminal && cJSON_IsNumber(done) && cJSON_IsNumber(total)) {
        fprintf(stderr, "\r%.0f / %.0f", done->valuedouble, total->valuedouble);
        fflush(stderr);
    }
}

int
jobs_follow(struct run *run, const char *id)
{
    char *path = run_path("jobs", id, NULL);
    const char *state = "running";
    bool has_told = false;
    int code = EXIT_GOOD;
    while (code == EXIT_GOOD && strcmp(state, "running") == 0) {
        struct client_answer answer;
        code = run_ask(run, path, NULL, &answer);
        const char *now = cJSON_GetStringValue(columns_at(answer.json, "state"));
        const char *note = cJSON_GetStringValue(columns_at(answer.json, "note"));
        state = now && strcmp(now, "running") == 0 ? "running" : "ended";
        if (code == EXIT_GOOD && strcmp(state, "running") == 0) {
            tell_progress(run, answer.json);
            has_told = true;
            usleep(LOOK_US);
        } else if (code == EXIT_GOOD && now && strcmp(now, "done") != 0) {
            fprintf(stderr, "%scordonctl: %s: %s\n", has_told && run->is_terminal ? "\n" : "", now,
                    note ? note : "");
            code = EXIT_REFUSED;
        }
        client_answer_fini(&answer);
    }
    if (has_told && run->is_terminal && code == EXIT_GOOD) {
        fputc('\n', stderr);
    }
    free(path);
    return code;
}

static int
jobs_list(struct run *run)
{
    return columns_list(run, API "/jobs", columns, COUNT_OF(columns));
}

static int
jobs_cancel(struct run *run, const char *id)
{
    struct client_answer answer;
    cJSON *body = cJSON_CreateObject();
    char *path = run_path("jobs", id, "cancel");
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, columns, COUNT_OF(columns));
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    free(path);
    return code;
}

int
cmd_jobs(struct run *run, char **words, int count)
{
    if (count == 0) {
        return jobs_list(run);
    }
    if (count == 2 && strcmp(words[0], "cancel") == 0) {
        return jobs_cancel(run, words[1]);
    }
    return run_usage("jobs | jobs cancel ID");
}
