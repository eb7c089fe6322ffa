/* Signed checkpoints of the audit (model/checkpoint.h): made here, sent to every edge that keeps
 * them and told as notices; and the check of the chain against what edges hold.
 *
 *   every N rows, every M minutes where there are new ones, when an edge connects, and at the end:
 *       newest row ─sign─▶ log, notice (syslog), edges
 *   a check: edges ◀─what do you hold?─ core; the walk on the store's thread; notice where it fails
 *
 * Core's loop thread. */
#ifndef CORDON_CONTROLLER_CHECKPOINTS_H
#define CORDON_CONTROLLER_CHECKPOINTS_H

#include "controller/controller.h"
#include "wire/checkpoint.h"

struct checkpoints;

#define CHECKPOINT_ROWS 100
#define CHECKPOINT_EVERY_US (INT64_C(300) * 1000000)
#define CHECKPOINT_CHECK_US (INT64_C(3600) * 1000000) /* between checks that nobody asked for */
#define CHECKPOINT_EDGES_MAX 4096

/* The signing key: audit.key.sealed in core's folder (32 bytes as hexadecimal, sealed by 'seal'),
 * made where it is missing; audit.pub beside it says what checks it.  0, or negative errno and
 * 'why'. */
struct seal;
struct checkpoint_signer {
    struct checkpoint_key key;
    uint8_t secret[CHECKPOINT_SECRET_SIZE];
    bool is_new;
};
int checkpoint_signer_open(const char *folder, const struct seal *seal,
                           struct checkpoint_signer *signer, char why[256]) MUST_CHECK;

struct checkpoints *checkpoints_new(void);
void checkpoints_free(struct checkpoints *checkpoints);
/* Copied; without one nothing is signed, and checks see the chain alone.  'rows' and the times 0:
 * as above. */
struct checkpoint_settings {
    const struct checkpoint_signer *signer;
    uint32_t rows;
    int64_t every_us, check_us;
};
void controller_set_checkpoints(struct controller *controller,
                                const struct checkpoint_settings *settings);
void checkpoints_tick(struct controller *controller);
/* Signs the newest row now, and sends it. */
void checkpoints_make(struct controller *controller);
/* For anchors of what is pruned (retention.c): is there a key; signs; did our key sign it? */
bool checkpoints_can_sign(const struct controller *controller);
void checkpoints_sign(const struct controller *controller, struct checkpoint *checkpoint);
bool checkpoints_is_ours(const struct controller *controller, const struct checkpoint *checkpoint);
/* An edge has come, or gone. */
void checkpoints_device(struct controller *controller, const struct wire_device *device);
/* What an edge holds. */
void controller_checkpoints(struct controller *controller, const struct wire_checkpoints *held);

/* What a check found; borrowed. */
struct checkpoint_check {
    int error;                       /* 0; -EBUSY: too many check now; else the store's */
    const struct audit_chain *chain; /* NULL with an error */
    uint64_t compared;               /* checkpoints that were held against the chain */
    uint64_t foreign;                /* of other keys, or not signed by ours */
    uint32_t edges, silent;          /* that answered; that did not */
};
typedef void checkpoint_check_fn(void *context, const struct checkpoint_check *check);
/* Beside what edges hold, 'given' ones (from a log; copied) are compared.  'wanted' NULL: none. */
void checkpoints_check(struct controller *controller, const uint8_t *wanted,
                       const struct checkpoint *given, size_t given_count,
                       checkpoint_check_fn *done, void *context);
/* The store is closing: nobody is told any more. */
void checkpoints_stop(struct controller *controller);

/* For the API. */
#define CHECKPOINT_RECENT 16
struct checkpoint_edge {
    char name[NAME_SIZE];
    bool is_connected;
    uint64_t count; /* of our key, at the last answer */
    int64_t newest; /* its newest row; 0: none */
    int64_t asked_us;
    uint64_t answered; /* the last question that it answered */
};
struct checkpoints_view {
    bool has_key;
    bool is_told; /* a channel is told of each */
    struct checkpoint_key key;
    const struct checkpoint *recent; /* newest last */
    size_t recent_count;
    const struct checkpoint_edge *edges;
    size_t edge_count;
    int64_t checked_us; /* 0: not in this run */
    bool is_sound;
    int fault; /* enum audit_fault */
    int64_t bad_number;
    uint64_t rows, compared, foreign;
    uint32_t answered;
    char newest[AUDIT_HEX_SIZE];
    char what[TEXT_SIZE];
};
void checkpoints_look(const struct controller *controller, struct checkpoints_view *view);

#endif
