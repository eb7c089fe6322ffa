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
