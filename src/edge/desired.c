#include "edge/desired.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/deadlines.h"
#include "edge/desired_kept.h"
#include "edge/journal.h"
#include "edge/lines.h"
#include "edge/panic.h"
#include "wire/message.h"

#define CHECK_TICKS 3      /* seconds between looks at filters and maps */
#define REMAINING_TICKS 60 /* seconds between writes of remaining times */
#define BEHIND_TICKS 10    /* seconds between tries to write the whole where the disk took less */
#define PART_RULES 500     /* per message: well below a frame */
#define HELD_PART 64       /* with the longest reasons and addresses below a frame */
#define VERIFY_AT_ONCE 64  /* rules of a delta verified in its own answer */
#define COMPACT_LEAST (1024 * 1024)
#define MEND_FIRST_US 3000000 /* what mending did not help is tried again so soon, then doubled */
#define MEND_MOST_US 60000000
#define MEND_LOST_MOST_US 6000000 /* entries are gone or altered: within 10 s */

struct desired {
    struct datapath *datapath;
    char switch_name[NAME_SIZE];
    const struct clock *clock;
    struct desired_handler handler;
    struct journal *journal;
    struct disk *disk;         /* borrowed; NULL: nobody's loop yet */
    bool is_remaining_written; /* now */
    char remaining_path[PATH_MAX];
    uint64_t epoch, generation;
    bool is_suspended;      /* by the controller */
    bool is_suspended_here; /* by somebody at the switch: the controller does not lift it */
    bool is_unsure;         /* the disk did not have all: the kernel may hold more than we know */
    char state_dir[URL_SIZE];
    struct rule *parts; /* of a snapshot that is not whole yet */
    size_t part_count;
    uint64_t parts_epoch, parts_generation; /* which one */
    struct deadlines deadlines;
    size_t snapshot_size; /* of the journal after the last compaction */
    unsigned ticks;
    uint64_t problems;                /* digest of what is wrong and was told; 0: nothing */
    uint32_t untold;                  /* differences found while no controller listened */
    char untold_problem[TEXT_SIZE];   /* the first of them */
    int64_t mend_at_us, mend_wait_us; /* boot clock */
};

struct desired *
desired_new(struct datapath *datapath, const char *switch_name, const char *state_dir,
            const struct clock *clock, const struct desired_handler *handler)
{
    char path[PATH_MAX];
    struct desired *desired = MEM_NEW(struct desired);
    desired->datapath = datapath;
    desired->clock = clock;
    desired->handler = *handler;
    snprintf(desired->switch_name, sizeof(desired->switch_name), "%s", switch_name);
    snprintf(path, sizeof(path), "%s/desired.jsonl", state_dir);
    snprintf(desired->remaining_path, sizeof(desired->remaining_path), "%s/remaining", state_dir);
    snprintf(desired->state_dir, sizeof(desired->state_dir), "%s", state_dir);
    desired->is_suspended_here = panic_is_kept(state_dir);
    desired->journal = journal_new(path);
    deadlines_init(&desired->deadlines, clock);
    return desired;
}

static void
parts_drop(struct desired *desired)
{
    for (size_t i = 0; i < desired->part_count; i++) {
        rule_fini(&desired->parts[i]);
    }
    free(desired->parts);
    desired->parts = NULL;
    desired->part_count = 0;
}

/* ---- the disk ---- */

static void
journal_complain(int error, const char *what)
{
    if (error) {
        log_error("desired", "cannot keep the desired state on disk: a reboot would lose it",
                  LOG_S("what", what), LOG_S("error", strerror(-error)));
    }
}

static void
on_journal_failed(void *context, int error)
{
    (void)context;
    journal_complain(error, "changes");
}

int
desired_use(struct desired *desired, struct event_base *base, struct disk *disk)
{
    desired->disk = disk;
    return journal_use(desired->journal, base, disk, on_journal_failed, desired);
}

