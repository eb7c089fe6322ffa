/* How long what is kept stays, the disk's budget, and purges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/jobs.h"

static void
print_retention(const struct run *run, const cJSON *retention)
{
    static const struct column kinds[] = {
        {"KIND", "kind", COLUMN_TEXT},        {"KEPT DAYS", "days", COLUMN_TEXT},
        {"USUAL", "usual", COLUMN_TEXT},      {"AT LEAST", "least", COLUMN_TEXT},
        {"AT MOST", "most", COLUMN_TEXT},     {"ROWS", "rows", COLUMN_TEXT},
        {"BYTES", "bytes", COLUMN_TEXT},      {"OLDEST", "oldest", COLUMN_TIME},
        {"TAKEN LAST", "taken", COLUMN_TEXT},
    };
    static const struct column facts[] = {
        {"COUNTED", "counted", COLUMN_TIME},
        {"LAST PASS", "passed", COLUMN_TIME},
        {"BUDGET MIB", "disk.budget_mib", COLUMN_TEXT},
        {"BUDGET BYTES", "disk.budget_bytes", COLUMN_TEXT},
        {"USED BYTES", "disk.used_bytes", COLUMN_TEXT},
        {"% USED", "disk.share", COLUMN_TEXT},
        {"FREE BYTES", "disk.free_bytes", COLUMN_TEXT},
        {"BEFORE THEIR TIME", "disk.shed", COLUMN_TEXT},
        {"STUCK", "disk.stuck", COLUMN_TEXT},
    };
    columns_print(run, columns_at(retention, "kinds"), kinds, COUNT_OF(kinds));
    puts("");
    columns_print_object(run, retention, facts, COUNT_OF(facts));
}

static int
ask_and_print(struct run *run, const cJSON *body)
{
    struct client_answer answer;
    int code = run_ask(run, API "/retention", body, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print_retention(run, answer.json);
    }
    client_answer_fini(&answer);
    return code;
}

/* "names=30": into 'body'.  False: it is not of that form. */
static bool
add_change(cJSON *body, cJSON *kinds, const char *word)
{
    const char *sign = strchr(word, '=');
    char *end = NULL, name[32];
    if (!sign || (size_t)(sign - word) >= sizeof(name)) {
        return false;
    }
    if (strcmp(word, "budget=none") == 0) {
        cJSON_AddBoolToObject(body, "no_budget", true);
        return true;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(sign - word), word);
    unsigned long number = strtoul(sign + 1, &end, 10);
    if (end == sign + 1 || *end) {
        return false;
    }
    if (strcmp(name, "budget") == 0) {
        cJSON_AddNumberToObject(body, "budget_mib", (double)number);
        return true;
    }
    cJSON *kind = cJSON_CreateObject();
    cJSON_AddStringToObject(kind, "kind", name);
    cJSON_AddNumberToObject(kind, "days", (double)number);
    cJSON_AddItemToArray(kinds, kind);
    return true;
}

static int
set(struct run *run, char **words, int count)
{
    cJSON *body = cJSON_CreateObject();
    cJSON *kinds = cJSON_AddArrayToObject(body, "kinds");
    int code = EXIT_GOOD;
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    for (int i = 0; code == EXIT_GOOD && i < count; i++) {
        if (!add_change(body, kinds, words[i])) {
            code = run_usage("%s: not KIND=DAYS, budget=MIB or budget=none", words[i]);
        }
    }
    code = code == EXIT_GOOD ? ask_and_print(run, body) : code;
    cJSON_Delete(body);
    return code;
}

int
cmd_retention(struct run *run, char **words, int count)
{
    if (count == 0 || (count == 1 && strcmp(words[0], "show") == 0)) {
        return ask_and_print(run, NULL);
    }
    if (count < 2 || strcmp(words[0], "set") != 0) {
        return run_usage("retention [show] | retention set KIND=DAYS ... --reason TEXT");
    }
    return run->options.reason ? set(run, words + 1, count - 1)
                               : run_usage("say why with --reason TEXT: it goes into the audit");
}

/* ---- purges ---- */

static int
show_purge(struct run *run, const char *id)
{
    static const struct column kinds[] = {
        {"KIND", "kind", COLUMN_TEXT},
        {"ROWS", "rows", COLUMN_TEXT},
        {"BYTES", "bytes", COLUMN_TEXT},
        {"STAY", "kept", COLUMN_TEXT},
    };
    static const struct column facts[] = {
        {"DRY RUN", "dry_run", COLUMN_TEXT},
        {"GONE FROM THE FILES", "scrubbed", COLUMN_TEXT},
        {"HELD BY BACKUPS UP TO", "backup", COLUMN_TIME},
        {"FILE", "backup_file", COLUMN_TEXT},
        {"KEPT", "backups_kept", COLUMN_TEXT},
    };
    struct client_answer answer;
    char *path = run_path("purges", id, NULL);
    int code = run_ask(run, path, NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print(run, columns_at(answer.json, "kinds"), kinds, COUNT_OF(kinds));
        puts("");
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
    }
    client_answer_fini(&answer);
    free(path);
    return code;
}

static int
purge(struct run *run, const char *subject, const char *value)
{
    struct client_answer answer;
    char id[NAME_SIZE] = "";
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "subject", subject);
    if (value) {
        cJSON_AddStringToObject(body, "value", value);
    }
    if (run->options.until) {
        cJSON_AddStringToObject(body, "before", run->options.until);
    }
    cJSON_AddBoolToObject(body, "dry_run", run->options.dry_run);
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    int code = run_ask(run, API "/purges", body, &answer);
    const char *is = cJSON_GetStringValue(columns_at(answer.json, "id"));
    snprintf(id, sizeof(id), "%s", is ? is : "");
    client_answer_fini(&answer);
    cJSON_Delete(body);
    code = code == EXIT_GOOD ? jobs_follow(run, id) : code;
    return code == EXIT_GOOD ? show_purge(run, id) : code;
}

int
cmd_purge(struct run *run, char **words, int count)
{
    bool is_older = strcmp(words[0], "older") == 0;
    if (count == 2 && strcmp(words[0], "show") == 0) {
        return show_purge(run, words[1]);
    }
    if (count != (is_older ? 1 : 2) || !run->options.reason || (is_older && !run->options.until)) {
        return run_usage(
            "purge endpoint|address|mac|name VALUE --reason TEXT [--dry-run], or purge "
            "older --until TIME --reason TEXT [--dry-run]");
    }
    return purge(run, words[0], is_older ? NULL : words[1]);
}
