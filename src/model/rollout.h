/* Roll-out: which mode holds where, and maintenance windows, as the policy file declares them. */
#ifndef CORDON_MODEL_ROLLOUT_H
#define CORDON_MODEL_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/containment.h"

/* Which endpoints: each kind that is given must match, by any one of its words. */
#define WHOM_WORDS_MAX 32
#define PLACE_SIZE 128 /* "e1/p3" */
struct whom {
    char sites[WHOM_WORDS_MAX][NAME_SIZE];
    size_t site_count;
    char networks[WHOM_WORDS_MAX][NAME_SIZE];
    size_t network_count;
    char switches[WHOM_WORDS_MAX][NAME_SIZE]; /* with '*' and '?' */
    size_t switch_count;
    char ports[WHOM_WORDS_MAX][PLACE_SIZE]; /* SWITCH/PORT, likewise */
    size_t port_count;
    char classes[WHOM_WORDS_MAX][NAME_SIZE];
    size_t class_count;
    char groups[WHOM_WORDS_MAX][NAME_SIZE];
    size_t group_count;
};

/* Who says which mode holds. */
enum mode_from {
    MODE_FROM_DEFAULTS,
    MODE_FROM_NETWORK,
    MODE_FROM_POLICY,
    MODE_FROM_ROLLOUT,
    MODE_FROM_MAINTENANCE,
    MODE_FROM_REPLAY, /* assumed, not so */
    MODE_FROM_COUNT
};

#endif
