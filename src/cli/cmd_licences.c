/* Whose work is in Cordon: the names, or the text of one licence. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

static int
print_text(const cJSON *parts, const char *name)
{
    const cJSON *part;
    cJSON_ArrayForEach(part, parts)
    {
        const char *is = cJSON_GetStringValue(columns_at(part, "name"));
        const char *text = cJSON_GetStringValue(columns_at(part, "text"));
        if (is && strcasecmp(is, name) == 0) {
            puts(text ? text : cJSON_GetStringValue(columns_at(part, "licence")));
            return EXIT_GOOD;
        }
    }
    fprintf(stderr, "cordonctl: no part is named %s: 'cordonctl licences' lists them\n", name);
    return EXIT_REFUSED;
}

int
cmd_licences(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"VERSION", "version", COLUMN_TEXT},
        {"LICENCE", "licence", COLUMN_TEXT},
        {"PART", "part", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, "/licences.json", NULL, &answer);
    if (code == EXIT_GOOD && count == 1) {
        code = print_text(answer.json, words[0]);
    } else if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print(run, answer.json, columns, COUNT_OF(columns));
    }
    client_answer_fini(&answer);
    return code;
}