/* What a line says beside its rules. */
static struct wire_desired
line_head(const struct desired *desired)
{
    struct wire_desired head = {.epoch = desired->epoch,
                                .generation = desired->generation,
                                .is_last = true,
                                .is_suspended = desired->is_suspended};
    snprintf(head.switch_name, sizeof(head.switch_name), "%s", desired->switch_name);
    return head;
}

/* The whole state, in place of the file or behind what it says; only when it is whole: the next
 * start must know that it does not know. */
static void
snapshot_write(struct desired *desired, bool is_anew)
{
    const struct wire_desired head = line_head(desired);
    if (desired->is_unsure) {
        return;
    }
    char *text = desired_kept_snapshot(&head, desired->datapath, &desired->deadlines,
                                       &desired->snapshot_size);
    size_t size = desired->snapshot_size;
    int result = is_anew ? journal_replace(desired->journal, text, size) /* taken */
                         : journal_append_lines(desired->journal, text, size);
    if (!is_anew) {
        free(text);
    }
    journal_complain(result, "snapshot");
}

static void
message_append(struct desired *desired, const struct wire_desired *message, const char *what)
{
    char *line = desired_kept_line(message);
    journal_complain(journal_append(desired->journal, line), what);
    cJSON_free(line);
}

/* A delta of our own, of one generation; there is none on a snapshot without a number. */
static void
expiry_append(struct desired *desired, const char *id)
{
    struct wire_desired_removal removal;
    struct wire_desired message = line_head(desired);
    if (desired->is_unsure || desired->generation == 0) {
        return;
    }
    snprintf(removal.id, sizeof(removal.id), "%s", id);
    message.base = message.generation;
    message.remove = &removal;
    message.remove_count = 1;
    message_append(desired, &message, "expiry");
}

static void
on_remaining_written(void *context, int error)
{
    struct desired *desired = context;
    desired->is_remaining_written = false;
    desired->deadlines.is_dirty = desired->deadlines.is_dirty || error;
    journal_complain(error, "remaining times");
}

static void
remaining_write(struct desired *desired)
{
    struct lines lines = {.bytes = NULL};
    if (desired->is_remaining_written) { /* with the next one: longer, never shorter */
        desired->deadlines.is_dirty = true;
        return;
    }
    deadlines_write(&desired->deadlines, &lines);
    desired->deadlines.is_dirty = hmap_first(&desired->deadlines.by_id) != NULL;
    if (desired->disk) {
        desired->is_remaining_written = true;
        disk_replace(desired->disk, desired->remaining_path, lines.bytes, lines.size,
                     on_remaining_written, desired);
        return;
    }
    journal_complain(
        file_write_atomic(desired->remaining_path, lines.size ? lines.bytes : "", lines.size, 0600),
        "remaining times");
    free(lines.bytes);
}

static void
remaining_read(struct desired *desired)
{
    char *text;
    size_t size;
    if (file_read(desired->remaining_path, 64 * 1024 * 1024, &text, &size)) {
        return; /* then the time that was sent counts again: longer, never shorter */
    }
    deadlines_shorten(&desired->deadlines, text);
    free(text);
}

void
desired_free(struct desired *desired)
{
    if (!desired) {
        return;
    }
    journal_settle(desired->journal);
    desired->disk = NULL;
    journal_complain(journal_sync(desired->journal), "last changes");
    remaining_write(desired);
    parts_drop(desired);
    deadlines_fini(&desired->deadlines);
    journal_free(desired->journal);
    free(desired);
}

/* Nothing is taken out before it is sure that the disk has all: who was killed between maps and
 * disk finds more in the kernel. */
static int
kept_set(struct desired *desired, const struct desired_kept *kept)
{
    datapath_keep_unknown(desired->datapath, true);
    int result = datapath_set(desired->datapath, kept->rules, kept->count, NULL);
    desired->is_unsure = !kept->is_whole || datapath_has_unknown(desired->datapath);
    if (desired->is_unsure) {
        desired->generation = 0; /* the controller must send everything */
        return result;
    }
    datapath_keep_unknown(desired->datapath, false);
    return datapath_set(desired->datapath, kept->rules, kept->count, NULL);
}

