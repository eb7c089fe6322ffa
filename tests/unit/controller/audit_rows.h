/* The audit's rows, newest first, as the store's own thread reads them. */
#ifndef CORDON_TESTS_CONTROLLER_AUDIT_ROWS_H
#define CORDON_TESTS_CONTROLLER_AUDIT_ROWS_H

#include <event2/event.h>

#include "store/store.h"

struct audit_reading {
    void (*each)(void *context, const struct audit_fields *row);
    void *context;
    int calls, error;
};

static inline void
audit_rows_came(void *context, const struct store_audit_answer *answer)
{
    struct audit_reading *reading = context;
    reading->calls++;
    reading->error = answer->error;
    for (size_t i = 0; i < answer->count; i++) {
        reading->each(reading->context, &answer->rows[i].fields);
    }
}

/* 0 or negative errno. */
static inline int
audit_rows(struct store *store, struct event_base *base,
           void (*each)(void *context, const struct audit_fields *row), void *context)
{
    struct audit_reading reading = {.each = each, .context = context};
    struct store_audit_question all = {.limit = STORE_AUDIT_ROWS_MAX};
    store_read_audit(store, &all, audit_rows_came, &reading);
    while (reading.calls == 0) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    return reading.error;
}

#endif
