#include "controller/controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/audit/checkpoints.h"
#include "controller/audit/forward.h"
#include "controller/clocks.h"
#include "controller/conflicts.h"
#include "controller/decide.h"
#include "controller/desired.h"
#include "controller/entry.h"
#include "controller/follow.h"
#include "controller/judge.h"
#include "controller/notices/notices.h"
#include "controller/overdue.h"
#include "controller/records.h"
#include "controller/recovery/unproven.h"
#include "controller/resite.h"
#include "controller/retention/retention.h"
#include "controller/slot.h"
#include "controller/storm.h"
#include "controller/switches.h"
#include "controller/unclear.h"
#include "controller/wish.h"
#include "controller/world.h"
#include "policy/budget.h"
#include "wire/view_system.h"

#define SECOND_US INT64_C(1000000)
#define WRITTEN_AT_ONCE 500 /* containments, in a quarter of a second */
#define MEMORY_MAX 20000    /* releases and isolations that policy is told of at start */

struct controller *
controller_new(const struct controller_settings *settings, const struct clock *clock,
               struct store *store, struct policy *policy, const struct controller_ports *ports)
{
    struct controller *controller = MEM_NEW(struct controller);
    controller->settings = *settings;
    if (controller->settings.reconcile_us == 0) {
        controller->settings.reconcile_us = 5 * SECOND_US;
    }
    if (controller->settings.answer_late_us == 0) {
        controller->settings.answer_late_us = 10 * SECOND_US;
    }
    controller->own_addresses =
        mem_new(settings->own_address_count + 1, sizeof(*controller->own_addresses));
    if (settings->own_address_count > 0) {
        memcpy(controller->own_addresses, settings->own_addresses,
               settings->own_address_count * sizeof(*controller->own_addresses));
    }
    clock_steady_init(&controller->steady, clock);
    clock = controller->clock = &controller->steady.clock;
    controller->began_us = clock_boot_us(clock);
    controller->store = store;
    controller->ports = *ports;
    hmap_init(&controller->by_id);
    hmap_init(&controller->by_subject);
    asked_init(&controller->asked);
    TAILQ_INIT(&controller->entries);
    TAILQ_INIT(&controller->laters);
    TAILQ_INIT(&controller->switches);
    TAILQ_INIT(&controller->proposals);
    controller->problem_limit = (struct log_limit){.period_us = SECOND_US / 20, .burst = 200};
    controller->pending_limit = (struct log_limit){.period_us = 60 * SECOND_US, .burst = 1};
    controller->detection_limit = (struct log_limit){.period_us = SECOND_US / 20, .burst = 200};
    controller->records = records_new();
    controller->notices = notices_new();
    controller->conflicts = conflicts_new();
    controller->checkpoints = checkpoints_new();
    controller->retention = retention_new();
    controller->talkers = talkers_new();
    controller->recent = recent_new();
    controller->outcome = MEM_NEW(struct outcome);
    controller->unclears = unclears_new();
    struct topology_listener listener;
    follow_listener(controller, &listener);
    const struct topology_settings topology = {.endpoint_limit = 0};
    controller->topology = topology_new(&topology, clock, &listener);
    world_init(controller, &controller->world);
    controller->engine = engine_new(policy, &controller->world, clock);
    engine_gather(controller->engine, true);
    world_set_sites(controller);
    switches_refresh_common(controller);
    return controller;
}

void
controller_free(struct controller *controller)
{
    if (!controller) {
        return;
    }
    while (!TAILQ_EMPTY(&controller->entries)) {
        entry_free(controller, TAILQ_FIRST(&controller->entries));
    }
    while (!TAILQ_EMPTY(&controller->proposals)) {
        struct proposal *proposal = TAILQ_FIRST(&controller->proposals);
        TAILQ_REMOVE(&controller->proposals, proposal, link);
        free(proposal);
    }
    switches_free(controller);
    wants_free(&controller->common);
    asked_fini(&controller->asked);
    engine_free(controller->engine);
    topology_free(controller->topology);
    records_free(controller->records);
    notices_free(controller->notices);
    conflicts_free(controller->conflicts);
    checkpoints_free(controller->checkpoints);
    retention_free(controller->retention);
    talkers_free(controller->talkers);
    recent_free(controller->recent);
    free(controller->outcome);
    unclears_free(controller->unclears);
    hmap_fini(&controller->by_id);
    hmap_fini(&controller->by_subject);
    free(controller->listed);
    free(controller->restored.looked);
    free(controller->looks);
    free(controller->told);
    free(controller->stale);
    free(controller->own_addresses);
    free(controller);
}

