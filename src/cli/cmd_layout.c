/* layout [SWITCH X Y]: where switches are drawn on the network map. */
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

static const char layout_path[] = API "/map/layout";

static int
place(struct run *run, char **words, const cJSON *version, struct client_answer *answer)
{
    char *end_x, *end_y;
    double x = strtod(words[1], &end_x);
    double y = strtod(words[2], &end_y);
    if (*end_x || *end_y || end_x == words[1] || end_y == words[2]) {
        return run_usage("layout SWITCH X Y: X and Y are whole numbers");
    }
    cJSON *body = cJSON_CreateObject();
    cJSON *where = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "version", cJSON_Duplicate(version, true));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "places"), where);
    cJSON_AddStringToObject(where, "switch", words[0]);
    cJSON_AddNumberToObject(where, "x", x);
    cJSON_AddNumberToObject(where, "y", y);
    client_answer_fini(answer);
    int code = run_ask(run, layout_path, body, answer);
    cJSON_Delete(body);
    return code;
}

int
cmd_layout(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"SWITCH", "switch", COLUMN_TEXT},
        {"X", "x", COLUMN_TEXT},
        {"Y", "y", COLUMN_TEXT},
    };
    struct client_answer answer;
    if (count != 0 && count != 3) {
        return run_usage("layout | layout SWITCH X Y");
    }
    int code = run_ask(run, layout_path, NULL, &answer);
    const cJSON *version = columns_at(answer.json, "version");
    if (code == EXIT_GOOD && count == 3) {
        cJSON *kept = cJSON_Duplicate(version, true);
        code = place(run, words, kept, &answer);
        cJSON_Delete(kept);
    }
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print(run, columns_at(answer.json, "places"), columns, COUNT_OF(columns));
    }
    client_answer_fini(&answer);
    return code;
}
