/* Lists: one table each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "cli/columns.h"
#include "cli/commands.h"

static int
list(struct run *run, const char *collection, const char *search, const struct column *columns,
     size_t count)
{
    char path[URL_SIZE] = "";
    snprintf(path, sizeof(path), API "/%s", collection);
    run_query(path, sizeof(path), "q", search);
    run_query(path, sizeof(path), "state", run->options.state);
    run_query(path, sizeof(path), "ended", run->options.ended ? "true" : NULL);
    run_query(path, sizeof(path), "closed", run->options.closed ? "true" : NULL);
    run_query(path, sizeof(path), "unseen", run->options.unseen ? "true" : NULL);
    run_query(path, sizeof(path), "limit", run->options.limit);
    return columns_list(run, path, columns, count);
}

static const char *
first_of(char **words, int count)
{
    return count > 0 ? words[0] : NULL;
}

int
cmd_endpoints(struct run *run, char **words, int count)
{
    if (count == 2 && strcmp(words[0], "export") == 0) {
        return cmd_export(run, words + 1, 1);
    }
    if (count == 2 && strcmp(words[0], "import") == 0) {
        return cmd_import(run, words + 1, 1);
    }
    if (count == 2) {
        return run_usage("endpoints [SEARCH] | endpoints export FILE | endpoints import FILE");
    }
    static const struct column columns[] = {
        {"HOST NAME", "host_name", COLUMN_TEXT},
        {"MAC", "macs", COLUMN_TEXT},
        {"ADDRESSES", "addresses", COLUMN_TEXT},
        {"SITE", "site", COLUMN_RARE},
        {"LOCATION", "location", COLUMN_PLACE},
        {"VLAN", "location.vlan", COLUMN_TEXT},
        {"SINCE", "location.since", COLUMN_TIME},
        {"CLASS", "class", COLUMN_TEXT},
        {"TAGS", "tags", COLUMN_TEXT},
        {"STATE", "containment_state", COLUMN_TEXT},
        {"ID", "id", COLUMN_TEXT},
    };
    return list(run, "endpoints", first_of(words, count), columns, COUNT_OF(columns));
}

int
cmd_annotations(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"MAC", "macs", COLUMN_TEXT},
        {"CLASS", "class", COLUMN_TEXT},
        {"TAGS", "tags", COLUMN_TEXT},
        {"OWNER", "owner", COLUMN_TEXT},
        {"OWNER E-MAIL", "owner_email", COLUMN_TEXT},
        {"NOTE", "note", COLUMN_TEXT},
        {"TIME", "annotated", COLUMN_TIME},
        {"WHO", "annotated_by", COLUMN_TEXT},
        {"ENDPOINT", "endpoint_id", COLUMN_TEXT},
    };
    return list(run, "annotations", first_of(words, count), columns, COUNT_OF(columns));
}

int
cmd_conflicts(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"HOST NAME", "host_name", COLUMN_TEXT},
        {"MAC", "mac", COLUMN_TEXT},
        {"SWITCH", "switch", COLUMN_TEXT},
        {"PORT", "port", COLUMN_TEXT},
        {"NOW", "now", COLUMN_TEXT},
        {"CONTAINED", "contained", COLUMN_TEXT},
        {"TIMES", "times", COLUMN_TEXT},
        {"LAST SEEN", "last", COLUMN_TIME},
        {"PROBLEM", "why", COLUMN_TEXT},
    };
    (void)words, (void)count;
    return list(run, "conflicts", NULL, columns, COUNT_OF(columns));
}

int
cmd_links(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"SWITCH", "a", COLUMN_PLACE},           {"SWITCH", "b", COLUMN_PLACE},
        {"CONFIRMED", "confirmed", COLUMN_TEXT}, {"SINCE", "since", COLUMN_TIME},
        {"LAST SEEN", "seen", COLUMN_TIME},
    };
    (void)words, (void)count;
    return list(run, "links", NULL, columns, COUNT_OF(columns));
}

int
cmd_switches(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"SITE", "site", COLUMN_RARE},
        {"DRIVER", "driver", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"GENERATION", "observed_generation", COLUMN_TEXT},
        {"RULES", "rules", COLUMN_TEXT},
        {"LAST SEEN", "seen", COLUMN_TIME},
        {"PROBLEM", "problem", COLUMN_TEXT},
    };
    (void)words, (void)count;
    return list(run, "switches", NULL, columns, COUNT_OF(columns));
}

static const struct column containment_columns[] = {
    {"ID", "id", COLUMN_TEXT},
    {"ACTION", "action", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},
    {"ENDPOINT", "", COLUMN_WHO},
    {"SITE", "site", COLUMN_RARE},
    {"SERVER", "", COLUMN_SERVER},
    {"LOCATION", "location", COLUMN_PLACE},
    {"SINCE", "requested", COLUMN_TIME},
    {"EXPIRES", "expires", COLUMN_TIME},
    {"HITS", "hits", COLUMN_TEXT},
    {"REASON", "reason", COLUMN_TEXT},
};

int
cmd_containments(struct run *run, char **words, int count)
{
    return list(run, "containments", first_of(words, count), containment_columns,
                COUNT_OF(containment_columns));
}

int
cmd_server_blocks(struct run *run, char **words, int count)
{
    return list(run, "server-blocks", first_of(words, count), containment_columns,
                COUNT_OF(containment_columns));
}

#define ASSESSED_MAX 20 /* of servers that are to be blocked: who talked to them */

