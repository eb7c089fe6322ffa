/* The parts of the table of said.h; only for said.c and said_*.c. */
#ifndef CORDON_WIRE_SAID_TABLE_H
#define CORDON_WIRE_SAID_TABLE_H

#include "wire/said.h"

extern const struct said said_words[], said_decisions[], said_places[], said_health[],
    said_notices[], said_policy[], said_problems[];
extern const size_t said_word_count, said_decision_count, said_place_count, said_health_count,
    said_notice_count, said_policy_count, said_problem_count;

#endif
