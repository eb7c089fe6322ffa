/* Metrics of core in Prometheus' text format, version 0.0.4. */
#include "controller/ask/ask_doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/retention/retention.h"
#include "policy/budget.h"

#define METRICS_SIZE_MAX (400 * 1024)

/* Text that stops growing at its limit, at the end of a line. */
struct text {
    char *bytes;
    size_t size;
    bool is_full;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(line) || text->size + (size_t)size > METRICS_SIZE_MAX) {
        text->is_full = true;
        return;
    }
    memcpy(text->bytes + text->size, line, (size_t)size);
    text->size += (size_t)size;
}

static void
head(struct text *text, const char *name, const char *type, const char *help)
{
    add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Label values: backslash and quote must be escaped; control characters cannot be in our names. */
static const char *
label(const char *value, char out[2 * NAME_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; value[i] && used + 2 < 2 * NAME_SIZE; i++) {
        if (value[i] == '"' || value[i] == '\\') {
            out[used++] = '\\';
        }
        out[used++] = value[i];
    }
    out[used] = '\0';
    return out;
}

static void
add_containments(struct text *text, struct controller *controller)
{
    uint64_t counts[ACTION_COUNT][CONTAINMENT_STATE_COUNT] = {{0}};
    for (size_t i = 0; i < controller_containment_count(controller); i++) {
        const struct containment *each = controller_containment_at(controller, i);
        counts[each->action][each->state]++;
    }
    head(text, "cordon_containments", "gauge", "containments by action and state");
    for (int action = ACTION_ISOLATE; action <= ACTION_MIRROR; action++) {
        for (int state = 0; state <= CONTAINMENT_FAILED; state++) {
            add(text, "cordon_containments{action=\"%s\",state=\"%s\"} %" PRIu64 "\n",
                action_names[action], containment_state_names[state], counts[action][state]);
        }
    }
    head(text, "cordon_pending_dropped_total", "counter",
         "decisions that would have waited for a person, but too many did");
    add(text, "cordon_pending_dropped_total %" PRIu64 "\n", controller_pending_dropped(controller));
    head(text, "cordon_unclear_dropped_total", "counter",
         "detections about an unknown address that are not judged again: too many");
    add(text, "cordon_unclear_dropped_total %" PRIu64 "\n", controller_unclear_dropped(controller));
    head(text, "cordon_enforcement_suspended", "gauge", "1 while all enforcement is suspended");
    add(text, "cordon_enforcement_suspended %d\n", controller_is_suspended(controller));
}

static void
add_topology(struct text *text, struct topology *topology)
{
    struct topology_counters counters = {0};
    topology_read_counters(topology, &counters);
    head(text, "cordon_endpoints", "gauge", "endpoints known");
    add(text, "cordon_endpoints %zu\n", topology_endpoint_count(topology));
    head(text, "cordon_links", "gauge", "links known");
    add(text, "cordon_links %zu\n", topology_link_count(topology));
    const struct {
        const char *why;
        uint64_t count;
    } limits[] = {
        {"endpoints_evicted", counters.endpoints_evicted},
        {"endpoints_refused", counters.endpoints_refused},
        {"port_refused", counters.port_refused},
        {"bindings_dropped", counters.bindings_dropped},
        {"claims_refused", counters.claims_refused},
        {"joins_refused", counters.joins_refused},
        {"events_dropped", counters.events_dropped},
        {"ports_refused", counters.ports_refused},
        {"facts_ignored", counters.facts_ignored},
    };
    head(text, "cordon_topology_dropped_total", "counter", "what topology did not keep, and why");
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        add(text, "cordon_topology_dropped_total{why=\"%s\"} %" PRIu64 "\n", limits[i].why,
            limits[i].count);
    }
}

static void
add_switch(struct text *text, const struct switch_view *each)
{
    char name[2 * NAME_SIZE];
    char counter[2 * NAME_SIZE];
    label(each->device.switch_name, name);
    add(text, "cordon_switch_connected{switch=\"%s\"} %d\n", name, each->device.is_connected);
    add(text, "cordon_switch_rules{switch=\"%s\"} %zu\n", name, each->rule_count);
    add(text, "cordon_switch_missing_rules{switch=\"%s\"} %zu\n", name, each->missing_count);
    for (size_t i = 0; each->stats && i < each->stats->counter_count; i++) {
        add(text, "cordon_switch_counter{switch=\"%s\",name=\"%s\"} %" PRIu64 "\n", name,
            label(each->stats->counters[i].name, counter), each->stats->counters[i].count);
    }
}

