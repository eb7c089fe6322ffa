/* Checkpoints of the controller's audit that this switch keeps for it (model/checkpoint.h), so that
 * whoever rewrites the controller's database cannot rewrite them too.  The edge has no key: it
 * keeps what has the form, and gives all of it back.
 *
 * Bounded: CHECKPOINTS_MAX of each key, of CHECKPOINTS_ORIGINS_MAX keys.  The newest are kept, and
 * of the older ones those that stand farthest apart, with the first: a flood of new ones leaves old
 * ones between which a change can be found.  Two that disagree about one row are both kept. */
#ifndef CORDON_EDGE_CHECKPOINTS_H
#define CORDON_EDGE_CHECKPOINTS_H

#include "base/macros.h"
#include "edge/disk.h"
#include "wire/checkpoint.h"

#define CHECKPOINTS_MAX 64
#define CHECKPOINTS_NEWEST 16
#define CHECKPOINTS_ORIGINS_MAX 4
_Static_assert(CHECKPOINTS_MAX *CHECKPOINTS_ORIGINS_MAX <= WIRE_CHECKPOINTS_MAX,
               "all go into one message");

struct checkpoints;

/* Reads STATE_DIR/checkpoints; lines that are none are passed over. */
struct checkpoints *checkpoints_open(const char *state_dir);
/* After the disk that it used. */
void checkpoints_free(struct checkpoints *checkpoints);
/* From now on the thread of 'disk' (borrowed) writes, and nobody waits; 'failed' is told a negative
 * errno. */
void checkpoints_use(struct checkpoints *checkpoints, struct disk *disk, void (*failed)(int error));
/* On disk afterwards; with a disk of its own: later.  0 (also: it was there), -ENOSPC: too many
 * keys (nothing of theirs is given up for a new one), -EINVAL, or the errno of the file, negative.
 */
int checkpoints_put(struct checkpoints *checkpoints, const char *line) MUST_CHECK;
/* Those that are on the disk.  'lines' has WIRE_CHECKPOINTS_MAX items; by key, and by row. */
size_t checkpoints_list(const struct checkpoints *checkpoints, const char *origin,
                        struct wire_checkpoint_line *lines);

#endif
