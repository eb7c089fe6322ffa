#include "wire/view_retention.h"

#include <stdio.h>

#include "wire/op_parts.h"
#include "wire/view_field.h"
#include "wire/view_job.h"

static const struct field kind_fields[] = {
    ROW_ENUM(struct view_retention_kind, kind, "kind", false, retention_kind_names,
             "evidence: packets; names: DNS, HTTP, TLS and file names, URLs and host names, taken "
             "out of detections that stay; bindings: who had which address"),
    ROW(struct view_retention_kind, days, "days", FIELD_UINT, "kept so long"),
    ROW(struct view_retention_kind, usual, "usual", FIELD_UINT, "unless somebody says otherwise"),
    ROW(struct view_retention_kind, least, "least", FIELD_UINT, "bounds of what may be said"),
    ROW(struct view_retention_kind, most, "most", FIELD_UINT, "bounds of what may be said"),
    ROW(struct view_retention_kind, rows, "rows", FIELD_UINT, "there were, when it was counted"),
    ROW(struct view_retention_kind, bytes, "bytes", FIELD_UINT, "of them, without indexes"),
    ROW_OPT(struct view_retention_kind, oldest_us, "oldest", FIELD_TIME, "of them"),
    ROW(struct view_retention_kind, taken, "taken", FIELD_UINT, "rows, by the last pass"),
};
static const struct shape kind_shape =
    SHAPE("RetentionKind", struct view_retention_kind, kind_fields, NULL);

static const struct field disk_fields[] = {
    ROW(struct view_disk, budget_mib, "budget_mib", FIELD_UINT,
        "what the database may hold, in MiB; 0: what its file system has room for"),
    ROW(struct view_disk, budget_bytes, "budget_bytes", FIELD_UINT, "that is"),
    ROW(struct view_disk, used_bytes, "used_bytes", FIELD_UINT, "of the budget"),
    ROW(struct view_disk, share, "share", FIELD_UINT,
        "per cent; from 80 on it is told, from 100 on the oldest packets, then names, then "
        "detections go before their time"),
    ROW(struct view_disk, free_bytes, "free_bytes", FIELD_UINT, "left on the file system"),
    ROW(struct view_disk, total_bytes, "total_bytes", FIELD_UINT, "size of the file system"),
    ROW(struct view_disk, is_shedding, "shedding", FIELD_BOOL, "something goes before its time"),
    ROW(struct view_disk, is_stuck, "stuck", FIELD_BOOL,
        "it is used up, and nothing is left that may go"),
    ROW(struct view_disk, shed, "shed", FIELD_UINT, "rows that went before their time"),
};
static const struct shape disk_shape = SHAPE("RetentionDisk", struct view_disk, disk_fields, NULL);

static const struct field retention_fields[] = {
    ROW_LIST(struct view_retention, kinds, kind_count, "kinds", FIELD_LIST, &kind_shape,
             RETENTION_KIND_COUNT, "each kind of what is kept"),
    ROW_SUB(struct view_retention, disk, "disk", FIELD_OBJECT, &disk_shape, "the disk's budget"),
    ROW_OPT(struct view_retention, surveyed_us, "counted", FIELD_TIME,
            "when it was counted; absent: it is being counted"),
    ROW_OPT(struct view_retention, passed_us, "passed", FIELD_TIME,
            "when what is too old went last"),
    ROW(struct view_retention, is_running, "running", FIELD_BOOL, "it is going now"),
};
const struct shape view_retention_shape =
    SHAPE("Retention", struct view_retention, retention_fields, NULL);

static const struct field days_fields[] = {
    ROW_ENUM(struct retention_days, kind, "kind", false, retention_kind_names, "of this kind"),
    {.name = "days",
     .kind = FIELD_UINT,
     .at = offsetof(struct retention_days, days),
     .size = sizeof(((struct retention_days *)0)->days),
     .least = 1,
     .most = 3650,
     .about = "kept so long"},
};
static const struct shape days_shape =
    SHAPE("RetentionDays", struct retention_days, days_fields, NULL);

static bool
check_retention(const void *thing, char why[128])
{
    const struct op_retention *asked = thing;
    if (asked->no_budget && asked->budget_mib > 0) {
        snprintf(why, 128, "budget_mib or no_budget, not both");
        return false;
    }
    return op_reason_given(asked->reason, why);
}

