#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define ROOT_OLD "/sys/fs/cgroup/memory"
#define ROOT_NEW "/sys/fs/cgroup"
#define LIMIT_NONE (UINT64_C(1) << 60) /* version 1 has no word for it: more than anybody has */
#define STAT_MAX 8192

bool
memory_group_find(const char *text, bool is_old, char *path, size_t room)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        char line[PATH_MAX];
        snprintf(line, sizeof(line), "%.*s", (int)(size < sizeof(line) ? size : 0), text);
        char *controllers = strchr(line, ':');
        char *folder = controllers ? strchr(controllers + 1, ':') : NULL;
        if (folder) {
            *controllers++ = *folder++ = '\0';
            bool is_it = is_old ? strstr(controllers, "memory") != NULL : controllers[0] == '\0';
            if (is_it && folder[0] == '/' && strlen(folder) < room) {
                memcpy(path, folder, strlen(folder) + 1);
                return true;
            }
        }
        text += size + (text[size] == '\n');
    }
    return false;
}

uint64_t
memory_stat_find(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (; text; text = strchr(text, '\n')) {
        text += *text == '\n';
        if (strncmp(text, name, size) == 0 && text[size] == ' ') {
            return strtoull(text + size, NULL, 10);
        }
    }
    return 0;
}

static int
open_in(const char *root, const char *path, const char *name)
{
    char full[PATH_MAX + 64];
    int used = snprintf(full, sizeof(full), "%s%s/%s", root, path, name);
    return used > 0 && (size_t)used < sizeof(full) ? open(full, O_RDONLY | O_CLOEXEC) : -1;
}

static bool
text_read(int fd, char *text, size_t room)
{
    ssize_t size = fd < 0 ? -1 : pread(fd, text, room - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* False: it has none ("max"), or it cannot be read. */
static bool
limit_read(int fd, uint64_t *limit)
{
    char text[64], *end;
    if (!text_read(fd, text, sizeof(text))) {
        return false;
    }
    *limit = strtoull(text, &end, 10);
    return end > text && *limit > 0 && *limit < LIMIT_NONE;
}

void
memory_group_open(struct memory_group *group)
{
    bool is_old = access(ROOT_OLD "/memory.limit_in_bytes", F_OK) == 0;
    const char *root = is_old ? ROOT_OLD : ROOT_NEW;
    char *text = NULL, path[PATH_MAX];
    size_t size;
    uint64_t limit;
    *group = (struct memory_group){-1, -1, -1};
    if (file_read("/proc/self/cgroup", STAT_MAX, &text, &size) ||
        !memory_group_find(text, is_old, path, sizeof(path))) {
        free(text);
        return;
    }
    free(text);
    char own[PATH_MAX];
    memcpy(own, path, sizeof(own));
    for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
        *end = '\0';
        int fd = open_in(root, path, is_old ? "memory.limit_in_bytes" : "memory.max");
        if (limit_read(fd, &limit)) {
            group->limit_fd = fd;
            break;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (group->limit_fd < 0) {
        memcpy(path, own, sizeof(path));
        group->limit_fd = open_in(root, path, is_old ? "memory.limit_in_bytes" : "memory.max");
    }
    group->used_fd = open_in(root, path, is_old ? "memory.usage_in_bytes" : "memory.current");
    group->stat_fd = open_in(root, path, "memory.stat");
}

void
memory_group_close(struct memory_group *group)
{
    int *const fds[] = {&group->limit_fd, &group->used_fd, &group->stat_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0) {
            close(*fds[i]);
        }
        *fds[i] = -1;
    }
}

bool
memory_group_read(const struct memory_group *group, uint64_t *limit, uint64_t *used)
{
    char text[STAT_MAX];
    if (!limit_read(group->limit_fd, limit) || !text_read(group->used_fd, text, sizeof(text))) {
        return false;
    }
    *used = strtoull(text, NULL, 10);
    uint64_t spare = 0;
    if (text_read(group->stat_fd, text, sizeof(text))) {
        spare = memory_stat_find(text, "total_inactive_file"); /* version 1, with groups below */
        spare = spare ? spare : memory_stat_find(text, "inactive_file");
    }
    *used -= spare < *used ? spare : *used;
    return true;
}
