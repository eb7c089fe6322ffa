#include "controller/retention/purge.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "controller/entry.h"
#include "controller/records.h"
#include "controller/retention/purge_kept.h"
#include "controller/retention/retention.h"
#include "controller/state.h"
#include "topology/age.h"

#define STEP_ENDPOINTS 32
#define STEP_ANNOTATIONS 64
#define SCRUB_US (INT64_C(120) * 1000000) /* then it goes on by itself */
#define AGAIN_US (INT64_C(10) * 1000000)

/* In this order: what refers to something goes before it. */
static const struct {
    enum sweep_of of;
    enum purge_kind kind;
} sweeps[] = {
    {SWEEP_EVIDENCE, PURGED_EVIDENCE},
    {SWEEP_DETECTIONS, PURGED_DETECTIONS},
    {SWEEP_CONTAINMENTS, PURGED_CONTAINMENTS},
    {SWEEP_NOTICES, PURGED_NOTICES},
    {SWEEP_MESSAGES, PURGED_NOTICES},
    {SWEEP_INCIDENTS, PURGED_INCIDENTS},
    {SWEEP_AUDIT, PURGED_AUDIT},
};

enum purge_part {
    PART_WORD, /* that it began: before the first row goes */
    PART_SWEEPS,
    PART_ENDPOINTS,
    PART_ANNOTATIONS,
    PART_FOLLOW,
    PART_END,
    PART_SCRUB
};

struct purge {
    struct purge_settings settings;
    struct view_purged kinds[PURGE_KIND_COUNT];
    enum purge_part part;
    size_t sweep_number;
    struct store_sweep sweep, trial;
    bool is_sweeping, is_busy, has_failed;
    bool is_orphan; /* forgotten while a commit is under way */
    bool is_resumed;
    bool is_kept;          /* on the disk: the next start of core goes on with it */
    int64_t again_us;      /* boot: that it failed is stored again, where it was not */
    purge_begun_fn *begun; /* NULL: nobody waits */
    void *begun_context;
    size_t topology_place, incident_place;
    struct topology_aged aged;
    struct mac mac; /* annotations up to here were looked at */
    bool has_mac;
    int64_t scrub_until_us; /* boot */
    bool is_scrubbed;
};

/* ---- its beginning and its end ---- */

/* A commit under way came to the disk, or did not.  False: nobody has the purge any more. */
static bool
committed(struct purge *purge, int error)
{
    purge->is_busy = false;
    purge->has_failed = purge->has_failed || error != 0;
    if (purge->is_orphan) {
        free(purge);
        return false;
    }
    return true;
}

static void
on_word(void *context, int error)
{
    struct purge *purge = context;
    if (purge->begun) {
        purge->begun(purge->begun_context, error);
        purge->begun = NULL;
    }
    purge->is_kept = purge->is_resumed || (!error && !purge->settings.is_dry);
    (void)committed(purge, purge->is_resumed ? 0 : error); /* what goes on is remembered already */
}

/* Without the value, which would stay in the audit for years. */
static void
word_put(struct purge *purge, const struct job *job, const char *reason)
{
    const struct purge_settings *settings = &purge->settings;
    const struct purge_kept kept = {settings->subject, settings->about, settings->before_us};
    int64_t now_us = clock_wall_us(settings->controller->clock);
    struct store_change *change = store_change_new();
    if (purge->is_resumed) {
        store_put_audit(change, now_us, "cordon", "purge.resume", job->id, reason);
    } else {
        store_put_audit(change, now_us, job->account,
                        settings->is_dry ? "purge.count" : "purge.start",
                        purge_subject_names[settings->subject], reason);
    }
    if (!settings->is_dry && !purge->is_resumed) {
        purge_keep(change, job, &kept);
    }
    purge->part = PART_WORD + 1;
    purge->is_busy = true;
    store_submit(settings->controller->store, change, on_word, purge);
}

static void
on_end(void *context, int error)
{
    struct purge *purge = context;
    if (error && !purge->is_kept) {
        log_error("core", "what a cancelled purge took is not in the operation log",
                  LOG_I("error", error));
    }
    purge->is_kept = purge->is_kept && error;
    (void)committed(purge, error);
}

