/* What switches say: connected or not, what they hold, what they counted.  It is written down here,
 * judged (judge.c), and what is missing sent again (switches.c). */
#include "controller/controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/adopt.h"
#include "controller/audit/checkpoints.h"
#include "controller/judge.h"
#include "controller/notices/notices.h"
#include "controller/overdue.h"
#include "controller/recovery/unproven.h"
#include "controller/slot.h"
#include "controller/switches.h"
#include "wire/message.h"

#define EPOCH_LEAP 1000000 /* above ours: restarts and take-overs that we do not know of */

void
switch_problem(struct controller *controller, struct switch_state *sw, const char *problem)
{
    char text[TEXT_SIZE];
    if (overdue_is_mute(sw) && sw->device.is_connected) {
        overdue_text(sw, text); /* whatever comes of trying: it is the cause */
        problem = text;
    }
    if (strcmp(sw->problem, problem) == 0) {
        return;
    }
    text_put(sw->problem, sizeof(sw->problem), problem);
    if (problem[0] != '\0') {
        log_warn("controller", "switch has a problem", LOG_S("switch", sw->device.switch_name),
                 LOG_S("problem", sw->problem));
    }
    switch_publish(controller, sw);
}

/* Somebody altered the switch, or it lost something: people must be able to see later that it
 * happened, also when it was mended at once or no containment was touched. */
static void
altered_note(struct controller *controller, struct switch_state *sw, size_t count,
             const char *problem)
{
    uint64_t swallowed = 0;
    char detail[TEXT_SIZE];
    log_error("controller", "ALARM: switch did not hold what it should",
              LOG_S("switch", sw->device.switch_name), LOG_S("problem", problem),
              LOG_I("differences", count));
    if (!log_limit_pass(&sw->altered_limit, clock_boot_us(controller->clock), &swallowed)) {
        return;
    }
    char text[TEXT_SIZE];
    int used = snprintf(text, sizeof(text), "%zu differences", count);
    if (swallowed > 0) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, " (%llu times more since)",
                         (unsigned long long)swallowed);
    }
    snprintf(text + used, sizeof(text) - (size_t)used, ": %.400s", problem);
    text_put(detail, sizeof(detail), text);
    struct store_change *change = store_change_new();
    store_put_audit(change, clock_wall_us(controller->clock), "cordon", "altered",
                    sw->device.switch_name, detail);
    store_submit(controller->store, change, NULL, NULL);
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, sw->device.switch_name,
                        detail);
}

/* The answer to its first snapshot speaks of everything: looked at when it is whole. */
static void
look_at(struct controller *controller, const struct switch_state *sw, struct entry *entry)
{
    if (sw->is_settled) {
        judge_look(controller, entry);
    }
}

static void
report_take(struct controller *controller, struct switch_state *sw,
            const struct wire_observed *observed, const struct rule_report *report)
{
    const struct asked *asked = asked_find(&controller->asked, report->id);
    struct slot *slot = asked ? slot_find(&sw->slots, asked) : NULL;
    if (!slot) {
        sw->unknown_count++;
        return;
    }
    slot->is_named = observed->is_full;
    bool is_changed = slot_hits(&sw->slots, asked) != report->hits;
    slot_count(&sw->slots, asked, report->hits);
    if (slot->is_pushed) {
        return; /* a newer push of it is on its way */
    }
    struct entry *entry = asked->entry;
    if (entry && observed->applied_us > entry->written_us) {
        entry->written_us = observed->applied_us;
    }
    bool is_held = report->state == RULE_APPLIED || report->state == RULE_VERIFIED;
    sw->lost_count += slot_is_held(slot) && !is_held;
    is_changed = is_changed || slot->state != report->state || slot_why(&sw->slots, asked) ||
                 report->why[0] != '\0';
    slot_say(&sw->slots, asked, report->state, report->state == RULE_VERIFIED ? "" : report->why);
    if (entry && is_changed) {
        look_at(controller, sw, entry);
    }
    sw->needs_repair =
        sw->needs_repair || report->state == RULE_ABSENT || report->state == RULE_FAILED;
}

/* The end of a full report: what it did not name is not there. */
static void
report_end(struct controller *controller, struct switch_state *sw, uint64_t generation)
{
    for (size_t i = 0; i < sw->slots.room; i++) {
        const struct slot *slot = &sw->slots.items[i];
        if (!slot->is_asked || slot->is_named || slot->is_pushed) {
            continue;
        }
        const struct asked *asked = asked_at(&controller->asked, i);
        sw->lost_count += slot_is_held(slot);
        slot_say(&sw->slots, asked, RULE_ABSENT, "the rule is not there any more");
        sw->needs_repair = true;
        if (asked->entry) {
            look_at(controller, sw, asked->entry);
        }
    }
    if (sw->unknown_count > 0 && generation == sw->generation) {
        log_warn("controller", "switch holds rules that it must not hold",
                 LOG_S("switch", sw->device.switch_name), LOG_I("count", sw->unknown_count));
        sw->needs_snapshot = true;
        altered_note(controller, sw, sw->unknown_count, "it holds rules that it must not hold");
    }
    sw->is_reading = false;
    sw->read_back_us = clock_wall_us(controller->clock);
}

