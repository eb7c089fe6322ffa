/* Lines of JSON on disk: a snapshot, and what came after it.  Appending never waits for the disk;
 * journal_sync does, and within JOURNAL_SYNC_MS of the first line that is not there yet the loop
 * does it (journal_use). */
#ifndef CORDON_EDGE_JOURNAL_H
#define CORDON_EDGE_JOURNAL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct journal;

struct journal *journal_new(const char *path);
void journal_free(struct journal *journal);
#define JOURNAL_SYNC_MS 50
/* Until then only whoever calls journal_sync brings it to the disk.  'failed' is told a negative
 * errno where that does not work. */
int journal_use(struct journal *journal, struct event_base *base,
                void (*failed)(void *context, int error), void *context) MUST_CHECK;
/* Every whole line, oldest first.  0 (also: no file) or negative errno. */
int journal_read(struct journal *journal,
                 void (*each)(void *context, const char *line, size_t size),
                 void *context) MUST_CHECK;
int journal_append(struct journal *journal, const char *line) MUST_CHECK;
/* What was appended is on disk afterwards. */
int journal_sync(struct journal *journal) MUST_CHECK;
/* The file becomes exactly 'text' (whole lines), or stays as it was. */
int journal_replace(struct journal *journal, const char *text, size_t size) MUST_CHECK;
size_t journal_size(const struct journal *journal);

#endif
