/* Checkpoints of the audit in a file: lines of a log (syslog's, as text or CEF, or cordond's own),
 * or signed notes; whatever else stands there is passed over. */
#ifndef CORDON_CLI_CHECKPOINTS_H
#define CORDON_CLI_CHECKPOINTS_H

#include "cli/run.h"
#include "model/checkpoint.h"

/* EXIT_GOOD: '*list' is the caller's (free), at least one, by row, each once; of more than 'most'
 * the first, the last, and some between.  With 'key' only what it signed is taken. */
int checkpoints_read(const char *path, const struct checkpoint_key *key, size_t most,
                     struct checkpoint **list, size_t *count);
/* 'cordonctl audit checkpoints' and 'audit key'. */
int checkpoints_show(struct run *run);
int checkpoints_key(struct run *run);
/* Does the server sign by that key?  EXIT_GOOD, or told. */
int checkpoints_pin(struct run *run, const struct checkpoint_key *key);

#endif
