/* Commands on the switch itself, for root: `cordon-edge --status | --panic | --resume`, over a unix
 * socket in the run folder.  Works when the network does not. */
#ifndef CORDON_EDGE_LOCAL_H
#define CORDON_EDGE_LOCAL_H

#include <event2/event.h>

#include "base/macros.h"

struct local;

/* 'answer' handles one command word and prints its answer into 'text'. */
typedef void local_command_fn(void *context, const char *command, char *text, size_t room);

int local_new(struct event_base *base, const char *run_dir, local_command_fn *answer, void *context,
              struct local **local, char why[256]) MUST_CHECK;
void local_free(struct local *local);
/* The other side: sends the command, prints the answer to stdout.  Exit status. */
int local_ask(const char *run_dir, const char *command);

#endif
