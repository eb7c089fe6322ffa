#include "controller/commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/pending.h"
#include "controller/storm.h"
#include "controller/switches.h"

void
commit_init(struct commit *commit, struct controller *controller)
{
    commit->controller = controller;
    commit->change = store_change_new();
}

struct commit *
commit_new(struct controller *controller)
{
    struct commit *commit = MEM_NEW(struct commit);
    commit_init(commit, controller);
    return commit;
}

struct store_change *
commit_change(struct commit *commit)
{
    return commit->change;
}

void
commit_ask(struct commit *commit, const struct containment *c)
{
    struct notice notice;
    notices_fill_containment(commit->controller, c, NOTICE_PENDING, &notice);
    notice.severity = commit->severity > notice.severity ? commit->severity : notice.severity;
    text_put(notice.account, sizeof(notice.account), c->requested_by);
    text_put(notice.detail, sizeof(notice.detail), text_or_empty(c->hold_detail));
    notices_put(commit->controller, commit->change, &notice);
}

void
commit_add(struct commit *commit, struct entry *entry)
{
    const struct containment *c = &entry->c;
    char detail[TEXT_SIZE];
    if (c->state == CONTAINMENT_REQUESTED) {
        entry_prepare(commit->controller, entry);
    }
    if (entry->hold.is_set) {
        entry_put_hold(commit->change, entry);
    }
    /* Endpoints are written behind; one that a containment names must not be lost without it. */
    const struct endpoint *endpoint = entry_endpoint(commit->controller, entry);
    if (endpoint) {
        endpoint_put(commit->controller, commit->change, endpoint);
    }
    snprintf(detail, sizeof(detail), "%s %s: %.400s", containment_state_names[c->state],
             action_names[c->action], text_or_empty(c->reason));
    store_put_containment(commit->change, c);
    store_put_audit(commit->change, c->requested_us, c->requested_by, "contain", c->id, detail);
    if (c->state == CONTAINMENT_PENDING && !storm_covers(commit->controller, c)) {
        commit_ask(commit, c);
    }
    commit->entries[commit->count++] = entry;
}

static void
entry_committed(struct controller *controller, struct entry *entry)
{
    entry_list(controller, entry);
    entry_mark(entry, "committed", clock_wall_us(controller->clock), "");
    if (entry->c.state == CONTAINMENT_REQUESTED) {
        entry_enforce(controller, entry);
        entry_note_begun(controller, entry);
    } else {
        entry_due(controller, entry);
    }
    if (entry->confirmed_by) {
        pending_confirm(controller, entry, entry->confirmed_by);
    }
}

static void
on_committed(void *context, int error)
{
    struct commit *commit = context;
    struct controller *controller = commit->controller;
    for (size_t i = 0; i < commit->count; i++) {
        if (error) {
            log_error("controller", "ALARM: a containment could not be stored and is not in force",
                      LOG_S("containment", commit->entries[i]->c.id), LOG_I("error", error));
        } else {
            entry_committed(controller, commit->entries[i]);
        }
    }
    switches_flush(controller); /* before anything that can wait */
    for (size_t i = 0; !error && i < commit->count; i++) {
        entry_touch(controller, commit->entries[i]);
    }
    if (commit->done) {
        commit->done(commit->context, error);
    }
    for (size_t i = 0; error && i < commit->count; i++) {
        engine_note_over(controller->engine, &commit->entries[i]->c);
        entry_free(controller, commit->entries[i]);
    }
    free(commit);
}

void
commit_submit(struct commit *commit, void (*done)(void *context, int error), void *context)
{
    commit->done = done;
    commit->context = context;
    store_submit(commit->controller->store, commit->change, on_committed, commit);
}

void
containment_begin(struct controller *controller, struct containment *c, enum action action,
                  const char *requested_by)
{
    int64_t now_us = clock_wall_us(controller->clock);
    *c = (struct containment){
        .action = action, .requested_us = now_us, .state = CONTAINMENT_REQUESTED};
    id_make(now_us, c->id);
    snprintf(c->case_number, sizeof(c->case_number), "%.8s", &c->id[ID_SIZE - 1 - 8]);
    text_put(c->requested_by, sizeof(c->requested_by), requested_by);
}