static void
missing_count(struct switch_state *sw)
{
    sw->missing_count = 0;
    for (size_t i = 0; i < sw->slots.room; i++) {
        sw->missing_count += sw->slots.items[i].is_asked && slot_is_missing(&sw->slots.items[i]);
    }
}

/* Who drives is for people, on both sides: an audit row and a notice. */
static void
reign_note(struct controller *controller, struct switch_state *sw, const char *action,
           const char *detail)
{
    uint64_t swallowed = 0;
    log_error("controller", "ALARM: two controllers", LOG_S("switch", sw->device.switch_name),
              LOG_S("what", detail));
    if (!log_limit_pass(&sw->altered_limit, clock_boot_us(controller->clock), &swallowed)) {
        return;
    }
    struct store_change *change = store_change_new();
    store_put_audit(change, clock_wall_us(controller->clock), "cordon", action,
                    sw->device.switch_name, detail);
    store_submit(controller->store, change, NULL, NULL);
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, sw->device.switch_name,
                        detail);
}

/* That switch is not ours to drive any more; the others are.  One that only says so has harmed
 * nobody but itself. */
static void
fence(struct controller *controller, struct switch_state *sw, const char *detail)
{
    if (sw->is_fenced) {
        return;
    }
    sw->is_fenced = true;
    sw->is_settled = false; /* what it says from now on is another's doing */
    reign_note(controller, sw, "fenced", detail);
    switch_publish(controller, sw);
    judge_look_at_all(controller);
}

static void
climb(struct controller *controller, struct switch_state *sw, uint64_t epoch)
{
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail),
             "it had epoch %llu, of another controller or of this one before its state was "
             "restored: this one goes on with %llu",
             (unsigned long long)epoch, (unsigned long long)epoch + 1);
    reign_note(controller, sw, "took_over", detail);
    unproven_doubt(controller, "a switch has seen a higher epoch than this database");
    controller->epoch = epoch;
    controller_start(controller);
}

/* Somebody else drove that switch with a higher epoch, or with ours, which nobody but we can have,
 * or somebody with a copy of our state.  Seen before we ever drove it: our own former life, a
 * restored backup or such a copy, and we go on above it.  Seen on a switch that we were driving:
 * another controller took it over, and we leave it alone.  No reigns are as many as EPOCH_LEAP:
 * that is a lie, or a spoilt disk, and nothing to climb to. */
static void
epoch_meet(struct controller *controller, struct switch_state *sw, uint64_t epoch)
{
    char detail[TEXT_SIZE];
    sw->device.epoch = epoch;
    bool is_above = epoch > controller->epoch;
    bool is_copy = epoch == controller->epoch && sw->driven_epoch != epoch;
    if (is_above && epoch - controller->epoch > EPOCH_LEAP) {
        snprintf(detail, sizeof(detail),
                 "it says epoch %llu, ours is %llu: no controller can have come so far",
                 (unsigned long long)epoch, (unsigned long long)controller->epoch);
        fence(controller, sw, detail);
    } else if (is_above && controller->is_started && sw->driven_epoch > 0) {
        snprintf(detail, sizeof(detail),
                 "it has seen epoch %llu, ours is %llu: another controller took it over, this one "
                 "does not drive it any more",
                 (unsigned long long)epoch, (unsigned long long)controller->epoch);
        fence(controller, sw, detail);
    } else if ((is_above || is_copy) && !sw->is_fenced) {
        climb(controller, sw, epoch);
    }
}

static void
refusal_take(struct controller *controller, struct switch_state *sw,
             const struct wire_observed *observed)
{
    char text[TEXT_SIZE];
    sw->is_reading = false;
    if (observed->needs_snapshot) {
        snprintf(text, sizeof(text), "lost count of what it holds: everything is sent again");
    } else {
        snprintf(text, sizeof(text), "%.480s", observed->refused);
    }
    if (observed->epoch > 0) { /* its own word: the driver's has none */
        overdue_refused(controller, sw, text);
    }
    switch_problem(controller, sw, text);
    sw->needs_snapshot = true;
    switch_repair(controller, sw);
}

