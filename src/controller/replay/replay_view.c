/* What a replay found: sums and rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/replay/replay.h"
#include "controller/replay/replay_state.h"

static const struct endpoint *
endpoint_of(const struct replay *r, const char *id)
{
    return id[0] != '\0' ? topology_by_id(controller_topology(r->controller), id) : NULL;
}

/* Does a person have to decide? */
static bool
is_held(const struct replay_row *row)
{
    return row->outcome == REPLAY_HELD && !row->is_settled;
}

static enum endpoint_class
class_of(const struct endpoint *endpoint)
{
    return endpoint && endpoint->annotation ? endpoint->annotation->class : CLASS_UNKNOWN;
}

bool
replay_decision_at(const struct replay *r, size_t index, struct view_replay_decision *view)
{
    if (index >= r->row_count) {
        return false;
    }
    const struct replay_row *row = r->rows[index];
    const struct endpoint *endpoint = endpoint_of(r, row->endpoint_id);
    *view = (struct view_replay_decision){.number = index + 1,
                                          .first_us = row->first_us,
                                          .last_us = row->last_us,
                                          .times = row->times,
                                          .outcome = row->outcome,
                                          .really = row->really,
                                          .is_settled = row->is_settled,
                                          .action = row->action,
                                          .mode = row->mode,
                                          .hold = row->hold,
                                          .mac = row->mac,
                                          .ip = row->ip,
                                          .class = class_of(endpoint),
                                          .server = row->server};
    memcpy(view->endpoint_id, row->endpoint_id, sizeof(view->endpoint_id));
    memcpy(view->containment_id, row->containment_id, sizeof(view->containment_id));
    memcpy(view->policy, row->policy, sizeof(view->policy));
    memcpy(view->network, row->network, sizeof(view->network));
    snprintf(view->server_name, sizeof(view->server_name), "%s", row->server_name);
    snprintf(view->hold_detail, sizeof(view->hold_detail), "%s", row->hold_detail);
    snprintf(view->mode_why, sizeof(view->mode_why), "%s", row->mode_why);
    snprintf(view->reason, sizeof(view->reason), "%s", row->reason);
    if (endpoint) {
        snprintf(view->host_name, sizeof(view->host_name), "%s", endpoint_name(endpoint));
        snprintf(view->switch_name, NAME_SIZE, "%s", endpoint->location.switch_name);
        snprintf(view->port, NAME_SIZE, "%s", endpoint->location.port);
    }
    return true;
}

/* ---- sums ---- */

static struct view_replay_count *
count_of(struct view_replay_counts *counts, const char *name)
{
    for (size_t i = 0; i < counts->count; i++) {
        if (strcmp(counts->items[i].name, name) == 0) {
            return &counts->items[i];
        }
    }
    if (counts->count == VIEW_REPLAY_COUNTS_MAX) {
        return NULL;
    }
    if (!counts->items) {
        counts->items = mem_new(VIEW_REPLAY_COUNTS_MAX, sizeof(*counts->items));
    }
    struct view_replay_count *item = &counts->items[counts->count++];
    snprintf(item->name, sizeof(item->name), "%s", name);
    return item;
}

static void
count_add(struct view_replay_counts *counts, const char *name, const struct replay_row *row)
{
    struct view_replay_count *item = count_of(counts, name);
    if (item) {
        item->contained += row->outcome == REPLAY_CONTAINED ? 1 : 0;
        item->held += is_held(row) ? 1 : 0;
        item->observed += row->outcome == REPLAY_OBSERVED ? 1 : 0;
        item->really += row->really == REALLY_CONTAINED ? 1 : 0;
    }
}

static void
sum_row(const struct replay *r, const struct replay_row *row, struct view_replay *view)
{
    bool is_really = row->really == REALLY_CONTAINED;
    view->contained += row->outcome == REPLAY_CONTAINED ? 1 : 0;
    view->held += is_held(row) ? 1 : 0;
    view->observed += row->outcome == REPLAY_OBSERVED ? 1 : 0;
    view->notified += row->outcome == REPLAY_NOTIFIED ? 1 : 0;
    if (row->outcome == REPLAY_NOTIFIED) {
        return; /* nothing that anybody would feel */
    }
    view->both += row->outcome == REPLAY_CONTAINED && is_really ? 1 : 0;
    view->only_replay += row->outcome == REPLAY_CONTAINED && !is_really ? 1 : 0;
    view->only_really += row->outcome != REPLAY_CONTAINED && !row->is_settled && is_really ? 1 : 0;
    count_add(&view->actions, action_names[row->action], row);
    count_add(&view->policies, row->policy, row);
    if (row->action != ACTION_BLOCK_SERVER) {
        enum endpoint_class class = class_of(endpoint_of(r, row->endpoint_id));
        count_add(&view->networks, row->network, row);
        count_add(&view->classes, endpoint_class_names[class], row);
    }
    if (is_held(row)) {
        count_add(&view->holds, hold_names[row->hold], row);
    }
}