/* ---- from the store ---- */

static void
on_containment(void *context, const struct containment *containment)
{
    struct controller *controller = context;
    struct containment c;
    containment_copy(&c, containment);
    struct entry *entry = entry_new(controller, &c);
    entry_list(controller, entry);
    entry->was_verified = entry->c.verified_us > 0;
    entry->pushed_us = entry->c.requested_us;
    entry_due(controller, entry);
}

static void
on_incident(void *context, const struct incident *incident)
{
    struct controller *controller = context;
    records_restore_incident(controller, incident);
    engine_restore_incident(controller->engine, incident);
}

static void
on_annotation(void *context, const struct mac *mac, const struct annotation *annotation)
{
    struct controller *controller = context;
    if (!topology_annotate(controller->topology, mac, annotation)) {
        char text[MAC_TEXT_SIZE];
        mac_format(mac, text);
        log_error("controller", "too many annotations: one is not used", LOG_S("mac", text));
    }
}

static void
on_endpoint(void *context, const struct endpoint_record *record)
{
    struct controller *controller = context;
    topology_restore_endpoint(controller->topology, record);
    clocks_restored(controller, record);
}

/* "since account\nreason" */
static bool
since_parse(const char *value, int64_t *since_us, char account[NAME_SIZE], char text[TEXT_SIZE])
{
    long long since = 0;
    int used = 0;
    if (sscanf(value, "%lld %63[^\n]%n", &since, account, &used) != 2) {
        return false;
    }
    const char *rest = value + used;
    text_put(text, TEXT_SIZE, rest[0] == '\n' ? rest + 1 : rest);
    *since_us = since;
    return true;
}

static void
on_setting(void *context, const char *name, const char *value)
{
    struct controller *controller = context;
    notices_setting(controller, name, value);
    unproven_setting(controller, name, value);
    clocks_setting(controller, name, value);
    retention_setting(controller, name, value);
    if (strcmp(name, "epoch") == 0) {
        controller->epoch = strtoull(value, NULL, 10);
    } else if (strcmp(name, "suspended") == 0) {
        struct suspension_view *view = &controller->suspension;
        view->is_suspended = true;
        (void)since_parse(value, &view->since_us, view->account, view->reason);
    } else if (strncmp(name, "protected/", 10) == 0) {
        struct protection_view view = {.state = PROTECTION_CONFIRMED};
        snprintf(view.id, sizeof(view.id), "%s", name + 10);
        snprintf(view.endpoint_id, sizeof(view.endpoint_id), "%s", name + 10);
        if (since_parse(value, &view.since_us, view.account, view.why)) {
            (void)proposal_add(controller, &view);
        }
    }
}

/* What belongs to a containment, when those are known. */
static void
on_attached(void *context, const char *name, const char *value)
{
    struct controller *controller = context;
    storm_setting(controller, name, value);
    if (strncmp(name, "hold/", 5) == 0) {
        entry_restore_hold(controller, name + 5, value);
    }
}

static void
on_released(void *context, const char *endpoint_id, int64_t released_us)
{
    engine_restore_released(context, endpoint_id, released_us);
}

static void
on_isolation(void *context, int64_t requested_us)
{
    engine_note_spent(context, requested_us);
}

/* What policy remembers of what is over: grace and watch periods, and spent budgets. */
static int
memory_load(struct controller *controller)
{
    int64_t hour_ago_us = clock_wall_us(controller->clock) - 3600 * SECOND_US;
    int error = store_read_released(controller->store, engine_watch_since(controller->engine),
                                    MEMORY_MAX, on_released, controller->engine);
    return error ? error
                 : store_read_isolations(controller->store, hour_ago_us, MEMORY_MAX, on_isolation,
                                         controller->engine);
}