/* What the disk does not say is not known to be over: the kernel, which outlived us, may hold rules
 * that are in force.  They stay until the controller has sent everything (architecture rule 3). */
int
desired_load(struct desired *desired, char why[256])
{
    struct desired_kept kept;
    int result = desired_kept_read(desired->journal, &desired->deadlines, &kept);
    if (result) {
        snprintf(why, 256, "cannot read the desired state: %s", strerror(-result));
        desired_kept_fini(&kept);
        return result;
    }
    desired->epoch = kept.epoch;
    desired->generation = kept.generation;
    desired->is_suspended =
        kept.is_whole ? kept.is_suspended : datapath_is_suspended(desired->datapath);
    remaining_read(desired);
    datapath_suspend(desired->datapath, desired_is_suspended(desired));
    result = kept_set(desired, &kept);
    if (result && datapath_rule_count(desired->datapath) == kept.count) {
        /* one that cannot be put yet, as of a port that is away: it is told, and tried again */
        log_error("desired", "not every kept rule is in the kernel",
                  LOG_S("error", strerror(-result)));
        result = 0;
    } else if (result) {
        snprintf(why, 256, "cannot put the kept rules into the kernel: %s", strerror(-result));
    }
    log_info("desired", "kept state loaded", LOG_I("rules", kept.count),
             LOG_I("epoch", desired->epoch), LOG_I("generation", desired->generation),
             LOG_I("is_whole", !desired->is_unsure));
    desired_kept_fini(&kept);
    snapshot_write(desired, true);
    return result;
}

/* ---- receiving ---- */

static void
observed_start(const struct desired *desired, struct wire_observed *observed)
{
    *observed = (struct wire_observed){.epoch = desired->epoch,
                                       .generation = desired->generation,
                                       .is_suspended = desired_is_suspended(desired),
                                       .is_suspended_here = desired->is_suspended_here,
                                       .is_last = true};
    snprintf(observed->switch_name, sizeof(observed->switch_name), "%s", desired->switch_name);
}

/* That somebody altered the switch is never lost: what was found while no controller listened is
 * told with the next report that one gets. */
static void
observed_send(struct desired *desired, const struct wire_observed *observed)
{
    struct wire_observed whole = *observed;
    if (desired->is_suspended_here && whole.problem[0] == '\0') {
        snprintf(whole.problem, TEXT_SIZE, "enforcement suspended on the switch itself");
    }
    if (observed->is_last) {
        whole.repaired += desired->untold;
    }
    if (desired->untold > 0 && whole.problem[0] == '\0') {
        snprintf(whole.problem, sizeof(whole.problem), "while no controller was connected: %.450s",
                 desired->untold_problem);
    }
    bool is_sent = desired->handler.on_observed(desired->handler.context, &whole);
    if (!observed->is_last) {
        return;
    }
    if (desired->untold == 0 && whole.repaired > 0) {
        snprintf(desired->untold_problem, sizeof(desired->untold_problem), "%s", whole.problem);
    }
    desired->untold = is_sent ? 0 : whole.repaired;
}

/* In parts; 'observed' has everything but the rules. */
static void
parts_send(struct desired *desired, struct wire_observed *observed, struct rule_report *reports,
           size_t count)
{
    size_t at = 0;
    do {
        size_t size = count - at < PART_RULES ? count - at : PART_RULES;
        observed->rules = reports + at;
        observed->rule_count = size;
        at += size;
        observed->is_last = at == count;
        observed_send(desired, observed);
    } while (at < count);
}

static void
full_send(struct desired *desired, struct wire_observed *observed, struct rule_report *reports,
          size_t count)
{
    observed->is_full = true;
    parts_send(desired, observed, reports, count);
}

