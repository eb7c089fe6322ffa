#include "wire/view_job.h"

#include "wire/view_field.h"

static const struct field job_fields[] = {
    ROW(struct job, id, "id", FIELD_TEXT, "id"),
    ROW(struct job, kind, "kind", FIELD_TEXT, "policy.replay, ..."),
    ROW(struct job, account, "account", FIELD_TEXT, "who asked for it; he and admins may cancel"),
    ROW_SAID(struct job, about, "about", "", "what is done, in words"),
    ROW_ENUM(struct job, state, "state", false, job_state_names, "running, or how it ended"),
    ROW(struct job, done, "done", FIELD_UINT, "so much of it"),
    ROW_OPT(struct job, total, "total", FIELD_UINT, "of so much; absent: not known yet"),
    ROW(struct job, started_us, "started", FIELD_TIME, "since when"),
    ROW_OPT(struct job, ended_us, "ended", FIELD_TIME,
            "when it ended; an hour later it is forgotten with what it found"),
    ROW_OPT_SAID(struct job, note, "note", "", "what came of it, or why it failed"),
};
const struct shape view_job_shape = SHAPE("Job", struct job, job_fields, NULL);