int
controller_load(struct controller *controller)
{
    const struct store_loader all = {.on_containment = on_containment,
                                     .on_incident = on_incident,
                                     .on_endpoint = on_endpoint,
                                     .on_annotation = on_annotation,
                                     .on_setting = on_setting,
                                     .context = controller};
    const struct store_loader attached = {.on_setting = on_attached, .context = controller};
    unproven_begin(controller);
    int error = store_load(controller->store, &all);
    topology_restored(controller->topology);
    retention_loaded(controller);
    if (!error) {
        error = store_load(controller->store, &attached);
    }
    if (!error) {
        error = memory_load(controller);
    }
    if (!error) {
        error = notices_load(controller);
    }
    if (error) {
        return error;
    }
    controller->told_count = 0; /* what was restored is no news */
    controller->stale_count = 0;
    world_set_sites(controller); /* what was stored when the policy had other sites, or none */
    resite_older(controller);
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (lifecycle_is_in_force(entry->c.state)) {
            entry_note_begun(controller, entry);
            unproven_loaded(controller, entry);
            uint32_t version = entry->c.version;
            entry_enforce(controller, entry);
            entry->c.version = version; /* the same rules as before */
        }
    }
    follow_holders(controller);
    switches_refresh_common(controller);
    storm_load(controller);
    controller->sweep_left = controller->listed_count; /* the policy may be another one by now */
    unclear_load(controller);
    clocks_begin(controller); /* behind it: what it loads may be dated by another clock */
    return 0;
}

/* ---- epoch ---- */

uint64_t
controller_run(const struct controller *controller)
{
    return controller->run;
}

static void
on_epoch_stored(void *context, int error)
{
    struct controller *controller = context;
    if (error) {
        log_error("controller", "ALARM: the epoch cannot be stored: no switch is driven",
                  LOG_I("error", error));
        return;
    }
    controller->is_started = true;
    log_info("controller", "drives switches", LOG_I("epoch", controller->epoch));
    switches_push_all(controller);
}

void
controller_start(struct controller *controller)
{
    char value[32];
    controller->is_started = false;
    controller->epoch++;
    controller->run = controller->epoch;
    snprintf(value, sizeof(value), "%llu", (unsigned long long)controller->epoch);
    struct store_change *change = store_change_new();
    store_put_setting(change, "epoch", value);
    store_submit(controller->store, change, on_epoch_stored, controller);
}

void
controller_stop(struct controller *controller)
{
    if (controller) {
        entries_write_behind(controller, SIZE_MAX);
        follow_write_behind(controller, true);
        checkpoints_stop(controller);
        retention_stop(controller);
    }
}

void
controller_set_policy(struct controller *controller, struct policy *policy)
{
    engine_set_policy(controller->engine, policy);
    world_set_sites(controller);
    resite_older(controller);
    resite_refresh(controller);
    switches_refresh_common(controller);
    switches_flush(controller);
    controller->sweep_left = controller->listed_count;
    notices_tell_object(controller, NOTICE_POLICY, SEVERITY_LOW, "", "");
}

void
controller_list_changed(struct controller *controller, enum list_changed list)
{
    controller->changed[list] = true;
}

