/* Which system calls a process may make once it is locked in (base/sandbox.h): groups of names, and
 * the seccomp filter made of them.
 *
 *   in a group              allowed; of some only with certain arguments (sandbox_calls.c)
 *   in sandbox_calls_fatal  no part of ours ever makes it: the process is ended (SIGSYS), the
 *                           supervisor starts it anew and says so loudly
 *   any other               -ENOSYS, and the kernel logs it: a C library tries newer calls first
 * and takes this for "not on this kernel"; ending a ward's controller because a library was
 * upgraded would be the outage that we are to prevent */
#ifndef CORDON_BASE_SANDBOX_CALLS_H
#define CORDON_BASE_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

enum sandbox_calls {
    CALLS_BASIC,     /* memory, threads, time, descriptors that are open */
    CALLS_FILES,     /* files by name: where is what Landlock and their owners say */
    CALLS_ACCEPT,    /* connections to what listens already */
    CALLS_CONNECT,   /* connections to others, and names of hosts */
    CALLS_LIBRARY,   /* libraries that are loaded later: for the names of hosts */
    CALLS_DEVICES,   /* bpf(), and what network devices are asked by ioctl() */
    CALLS_START,     /* the supervisor: what starts, locks in and ends a role */
    CALLS_SANITIZER, /* only in a build with one: what its run time needs */
    CALLS_COUNT
};
extern const char *const sandbox_calls_names[CALLS_COUNT + 1]; /* "basic", ... */

/* NULL-terminated names. */
const char *const *sandbox_calls_of(enum sandbox_calls group);
extern const char *const sandbox_calls_fatal[];
/* Is this a build with a sanitizer? */
bool sandbox_has_sanitizer(void);

/* 'groups': a bit each; 'families': of sockets, ended by 0.  For all threads, for ever;
 * no_new_privs is set.  0 or negative errno. */
int sandbox_calls_enter(unsigned groups, const int *families) MUST_CHECK;

#endif
