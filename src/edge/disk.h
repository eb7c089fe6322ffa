/* Writes to the disk that the loop does not wait for: one thread does them, in the order in which
 * they were asked for, and the loop is told what came of each.  A disk may take seconds for one
 * synchronisation; a block must not wait behind it. */
#ifndef CORDON_EDGE_DISK_H
#define CORDON_EDGE_DISK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct disk;

/* On the loop; 'result' is 0 or a negative errno. */
typedef void disk_done_fn(void *context, int result);

/* The thread starts now: after the process was locked in.  NULL: it cannot. */
struct disk *disk_new(struct event_base *base);
/* Waits for all that was asked for; what they led to is asked for and waited for, too. */
void disk_drain(struct disk *disk);
void disk_free(struct disk *disk);
/* Once a second, on the loop. */
void disk_tick(struct disk *disk);
#define DISK_SILENT_S 10
/* Something was asked for, and for longer than that nothing came of anything: it hangs. */
bool disk_is_silent(const struct disk *disk);
/* Each of these at most once at a time per caller: that bounds how many there are. */
/* What was written to 'fd', which may be closed at once; and what was renamed in the folder of
 * 'path' (NULL: nothing was). */
void disk_sync(struct disk *disk, int fd, const char *path, disk_done_fn *done, void *context);
/* The file becomes exactly 'text' (taken), or stays as it was. */
void disk_replace(struct disk *disk, const char *path, char *text, size_t size, disk_done_fn *done,
                  void *context);
/* As file_write_beside(): the result is the descriptor, now the caller's, or negative errno. */
void disk_write_beside(struct disk *disk, const char *path, char *text, size_t size,
                       disk_done_fn *done, void *context);

#endif
