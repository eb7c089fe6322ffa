/* policy text, check, put, history, diff, restore: the policy's text and its revisions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/diff.h"
#include "model/revision.h"

/* Standard input or a file; NULL: told already. */
static char *
read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int error =
        file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, POLICY_TEXT_MAX, &text, &size);
    if (!error && strlen(text) != size) {
        free(text);
        text = NULL;
        error = -EILSEQ;
    }
    if (error) {
        fprintf(stderr, "cordonctl: %s: %s\n", path, strerror(-error));
        return NULL;
    }
    return text;
}

/* The running policy, or one revision by its number. */
static int
fetch(struct run *run, const char *number, struct client_answer *answer)
{
    char *path = number ? run_path("policy/revisions", number, NULL) : NULL;
    int code = run_ask(run, path ? path : API "/policy", NULL, answer);
    free(path);
    return code;
}

static const char *
text_of(const struct client_answer *answer)
{
    const char *text = cJSON_GetStringValue(columns_at(answer->json, "text"));
    return text ? text : "";
}

static int
print_text(struct run *run, const char *number)
{
    struct client_answer answer;
    int code = fetch(run, number, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        fputs(text_of(&answer), stdout);
    }
    client_answer_fini(&answer);
    return code;
}

static void
print_problems(const struct run *run, const char *path, const cJSON *problems)
{
    const cJSON *problem;
    cJSON_ArrayForEach(problem, problems)
    {
        const cJSON *line = columns_at(problem, "line");
        const cJSON *column = columns_at(problem, "column");
        const char *what = cJSON_GetStringValue(columns_at(problem, "what"));
        const char *advice = cJSON_GetStringValue(columns_at(problem, "advice"));
        printf("%s:%.0f:%.0f: %s\n  %s: %s\n", path, line ? line->valuedouble : 0,
               column ? column->valuedouble : 0, what ? what : "", run_text(run, "advice"),
               advice ? advice : "");
    }
}

static int
check(struct run *run, const char *path)
{
    struct client_answer answer;
    char *text = read_text(path);
    if (!text) {
        return EXIT_USAGE;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "text", text);
    int code = run_ask(run, API "/policy/check", body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print_problems(run, path, columns_at(answer.json, "problems"));
    }
    if (code == EXIT_GOOD && !cJSON_IsTrue(columns_at(answer.json, "good"))) {
        code = EXIT_REFUSED;
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    free(text);
    return code;
}

/* Posts; shows what runs then, and what is wrong with the file. */
static int
post(struct run *run, const char *path, const cJSON *body)
{
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        policy_print(run, answer.json);
    }
    client_answer_fini(&answer);
    return code;
}

/* The number of the revision that the text is meant to follow: as told, or the running one. */
static int
base_find(struct run *run, double *base)
{
    struct client_answer answer;
    char *end = NULL;
    *base = run->options.base ? strtod(run->options.base, &end) : 0;
    if (run->options.base) {
        return *base >= 1 && *end == '\0' ? EXIT_GOOD : run_usage("--base takes a number");
    }
    int code = fetch(run, NULL, &answer);
    const cJSON *running = columns_at(answer.json, "revision");
    *base = cJSON_IsNumber(running) ? running->valuedouble : 0;
    client_answer_fini(&answer);
    return code;
}

static int
put(struct run *run, const char *path)
{
    double base = 0;
    if (!run->options.reason) {
        return run_usage("say why with --reason TEXT: it goes into the audit");
    }
    char *text = read_text(path);
    if (!text) {
        return EXIT_USAGE;
    }
    int code = base_find(run, &base);
    if (code == EXIT_GOOD) {
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "text", text);
        cJSON_AddStringToObject(body, "reason", run->options.reason);
        cJSON_AddNumberToObject(body, "base_revision", base);
        if (run->options.overwrite_file) {
            cJSON_AddTrueToObject(body, "overwrite_file");
        }
        code = post(run, API "/policy", body);
        cJSON_Delete(body);
    }
    free(text);
    return code;
}

static int
restore(struct run *run, const char *number)
{
    if (!run->options.reason) {
        return run_usage("say why with --reason TEXT: it goes into the audit");
    }
    cJSON *body = cJSON_CreateObject();
    char *path = run_path("policy/revisions", number, "restore");
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    int code = post(run, path, body);
    free(path);
    cJSON_Delete(body);
    return code;
}

static int
history(struct run *run)
{
    static const struct column columns[] = {
        {"REVISION", "revision", COLUMN_TEXT}, {"TIME", "stored", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},       {"WHY", "reason", COLUMN_TEXT},
        {"SIZE", "size", COLUMN_TEXT},
    };
    return columns_list(run, API "/policy/revisions", columns, COUNT_OF(columns));
}

/* Exits with 1 where they differ, as diff does. */
static int
diff(struct run *run, const char *before, const char *after)
{
    struct client_answer a, b = {.status = 0};
    int code = fetch(run, before, &a);
    if (code == EXIT_GOOD) {
        code = fetch(run, after, &b);
    }
    if (code == EXIT_GOOD) {
        size_t count = 0;
        struct diff_line *lines = diff_make(text_of(&a), text_of(&b), &count);
        code = diff_print(stdout, lines, count) ? EXIT_REFUSED : EXIT_GOOD;
        free(lines);
    }
    client_answer_fini(&a);
    client_answer_fini(&b);
    return code;
}

int
policy_revisions(struct run *run, char **words, int count)
{
    const char *verb = words[0];
    if (strcmp(verb, "text") == 0 && count <= 2) {
        return print_text(run, count == 2 ? words[1] : NULL);
    }
    if (strcmp(verb, "check") == 0 && count == 2) {
        return check(run, words[1]);
    }
    if (strcmp(verb, "put") == 0 && count == 2) {
        return put(run, words[1]);
    }
    if (strcmp(verb, "history") == 0 && count == 1) {
        return history(run);
    }
    if (strcmp(verb, "diff") == 0 && (count == 2 || count == 3)) {
        return diff(run, words[1], count == 3 ? words[2] : NULL);
    }
    if (strcmp(verb, "restore") == 0 && count == 2) {
        return restore(run, words[1]);
    }
    return run_usage("policy show | text [N] | check FILE | put FILE | history | diff A [B] |"
                     " restore N | rollout | maintenance | replay [FILE] | test FILE");
}
