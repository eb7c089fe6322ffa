/* Lines of JSON on disk: a snapshot, and what came after it.  With a disk of its own (journal_use)
 * nothing here waits: JOURNAL_SYNC_MS after the first line that is not on the disk the thread is
 * asked to bring it there, and what comes while the whole is being written anew is put into both.  Without one, journal_sync and journal_replace wait. */
#ifndef CORDON_EDGE_JOURNAL_H
#define CORDON_EDGE_JOURNAL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "edge/disk.h"

struct journal;

struct journal *journal_new(const char *path);
void journal_free(struct journal *journal);
#define JOURNAL_SYNC_MS 50
/* Until then only whoever calls journal_sync brings it to the disk.  'failed' is told a negative
 * errno where that does not work.  'disk' is borrowed: */
int journal_use(struct journal *journal, struct event_base *base, struct disk *disk,
                void (*failed)(void *context, int error), void *context) MUST_CHECK;
/* Everything is on the disk, which is not used any more. */
void journal_settle(struct journal *journal);
/* Every whole line, oldest first.  0 (also: no file) or negative errno. */
int journal_read(struct journal *journal,
                 void (*each)(void *context, const char *line, size_t size),
                 void *context) MUST_CHECK;
int journal_append(struct journal *journal, const char *line) MUST_CHECK;
/* What was appended is on disk afterwards; with a disk: soon. */
int journal_sync(struct journal *journal) MUST_CHECK;
/* The file becomes exactly 'text' (whole lines, taken), or stays as it was; with a disk: soon. */
int journal_replace(struct journal *journal, char *text, size_t size) MUST_CHECK;
size_t journal_size(const struct journal *journal);

#endif
