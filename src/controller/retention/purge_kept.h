/* What a purge is remembered by until its end, so that one that was acknowledged goes on after a
 * restart of core: a setting "purge/JOB", committed with the audit's row of its beginning and
 * forgotten with that of its end.  It has the values that are looked for: it goes before the bytes
 * of the file are written over.
 *
 * Core's loop thread. */
#ifndef CORDON_CONTROLLER_PURGE_KEPT_H
#define CORDON_CONTROLLER_PURGE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"
#include "store/sweep.h"
#include "wire/view_retention.h"

#define PURGE_SETTING "purge/"

struct purge_kept {
    enum purge_subject subject;
    struct sweep_subject about;
    int64_t before_us;
};

void purge_keep(struct store_change *change, const struct job *job, const struct purge_kept *kept);
void purge_forget(struct store_change *change, const char *job_id);
/* A setting as purge_keep() made it: fills id, account and start of 'job'.  False: it is none. */
bool purge_kept_parse(const char *name, const char *value, struct job *job,
                      struct purge_kept *kept);

#endif