static void
full_report(struct desired *desired, uint64_t request, const char *problem, uint32_t repaired,
            int64_t applied_us)
{
    size_t count = datapath_rule_count(desired->datapath);
    struct rule_report *reports = mem_new(count, sizeof(*reports));
    struct wire_observed observed;
    observed_start(desired, &observed);
    observed.request = request;
    observed.repaired = repaired;
    observed.applied_us = applied_us;
    snprintf(observed.problem, sizeof(observed.problem), "%s", problem);
    int result = datapath_read_back(desired->datapath, true, reports);
    if (result) {
        snprintf(observed.problem, sizeof(observed.problem), "cannot read the maps back: %s",
                 strerror(-result));
        count = 0;
    }
    full_send(desired, &observed, reports, count);
    free(reports);
}

static void
release_tell(struct desired *desired, const char *id)
{
    const struct rule *rule = datapath_rule_find(desired->datapath, id);
    if (rule && rule->kind == RULE_ISOLATE) {
        desired->handler.on_release(desired->handler.context, rule);
    }
}

static int
text_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The isolate rules that the snapshot in 'parts' does not hold any more. */
static void
snapshot_releases_tell(struct desired *desired)
{
    const struct datapath *datapath = desired->datapath;
    const char **ids = mem_new(desired->part_count + 1, sizeof(*ids));
    for (size_t i = 0; i < desired->part_count; i++) {
        ids[i] = desired->parts[i].id;
    }
    qsort(ids, desired->part_count, sizeof(*ids), text_compare);
    for (size_t i = 0; i < datapath_kind_count(datapath, RULE_ISOLATE); i++) {
        const struct rule *rule = datapath_kind_at(datapath, RULE_ISOLATE, i);
        const char *id = rule->id;
        if (!bsearch(&id, ids, desired->part_count, sizeof(*ids), text_compare)) {
            desired->handler.on_release(desired->handler.context, rule);
        }
    }
    free(ids);
}

static void
deadlines_take(struct desired *desired, const struct wire_desired *message)
{
    for (size_t i = 0; i < message->remove_count; i++) {
        deadlines_drop(&desired->deadlines, message->remove[i].id);
    }
    deadlines_set_all(&desired->deadlines, message->add, message->add_count);
}

static void
head_take(struct desired *desired, const struct wire_desired *message)
{
    desired->epoch = message->epoch;
    desired->generation = message->generation;
    if (desired->is_suspended != message->is_suspended) {
        desired->is_suspended = message->is_suspended;
        datapath_suspend(desired->datapath, desired_is_suspended(desired));
        log_warn("desired",
                 desired->is_suspended ? "enforcement suspended by the controller"
                                       : "enforcement resumed by the controller",
                 LOG_END);
    }
}

static void
snapshot_receive(struct desired *desired, const struct wire_desired *message)
{
    /* what came of one that broke off is no part of this one */
    if (desired->parts_epoch != message->epoch ||
        desired->parts_generation != message->generation) {
        parts_drop(desired);
    }
    desired->parts_epoch = message->epoch;
    desired->parts_generation = message->generation;
    desired->parts = mem_resize(desired->parts, desired->part_count + message->add_count + 1,
                                sizeof(desired->parts[0]));
    for (size_t i = 0; i < message->add_count; i++) {
        rule_copy(&desired->parts[desired->part_count++], &message->add[i]);
    }
    if (!message->is_last) {
        return;
    }
    snapshot_releases_tell(desired);
    bool was_unsure = desired->is_unsure;
    desired->is_unsure = false;
    datapath_keep_unknown(desired->datapath, false);
    int result = datapath_set(desired->datapath, desired->parts, desired->part_count, NULL);
    int64_t applied_us = clock_wall_us(desired->clock);
    head_take(desired, message);
    deadlines_clear(&desired->deadlines);
    deadlines_set_all(&desired->deadlines, desired->parts, desired->part_count);
    parts_drop(desired);
    full_report(desired, 0, result ? "not every rule could be put into the kernel" : "", 0,
                applied_us);
    snapshot_write(desired, was_unsure); /* what the file does not have it will never say */
}

