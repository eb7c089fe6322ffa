/* The controller's own state, shared by its files (and by nobody else).  All of it belongs to the
 * loop thread.
 *
 *   decide.c   detections -> decisions -> containments     wish.c    what people and programs ask
 *   entry.c    one containment: its table, state, marks     follow.c  what topology tells
 *   desired.c  containments -> rules (pure)                 world.c   what policy asks of us
 *   switches.c rules -> switches   slot.c one rule of one   records.c incidents, sensors, sources
 *   observed.c what switches say   judge.c that -> states   protect.c who is never contained
 *   clocks.c   clocks that are set or differ  overdue.c switches that do not answer
 */
#ifndef CORDON_CONTROLLER_STATE_H
#define CORDON_CONTROLLER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/hmap.h"
#include "base/log.h"
#include "controller/ask/inspect.h"
#include "controller/controller.h"
#include "controller/lifecycle.h"
#include "controller/recovery/unstored.h"
#include "wire/rule_sum.h"

/* One rule that switches must hold, and which: "" all of them. */
struct want {
    struct rule rule; /* owned; its expires_s is set when it is sent, from: */
    int64_t expires_us;
    struct asked *asked; /* since it is among what switches must hold */
    char switch_name[NAME_SIZE];
    char *site; /* owned; only switches of that site; NULL: of all */
};
struct want_list {
    struct want *items; /* owned */
    size_t count;
};

/* Which port is held for a contained endpoint, and who was there before (see RULE_HOLD_PORT).  Kept
 * in the store: a MAC that came later must not become known by a restart. */
struct port_hold {
    bool is_set;
    bool is_lifted; /* the link went down: whoever comes now may be another machine */
    struct link_end place;
    struct mac *known; /* owned */
    size_t known_count;
};

struct entry {
    struct hmap_node by_id;
    struct hmap_node by_subject;
    TAILQ_ENTRY(entry) link; /* entries, in the order of creation */
    struct containment c;
    struct want_list wants;
    struct port_hold hold;
    size_t index;       /* in 'listed' */
    uint64_t serial;    /* rises along it */
    bool is_committed;  /* on disk: may be shown and put in force */
    bool is_changing;   /* a release or verdict is on its way to the disk */
    bool has_asked;     /* a MAC on the port that it holds was made a question */
    char *confirmed_by; /* owned; policy that removed the doubt before the commit was through */
    bool is_dirty;      /* differs from the disk: written behind */
    bool knows_gravest; /* else they are those of its incident: it was read from disk */
    enum phase gravest_phase; /* the furthest that people were asked or told about */
    enum severity gravest;
    bool is_corroborated; /* it is unproven, and a second switch holds it; since this start */
    bool is_gathered;     /* waits for its turn, and the disk knows; storm.h */
    bool is_in_looks;
    bool is_in_later;
    TAILQ_ENTRY(entry) later; /* to be judged when there is time */
    bool is_crowd, is_loose;  /* counted in 'pending', and as one about nobody known */
    enum action counted_as;
    bool was_verified;  /* since it was put in force, for the log */
    int64_t pushed_us;  /* wall, last change sent; 0: nothing sent yet */
    int64_t written_us; /* wall, newest applied_us that switches told */
};

/* A rule that switches must hold; see slot.h. */
struct asked {
    struct hmap_node by_id;
    struct entry *entry; /* NULL: common (permit sets, mirrors, ...) */
    uint32_t number;
    uint32_t askers; /* wants with this rule */
    struct rule_digest digest;
    char id[];
};
struct asked_table {
    struct hmap by_id;
    struct asked **items; /* by number; NULL: free */
    size_t count, room;
    uint32_t *holes; /* numbers that are free; as much room */
    size_t hole_count;
    uint64_t turns; /* counts what came and went */
};
/* The wants of all, by their rules' digests; see adopt.h. */
struct sorted_wants {
    const struct want **items; /* owned; what they point to is as long as 'turns' is the table's */
    size_t count;
    uint64_t turns;
};

/* One rule as one switch has it. */
struct slot {
    uint8_t is_asked : 1;
    uint8_t state : 2;     /* enum rule_state */
    uint8_t is_pushed : 1; /* (again) with a generation that was not answered yet */
    uint8_t is_named : 1;  /* in the full report that is coming in */
    uint8_t is_known : 1; /* proven when it was heard of last; telling it anew takes nothing away */
    uint8_t has_more : 1;
};
/* What few slots have. */
struct slot_more {
    struct hmap_node node;
    uint64_t hits;
    char *why; /* owned; NULL: nothing */
    uint32_t number;
};
/* On its way to the switch. */
struct slot_push {
    uint64_t generation;
    uint32_t number;
};
struct slots {
    struct slot *items; /* by the rule's number */
    size_t room;
    size_t count; /* asked for */
    struct hmap more;
    struct slot_push *pushes; /* by generation, ascending */
    size_t push_count, push_room;
};

