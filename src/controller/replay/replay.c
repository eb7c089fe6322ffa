#include "controller/replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/ask/inspect.h"
#include "controller/replay/replay_state.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define HOUR_US (INT64_C(3600) * 1000000)
#define STEP_COUNTS 500   /* rows of the index */
#define STEP_ENDED 4      /* whole containments */
#define STEP_LIVE 64      /* containments in memory */
#define STEP_DETECTIONS 2 /* read, parsed and decided about */
#define STEP_COMPARES 64

/* ---- rows ---- */

static void
row_free(struct replay_row *row)
{
    free(row->server_name);
    free(row->hold_detail);
    free(row->mode_why);
    free(row->reason);
    free(row);
}

/* As in subject_site(): a machine, and a server outside, is the same at every site. */
static const char *
site_of(const struct replay *r, const struct decision *d)
{
    bool is_by_address = d->action != ACTION_BLOCK_SERVER && d->endpoint_id[0] == '\0';
    bool is_inside = !ip_is_none(&d->server.ip) && policy_is_internal(r->policy, &d->server.ip);
    return is_by_address || is_inside ? d->site : "";
}

static uint64_t
row_hash(const struct decision *d, enum replay_outcome outcome)
{
    struct {
        char endpoint_id[ID_SIZE], policy[NAME_SIZE], server_name[HOST_SIZE];
        struct ip ip, server;
        int action, outcome, hold;
    } key;
    memset(&key, 0, sizeof(key));
    memcpy(key.endpoint_id, d->endpoint_id, sizeof(key.endpoint_id));
    memcpy(key.policy, d->policy, strlen(d->policy));
    if (d->endpoint_id[0] == '\0') {
        key.ip = d->ip;
    }
    if (ip_is_none(&d->server.ip)) {
        memcpy(key.server_name, d->server_name, strlen(d->server_name));
    }
    key.server = d->server.ip;
    key.action = (int)d->action;
    key.outcome = (int)outcome;
    key.hold = (int)d->hold;
    return hash_bytes(&key, sizeof(key));
}

static bool
is_same_row(const struct replay *r, const struct replay_row *row, const struct decision *d,
            enum replay_outcome outcome)
{
    bool is_same_who = strcmp(row->endpoint_id, d->endpoint_id) == 0 &&
                       (d->endpoint_id[0] != '\0' || ip_is_equal(&row->ip, &d->ip));
    bool is_same_server =
        ip_is_equal(&row->server.ip, &d->server.ip) &&
        (!ip_is_none(&d->server.ip) || strcmp(row->server_name, d->server_name) == 0);
    return row->outcome == outcome && row->action == d->action && row->hold == d->hold &&
           strcmp(row->policy, d->policy) == 0 && is_same_who && is_same_server &&
           strcmp(row->site, site_of(r, d)) == 0;
}

/* NULL: there are too many. */
static struct replay_row *
row_new(struct replay *r, const struct decision *d, int64_t at_us)
{
    if (r->row_count == REPLAY_ROWS_MAX) {
        r->dropped++;
        return NULL;
    }
    struct replay_row *row = MEM_NEW(struct replay_row);
    r->rows[r->row_count++] = row;
    row->first_us = row->last_us = at_us;
    row->action = d->action;
    row->mode = d->mode;
    row->hold = d->hold;
    memcpy(row->endpoint_id, d->endpoint_id, sizeof(row->endpoint_id));
    memcpy(row->policy, d->policy, sizeof(row->policy));
    snprintf(row->site, sizeof(row->site), "%s", site_of(r, d));
    row->mac = d->mac;
    row->ip = d->ip;
    row->server = d->server;
    row->server_name = mem_strdup(d->server_name);
    row->hold_detail = mem_strdup(d->hold_detail);
    row->mode_why = mem_strdup(d->mode_why);
    row->reason = mem_strdup(d->reason);
    if (!ip_is_none(&d->ip)) {
        (void)policy_mode_of(r->policy, d->site, &d->ip, row->network);
    }
    return row;
}

/* ---- what really happened ---- */

static uint64_t
real_hash(enum action action, const char *endpoint_id)
{
    return hash_text(endpoint_id) + (uint64_t)action;
}

