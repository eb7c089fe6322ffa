#include "store/reserve.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PART ((size_t)256 * 1024)
#define PLENTY 4

void
reserve_init(struct reserve *reserve, const char *database)
{
    const char *slash = strrchr(database, '/');
    *reserve = (struct reserve){.fd = -1};
    snprintf(reserve->path, sizeof(reserve->path), "%.*sreserve",
             slash ? (int)(slash + 1 - database) : 0, database);
}

void
reserve_fini(struct reserve *reserve)
{
    if (reserve->fd >= 0) {
        close(reserve->fd);
        reserve->fd = -1;
    }
}

static bool
reserve_open(struct reserve *reserve)
{
    struct stat found;
    if (reserve->fd < 0) {
        reserve->fd = open(reserve->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        bool is_there = reserve->fd >= 0 && fstat(reserve->fd, &found) == 0;
        reserve->size = is_there ? (uint64_t)found.st_size : 0;
    }
    return reserve->fd >= 0;
}

bool
reserve_fill(struct reserve *reserve, uint64_t wanted)
{
    static const uint8_t nothing[PART];
    struct statvfs system;
    if (wanted == 0 || !reserve_open(reserve) || reserve->size >= wanted ||
        fstatvfs(reserve->fd, &system) != 0 ||
        (uint64_t)system.f_bavail * system.f_frsize < PLENTY * wanted) {
        return false;
    }
    ssize_t size = pwrite(reserve->fd, nothing, PART, (off_t)reserve->size);
    reserve->size += size > 0 ? (uint64_t)size : 0;
    return size > 0 && reserve->size < wanted;
}

bool
reserve_release(struct reserve *reserve)
{
    if (reserve->fd < 0 || reserve->size == 0 || ftruncate(reserve->fd, 0) != 0) {
        return false;
    }
    reserve->size = 0;
    return true;
}
