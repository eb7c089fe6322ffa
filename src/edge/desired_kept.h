/* What this switch was told last, as its disk has it: read once, at the start. */
#ifndef CORDON_EDGE_DESIRED_KEPT_H
#define CORDON_EDGE_DESIRED_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/deadlines.h"
#include "edge/journal.h"
#include "model/rule.h"

struct desired_kept {
    uint64_t epoch, generation;
    bool is_suspended;
    bool is_whole;      /* the file was there, and all of it could be read */
    struct rule *rules; /* owned */
    size_t count, room;
};

/* 0 (also: no file) or negative errno; 'kept' is the caller's to finish either way.  Rules that
 * expire are entered into 'deadlines' with the time that they were sent with. */
int desired_kept_read(struct journal *journal, struct deadlines *deadlines,
                      struct desired_kept *kept) MUST_CHECK;
void desired_kept_fini(struct desired_kept *kept);

#endif
