#include "slow_disk.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

atomic_int sync_ms, sync_error, syncs;
atomic_bool sync_is_held;

int
fdatasync(int fd)
{
    (void)fd;
    usleep((useconds_t)sync_ms * 1000);
    while (sync_is_held) {
        usleep(1000);
    }
    syncs++;
    errno = sync_error;
    return sync_error ? -1 : 0;
}

int
fsync(int fd)
{
    return fdatasync(fd);
}

void
slow_disk_reset(void)
{
    sync_ms = sync_error = syncs = 0;
    sync_is_held = false;
}
