/* One object each: what it is, then tables of what belongs to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"

/* "endpoint show X" and "endpoint X" are the same. */
static const char *
name_of(char **words, int count)
{
    return count == 2 && strcmp(words[0], "show") == 0 ? words[1] : count == 1 ? words[0] : NULL;
}

static void
print_section(const struct run *run, const char *title, const cJSON *items,
              const struct column *columns, size_t count)
{
    if (items && items->child) {
        printf("\n%s%s%s\n", run->is_terminal ? "\033[1m" : "", run_text(run, title),
               run->is_terminal ? "\033[0m" : "");
        columns_print(run, items, columns, count);
    }
}

typedef void print_fn(const struct run *run, const cJSON *json);

static int
show(struct run *run, const char *collection, char **words, int count, print_fn *print)
{
    const char *name = name_of(words, count);
    struct client_answer answer;
    if (!name || strcmp(name, "show") == 0) {
        return run_usage("say which one");
    }
    char *path = run_path(collection, name, NULL);
    int code = run_ask(run, path, NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print(run, answer.json);
    }
    client_answer_fini(&answer);
    free(path);
    return code;
}

static void
print_endpoint(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"ID", "id", COLUMN_TEXT},
        {"HOST NAME", "host_name", COLUMN_TEXT},
        {"MAC", "macs", COLUMN_TEXT},
        {"ADDRESSES", "addresses", COLUMN_TEXT},
        {"LOCATION", "location", COLUMN_PLACE},
        {"SITE", "site", COLUMN_TEXT},
        {"VLAN", "location.vlan", COLUMN_TEXT},
        {"SINCE", "location.since", COLUMN_TIME},
        {"LAST SEEN", "last_seen", COLUMN_TIME},
        {"why there", "location.why", COLUMN_TEXT},
        {"contained by", "containment_id", COLUMN_TEXT},
        {"STATE", "containment_state", COLUMN_TEXT},
        {"PROTECTED", "protected_why", COLUMN_TEXT},
        {"CLASS", "class", COLUMN_TEXT},
        {"TAGS", "tags", COLUMN_TEXT},
        {"OWNER", "owner", COLUMN_TEXT},
        {"OWNER E-MAIL", "owner_email", COLUMN_TEXT},
        {"NOTE", "note", COLUMN_TEXT},
    };
    static const struct column bindings[] = {
        {"ADDRESS", "ip", COLUMN_TEXT},     {"MAC", "mac", COLUMN_TEXT},
        {"SOURCE", "source", COLUMN_TEXT},  {"FROM", "from", COLUMN_TIME},
        {"LAST SEEN", "seen", COLUMN_TIME}, {"UNTIL", "until", COLUMN_TIME},
        {"SITE", "site", COLUMN_RARE},
    };
    static const struct column events[] = {
        {"TIME", "at", COLUMN_EXACT},
        {"EVENT", "kind", COLUMN_TEXT},
        {"DETAIL", "detail", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
    print_section(run, "ADDRESSES", columns_at(json, "bindings"), bindings, COUNT_OF(bindings));
    print_section(run, "history", columns_at(json, "events"), events, COUNT_OF(events));
}

int
cmd_endpoint(struct run *run, char **words, int count)
{
    if (count == 2 && strcmp(words[0], "annotate") == 0) {
        return cmd_annotate(run, words + 1, 1);
    }
    if (count == 2 && strcmp(words[0], "protect") == 0) {
        return cmd_protect(run, words + 1, 1);
    }
    return show(run, "endpoints", words, count, print_endpoint);
}

static void
print_switch(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"NAME", "name", COLUMN_TEXT},
        {"SITE", "site", COLUMN_TEXT},
        {"DRIVER", "driver", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"GENERATION", "observed_generation", COLUMN_TEXT},
        {"RULES", "rules", COLUMN_TEXT},
        {"LAST SEEN", "seen", COLUMN_TIME},
        {"SKEW", "skew_us", COLUMN_MS},
        {"PROBLEM", "problem", COLUMN_TEXT},
        {"PROBLEM", "problems", COLUMN_TEXT},
    };
    static const struct column ports[] = {
        {"PORT", "name", COLUMN_TEXT},      {"NUMBER", "number", COLUMN_TEXT},
        {"ROLE", "role", COLUMN_TEXT},      {"UP", "up", COLUMN_TEXT},
        {"MACS", "mac_count", COLUMN_TEXT},
    };
    static const struct column counters[] = {
        {"COUNTER", "name", COLUMN_TEXT},
        {"COUNT", "count", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
    print_section(run, "PORT", columns_at(json, "ports"), ports, COUNT_OF(ports));
    print_section(run, "COUNTER", columns_at(json, "counters"), counters, COUNT_OF(counters));
}

int
cmd_switch(struct run *run, char **words, int count)
{
    return show(run, "switches", words, count, print_switch);
}

static void
print_containment(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"ID", "id", COLUMN_TEXT},
        {"CASE", "case_number", COLUMN_TEXT},
        {"ACTION", "action", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"HELD", "hold", COLUMN_TEXT},
        {"REFUSED", "refused", COLUMN_TEXT},
        {"REFUSED SINCE", "refused_since", COLUMN_TIME},
        {"ENDPOINT", "", COLUMN_WHO},
        {"MAC", "mac", COLUMN_TEXT},
        {"IP", "ip", COLUMN_TEXT},
        {"SITE", "site", COLUMN_TEXT},
        {"LOCATION", "location", COLUMN_PLACE},
        {"SERVER", "", COLUMN_SERVER},
        {"REASON", "reason", COLUMN_TEXT},
        {"POLICY", "policy", COLUMN_TEXT},
        {"WHO", "requested_by", COLUMN_TEXT},
        {"EXPIRES", "expires", COLUMN_TIME},
        {"HITS", "hits", COLUMN_TEXT},
        {"SUMMARY", "incident.summary", COLUMN_TEXT},
        {"PROBLEM", "problem", COLUMN_TEXT},
        {"UNTIL", "ended", COLUMN_TIME},
        {"WHY", "end_reason", COLUMN_TEXT},
    };
    static const struct column steps[] = {
        {"STEP", "step", COLUMN_TEXT},     {"TIME", "at", COLUMN_EXACT},
        {"MS", "step_us", COLUMN_MS},      {"TOTAL MS", "since_start_us", COLUMN_MS},
        {"DETAIL", "detail", COLUMN_TEXT},
    };
    static const struct column reports[] = {
        {"SWITCH", "switch", COLUMN_TEXT},
        {"STATE", "state", COLUMN_TEXT},
        {"HITS", "hits", COLUMN_TEXT},
        {"PROBLEM", "why", COLUMN_TEXT},
    };
    static const struct column reach[] = {{"residual reach", "", COLUMN_TEXT}};
    columns_print_object(run, json, facts, COUNT_OF(facts));
    print_section(run, "timeline", columns_at(json, "timeline"), steps, COUNT_OF(steps));
    print_section(run, "says of it", columns_at(json, "switches"), reports, COUNT_OF(reports));
    const cJSON *residual = columns_at(json, "residual_reach");
    if (residual && residual->child) {
        puts("");
        columns_print(run, residual, reach, COUNT_OF(reach));
    }
}

