/* The supervisor: starts one child per trust level, joins each with core, and starts a dead one
 * again with back-off.  It reads nobody's bytes. */
#ifndef CORDON_CORDOND_SUPERVISOR_H
#define CORDON_CORDOND_SUPERVISOR_H

#include "cordond/config.h"

/* 'config' is for the errands of the roles.  Runs until SIGTERM or SIGINT; SIGHUP goes to the
 * children (reload).  The exit status. */
int supervisor_run(const char *program, const char *config_path, const struct config *config);

#endif
