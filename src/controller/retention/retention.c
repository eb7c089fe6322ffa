#include "controller/retention/retention.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "controller/audit/checkpoints.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/records.h"
#include "controller/retention/retention_state.h"
#include "controller/state.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define JUMP_US (600 * SECOND_US)
#define SPARE_US (300 * SECOND_US)
#define SURVEY_STALE_US (600 * SECOND_US)
#define SURVEY_PAUSE_US (60 * SECOND_US)

/* In this order: what refers to something goes before it. */
static const struct retention_stage pass_stages[] = {
    {SWEEP_AUDIT, SWEEP_DROP, RETENTION_AUDIT},
    {SWEEP_EVIDENCE, SWEEP_DROP, RETENTION_EVIDENCE},
    {SWEEP_DETECTIONS, SWEEP_DROP, RETENTION_DETECTIONS},
    {SWEEP_INCIDENTS, SWEEP_DROP, RETENTION_DETECTIONS},
    {SWEEP_NAMES, SWEEP_PLAIN, RETENTION_NAMES},
    {SWEEP_INCIDENTS, SWEEP_PLAIN, RETENTION_NAMES},
    {SWEEP_CONTAINMENTS, SWEEP_DROP, RETENTION_CONTAINMENTS},
    {SWEEP_NOTICES, SWEEP_DROP, RETENTION_NOTICES},
    {SWEEP_MESSAGES, SWEEP_DROP, RETENTION_NOTICES},
};
static const struct retention_stage survey_stages[] = {
    {SWEEP_EVIDENCE, SWEEP_LOOK, RETENTION_EVIDENCE},
    {SWEEP_NAMES, SWEEP_LOOK, RETENTION_NAMES},
    {SWEEP_DETECTIONS, SWEEP_LOOK, RETENTION_DETECTIONS},
    {SWEEP_INCIDENTS, SWEEP_LOOK, RETENTION_DETECTIONS},
    {SWEEP_CONTAINMENTS, SWEEP_LOOK, RETENTION_CONTAINMENTS},
    {SWEEP_NOTICES, SWEEP_LOOK, RETENTION_NOTICES},
    {SWEEP_MESSAGES, SWEEP_LOOK, RETENTION_NOTICES},
    {SWEEP_ENDPOINTS, SWEEP_LOOK, RETENTION_ENDPOINTS},
    {SWEEP_AUDIT, SWEEP_LOOK, RETENTION_AUDIT},
};

struct retention *
retention_new(void)
{
    struct retention *retention = MEM_NEW(struct retention);
    retention_usual(&retention->settings);
    return retention;
}

void
retention_free(struct retention *retention)
{
    free(retention);
}

void
retention_setting(struct controller *controller, const char *name, const char *value)
{
    struct retention *r = controller->retention;
    struct checkpoint anchor;
    retention_disk_setting(r, name, value);
    if (strcmp(name, RETENTION_SETTING) == 0 && !retention_parse(value, &r->settings)) {
        r->is_unreadable = true;
        log_error("core",
                  "the stored retention cannot be read: nothing goes by its age until it is"
                  " set",
                  LOG_S("value", value));
    } else if (strcmp(name, RETENTION_CLOCK) == 0 &&
               sscanf(value, "%" SCNd64 " %" SCNd64, &r->known_us, &r->hold_wall_us) != 2) {
        r->hold_wall_us = INT64_MAX; /* a day */
    } else if (strcmp(name, AUDIT_ANCHOR) == 0 && anchor_line_find(value, &anchor)) {
        r->anchor = anchor; /* proven before rows are taken by it */
    }
}

void
retention_loaded(struct controller *controller)
{
    struct retention *r = controller->retention;
    int64_t row_us = store_audit_time(controller->store);
    r->known_us = row_us > r->known_us ? row_us : r->known_us;
}

int64_t
retention_known_us(const struct controller *controller)
{
    return controller->retention->known_us;
}

