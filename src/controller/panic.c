/* Panic and resume, and rows of the audit about what was done outside of core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/payload.h"
#include "controller/controller.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/switches.h"

static void
tell(wish_done_fn *done, void *context, enum wish_result result, const char *why)
{
    if (done) {
        done(context, result, why, NULL);
    }
}

struct suspension_commit {
    struct controller *controller;
    struct suspension_view after;
    wish_done_fn *done;
    void *context;
};

static void
on_suspension_stored(void *context, int error)
{
    struct suspension_commit *waits = context;
    struct controller *controller = waits->controller;
    if (error) {
        tell(waits->done, waits->context, WISH_FAILED, "it could not be stored");
        free(waits);
        return;
    }
    controller->suspension = waits->after;
    log_warn("controller",
             waits->after.is_suspended ? "PANIC: all enforcement is suspended"
                                       : "enforcement is resumed",
             LOG_S("account", waits->after.account), LOG_S("reason", waits->after.reason));
    if (!waits->after.is_suspended) {
        controller->suspension = (struct suspension_view){.is_suspended = false};
    }
    controller->changed[CHANGED_ENFORCEMENT] = true;
    switches_suspend(controller);
    tell(waits->done, waits->context, WISH_DONE, "");
    free(waits);
}

void
controller_panic(struct controller *controller, bool suspend, const char *account,
                 const char *reason, wish_done_fn *done, void *context)
{
    if (suspend == controller->suspension.is_suspended) {
        tell(done, context, WISH_EXISTS, suspend ? "suspended already" : "not suspended");
        return;
    }
    struct suspension_commit *waits = MEM_NEW(struct suspension_commit);
    *waits = (struct suspension_commit){.controller = controller, .done = done, .context = context};
    waits->after.is_suspended = suspend;
    waits->after.since_us = clock_wall_us(controller->clock);
    text_put(waits->after.account, sizeof(waits->after.account), account);
    text_put(waits->after.reason, sizeof(waits->after.reason), reason);
    struct store_change *change = store_change_new();
    char value[TEXT_SIZE + NAME_SIZE + 32] = "";
    if (suspend) {
        snprintf(value, sizeof(value), "%lld %s\n%s", (long long)waits->after.since_us,
                 waits->after.account, waits->after.reason);
    }
    store_put_setting(change, "suspended", value);
    store_put_audit(change, waits->after.since_us, account, suspend ? "panic" : "resume", "",
                    reason);
    struct notice notice = {.kind = suspend ? NOTICE_PANIC : NOTICE_RESUME,
                            .severity = SEVERITY_HIGH};
    memcpy(notice.account, waits->after.account, sizeof(notice.account));
    memcpy(notice.reason, waits->after.reason, sizeof(notice.reason));
    notices_put(controller, change, &notice);
    store_submit(controller->store, change, on_suspension_stored, waits);
}

struct record_commit {
    wish_done_fn *done;
    void *context;
};

static void
on_record_stored(void *context, int error)
{
    struct record_commit *waits = context;
    tell(waits->done, waits->context, error ? WISH_FAILED : WISH_DONE,
         error ? "the audit could not be stored" : "");
    free(waits);
}

void
controller_record(struct controller *controller, const char *account, const char *action,
                  const char *object, const char *detail, wish_done_fn *done, void *context)
{
    struct record_commit *waits = MEM_NEW(struct record_commit);
    struct store_change *change = store_change_new();
    *waits = (struct record_commit){.done = done, .context = context};
    store_put_audit(change, clock_wall_us(controller->clock), account, action, object, detail);
    payload_forget(change, action, object);
    if (strcmp(action, "session.locked") == 0) {
        struct notice notice = {.kind = NOTICE_SIGN_IN, .severity = SEVERITY_MEDIUM};
        text_put(notice.object, sizeof(notice.object), object);
        text_put(notice.detail, sizeof(notice.detail), detail);
        notices_put(controller, change, &notice);
    }
    store_submit(controller->store, change, on_record_stored, waits);
}