static void
real_add(struct replay *r, const struct containment *c)
{
    bool is_in_time =
        c->requested_us < r->until_us && (c->ended_us == 0 || c->ended_us >= r->from_us);
    if (!is_in_time || r->real_count == REPLAY_REALS_MAX) {
        return;
    }
    struct replay_real *real = MEM_NEW(struct replay_real);
    containment_copy(&real->c, c);
    r->reals[r->real_count++] = real;
    hmap_insert(&r->real_map, &real->node, real_hash(c->action, c->endpoint_id));
}

static void
on_ended(void *context, const struct containment *containment)
{
    real_add(context, containment);
}

static enum replay_really
really_of(const struct containment *c)
{
    switch (c->state) {
    case CONTAINMENT_PENDING:
    case CONTAINMENT_CHECKED:
    case CONTAINMENT_REVERTED:
        return REALLY_HELD;
    default:
        return REALLY_CONTAINED;
    }
}

/* About the same thing, at that time: asked for at most an hour later, and not over before. */
static bool
is_about(const struct containment *c, const struct decision *d, const char *site, int64_t at_us)
{
    bool is_same_server =
        ip_is_equal(&c->server.ip, &d->server.ip) &&
        (!ip_is_none(&d->server.ip) || strcmp(text_or_empty(c->server_name), d->server_name) == 0);
    bool needs_server = d->action == ACTION_BLOCK_PAIR || d->action == ACTION_BLOCK_SERVER;
    bool is_unknown = d->action != ACTION_BLOCK_SERVER && d->endpoint_id[0] == '\0';
    return c->action == d->action && strcmp(c->endpoint_id, d->endpoint_id) == 0 &&
           (!needs_server || is_same_server) &&
           (!is_unknown || ip_is_equal(&c->subject_ip, &d->ip)) &&
           (c->site[0] == '\0' || site[0] == '\0' || strcmp(c->site, site) == 0) &&
           c->requested_us <= at_us + HOUR_US && (c->ended_us == 0 || c->ended_us >= at_us);
}

static void
row_compare(struct replay *r, struct replay_row *row, const struct decision *d, int64_t at_us)
{
    HMAP_FOR_EACH_HASH (real, struct replay_real, node, real_hash(d->action, d->endpoint_id),
                        &r->real_map) {
        if (!is_about(&real->c, d, row->site, at_us)) {
            continue;
        }
        real->is_matched = true;
        if (really_of(&real->c) > row->really) {
            row->really = really_of(&real->c);
            memcpy(row->containment_id, real->c.id, sizeof(row->containment_id));
        }
    }
}

/* ---- what would be decided ---- */

static enum replay_outcome
outcome_of(const struct decision *d)
{
    return d->action == ACTION_NOTIFY ? REPLAY_NOTIFIED
           : d->mode == MODE_OBSERVE  ? REPLAY_OBSERVED
           : d->hold != HOLD_NONE     ? REPLAY_HELD
           : d->mode == MODE_APPROVE  ? REPLAY_HELD
                                      : REPLAY_CONTAINED;
}

/* As many isolations as fit the ring; a busier hour than that is said as that. */
static void
hour_note(struct replay *r, int64_t at_us)
{
    size_t room = COUNT_OF(r->hour_us);
    while (r->hour_count > 0 &&
           (r->hour_count == room || at_us - r->hour_us[r->hour_first] > HOUR_US)) {
        r->hour_first = (r->hour_first + 1) % room;
        r->hour_count--;
    }
    r->hour_us[(r->hour_first + r->hour_count++) % room] = at_us;
    if (r->hour_count > r->busiest_hour) {
        r->busiest_hour = r->hour_count;
        r->busiest_us = r->hour_us[r->hour_first];
    }
}

/* What was held about the same is over: another detection left no doubt. */
static void
settle_held(struct replay *r, const struct decision *d)
{
    for (size_t i = 0; i < r->row_count; i++) {
        struct replay_row *row = r->rows[i];
        bool is_same = row->action == d->action && strcmp(row->endpoint_id, d->endpoint_id) == 0 &&
                       ip_is_equal(&row->server.ip, &d->server.ip) &&
                       strcmp(row->site, site_of(r, d)) == 0;
        row->is_settled = row->is_settled || (is_same && row->outcome == REPLAY_HELD);
    }
}

