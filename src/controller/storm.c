#include "controller/storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/decide.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "policy/budget.h"

#define OVER_US                                                                                    \
    (INT64_C(300) * 1000000) /* nothing was held for so long: the next is told again               \
                              */
#define AGAIN_US                                                                                   \
    (INT64_C(600) * 1000000) /* who was gathered longer ago when we come back waits for a person   \
                              */
#define GATHERED_SETTING "gathered/"
#define ONE_SETTING "storm/one" /* whom whoever is on call was told of */

bool
storm_covers(const struct controller *controller, const struct containment *c)
{
    bool is_by_policy = strncmp(c->requested_by, "policy:", 7) == 0;
    bool is_held = c->state == CONTAINMENT_PENDING && c->hold == HOLD_BUDGET;
    bool is_instead = controller->storm.is_on && c->requested_us >= controller->storm.began_us &&
                      (c->action == ACTION_BLOCK_PAIR || c->action == ACTION_BLOCK_SERVER);
    return is_by_policy && (is_held || is_instead);
}

/* For whoever is on call: one of them, to be judged. */
static bool
tell_one(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH_REVERSE(entry, &controller->entries, entry_list, link)
    {
        const struct containment *c = &entry->c;
        bool is_decided = entry->is_changing || entry->confirmed_by; /* goes any moment */
        if (entry->is_committed && c->state == CONTAINMENT_PENDING && c->hold == HOLD_BUDGET &&
            !is_decided) {
            struct store_change *change = store_change_new();
            notices_put_containment(controller, change, c, NOTICE_PENDING, "",
                                    text_or_empty(c->hold_detail));
            store_put_setting(change, ONE_SETTING, c->id);
            store_submit(controller->store, change, NULL, NULL);
            return true;
        }
    }
    return false;
}

static void
storm_begin(struct controller *controller, const struct budget_use *use)
{
    struct storm *storm = &controller->storm;
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail),
             "more endpoints are to be isolated than the budget allows (%zu within a minute, %zu "
             "within an hour): the most confident go first",
             use->per_minute, use->per_hour);
    storm->is_on = true;
    storm->held = 0;
    storm->began_us = storm->noted_us;
    log_error("controller", "ALARM: storm", LOG_S("detail", detail));
    struct store_change *change = store_change_new();
    struct notice notice = {.kind = NOTICE_STORM, .severity = SEVERITY_HIGH};
    text_put(notice.detail, sizeof(notice.detail), detail);
    store_put_audit(change, clock_wall_us(controller->clock), "policy", "storm", "", detail);
    notices_put(controller, change, &notice);
    store_submit(controller->store, change, NULL, NULL);
}

void
storm_watch(struct controller *controller)
{
    struct storm *storm = &controller->storm;
    struct budget_use use;
    int64_t now_us = clock_boot_us(controller->clock);
    engine_budget(controller->engine, &use);
    uint64_t held = use.held - storm->seen + storm->left;
    storm->seen = use.held;
    storm->left = 0;
    if (use.gathered == 0 && !storm->is_on) { /* what is held from now on belongs to the next one */
        storm->noted_us = clock_wall_us(controller->clock);
    }
    if ((held > 0 || use.is_over) && !storm->is_on) {
        storm_begin(controller, &use);
    }
    if (held > 0 || use.is_over) {
        storm->held += held;
        storm->last_us = clock_wall_us(controller->clock);
        storm->quiet_us = now_us;
        controller->changed[CHANGED_BUDGETS] = true;
    } else if (storm->is_on && now_us - storm->quiet_us >= OVER_US) {
        log_info("controller", "the storm is over", LOG_I("held", storm->held));
        *storm = (struct storm){.seen = storm->seen};
        controller->changed[CHANGED_BUDGETS] = true;
    }
    if (storm->held > 0 && use.gathered == 0 && !storm->is_one_told) { /* all had their turn */
        storm->is_one_told = tell_one(controller);
    }
    if (use.minute != storm->told_minute || use.hour != storm->told_hour) {
        storm->told_minute = use.minute;
        storm->told_hour = use.hour;
        controller->changed[CHANGED_BUDGETS] = true;
    }
}

bool
controller_storm(const struct controller *controller, int64_t *since_us, int64_t *last_us,
                 uint64_t *held)
{
    *since_us = controller->storm.began_us;
    *last_us = controller->storm.last_us;
    *held = controller->storm.held;
    return controller->storm.is_on;
}

/* ---- who waits for his turn, over a restart ---- */