static bool
is_of(const cJSON *item, const char *path, const char *word)
{
    const cJSON *value = columns_at(item, path);
    return cJSON_IsString(value) && strcmp(value->valuestring, word) == 0;
}

/* What the pending ones rest on, and who talks to a server that one of them would block.  'code',
 * or that of what failed. */
static int
pending_print_grounds(struct run *run, const cJSON *items, int code)
{
    static const struct column evidence[] = {
        {"DETECTION", "id", COLUMN_TEXT},     {"TIME", "seen", COLUMN_TIME},
        {"SOURCE", "sensor", COLUMN_TEXT},    {"SIGNATURE", "signature", COLUMN_TEXT},
        {"SERVER", "indicator", COLUMN_TEXT},
    };
    const cJSON *item;
    size_t shown = 0;
    cJSON_ArrayForEach(item, items)
    {
        const cJSON *id = columns_at(item, "containment.id");
        const cJSON *detections = columns_at(item, "detections");
        if (detections && detections->child) {
            printf("\n%s:\n", cJSON_IsString(id) ? id->valuestring : "?");
            columns_print(run, detections, evidence, COUNT_OF(evidence));
        }
        if (is_of(item, "containment.action", "block_server") && shown++ < ASSESSED_MAX) {
            const cJSON *server = columns_at(item, "containment.server");
            server = server ? server : columns_at(item, "containment.server_name");
            printf("\n%s:\n", cJSON_IsString(server) ? server->valuestring : "?");
            code = cJSON_IsString(server) ? assess_print(run, server->valuestring) : code;
        }
    }
    return code;
}

int
cmd_pending(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"ID", "containment.id", COLUMN_TEXT},
        {"ACTION", "containment.action", COLUMN_TEXT},
        {"HELD", "containment.hold", COLUMN_TEXT},
        {"ENDPOINT", "containment", COLUMN_WHO},
        {"SITE", "containment.site", COLUMN_RARE},
        {"SERVER", "containment", COLUMN_SERVER},
        {"SINCE", "containment.requested", COLUMN_TIME},
        {"STRENGTH", "incident.strength", COLUMN_TEXT},
        {"SUMMARY", "incident.summary", COLUMN_TEXT},
        {"WHY", "containment.hold_detail", COLUMN_TEXT},
        {"REFUSED", "containment.refused", COLUMN_RARE},
        {"REFUSED SINCE", "containment.refused_since", COLUMN_RARE},
    };
    int code = EXIT_GOOD;
    if (count == 2 && strcmp(words[0], "enforce") == 0) {
        return cmd_enforce(run, words + 1, 1);
    }
    if (count == 2 && strcmp(words[0], "check") == 0) {
        return cmd_check(run, words + 1, 1);
    }
    if (count == 2 && strcmp(words[0], "revert") == 0) {
        return cmd_revert(run, words + 1, 1);
    }
    if (count > 0) {
        return run_usage("pending | pending enforce ID | pending check ID | pending revert ID");
    }
    cJSON *items = run_list(run, API "/pending", &code);
    if (!items || run->options.json) {
        if (items) {
            run_print_json(items);
        }
        cJSON_Delete(items);
        return code;
    }
    columns_print(run, items, columns, COUNT_OF(columns));
    code = pending_print_grounds(run, items, code);
    cJSON_Delete(items);
    return code;
}