static void
decision_note(struct replay *r, const struct decision *d, int64_t at_us)
{
    enum replay_outcome outcome = outcome_of(d);
    uint64_t hash = row_hash(d, outcome);
    struct replay_row *row = NULL;
    HMAP_FOR_EACH_HASH (each, struct replay_row, node, hash, &r->row_map) {
        row = is_same_row(r, each, d, outcome) ? each : row;
    }
    if (!row) {
        row = row_new(r, d, at_us);
        if (!row) {
            return;
        }
        row->outcome = outcome;
        hmap_insert(&r->row_map, &row->node, hash);
    }
    row->times++;
    row->last_us = at_us;
    row_compare(r, row, d, at_us);
    if (outcome == REPLAY_CONTAINED) {
        settle_held(r, d);
    }
    if (outcome == REPLAY_CONTAINED && d->action == ACTION_ISOLATE) {
        hour_note(r, at_us);
    }
}

static void
on_detection(void *context, const struct detection *detection)
{
    struct replay *r = context;
    policy_trial_step(r->trial, detection, r->outcome);
    r->detections++;
    for (size_t i = 0; i < r->outcome->decision_count; i++) {
        decision_note(r, &r->outcome->decisions[i], detection->seen_us);
    }
}

/* ---- steps ---- */

static enum job_step
fail(struct job *job, int error)
{
    snprintf(job->note, sizeof(job->note), "the store could not be read: %s", strerror(-error));
    return JOB_HAS_FAILED;
}

static void
phase_begin(struct replay *r, enum replay_phase phase, int64_t from_us)
{
    r->phase = phase;
    r->place = (struct store_place){.at_us = from_us};
    r->real_next = 0;
}

static enum job_step
step_count(struct replay *r, struct job *job)
{
    struct store_passed passed = {0};
    int error = store_pass_detections(controller_store(r->controller), &r->place, r->until_us,
                                      STEP_COUNTS, &passed, NULL, NULL);
    if (error) {
        return fail(job, error);
    }
    job->total += passed.rows;
    if (passed.rows < STEP_COUNTS) {
        phase_begin(r, REPLAY_READS_ENDED, r->from_us);
    }
    return JOB_GOES_ON;
}

static enum job_step
step_ended(struct replay *r, struct job *job)
{
    struct store_passed passed = {0};
    int error = store_pass_ended(controller_store(r->controller), &r->place, STEP_ENDED, &passed,
                                 on_ended, r);
    if (error) {
        return fail(job, error);
    }
    if (passed.rows < STEP_ENDED) {
        phase_begin(r, REPLAY_READS_LIVE, 0);
    }
    return JOB_GOES_ON;
}

static enum job_step
step_live(struct replay *r)
{
    size_t count = controller_containment_count(r->controller);
    for (size_t i = 0; i < STEP_LIVE && r->real_next < count; i++, r->real_next++) {
        real_add(r, controller_containment_at(r->controller, r->real_next));
    }
    if (r->real_next >= count) {
        phase_begin(r, REPLAY_RUNS, r->from_us);
    }
    return JOB_GOES_ON;
}

static enum job_step
step_run(struct replay *r, struct job *job)
{
    struct store_passed passed = {0};
    int error = store_pass_detections(controller_store(r->controller), &r->place, r->until_us,
                                      STEP_DETECTIONS, &passed, on_detection, r);
    if (error) {
        return fail(job, error);
    }
    job->done += passed.rows;
    job->total = job->done > job->total ? job->done : job->total;
    r->damaged += passed.damaged;
    if (passed.rows < STEP_DETECTIONS) {
        phase_begin(r, REPLAY_COMPARES, 0);
    }
    return JOB_GOES_ON;
}

/* Was really contained by a policy in these days, and no decision is about it any more. */
static void
real_note(struct replay *r, const struct replay_real *real)
{
    const struct containment *c = &real->c;
    if (real->is_matched || c->policy[0] == '\0' || c->requested_us < r->from_us ||
        really_of(c) != REALLY_CONTAINED) {
        return;
    }
    struct decision d = {.action = c->action,
                         .mode = MODE_AUTO,
                         .mac = c->subject_mac,
                         .ip = c->subject_ip,
                         .server = c->server};
    memcpy(d.endpoint_id, c->endpoint_id, sizeof(d.endpoint_id));
    memcpy(d.policy, c->policy, sizeof(d.policy));
    snprintf(d.reason, sizeof(d.reason), "%s", text_or_empty(c->reason));
    snprintf(d.server_name, sizeof(d.server_name), "%s", text_or_empty(c->server_name));
    struct replay_row *row = row_new(r, &d, c->requested_us);
    if (row) {
        row->outcome = REPLAY_NOTHING;
        row->really = REALLY_CONTAINED;
        row->times = 1;
        memcpy(row->containment_id, c->id, sizeof(row->containment_id));
    }
}

