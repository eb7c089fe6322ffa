/* A controller with its store, whose years go by on a clock that is advanced: for the tests of
 * retention and of purges. */
#ifndef CORDON_TESTS_CONTROLLER_YEARS_H
#define CORDON_TESTS_CONTROLLER_YEARS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>

#include "campus.h"
#include "controller/ask/ask.h"
#include "controller/audit/checkpoints.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

struct fixture {
    struct campus campus;
    struct asks *asks;
    struct checkpoint_signer signer;
    cJSON *body; /* of the last answer */
    char *bytes; /* likewise */
    unsigned status;
};

/* The file system of the database, as the store is told: so large, of which others have some. */
extern uint64_t system_bytes, others_bytes;

int setup(void **state);
int teardown(void **state);
/* Core ends, and starts again with the same database. */
void restart(struct fixture *f);
/* The two steps of that which a test may take by itself: the key that signs, and who is asked. */
void signer_set(struct fixture *f);
void asks_begin(struct fixture *f);
/* The status; the answer is in 'f'. */
unsigned ask(struct fixture *f, const char *op, const char *role, const char *parameters);
/* What the database says. */
int64_t number(struct fixture *f, const char *sql);
/* As somebody with the file in hand. */
void tamper(struct fixture *f, const char *sql);
/* Time goes by as a whole; then as much in ticks as a pass takes. */
void later(struct fixture *f, int64_t us);
/* Threads of the store answer in their own time. */
void breathe(struct fixture *f);
void client(struct fixture *f, uint8_t mac);
void detect(struct fixture *f, const char *id, const char *ip);
/* So many rows of the audit. */
void rows_put(struct fixture *f, int count);

#endif
