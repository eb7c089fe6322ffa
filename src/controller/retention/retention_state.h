/* What retention.c (passes, settings) and disk.c (the budget) share. */
#ifndef CORDON_CONTROLLER_RETENTION_STATE_H
#define CORDON_CONTROLLER_RETENTION_STATE_H

#include "controller/retention/retention.h"
#include "model/checkpoint.h"
#include "store/sweep.h"
#include "topology/age.h"

/* A table that is walked through, for a kind. */
struct retention_stage {
    enum sweep_of of;
    enum sweep_act act;
    enum retention_kind kind;
};
#define RETENTION_SHED_STAGES 4
extern const struct retention_stage retention_shed_stages[RETENTION_SHED_STAGES];

struct retention {
    struct retention_settings settings;
    bool is_unreadable; /* they were set, and are not known: nothing goes by its age */
    bool is_stopping;
    /* What runs: a pass, a survey, or shedding. */
    const struct retention_stage *stages;
    size_t stage_count, stage;
    bool is_running, is_sweeping, is_busy;
    struct store_sweep sweep, trial; /* as committed; as the store thread has it */
    int slices_left;                 /* until the next tick */
    bool is_begun;                   /* had its first tick */
    int64_t next_us;                 /* boot: the next pass */
    int64_t offset_us;               /* wall less boot, when the last pass began */
    int64_t hold_us;                 /* boot: none before */
    int64_t hold_wall_us;            /* the same for another run */
    int64_t known_us;                /* wall: so late it was before this run; 0: not known */
    int64_t as_of_us;                /* wall: when what runs began, whatever is set meanwhile */
    uint64_t taken[RETENTION_KIND_COUNT], taken_told[RETENTION_KIND_COUNT];
    int64_t passed_us; /* wall */
    bool is_topology_over;
    size_t topology_place, incident_place;
    struct topology_aged aged;
    /* The audit's anchor, as it is on the disk. */
    struct checkpoint anchor, next_anchor;
    bool is_anchoring;
    int64_t spare_until_us; /* boot */
    /* The survey. */
    struct retention_held held[RETENTION_KIND_COUNT], held_told[RETENTION_KIND_COUNT];
    int64_t surveyed_us;    /* wall */
    int64_t survey_next_us; /* boot */
    bool is_survey_asked;
    /* The disk. */
    int64_t disk_us; /* boot: looked at next */
    uint64_t budget_bytes, used_bytes, free_bytes, total_bytes;
    /* What others had of a file system of that size when somebody last said how much is ours (0:
     * not measured); and by how much they have more than there is room for by now. */
    uint64_t others_bytes, others_total, crowded_bytes;
    bool is_told_crowded;
    uint32_t share;
    uint64_t shed_bytes; /* that should go yet */
    uint64_t shed_now;   /* rows, since that began */
    uint64_t shed;       /* rows, in this run */
    bool is_told, is_stuck;
    /* What is needed and went all the same, the newest first: detections, packets. */
    struct {
        uint64_t gone;   /* as the store counts */
        int64_t gone_us; /* boot: seen last */
        bool is_told;
    } newest[2];
    bool is_settling; /* what was shed is still counted: the store has not given it back yet */
    int64_t stuck_until_us; /* boot */
};

/* Nothing runs now. */
void retention_begin(struct controller *controller, const struct retention_stage *stages,
                     size_t count);
/* disk.c */
bool retention_is_shedding(const struct retention *r);
void retention_disk_tick(struct controller *controller, int64_t now_us);
void retention_disk_look(const struct controller *controller, struct retention_view *view);
/* One stored setting, whatever its name; and: somebody said how much is ours, which is measured
 * anew. */
void retention_disk_setting(struct retention *r, const char *name, const char *value);
void retention_disk_set(struct retention *r);
/* A stage of shedding took so much. */
void retention_shed_note(struct controller *controller, const struct retention_stage *stage,
                         uint64_t rows, uint64_t bytes);

#endif
