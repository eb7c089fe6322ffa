/* One thread per switch: a slow or dead one delays nobody else.  The loop hands it desired states
 * and read-backs; what came of them goes to the outbox.  Desired states that queue up while the
 * switch is busy are applied as one. */
#ifndef CORDON_DRIVER_WORKER_H
#define CORDON_DRIVER_WORKER_H

#include "driver/driver.h"
#include "wire/read_back.h"

struct worker;

struct worker_settings {
    struct device *device; /* borrowed; closed after worker_free */
    int deadline_ms;       /* of one apply or read-back */
    /* What is never blocked, beside what the desired states protect; borrowed for worker_new. */
    const char (*protected)[PREFIX_TEXT_SIZE];
    size_t protected_count;
    /* Called on the worker; takes the contents of 'observed'. */
    void (*on_observed)(void *context, struct wire_observed *observed);
    /* On the worker too; borrowed. */
    void (*on_facts)(void *context, const struct wire_facts *facts);
    void *context;
};

int worker_new(const struct worker_settings *settings, struct worker **worker) MUST_CHECK;
/* Waits for what it is doing. */
void worker_free(struct worker *worker);
/* Both copy.  A full inbox drops, and the next answer says needs_snapshot. */
void worker_desired(struct worker *worker, const struct wire_desired *desired);
void worker_read_back(struct worker *worker, const struct wire_read_back *read_back);
/* What the device sees, where it does not tell that unasked. */
void worker_learn(struct worker *worker);

#endif