static void
suspended_here_tell(struct controller *controller, const struct switch_state *sw)
{
    bool is_on = sw->is_suspended_here;
    char account[NAME_SIZE];
    struct store_change *change = store_change_new();
    struct notice notice = {.kind = is_on ? NOTICE_PANIC : NOTICE_RESUME,
                            .severity = SEVERITY_HIGH};
    snprintf(account, sizeof(account), "switch:%.50s", sw->device.switch_name);
    text_put(notice.object, sizeof(notice.object), sw->device.switch_name);
    text_put(notice.account, sizeof(notice.account), account);
    text_put(notice.detail, sizeof(notice.detail),
             is_on ? "somebody at the switch suspended enforcement on it"
                   : "somebody at the switch resumed enforcement on it");
    log_warn("controller", notice.detail, LOG_S("switch", sw->device.switch_name));
    store_put_audit(change, clock_wall_us(controller->clock), account, is_on ? "panic" : "resume",
                    sw->device.switch_name, notice.detail);
    notices_put(controller, change, &notice);
    store_submit(controller->store, change, NULL, NULL);
}

static void
suspension_check(struct controller *controller, struct switch_state *sw,
                 const struct wire_observed *observed)
{
    bool is_current = observed->generation == sw->generation;
    if (sw->is_suspended_here != observed->is_suspended_here) {
        sw->is_suspended_here = observed->is_suspended_here;
        suspended_here_tell(controller, sw);
    }
    if (observed->is_suspended_here) {
        return; /* whoever stands at the switch has his reasons */
    }
    if (is_current && observed->is_suspended != controller->suspension.is_suspended) {
        log_error("controller", "ALARM: switch disagrees about the suspension",
                  LOG_S("switch", sw->device.switch_name));
        sw->needs_repair = true;
    }
}

/* What its first answer does not prove is judged before it is mended: people must hear of it. */
static void
doubtful_look(struct controller *controller, const struct switch_state *sw)
{
    for (size_t i = 0; i < sw->slots.room; i++) {
        const struct slot *slot = &sw->slots.items[i];
        const struct asked *asked = slot->is_asked ? asked_at(&controller->asked, i) : NULL;
        if (asked && asked->entry && slot->state == RULE_FAILED) {
            judge_look(controller, asked->entry);
        }
    }
}

static void
switch_observed(struct controller *controller, struct switch_state *sw,
                const struct wire_observed *observed)
{
    bool was_settled = sw->is_settled;
    sw->observed_generation = observed->generation;
    slots_answered(&sw->slots, observed->generation);
    if (observed->is_full && !sw->is_in_full) {
        slots_unname(&sw->slots);
        sw->is_in_full = true;
    }
    for (size_t i = 0; i < observed->rule_count; i++) {
        report_take(controller, sw, observed, &observed->rules[i]);
    }
    if (observed->is_last && observed->is_full) {
        report_end(controller, sw, observed->generation);
        suspension_check(controller, sw, observed);
    }
    if (observed->is_last) {
        if (sw->lost_count > 0 && observed->repaired == 0) { /* else it was noted already */
            altered_note(controller, sw, sw->lost_count, "rules are not there any more");
        }
        sw->is_in_full = sw->is_in_full && !observed->is_full;
        sw->unknown_count = sw->lost_count = 0;
        sw->is_settled = sw->is_settled || observed->generation >= sw->snapshot_generation;
        missing_count(sw);
    }
    overdue_answered(controller, sw, observed->generation);
    if (sw->is_settled && !was_settled) {
        doubtful_look(controller, sw);
        judge_look_at_all_soon(controller);
        switch_publish(controller, sw);
    }
    if (observed->is_last && !sw->needs_repair && !sw->needs_snapshot) {
        sw->pause_us = 0;
        sw->retry_us = 0;
        switch_problem(controller, sw, sw->device.problem);
    } else if (observed->is_last && sw->missing_count > 0) {
        char text[TEXT_SIZE];
        snprintf(text, sizeof(text), "%zu rules are not in force", sw->missing_count);
        switch_problem(controller, sw, text);
    }
}

void
controller_observed(struct controller *controller, const struct wire_observed *observed)
{
    struct switch_state *sw = switch_by_name(controller, observed->switch_name);
    if (!sw) {
        return;
    }
    bool is_own_word = observed->refused[0] == '\0' || observed->epoch > 0; /* else the driver's */
    sw->seen_us = is_own_word ? clock_wall_us(controller->clock) : sw->seen_us;
    epoch_meet(controller, sw, observed->epoch);
    text_put(sw->edge_problem, sizeof(sw->edge_problem), observed->problem);
    if (observed->problem[0] != '\0') {
        log_warn("controller", "switch mended or reports", LOG_S("switch", observed->switch_name),
                 LOG_S("problem", observed->problem), LOG_I("repaired", observed->repaired));
    }
    if (observed->repaired > 0 && observed->is_last) {
        altered_note(controller, sw, observed->repaired, observed->problem);
    }
    if (unproven_take(controller, sw, observed)) {
        switches_flush(controller);
        return;
    }
    if (adopt_take(controller, sw, observed)) {
        switches_flush(controller);
        return;
    }
    if (!sw->has_snapshot) {
        return; /* about a time before this connection */
    }
    if (observed->needs_snapshot || observed->refused[0] != '\0') {
        refusal_take(controller, sw, observed);
    } else {
        switch_observed(controller, sw, observed);
    }
    judge_looked(controller); /* the alarm comes before the repair */
    switch_repair(controller, sw);
    switches_flush(controller);
}

