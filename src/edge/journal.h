/* Lines on disk: what is added stays in the file until the whole is written anew and takes its
 * place.  Whoever is killed, at any moment, finds every line that was added.
 *
 * With a disk of its own (journal_use) nothing here waits: JOURNAL_SYNC_MS after the first line
 * that is not on the disk the thread is asked to bring it there, and the whole is written beside
 * the file while lines still go into it; they are added to the new one before it takes the place.
 * Without one, journal_sync and journal_replace wait. */
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
/* Every whole line, oldest first.  0 (also: no file), 1: half a line follows them, or negative
 * errno. */
int journal_read(struct journal *journal,
                 void (*each)(void *context, const char *line, size_t size),
                 void *context) MUST_CHECK;
int journal_append(struct journal *journal, const char *line) MUST_CHECK;
/* Whole lines, with their ends. */
int journal_append_lines(struct journal *journal, const char *text, size_t size) MUST_CHECK;
/* What was appended is on disk afterwards; with a disk: soon. */
int journal_sync(struct journal *journal) MUST_CHECK;
/* The file becomes 'text' (whole lines that say all that was appended so far; taken) and what is
 * appended from now on, or stays as it was; with a disk: later.  -EBUSY: it is being replaced. */
int journal_replace(struct journal *journal, char *text, size_t size) MUST_CHECK;
bool journal_is_replacing(const struct journal *journal);
/* Something did not get into the file, or the last replacement failed: it is to be tried again. */
bool journal_is_behind(const struct journal *journal);
size_t journal_size(const struct journal *journal);

#endif
