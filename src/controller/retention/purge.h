/* Purge: everything about an endpoint, an address, a MAC or a name, or everything that is older, is
 * counted or taken away at once, whatever its time is.  A job; what is needed stays, and is
 * counted.  The value is neither in the audit nor in the job; the database has it until the end
 * (purge_kept.h), so that what was acknowledged goes on where core ends in the middle of it. */
#ifndef CORDON_CONTROLLER_PURGE_H
#define CORDON_CONTROLLER_PURGE_H

#include "controller/controller.h"
#include "controller/jobs.h"
#include "controller/recovery/copies.h"
#include "store/sweep.h"
#include "wire/view_retention.h"

#define PURGE_KIND "purge"

struct purge;

struct purge_settings {
    struct controller *controller;
    struct copies *copies; /* NULL: there are none */
    enum purge_subject subject;
    struct sweep_subject about; /* empty: everything older */
    int64_t before_us;          /* 0: whenever it was */
    bool is_dry;
};

/* Its beginning is in the audit, with 'reason', and it will come to its end whatever happens:
 * called once, later, with 0; or with an error: nothing went, and nothing will. */
typedef void purge_begun_fn(void *context, int error);
/* NULL: too many jobs, 'why' says whose; 'begun' is not called. */
const struct job *purge_start(struct jobs *jobs, const char *account,
                              const struct purge_settings *settings, const char *reason,
                              purge_begun_fn *begun, void *context, char why[TEXT_SIZE]) MUST_CHECK;
/* At start: those that had begun go on, under their ids. */
void purges_resume(struct jobs *jobs, const struct purge_settings *settings);
/* What it has found so far, into room for PURGE_KIND_COUNT kinds. */
void purge_view(const struct purge *purge, const struct job *job, struct view_purge *view,
                struct view_purged kinds[PURGE_KIND_COUNT]);

#endif