int64_t
retention_open_us(const struct controller *controller)
{
    return engine_collects_since(controller->engine);
}

bool
retention_needs(const struct controller *controller, const struct endpoint *endpoint)
{
    char why[TEXT_SIZE];
    const struct entry *entry = NULL;
    while ((entry = entry_next_of(controller, endpoint->id, entry)) != NULL) {
        if (!lifecycle_is_ended(entry->c.state)) {
            return true;
        }
    }
    return controller_is_protected(controller, endpoint, why);
}

static int64_t
before_us(const struct controller *controller, enum retention_kind kind)
{
    const struct retention *r = controller->retention;
    return r->as_of_us - (int64_t)r->settings.days[kind] * DAY_US;
}

/* ---- slices ---- */

static void slice_next(struct controller *controller);

static void
on_slice(void *context, int error)
{
    struct controller *controller = context;
    struct retention *r = controller->retention;
    r->is_busy = false;
    if (error) {
        log_error("core", "a slice of retention was not stored", LOG_S("why", strerror(-error)));
        r->sweep.is_over = true; /* the next pass goes on with it */
    } else {
        r->sweep = r->trial;
    }
    if (r->slices_left > 0 && !r->sweep.is_over && !r->is_stopping) {
        slice_next(controller);
    }
}

static void
slice_next(struct controller *controller)
{
    struct retention *r = controller->retention;
    struct store_change *change = store_change_new();
    r->slices_left--;
    r->is_busy = true;
    r->trial = r->sweep;
    store_put_sweep(change, &r->trial);
    store_submit(controller->store, change, on_slice, controller);
}

/* One row of the audit for each kind of which something went. */
static void
tell_taken(struct controller *controller, enum retention_kind kind, uint64_t rows, const char *why)
{
    char detail[TEXT_SIZE];
    struct store_change *change = store_change_new();
    snprintf(detail, sizeof(detail), "%" PRIu64 " rows, %s", rows, why);
    store_put_audit(change, clock_wall_us(controller->clock), "retention", "retention.prune",
                    retention_kind_names[kind], detail);
    store_submit(controller->store, change, NULL, NULL);
}

/* ---- the audit: only behind an anchor ---- */

static void
on_anchored(void *context, int error)
{
    struct controller *controller = context;
    struct retention *r = controller->retention;
    r->is_busy = false;
    if (!error) {
        r->anchor = r->next_anchor;
    }
}

/* In one commit: what says where the chain begins from now on, and that it does. */
static void
anchor_put(struct controller *controller)
{
    struct retention *r = controller->retention;
    struct checkpoint *anchor = &r->next_anchor;
    char line[CHECKPOINT_NOTE_SIZE], detail[TEXT_SIZE];
    anchor->at_us = clock_wall_us(controller->clock);
    checkpoints_sign(controller, anchor);
    checkpoint_line_format(anchor, line);
    snprintf(detail, sizeof(detail), "rows up to %" PRId64 " go, older than %" PRIu32 " days",
             anchor->number, r->settings.days[RETENTION_AUDIT]);
    struct store_change *change = store_change_new();
    store_put_setting(change, AUDIT_ANCHOR, line);
    store_put_audit(change, anchor->at_us, "retention", "retention.prune", "audit", detail);
    store_submit(controller->store, change, on_anchored, controller);
}

static void
on_checked(void *context, const struct checkpoint_check *check)
{
    struct controller *controller = context;
    struct retention *r = controller->retention;
    r->is_busy = false;
    if (check->error || check->chain->fault != AUDIT_SOUND || r->is_stopping) {
        return; /* somebody was at it: what is left is evidence, and stays */
    }
    r->is_busy = true;
    anchor_put(controller);
}

/* The first row that is young enough: what stands before it goes, and its hash it carries.  Before
 * that the whole chain is looked at: a cut by somebody else must not vanish behind ours. */
