/* A store on a real file in a temporary folder. */
#ifndef CORDON_TESTS_STORE_STORED_H
#define CORDON_TESTS_STORE_STORED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

struct fixture {
    char dir[64];
    char path[96];
    struct event_base *base;
    struct store *store;
};

struct outcome {
    int calls;
    int error; /* of any of them */
};

/* They make the folder, and take it away with all that is in it; the store is opened by the test.
 */
int setup(void **state);
int teardown(void **state);
void open_store(struct fixture *f);
void close_store(struct fixture *f);
/* For store_submit(), with a struct outcome. */
void on_done(void *context, int error);
void wait_for(struct fixture *f, struct outcome *outcome, int calls);
/* Both, for one; it must go well. */
void submit(struct fixture *f, struct store_change *change);
/* Until the next call. */
struct containment example(const char *id);

#endif
