/* Whole small files, written so that a crash or a power cut leaves the old or the new one. */
#ifndef CORDON_BASE_FILE_H
#define CORDON_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"

/* Reads at most 'limit' bytes; '*bytes' is NUL-terminated beyond '*size' and freed by the caller
 * with free().  0, -EFBIG or the errno of open/read, negative. */
int file_read(const char *path, size_t limit, char **bytes, size_t *size) MUST_CHECK;
/* Writes beside it, syncs file and folder, renames over. */
int file_write_atomic(const char *path, const void *bytes, size_t size, mode_t mode) MUST_CHECK;
/* Holds 'path' (made where it is not there) until '*fd' is closed or the process ends, however it
 * ends.  -EWOULDBLOCK: another process holds it. */
int file_lock(const char *path, int *fd) MUST_CHECK;
/* A rename or removal in the folder of 'path' is on disk when it returns. */
int file_sync_folder(const char *path) MUST_CHECK;
/* Makes the folder and its parents; 0 also when it is there. */
int file_make_dirs(const char *path, mode_t mode) MUST_CHECK;

#endif