static void
on_first_young(void *context, const struct store_audit_answer *answer)
{
    static const uint8_t nothing[AUDIT_HASH_SIZE];
    struct controller *controller = context;
    struct retention *r = controller->retention;
    r->is_busy = false;
    if (answer->error || answer->count == 0 || r->is_stopping) {
        return;
    }
    const struct store_audit_row *row = &answer->rows[0];
    int64_t number = row->fields.number - 1;
    if (number > r->anchor.number && memcmp(row->before, nothing, AUDIT_HASH_SIZE) != 0) {
        r->next_anchor = (struct checkpoint){.number = number, .is_anchor = true};
        memcpy(r->next_anchor.hash, row->before, AUDIT_HASH_SIZE);
        r->is_busy = true;
        checkpoints_check(controller, NULL, NULL, 0, on_checked, controller);
    }
}

/* True: something is under way, or there is something to take. */
static bool
audit_begin(struct controller *controller)
{
    struct retention *r = controller->retention;
    if (!checkpoints_can_sign(controller) || clock_boot_us(controller->clock) < r->spare_until_us) {
        return false;
    }
    if (!r->is_anchoring) {
        const struct store_audit_question question = {
            .from_us = before_us(controller, RETENTION_AUDIT), .oldest_first = true, .limit = 1};
        r->is_anchoring = true;
        r->is_busy = true;
        store_read_audit(controller->store, &question, on_first_young, controller);
        return true;
    }
    return r->anchor.number > 0 && checkpoints_is_ours(controller, &r->anchor);
}

/* ---- a pass ---- */

static bool
is_prune(const struct retention_stage *stage)
{
    return stage->of == SWEEP_AUDIT && stage->act == SWEEP_DROP;
}

/* False: nothing to do in it, or not yet. */
static bool
stage_begin(struct controller *controller)
{
    struct retention *r = controller->retention;
    const struct retention_stage *stage = &r->stages[r->stage];
    if (is_prune(stage) && !audit_begin(controller)) {
        r->stage++;
        return false;
    }
    if (r->is_busy) {
        return false;
    }
    bool is_shedding = retention_is_shedding(r);
    bool is_all = stage->act == SWEEP_LOOK || is_prune(stage) || is_shedding;
    r->sweep = (struct store_sweep){
        .of = stage->of,
        .act = stage->act,
        .before_us = is_all ? INT64_MAX : before_us(controller, stage->kind),
        .open_us = retention_open_us(controller),
        .through = r->anchor.number,
        .place_us = INT64_MIN,
        .most_bytes = is_shedding ? r->shed_bytes : 0,
    };
    r->is_sweeping = true;
    return true;
}

static void
held_add(struct retention *r, const struct retention_stage *stage)
{
    struct retention_held *held = &r->held[stage->kind];
    held->rows += r->sweep.rows + r->sweep.kept;
    held->bytes += r->sweep.bytes;
    if (r->sweep.oldest_us > 0 && (held->oldest_us == 0 || r->sweep.oldest_us < held->oldest_us)) {
        held->oldest_us = r->sweep.oldest_us;
    }
}

static void
stage_end(struct controller *controller)
{
    struct retention *r = controller->retention;
    const struct retention_stage *stage = &r->stages[r->stage];
    r->is_sweeping = false;
    r->stage++;
    if (stage->act == SWEEP_LOOK) {
        held_add(r, stage);
        return;
    }
    r->taken[stage->kind] += r->sweep.rows;
    if (retention_is_shedding(r)) {
        retention_shed_note(controller, stage, r->sweep.rows, r->sweep.bytes);
    } else if (r->sweep.rows > 0 && stage->of != SWEEP_AUDIT) {
        tell_taken(controller, stage->kind, r->sweep.rows, "their time was over");
    }
}

static bool
is_old(void *context, const struct containment *c)
{
    return c->ended_us < *(const int64_t *)context;
}