static enum job_step
step_compare(struct replay *r, struct job *job)
{
    size_t end = r->real_next + STEP_COMPARES;
    for (; r->real_next < r->real_count && r->real_next < end; r->real_next++) {
        real_note(r, r->reals[r->real_next]);
    }
    if (r->real_next < r->real_count) {
        return JOB_GOES_ON;
    }
    r->phase = REPLAY_IS_OVER;
    job->total = job->done; /* what came or went meanwhile */
    snprintf(job->note, sizeof(job->note), "%llu detections, %zu decisions",
             (unsigned long long)r->detections, r->row_count);
    return JOB_IS_DONE;
}

static enum job_step
replay_step(void *context, struct job *job)
{
    struct replay *r = context;
    switch (r->phase) {
    case REPLAY_COUNTS:
        return step_count(r, job);
    case REPLAY_READS_ENDED:
        return step_ended(r, job);
    case REPLAY_READS_LIVE:
        return step_live(r);
    case REPLAY_RUNS:
        return step_run(r, job);
    default:
        return step_compare(r, job);
    }
}

/* The engine, its memory and what was compared with are not needed to look at what was found. */
static void
replay_over(void *context, const struct job *job)
{
    struct replay *r = context;
    (void)job;
    policy_trial_free(r->trial);
    free(r->outcome);
    hmap_fini(&r->row_map);
    hmap_fini(&r->real_map);
    for (size_t i = 0; i < r->real_count; i++) {
        containment_fini(&r->reals[i]->c);
        free(r->reals[i]);
    }
    free(r->reals);
    r->trial = NULL;
    r->outcome = NULL;
    r->reals = NULL;
    r->real_count = 0;
}

static void
replay_free(void *context)
{
    struct replay *r = context;
    if (r->trial) {
        replay_over(r, NULL);
    }
    for (size_t i = 0; i < r->row_count; i++) {
        row_free(r->rows[i]);
    }
    free(r->rows);
    replay_view_free(r->view);
    policy_unref(r->policy);
    free(r);
}

static struct replay *
replay_new(const struct replay_settings *settings)
{
    struct replay *r = MEM_NEW(struct replay);
    r->controller = settings->controller;
    r->policy = policy_ref(settings->policy);
    r->is_draft = settings->is_draft;
    r->days = settings->days;
    r->assumption = settings->assumption;
    r->until_us = clock_wall_us(controller_clock(settings->controller));
    r->from_us = r->until_us - (int64_t)settings->days * DAY_US;
    r->trial = policy_trial_new(settings->policy, controller_world(settings->controller));
    policy_trial_assume(r->trial, settings->assumption);
    r->outcome = MEM_NEW(struct outcome);
    r->rows = mem_new(REPLAY_ROWS_MAX, sizeof(*r->rows));
    r->reals = mem_new(REPLAY_REALS_MAX, sizeof(*r->reals));
    hmap_init(&r->row_map);
    hmap_init(&r->real_map);
    phase_begin(r, REPLAY_COUNTS, r->from_us);
    return r;
}

const struct job *
replay_start(struct jobs *jobs, const char *account, const struct replay_settings *settings,
             char why[TEXT_SIZE])
{
    char about[TEXT_SIZE];
    struct replay *r = replay_new(settings);
    const struct job_work work = {
        .step = replay_step, .over = replay_over, .free = replay_free, .context = r};
    snprintf(about, sizeof(about), "replay of %u days, %s%s", (unsigned)settings->days,
             settings->is_draft ? "a draft" : "the running policy",
             settings->assumption == ASSUME_NOTHING ? "" : ", as if in mode auto");
    const struct job *job = jobs_start(jobs, REPLAY_KIND, account, about, &work, why);
    if (!job) {
        replay_free(r);
    }
    return job;
}
