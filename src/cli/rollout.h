/* What `policy rollout`, `policy maintenance` and `policy replay` do. */
#ifndef CORDON_CLI_ROLLOUT_H
#define CORDON_CLI_ROLLOUT_H

#include "cli/run.h"

int policy_rollout(struct run *run);
int policy_maintenance(struct run *run);
/* 'draft' NULL: the running policy. */
int policy_replay(struct run *run, const char *draft);

#endif
