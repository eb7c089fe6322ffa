/* Purge: everything about an endpoint, an address, a MAC or a name, or everything that is older, is
 * counted or taken away at once, whatever its time is.  A job; what is needed stays, and is
 * counted. The value is kept nowhere: not in the audit, not in the job. */
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

/* NULL: too many jobs, 'why' says whose. */
const struct job *purge_start(struct jobs *jobs, const char *account,
                              const struct purge_settings *settings,
                              char why[TEXT_SIZE]) MUST_CHECK;
/* What it has found so far, into room for PURGE_KIND_COUNT kinds. */
void purge_view(const struct purge *purge, const struct job *job, struct view_purge *view,
                struct view_purged kinds[PURGE_KIND_COUNT]);

#endif
