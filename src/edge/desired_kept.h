/* What this switch was told, as its disk has it: a snapshot in parts, deltas on it, perhaps another
 * snapshot, and so on; the last is as it is now.  What came of a snapshot that is not whole counts
 * for nothing. */
#ifndef CORDON_EDGE_DESIRED_KEPT_H
#define CORDON_EDGE_DESIRED_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/datapath.h"
#include "edge/deadlines.h"
#include "edge/journal.h"
#include "model/rule.h"
#include "wire/desired.h"

struct desired_kept {
    uint64_t epoch, generation;
    bool is_suspended;
    bool is_whole;      /* the file was there, and all of it could be read and follows on another */
    struct rule *rules; /* owned */
    size_t count, room;
};

/* 0 (also: no file) or negative errno; 'kept' is the caller's to finish either way.  Rules that
 * expire are entered into 'deadlines' with the time that they were sent with. */
int desired_kept_read(struct journal *journal, struct deadlines *deadlines,
                      struct desired_kept *kept) MUST_CHECK;
void desired_kept_fini(struct desired_kept *kept);
/* One line, without its end; freed with cJSON_free(). */
char *desired_kept_line(const struct wire_desired *message);
/* All rules of 'datapath' as lines of a snapshot with that head; the caller frees it. */
char *desired_kept_snapshot(const struct wire_desired *head, const struct datapath *datapath,
                            const struct deadlines *deadlines, size_t *size);

#endif
