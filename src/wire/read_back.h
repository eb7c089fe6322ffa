/* "Tell me what you really hold": answered with a full 'observed'. */
#ifndef CORDON_WIRE_READ_BACK_H
#define CORDON_WIRE_READ_BACK_H

#include <stdint.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_read_back {
    char switch_name[NAME_SIZE];
    uint64_t request; /* echoed */
};

extern const struct shape wire_read_back_shape;

#endif
