/* What a replay found, as the API shows it. */
#ifndef CORDON_WIRE_VIEW_REPLAY_H
#define CORDON_WIRE_VIEW_REPLAY_H

#include "model/annotation.h"
#include "model/containment.h"
#include "wire/codec.h"

/* What would become of it. */
enum replay_outcome {
    REPLAY_CONTAINED, /* without a person */
    REPLAY_HELD,      /* for a person */
    REPLAY_OBSERVED,  /* said only */
    REPLAY_NOTIFIED,
    REPLAY_NOTHING, /* it was really done, and would not be decided */
    REPLAY_OUTCOME_COUNT
};
extern const char *const replay_outcome_names[REPLAY_OUTCOME_COUNT + 1];

/* What really became of it. */
enum replay_really { REALLY_NOTHING, REALLY_HELD, REALLY_CONTAINED, REALLY_COUNT };
extern const char *const replay_really_names[REALLY_COUNT + 1];

extern const char *const replay_assume_names[]; /* of enum assumption (policy.h) */

struct view_replay_decision {
    uint64_t number; /* from 1 */
    int64_t first_us, last_us;
    uint32_t times; /* decided or said so often */
    enum replay_outcome outcome;
    enum replay_really really;
    bool is_settled;
    enum action action;
    enum mode mode;
    enum hold hold;
    char hold_detail[TEXT_SIZE];
    char mode_why[TEXT_SIZE];
    char policy[NAME_SIZE];
    char reason[TEXT_SIZE];
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    struct ip ip;
    char network[NAME_SIZE];
    enum endpoint_class class;
    char switch_name[NAME_SIZE], port[NAME_SIZE];
    struct prefix server;
    char server_name[HOST_SIZE];
    char containment_id[ID_SIZE];
};
extern const struct shape view_replay_decision_shape;

struct view_replay_count {
    char name[NAME_SIZE];
    uint64_t contained, held, observed, really;
};
struct view_replay_endpoint {
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    struct ip ip;
    char network[NAME_SIZE];
    enum endpoint_class class;
    char switch_name[NAME_SIZE], port[NAME_SIZE];
    uint64_t contained, held, observed, times;
    int64_t first_us, last_us;
    enum replay_really really;
};

#define VIEW_REPLAY_COUNTS_MAX 300
#define VIEW_REPLAY_ENDPOINTS_MAX 50
struct view_replay_counts {
    struct view_replay_count *items; /* owned by the asker */
    size_t count;
};
struct view_replay {
    char id[ID_SIZE];
    bool is_complete;
    uint32_t days;
    int64_t from_us, until_us;
    bool is_draft;
    int assume;
    uint64_t detections, damaged, dropped;
    uint64_t contained, held, observed, notified;
    uint64_t endpoints_contained, endpoints_held;
    uint64_t both, only_replay, only_really;
    uint64_t busiest_hour; /* isolations within one hour, at most */
    int64_t busiest_us;
    struct view_replay_counts actions, policies, networks, classes, holds;
    struct view_replay_endpoint *endpoints;
    size_t endpoint_count;
};
extern const struct shape view_replay_shape;

#endif
