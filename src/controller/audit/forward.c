#include "controller/audit/forward.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "controller/ask/inspect.h"
#include "controller/notices/notices.h"
#include "controller/notices/outbox.h"

static bool
is_on(const struct controller *controller)
{
    const struct notify_settings *settings = controller_notify_settings(controller);
    for (size_t i = 0; i < settings->rule_count; i++) {
        if (settings->rules[i].kind == NOTICE_AUDIT_ROW && settings->rules[i].channel_count > 0) {
            return true;
        }
    }
    return false;
}

static void
through_put(struct store_change *change, int64_t through)
{
    char value[24] = "";
    if (through > 0) {
        snprintf(value, sizeof(value), "%" PRId64, through);
    }
    store_put_setting(change, FORWARD_SETTING, value);
}

static void
row_put(struct controller *controller, struct store_change *change,
        const struct store_audit_row *row)
{
    char hash[AUDIT_HEX_SIZE];
    struct notice notice = {
        .kind = NOTICE_AUDIT_ROW, .severity = SEVERITY_LOW, .at_us = row->fields.at_us};
    audit_hash_format(row->hash, hash);
    text_put(notice.account, sizeof(notice.account), row->fields.account);
    text_put(notice.object, sizeof(notice.object), row->fields.object);
    text_put(notice.reason, sizeof(notice.reason), row->fields.detail);
    snprintf(notice.detail, sizeof(notice.detail), "row %" PRId64 " %.64s hash %s",
             row->fields.number, row->fields.action, hash);
    utf8_make_plain(notice.detail, strlen(notice.detail));
    notices_put(controller, change, &notice);
}

struct forwarding {
    struct controller *controller;
    int64_t through;
};

static void
on_stored(void *context, int error)
{
    struct forwarding *forwarding = context;
    struct forward *forward = &forwarding->controller->forward;
    forward->is_busy = false;
    forward->through = error ? forward->through : forwarding->through;
    free(forwarding);
}

static void
on_rows(void *context, const struct store_audit_answer *answer)
{
    struct forwarding *forwarding = context;
    struct controller *controller = forwarding->controller;
    if (answer->error || answer->count == 0) {
        controller->forward.is_busy = false;
        free(forwarding);
        return;
    }
    struct store_change *change = store_change_new();
    for (size_t i = 0; i < answer->count; i++) {
        row_put(controller, change, &answer->rows[i]);
        forwarding->through = answer->rows[i].fields.number;
    }
    through_put(change, forwarding->through);
    store_submit(controller->store, change, on_stored, forwarding);
}

static void
turn(struct controller *controller, int64_t through)
{
    struct store_change *change = store_change_new();
    controller->forward.through = through;
    through_put(change, through);
    store_submit(controller->store, change, NULL, NULL);
}

void
forward_tick(struct controller *controller)
{
    struct forward *forward = &controller->forward;
    uint8_t hash[AUDIT_HASH_SIZE];
    int64_t newest = store_audit_tip(controller->store, hash);
    if (!forward->is_known) {
        char *value = store_read_setting(controller->store, FORWARD_SETTING);
        forward->through = value ? strtoll(value, NULL, 10) : 0;
        forward->is_known = true;
        free(value);
    }
    bool is_wanted = is_on(controller);
    if (forward->is_busy || newest == 0) {
        return;
    }
    if (is_wanted != (forward->through > 0)) {
        turn(controller, is_wanted ? newest : 0);
    }
    if (!is_wanted || newest <= forward->through ||
        outbox_is_pressed(controller, NOTICE_AUDIT_ROW)) {
        return;
    }
    const struct store_audit_question question = {
        .oldest_first = true, .after = forward->through, .limit = FORWARD_ROWS};
    struct forwarding *forwarding = MEM_NEW(struct forwarding);
    *forwarding = (struct forwarding){controller, forward->through};
    forward->is_busy = true;
    store_read_audit(controller->store, &question, on_rows, forwarding);
}
