/* A role process of cordond: one trust level of the same binary (`cordond --role NAME`).
 *
 * The supervisor joins roles with socketpairs: it sends the ends over each child's control socket
 * (file descriptor 3, SCM_RIGHTS, one byte of data: the peer's enum wire_role).  When a role dies
 * it is started again and both sides get a new pair; so a role must expect on_peer at any time, and
 * again.  May be included by the stages that provide a role main (like bus/). */
#ifndef CORDON_CORDOND_ROLE_H
#define CORDON_CORDOND_ROLE_H

/* In the environment of a role: nothing had set the machine's clock when the supervisor started. */
#define ROLE_CLOCK_FREE_ENV "CORDON_CLOCK_FREE"

#include <event2/event.h>

#include "bus/channel.h"
#include "cordond/config.h"
#include "model/detection.h"
#include "wire/message.h"

struct role {
    enum wire_role self;
    struct event_base *base;
    const struct config *config;
    const char *config_path;
    /* Set by the role main before role_run(). */
    struct channel_handler handler; /* messages and closes of all peers */
    void (*on_peer)(void *context, struct channel *channel, enum wire_role peer); /* joined */
    void (*on_reload)(void *context); /* SIGHUP; NULL: nothing to reload */
    void *context;                    /* of on_peer and on_reload */
    /* web, for POST /policy/test: one line of an event file (EVE, CEF) by intake's parsers, as if
     * it came from 'source' ("": the first declared one of that format); set where cordond is put
     * together; NULL: our own detections only. */
    bool (*parse_line)(const struct config *config, const char *source, const char *line,
                       size_t size, struct detection *detection, char why[TEXT_SIZE]);
    /* Gives up what only the start needed (base/sandbox.h), set where cordond is put together;
     * NULL: a test. */
    int (*lock_in)(const struct role *role, char why[256]);
    bool is_locked_in;
    int errands;             /* the line for errand_ask; -1: no supervisor */
    struct timeval alone;    /* without core for so long: ends; 0: 10 s */
    struct event *events[4]; /* role.c's own, like the rest */
    struct channel *core;    /* NULL: not joined */
    int result;
};

/* Locks the role in, for ever: its own user, no capability, only the table's paths and system
 * calls.  The main calls it when certificates and listening sockets are open, and before it starts
 * a thread, opens what is in its own folder or reads what somebody else wrote.  0, or negative
 * errno (told): then it must end. */
int role_lock_in(struct role *role) MUST_CHECK;
/* Locks in where the main has not; then runs the loop until SIGTERM or the supervisor is gone.  0,
 * or negative errno (-EBADF: there is no supervisor; -ENOTCONN: core cut the line and no new one
 * came: only a start anew brings one). */
int role_run(struct role *role);

/* The files of our own certificate authority (bus/pki.h) below the state folder. */
#define ROLE_PATH_SIZE 1200
struct role_files {
    char ca[ROLE_PATH_SIZE], cert[ROLE_PATH_SIZE], key[ROLE_PATH_SIZE];
};
void role_tls_files(const struct config *config, struct role_files *files);
/* STATE/NAME: what is in it is the role's own, and nobody else's. */
void role_folder(const struct config *config, enum wire_role role, char path[ROLE_PATH_SIZE]);

/* The mains; each returns the exit status. */
int core_role_run(struct role *role);
int intake_role_run(struct role *role);
int web_role_run(struct role *role);
int driver_role_run(struct role *role);
int notify_role_run(struct role *role);
int login_role_run(struct role *role);

#endif
