/* Jobs: list, show, cancel. */
#include "controller/ask/ask_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/view_job.h"

cJSON *
ask_view_job(const struct job *job)
{
    return codec_encode(&view_job_shape, job);
}

void
ask_job_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    const struct job *job;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; (job = jobs_at(call->asks->jobs, i)) != NULL; i++) {
        const char *const texts[] = {job->id,    job->kind, job->account,
                                     job->about, job->note, job_state_names[job->state],
                                     NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, ask_view_job(job));
        }
    }
    ask_page_answer(call, &page);
}

/* NULL: answered already. */
static const struct job *
job_of(const struct ask_call *call, const char *id)
{
    const struct job *job = jobs_find(call->asks->jobs, id);
    if (!job) {
        ask_problem(call, 404, "no job has this id; an hour after their end they are forgotten",
                    "id", "'cordonctl jobs' lists them");
    }
    return job;
}

void
ask_job_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    const struct job *job = job_of(call, asked->id);
    if (job) {
        ask_answer_shape(call, 200, &view_job_shape, job);
    }
}

/* A job whose cancelling is on its way to the disk: with the audit's row, what has it stay so. */
struct cancelling {
    struct ask_call call;
    char id[HOST_SIZE];
};

static void
on_stored(void *context, int error)
{
    struct cancelling *cancelling = context;
    const struct ask_call *call = &cancelling->call;
    if (error) {
        jobs_go_on(call->asks->jobs, cancelling->id);
        ask_problem(call, 503, "the audit could not be stored", NULL,
                    "nothing was changed; try again");
    } else {
        (void)jobs_cancel(call->asks->jobs, cancelling->id); /* or it ended meanwhile */
        const struct job *job = job_of(call, cancelling->id);
        if (job) {
            ask_answer_shape(call, 200, &view_job_shape, job);
        }
    }
    free(cancelling);
}

void
ask_job_cancel(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    const struct job *job = job_of(call, asked->id);
    if (!job) {
        return;
    }
    if (strcmp(job->account, call->account) != 0 && call->role != ACCOUNT_ADMIN) {
        ask_problem(call, 403, "only who started a job, or an admin, may cancel it", "id",
                    "ask an administrator");
        return;
    }
    struct store_change *change = store_change_new();
    if (!jobs_cancel_put(call->asks->jobs, job->id, change)) {
        store_change_free(change);
        ask_problem(call, 409, "it has ended already", "id", "nothing was changed");
        return;
    }
    store_put_audit(change, clock_wall_us(controller_clock(call->controller)), call->account,
                    "job.cancel", job->id, job->about);
    struct cancelling *cancelling = MEM_NEW(struct cancelling);
    cancelling->call = *call;
    memcpy(cancelling->id, asked->id, sizeof(cancelling->id));
    store_submit(controller_store(call->controller), change, on_stored, cancelling);
}
