/* The API's view of budgets (what policy may isolate by itself, and how much of it is used), and of
 * conflicts. */
#ifndef CORDON_WIRE_VIEW_BUDGET_H
#define CORDON_WIRE_VIEW_BUDGET_H

#include "model/addr.h"
#include "model/text.h"
#include "wire/codec.h"

enum view_share_kind { SHARE_NETWORK, SHARE_SWITCH };
struct view_share {
    enum view_share_kind kind;
    char name[NAME_SIZE];
    uint64_t contained, population, most;
};
#define VIEW_SHARES_MAX 256

struct view_storm {
    int64_t since_us, last_us;
    uint64_t held;
};

struct view_budget {
    uint64_t minute, per_minute, hour, per_hour, gathered, network_percent, switch_percent;
    struct view_storm *storm; /* owned where decoded; NULL: none */
    struct view_share *shares;
    size_t share_count;
};
extern const struct shape view_budget_shape;

/* What contradicts itself. */
struct view_conflict {
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    char switch_name[NAME_SIZE], port[NAME_SIZE];
    char why[TEXT_SIZE];
    int64_t first_us, last_us;
    uint64_t times;
    bool is_now, is_contained;
};
extern const struct shape view_conflict_shape;

#endif
