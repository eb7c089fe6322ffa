/* policy rollout, policy maintenance. */
#include "cli/rollout.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"

static const struct column windows[] = {
    {"NAME", "name", COLUMN_TEXT},    {"MODE", "mode", COLUMN_TEXT},
    {"NOW", "in_force", COLUMN_TEXT}, {"CHANGES", "until", COLUMN_TIME},
    {"DAYS", "days", COLUMN_TEXT},    {"FROM", "from", COLUMN_TEXT},
    {"UNTIL", "to", COLUMN_TEXT},     {"TIME ZONE", "time_zone", COLUMN_TEXT},
};

int
policy_maintenance(struct run *run)
{
    int code = EXIT_GOOD;
    cJSON *items = run_list(run, API "/policy/maintenance", &code);
    if (items && run->options.json) {
        run_print_json(items);
    } else if (items) {
        columns_print(run, items, windows, COUNT_OF(windows));
    }
    cJSON_Delete(items);
    return code;
}

static void
print_modes(const struct run *run, const cJSON *rollout, const char *heading, const char *list)
{
    const struct column modes[] = {
        {heading, "name", COLUMN_TEXT},
        {"OBSERVE", "observe", COLUMN_TEXT},
        {"APPROVE", "approve", COLUMN_TEXT},
        {"AUTO", "auto", COLUMN_TEXT},
    };
    puts("");
    columns_print(run, columns_at(rollout, list), modes, COUNT_OF(modes));
}

int
policy_rollout(struct run *run)
{
    static const struct column rules[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"MODE", "mode", COLUMN_TEXT},
        {"ENDPOINTS", "endpoints", COLUMN_TEXT},
        {"SITE", "when.sites", COLUMN_TEXT},
        {"NETWORK", "when.networks", COLUMN_TEXT},
        {"SWITCH", "when.switches", COLUMN_TEXT},
        {"PORT", "when.ports", COLUMN_TEXT},
        {"CLASS", "when.classes", COLUMN_TEXT},
        {"GROUP", "when.groups", COLUMN_TEXT},
    };
    struct client_answer answer;
    int code = run_ask(run, API "/policy/rollout", NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print(run, columns_at(answer.json, "rules"), rules, COUNT_OF(rules));
        puts("");
        columns_print(run, columns_at(answer.json, "maintenance"), windows, COUNT_OF(windows));
        print_modes(run, answer.json, "SITE", "by_site");
        print_modes(run, answer.json, "NETWORK", "by_network");
        print_modes(run, answer.json, "CLASS", "by_class");
    }
    client_answer_fini(&answer);
    return code;
}
