/* Processes of ours that ended without being told to, were started again, and of which people are
 * told: out of memory, killed, or an error of ours.  Loop thread. */
#ifndef CORDON_CONTROLLER_ENDED_H
#define CORDON_CONTROLLER_ENDED_H

#include "controller/controller.h"
#include "wire/message.h"

/* Set by the supervisor for a role that it starts again: "signal 9" or "status 1". */
#define ENDED_ENV "CORDON_ENDED"

struct ended {
    struct {
        bool was_there;
        int64_t told_us; /* boot */
    } of[ROLE_COUNT];
};

/* Core itself is there again; when it can tell. */
void ended_tell_own(struct controller *controller);
/* A role is joined; the first time it was only started. */
void ended_joined(struct ended *ended, struct controller *controller, enum wire_role role);

#endif
