/* "Tell me what you really hold": answered with a full 'observed'.  "What were you told to block?":
 * answered with the rules themselves ('observed.held'), for a controller that does not know what it
 * had asked for.  "What is the sum of what you really hold?": answered with 'observed.sum' and the
 * rules that are not simply proven. */
#ifndef CORDON_WIRE_READ_BACK_H
#define CORDON_WIRE_READ_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/text.h"
#include "wire/rule_sum.h"
#include "wire/codec.h"

struct wire_read_back {
    char switch_name[NAME_SIZE];
    uint64_t request;                 /* echoed */
    bool asks_held;                   /* the second question */
    char sum_key[RULES_SUM_KEY_SIZE]; /* the third one; "": it is not */
};

extern const struct shape wire_read_back_shape;

#endif
