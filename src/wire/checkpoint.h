/* Signed checkpoints of the audit on their way (model/checkpoint.h, in one line):
 *
 *   core ──checkpoint──▶ driver ──the same──▶ edge: "keep this", and with a request "what do you
 * hold?" edge ──checkpoints──▶ driver ──the same──▶ core
 *
 * An edge keeps what it is given and understands nothing of it but its form: it has no key. */
#ifndef CORDON_WIRE_CHECKPOINT_H
#define CORDON_WIRE_CHECKPOINT_H

#include "model/checkpoint.h"
#include "wire/codec.h"

struct wire_checkpoint {
    char line[TEXT_SIZE];   /* "": nothing to keep */
    uint64_t request;       /* not 0: answer with what you hold */
    char origin[NAME_SIZE]; /* of which key; "": of all */
};
extern const struct shape wire_checkpoint_shape;

#define WIRE_CHECKPOINTS_MAX 256
struct wire_checkpoint_line {
    char line[TEXT_SIZE];
};
struct wire_checkpoints {
    char switch_name[NAME_SIZE];
    uint64_t request;
    struct wire_checkpoint_line *lines; /* owned */
    size_t line_count;
};
extern const struct shape wire_checkpoints_shape;

#endif