int
cmd_incidents(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"ID", "id", COLUMN_TEXT},
        {"ENDPOINT", "", COLUMN_WHO},
        {"SITE", "site", COLUMN_RARE},
        {"PHASE", "phase", COLUMN_TEXT},
        {"SEVERITY", "severity", COLUMN_TEXT},
        {"STRENGTH", "strength", COLUMN_TEXT},
        {"DETECTIONS", "detection_count", COLUMN_TEXT},
        {"LAST", "last", COLUMN_TIME},
        {"SUMMARY", "summary", COLUMN_TEXT},
    };
    return list(run, "incidents", first_of(words, count), columns, COUNT_OF(columns));
}

static void
print_refusals(const struct run *run, const cJSON *items)
{
    static const struct column columns[] = {
        {"WHY", "why", COLUMN_TEXT},
        {"COUNT", "count", COLUMN_TEXT},
    };
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const cJSON *refusals = columns_at(item, "refusals");
        const cJSON *name = columns_at(item, "name");
        if (refusals && refusals->child && cJSON_IsString(name)) {
            printf("\n%s:\n", name->valuestring);
            columns_print(run, refusals, columns, COUNT_OF(columns));
        }
    }
}

int
cmd_intake(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"SOURCE", "name", COLUMN_TEXT},       {"KIND", "kind", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},       {"RECEIVED", "received", COLUMN_TEXT},
        {"ACCEPTED", "accepted", COLUMN_TEXT}, {"REFUSED", "refused", COLUMN_TEXT},
        {"LAST", "last", COLUMN_TIME},         {"PROBLEM", "problem", COLUMN_TEXT},
    };
    int code = EXIT_GOOD;
    (void)words, (void)count;
    cJSON *items = run_list(run, API "/intake", &code);
    if (items && run->options.json) {
        run_print_json(items);
    } else if (items) {
        columns_print(run, items, columns, COUNT_OF(columns));
        print_refusals(run, items);
    }
    cJSON_Delete(items);
    return code;
}

int
cmd_sensors(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"LAST SEEN", "seen", COLUMN_TIME},
        {"PACKETS", "packets", COLUMN_TEXT},
        {"DROPPED", "kernel_drops", COLUMN_TEXT},
        {"DETECTIONS", "detections", COLUMN_TEXT},
        {"SKEW", "skew_us", COLUMN_MS},
    };
    (void)words, (void)count;
    return list(run, "sensors", NULL, columns, COUNT_OF(columns));
}

int
cmd_mirrors(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"SWITCH", "switch", COLUMN_TEXT},   {"KIND", "kind", COLUMN_TEXT},
        {"CARRIER", "carrier", COLUMN_TEXT}, {"SESSION", "session", COLUMN_TEXT},
        {"PORT", "ports", COLUMN_TEXT},      {"ENDPOINT", "", COLUMN_WHO},
        {"COPIED", "copied", COLUMN_TEXT},   {"ARRIVED", "packets", COLUMN_TEXT},
        {"LOST", "lost", COLUMN_TEXT},       {"ONE-SIDED", "one_sided_flows", COLUMN_TEXT},
        {"EXPIRES", "expires", COLUMN_TIME}, {"REASON", "reason", COLUMN_TEXT},
    };
    (void)words, (void)count;
    return list(run, "mirrors", NULL, columns, COUNT_OF(columns));
}
