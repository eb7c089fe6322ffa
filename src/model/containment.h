/* What policy asks for (decision), what belongs together (incident) and what is in force
 * (containment).
 *
 *   requested ─▶ located ─▶ applied ─▶ verified ─▶ released | expired
 *       │            ▲  └──── moved ◀────┘ │
 *       └▶ waiting ──┘   (unlocated: kept, acted on when the endpoint appears)
 *   any ─▶ failed (retry with back-off, alarm)      pending ─▶ requested | checked | reverted
 */
#ifndef CORDON_MODEL_CONTAINMENT_H
#define CORDON_MODEL_CONTAINMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/detection.h"
#include "model/text.h"

enum action {
    ACTION_NONE,
    ACTION_ISOLATE,
    ACTION_BLOCK_PAIR,
    ACTION_BLOCK_SERVER,
    ACTION_MIRROR,
    ACTION_NOTIFY,
    ACTION_COUNT
};
extern const char *const action_names[ACTION_COUNT + 1];

enum mode { MODE_OBSERVE, MODE_APPROVE, MODE_AUTO, MODE_COUNT };
extern const char *const mode_names[MODE_COUNT + 1];

enum containment_state {
    CONTAINMENT_PENDING,
    CONTAINMENT_REQUESTED,
    CONTAINMENT_WAITING,
    CONTAINMENT_LOCATED,
    CONTAINMENT_APPLIED,
    CONTAINMENT_VERIFIED,
    CONTAINMENT_FAILED,
    CONTAINMENT_RELEASED,
    CONTAINMENT_EXPIRED,
    CONTAINMENT_CHECKED,  /* a pending one, seen and left */
    CONTAINMENT_REVERTED, /* a pending one, refused */
    CONTAINMENT_STATE_COUNT
};
extern const char *const containment_state_names[CONTAINMENT_STATE_COUNT + 1];

/* Why a decision waits for a person. */
enum hold {
    HOLD_NONE,
    HOLD_MODE,        /* the network's mode is approve */
    HOLD_PROTECTED,   /* the endpoint is protected */
    HOLD_WEAK,        /* evidence that somebody else could have made */
    HOLD_SHARED,      /* several endpoints, one declared proxy, resolver or inside destination */
    HOLD_UNRESOLVED,  /* nobody, or not surely one endpoint, held that address at that time */
    HOLD_BOTH_INSIDE, /* both ends are ours and nothing says which */
    HOLD_BUDGET,      /* too many containments lately */
    HOLD_NEVER_BLOCK, /* the server is on a never-block list or too popular */
    HOLD_GRACE,       /* released a moment ago */
    HOLD_ROLLOUT,     /* a roll-out rule says approve: never enforced by waiting */
    HOLD_MAINTENANCE, /* a maintenance window says approve: likewise */
    HOLD_COUNT
};
extern const char *const hold_names[HOLD_COUNT + 1];

#define MARKS_MAX 24
#define STEP_SIZE 24
/* One step of the story: when it was reached, on the wall clock. */
struct mark {
    int64_t at_us;
    char *detail;         /* owned; NULL: nothing more */
    char step[STEP_SIZE]; /* "packet", "detected", "received", "decided", "committed", ... */
};

/* Thousands are in memory for long, and most of their texts are short or absent: those that are
 * pointers are owned, NULL where there is none (text_or_empty). */
struct containment {
    char id[ID_SIZE];
    enum action action; /* isolate, block_pair, block_server, mirror */
    enum containment_state state;
    enum hold hold;
    char *hold_detail;          /* pending: why, in words */
    char *refused;              /* pending, checked: why policy, sure by now, cannot enforce it */
    int64_t refused_us;         /* since when, whatever the reason was first */
    int64_t pending_until_us;   /* pending: then 'pending_action' is taken; 0: waits for ever */
    enum action pending_action; /* NONE: revert */
    char endpoint_id[ID_SIZE];  /* "" for block_server and for unresolved subjects */
    struct mac subject_mac;     /* as it was when requested */
    struct ip subject_ip;
    char site[NAME_SIZE]; /* whose addresses it is about; "": it matters not, or is not known */
    struct prefix server; /* block_pair, block_server */
    char *server_name;
    char permit_set[NAME_SIZE]; /* isolate; "" permits nothing */
    char incident_id[ID_SIZE];
    char policy[NAME_SIZE]; /* "" when a person or a program asked */
    char *reason;
    char case_number[16];         /* short, for the warning page and the help desk */
    char requested_by[NAME_SIZE]; /* "policy:NAME", "operator:NAME", "token:NAME" */
    char *external_id;            /* idempotency key of another maker's policy manager */
    char *ended_by;
    char *end_reason;
    int64_t requested_us;
    int64_t applied_us;
    int64_t verified_us;
    int64_t ended_us;
    int64_t expires_us; /* 0: until released */
    uint32_t version;   /* counts every change of what switches must hold for it */
    uint64_t hits;
    char *unproven;     /* the switch that held it when the database did not know it; "":
                                     known, or a person kept it */
    char *problem;      /* while failed or unverified: what the switch said */
    struct mark *marks; /* owned */
    size_t mark_count;
};

struct incident {
    char id[ID_SIZE];
    char endpoint_id[ID_SIZE];
    struct mac mac;
    struct ip ip;
    char site[NAME_SIZE]; /* where it was seen; "": not known */
    struct ip server;
    char server_name[HOST_SIZE];
    enum phase phase; /* the furthest */
    enum severity severity;
    uint8_t confidence;
    enum strength strength;
    char summary[TEXT_SIZE];
    uint32_t detection_count;
    int64_t first_us, last_us;
    bool is_open;
};

/* What policy asks for, about one incident. */
struct decision {
    enum action action;
    enum mode mode;
    char mode_why[TEXT_SIZE]; /* who says so: "roll-out rule printers" */
    bool is_limited;          /* by a roll-out rule or a maintenance window, below auto */
    enum hold hold;           /* not NONE: hold for a person */
    char hold_detail[TEXT_SIZE];
    bool is_tighter;        /* it is isolated, and loses its permits: not one more */
    bool is_gathered;       /* held for a moment: several at once (policy/budget.h) */
    uint8_t confidence;     /* of what led to it: who has the budget */
    enum severity severity; /* likewise */
    char incident_id[ID_SIZE];
    char endpoint_id[ID_SIZE];
    struct mac mac;
    struct ip ip;
    char site[NAME_SIZE]; /* whose addresses these are; "": not known */
    struct prefix server;
    char server_name[HOST_SIZE];
    char permit_set[NAME_SIZE];
    char policy[NAME_SIZE];
    char reason[TEXT_SIZE];
    uint32_t expires_s;         /* 0: until released */
    uint32_t pending_s;         /* held: after so long ... */
    enum action pending_action; /* ... do this (NONE: revert) */
};

#endif
