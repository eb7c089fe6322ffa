/* Checkpoints of the controller's audit that this switch keeps for it (model/checkpoint.h), so that
 * whoever rewrites the controller's database cannot rewrite them too.  The edge has no key: it
 * keeps what has the form, and gives all of it back.
 *
 * Bounded: VOUCHED_MAX of each key, of VOUCHED_ORIGINS_MAX keys.  The newest are kept, and of the
 * older ones those that stand farthest apart, with the first: a flood of new ones leaves old ones
 * between which a change can be found.  Two that disagree about one row are both kept. */
#ifndef CORDON_EDGE_VOUCHED_H
#define CORDON_EDGE_VOUCHED_H

#include "base/macros.h"
#include "wire/checkpoint.h"

#define VOUCHED_MAX 64
#define VOUCHED_NEWEST 16
#define VOUCHED_ORIGINS_MAX 4
_Static_assert(VOUCHED_MAX *VOUCHED_ORIGINS_MAX <= WIRE_CHECKPOINTS_MAX, "all go into one message");

struct vouched;

/* Reads STATE_DIR/checkpoints; lines that are none are passed over. */
struct vouched *vouched_open(const char *state_dir);
void vouched_free(struct vouched *vouched);
/* On disk afterwards.  0 (also: it was there), -ENOSPC: too many keys (nothing of theirs is given
 * up for a new one), -EINVAL, or the errno of the file, negative. */
int vouched_put(struct vouched *vouched, const char *line) MUST_CHECK;
/* 'lines' has WIRE_CHECKPOINTS_MAX items; by key, and by row. */
size_t vouched_list(const struct vouched *vouched, const char *origin,
                    struct wire_checkpoint_line *lines);

#endif
