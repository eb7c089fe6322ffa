/* Retention and purges, as people ask for them. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "controller/retention/purge.h"
#include "controller/retention/retention.h"
#include "wire/view_job.h"
#include "wire/view_retention.h"

static struct view_disk
view_disk_of(const struct retention_settings *settings, const struct retention_view *look)
{
    return (struct view_disk){.budget_mib = settings->budget_mib,
                              .budget_bytes = look->budget_bytes,
                              .used_bytes = look->used_bytes,
                              .share = look->share,
                              .free_bytes = look->free_bytes,
                              .total_bytes = look->total_bytes,
                              .is_shedding = look->is_shedding,
                              .is_stuck = look->is_stuck,
                              .shed = look->shed};
}

static void
answer_view(const struct ask_call *call)
{
    const struct retention_settings *settings = controller_retention(call->controller);
    struct view_retention_kind kinds[RETENTION_KIND_COUNT];
    struct retention_view look;
    retention_look(call->controller, &look);
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        kinds[i] = (struct view_retention_kind){.kind = (int)i,
                                                .days = settings->days[i],
                                                .usual = retention_bounds[i].usual,
                                                .least = retention_bounds[i].least,
                                                .most = retention_bounds[i].most,
                                                .rows = look.held[i].rows,
                                                .bytes = look.held[i].bytes,
                                                .oldest_us = look.held[i].oldest_us,
                                                .taken = look.taken[i]};
    }
    const struct view_retention view = {.kinds = kinds,
                                        .kind_count = RETENTION_KIND_COUNT,
                                        .disk = view_disk_of(settings, &look),
                                        .surveyed_us = look.surveyed_us,
                                        .passed_us = look.passed_us,
                                        .is_running = look.is_running};
    ask_answer_shape(call, 200, &view_retention_shape, &view);
}

void
ask_retention_show(const struct ask_call *call, const void *parameters)
{
    (void)parameters;
    retention_survey(call->controller);
    answer_view(call);
}

static void
on_set(void *context, enum wish_result result, const char *why,
       const struct containment *containment)
{
    struct ask_call *call = context;
    (void)containment;
    if (result == WISH_DONE) {
        answer_view(call);
    } else if (result == WISH_REFUSED) {
        ask_problem(call, 422, why, "kinds", "nothing was changed; correct that");
    } else {
        ask_problem(call, 503, why, NULL, "nothing was changed; try again");
    }
    free(call);
}

void
ask_retention_set(const struct ask_call *call, const void *parameters)
{
    const struct op_retention *asked = parameters;
    struct retention_settings settings = *controller_retention(call->controller);
    struct ask_call *kept = MEM_NEW(struct ask_call);
    for (size_t i = 0; i < asked->kind_count; i++) {
        settings.days[asked->kinds[i].kind] = asked->kinds[i].days;
    }
    if (asked->no_budget || asked->budget_mib > 0) {
        settings.budget_mib = asked->budget_mib;
    }
    *kept = *call;
    controller_retain(call->controller, &settings, call->account, asked->reason, on_set, kept);
}

/* ---- purges ---- */

/* Would stand in rows about anybody: words that rows are written with, and who tells us things. */
static bool
is_ours(const struct controller *controller, const char *value)
{
    struct sensor_view sensor;
    for (size_t i = 0; controller_sensor_at(controller, i, &sensor); i++) {
        if (strcasecmp(sensor.name, value) == 0) {
            return true;
        }
    }
    return sweep_subject_is_word(value);
}

/* Everything that the endpoint is known by.  False: answered already. */
static bool
endpoint_subject(const struct ask_call *call, const char *value, struct sweep_subject *about)
{
    const struct endpoint *endpoint = ask_find_endpoint(call, value);
    if (!endpoint) {
        return false;
    }
    (void)sweep_subject_add(about, endpoint->id);
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        char text[MAC_TEXT_SIZE];
        mac_format(&endpoint->macs[i], text);
        (void)sweep_subject_add(about, text);
    }
    /* Machines say themselves what they are called: a name that is short or a word of ours would be
     * in everything. */
    if (!is_ours(call->controller, endpoint_name(endpoint))) {
        (void)sweep_subject_add(about, endpoint_name(endpoint));
    }
    if (endpoint->client_id && !is_ours(call->controller, endpoint->client_id)) {
        (void)sweep_subject_add(about, endpoint->client_id);
    }
    return true;
}