void
storm_gathered(struct controller *controller, struct store_change *change, struct entry *entry,
               const struct decision *decision)
{
    char name[NAME_SIZE], value[64];
    snprintf(name, sizeof(name), GATHERED_SETTING "%s", entry->c.id);
    snprintf(value, sizeof(value), "%u %u %" PRIu64, (unsigned)decision->confidence,
             (unsigned)decision->severity, policy_digest(engine_policy(controller->engine)));
    store_put_setting(change, name, value);
    entry->is_gathered = true;
    controller->storm.has_gathered = true;
}

/* Back among the others, by the word of the same policy; not where what was seen is old by now. */
static bool
gather_again(struct controller *controller, const struct entry *entry, const char *value)
{
    const struct containment *c = &entry->c;
    unsigned confidence = 0, severity = 0;
    uint64_t digest = 0;
    int64_t ago_us = clock_wall_us(controller->clock) - c->requested_us;
    if (sscanf(value, "%u %u %" SCNu64, &confidence, &severity, &digest) != 3 ||
        severity >= SEVERITY_COUNT || ago_us < 0 || ago_us > AGAIN_US ||
        digest != policy_digest(engine_policy(controller->engine))) {
        return false;
    }
    struct decision decision = {.action = c->action,
                                .mode = MODE_AUTO,
                                .is_gathered = true,
                                .confidence = (uint8_t)confidence,
                                .severity = (enum severity)severity,
                                .mac = c->subject_mac,
                                .ip = c->subject_ip};
    memcpy(decision.endpoint_id, c->endpoint_id, sizeof(decision.endpoint_id));
    memcpy(decision.incident_id, c->incident_id, sizeof(decision.incident_id));
    memcpy(decision.site, c->site, sizeof(decision.site));
    memcpy(decision.permit_set, c->permit_set, sizeof(decision.permit_set));
    memcpy(decision.policy, c->policy, sizeof(decision.policy));
    text_put(decision.reason, sizeof(decision.reason), text_or_empty(c->reason));
    engine_gather_again(controller->engine, &decision);
    return true;
}

void
storm_setting(struct controller *controller, const char *name, const char *value)
{
    struct storm *storm = &controller->storm;
    if (strcmp(name, ONE_SETTING) == 0) {
        const struct entry *told = entry_find(controller, value);
        storm->is_one_told = told && told->c.state == CONTAINMENT_PENDING;
        return;
    }
    if (strncmp(name, GATHERED_SETTING, strlen(GATHERED_SETTING)) != 0) {
        return;
    }
    struct entry *entry = entry_find(controller, name + strlen(GATHERED_SETTING));
    if (!entry) {
        struct store_change *change = store_change_new();
        store_put_setting(change, name, "");
        store_submit(controller->store, change, NULL, NULL);
        return;
    }
    entry->is_gathered = true;
    storm->has_gathered = true;
    if (entry->c.state == CONTAINMENT_PENDING && !gather_again(controller, entry, value)) {
        storm->left++;
    }
}

/* Were some held, and nobody told of any of them?  We died in between. */
void
storm_load(struct controller *controller)
{
    struct storm *storm = &controller->storm;
    const struct entry *entry;
    bool is_one_told = storm->is_one_told;
    storm->is_one_told = false; /* of the next storm somebody is told again */
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct containment *c = &entry->c;
        bool is_left = storm_covers(controller, c) && !entry->is_gathered;
        storm->left += is_left && !is_one_told ? 1 : 0;
    }
}

/* All had their turn: who waits now waits for a person. */
static void
gathered_forget(struct controller *controller)
{
    struct storm *storm = &controller->storm;
    struct store_change *change = store_change_new();
    struct entry *entry;
    storm->has_gathered = false;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        bool owes =
            !entry->is_committed || (entry->confirmed_by && entry->c.state == CONTAINMENT_PENDING);
        if (entry->is_gathered && owes) { /* its turn is not on the disk yet */
            storm->has_gathered = true;
        } else if (entry->is_gathered) {
            char name[NAME_SIZE];
            snprintf(name, sizeof(name), GATHERED_SETTING "%s", entry->c.id);
            store_put_setting(change, name, "");
            entry->is_gathered = false;
        }
    }
    store_submit(controller->store, change, NULL, NULL);
}

void
storm_tick(struct controller *controller)
{
    struct decision decision;
    struct budget_use use;
    while (engine_gathered(controller->engine, &decision)) {
        decide_gathered(controller, &decision);
    }
    storm_watch(controller);
    engine_budget(controller->engine, &use);
    if (controller->storm.has_gathered && use.gathered == 0) {
        gathered_forget(controller);
    }
}