/* What went, also where it was cancelled: by kind, and not of whom. */
static void
end_submit(struct purge *purge, const struct job *job, enum job_state state)
{
    struct store_change *change = store_change_new();
    char detail[TEXT_SIZE];
    size_t used = (size_t)snprintf(detail, sizeof(detail), "%s", job_state_names[state]);
    for (size_t i = 0; i < PURGE_KIND_COUNT; i++) {
        used += (size_t)snprintf(detail + used, sizeof(detail) - used, ", %s %" PRIu64,
                                 purge_kind_names[i], purge->kinds[i].rows);
    }
    store_put_audit(change, clock_wall_us(purge->settings.controller->clock), job->account,
                    "purge.end", job->id, detail);
    purge_forget(change, job->id);
    purge->is_busy = true;
    store_submit(purge->settings.controller->store, change, on_end, purge);
}

/* Before the bytes are written over: what remembers it has the value too. */
static enum job_step
end_step(struct purge *purge, const struct job *job)
{
    struct controller *controller = purge->settings.controller;
    if (purge->is_busy) {
        return JOB_WAITS;
    }
    if (purge->is_kept) {
        end_submit(purge, job, JOB_DONE);
        return JOB_WAITS;
    }
    store_scrub(controller->store);
    purge->scrub_until_us = clock_boot_us(controller->clock) + SCRUB_US;
    purge->part++;
    return JOB_GOES_ON;
}

/* ---- the store ---- */

static void
sweep_begin(struct purge *purge)
{
    const struct purge_settings *settings = &purge->settings;
    enum sweep_of of = sweeps[purge->sweep_number].of;
    purge->sweep = (struct store_sweep){
        .of = of,
        .act = settings->is_dry || of == SWEEP_AUDIT ? SWEEP_LOOK : SWEEP_DROP,
        .before_us = settings->before_us ? settings->before_us : INT64_MAX,
        .open_us = retention_open_us(settings->controller),
        .is_about = settings->subject != PURGE_OLDER,
        .subject = settings->about,
        .place_us = INT64_MIN,
    };
    purge->is_sweeping = true;
}

/* Of the audit nothing goes: what is found there is what stays. */
static void
sweep_end(struct purge *purge)
{
    struct view_purged *kind = &purge->kinds[sweeps[purge->sweep_number].kind];
    if (purge->sweep.of == SWEEP_AUDIT) {
        kind->kept += purge->sweep.rows;
    } else {
        kind->rows += purge->sweep.rows;
        kind->bytes += purge->sweep.bytes;
        kind->kept += purge->sweep.kept;
    }
    purge->is_sweeping = false;
    purge->sweep_number++;
}

static void
on_slice(void *context, int error)
{
    struct purge *purge = context;
    if (committed(purge, error) && !error) {
        purge->sweep = purge->trial;
    }
}

/* Where all that is older is asked for, the audit is not asked about. */
static bool
has_swept(const struct purge *purge)
{
    return purge->sweep_number == COUNT_OF(sweeps) ||
           (sweeps[purge->sweep_number].of == SWEEP_AUDIT &&
            purge->settings.subject == PURGE_OLDER);
}

static enum job_step
sweeps_step(struct purge *purge, struct job *job)
{
    if (purge->is_busy) {
        return JOB_WAITS;
    }
    if (purge->is_sweeping && purge->sweep.is_over) {
        job->done += purge->sweep.seen;
        sweep_end(purge);
    }
    if (has_swept(purge)) {
        purge->part++;
        return JOB_GOES_ON;
    }
    if (!purge->is_sweeping) {
        sweep_begin(purge);
    }
    struct store_change *change = store_change_new();
    purge->is_busy = true;
    purge->trial = purge->sweep;
    store_put_sweep(change, &purge->trial);
    store_submit(purge->settings.controller->store, change, on_slice, purge);
    return JOB_WAITS;
}

/* ---- what topology knows ---- */

static bool
names(const struct purge *purge, const char *text)
{
    return text && text[0] && sweep_subject_is_in(&purge->settings.about, text);
}

static bool
annotation_is_about(const struct purge *purge, const struct mac *mac,
                    const struct annotation *annotation)
{
    char text[MAC_TEXT_SIZE];
    mac_format(mac, text);
    bool is_about = names(purge, text) || names(purge, annotation->note) ||
                    names(purge, annotation->owner) || names(purge, annotation->owner_email);
    for (size_t i = 0; i < annotation->tag_count; i++) {
        is_about = is_about || names(purge, annotation->tags[i]);
    }
    return is_about;
}