int
cmd_containment(struct run *run, char **words, int count)
{
    return show(run, "containments", words, count, print_containment);
}

static void
print_incident(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"ID", "id", COLUMN_TEXT},
        {"ENDPOINT", "", COLUMN_WHO},
        {"SITE", "site", COLUMN_TEXT},
        {"SERVER", "", COLUMN_SERVER},
        {"PHASE", "phase", COLUMN_TEXT},
        {"SEVERITY", "severity", COLUMN_TEXT},
        {"STRENGTH", "strength", COLUMN_TEXT},
        {"SUMMARY", "summary", COLUMN_TEXT},
        {"FROM", "first", COLUMN_TIME},
        {"LAST", "last", COLUMN_TIME},
        {"contained by", "containments", COLUMN_TEXT},
    };
    static const struct column detections[] = {
        {"DETECTION", "id", COLUMN_TEXT},  {"TIME", "seen", COLUMN_EXACT},
        {"SOURCE", "sensor", COLUMN_TEXT}, {"SIGNATURE", "signature", COLUMN_TEXT},
        {"PHASE", "phase", COLUMN_TEXT},   {"STRENGTH", "strength", COLUMN_TEXT},
        {"SERVER", "dst.ip", COLUMN_TEXT}, {"ATT&CK", "techniques", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
    print_section(run, "DETECTIONS", columns_at(json, "detections"), detections,
                  COUNT_OF(detections));
}

int
cmd_incident(struct run *run, char **words, int count)
{
    return show(run, "incidents", words, count, print_incident);
}

int
cmd_evidence(struct run *run, char **words, int count)
{
    struct client_answer answer;
    const char *out = run->options.out;
    (void)count;
    if (!out) {
        return run_usage("say where to with -o FILE (-o - for standard output)");
    }
    char *path = run_path("evidence", words[0], NULL);
    int code = run_ask(run, path, NULL, &answer);
    if (code == EXIT_GOOD && strcmp(out, "-") == 0) {
        bool is_written = fwrite(answer.bytes, 1, answer.size, stdout) == answer.size;
        code = is_written && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_REFUSED;
    } else if (code == EXIT_GOOD) {
        int error = file_write_atomic(out, answer.bytes, answer.size, 0600);
        if (error != 0) {
            fprintf(stderr, "cordonctl: %s: %s\n", out, strerror(-error));
            code = EXIT_REFUSED;
        }
    }
    client_answer_fini(&answer);
    free(path);
    return code;
}

static void
print_enforcement(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"STATE", "state", COLUMN_TEXT},
        {"SINCE", "since", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},
        {"REASON", "reason", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
}

static int
show_path(struct run *run, const char *path, const cJSON *body, print_fn *print)
{
    struct client_answer answer;
    int code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && (run->options.json || !print)) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        print(run, answer.json);
    }
    client_answer_fini(&answer);
    return code;
}

