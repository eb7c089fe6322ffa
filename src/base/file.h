/* Whole small files, written so that a crash or a power cut leaves the old or the new one. */
#ifndef CORDON_BASE_FILE_H
#define CORDON_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"

/* Reads at most 'limit' bytes; '*bytes' is NUL-terminated beyond '*size' and freed by the caller
 * with free().  0, -EFBIG or the errno of open/read, negative. */
int file_read(const char *path, size_t limit, char **bytes, size_t *size) MUST_CHECK;
/* The same of what is open already, from where it stands; 'fd' stays the caller's. */
int file_read_open(int fd, size_t limit, char **bytes, size_t *size) MUST_CHECK;
/* Writes beside it, syncs file and folder, renames over.  Where root writes, the file goes to whom
 * the old one belonged, else to whom the folder belongs: a command of the administrator leaves the
 * files of a role to that role.  -EPERM: we may not give it to that user; nothing was changed. */
int file_write_atomic(const char *path, const void *bytes, size_t size, mode_t mode) MUST_CHECK;
/* The halves of it, for who has something to add to the new file: it is written beside and on the
 * disk (a descriptor, open for writing at its end, or negative errno); then it takes the place of
 * the old one, which is on the disk after file_sync_folder(), or goes. */
int file_write_beside(const char *path, const void *bytes, size_t size, mode_t mode) MUST_CHECK;
int file_take_place(const char *path) MUST_CHECK;
void file_drop_beside(const char *path);
/* At start, before rights are dropped: removes from the program's own folder what
 * file_write_atomic() left when it was killed: plain files NAME.PID.new of whoever owns the folder,
 * of processes that are no more.  Never through a link; what cannot be removed stays, and is told.
 */
void file_clear_unfinished(const char *folder);
/* Holds 'path' (made where it is not there) until '*fd' is closed or the process ends, however it
 * ends.  -EWOULDBLOCK: another process holds it. */
int file_lock(const char *path, int *fd) MUST_CHECK;
/* Likewise a folder that is there. */
int file_lock_folder(const char *path, int *fd) MUST_CHECK;
/* A rename or removal in the folder of 'path' is on disk when it returns. */
int file_sync_folder(const char *path) MUST_CHECK;
/* As rename(), also to another file system: then it is copied, is on the disk under its new name,
 * and only then removed under the old one.  Mode and owner stay as far as we may; a link is not
 * followed. 0 or negative errno. */
int file_carry(const char *from, const char *to) MUST_CHECK;
/* Opens a plain file to read.  Through a link only where that belongs to root or to us: others may
 * have put theirs there to have something read that is not theirs.  A descriptor, or negative
 * errno: -ELOOP for such a link, -EINVAL for what is no plain file. */
int file_open_plain(const char *path) MUST_CHECK;
/* As file_write_atomic, through a link (which stays one), with the mode that the file has; 0600
 * where there is none yet. */
int file_replace(const char *path, const void *bytes, size_t size) MUST_CHECK;
/* Gives the folder and what is in it to that user: never through a link, and no file that has a
 * second name elsewhere (-EMLINK); the folder itself last. */
int file_own_tree(const char *path, uid_t uid, gid_t gid) MUST_CHECK;
/* Makes the folder and its parents; 0 also when it is there. */
int file_make_dirs(const char *path, mode_t mode) MUST_CHECK;
/* The same for the moment of a change: waits for whoever holds it; as root, the file gets the owner
 * of its folder.  A descriptor, or negative errno. */
int file_lock_wait(const char *path) MUST_CHECK;

#endif