static void
add_source(struct text *text, const struct wire_source *each)
{
    char name[2 * NAME_SIZE];
    label(each->name, name);
    const struct {
        const char *what;
        uint64_t count;
    } counts[] = {
        {"received", each->received},    {"accepted", each->accepted}, {"refused", each->refused},
        {"duplicate", each->duplicates}, {"ignored", each->ignored},
    };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        add(text, "cordon_source_lines_total{source=\"%s\",what=\"%s\"} %" PRIu64 "\n", name,
            counts[i].what, counts[i].count);
    }
}

static void
add_sensor(struct text *text, const struct sensor_view *each)
{
    char name[2 * NAME_SIZE];
    label(each->name, name);
    if (!each->stats) {
        return;
    }
    const struct wire_sensor_stats *stats = each->stats;
    const struct {
        const char *what;
        uint64_t count;
    } counts[] = {
        {"packets", stats->packets},
        {"bytes", stats->bytes},
        {"kernel_drops", stats->kernel_drops},
        {"duplicates", stats->duplicates},
        {"flows_refused", stats->flows_refused},
        {"undecoded", stats->undecoded},
        {"stream_bytes_skipped", stats->stream_bytes_skipped},
        {"detections", stats->detections},
    };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        add(text, "cordon_sensor_total{sensor=\"%s\",what=\"%s\"} %" PRIu64 "\n", name,
            counts[i].what, counts[i].count);
    }
}

static void
add_store(struct text *text, struct store *store)
{
    struct store_stats stats = {0};
    store_read_stats(store, &stats);
    head(text, "cordon_store_commits_total", "counter", "commits on disk");
    add(text, "cordon_store_commits_total %" PRIu64 "\n", stats.commits);
    head(text, "cordon_store_changes_total", "counter", "changes in those commits");
    add(text, "cordon_store_changes_total %" PRIu64 "\n", stats.changes);
    head(text, "cordon_store_refused_total", "counter", "changes refused: too many waited");
    add(text, "cordon_store_refused_total %" PRIu64 "\n", stats.refused);
    head(text, "cordon_store_failed_total", "counter", "commits that failed");
    add(text, "cordon_store_failed_total %" PRIu64 "\n", stats.failed);
    head(text, "cordon_store_waiting", "gauge", "changes that wait for the disk");
    add(text, "cordon_store_waiting %" PRIu64 "\n", stats.waiting);
}

static void
add_retention(struct text *text, const struct controller *controller)
{
    struct retention_view view;
    retention_look(controller, &view);
    head(text, "cordon_disk_budget_bytes", "gauge", "what the database may hold");
    add(text, "cordon_disk_budget_bytes %" PRIu64 "\n", view.budget_bytes);
    head(text, "cordon_disk_used_bytes", "gauge", "what it holds");
    add(text, "cordon_disk_used_bytes %" PRIu64 "\n", view.used_bytes);
    head(text, "cordon_disk_free_bytes", "gauge", "free on its file system");
    add(text, "cordon_disk_free_bytes %" PRIu64 "\n", view.free_bytes);
    head(text, "cordon_disk_shed_total", "counter", "rows that went before their time");
    add(text, "cordon_disk_shed_total %" PRIu64 "\n", view.shed);
    head(text, "cordon_kept_rows", "gauge", "rows of each kind, when they were counted");
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        add(text, "cordon_kept_rows{kind=\"%s\"} %" PRIu64 "\n", retention_kind_names[i],
            view.held[i].rows);
    }
}

static void
add_certificates(struct text *text, const struct certificates *certificates)
{
    size_t by_state[CERTIFICATE_STATE_COUNT] = {0};
    struct certificate shown;
    for (size_t i = 0; certificates_at(certificates, i, &shown); i++) {
        by_state[shown.state]++;
    }
    head(text, "cordon_certificates", "gauge", "certificates of switches and sensors, by state");
    for (int i = 0; i < CERTIFICATE_STATE_COUNT; i++) {
        add(text, "cordon_certificates{state=\"%s\"} %zu\n", certificate_state_names[i],
            by_state[i]);
    }
    head(text, "cordon_peers_refused_total", "counter",
         "switches, sensors and strangers that were refused");
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        add(text, "cordon_peers_refused_total{why=\"%s\"} %" PRIu64 "\n", peer_refusal_names[i],
            certificates_refused_count(certificates, (enum peer_refusal)i));
    }
}

static void
add_budget(struct text *text, struct controller *controller)
{
    struct budget_use use;
    engine_budget(controller_engine(controller), &use);
    head(text, "cordon_budget_used", "gauge", "endpoints that policy isolated by itself lately");
    add(text, "cordon_budget_used{window=\"minute\"} %zu\n", use.minute);
    add(text, "cordon_budget_used{window=\"hour\"} %zu\n", use.hour);
    head(text, "cordon_budget_limit", "gauge", "how many it may; 0: no limit");
    add(text, "cordon_budget_limit{window=\"minute\"} %zu\n", use.per_minute);
    add(text, "cordon_budget_limit{window=\"hour\"} %zu\n", use.per_hour);
    head(text, "cordon_budget_held_total", "counter", "held for a person: the budget had no room");
    add(text, "cordon_budget_held_total %" PRIu64 "\n", use.held);
}

