#include "controller/storm.h"

#include <stdio.h>
#include <string.h>

#include "controller/decide.h"
#include "controller/entry.h"
#include "controller/notices.h"
#include "policy/budget.h"

#define OVER_US                                                                                    \
    (INT64_C(300) * 1000000) /* nothing was held for so long: the next is told again               \
                              */

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
        if (entry->is_committed && c->state == CONTAINMENT_PENDING && c->hold == HOLD_BUDGET) {
            notices_tell_containment(controller, c, NOTICE_PENDING, c->hold_detail);
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
    uint64_t held = use.held - storm->seen;
    storm->seen = use.held;
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
    if (storm->held > 0 && !storm->is_one_told) {
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

void
storm_tick(struct controller *controller)
{
    struct decision decision;
    while (engine_gathered(controller->engine, &decision)) {
        decide_gathered(controller, &decision);
    }
    storm_watch(controller);
}
