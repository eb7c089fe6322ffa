/* Answers what web asks: one handler per operation (wire/op.h), split by resource into
 * ask_*.c.  Runs on core's loop thread.  Each handler decodes its parameters by shape, the right of
 * the account is checked again here, and a wish is answered when its commit is on disk. */
#ifndef CORDON_CONTROLLER_ASK_H
#define CORDON_CONTROLLER_ASK_H

#include "controller/ask/inspect.h"
#include "controller/certificates/certificates.h"
#include "controller/controller.h"
#include "controller/jobs.h"
#include "controller/pressure.h"
#include "controller/recovery/copies.h"
#include "controller/revisions.h"
#include "controller/warnings.h"
#include "wire/answer.h"
#include "wire/ask.h"

struct asks;

/* What only the process knows; NULL, false: not looked at. */
struct own_ports {
    bool lacks_landlock;
    /* Room on the disk of the state folder; 0 or negative errno. */
    int (*disk)(void *context, uint64_t *left, uint64_t *whole);
    const struct pressure_view *memory; /* NULL: not looked at (tests of other things) */
    /* 0: the master key's file is as it must be. */
    int (*key_check)(void *context);
    void *context;
};

struct ask_settings {
    struct controller *controller;
    const char *site;            /* the one that we serve; NULL: "default" */
    struct revisions *revisions; /* NULL: none are kept (tests of other things) */
    struct warnings *warnings;
    struct certificates *certificates; /* NULL: none are looked after (tests) */
    const int64_t *server_expires_us;  /* our own certificate's end; 0 or NULL: not known */
    struct copies *copies;             /* NULL: none are made here (tests of other things) */
    int64_t started_us;                /* wall clock */
    struct jobs_ports jobs;            /* what jobs need of the loop */
    struct own_ports own;
};

/* Called exactly once per ask, in the call or later on the loop; 'answer' is borrowed. */
typedef void ask_answer_fn(void *context, const struct wire_answer *answer);

struct asks *asks_new(const struct ask_settings *settings);
/* Wishes that still wait for their commit are not answered any more: free after the store. */
void asks_free(struct asks *asks);
void asks_handle(struct asks *asks, const struct wire_ask *ask, ask_answer_fn *answer,
                 void *context);
/* A slice of the jobs that run, see jobs_run(). */
int64_t asks_run_jobs(struct asks *asks);

/* Objects as the API shows them, for live events (controller_ports.publish); the caller owns the
 * result.  Topics: "containment", "endpoint", "incident", "link", "switch", "source", "job",
 * "policy". */
cJSON *ask_view_containment(struct controller *controller, const struct containment *containment);
cJSON *ask_view_endpoint(struct controller *controller, const struct endpoint *endpoint,
                         bool shows_people);
cJSON *ask_view_incident(struct controller *controller, const struct incident *incident);
cJSON *ask_view_link(const struct link *link);
cJSON *ask_view_switch(struct controller *controller, const struct switch_view *view);
cJSON *ask_view_job(const struct job *job);
cJSON *ask_view_revision(const struct revision *revision);
cJSON *ask_view_source(const struct wire_source *source);

#endif
