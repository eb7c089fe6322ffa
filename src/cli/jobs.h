/* Long work of the server, as commands that start it follow it. */
#ifndef CORDON_CLI_JOBS_H
#define CORDON_CLI_JOBS_H

#include "cli/run.h"

/* Waits until the job has ended, telling how far it is on a terminal.  EXIT_GOOD: it is done;
 * otherwise told already. */
int jobs_follow(struct run *run, const char *id);

#endif