static bool
is_needed(void *context, const struct endpoint *endpoint)
{
    return retention_needs(context, endpoint);
}

/* What is in memory follows: endpoints and addresses by their age, incidents as the store has them.
 * True: there is more. */
static bool
memory_step(struct controller *controller)
{
    struct retention *r = controller->retention;
    const struct topology_age age = {.endpoints_us = before_us(controller, RETENTION_ENDPOINTS),
                                     .bindings_us = before_us(controller, RETENTION_BINDINGS),
                                     .is_needed = is_needed,
                                     .context = controller};
    if (!r->is_topology_over && r->topology_place == 0) {
        int64_t ended_us = before_us(controller, RETENTION_CONTAINMENTS);
        entries_forget_ended(controller, is_old, &ended_us);
    }
    if (!r->is_topology_over) {
        r->is_topology_over = !topology_age(controller->topology, &age, TOPOLOGY_AGE_MOST,
                                            &r->topology_place, &r->aged);
        return true;
    }
    return records_follow_store(controller, retention_open_us(controller), &r->incident_place);
}

static void
clock_put(struct controller *controller)
{
    char value[64];
    struct store_change *change = store_change_new();
    snprintf(value, sizeof(value), "%" PRId64 " %" PRId64, clock_wall_us(controller->clock),
             controller->retention->hold_wall_us);
    store_put_setting(change, RETENTION_CLOCK, value);
    store_submit(controller->store, change, NULL, NULL);
}

static void
pass_tell(struct controller *controller)
{
    struct retention *r = controller->retention;
    uint64_t taken = 0;
    r->taken[RETENTION_ENDPOINTS] = r->aged.endpoints;
    r->taken[RETENTION_BINDINGS] = r->aged.bindings + r->aged.events;
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        taken += r->taken[i];
    }
    if (r->aged.endpoints > 0) {
        tell_taken(controller, RETENTION_ENDPOINTS, r->aged.endpoints, "not seen for as long");
    }
    if (r->taken[RETENTION_BINDINGS] > 0) {
        tell_taken(controller, RETENTION_BINDINGS, r->taken[RETENTION_BINDINGS],
                   "their time was over");
    }
    memcpy(r->taken_told, r->taken, sizeof(r->taken_told));
    clock_put(controller);
    if (taken > 0 || r->passed_us == 0) { /* the run before us may have been killed before it */
        r->is_settling = true;            /* before the disk is looked at again */
        store_scrub(controller->store);
    }
    r->surveyed_us = taken > 0 ? 0 : r->surveyed_us; /* counted anew */
    r->passed_us = clock_wall_us(controller->clock);
    controller_list_changed(controller, CHANGED_RETENTION);
}

static void
pass_end(struct controller *controller)
{
    struct retention *r = controller->retention;
    r->is_running = false;
    if (r->stages == pass_stages) {
        pass_tell(controller);
    } else if (r->stages == survey_stages) {
        r->surveyed_us = clock_wall_us(controller->clock);
        memcpy(r->held_told, r->held, sizeof(r->held_told));
        controller_list_changed(controller, CHANGED_RETENTION);
    }
}

void
retention_begin(struct controller *controller, const struct retention_stage *stages, size_t count)
{
    struct retention *r = controller->retention;
    r->stages = stages;
    r->stage_count = count;
    r->stage = 0;
    r->is_running = true;
    r->as_of_us = clock_wall_us(controller->clock);
    r->is_sweeping = r->is_anchoring = r->is_topology_over = false;
    r->topology_place = r->incident_place = 0;
    r->aged = (struct topology_aged){0};
    memset(r->taken, 0, sizeof(r->taken));
    memset(r->held, 0, sizeof(r->held));
}