static void
delta_receive(struct desired *desired, const struct wire_desired *message)
{
    size_t count = message->add_count;
    struct rule_report *reports = mem_new(count, sizeof(*reports));
    char(*removals)[RULE_ID_SIZE] = mem_new(message->remove_count, RULE_ID_SIZE);
    for (size_t i = 0; i < message->remove_count; i++) {
        release_tell(desired, message->remove[i].id);
        snprintf(removals[i], RULE_ID_SIZE, "%s", message->remove[i].id);
    }
    struct wire_observed observed;
    int result =
        datapath_change(desired->datapath, message->add, count,
                        (const char(*)[RULE_ID_SIZE])removals, message->remove_count, reports);
    int64_t applied_us = clock_wall_us(desired->clock);
    head_take(desired, message);
    deadlines_take(desired, message);
    datapath_read_back_these(desired->datapath, message->add,
                             count < VERIFY_AT_ONCE ? count : VERIFY_AT_ONCE, true, reports);
    observed_start(desired, &observed);
    observed.applied_us = applied_us;
    observed.rules = reports;
    observed.rule_count = count;
    if (result) {
        snprintf(observed.problem, sizeof(observed.problem), "change not whole: %s",
                 strerror(-result));
    }
    observed_send(desired, &observed);
    message_append(desired, message, "delta");
    free(removals);
    free(reports);
}

void
desired_receive(struct desired *desired, const struct wire_desired *message)
{
    struct wire_observed answer;
    if (message->epoch < desired->epoch) {
        observed_start(desired, &answer);
        snprintf(answer.refused, sizeof(answer.refused),
                 "epoch %llu is lower than %llu, which this switch has seen: another controller "
                 "drives it",
                 (unsigned long long)message->epoch, (unsigned long long)desired->epoch);
        log_error("desired", "refused", LOG_S("why", answer.refused));
        observed_send(desired, &answer);
        return;
    }
    if (message->base == 0) {
        snapshot_receive(desired, message);
        return;
    }
    parts_drop(desired);
    if (message->base != desired->generation) {
        observed_start(desired, &answer);
        answer.needs_snapshot = true;
        observed_send(desired, &answer);
        return;
    }
    delta_receive(desired, message);
}

void
desired_read_back(struct desired *desired, uint64_t request)
{
    full_report(desired, request, "", 0, 0);
}

void
desired_tell_held(struct desired *desired, uint64_t request)
{
    size_t count = datapath_rule_count(desired->datapath), at = 0;
    struct rule *part = mem_new(HELD_PART, sizeof(*part)); /* shallow: only encoded */
    struct wire_observed observed;
    observed_start(desired, &observed);
    observed.request = request;
    observed.held = part;
    do {
        for (observed.held_count = 0; at < count && observed.held_count < HELD_PART; at++) {
            const struct rule *rule = datapath_rule_at(desired->datapath, at);
            if (observed_is_block(rule)) {
                part[observed.held_count] = *rule;
                part[observed.held_count++].expires_s =
                    deadlines_left_s(&desired->deadlines, rule->id);
            }
        }
        observed.is_last = at == count;
        (void)desired->handler.on_observed(desired->handler.context, &observed);
    } while (at < count);
    free(part);
}

/* What the maps do not hold is no part of the sum. */
static bool
held_sum(const struct desired *desired, const struct rule_report *reports, size_t count,
         const char *key, char sum[RULES_SUM_SIZE])
{
    struct rule_digest *digests = mem_new(count + 1, sizeof(*digests));
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        if (reports[i].state == RULE_APPLIED || reports[i].state == RULE_VERIFIED) {
            struct rule rule = *datapath_rule_at(desired->datapath, i); /* shallow */
            rule.expires_s = deadlines_left_s(&desired->deadlines, rule.id);
            rule_digest(&rule, &digests[held++]);
        }
    }
    bool is_made = rules_sum(digests, held, key, sum);
    free(digests);
    return is_made;
}

