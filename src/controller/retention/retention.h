/* Retention: what is too old is taken away, in passes of short slices; how much of each kind there
 * is, for whoever asks; and the disk's budget.
 *
 *   every hour: audit ─ evidence ─ names ─ detections ─ incidents ─ containments ─ notices ─
 * topology ▲ a walk through the chain that found it sound, and an anchor that we signed every 10 s:
 * how full is the disk? 80 %: told; over: evidence, then names, then detections go before their
 * time, the oldest first; never what is in force, pending or in the audit
 *
 * A slice is committed on the store thread, and some are asked for at each tick: a block's commit
 * waits for one at most.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_RETENTION_H
#define CORDON_CONTROLLER_RETENTION_H

#include "controller/controller.h"
#include "model/containment.h"
#include "model/retention.h"
#include "store/sweep.h"

struct retention;

#define RETENTION_SETTING "retention"
#define RETENTION_CLOCK "retention/clock" /* what the last pass knew of the time */
#define RETENTION_EVERY_US (INT64_C(3600) * 1000000)
#define RETENTION_FIRST_US (INT64_C(120) * 1000000) /* after a start: verifying comes first */
#define RETENTION_SLICES 16                         /* at a tick */
#define RETENTION_WARN 80                           /* per cent of the budget */

struct retention *retention_new(void);
void retention_free(struct retention *retention);
/* One stored setting, whatever its name. */
void retention_setting(struct controller *controller, const char *name, const char *value);
/* All settings came, and nothing was written yet. */
void retention_loaded(struct controller *controller);
/* Four times a second. */
void retention_tick(struct controller *controller);
/* The store is closing. */
void retention_stop(struct controller *controller);

const struct retention_settings *controller_retention(const struct controller *controller);
/* Audited; 'done' gets no containment.  REFUSED: out of bounds. */
void controller_retain(struct controller *controller, const struct retention_settings *settings,
                       const char *account, const char *reason, wish_done_fn *done, void *context);
/* Counts anew what there is, if the last count is old. */
void retention_survey(struct controller *controller);
/* An export of the audit is being read: its oldest rows stay for a while. */
void retention_spare_audit(struct controller *controller);

struct retention_held {
    uint64_t rows, bytes;
    int64_t oldest_us; /* 0: there is none */
};
struct retention_view {
    struct retention_held held[RETENTION_KIND_COUNT]; /* at 'surveyed_us' */
    int64_t surveyed_us;                              /* 0: not counted yet */
    int64_t passed_us;                                /* the last pass ended; 0: none in this run */
    uint64_t taken[RETENTION_KIND_COUNT];             /* by it */
    bool is_running;
    bool is_unreadable; /* what is set for it: nothing goes by its age */
    uint64_t budget_bytes, used_bytes, free_bytes, total_bytes;
    uint32_t share;         /* per cent of the budget; may be over 100 */
    uint64_t crowded_bytes; /* others filled the file system; nothing goes for that; 0: no */
    bool is_shedding;
    bool is_stuck; /* over, and nothing is left that may go */
    uint64_t shed; /* rows that went before their time, in this run */
    /* All that are kept are needed, and their limit is reached: within the last day the newest of
     * them went. */
    bool packets_full, detections_full;
};
#define RETENTION_PACKETS_FULL                                                                     \
    "the packets that are kept reach their limit, and cases in force need all of them: the "       \
    "newest "                                                                                      \
    "go, of long cases first"
#define RETENTION_DETECTIONS_FULL                                                                  \
    "the detections that are kept reach their limit, and cases in force need all of them: the "    \
    "newest go, of long cases first"
void retention_look(const struct controller *controller, struct retention_view *view);

/* Wall clock: so late it was when another run of ours was last seen; 0: not known. */
int64_t retention_known_us(const struct controller *controller);
/* From when on an open incident still collects: older ones need nothing. */
int64_t retention_open_us(const struct controller *controller);
/* Is there a containment in force, or pending, about that endpoint, or is it protected? */
bool retention_needs(const struct controller *controller, const struct endpoint *endpoint);

#endif
