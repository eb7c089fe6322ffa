/* Enforcement, budgets and version. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/budget.h"
#include "wire/view_budget.h"

void
ask_enforcement_show(const struct ask_call *call, const void *parameters)
{
    struct suspension_view suspension = {0};
    struct view_enforcement view = {0};
    (void)parameters;
    controller_suspension(call->controller, &suspension);
    snprintf(view.state, sizeof(view.state), "%s",
             suspension.is_suspended ? "suspended" : "active");
    if (suspension.is_suspended) {
        view.since_us = suspension.since_us;
        memcpy(view.account, suspension.account, sizeof(view.account));
        memcpy(view.reason, suspension.reason, sizeof(view.reason));
    }
    ask_answer_shape(call, 200, &view_enforcement_shape, &view);
}

#define SHARES_SHOWN 256

void
ask_budget_show(const struct ask_call *call, const void *parameters)
{
    struct engine *engine = controller_engine(call->controller);
    struct budget_share *shares = mem_new(SHARES_SHOWN, sizeof(*shares));
    struct view_share *rows = mem_new(SHARES_SHOWN, sizeof(*rows));
    struct view_storm storm = {0};
    struct budget_use use;
    uint64_t held = 0;
    (void)parameters;
    engine_budget(engine, &use);
    size_t count = engine_budget_shares(engine, shares, SHARES_SHOWN);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct view_share){.kind = shares[i].is_switch ? SHARE_SWITCH : SHARE_NETWORK,
                                      .contained = shares[i].contained,
                                      .population = shares[i].population,
                                      .most = shares[i].most};
        memcpy(rows[i].name, shares[i].name, sizeof(rows[i].name));
    }
    bool is_on = controller_storm(call->controller, &storm.since_us, &storm.last_us, &held);
    storm.held = held;
    struct view_budget view = {.minute = use.minute,
                               .per_minute = use.per_minute,
                               .hour = use.hour,
                               .per_hour = use.per_hour,
                               .gathered = use.gathered,
                               .network_percent = use.network_percent,
                               .switch_percent = use.switch_percent,
                               .storm = is_on ? &storm : NULL,
                               .shares = rows,
                               .share_count = count};
    ask_answer_shape(call, 200, &view_budget_shape, &view);
    free(shares);
    free(rows);
}

void
ask_version(const struct ask_call *call, const void *parameters)
{
    struct view_version view = {.epoch = controller_epoch(call->controller),
                                .started_us = call->asks->settings.started_us,
                                .now_us = clock_wall_us(controller_clock(call->controller))};
    (void)parameters;
    snprintf(view.version, sizeof(view.version), "%s", CORDON_VERSION);
    snprintf(view.site, sizeof(view.site), "%s", call->asks->settings.site);
    ask_answer_shape(call, 200, &view_version_shape, &view);
}

void
ask_storage_show(const struct ask_call *call, const void *parameters)
{
    struct store *store = controller_store(call->controller);
    struct store_disk disk;
    struct view_storage view = {.slowest_commit_us = store_slowest_us(store)};
    (void)parameters;
    if (store_read_disk(store, &disk) != 0) {
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    view.database_bytes = disk.database_bytes;
    view.free_bytes = disk.free_bytes;
    view.total_bytes = disk.total_bytes;
    ask_answer_shape(call, 200, &view_storage_shape, &view);
}
