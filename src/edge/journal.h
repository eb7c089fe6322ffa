/* Lines of JSON on disk: a snapshot, and what came after it.  Appending never waits for the disk;
 * journal_sync does. */
#ifndef CORDON_EDGE_JOURNAL_H
#define CORDON_EDGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct journal;

struct journal *journal_new(const char *path);
void journal_free(struct journal *journal);
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