static struct switch_state *
switch_new(struct controller *controller)
{
    struct switch_state *sw = MEM_NEW(struct switch_state);
    slots_init(&sw->slots);
    sw->altered_limit = (struct log_limit){.period_us = 60000000, .burst = 10};
    TAILQ_INSERT_TAIL(&controller->switches, sw, link);
    sw->index = controller->switch_count++;
    controller->switch_order = mem_resize(controller->switch_order, controller->switch_count,
                                          sizeof(struct switch_state *));
    controller->switch_order[sw->index] = sw;
    return sw;
}

void
controller_device(struct controller *controller, const struct wire_device *device)
{
    struct switch_state *sw = switch_by_name(controller, device->switch_name);
    sw = sw ? sw : switch_new(controller);
    bool was_connected = sw->device.is_connected;
    int64_t now_us = clock_wall_us(controller->clock);
    bool is_protected = ip_is_equal(&sw->device.mirror_source, &device->mirror_source);
    sw->device = *device;
    snprintf(sw->site, sizeof(sw->site), "%s",
             policy_site_of(engine_policy(controller->engine), device->switch_name));
    if (!is_protected) {
        switches_refresh_common(controller);
    }
    checkpoints_device(controller, device);
    overdue_connection(controller, sw);
    if (device->is_connected && device->generation < sw->observed_generation) {
        slots_doubt(&sw->slots); /* it lost some of what it held */
    }
    sw->has_snapshot = sw->is_settled = sw->is_reading = sw->is_in_full = false;
    sw->pause_us = sw->retry_us = 0;
    sw->look_first = sw->look_request = sw->look_found = 0;
    sw->look_why[0] = '\0';
    adopt_begin(sw);
    if (device->is_connected) {
        sw->seen_us = now_us;
        sw->came_us = sw->came_us ? sw->came_us : clock_boot_us(controller->clock);
        sw->is_fenced = false; /* it says anew whose it is */
        topology_set_mirror_source(controller->topology, device->switch_name,
                                   &device->mirror_source);
        epoch_meet(controller, sw, device->epoch);
        switch_problem(controller, sw, device->problem);
    } else {
        sw->gone_us = was_connected ? now_us : sw->gone_us;
        topology_switch_gone(controller->topology, device->switch_name);
        switch_problem(controller, sw, device->problem[0] ? device->problem : "not connected");
    }
    if (device->is_connected) {
        judge_look_at_all_soon(controller);
    } else {
        judge_look_at_all(controller);
    }
    switch_publish(controller, sw);
    switches_flush(controller);
}

void
controller_driver_gone(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (sw->device.is_connected) {
            sw->device.is_connected = false;
            sw->has_snapshot = sw->is_settled = sw->is_reading = sw->is_in_full = false;
            sw->gone_us = clock_wall_us(controller->clock);
            overdue_forget(sw);
            switch_problem(controller, sw, "the driver process is away");
        }
    }
    judge_look_at_all(controller);
    judge_looked(controller);
}

void
switch_stats_fini(struct switch_stats *stats)
{
    free(stats->counters);
    free(stats->problems);
    *stats = (struct switch_stats){0};
}

static void *
copy_of(const void *items, size_t size)
{
    return size > 0 ? memcpy(mem_new(size, 1), items, size) : NULL;
}

void
controller_edge_stats(struct controller *controller, const struct wire_edge_stats *stats)
{
    struct switch_state *sw = switch_by_name(controller, stats->switch_name);
    if (!sw) {
        return;
    }
    switch_stats_fini(&sw->stats);
    sw->stats = (struct switch_stats){
        .at_us = stats->at_us,
        .counters = copy_of(stats->counters, stats->counter_count * sizeof(*stats->counters)),
        .counter_count = stats->counter_count,
        .problems = copy_of(stats->problems, stats->problem_count * sizeof(*stats->problems)),
        .problem_count = stats->problem_count};
    sw->has_stats = true;
    sw->seen_us = clock_wall_us(controller->clock);
    if (stats->at_us > 0) {
        sw->device.skew_us = stats->at_us - sw->seen_us;
    }
}
