/* What a switch must hold: a snapshot (base 0: exactly 'add'), or a delta on generation 'base'.  A
 * switch that does not hold 'base' answers with observed.needs_snapshot.  A lower epoch than the
 * highest that the switch has seen is refused.  A snapshot larger than one frame comes in parts:
 * only the last has 'is_last', and nothing is put in force before it. */
#ifndef CORDON_WIRE_DESIRED_H
#define CORDON_WIRE_DESIRED_H

#include "model/rule.h"
#include "wire/codec.h"

#define DESIRED_RULES_MAX 2048
struct wire_desired_removal {
    char id[RULE_ID_SIZE];
};
struct wire_desired {
    char switch_name[NAME_SIZE];
    uint64_t epoch;
    uint64_t generation;
    uint64_t base;
    bool is_last;
    bool is_suspended; /* panic: hold the rules, but let all traffic pass */
    struct rule *add;  /* owned */
    size_t add_count;
    struct wire_desired_removal *remove; /* owned */
    size_t remove_count;
};

extern const struct shape wire_desired_shape;

#endif
