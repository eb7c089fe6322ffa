/* Who may read payload. */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

static const struct column columns[] = {{"ACCOUNT", "account", COLUMN_TEXT},
                                        {"RIGHT", "right", COLUMN_TEXT},
                                        {"SINCE", "since", COLUMN_TIME},
                                        {"BY", "by", COLUMN_TEXT},
                                        {"REASON", "reason", COLUMN_TEXT}};

static int
list(struct run *run)
{
    return columns_list(run, API "/payload-readers", columns, COUNT_OF(columns));
}

int
cmd_payload(struct run *run, char **words, int count)
{
    static const struct {
        const char *verb, *right;
    } verbs[] = {{"allow", "allowed"}, {"deny", "denied"}, {"reset", "by_role"}};
    const char *right = NULL;
    if (count == 0) {
        return list(run);
    }
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        right = strcmp(words[0], verbs[i].verb) == 0 ? verbs[i].right : right;
    }
    if (!right || count != 2 || !run->options.reason) {
        return run_usage("payload-readers allow|deny|reset WHO --reason TEXT");
    }
    struct client_answer answer;
    cJSON *body = cJSON_CreateObject();
    char *path = run_path("payload-readers", words[1], NULL);
    cJSON_AddStringToObject(body, "right", right);
    cJSON_AddStringToObject(body, "reason", run->options.reason);
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
