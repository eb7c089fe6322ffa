/* What a switch sees, in order.  'sequence' counts messages since 'hello', so that a gap shows;
 * 'is_full' says that these are all ports, MACs and neighbours (answers a reconnect). */
#ifndef CORDON_WIRE_FACTS_H
#define CORDON_WIRE_FACTS_H

#include "model/fact.h"
#include "wire/codec.h"

#define FACTS_MAX 512
struct wire_facts {
    char switch_name[NAME_SIZE];
    uint64_t sequence;
    bool is_full;
    bool is_last;       /* of a full report in several messages */
    int64_t wall_us;    /* the switch's clock when it sent them; 0: an edge that does not say */
    struct fact *facts; /* owned */
    size_t fact_count;
};

extern const struct shape wire_facts_shape;

#endif