static bool
is_about(void *context, const struct endpoint *endpoint)
{
    const struct purge *purge = context;
    bool is_it = names(purge, endpoint->id) || names(purge, endpoint->host_name) ||
                 names(purge, endpoint->client_id);
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        char text[MAC_TEXT_SIZE];
        mac_format(&endpoint->macs[i], text);
        is_it = is_it || names(purge, text);
    }
    return is_it || (endpoint->annotation && endpoint->mac_count > 0 &&
                     annotation_is_about(purge, &endpoint->macs[0], endpoint->annotation));
}

static bool
is_named(void *context, const char *text)
{
    return names(context, text);
}

static bool
is_needed(void *context, const struct endpoint *endpoint)
{
    const struct purge *purge = context;
    return retention_needs(purge->settings.controller, endpoint);
}

static enum job_step
endpoints_step(struct purge *purge, struct job *job)
{
    const struct purge_settings *settings = &purge->settings;
    int64_t before_us = settings->before_us ? settings->before_us : INT64_MAX;
    bool is_older = settings->subject == PURGE_OLDER;
    /* An address is whoever has it: the machine stays, and that it once had it goes. */
    const struct topology_age age = {.endpoints_us =
                                         settings->subject == PURGE_ADDRESS ? INT64_MIN : before_us,
                                     .bindings_us = before_us,
                                     .is_about = is_older ? NULL : is_about,
                                     .is_named = is_older ? NULL : is_named,
                                     .is_needed = is_needed,
                                     .context = purge,
                                     .is_dry = settings->is_dry};
    size_t from = purge->topology_place;
    bool more = topology_age(settings->controller->topology, &age, STEP_ENDPOINTS,
                             &purge->topology_place, &purge->aged);
    job->done += purge->topology_place - from;
    if (!more) {
        purge->kinds[PURGED_ENDPOINTS].rows = purge->aged.endpoints;
        purge->kinds[PURGED_ENDPOINTS].kept = purge->aged.kept;
        purge->kinds[PURGED_BINDINGS].rows = purge->aged.bindings + purge->aged.events;
        purge->part++;
    }
    return JOB_GOES_ON;
}

static void
annotation_judge(struct purge *purge, const struct mac *mac, struct store_change **change)
{
    struct topology *topology = purge->settings.controller->topology;
    const struct endpoint *endpoint = topology_by_mac(topology, mac);
    if (endpoint && retention_needs(purge->settings.controller, endpoint)) {
        purge->kinds[PURGED_ANNOTATIONS].kept++;
        return;
    }
    purge->kinds[PURGED_ANNOTATIONS].rows++;
    if (purge->settings.is_dry) {
        return;
    }
    const struct annotation empty = {.tag_count = 0};
    *change = *change ? *change : store_change_new();
    store_put_annotation(*change, mac, &empty);
    if (!topology_annotate(topology, mac, &empty)) {
        abort(); /* taking one away needs no room: a bug */
    }
}

/* By age nothing of what people say goes: it has no time. */
static enum job_step
annotations_step(struct purge *purge)
{
    struct controller *controller = purge->settings.controller;
    struct store_change *change = NULL;
    const struct annotation *annotation = NULL;
    for (size_t i = 0; i < STEP_ANNOTATIONS && purge->settings.subject != PURGE_OLDER; i++) {
        struct mac mac;
        annotation = topology_annotation_after(controller->topology,
                                               purge->has_mac ? &purge->mac : NULL, &mac);
        if (!annotation) {
            break;
        }
        purge->mac = mac;
        purge->has_mac = true;
        if (annotation_is_about(purge, &mac, annotation)) {
            annotation_judge(purge, &mac, &change);
        }
    }
    if (change) {
        store_submit(controller->store, change, NULL, NULL);
    }
    purge->part += !annotation;
    return JOB_GOES_ON;
}

/* ---- what is in memory, and in the bytes ---- */

static bool
is_gone(void *context, const struct containment *c)
{
    const struct purge *purge = context;
    return !store_has_containment(purge->settings.controller->store, c->id);
}

