/* Switches to hold the driver contract against: the dummy, the dummy as a small switch, and the
 * edge driver with a peer over loopback TLS that behaves as cordon-edge must (its maps are a
 * dummy). With CORDON_EDGE_PEER="LISTEN CA CERT KEY NAME" the edge driver listens there for a real
 * cordon-edge of that name instead (see tests/net). */
#ifndef CORDON_TESTS_DRIVER_BENCH_H
#define CORDON_TESTS_DRIVER_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "driver/driver.h"

enum bench_kind { BENCH_DUMMY, BENCH_SMALL, BENCH_EDGE };

struct bench {
    enum bench_kind kind;
    struct device *device; /* under test */
    struct device *memory; /* what the switch really holds; NULL: a real edge, cannot be altered */
    struct clock_fake clock; /* of the memory */
    struct bench_edge *edge;
    int waited_ms; /* by the small switch, on the fake clock */
    atomic_int passed,
        passed_rules;           /* reports that the edge driver passed on unasked; the last one's */
    bool is_old;                /* the edge driver's peer is a cordon-edge of long ago */
    uint64_t epoch, generation; /* where a test begins: a real edge has a past */
};

/* The same with a peer that is too old: 'why' is what the edge driver says of it. */
void bench_meet_old(char why[256]);
/* NULL: this kind cannot run here, 'why' says it. */
struct bench *bench_new(enum bench_kind kind, char why[256]);
void bench_free(struct bench *bench);
/* The cable of the switch. */
void bench_disconnect(struct bench *bench);
/* The peer of the edge driver keeps back what comes after so many parts of its next answer; and
 * sends it after all. */
void bench_keep_rest(struct bench *bench, int parts);
void bench_send_rest(struct bench *bench);
/* It goes on taking messages and answers nothing. */
void bench_silence(struct bench *bench);

#endif