void
desired_tell_sum(struct desired *desired, uint64_t request, const char *key)
{
    size_t count = datapath_rule_count(desired->datapath), named = 0;
    struct rule_report *reports = mem_new(count + 1, sizeof(*reports));
    struct wire_observed observed;
    observed_start(desired, &observed);
    observed.request = request;
    if (desired->is_unsure || datapath_read_back(desired->datapath, true, reports) ||
        !held_sum(desired, reports, count, key, observed.sum)) {
        observed.sum[0] = '\0';
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct rule_report *report = &reports[i];
        if (report->state != RULE_VERIFIED || report->hits > 0 || report->why[0] != '\0') {
            reports[named++] = *report;
        }
    }
    parts_send(desired, &observed, reports, named);
    free(reports);
}

/* ---- once a second ---- */

static void
expire(struct desired *desired)
{
    int64_t now = clock_boot_us(desired->clock);
    struct hmap_node *node = hmap_first(&desired->deadlines.by_id);
    bool has_expired = false;
    while (node) {
        struct deadline *deadline = CONTAINER_OF(node, struct deadline, node);
        node = hmap_next(&desired->deadlines.by_id, node);
        if (deadline->at_us > now) {
            continue;
        }
        release_tell(desired, deadline->id);
        char ids[1][RULE_ID_SIZE];
        snprintf(ids[0], sizeof(ids[0]), "%s", deadline->id);
        log_info("desired", "rule expired", LOG_S("rule", deadline->id));
        if (datapath_change(desired->datapath, NULL, 0, (const char(*)[RULE_ID_SIZE])ids, 1,
                            NULL)) {
            log_error("desired", "an expired rule cannot be removed", LOG_S("rule", deadline->id));
            continue;
        }
        expiry_append(desired, deadline->id);
        hmap_remove(&desired->deadlines.by_id, &deadline->node);
        free(deadline);
        has_expired = true;
    }
    if (has_expired) {
        remaining_write(desired);
    }
}

/* Puts the same rules in again, exactly. */
static int
mend(struct desired *desired)
{
    size_t count = datapath_rule_count(desired->datapath);
    struct rule *rules = mem_new(count, sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        rule_copy(&rules[i], datapath_rule_at(desired->datapath, i));
        rules[i].expires_s = deadlines_left_s(&desired->deadlines, rules[i].id);
    }
    int result = datapath_set(desired->datapath, rules, count, NULL);
    for (size_t i = 0; i < count; i++) {
        rule_fini(&rules[i]);
    }
    free(rules);
    return result;
}

/* What a look at the maps found. */
struct findings {
    struct rule_report *reports; /* owned; of every rule */
    size_t count;
    uint64_t digest; /* of what is wrong; 0: nothing */
    uint32_t wrong;
    bool is_lost; /* an entry is missing or altered that the kernel had taken */
    char problem[TEXT_SIZE];
};

static void
finding_add(struct findings *findings, const struct rule_report *report, bool is_refused)
{
    const uint64_t parts[] = {hash_text(report->id), hash_text(report->why), report->state};
    findings->digest += hash_bytes(parts, sizeof(parts)); /* in any order */
    findings->is_lost = findings->is_lost || !is_refused;
    if (findings->wrong++ == 0) {
        snprintf(findings->problem, sizeof(findings->problem), "rule %.100s: %.300s", report->id,
                 report->why);
    }
}

/* False: the maps cannot be read. */
static bool
look(const struct desired *desired, struct findings *findings)
{
    size_t count = datapath_rule_count(desired->datapath);
    *findings =
        (struct findings){.reports = mem_new(count, sizeof(struct rule_report)), .count = count};
    if (datapath_read_back(desired->datapath, false, findings->reports)) {
        findings->count = 0;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct rule_report *report = &findings->reports[i];
        if (report->state == RULE_ABSENT || report->state == RULE_FAILED) {
            finding_add(findings, report, datapath_is_refused(desired->datapath, report->id));
        }
    }
    return true;
}

