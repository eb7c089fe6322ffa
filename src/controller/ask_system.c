/* Enforcement and version. */
#include "controller/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
