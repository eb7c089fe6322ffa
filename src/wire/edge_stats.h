/* An edge's counters and health, every five seconds. */
#ifndef CORDON_WIRE_EDGE_STATS_H
#define CORDON_WIRE_EDGE_STATS_H

#include <stddef.h>
#include <stdint.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_counter {
    char name[NAME_SIZE]; /* "passed", "dropped_isolated", "mirrored", "mirror_over_budget", ... */
    uint64_t count;
};
#define COUNTERS_MAX 128
struct wire_edge_stats {
    char switch_name[NAME_SIZE];
    int64_t at_us;
    struct wire_counter *counters; /* owned */
    size_t counter_count;
    char problems[16][TEXT_SIZE]; /* "br_netfilter is on: ...", "uplink MTU 1500 cuts copies" */
    size_t problem_count;
};

extern const struct shape wire_edge_stats_shape;

#endif
