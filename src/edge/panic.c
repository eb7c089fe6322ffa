#include "edge/panic.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

bool
panic_is_kept(const char *state_dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/suspended", state_dir);
    return access(path, F_OK) == 0;
}

int
panic_keep(const char *state_dir, bool is_suspended)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/suspended", state_dir);
    if (is_suspended) {
        return file_write_atomic(path, "", 0, 0600);
    }
    return unlink(path) && errno != ENOENT ? -errno : 0;
}
