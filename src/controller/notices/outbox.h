/* Messages on their way to the notify role: collected, handed over one at a time per channel, tried
 * again with back-off, given up by age only (or because there are too many), and then counted.
 * Part of notices.h; core's loop thread. */
#ifndef CORDON_CONTROLLER_OUTBOX_H
#define CORDON_CONTROLLER_OUTBOX_H

#include "controller/notices/notices.h"

#define OUTBOX_MAX 1000                          /* messages that wait */
#define OUTBOX_OF_CHANNEL_MAX 200                /* then the last one counts */
#define OUTBOX_AGE_US (72 * INT64_C(3600000000)) /* then it is given up */
#define OUTBOX_FIRST_US INT64_C(5000000)         /* between tries, doubling ... */
#define OUTBOX_MOST_US INT64_C(900000000)        /* ... up to this */

struct letter {
    TAILQ_ENTRY(letter) link;
    struct message m; /* owned */
    bool is_out;      /* the notify role has it */
    bool is_closed;   /* was handed out once: its content stays as it is */
    bool is_changed;  /* goes into the next outbox_submit() */
    uint64_t commit;  /* on disk once so many are through */
};

/* What is known of one channel. */
struct lane {
    char name[NAME_SIZE];
    int64_t next_us; /* wall: not tried before (it failed) */
    int64_t pause_us;
    int64_t window_us[VOICE_COUNT]; /* wall: when this hour of counting began */
    uint32_t sent[VOICE_COUNT];     /* messages begun in it */
    int64_t delivered_us, failed_us;
    char answer[TEXT_SIZE]; /* of the last try */
    bool is_failing;
};

/* What waits for an answer of the notify role. */
struct question {
    TAILQ_ENTRY(question) link;
    uint64_t number;
    struct message m; /* of a test; owned */
    notify_done_fn *done;
    void *context;
};

/* A change of the settings on its way: secrets first, then the commit. */
struct notify_change {
    struct notify_settings after; /* owned */
    char account[NAME_SIZE];
    bool is_keeping;         /* waits for the notify role to have kept the secrets */
    uint64_t secrets_number; /* of the message that carries them */
    bool is_failed;
    notify_done_fn *done;
    void *context;
};

struct watch; /* on_call.h */

struct notices {
    struct notify_settings settings; /* owned lists */
    TAILQ_HEAD(letter_list, letter) letters;
    size_t letter_count;
    struct lane lanes[NOTIFY_CHANNELS_MAX];
    size_t lane_count;
    bool is_joined; /* with the notify role */
    struct wire_secrets secrets;
    bool is_routing;               /* a commit of routed ones is on its way */
    int64_t read_us;               /* boot: the store is not asked before */
    uint64_t submitted, committed; /* changes with messages */
    uint64_t put, delivered, given_up, counted_only;
    uint64_t numbers;
    TAILQ_HEAD(, question) questions;
    struct notify_change *change; /* NULL: none */
    TAILQ_HEAD(watch_list, watch) watches;
    struct hmap watch_map; /* of the same, by the containment's id */
    size_t watch_count;
};

/* To whom: everything else comes from the channel. */
struct outbox_target {
    const struct notify_channel *channel;
    enum notify_voice voice;
    enum notify_language language;
    const char *contact; /* NULL: none */
    const char (*to)[HOST_SIZE];
    size_t to_count;
};
/* Adds 'notice' to what that receiver will be told; outbox_submit() must follow. */
void outbox_add(struct controller *controller, const struct outbox_target *target,
                const struct notice *notice);
/* Takes a change, and adds each message that was added to: its end goes to outbox_committed() (or
 * to 'done', which calls that). */
void outbox_submit(struct controller *controller, struct store_change *change,
                   void (*done)(void *context, int error));
/* Would one more notice of that kind be counted, not told: does a channel of its rule have messages
 * that wait, or as many this hour as it may be sent? */
bool outbox_is_pressed(struct controller *controller, enum notice_kind kind);
void outbox_committed(struct controller *controller);
/* Hands over what is due; gives up what is too old. */
void outbox_tick(struct controller *controller);
/* After a change of the settings: lanes for every channel; what has none any more is given up. */
void outbox_settle(struct controller *controller);
void outbox_free(struct notices *notices);
struct lane *outbox_lane(struct notices *notices, const char *channel);
/* Our clock was set (clocks.h): what waits is due as soon as before. */
void outbox_shift(struct controller *controller, const struct clock_move *move);
/* From the store, at start; borrowed. */
void outbox_restore(struct controller *controller, const struct message *message);

#endif
