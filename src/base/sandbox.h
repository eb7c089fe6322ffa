/* What each process may do once it is locked in: ONE table, of `cordond` (the supervisor and its
 * roles), `cordon-sensor` and `cordon-edge`.  `cordond --sandbox` prints it; the tests compare the
 * live processes with it; docs/architecture.md explains it.
 *
 * A main opens what needs root, calls sandbox_enter(), and only then starts threads and reads the
 * first byte that somebody else sent.  There is no way back. */
#ifndef CORDON_BASE_SANDBOX_H
#define CORDON_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"
#include "base/sandbox_calls.h"
#include "base/sandbox_paths.h"

enum sandbox_role {
    SANDBOX_SUPERVISOR,
    SANDBOX_CORE,
    SANDBOX_DRIVER,
    SANDBOX_INTAKE,
    SANDBOX_WEB,
    SANDBOX_NOTIFY,
    SANDBOX_LOGIN,
    SANDBOX_SENSOR,
    SANDBOX_EDGE,
    SANDBOX_ROLE_COUNT
};

#define SANDBOX_CAPABILITIES_MAX 8
#define SANDBOX_PATHS_MAX 16 /* of the table */

/* One row of the table. */
struct sandbox {
    const char *name; /* "core" */
    const char *user; /* the system user that it becomes; "root": stays root */
    /* Capabilities that it keeps, by number; the rest are gone from every set. */
    int kept[SANDBOX_CAPABILITIES_MAX];
    size_t kept_count;
    unsigned long files;     /* RLIMIT_NOFILE */
    unsigned long processes; /* RLIMIT_NPROC: threads of that user on the machine; 0: as it is */
    bool has_folder;         /* STATE/NAME is its own, to write, and nobody else's */
    bool has_all_paths;      /* only owners and modes bound it: the supervisor */
    /* Beside it, and beside what sandbox_settings adds (what "configured" says). */
    struct sandbox_path paths[SANDBOX_PATHS_MAX];
    const char *configured; /* for people; NULL: nothing */
    unsigned calls;         /* a bit per enum sandbox_calls */
    int families[6];        /* of sockets that it may make; ended by 0 */
};

/* Never NULL. */
const struct sandbox *sandbox_of(enum sandbox_role role);
/* Its groups of system calls in this build. */
unsigned sandbox_calls_bits(const struct sandbox *sandbox);
/* "net_admin"; NULL: none of that number is used here. */
const char *sandbox_capability_name(int number);

struct sandbox_settings {
    enum sandbox_role role;
    const char *user;                 /* instead of the table's; NULL: the table's */
    const char *folder;               /* STATE/NAME; NULL: none */
    const struct sandbox_path *paths; /* of its configuration */
    size_t path_count;
    bool keeps_own_user; /* whoever started it, whom it stays: for a machine without root */
};

/* The user's ids; 0, or -ENOENT with what to do in 'why'. */
int sandbox_user(const char *name, uid_t *uid, gid_t *gid, char why[256]) MUST_CHECK;
/* Locks this process in, as the table has it.  Only while it has one thread.  0, or negative errno
 * and 'why': then it must end. */
int sandbox_enter(const struct sandbox_settings *settings, char why[256]) MUST_CHECK;

#endif