/* Generations without an answer, ascending; see overdue.h. */
#define OVERDUE_NOTED 8
struct overdue_sent {
    uint64_t generation;
    int64_t at_us; /* boot */
};
struct overdue {
    struct overdue_sent sent[OVERDUE_NOTED];
    size_t count;
    bool is_mute;            /* one of them is, or was, late */
    bool is_told;            /* to people, by its name */
    int64_t since_us;        /* wall: when that one was sent */
    int64_t gone_us;         /* boot: not connected since; 0: it is */
    char refused[TEXT_SIZE]; /* mute, and then it answered that: what is shown; "": nothing yet */
};

struct switch_state {
    TAILQ_ENTRY(switch_state) link;
    size_t index; /* in 'switch_order' */
    struct wire_device device;
    char site[NAME_SIZE];      /* as the policy has it */
    struct slots slots;        /* what it must hold, since the last snapshot */
    struct wire_desired delta; /* grows until switches_flush() */
    bool has_delta;
    bool has_snapshot;                 /* was sent one on this connection: deltas may follow */
    bool is_settled;                   /* and answered it */
    bool is_reading;                   /* a read-back was asked for and not answered */
    bool is_looked_at;                 /* in this run; see unproven.h */
    uint64_t look_first, look_request; /* an answer to any of these counts; 0: not asked yet */
    int64_t look_since_us;             /* boot: when it was asked first in this connection */
    char look_why[TEXT_SIZE];          /* it answered that it cannot */
    int64_t look_us;                   /* boot: when it was asked last */
    uint64_t look_found;               /* in the parts of its answer so far */
    uint64_t generation;               /* last sent */
    bool is_fenced;                    /* another controller drives it */
    bool is_owed_ends;                 /* was told rules without their end; see clocks.h */
    uint64_t driven_epoch; /* that it was sent with in this run; 0: nothing was sent yet */
    uint64_t snapshot_generation;
    uint64_t observed_generation;
    struct overdue overdue;
    uint64_t request;
    uint64_t sum_request; /* see adopt.h; 0: not asked yet */
    int64_t sum_us;       /* boot: when it was asked */
    char sum_key[RULES_SUM_KEY_SIZE];
    bool is_sum_used;                /* answered, or not to be waited for any more */
    struct wire_observed sum_answer; /* owned lists; as far as it came */
    bool is_in_full;                 /* in a full report that has several parts */
    size_t unknown_count;            /* rules in the full report that we did not ask for */
    size_t missing_count;
    size_t lost_count; /* rules in the report that it held and does not hold any more */
    struct log_limit altered_limit;         /* of rows in the audit */
    int64_t seen_us, read_back_us, gone_us; /* wall */
    int64_t came_us;                        /* boot: first connected in this run; 0: not yet */
    int64_t asked_us;                       /* boot: last read-back sent */
    int64_t snapshot_us;                    /* boot: last snapshot sent */
    int64_t retry_us;                       /* boot: no repair before */
    int64_t pause_us;                       /* back-off, doubles to a minute */
    bool needs_repair, needs_snapshot;
    char problem[TEXT_SIZE];
    char edge_problem[TEXT_SIZE];
    int64_t lost_us, problem_us; /* wall: since when, for notices */
    bool is_told_lost;
    bool is_told_clock;     /* that its clock differs from ours */
    bool is_suspended_here; /* by somebody at the switch */
    char told_problem[TEXT_SIZE];
    struct switch_stats stats; /* owned lists */
    bool has_stats;
};

struct proposal {
    TAILQ_ENTRY(proposal) link;
    struct protection_view view;
    bool is_changing;
    char into[ID_SIZE]; /* joined to this one while a change was being stored; "": not */
};

/* What topology told during one call, to be acted on after it. */
struct told {
    enum topology_change change;
    char endpoint_id[ID_SIZE];
    struct location before;
    struct mac mac; /* MAC_HELD */
    char detail[TEXT_SIZE];
};

/* See storm.h.  Times on the wall clock, but 'quiet_us'. */
struct storm {
    bool is_on;
    int64_t began_us, last_us;
    int64_t noted_us;  /* nobody waited for the budget then */
    int64_t quiet_us;  /* boot: the last was held */
    uint64_t held;     /* since it began */
    bool is_one_told;  /* for whoever is on call */
    uint64_t seen;     /* of the engine's count */
    uint64_t left;     /* held before we ran, and nobody was told */
    bool has_gathered; /* some entries are marked so */
    size_t told_minute, told_hour;
};

