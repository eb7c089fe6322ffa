/* policy show, policy test FILE; the others are in cmd_revisions.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/rollout.h"

#define BATCH_LINES 200
#define BATCH_BYTES (128 * 1024)
#define RUN_ID_SIZE 64
#define TEST_LINE_MAX 16383 /* as the API takes */

void
policy_print(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"FILE", "file", COLUMN_TEXT},
        {"STATE", "file_state", COLUMN_TEXT},
        {"REVISION", "revision", COLUMN_TEXT},
        {"TIME", "stored", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},
        {"WHY", "reason", COLUMN_TEXT},
        {"PROBLEM", "file_problem.what", COLUMN_TEXT},
        {"LINE", "file_problem.line", COLUMN_TEXT},
        {"COLUMN", "file_problem.column", COLUMN_TEXT},
        {"ADVICE", "file_problem.advice", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
}

static int
policy_show(struct run *run)
{
    static const struct column sets[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"DHCP", "allows_dhcp", COLUMN_TEXT},
        {"DNS", "forwards_dns", COLUMN_TEXT},
    };
    static const struct column permits[] = {
        {"SERVER", "server", COLUMN_TEXT},     {"NAME", "name", COLUMN_TEXT},
        {"PROTOCOL", "protocol", COLUMN_TEXT}, {"PORT", "port_low", COLUMN_TEXT},
        {"UNTIL", "port_high", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, API "/policy", NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        const cJSON *set;
        policy_print(run, answer.json);
        puts("");
        columns_print(run, columns_at(answer.json, "permit_sets"), sets, COUNT_OF(sets));
        cJSON_ArrayForEach(set, columns_at(answer.json, "permit_sets"))
        {
            const cJSON *name = columns_at(set, "name");
            printf("\n%s:\n", cJSON_IsString(name) ? name->valuestring : "?");
            columns_print(run, columns_at(set, "permits"), permits, COUNT_OF(permits));
        }
    }
    client_answer_fini(&answer);
    return code;
}

/* Lines on their way to the API. */
struct batch {
    cJSON *body;
    cJSON *lines;
    size_t count, bytes;
    char run_id[RUN_ID_SIZE]; /* from the first answer on: this one goes on */
};

static void
batch_begin(struct batch *batch, const struct run *run)
{
    batch->body = cJSON_CreateObject();
    batch->count = batch->bytes = 0;
    batch->lines = cJSON_AddArrayToObject(batch->body, "lines");
    if (run->options.assume) {
        cJSON_AddTrueToObject(batch->body, "assume");
    }
    if (run->options.source) {
        cJSON_AddStringToObject(batch->body, "source", run->options.source);
    }
}

static void
print_line(const cJSON *line)
{
    const cJSON *number = columns_at(line, "line");
    const cJSON *why = columns_at(line, "why");
    const cJSON *says;
    printf("%.0f:", number ? number->valuedouble : 0);
    if (!cJSON_IsTrue(columns_at(line, "detection"))) {
        printf(" - %s\n", cJSON_IsString(why) ? why->valuestring : "");
        return;
    }
    cJSON_ArrayForEach(says, columns_at(line, "says"))
    {
        printf("%s%s\n", says == columns_at(line, "says")->child ? " " : "   ",
               says->valuestring ? says->valuestring : "");
    }
}

/* The engine counts within time: so all batches are of one run, which the API remembers. */
static int
batch_send(struct run *run, struct batch *batch, bool is_last, cJSON *all)
{
    struct client_answer answer;
    int code = EXIT_GOOD;
    if (batch->count > 0) {
        if (batch->run_id[0] || !is_last) {
            cJSON_AddStringToObject(batch->body, "run", batch->run_id[0] ? batch->run_id : "new");
            cJSON_AddBoolToObject(batch->body, "last", is_last);
        }
        code = run_ask(run, API "/policy/test", batch->body, &answer);
        const char *id = cJSON_GetStringValue(columns_at(answer.json, "run"));
        snprintf(batch->run_id, sizeof(batch->run_id), "%s", id ? id : "");
        cJSON *lines = cJSON_GetObjectItemCaseSensitive(answer.json, "lines");
        while (code == EXIT_GOOD && lines && lines->child) {
            cJSON *line = cJSON_DetachItemViaPointer(lines, lines->child);
            if (!run->options.json) {
                print_line(line);
            }
            cJSON_AddItemToArray(all, line);
        }
        client_answer_fini(&answer);
    }
    cJSON_Delete(batch->body);
    return code;
}

static cJSON *
refused_line(unsigned number, const char *why)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "line", number);
    cJSON_AddFalseToObject(line, "detection");
    cJSON_AddStringToObject(line, "why", why);
    return line;
}

static int
test_file(struct run *run, FILE *file, cJSON *all)
{
    struct batch batch = {.count = 0};
    char *text = NULL;
    size_t room = 0;
    unsigned number = 0;
    int code = EXIT_GOOD;
    ssize_t size;
    batch_begin(&batch, run);
    while (code == EXIT_GOOD && (size = getline(&text, &room, file)) >= 0) {
        number++;
        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
            text[--size] = '\0';
        }
        if (size == 0 || text[0] == '#') {
            continue;
        }
        if (size > TEST_LINE_MAX || strlen(text) != (size_t)size) {
            cJSON *line = refused_line(number, "the line is too long or holds a NUL");
            if (!run->options.json) {
                print_line(line);
            }
            cJSON_AddItemToArray(all, line);
            continue;
        }
        cJSON *line = cJSON_CreateObject();
        cJSON_AddNumberToObject(line, "line", number);
        cJSON_AddStringToObject(line, "text", text);
        cJSON_AddItemToArray(batch.lines, line);
        batch.bytes += (size_t)size;
        if (++batch.count == BATCH_LINES || batch.bytes > BATCH_BYTES) {
            code = batch_send(run, &batch, false, all);
            batch_begin(&batch, run);
        }
    }
    free(text);
    if (code == EXIT_GOOD) {
        return batch_send(run, &batch, true, all);
    }
    cJSON_Delete(batch.body);
    return code;
}

static int
policy_test(struct run *run, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file) {
        fprintf(stderr, "cordonctl: %s: %s\n", path, strerror(errno));
        return EXIT_USAGE;
    }
    cJSON *all = cJSON_CreateArray();
    int code = test_file(run, file, all);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(all);
    }
    cJSON_Delete(all);
    if (file != stdin) {
        fclose(file);
    }
    return code;
}

int
cmd_policy(struct run *run, char **words, int count)
{
    if (count == 1 && strcmp(words[0], "show") == 0) {
        return policy_show(run);
    }
    if (count == 2 && strcmp(words[0], "test") == 0) {
        return policy_test(run, words[1]);
    }
    if (count <= 2 && strcmp(words[0], "replay") == 0) {
        return policy_replay(run, count == 2 ? words[1] : NULL);
    }
    if (count == 1 && strcmp(words[0], "rollout") == 0) {
        return policy_rollout(run);
    }
    if (count == 1 && strcmp(words[0], "maintenance") == 0) {
        return policy_maintenance(run);
    }
    return policy_revisions(run, words, count);
}
