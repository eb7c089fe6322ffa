/* A core that is there or away, at the other end of a socketpair, and a loop that runs until
 * something has happened. */
#ifndef CORDON_TESTS_INTAKE_BENCH_H
#define CORDON_TESTS_INTAKE_BENCH_H

#include <event2/event.h>

#include "intake/deliveries.h"
#include "intake/source.h"
#include "lines.h"

#define GOT_MAX 8192

struct bench {
    struct event_base *base;
    struct deliveries *deliveries;
    struct channel *mine, *core; /* the ends; NULL: core is away */
    char (*got)[NAME_SIZE];      /* ids, in the order in which core got them */
    uint64_t *signatures;        /* of these */
    size_t got_count;
    char dir[64];         /* a folder of this test */
    struct config config; /* of the source of now */
    struct event *deadline;
    bool is_late;
};

int bench_setup(void **state); /* *state becomes the bench */
int bench_teardown(void **state);
/* A source of that entry, as the only one; 'config' is borrowed. */
struct source *bench_source(struct bench *bench, struct config_source *config);
void bench_core_comes(struct bench *bench);
void bench_core_goes(struct bench *bench);
/* Core says that all it ever got is stored. */
void bench_ack_all(struct bench *bench);
/* Runs what is ready, without waiting. */
void bench_turn(struct bench *bench);
/* One turn, waiting for an event; false: a few seconds are over. */
bool bench_wait(struct bench *bench);
void bench_deadline_start(struct bench *bench);
/* No room is left for any detection. */
void bench_fill(struct bench *bench);
/* A detection that differs from all others by 'number'. */
void bench_detection(unsigned number, struct detection *detection);
/* What was refused for this reason. */
uint64_t bench_refused(const struct source *source, const char *why);

#define run_until(bench, condition)                                                                \
    do {                                                                                           \
        bench_deadline_start(bench);                                                               \
        while (!(condition) && bench_wait(bench)) {                                                \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

#endif
