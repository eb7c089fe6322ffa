/* Replay: the stored detections of some days, in the order of time, through the engine as it would
 * be live, with the running policy or a draft; compared with what really happened.  Nothing is
 * done.
 *
 * A job (jobs.h): counts what there is, reads what was really contained, replays, compares.  Who
 * held an address when is known as topology remembers it; names, classes, places and protections
 * are those of today. */
#ifndef CORDON_CONTROLLER_REPLAY_H
#define CORDON_CONTROLLER_REPLAY_H

#include "controller/controller.h"
#include "controller/jobs.h"
#include "wire/view_replay.h"

#define REPLAY_KIND "policy.replay"
#define REPLAY_DAYS_MAX 90

struct replay;

struct replay_settings {
    struct controller *controller;
    struct policy *policy; /* gets a reference */
    bool is_draft;
    uint32_t days;
    enum assumption assumption;
};

/* NULL: too many jobs, 'why' says whose. */
const struct job *replay_start(struct jobs *jobs, const char *account,
                               const struct replay_settings *settings,
                               char why[TEXT_SIZE]) MUST_CHECK;
/* What it has found so far: the replay's own, until it is asked for again.  Summed up once when it
 * is over: people ask often, and there are thousands of rows. */
const struct view_replay *replay_view(struct replay *replay, const struct job *job);
size_t replay_decision_count(const struct replay *replay);
/* In the order in which they were first decided; false: no more.  'texts' are for searching. */
bool replay_decision_at(const struct replay *replay, size_t index,
                        struct view_replay_decision *view);

#endif
