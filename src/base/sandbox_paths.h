/* Where in the file system a process may read and write once it is locked in (base/sandbox.h):
 * Landlock, where the kernel has it (5.13 and later).  Without it, the owners of files alone keep
 * processes from each other's. */
#ifndef CORDON_BASE_SANDBOX_PATHS_H
#define CORDON_BASE_SANDBOX_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct sandbox_path {
    const char *path; /* a file, or a folder and what is below it; not there: nothing is allowed */
    bool is_writable; /* also made, renamed and removed in it */
};

/* The kernel's version of Landlock; 0: it has none. */
int sandbox_paths_version(void);
/* Only these, for ever; 'connects': TCP to others is left to the system calls' filter, otherwise
 * neither connect() nor bind().  Signals and abstract sockets reach nobody outside (version 6).
 * This thread and those that it starts.  0 or negative errno. */
int sandbox_paths_enter(const struct sandbox_path *paths, size_t count, bool connects) MUST_CHECK;

#endif