static enum job_step
follow_step(struct purge *purge)
{
    struct controller *controller = purge->settings.controller;
    if (purge->settings.is_dry) {
        return JOB_IS_DONE;
    }
    if (purge->incident_place == 0) {
        entries_forget_ended(controller, is_gone, purge);
    }
    if (!records_follow_store(controller, retention_open_us(controller), &purge->incident_place)) {
        controller_list_changed(controller, CHANGED_INCIDENTS);
        controller_list_changed(controller, CHANGED_CONTAINMENTS);
        controller_list_changed(controller, CHANGED_RETENTION);
        purge->part++;
    }
    return JOB_GOES_ON;
}

static enum job_step
scrub_step(struct purge *purge)
{
    struct controller *controller = purge->settings.controller;
    purge->is_scrubbed = store_is_scrubbed(controller->store);
    if (!purge->is_scrubbed && clock_boot_us(controller->clock) < purge->scrub_until_us) {
        return JOB_WAITS;
    }
    if (purge->settings.copies) {
        copies_renew(purge->settings.copies);
    }
    return JOB_IS_DONE;
}

static enum job_step
part_step(struct purge *purge, struct job *job)
{
    switch (purge->part) {
    case PART_WORD:
        word_put(purge, job, "core ended in the middle of it; what is counted begins anew");
        return JOB_WAITS;
    case PART_SWEEPS:
        return sweeps_step(purge, job);
    case PART_ENDPOINTS:
        return endpoints_step(purge, job);
    case PART_ANNOTATIONS:
        return annotations_step(purge);
    case PART_FOLLOW:
        return follow_step(purge);
    case PART_END:
        return end_step(purge, job);
    default:
        return scrub_step(purge);
    }
}

/* ---- the job ---- */

static void
note_format(const struct purge *purge, char note[TEXT_SIZE])
{
    uint64_t rows = 0, kept = 0;
    for (size_t i = 0; i < PURGE_KIND_COUNT; i++) {
        rows += purge->kinds[i].rows;
        kept += purge->kinds[i].kept;
    }
    snprintf(note, TEXT_SIZE, "%" PRIu64 " rows %s, %" PRIu64 " stay", rows,
             purge->settings.is_dry ? "would go" : "went", kept);
}

/* As far as it came; then nothing more is counted. */
static void
sweep_leave(struct purge *purge)
{
    if (purge->is_sweeping) {
        sweep_end(purge);
    }
}

/* It has failed once nothing remembers it, or it would be told so and go on after a restart.  Until
 * then it stands still, and somebody may cancel it. */
static enum job_step
failed_step(struct purge *purge, struct job *job)
{
    int64_t now_us = clock_boot_us(purge->settings.controller->clock);
    snprintf(job->note, sizeof(job->note), "the store could not be changed");
    if (!purge->is_busy && !purge->is_kept) {
        return JOB_HAS_FAILED;
    }
    if (!purge->is_busy && now_us < purge->again_us) {
        return JOB_RESTS; /* the disk is full, perhaps for hours: nothing to look for meanwhile */
    }
    if (!purge->is_busy) {
        sweep_leave(purge);
        purge->again_us = now_us + AGAIN_US;
        end_submit(purge, job, JOB_FAILED);
    }
    return JOB_WAITS;
}

static enum job_step
step(void *context, struct job *job)
{
    struct purge *purge = context;
    if (purge->has_failed) {
        return failed_step(purge, job);
    }
    enum job_step is = part_step(purge, job);
    if (is == JOB_IS_DONE) {
        note_format(purge, job->note);
    }
    return is;
}

/* With the row that says so: once somebody is told that it is cancelled, no start of core goes on
 * with it. */
static void
cancel_put(void *context, const struct job *job, struct store_change *change)
{
    const struct purge *purge = context;
    if (!purge->settings.is_dry) {
        purge_forget(change, job->id);
    }
}

/* What a cancelled one did is told behind that: slices that were under way are counted by now. */
static void
over(void *context, const struct job *job)
{
    struct purge *purge = context;
    if (purge->settings.is_dry) {
        return;
    }
    if (job->state == JOB_CANCELLED && purge->is_kept) {
        sweep_leave(purge);
        purge->is_kept = false;
        end_submit(purge, job, JOB_CANCELLED);
    }
    if (!purge->is_scrubbed) {
        store_scrub(purge->settings.controller->store); /* cancelled, or somebody still reads */
    }
}

