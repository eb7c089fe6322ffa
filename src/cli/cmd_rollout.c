/* policy rollout, policy maintenance, policy replay. */
#include "cli/rollout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/columns.h"
#include "cli/jobs.h"
#include "model/revision.h"

static const struct column windows[] = {
    {"NAME", "name", COLUMN_TEXT},    {"MODE", "mode", COLUMN_TEXT},
    {"NOW", "in_force", COLUMN_TEXT}, {"CHANGES", "until", COLUMN_TIME},
    {"DAYS", "days", COLUMN_TEXT},    {"FROM", "from", COLUMN_TEXT},
    {"UNTIL", "to", COLUMN_TEXT},     {"TIME ZONE", "time_zone", COLUMN_TEXT},
};

int
policy_maintenance(struct run *run)
{
    return columns_list(run, API "/policy/maintenance", windows, COUNT_OF(windows));
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

/* ---- replay ---- */

static const struct column decisions[] = {
    {"TIME", "first", COLUMN_TIME},       {"TIMES", "times", COLUMN_TEXT},
    {"WOULD BE", "outcome", COLUMN_TEXT}, {"REALLY", "really", COLUMN_TEXT},
    {"ACTION", "action", COLUMN_TEXT},    {"ENDPOINT", "", COLUMN_WHO},
    {"SERVER", "", COLUMN_SERVER},        {"POLICY", "policy", COLUMN_TEXT},
    {"HELD", "hold", COLUMN_TEXT},        {"WHY", "hold_detail", COLUMN_TEXT},
    {"REASON", "reason", COLUMN_TEXT},
};
static const struct column exported[] = {
    {"first", "first", COLUMN_TEXT},
    {"last", "last", COLUMN_TEXT},
    {"times", "times", COLUMN_TEXT},
    {"outcome", "outcome", COLUMN_TEXT},
    {"really", "really", COLUMN_TEXT},
    {"action", "action", COLUMN_TEXT},
    {"host_name", "host_name", COLUMN_TEXT},
    {"mac", "mac", COLUMN_TEXT},
    {"ip", "ip", COLUMN_TEXT},
    {"network", "network", COLUMN_TEXT},
    {"class", "class", COLUMN_TEXT},
    {"switch", "switch", COLUMN_TEXT},
    {"port", "port", COLUMN_TEXT},
    {"server", "server", COLUMN_TEXT},
    {"server_name", "server_name", COLUMN_TEXT},
    {"policy", "policy", COLUMN_TEXT},
    {"mode", "mode", COLUMN_TEXT},
    {"mode_why", "mode_why", COLUMN_TEXT},
    {"hold", "hold", COLUMN_TEXT},
    {"hold_detail", "hold_detail", COLUMN_TEXT},
    {"reason", "reason", COLUMN_TEXT},
    {"containment", "containment", COLUMN_TEXT},
    {"endpoint_id", "endpoint_id", COLUMN_TEXT},
};

static void
csv_line(FILE *file, const cJSON *item)
{
    for (size_t i = 0; i < COUNT_OF(exported); i++) {
        char *text = item ? columns_cell(item, &exported[i]) : mem_strdup(exported[i].heading);
        char *cell = mem_new(CSV_CELL_ROOM(strlen(text)), 1);
        csv_cell(text, cell);
        fprintf(file, "%s%s", i > 0 ? "," : "", cell);
        free(cell);
        free(text);
    }
    fputs("\r\n", file);
}

static int
csv_write(const char *path, const cJSON *items)
{
    const cJSON *item;
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (!file) {
        fprintf(stderr, "cordonctl: %s: %s\n", path, strerror(errno));
        return EXIT_USAGE;
    }
    csv_line(file, NULL);
    cJSON_ArrayForEach(item, items)
    {
        csv_line(file, item);
    }
    bool is_written = file == stdout ? fflush(file) == 0 : fclose(file) == 0;
    if (!is_written) {
        fprintf(stderr, "cordonctl: %s: %s\n", path, strerror(errno));
    }
    return is_written ? EXIT_GOOD : EXIT_USAGE;
}

static void
print_counts(const struct run *run, const cJSON *replay, const char *heading, const char *list)
{
    const struct column counts[] = {
        {heading, "name", COLUMN_TEXT},    {"CONTAINED", "contained", COLUMN_TEXT},
        {"HELD", "held", COLUMN_TEXT},     {"OBSERVED", "observed", COLUMN_TEXT},
        {"REALLY", "really", COLUMN_TEXT},
    };
    puts("");
    columns_print(run, columns_at(replay, list), counts, COUNT_OF(counts));
}

static void
print_replay(const struct run *run, const cJSON *replay, const cJSON *items)
{
    static const struct column sums[] = {
        {"FROM", "from", COLUMN_TIME},
        {"UNTIL", "until", COLUMN_TIME},
        {"DETECTIONS", "detections", COLUMN_TEXT},
        {"CONTAINED", "contained", COLUMN_TEXT},
        {"HELD", "held", COLUMN_TEXT},
        {"OBSERVED", "observed", COLUMN_TEXT},
        {"ENDPOINTS", "endpoints_contained", COLUMN_TEXT},
        {"BOTH", "both", COLUMN_TEXT},
        {"ONLY HERE", "only_replay", COLUMN_TEXT},
        {"ONLY REALLY", "only_really", COLUMN_TEXT},
        {"BUSIEST HOUR", "busiest_hour", COLUMN_TEXT},
        {"DROPPED", "dropped", COLUMN_TEXT},
    };
    columns_print_object(run, replay, sums, COUNT_OF(sums));
    print_counts(run, replay, "ACTION", "by_action");
    print_counts(run, replay, "POLICY", "by_policy");
    print_counts(run, replay, "NETWORK", "by_network");
    print_counts(run, replay, "CLASS", "by_class");
    puts("");
    columns_print(run, items, decisions, COUNT_OF(decisions));
}

/* The replay's sums and all its decisions. */
static int
show_replay(struct run *run, const char *id)
{
    struct client_answer answer;
    char *path = run_path("policy/replay", id, NULL);
    char *list = run_path("policy/replay", id, "decisions");
    int code = run_ask(run, path, NULL, &answer);
    cJSON *items = code == EXIT_GOOD ? run_list(run, list, &code) : NULL;
    if (items && run->options.out) {
        code = csv_write(run->options.out, items);
    } else if (items && run->options.json) {
        cJSON *all = cJSON_CreateObject();
        cJSON_AddItemReferenceToObject(all, "replay", answer.json);
        cJSON_AddItemReferenceToObject(all, "decisions", items);
        run_print_json(all);
        cJSON_Delete(all);
    } else if (items) {
        print_replay(run, answer.json, items);
    }
    cJSON_Delete(items);
    client_answer_fini(&answer);
    free(path);
    free(list);
    return code;
}

static bool
add_draft(cJSON *body, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int error =
        file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, POLICY_TEXT_MAX, &text, &size);
    if (error) {
        fprintf(stderr, "cordonctl: %s: %s\n", path, strerror(-error));
        return false;
    }
    cJSON_AddStringToObject(body, "policy", text);
    free(text);
    return true;
}

int
policy_replay(struct run *run, const char *draft)
{
    char *end = NULL;
    const char *days = run->options.days ? run->options.days : "7";
    unsigned long count = strtoul(days, &end, 10);
    if (end == days || *end || count == 0 || count > 90) {
        return run_usage("--days takes a number from 1 to 90");
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "days", (double)count);
    if (run->options.automatic || run->options.everywhere) {
        cJSON_AddStringToObject(body, "assume",
                                run->options.everywhere ? "auto_everywhere" : "auto");
    }
    if (draft && !add_draft(body, draft)) {
        cJSON_Delete(body);
        return EXIT_USAGE;
    }
    struct client_answer answer;
    char id[64] = "";
    int code = run_ask(run, API "/policy/replay", body, &answer);
    const char *made = cJSON_GetStringValue(columns_at(answer.json, "id"));
    snprintf(id, sizeof(id), "%s", made ? made : "");
    client_answer_fini(&answer);
    cJSON_Delete(body);
    code = code == EXIT_GOOD ? jobs_follow(run, id) : code;
    return code == EXIT_GOOD ? show_replay(run, id) : code;
}
