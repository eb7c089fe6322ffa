/* Retention, the disk's budget and purges as the API shows and takes them. */
#ifndef CORDON_WIRE_VIEW_RETENTION_H
#define CORDON_WIRE_VIEW_RETENTION_H

#include "model/job.h"
#include "model/retention.h"
#include "wire/codec.h"

/* One kind: how long it stays, and what there is. */
struct view_retention_kind {
    int kind; /* enum retention_kind */
    uint32_t days, usual, least, most;
    uint64_t rows, bytes, taken;
    int64_t oldest_us;
};
struct view_disk {
    uint64_t budget_bytes, used_bytes, free_bytes, total_bytes, shed;
    uint32_t budget_mib, share;
    bool is_shedding, is_stuck;
};
struct view_retention {
    struct view_retention_kind *kinds; /* owned where decoded */
    size_t kind_count;
    struct view_disk disk;
    int64_t surveyed_us, passed_us;
    bool is_running;
};
extern const struct shape view_retention_shape;

/* What is asked to be changed. */
struct retention_days {
    int kind;
    uint32_t days;
};
struct op_retention {
    struct retention_days *kinds;
    size_t kind_count;
    uint32_t budget_mib; /* 0: as it is */
    bool no_budget;
    char reason[TEXT_SIZE];
};
extern const struct shape op_retention_shape;

/* ---- purges ---- */

enum purge_subject {
    PURGE_ENDPOINT,
    PURGE_ADDRESS,
    PURGE_MAC,
    PURGE_NAME,
    PURGE_OLDER,
    PURGE_SUBJECT_COUNT
};
extern const char *const purge_subject_names[PURGE_SUBJECT_COUNT + 1];
struct op_purge {
    int subject; /* enum purge_subject */
    char value[HOST_SIZE];
    int64_t before_us; /* 0: whenever it was */
    bool is_dry;
    char reason[TEXT_SIZE];
};
extern const struct shape op_purge_shape;

enum purge_kind {
    PURGED_EVIDENCE,
    PURGED_DETECTIONS,
    PURGED_INCIDENTS,
    PURGED_CONTAINMENTS,
    PURGED_NOTICES,
    PURGED_ENDPOINTS,
    PURGED_BINDINGS,
    PURGED_ANNOTATIONS,
    PURGED_AUDIT,
    PURGE_KIND_COUNT
};
extern const char *const purge_kind_names[PURGE_KIND_COUNT + 1];
struct view_purged {
    int kind; /* enum purge_kind */
    uint64_t rows, bytes, kept;
};
struct view_purge {
    struct job job;
    bool is_dry, is_scrubbed;
    int subject;
    struct view_purged *kinds; /* owned where decoded */
    size_t kind_count;
    int64_t backup_us; /* the newest backup that holds it still; 0: none is known */
    char backup_file[URL_SIZE];
    uint32_t backups_kept;
};
extern const struct shape view_purge_shape;

#endif
