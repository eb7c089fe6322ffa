/* What a switch holds, read back from it (from the kernel's maps on an edge, never from the desired
 * state).  After a 'desired': the rules of that delta.  After a 'read_back', or unasked when the
 * edge found a difference itself: all of them ('is_full'). */
#ifndef CORDON_WIRE_OBSERVED_H
#define CORDON_WIRE_OBSERVED_H

#include "model/rule.h"
#include "wire/codec.h"
#include "wire/rule_sum.h"

#define OBSERVED_RULES_MAX 2048
#define OBSERVED_HELD_MAX 512 /* of one part */
struct wire_observed {
    char switch_name[NAME_SIZE];
    uint64_t epoch;      /* the highest seen by the switch */
    uint64_t generation; /* held */
    uint64_t request;    /* of the read_back; 0 otherwise */
    bool is_full;
    bool is_last; /* of several parts */
    bool needs_snapshot;
    bool is_suspended;
    bool is_suspended_here;    /* on the switch itself, whatever the controller says */
    char refused[TEXT_SIZE];   /* the desired state was refused: why */
    char problem[TEXT_SIZE];   /* e.g. "filter was missing on p3: attached again" */
    uint32_t repaired;         /* differences that the switch mended itself since the last report */
    int64_t applied_us;        /* wall time when the last map of this delta was written */
    struct rule_report *rules; /* owned */
    size_t rule_count;
    char sum[RULES_SUM_SIZE]; /* where it was asked for; 'rules' are then the exceptions: those not
                                 verified, or with hits */
    struct rule *held; /* owned; rules that block, where they were asked for; nothing else then */
    size_t held_count;
};

extern const struct shape wire_observed_shape;

/* A deep copy; finish with wire_fini(WIRE_OBSERVED, ...). */
void observed_copy(struct wire_observed *to, const struct wire_observed *from);
/* Puts what 'part' has behind what 'whole' has, and takes over the rest of it. */
void observed_join(struct wire_observed *whole, const struct wire_observed *part);
/* Is it one that restricts somebody (not a permit set, a mirror, a text)? */
bool observed_is_block(const struct rule *rule);

#endif
