/* What intake received from each source, every two seconds when something changed. */
#ifndef CORDON_WIRE_SOURCE_STATS_H
#define CORDON_WIRE_SOURCE_STATS_H

#include <stddef.h>
#include <stdint.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_refusal {
    char why[NAME_SIZE];
    uint64_t count;
};
#define REFUSALS_MAX 16
struct wire_source {
    char name[NAME_SIZE];
    char kind[NAME_SIZE]; /* "cordon", "eve-socket", "eve-file", "syslog-udp", ... */
    uint64_t received, accepted, refused, duplicates, ignored;
    struct wire_refusal *refusals; /* owned */
    size_t refusal_count;
    int64_t last_us;
    char state[NAME_SIZE]; /* "listening", "connected", "waiting for file", "failed" */
    char problem[TEXT_SIZE];
};
#define SOURCES_MAX 128
struct wire_source_stats {
    struct wire_source *sources; /* owned */
    size_t source_count;
};

extern const struct shape wire_source_stats_shape;

#endif
