/* A job: long work of core that a person or a program asked for, with progress, and an end. */
#ifndef CORDON_MODEL_JOB_H
#define CORDON_MODEL_JOB_H

#include <stdint.h>

#include "model/text.h"

enum job_state { JOB_RUNNING, JOB_DONE, JOB_CANCELLED, JOB_FAILED, JOB_STATE_COUNT };
extern const char *const job_state_names[JOB_STATE_COUNT + 1];

struct job {
    char id[ID_SIZE];
    char kind[NAME_SIZE];    /* "policy.replay" */
    char account[NAME_SIZE]; /* whose it is */
    char about[TEXT_SIZE];   /* what is done, in words */
    enum job_state state;
    uint64_t done, total; /* total 0: not known yet */
    int64_t started_us, ended_us;
    char note[TEXT_SIZE]; /* what came of it, or why it failed */
};

#endif