/* Told together: a list is loaded again as a whole. */
static void
changed_tell(struct controller *controller)
{
    static const char *const lists[CHANGED_COUNT] = {[CHANGED_AUDIT] = "audit",
                                                     [CHANGED_SENSORS] = "sensors",
                                                     [CHANGED_PROTECTED] = "protected",
                                                     [CHANGED_ENFORCEMENT] = "enforcement",
                                                     [CHANGED_INCIDENTS] = "incident",
                                                     [CHANGED_CONTAINMENTS] = "containment",
                                                     [CHANGED_BUDGETS] = "budgets",
                                                     [CHANGED_CONFLICTS] = "conflicts",
                                                     [CHANGED_CERTIFICATES] = "certificates",
                                                     [CHANGED_RETENTION] = "retention"};
    uint64_t rows = store_audit_rows(controller->store);
    controller->incidents_told = controller->containments_told = 0;
    controller->changed[CHANGED_AUDIT] |= rows != controller->audit_rows;
    controller->audit_rows = rows;
    for (size_t i = 0; i < CHANGED_COUNT; i++) {
        if (controller->changed[i]) {
            struct view_changed view = {.list = ""};
            snprintf(view.list, sizeof(view.list), "%s", lists[i]);
            controller_publish(controller, "changed", &view);
            controller->changed[i] = false;
        }
    }
}

void
controller_set_warnings(struct controller *controller, const struct rule_warning *texts,
                        size_t count)
{
    controller->settings.warnings = texts;
    controller->settings.warning_count = count;
    switches_refresh_common(controller);
    switches_flush(controller);
}

void
controller_tick(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    clocks_tick(controller);
    if (controller->owes_look) {
        judge_look_at_all_soon(controller);
    }
    judge_slice(controller);
    storm_tick(controller);
    protect_sweep(controller);
    entries_tick(controller);
    switches_tick(controller);
    overdue_tick(controller);
    entries_write_behind(controller, WRITTEN_AT_ONCE);
    follow_write_behind(controller, false);
    if (now_us - controller->ticked_us >= SECOND_US) {
        controller->ticked_us = now_us;
        engine_tick(controller->engine);
        topology_tick(controller->topology);
        follow_act(controller);
        records_tick(controller);
        clocks_compare(controller);
        unstored_tick(controller);
        forward_tick(controller);
        judge_tick(controller);
        unclear_look(controller);
    }
    notices_tick(controller);
    checkpoints_tick(controller);
    retention_tick(controller);
    changed_tell(controller);
}

/* ---- what it shows ---- */

void
controller_publish(struct controller *controller, const char *topic, const void *object)
{
    if (controller->ports.publish) {
        controller->ports.publish(controller->ports.context, topic, object);
    }
}

bool
controller_is_suspended(const struct controller *controller)
{
    return controller->suspension.is_suspended;
}

void
controller_suspension(const struct controller *controller, struct suspension_view *view)
{
    *view = controller->suspension;
}

const struct containment *
controller_containment_at(const struct controller *controller, size_t index)
{
    return index < controller->listed_count ? &controller->listed[index]->c : NULL;
}

uint64_t
controller_containment_serial(const struct controller *controller, size_t index)
{
    return index < controller->listed_count ? controller->listed[index]->serial : 0;
}

const struct containment *
controller_containment_on(const struct controller *controller, const char *endpoint_id)
{
    const struct entry *found = NULL;
    const struct entry *each = NULL;
    while ((each = entry_next_of(controller, endpoint_id, each)) != NULL) {
        bool restricts = each->is_committed && lifecycle_is_in_force(each->c.state) &&
                         each->c.action != ACTION_MIRROR;
        if (restricts && (!found || each->c.action == ACTION_ISOLATE)) {
            found = each;
        }
    }
    return found ? &found->c : NULL;
}

size_t
controller_containment_count(const struct controller *controller)
{
    return controller->listed_count;
}

uint64_t
controller_pending_dropped(const struct controller *controller)
{
    return controller->pending_dropped;
}

const struct containment *
controller_find(const struct controller *controller, const char *id)
{
    const struct entry *entry = entry_find(controller, id);
    return entry && entry->is_committed ? &entry->c : NULL;
}

struct topology *
controller_topology(struct controller *controller)
{
    return controller->topology;
}

struct store *
controller_store(struct controller *controller)
{
    return controller->store;
}

struct engine *
controller_engine(struct controller *controller)
{
    return controller->engine;
}

const struct policy_world *
controller_world(struct controller *controller)
{
    return &controller->world;
}

uint64_t
controller_epoch(const struct controller *controller)
{
    return controller->epoch;
}

const struct clock *
controller_clock(const struct controller *controller)
{
    return controller->clock;
}

