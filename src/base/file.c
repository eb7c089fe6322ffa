#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int
read_all(int fd, size_t limit, char **bytes, size_t *size)
{
    size_t room = 4096, used = 0;
    char *buffer = mem_new(room, 1);
    for (;;) {
        ssize_t got = read(fd, buffer + used, room - used - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        used += got > 0 ? (size_t)got : 0;
        if (got < 0 || used > limit) {
            int error = got < 0 ? -errno : -EFBIG;
            free(buffer);
            return error;
        }
        if (got == 0) {
            buffer[used] = '\0';
            *bytes = buffer;
            *size = used;
            return 0;
        }
        if (room - used < 2) {
            room *= 2;
            buffer = mem_resize(buffer, room, 1);
        }
    }
}

int
file_read(const char *path, size_t limit, char **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = read_all(fd, limit, bytes, size);
    close(fd);
    return error;
}

static int
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR) {
            return -errno;
        }
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

int
file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = slash ? (int)(slash - path) : 0;
    snprintf(folder, sizeof(folder), "%.*s", size ? size : 1, slash ? (size ? path : "/") : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int
file_write_atomic(const char *path, const void *bytes, size_t size, mode_t mode)
{
    char beside[PATH_MAX];
    int used = snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid());
    if (used < 0 || (size_t)used >= sizeof(beside)) {
        return -ENAMETOOLONG;
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return -errno;
    }
    int error = write_all(fd, bytes, size);
    if (!error && (fchmod(fd, mode) < 0 || fsync(fd) < 0)) {
        error = -errno;
    }
    close(fd);
    if (!error && rename(beside, path) < 0) {
        error = -errno;
    }
    if (error) {
        unlink(beside);
        return error;
    }
    return file_sync_folder(path);
}

int
file_lock(const char *path, int *out)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int
file_make_dirs(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    if (path[0] == '\0') {
        return -ENOENT; /* below, the first character is taken to be there */
    }
    if (strlen(path) >= sizeof(part)) {
        return -ENAMETOOLONG;
    }
    snprintf(part, sizeof(part), "%s", path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char was = *at;
        *at = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST) {
            return -errno;
        }
        *at = was;
        if (was == '\0') {
            break;
        }
    }
    struct stat found;
    return stat(path, &found) < 0 ? -errno : S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
}