static int
by_endpoint(const void *a, const void *b)
{
    const struct replay_row *const *x = a;
    const struct replay_row *const *y = b;
    return strcmp((*x)->endpoint_id, (*y)->endpoint_id);
}

/* What would be contained first, then what would be held, then what came most often. */
static int
by_weight(const void *a, const void *b)
{
    const struct view_replay_endpoint *x = a;
    const struct view_replay_endpoint *y = b;
    if (x->contained != y->contained) {
        return x->contained > y->contained ? -1 : 1;
    }
    if (x->held != y->held) {
        return x->held > y->held ? -1 : 1;
    }
    return x->times != y->times ? (x->times > y->times ? -1 : 1)
                                : strcmp(x->endpoint_id, y->endpoint_id);
}

static void
endpoint_add(struct view_replay_endpoint *e, const struct replay_row *row)
{
    e->contained += row->outcome == REPLAY_CONTAINED ? 1 : 0;
    e->held += is_held(row) ? 1 : 0;
    e->observed += row->outcome == REPLAY_OBSERVED ? 1 : 0;
    e->times += row->times;
    e->first_us = e->first_us == 0 || row->first_us < e->first_us ? row->first_us : e->first_us;
    if (row->last_us >= e->last_us) {
        e->last_us = row->last_us;
        e->mac = row->mac;
        e->ip = row->ip;
        memcpy(e->network, row->network, sizeof(e->network));
    }
    e->really = row->really > e->really ? row->really : e->really;
}

static void
endpoint_label(const struct replay *r, struct view_replay_endpoint *e)
{
    const struct endpoint *endpoint = endpoint_of(r, e->endpoint_id);
    e->class = class_of(endpoint);
    if (endpoint) {
        snprintf(e->host_name, sizeof(e->host_name), "%s", endpoint_name(endpoint));
        snprintf(e->switch_name, NAME_SIZE, "%s", endpoint->location.switch_name);
        snprintf(e->port, NAME_SIZE, "%s", endpoint->location.port);
    }
}

static void
sum_endpoints(const struct replay *r, struct view_replay *view)
{
    const struct replay_row **rows = mem_new(r->row_count + 1, sizeof(*rows));
    struct view_replay_endpoint *all = mem_new(r->row_count + 1, sizeof(*all));
    size_t row_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->row_count; i++) {
        const struct replay_row *row = r->rows[i];
        if (row->endpoint_id[0] != '\0' && row->outcome != REPLAY_NOTIFIED) {
            rows[row_count++] = row;
        }
    }
    qsort(rows, row_count, sizeof(*rows), by_endpoint);
    for (size_t i = 0; i < row_count; i++) {
        bool is_new = count == 0 || strcmp(all[count - 1].endpoint_id, rows[i]->endpoint_id) != 0;
        if (is_new) {
            memcpy(all[count++].endpoint_id, rows[i]->endpoint_id, ID_SIZE);
        }
        endpoint_add(&all[count - 1], rows[i]);
    }
    for (size_t i = 0; i < count; i++) {
        view->endpoints_contained += all[i].contained > 0 ? 1 : 0;
        view->endpoints_held += all[i].contained == 0 && all[i].held > 0 ? 1 : 0;
    }
    qsort(all, count, sizeof(*all), by_weight);
    view->endpoint_count = count < VIEW_REPLAY_ENDPOINTS_MAX ? count : VIEW_REPLAY_ENDPOINTS_MAX;
    for (size_t i = 0; i < view->endpoint_count; i++) {
        endpoint_label(r, &all[i]);
    }
    view->endpoints = mem_resize(all, view->endpoint_count + 1, sizeof(*all));
    free(rows);
}

static struct view_replay *
sums_make(const struct replay *r, const struct job *job)
{
    struct view_replay *view = MEM_NEW(struct view_replay);
    *view = (struct view_replay){.is_complete = job->state == JOB_DONE,
                                 .days = r->days,
                                 .from_us = r->from_us,
                                 .until_us = r->until_us,
                                 .is_draft = r->is_draft,
                                 .assume = (int)r->assumption,
                                 .detections = r->detections,
                                 .damaged = r->damaged,
                                 .dropped = r->dropped,
                                 .busiest_hour = r->busiest_hour,
                                 .busiest_us = r->busiest_us};
    memcpy(view->id, job->id, sizeof(view->id));
    for (size_t i = 0; i < r->row_count; i++) {
        sum_row(r, r->rows[i], view);
    }
    sum_endpoints(r, view);
    return view;
}

const struct view_replay *
replay_view(struct replay *r, const struct job *job)
{
    if (!r->view || !r->view->is_complete) {
        replay_view_free(r->view);
        r->view = sums_make(r, job);
    }
    return r->view;
}

size_t
replay_decision_count(const struct replay *r)
{
    return r->row_count;
}

void
replay_view_free(struct view_replay *view)
{
    if (!view) {
        return;
    }
    free(view->actions.items);
    free(view->policies.items);
    free(view->networks.items);
    free(view->classes.items);
    free(view->holds.items);
    free(view->endpoints);
    free(view);
}
