#include "controller/pressure.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "controller/records.h"
#include "controller/state.h"

#define LOOK_US INT64_C(1000000)

static void
look(struct pressure *pressure)
{
    struct pressure_view *view = &pressure->view;
    if (!memory_group_read(&pressure->group, &view->limit, &view->used)) {
        view->limit = view->used = 0;
    }
    view->share = view->limit > 0 ? (unsigned)(view->used * 100 / view->limit) : 0;
}

static void
tell(const struct pressure_view *view, struct controller *controller)
{
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail),
             view->is_short ? "memory runs out: %u %% of %" PRIu64 " MiB are used; what is only "
                              "kept to be shown is dropped from memory"
                            : "there is memory again: %u %% of %" PRIu64 " MiB are used",
             view->share, view->limit >> 20);
    log_warn("core", "memory", LOG_S("what", detail));
    controller_tell(controller, NOTICE_PROCESS, view->is_short ? SEVERITY_MEDIUM : SEVERITY_LOW,
                    "core", detail);
}

void
pressure_tick(struct pressure *pressure, struct controller *controller)
{
    struct pressure_view *view = &pressure->view;
    int64_t now_us = clock_boot_us(controller->clock);
    if (now_us < pressure->next_us) {
        return;
    }
    pressure->next_us = now_us + LOOK_US;
    look(pressure);
    if (view->share >= PRESSURE_SHORT) {
        size_t dropped = records_shed(controller);
        view->shed += dropped;
        if (dropped > 0 || !view->is_short) {
            mem_give_back();
        }
    }
    bool was_short = view->is_short;
    view->is_short = view->share >= (was_short ? PRESSURE_CALM : PRESSURE_SHORT);
    if (view->is_short != was_short) {
        tell(view, controller);
    }
}