/* What the database cannot know; see unproven.h. */
struct restored_view {
    int64_t at_us; /* the database was restored; 0: never */
    char cause[TEXT_SIZE];
    bool is_doubted;           /* in this run every switch is looked at first */
    char (*looked)[NAME_SIZE]; /* owned; switches that were, since it was restored */
    size_t looked_count;
    uint64_t found;  /* blocks that it did not know, in this run */
    size_t storing;  /* changes on their way to the disk: until then nothing is sent */
    bool has_failed; /* one of them could not be stored */
    bool has_some;   /* unproven ones, at the start or since: every switch is looked at, too */
};

struct records;
struct talkers;
struct recent;
struct notices;
struct conflicts;
struct checkpoints;
struct retention;
struct unclears;

struct controller {
    struct controller_settings settings;
    struct ip *own_addresses;  /* owned */
    const struct clock *clock; /* 'steady': it jumps only in clocks_tick() */
    int64_t began_us;          /* boot */
    struct clock_steady steady;
    int64_t offset_us;       /* wall minus boot clock, as the store has it */
    int64_t unsure_until_us; /* boot: nothing ends by time before (clocks.h) */
    bool was_unsure;         /* at the last tick */
    int64_t fresh_us; /* wall: first look at it since the machine started; 0: put right since */
    struct unstored unstored;
    uint64_t unsure_us; /* of the detection that policy looks at */
    bool is_again;      /* which was judged before: unclear.h */
    struct unclears *unclears;
    struct store *store;
    struct controller_ports ports;
    struct policy_world world;
    struct engine *engine;
    struct topology *topology;
    struct records *records;
    struct notices *notices;
    struct conflicts *conflicts;
    struct checkpoints *checkpoints;
    struct retention *retention;
    struct forward {
        bool is_known; /* 'through' is as the store has it */
        bool is_busy;
        int64_t through; /* the last row that was told; 0: not on */
    } forward;           /* forward.h */
    struct talkers *talkers;
    struct recent *recent;   /* detections seen lately (decide.c) */
    struct outcome *outcome; /* of the detection that is looked at: large */

    struct hmap by_id, by_subject;
    TAILQ_HEAD(entry_list, entry) entries;
    bool has_dirty;
    struct entry **listed; /* committed, oldest first */
    size_t listed_count, listed_room;
    uint64_t serials;
    size_t ended_count;
    size_t pending_count, loose_count[ACTION_COUNT];
    uint64_t pending_dropped;
    uint64_t barred_count; /* decisions about protected hosts that policy let through */
    size_t sweep_left;     /* of 'listed', not yet looked at since the policy changed */
    struct log_limit pending_limit;
    struct entry **looks; /* to be judged again */
    size_t look_count, look_room;
    TAILQ_HEAD(, entry) laters; /* likewise, a slice at a time: many at once */
    int64_t slice_us;           /* boot: not before */
    bool has_waited;            /* for switches that do not come after a start */
    bool owes_look;             /* at all, when the crowd of switches has heard everything */
    int64_t look_us;            /* boot: not before, while there is one */
    int64_t give_back_us;       /* boot: then memory that it took goes back; 0: nothing to do */
    struct log_limit problem_limit;
    int64_t next_due_us; /* wall: the next expiry or pending time-out */

    TAILQ_HEAD(, switch_state) switches;
    struct switch_state **switch_order; /* the same, for lists */
    size_t switch_count;
    int64_t read_credit;    /* rules that may be asked to be read back now */
    int64_t read_credit_us; /* boot: when it was last filled up */
    struct want_list common;
    struct asked_table asked; /* the rules of 'common' and of all entries */
    struct sorted_wants sorted;
    uint64_t epoch;
    uint64_t run;    /* the epoch that this run began with */
    bool is_started; /* the epoch is on disk: drive */
    struct suspension_view suspension;
    struct storm storm;
    struct restored_view restored;

    TAILQ_HEAD(, proposal) proposals;
    size_t proposal_count;

    struct told *told;
    size_t told_count, told_room;
    uint64_t told_dropped;
    char (*stale)[ID_SIZE]; /* endpoints to be written behind */
    size_t stale_count, stale_room;
    int64_t endpoints_written_us; /* boot */
    int64_t ticked_us;            /* boot: last once-a-second work */
    int64_t overdue_us;           /* boot: overdue.c looked last */
    bool is_overdue_crowd;        /* many switches fell mute at once, and people were told so */
    struct log_limit detection_limit;
    bool changed[CHANGED_COUNT];              /* told at the next tick */
    uint64_t audit_rows;                      /* on disk in this run, as told last */
    size_t incidents_told, containments_told; /* since the last tick */
};

/* Copies text that people or peers wrote: cut at a whole character, without control characters. */
void text_put(char *to, size_t size, const char *from);
/* Likewise, owned, for what was there; 'size' at most, TEXT_SIZE at most; NULL for "". */
void text_keep(char **to, size_t size, const char *from);

#endif