static void
forget(void *context)
{
    struct purge *purge = context;
    sodium_memzero(&purge->settings.about, sizeof(purge->settings.about));
    purge->is_orphan = purge->is_busy;
    if (!purge->is_busy) {
        free(purge);
    }
}

/* What there is to look at, as far as it was counted. */
static uint64_t
total_of(const struct controller *controller)
{
    struct retention_view view;
    uint64_t total = 0;
    retention_look(controller, &view);
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        total += i == RETENTION_NAMES || i == RETENTION_BINDINGS ? 0 : view.held[i].rows;
    }
    return total;
}

static const struct job *
begin(struct jobs *jobs, const char *account, const struct job *resumes, struct purge *purge,
      char why[TEXT_SIZE])
{
    const struct purge_settings *settings = &purge->settings;
    char about[TEXT_SIZE];
    for (size_t i = 0; i < PURGE_KIND_COUNT; i++) {
        purge->kinds[i].kind = (int)i;
    }
    snprintf(about, sizeof(about), "%s: %s", settings->is_dry ? "count" : "purge",
             purge_subject_names[settings->subject]);
    if (!settings->is_dry) {
        entries_write_behind(settings->controller, SIZE_MAX); /* nothing is written after it went */
    }
    const struct job_work work = {.step = step,
                                  .cancel_put = cancel_put,
                                  .over = over,
                                  .free = forget,
                                  .context = purge,
                                  .resumes = resumes};
    const struct job *job = jobs_start(jobs, PURGE_KIND, account, about, &work, why);
    if (!job) {
        free(purge);
    } else {
        jobs_expect(jobs, job->id, total_of(settings->controller));
    }
    return job;
}

const struct job *
purge_start(struct jobs *jobs, const char *account, const struct purge_settings *settings,
            const char *reason, purge_begun_fn *begun, void *context, char why[TEXT_SIZE])
{
    struct purge *purge = MEM_NEW(struct purge);
    *purge = (struct purge){.settings = *settings, .begun = begun, .begun_context = context};
    const struct job *job = begin(jobs, account, NULL, purge, why);
    if (job) {
        word_put(purge, job, reason);
    }
    return job;
}

struct resuming {
    struct jobs *jobs;
    const struct purge_settings *settings;
};

static void
on_kept(void *context, const char *name, const char *value)
{
    const struct resuming *resuming = context;
    struct purge_kept kept;
    struct job job;
    char why[TEXT_SIZE] = "it cannot be read";
    struct purge *purge = NULL;
    if (purge_kept_parse(name, value, &job, &kept)) {
        purge = MEM_NEW(struct purge);
        purge->settings = *resuming->settings;
        purge->settings.subject = kept.subject;
        purge->settings.about = kept.about;
        purge->settings.before_us = kept.before_us;
        purge->is_resumed = purge->is_kept = true;
    }
    if (!purge || !begin(resuming->jobs, job.account, &job, purge, why)) {
        log_error("core", "a purge that had begun does not go on", LOG_S("setting", name),
                  LOG_S("why", why));
    }
    sodium_memzero(&kept, sizeof(kept));
}

void
purges_resume(struct jobs *jobs, const struct purge_settings *settings)
{
    struct resuming resuming = {jobs, settings};
    if (store_read_settings(settings->controller->store, PURGE_SETTING, on_kept, &resuming)) {
        log_error("core", "what remembers purges cannot be read", LOG_END);
    }
}

void
purge_view(const struct purge *purge, const struct job *job, struct view_purge *view,
           struct view_purged kinds[PURGE_KIND_COUNT])
{
    *view = (struct view_purge){.job = *job,
                                .is_dry = purge->settings.is_dry,
                                .is_scrubbed = purge->is_scrubbed,
                                .subject = (int)purge->settings.subject,
                                .kinds = kinds,
                                .kind_count = PURGE_KIND_COUNT};
    memcpy(kinds, purge->kinds, sizeof(purge->kinds));
    if (purge->settings.copies) {
        const struct view_backup *backup = copies_view(purge->settings.copies);
        view->backup_us = backup->has_last ? backup->last.at_us : 0;
        snprintf(view->backup_file, sizeof(view->backup_file), "%s", backup->last.file);
        view->backups_kept = backup->keep;
    }
}
