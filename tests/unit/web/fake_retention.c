/* Retention and purges of the fake controller: settings are kept, and a purge is over at once. */
#include <stdlib.h>

#include "base/mem.h"
#include "controller/retention/purge.h"
#include "controller/retention/retention.h"
#include "fake_controller.h"

static struct retention_settings *
settings_of(void)
{
    static struct retention_settings settings;
    if (settings.days[0] == 0) {
        retention_usual(&settings);
    }
    return &settings;
}

const struct retention_settings *
controller_retention(const struct controller *controller)
{
    (void)controller;
    return settings_of();
}

void
controller_retain(struct controller *controller, const struct retention_settings *settings,
                  const char *account, const char *reason, wish_done_fn *done, void *context)
{
    char why[128];
    if (!retention_check(settings, why)) {
        done(context, WISH_REFUSED, why, NULL);
        return;
    }
    *settings_of() = *settings;
    controller_record(controller, account, "retention.set", "retention", reason, done, context);
}

void
retention_survey(struct controller *controller)
{
    (void)controller;
}

void
retention_spare_audit(struct controller *controller)
{
    (void)controller;
}

void
retention_look(const struct controller *controller, struct retention_view *view)
{
    (void)controller;
    *view = (struct retention_view){.surveyed_us = 1,
                                    .share = 42,
                                    .used_bytes = 42,
                                    .budget_bytes = 100,
                                    .free_bytes = 10,
                                    .total_bytes = 100};
    view->held[RETENTION_EVIDENCE] = (struct retention_held){3, 3000, 1000000};
}

struct purge {
    struct purge_settings settings;
};

static enum job_step
step(void *context, struct job *job)
{
    (void)context, (void)job;
    return JOB_IS_DONE;
}

struct begun {
    purge_begun_fn *begun;
    void *context;
};

static void
on_begun(void *context, int error)
{
    struct begun *begun = context;
    begun->begun(begun->context, error);
    free(begun);
}

const struct job *
purge_start(struct jobs *jobs, const char *account, const struct purge_settings *settings,
            const char *reason, purge_begun_fn *begun, void *context, char why[TEXT_SIZE])
{
    struct purge *purge = MEM_NEW(struct purge);
    purge->settings = *settings;
    const struct job_work work = {.step = step, .free = free, .context = purge};
    const struct job *job = jobs_start(jobs, PURGE_KIND, account, "purge", &work, why);
    if (!job) {
        free(purge);
        return NULL;
    }
    struct begun *later = MEM_NEW(struct begun);
    *later = (struct begun){begun, context};
    struct store_change *change = store_change_new();
    store_put_audit(change, job->started_us, account,
                    settings->is_dry ? "purge.count" : "purge.start",
                    purge_subject_names[settings->subject], reason);
    store_submit(controller_store(settings->controller), change, on_begun, later);
    return job;
}

void
purges_resume(struct jobs *jobs, const struct purge_settings *settings)
{
    (void)jobs, (void)settings;
}

void
purge_view(const struct purge *purge, const struct job *job, struct view_purge *view,
           struct view_purged kinds[PURGE_KIND_COUNT])
{
    kinds[0] = (struct view_purged){
        .kind = PURGED_DETECTIONS, .rows = purge->settings.about.count, .kept = 1};
    *view = (struct view_purge){.job = *job,
                                .is_dry = purge->settings.is_dry,
                                .subject = (int)purge->settings.subject,
                                .kinds = kinds,
                                .kind_count = 1};
}