static void
pass_step(struct controller *controller)
{
    struct retention *r = controller->retention;
    if (r->is_busy) {
        return;
    }
    if (r->is_sweeping && r->sweep.is_over) {
        stage_end(controller);
    }
    if (r->stage == r->stage_count) {
        if (r->stages != pass_stages || !memory_step(controller)) {
            pass_end(controller);
        }
    } else if (r->is_sweeping || stage_begin(controller)) {
        r->slices_left = RETENTION_SLICES;
        slice_next(controller);
    }
}

static void
next_begin(struct controller *controller, int64_t now_us)
{
    struct retention *r = controller->retention;
    if (now_us >= r->next_us && now_us >= r->hold_us && !r->is_unreadable) {
        r->next_us = now_us + RETENTION_EVERY_US;
        r->offset_us = clock_wall_us(controller->clock) - now_us;
        retention_begin(controller, pass_stages, COUNT_OF(pass_stages));
    } else if (now_us >= r->survey_next_us && (r->surveyed_us == 0 || r->is_survey_asked)) {
        r->is_survey_asked = false;
        r->survey_next_us = now_us + SURVEY_PAUSE_US;
        retention_begin(controller, survey_stages, COUNT_OF(survey_stages));
    }
}

/* The wall clock says how old something is: when somebody has set it forward by a year, nothing
 * must go before he had a day to see it, whatever is set or started anew meanwhile. */
static void
hold_begin(struct controller *controller, int64_t now_us, const char *why, int64_t by_us)
{
    struct retention *r = controller->retention;
    log_warn("core", "nothing goes by its age for a day", LOG_S("why", why),
             LOG_I("by_s", by_us / SECOND_US));
    r->hold_us = now_us + DAY_US;
    r->hold_wall_us = clock_wall_us(controller->clock) + DAY_US;
    clock_put(controller);
}

/* Steps since the last pass add up. */
static void
clock_watch(struct controller *controller, int64_t now_us)
{
    struct retention *r = controller->retention;
    int64_t offset_us = clock_wall_us(controller->clock) - now_us;
    int64_t jump_us = offset_us - r->offset_us;
    if (jump_us > JUMP_US || jump_us < -JUMP_US) {
        hold_begin(controller, now_us, "the clock was set", jump_us);
        r->offset_us = offset_us;
    }
}

/* While we were away it may have been set, or the machine may have been off: that looks the same.
 */
static void
first_tick(struct controller *controller, int64_t now_us)
{
    struct retention *r = controller->retention;
    int64_t wall_us = clock_wall_us(controller->clock);
    r->is_begun = true;
    r->next_us = r->next_us > 0 ? r->next_us : now_us + RETENTION_FIRST_US;
    r->survey_next_us = now_us + RETENTION_FIRST_US / 4;
    r->offset_us = wall_us - now_us;
    if (r->is_unreadable) {
        notices_tell_object(controller, NOTICE_STORE, SEVERITY_MEDIUM, "retention",
                            "the stored retention cannot be read: nothing goes by its age until it "
                            "is set with 'cordonctl retention set'");
    }
    if (r->known_us > 0 && wall_us - r->known_us > DAY_US + RETENTION_EVERY_US) {
        hold_begin(controller, now_us, "it is later than it was", wall_us - r->known_us);
    } else if (r->hold_wall_us > wall_us) {
        int64_t left_us = r->hold_wall_us - wall_us;
        r->hold_us = now_us + (left_us < DAY_US ? left_us : DAY_US);
    }
}

void
retention_tick(struct controller *controller)
{
    struct retention *r = controller->retention;
    int64_t now_us = clock_boot_us(controller->clock);
    if (r->is_stopping) {
        return;
    }
    if (!r->is_begun) { /* also where somebody has set something before */
        first_tick(controller, now_us);
    }
    clock_watch(controller, now_us);
    store_set_collecting(controller->store, retention_open_us(controller));
    retention_disk_tick(controller, now_us);
    if (!r->is_running) {
        next_begin(controller, now_us);
    }
    if (r->is_running) {
        pass_step(controller);
    }
}