static void
add_backup(struct text *text, struct copies *copies, int64_t now_us)
{
    const struct view_backup *backup = copies_view(copies);
    if (!backup->has_last) {
        return;
    }
    head(text, "cordon_backup_age_seconds", "gauge", "since the last backup was begun");
    add(text, "cordon_backup_age_seconds %" PRId64 "\n", (now_us - backup->last.at_us) / 1000000);
    head(text, "cordon_backup_failed", "gauge", "1: the last backup failed");
    add(text, "cordon_backup_failed %d\n", backup->last.problem[0] != '\0');
}

/* What keeps ourselves safe: doctor says what to do about it. */
static void
add_own(struct text *text, const struct ask_settings *settings)
{
    struct controller *controller = settings->controller;
    int64_t now_us = clock_wall_us(controller_clock(controller));
    int64_t unheld_us = doctor_unheld_us(controller);
    uint64_t left = 0, whole = 0;
    add_budget(text, controller);
    if (settings->copies) {
        add_backup(text, settings->copies, now_us);
    }
    head(text, "cordon_unproven_blocks", "gauge", "blocks of switches that the database lacks");
    add(text, "cordon_unproven_blocks %zu\n", doctor_unproven(controller));
    head(text, "cordon_audit_unheld_seconds", "gauge",
         "since the oldest checkpoint of the audit that nobody else holds; 0: none");
    add(text, "cordon_audit_unheld_seconds %" PRId64 "\n",
        unheld_us ? (now_us - unheld_us) / 1000000 : 0);
    head(text, "cordon_landlock", "gauge", "1: the kernel bounds the files of each process");
    add(text, "cordon_landlock %d\n", !settings->own.lacks_landlock);
    if (settings->own.disk && settings->own.disk(settings->own.context, &left, &whole) == 0) {
        head(text, "cordon_disk_bytes", "gauge", "size of the disk of the state folder");
        add(text, "cordon_disk_bytes %" PRIu64 "\n", whole);
    }
    if (settings->own.memory && settings->own.memory->limit > 0) {
        head(text, "cordon_memory_limit_bytes", "gauge", "what cordond's control group may have");
        add(text, "cordon_memory_limit_bytes %" PRIu64 "\n", settings->own.memory->limit);
        head(text, "cordon_memory_used_bytes", "gauge", "what it has, without what can be freed");
        add(text, "cordon_memory_used_bytes %" PRIu64 "\n", settings->own.memory->used);
        head(text, "cordon_memory_shed_total", "counter", "incidents dropped from memory for room");
        add(text, "cordon_memory_shed_total %" PRIu64 "\n", settings->own.memory->shed);
    }
    if (settings->server_expires_us && *settings->server_expires_us) {
        head(text, "cordon_server_certificate_seconds", "gauge", "until our own certificate ends");
        add(text, "cordon_server_certificate_seconds %" PRId64 "\n",
            (*settings->server_expires_us - now_us) / 1000000);
    }
}

void
ask_metrics(const struct ask_call *call, const void *parameters)
{
    struct controller *controller = call->controller;
    struct text text = {.bytes = mem_new(METRICS_SIZE_MAX, 1)};
    (void)parameters;
    add_containments(&text, controller);
    add_topology(&text, controller_topology(controller));
    add_store(&text, controller_store(controller));
    add_retention(&text, call->controller);
    head(&text, "cordon_switch_connected", "gauge", "1: the switch is reachable");
    for (size_t i = 0; i < controller_switch_count(controller); i++) {
        struct switch_view each;
        if (controller_switch_at(controller, i, &each)) {
            add_switch(&text, &each);
        }
    }
    for (size_t i = 0; i < controller_source_count(controller); i++) {
        const struct wire_source *each = controller_source_at(controller, i);
        if (each) {
            add_source(&text, each);
        }
    }
    for (size_t i = 0; i < controller_sensor_count(controller); i++) {
        struct sensor_view each;
        if (controller_sensor_at(controller, i, &each)) {
            add_sensor(&text, &each);
        }
    }
    if (call->asks->settings.certificates) {
        add_certificates(&text, call->asks->settings.certificates);
    }
    add_own(&text, &call->asks->settings);
    head(&text, "cordon_asks_refused_total", "counter", "asks that core refused");
    add(&text, "cordon_asks_refused_total %" PRIu64 "\n", call->asks->refused);
    ask_answer_bytes(call, text.bytes, text.size);
    free(text.bytes);
}
