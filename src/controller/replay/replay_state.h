/* What a replay holds; shared by replay.c and replay_view.c, and by nobody else. */
#ifndef CORDON_CONTROLLER_REPLAY_STATE_H
#define CORDON_CONTROLLER_REPLAY_STATE_H

#include "base/hmap.h"
#include "controller/replay/replay.h"
#include "policy/trial.h"

#define REPLAY_ROWS_MAX 5000
#define REPLAY_REALS_MAX 20000

/* The same decision again and again is one row. */
struct replay_row {
    struct hmap_node node;
    int64_t first_us, last_us;
    uint32_t times;
    enum replay_outcome outcome;
    enum replay_really really;
    bool is_settled; /* held, and contained without a person a little later */
    enum action action;
    enum mode mode;
    enum hold hold;
    char endpoint_id[ID_SIZE];
    char containment_id[ID_SIZE];
    char policy[NAME_SIZE];
    char network[NAME_SIZE];
    char site[NAME_SIZE]; /* whose addresses these are; "": it matters not, or is not known */
    struct mac mac;
    struct ip ip;
    struct prefix server;
    char *server_name, *hold_detail, *mode_why, *reason; /* owned */
};

/* What really was decided. */
struct replay_real {
    struct hmap_node node;
    struct containment c; /* without marks */
    bool is_matched;
};

enum replay_phase {
    REPLAY_COUNTS,
    REPLAY_READS_ENDED,
    REPLAY_READS_LIVE,
    REPLAY_RUNS,
    REPLAY_COMPARES,
    REPLAY_IS_OVER
};

struct replay {
    struct controller *controller;
    struct policy *policy;      /* a reference */
    struct policy_trial *trial; /* owned; NULL: over */
    struct outcome *outcome;    /* owned, likewise */
    bool is_draft;
    uint32_t days;
    enum assumption assumption;
    int64_t from_us, until_us;
    enum replay_phase phase;
    struct store_place place;
    uint64_t detections, damaged, dropped;
    struct replay_row **rows; /* owned, in the order of time */
    size_t row_count;
    struct hmap row_map;
    struct replay_real **reals; /* owned */
    size_t real_count, real_next;
    struct hmap real_map;
    int64_t hour_us[256]; /* a ring: isolations of late, for the busiest hour */
    size_t hour_first, hour_count;
    uint64_t busiest_hour;
    int64_t busiest_us;
    struct view_replay *view; /* owned; as it was asked for last; NULL: not yet */
};
/* Takes it. */
void replay_view_free(struct view_replay *view);

#endif