void
retention_stop(struct controller *controller)
{
    controller->retention->is_stopping = true;
}

void
retention_survey(struct controller *controller)
{
    struct retention *r = controller->retention;
    int64_t age_us = clock_wall_us(controller->clock) - r->surveyed_us;
    r->is_survey_asked = r->is_survey_asked || age_us > SURVEY_STALE_US;
    if (r->surveyed_us == 0) {
        r->survey_next_us = 0; /* somebody looks */
    }
}

void
retention_spare_audit(struct controller *controller)
{
    controller->retention->spare_until_us = clock_boot_us(controller->clock) + SPARE_US;
}

/* ---- settings ---- */

const struct retention_settings *
controller_retention(const struct controller *controller)
{
    return &controller->retention->settings;
}

struct retaining {
    struct controller *controller;
    struct retention_settings settings;
    wish_done_fn *done;
    void *context;
};

static void
on_retained(void *context, int error)
{
    struct retaining *retaining = context;
    struct retention *r = retaining->controller->retention;
    if (!error) {
        r->settings = retaining->settings;
        r->is_unreadable = false;
        retention_disk_set(r);
        r->next_us = clock_boot_us(retaining->controller->clock) + SECOND_US;
        r->disk_us = 0;
        controller_list_changed(retaining->controller, CHANGED_RETENTION);
    }
    retaining->done(retaining->context, error ? WISH_FAILED : WISH_DONE,
                    error ? "it could not be stored" : "", NULL);
    free(retaining);
}

/* "names 90 -> 30, budget 0 -> 500 MiB": what differs. */
static void
difference(const struct retention_settings *from, const struct retention_settings *to,
           char text[TEXT_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        if (from->days[i] != to->days[i]) {
            used += (size_t)snprintf(text + used, TEXT_SIZE - used, "%s%s %" PRIu32 " -> %" PRIu32,
                                     used ? ", " : "", retention_kind_names[i], from->days[i],
                                     to->days[i]);
        }
    }
    if (from->budget_mib != to->budget_mib) {
        snprintf(text + used, TEXT_SIZE - used, "%sbudget %" PRIu32 " -> %" PRIu32 " MiB",
                 used ? ", " : "", from->budget_mib, to->budget_mib);
    }
}

void
controller_retain(struct controller *controller, const struct retention_settings *settings,
                  const char *account, const char *reason, wish_done_fn *done, void *context)
{
    char why[128], value[RETENTION_TEXT_SIZE], what[TEXT_SIZE], detail[2 * TEXT_SIZE + 8];
    if (!retention_check(settings, why)) {
        done(context, WISH_REFUSED, why, NULL);
        return;
    }
    struct retaining *retaining = MEM_NEW(struct retaining);
    *retaining = (struct retaining){
        .controller = controller, .settings = *settings, .done = done, .context = context};
    retention_format(settings, value);
    difference(&controller->retention->settings, settings, what);
    snprintf(detail, sizeof(detail), "%s%s%s", what, what[0] ? ": " : "", reason);
    struct store_change *change = store_change_new();
    store_put_setting(change, RETENTION_SETTING, value);
    store_put_audit(change, clock_wall_us(controller->clock), account, "retention.set", "retention",
                    detail);
    store_submit(controller->store, change, on_retained, retaining);
}

void
retention_look(const struct controller *controller, struct retention_view *view)
{
    const struct retention *r = controller->retention;
    *view = (struct retention_view){.surveyed_us = r->surveyed_us,
                                    .passed_us = r->passed_us,
                                    .is_running = r->is_running && r->stages == pass_stages,
                                    .is_unreadable = r->is_unreadable};
    memcpy(view->held, r->held_told, sizeof(view->held));
    memcpy(view->taken, r->taken_told, sizeof(view->taken));
    retention_disk_look(controller, view);
}
