/* Enforcement, audit and version. */
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

struct auditing {
    struct ask_page page;
    const char *q;
    int64_t last; /* number of the last one given */
};

static void
on_audit(void *context, const struct store_audit_row *row)
{
    struct auditing *auditing = context;
    const char *const texts[] = {row->account, row->action, row->object, row->detail, NULL};
    struct view_audit view = {.number = row->number, .at_us = row->at_us};
    if (auditing->page.taken == auditing->page.limit || auditing->page.bytes >= ASK_PAGE_BYTES) {
        auditing->page.is_full = true;
        return;
    }
    auditing->last = row->number;
    if (!ask_matches(auditing->q, texts)) {
        return;
    }
    snprintf(view.account, sizeof(view.account), "%s", row->account);
    snprintf(view.action, sizeof(view.action), "%s", row->action);
    snprintf(view.object, sizeof(view.object), "%s", row->object);
    snprintf(view.detail, sizeof(view.detail), "%s", row->detail);
    ask_page_add(&auditing->page, codec_encode(&view_audit_shape, &view));
}

#define AUDIT_READ_MAX 5000 /* rows looked at for one answer */

/* The cursor is the number of the last row seen: rows come newest first and never change. */
void
ask_audit_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct auditing auditing = {.q = asked->q};
    ask_page_begin(&auditing.page, asked);
    if (store_read_audit(controller_store(call->controller), (int64_t)asked->cursor, AUDIT_READ_MAX,
                         on_audit, &auditing) != 0) {
        cJSON_Delete(auditing.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "items", auditing.page.items);
    if (auditing.page.is_full) {
        cJSON_AddNumberToObject(body, "next", (double)auditing.last);
    }
    ask_answer_json(call, 200, body);
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