bool
controller_switch_at(const struct controller *controller, size_t index, struct switch_view *view)
{
    if (index >= controller->switch_count) {
        return false;
    }
    const struct switch_state *sw = controller->switch_order[index];
    *view = (struct switch_view){
        .device = sw->device,
        .desired_generation = sw->generation,
        .observed_generation = sw->observed_generation,
        .seen_us = sw->seen_us,
        .read_back_us = sw->read_back_us,
        .rule_count = sw->slots.count,
        .missing_count = sw->missing_count,
        .is_settled = sw->is_settled,
        .stats = sw->has_stats ? &sw->stats : NULL,
        .site = policy_has_sites(engine_policy(controller->engine)) ? sw->site : "",
    };
    const char *problem = sw->is_fenced ? "another controller took over" : sw->problem;
    snprintf(view->problem, sizeof(view->problem), "%s",
             problem[0] != '\0' ? problem : sw->edge_problem);
    return true;
}

size_t
controller_switch_count(const struct controller *controller)
{
    return controller->switch_count;
}

bool
controller_protection_at(const struct controller *controller, size_t index,
                         struct protection_view *view)
{
    const struct rule_protect *declared = NULL;
    size_t count = policy_protected(engine_policy(controller->engine), &declared);
    if (index < count) {
        *view = (struct protection_view){.state = PROTECTION_DECLARED,
                                         .mac = declared[index].mac,
                                         .server = declared[index].server};
        char text[PREFIX_TEXT_SIZE];
        if (mac_is_none(&view->mac)) {
            prefix_format(&view->server, text);
        } else {
            mac_format(&view->mac, text);
        }
        snprintf(view->id, sizeof(view->id), "%s", text);
        snprintf(view->why, sizeof(view->why), "declared as protected in the policy: %s",
                 policy_protected_name(engine_policy(controller->engine), index));
        return true;
    }
    const struct proposal *proposal = TAILQ_FIRST(&controller->proposals);
    for (size_t i = count; proposal && i < index; i++) {
        proposal = TAILQ_NEXT(proposal, link);
    }
    if (proposal) {
        *view = proposal->view;
    }
    return proposal != NULL;
}

size_t
controller_protection_count(const struct controller *controller)
{
    const struct rule_protect *declared = NULL;
    return policy_protected(engine_policy(controller->engine), &declared) +
           controller->proposal_count;
}

/* The 'index'th mirror among 'wants', which is counted down. */
static const struct want *
mirror_in(const struct want_list *wants, size_t *index)
{
    for (size_t i = 0; i < wants->count; i++) {
        if (wants->items[i].rule.kind == RULE_MIRROR && (*index)-- == 0) {
            return &wants->items[i];
        }
    }
    return NULL;
}

bool
controller_mirror_at(const struct controller *controller, size_t index, struct mirror_view *view)
{
    const struct want *want = mirror_in(&controller->common, &index);
    const struct entry *asked_by = NULL;
    const struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (want) {
            break;
        }
        if (entry->is_committed && entry->c.action == ACTION_MIRROR) {
            want = mirror_in(&entry->wants, &index);
            asked_by = entry;
        }
    }
    if (!want) {
        return false;
    }
    *view = (struct mirror_view){.mirror = want->rule.mirror,
                                 .asked_by = asked_by ? &asked_by->c : NULL,
                                 .copied = judge_hits(controller, want),
                                 .is_missing = judge_is_missing(controller, want)};
    snprintf(view->switch_name, sizeof(view->switch_name), "%s", want->switch_name);
    return true;
}

size_t
controller_mirror_count(const struct controller *controller)
{
    size_t count = 0;
    struct mirror_view view;
    while (controller_mirror_at(controller, count, &view)) {
        count++;
    }
    return count;
}

size_t
controller_reports(const struct controller *controller, const char *containment_id,
                   struct switch_report *reports, size_t room)
{
    const struct entry *entry = entry_find(controller, containment_id);
    return entry ? judge_report(controller, entry, reports, room) : 0;
}
