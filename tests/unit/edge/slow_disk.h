/* The disk of a test: each fsync() and fdatasync() of the program takes as long, and ends as the
 * test wants. */
#ifndef CORDON_TESTS_EDGE_SLOW_DISK_H
#define CORDON_TESTS_EDGE_SLOW_DISK_H

#include <stdatomic.h>

extern atomic_int sync_ms;
extern atomic_int sync_error; /* an errno; 0: all is well */
extern atomic_int syncs;      /* how many there were */
/* None ends before it is let go: whoever waits for one waits for ever. */
extern atomic_bool sync_is_held;

/* As at the start: quick, and all is well. */
void slow_disk_reset(void);

#endif
