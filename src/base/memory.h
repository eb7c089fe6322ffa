/* How much memory the control group that we run in may have, and has (cgroups(7), version 1 and 2):
 * what a unit's MemoryMax= or a container sets.  Files are opened while that is allowed and read
 * afterwards. */
#ifndef CORDON_BASE_MEMORY_H
#define CORDON_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_group {
    int limit_fd, used_fd, stat_fd; /* -1: there is none */
};

/* The nearest group around us that has a limit, else our own: one may be set later. */
void memory_group_open(struct memory_group *group);
void memory_group_close(struct memory_group *group);
/* Bytes; what the kernel can take back at once (files that nobody has read lately) is not counted
 * as used.  False: there is no limit, or it cannot be read. */
bool memory_group_read(const struct memory_group *group, uint64_t *limit, uint64_t *used);

/* Pure.  The folder below the mount of our group, of /proc/self/cgroup's text: the line of version
 * 1 with memory among its controllers, else that of version 2.  False: there is none. */
bool memory_group_find(const char *text, bool is_old, char *path, size_t room);
/* Pure.  The number behind 'name' at the beginning of a line of memory.stat; 0: it is not there. */
uint64_t memory_stat_find(const char *text, const char *name);

#endif