static void
findings_tell(struct desired *desired, const struct findings *findings, unsigned mended,
              const char *port_problem)
{
    struct wire_observed observed;
    observed_start(desired, &observed);
    observed.repaired = findings->wrong + mended;
    snprintf(observed.problem, sizeof(observed.problem), "%s",
             mended ? port_problem : findings->problem);
    log_error("desired", "the switch did not hold what it should; mending",
              LOG_S("problem", observed.problem), LOG_I("differences", observed.repaired));
    full_send(desired, &observed, findings->reports, findings->count);
}

/* Puts the rules in again, and plans when to try once more should that not have been enough. */
static void
mend_once(struct desired *desired, bool is_news)
{
    struct findings left;
    int result = mend(desired);
    if (result && is_news) {
        log_error("desired", "cannot mend", LOG_S("error", strerror(-result)));
    }
    if (look(desired, &left)) {
        desired->problems = left.digest;
    }
    int64_t most_us = left.is_lost ? MEND_LOST_MOST_US : MEND_MOST_US;
    int64_t next_us = is_news ? MEND_FIRST_US : desired->mend_wait_us * 2;
    desired->mend_wait_us = next_us < most_us ? next_us : most_us;
    desired->mend_at_us = clock_boot_us(desired->clock) + desired->mend_wait_us;
    free(left.reports);
}

/* Says what was found wrong first, mends, then says how it is now.  What mending did not help is
 * said once and tried again ever more rarely; whatever differs from it is news. */
static void
check(struct desired *desired)
{
    char port_problem[TEXT_SIZE] = "";
    struct findings found;
    bool is_known = look(desired, &found);
    unsigned mended = datapath_check_ports(desired->datapath, port_problem);
    const uint64_t before = desired->problems;
    bool is_news = is_known && found.digest != before;
    bool is_due = found.wrong > 0 && clock_boot_us(desired->clock) >= desired->mend_at_us;
    if ((is_news && found.wrong > 0) || mended > 0) {
        findings_tell(desired, &found, mended, port_problem);
    } else if (is_news) {
        log_info("desired", "the switch holds again what it should", LOG_END);
    }
    desired->problems = is_known ? found.digest : before;
    if (found.wrong > 0 && (is_news || is_due)) {
        mend_once(desired, is_news);
    }
    if (is_news || mended > 0 || desired->problems != before) {
        full_report(desired, 0, "", 0, 0);
    }
    free(found.reports);
}

void
desired_tick(struct desired *desired)
{
    desired->ticks++;
    expire(desired);
    if (desired->ticks % CHECK_TICKS == 0) {
        check(desired);
    }
    journal_complain(journal_sync(desired->journal), "changes");
    size_t size = journal_size(desired->journal);
    bool is_long = size > COMPACT_LEAST && size > desired->snapshot_size * 2;
    bool is_due = journal_is_behind(desired->journal) && desired->ticks % BEHIND_TICKS == 0;
    if ((is_long || is_due) && !journal_is_replacing(desired->journal)) {
        snapshot_write(desired, true);
    }
    if (desired->ticks % REMAINING_TICKS == 0 && desired->deadlines.is_dirty) {
        remaining_write(desired);
    }
}

void
desired_suspend(struct desired *desired, bool is_suspended)
{
    desired->is_suspended_here = is_suspended;
    datapath_suspend(desired->datapath, desired_is_suspended(desired));
    journal_complain(panic_keep(desired->state_dir, is_suspended), "suspension");
    full_report(desired, 0, "", 0, 0);
}

bool
desired_is_suspended(const struct desired *desired)
{
    return desired->is_suspended || desired->is_suspended_here;
}

bool
desired_is_behind(const struct desired *desired)
{
    return journal_is_behind(desired->journal);
}

uint64_t
desired_epoch(const struct desired *desired)
{
    return desired->epoch;
}

uint64_t
desired_generation(const struct desired *desired)
{
    return desired->generation;
}

const struct datapath *
desired_datapath(const struct desired *desired)
{
    return desired->datapath;
}