int
cmd_enforcement(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return show_path(run, API "/enforcement", NULL, print_enforcement);
}

static void
print_budgets(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"WITHIN A MINUTE", "minute", COLUMN_TEXT},
        {"OF", "per_minute", COLUMN_TEXT},
        {"WITHIN AN HOUR", "hour", COLUMN_TEXT},
        {"OF", "per_hour", COLUMN_TEXT},
        {"% OF A NETWORK", "network_percent", COLUMN_TEXT},
        {"% OF A SWITCH", "switch_percent", COLUMN_TEXT},
        {"STORM SINCE", "storm.since", COLUMN_TIME},
        {"HELD IN THE STORM", "storm.held", COLUMN_TEXT},
    };
    static const struct column shares[] = {
        {"KIND", "kind", COLUMN_TEXT},
        {"NAME", "name", COLUMN_TEXT},
        {"CONTAINED", "contained", COLUMN_TEXT},
        {"MOST", "most", COLUMN_TEXT},
        {"ENDPOINTS", "population", COLUMN_TEXT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
    printf("\n");
    columns_print(run, cJSON_GetObjectItem(json, "shares"), shares, COUNT_OF(shares));
}

int
cmd_budgets(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return show_path(run, API "/budgets", NULL, print_budgets);
}

static int
suspend(struct run *run, const char *path)
{
    if (!run->options.reason) {
        return run_usage("say why with --reason TEXT: it goes into the audit");
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "reason", run->options.reason);
    int code = show_path(run, path, body, print_enforcement);
    cJSON_Delete(body);
    return code;
}

int
cmd_panic(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return suspend(run, API "/enforcement/panic");
}

int
cmd_resume(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return suspend(run, API "/enforcement/resume");
}

int
cmd_doctor(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"SEVERITY", "severity", COLUMN_TEXT},
        {"WHERE", "where", COLUMN_TEXT},
        {"WHAT", "what", COLUMN_TEXT},
        {"ADVICE", "advice", COLUMN_TEXT},
    };
    static const struct column parts[] = {
        {"CHECK", "check", COLUMN_TEXT},
        {"ALL", "total", COLUMN_TEXT},
        {"GOOD", "good", COLUMN_TEXT},
    };
    struct client_answer answer;
    (void)words, (void)count;
    int code = run_ask(run, API "/doctor", NULL, &answer);
    if (code == EXIT_GOOD) {
        const cJSON *findings = columns_at(answer.json, "findings");
        bool is_healthy = cJSON_IsTrue(columns_at(answer.json, "healthy"));
        if (run->options.json) {
            run_print_json(answer.json);
        } else if (findings && findings->child) {
            columns_print(run, columns_at(answer.json, "parts"), parts, COUNT_OF(parts));
            columns_print(run, findings, columns, COUNT_OF(columns));
        } else {
            puts(run_text(run, "all is well"));
        }
        code = is_healthy ? EXIT_GOOD : EXIT_REFUSED;
    }
    client_answer_fini(&answer);
    return code;
}

static void
print_version(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"cordond", "version", COLUMN_TEXT}, {"site", "site", COLUMN_TEXT},
        {"epoch", "epoch", COLUMN_TEXT},     {"started", "started", COLUMN_TIME},
        {"TIME", "now", COLUMN_EXACT},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
}

static void
print_storage(const struct run *run, const cJSON *json)
{
    static const struct column facts[] = {
        {"DATABASE BYTES", "database_bytes", COLUMN_TEXT},
        {"FREE BYTES", "free_bytes", COLUMN_TEXT},
        {"DISK BYTES", "total_bytes", COLUMN_TEXT},
        {"SLOWEST COMMIT (MS)", "slowest_commit_us", COLUMN_MS},
    };
    columns_print_object(run, json, facts, COUNT_OF(facts));
}

int
cmd_storage(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return show_path(run, API "/storage", NULL, print_storage);
}

int
cmd_version(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    if (!run->options.json) {
        puts("cordonctl " CORDON_VERSION);
    }
    return show_path(run, API "/version", NULL, print_version);
}

int
cmd_openapi(struct run *run, char **words, int count)
{
    (void)words, (void)count;
    return show_path(run, API "/openapi.json", NULL, NULL);
}