static const struct field set_fields[] = {
    ROW_LIST(struct op_retention, kinds, kind_count, "kinds", FIELD_LIST, &days_shape,
             RETENTION_KIND_COUNT, "what is to change; the others stay as they are"),
    ROW_RANGE(struct op_retention, budget_mib, "budget_mib", FIELD_UINT, RETENTION_BUDGET_LEAST,
              RETENTION_BUDGET_MOST, "what the database may hold; absent: as it is"),
    ROW_OPT(struct op_retention, no_budget, "no_budget", FIELD_BOOL,
            "what the file system has room for"),
    ROW_OPT(struct op_retention, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
const struct shape op_retention_shape =
    SHAPE("RetentionChange", struct op_retention, set_fields, check_retention);

/* ---- purges ---- */

const char *const purge_subject_names[PURGE_SUBJECT_COUNT + 1] = {"endpoint", "address", "mac",
                                                                  "name",     "older",   NULL};
const char *const purge_kind_names[PURGE_KIND_COUNT + 1] = {
    "evidence",  "detections", "incidents",   "containments", "notices",
    "endpoints", "bindings",   "annotations", "audit",        NULL};

static bool
check_purge(const void *thing, char why[128])
{
    const struct op_purge *asked = thing;
    bool is_older = asked->subject == PURGE_OLDER;
    if (is_older ? asked->before_us == 0 : asked->value[0] == '\0') {
        snprintf(why, 128, "%s",
                 is_older ? "before: older than when?" : "value: about whom or what?");
        return false;
    }
    return op_reason_given(asked->reason, why);
}

static const struct field purge_fields[] = {
    ROW_ENUM(struct op_purge, subject, "subject", false, purge_subject_names,
             "an endpoint with all its MACs and its name; an address; a MAC; a name (of a host, a "
             "server, a person, part of a URL); or all that is older"),
    ROW_OPT(
        struct op_purge, value, "value", FIELD_TEXT,
        "whom or what, as a whole word, whatever the case; it is kept until the purge has ended"),
    ROW_OPT(struct op_purge, before_us, "before", FIELD_TIME, "only what is older than this"),
    ROW_OPT(struct op_purge, is_dry, "dry_run", FIELD_BOOL, "only counts"),
    ROW_OPT(struct op_purge, reason, "reason", FIELD_TEXT,
            "why, for the audit; it must not name whom"),
};
const struct shape op_purge_shape =
    SHAPE("PurgeRequest", struct op_purge, purge_fields, check_purge);

static const struct field purged_fields[] = {
    ROW_ENUM(struct view_purged, kind, "kind", false, purge_kind_names,
             "bindings: addresses and events in the histories of endpoints that stay; audit: rows "
             "that name it; they stay until their own time is over"),
    ROW(struct view_purged, rows, "rows", FIELD_UINT, "that went, or would go"),
    ROW(struct view_purged, bytes, "bytes", FIELD_UINT, "of them"),
    ROW(struct view_purged, kept, "kept", FIELD_UINT,
        "that stay: a containment in force, a pending decision, an incident that still collects or "
        "a message under way needs them"),
};
static const struct shape purged_shape =
    SHAPE("PurgedKind", struct view_purged, purged_fields, NULL);

static const struct field purge_view_fields[] = {
    ROW_SUB(struct view_purge, job, "job", FIELD_OBJECT, &view_job_shape, "how far it is"),
    ROW(struct view_purge, is_dry, "dry_run", FIELD_BOOL, "nothing goes"),
    ROW_ENUM(struct view_purge, subject, "subject", false, purge_subject_names, "about what"),
    ROW_LIST(struct view_purge, kinds, kind_count, "kinds", FIELD_LIST, &purged_shape,
             PURGE_KIND_COUNT, "by kind"),
    ROW(struct view_purge, is_scrubbed, "scrubbed", FIELD_BOOL,
        "it is gone from the bytes of the database's files too"),
    ROW_OPT(struct view_purge, backup_us, "backup", FIELD_TIME,
            "backups up to this one may hold it still"),
    ROW_OPT(struct view_purge, backup_file, "backup_file", FIELD_TEXT, "that is"),
    ROW_OPT(struct view_purge, backups_kept, "backups_kept", FIELD_UINT,
            "it is gone from them once so many newer ones were made"),
};
const struct shape view_purge_shape = SHAPE("Purge", struct view_purge, purge_view_fields, NULL);
