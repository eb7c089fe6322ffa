/* LD_PRELOAD for programs whose clock a test sets: LAB_CLOCK names a file of two int64_t,
 * microseconds to add to the wall clock, and to the clocks that only go on.  The test writes there;
 * it is mapped when the program is loaded, long before a process is locked in. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *added; /* NULL: nothing */
static int (*machine_clock)(clockid_t, struct timespec *);

static void __attribute__((constructor)) begin(void)
{
    const char *path = getenv("LAB_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map =
        fd >= 0 ? mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    added = map == MAP_FAILED ? NULL : map;
    *(void **)&machine_clock = dlsym(RTLD_NEXT, "clock_gettime");
    if (fd >= 0) {
        close(fd);
    }
}

static int64_t
added_us(clockid_t id)
{
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return added ? added[0] : 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return added ? added[1] : 0;
    default:
        return 0;
    }
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
    if (!machine_clock) { /* asked before we were begun */
        *(void **)&machine_clock = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = machine_clock(id, now);
    if (result == 0) {
        int64_t us = now->tv_sec * INT64_C(1000000) + now->tv_nsec / 1000 + added_us(id);
        now->tv_sec = us / 1000000;
        now->tv_nsec = us % 1000000 * 1000 + now->tv_nsec % 1000;
    }
    return result;
}

time_t
time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec from;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &from);
    *now = (struct timeval){.tv_sec = from.tv_sec, .tv_usec = from.tv_nsec / 1000};
    return result;
}
