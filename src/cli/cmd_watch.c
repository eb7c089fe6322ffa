/* Who was released lately and is watched; what a server is before it is blocked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "model/addr.h"

int
cmd_watch(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"ENDPOINT", "containment", COLUMN_WHO},
        {"LOCATION", "containment.location", COLUMN_PLACE},
        {"RELEASED", "containment.ended", COLUMN_TIME},
        {"WHO", "containment.ended_by", COLUMN_TEXT},
        {"WHY", "containment.end_reason", COLUMN_TEXT},
        {"WATCHED UNTIL", "until", COLUMN_TIME},
        {"NEW INCIDENTS", "again", COLUMN_TEXT},
        {"contained by", "contained_by", COLUMN_TEXT},
    };
    char path[URL_SIZE] = API "/watch";
    run_query(path, sizeof(path), "q", count > 0 ? words[0] : NULL);
    run_query(path, sizeof(path), "limit", run->options.limit);
    return columns_list(run, path, columns, COUNT_OF(columns));
}

int
assess_print(struct run *run, const char *server)
{
    static const struct column facts[] = {
        {"NEVER BLOCK", "never_block", COLUMN_TEXT},
        {"WHY", "why", COLUMN_TEXT},
        {"SINCE", "since", COLUMN_TIME},
    };
    static const struct column talkers[] = {
        {"ENDPOINT", "", COLUMN_WHO},
        {"IP", "ip", COLUMN_TEXT},
        {"DETECTIONS", "detections", COLUMN_TEXT},
        {"LAST", "last", COLUMN_TIME},
    };
    struct prefix prefix;
    struct client_answer answer;
    char path[URL_SIZE] = API "/server-assessment";
    run_query(path, sizeof(path), prefix_parse(server, &prefix) ? "server" : "server_name", server);
    int code = run_ask(run, path, NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
        puts("");
        columns_print(run, columns_at(answer.json, "talkers"), talkers, COUNT_OF(talkers));
    }
    client_answer_fini(&answer);
    return code;
}

int
cmd_assess(struct run *run, char **words, int count)
{
    (void)count;
    return assess_print(run, words[0]);
}