/* An address or a MAC as rows have it.  False: it is none. */
static bool
plain_subject(const struct op_purge *asked, struct sweep_subject *about)
{
    char text[IP_TEXT_SIZE + MAC_TEXT_SIZE];
    struct ip ip;
    struct mac mac;
    if (asked->subject == PURGE_ADDRESS && ip_parse(asked->value, &ip)) {
        ip_format(&ip, text);
        return sweep_subject_add(about, text);
    }
    if (asked->subject == PURGE_MAC && mac_parse(asked->value, &mac)) {
        mac_format(&mac, text);
        return sweep_subject_add(about, text);
    }
    return asked->subject == PURGE_OLDER ||
           (asked->subject == PURGE_NAME && sweep_subject_add(about, asked->value));
}

/* False: answered already. */
static bool
subject_of(const struct ask_call *call, const struct op_purge *asked, struct sweep_subject *about)
{
    if (asked->subject == PURGE_ENDPOINT) {
        return endpoint_subject(call, asked->value, about);
    }
    if (!plain_subject(asked, about)) {
        ask_problem(call, 422, "the value cannot be looked for", "value",
                    "an IP address, a MAC, or a name of at least 3 characters without quotes");
        return false;
    }
    if (asked->subject == PURGE_NAME && is_ours(call->controller, asked->value)) {
        ask_problem(call, 422, "records about anybody are written with that word", "value",
                    "name the endpoint, or one of its addresses, instead");
        return false;
    }
    return true;
}

struct purging {
    struct ask_call call;
    char id[ID_SIZE];
};

static void
on_begun(void *context, int error)
{
    struct purging *purging = context;
    struct ask_call *call = &purging->call;
    const struct job *job = error ? NULL : jobs_find(call->asks->jobs, purging->id);
    if (job) {
        ask_answer_shape(call, 201, &view_job_shape, job);
    } else {
        ask_problem(call, 503, "the audit could not be stored", NULL,
                    "nothing was changed; try again");
    }
    free(purging);
}

/* Answered once its beginning is in the audit, and it would go on after a restart. */
void
ask_purge_start(const struct ask_call *call, const void *parameters)
{
    const struct op_purge *asked = parameters;
    struct sweep_subject about = {.count = 0};
    if (!subject_of(call, asked, &about)) {
        return;
    }
    if (sweep_subject_is_in(&about, asked->reason)) {
        ask_problem(call, 422, "the reason names whom it is about: that would stay in the audit",
                    "reason", "say why, with a case number perhaps, and not whom");
        return;
    }
    const struct purge_settings settings = {.controller = call->controller,
                                            .copies = call->asks->settings.copies,
                                            .subject = (enum purge_subject)asked->subject,
                                            .about = about,
                                            .before_us = asked->before_us,
                                            .is_dry = asked->is_dry};
    struct purging *purging = MEM_NEW(struct purging);
    char busy[TEXT_SIZE];
    purging->call = *call;
    const struct job *job = purge_start(call->asks->jobs, call->account, &settings, asked->reason,
                                        on_begun, purging, busy);
    if (!job) {
        ask_problem(call, 429, busy, NULL, "wait for one to end, or cancel it");
        free(purging);
        return;
    }
    memcpy(purging->id, job->id, sizeof(purging->id));
}

void
ask_purge_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    const struct purge *purge = jobs_context(call->asks->jobs, asked->id, PURGE_KIND);
    struct view_purged kinds[PURGE_KIND_COUNT];
    if (!purge) {
        ask_problem(call, 404, "no purge has this id; an hour after their end they are forgotten",
                    "id", "'cordonctl jobs' lists them");
        return;
    }
    struct view_purge *view = MEM_NEW(struct view_purge);
    purge_view(purge, jobs_find(call->asks->jobs, asked->id), view, kinds);
    ask_answer_shape(call, 200, &view_purge_shape, view);
    free(view);
}
