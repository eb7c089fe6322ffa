/* First message of an edge or a sensor on a new connection. */
#ifndef CORDON_WIRE_HELLO_H
#define CORDON_WIRE_HELLO_H

#include "model/addr.h"
#include "model/text.h"
#include "wire/codec.h"

struct wire_hello {
    char name[NAME_SIZE];    /* must equal the certificate's common name */
    char version[NAME_SIZE]; /* program version */
    char boot_id[NAME_SIZE]; /* changes with every boot of the machine */
    char run_id[ID_SIZE];    /* changes with every start of the program */
    uint64_t epoch;          /* edge: the highest seen */
    uint64_t generation;     /* edge: of the desired state that it holds; 0: none */
    struct ip mirror_source; /* edge: outer source address of its ERSPAN copies */
    int64_t wall_us;         /* its clock, for the skew check */
    bool keeps_checkpoints;  /* edge: of the audit (checkpoint.h); older ones do not */
    bool tells_sum;          /* edge: of its rules (rule_sum.h); likewise */
    bool tells_held;         /* edge: what it blocks (read_back.h); older ones are not let in */
};

extern const struct shape wire_hello_shape;

#endif
