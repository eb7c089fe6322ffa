/* Policy tests, enforcement, doctor, audit and version as the API shows them, and the error object.
 */
#ifndef CORDON_WIRE_VIEW_SYSTEM_H
#define CORDON_WIRE_VIEW_SYSTEM_H

#include "model/audit_chain.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/rule.h"
#include "wire/codec.h"

/* application/problem+json (RFC 9457): what, where, and what to do. */
struct view_problem {
    char type[NAME_SIZE]; /* "urn:cordon:problem:not-found" */
    char title[TEXT_SIZE];
    uint16_t status;
    char detail[TEXT_SIZE];
    char where[128]; /* field or parameter */
    char advice[TEXT_SIZE];
};
extern const struct shape view_problem_shape;
/* The caller owns the result; 'where' and 'advice' may be NULL; texts that are too long are cut:
 * they are ours.  The type and title follow from the status. */
cJSON *view_problem_make(unsigned status, const char *detail, const char *where,
                         const char *advice);
/* "Not Found"; "Error" for a status that we never give. */
const char *view_problem_title(unsigned status);

/* What the engine would do about one line of an event file. */
#define TEST_SAYS_MAX 16
struct view_test_line {
    uint32_t line;
    bool is_detection;
    char why[TEXT_SIZE]; /* not a detection: why */
    char says[TEST_SAYS_MAX][TEXT_SIZE * 3];
    size_t say_count;
};
struct view_test {
    struct view_test_line *lines;
    size_t line_count;
    char assumed[TEXT_SIZE];
    char run[ID_SIZE];
};
#define TEST_LINES_MAX 200
extern const struct shape view_test_shape;

struct view_enforcement {
    char state[NAME_SIZE]; /* "active", "suspended" */
    int64_t since_us;
    char account[NAME_SIZE];
    char reason[TEXT_SIZE];
};
extern const struct shape view_enforcement_shape;

enum finding_severity { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };
extern const char *const view_finding_severity_names[];
struct view_finding {
    enum finding_severity severity;
    char check[NAME_SIZE]; /* "clock", "mtu", ... */
    char where[TEXT_SIZE];
    char what[TEXT_SIZE];
    char advice[TEXT_SIZE];
};
#define FINDINGS_MAX 500

/* Of one kind: how many there are, and how many without a warning or an error of their own. */
struct view_tally {
    char check[NAME_SIZE];
    uint64_t total, good;
};
enum view_part { PART_SENSOR, PART_SWITCH, PART_MIRROR, PART_SOURCE, PART_COUNT };

struct view_doctor {
    bool is_healthy; /* no warning and no error */
    char checks[24][NAME_SIZE];
    size_t check_count;
    struct view_finding *findings; /* owned */
    size_t finding_count;
    uint64_t dropped;         /* findings beyond FINDINGS_MAX */
    struct view_tally *parts; /* owned; by enum view_part */
    size_t part_count;
};
extern const struct shape view_doctor_shape;

struct view_audit {
    int64_t number, at_us;
    char account[NAME_SIZE];
    char action[NAME_SIZE];
    char object[TEXT_SIZE];
    char detail[URL_SIZE];
    char hash[AUDIT_HEX_SIZE]; /* of this row and all before it */
};
extern const struct shape view_audit_shape;

/* The texts of the warning page in force. */
struct view_warning {
    uint64_t version;           /* 0: never edited */
    bool is_edited;             /* false: those of the configuration */
    struct rule_warning *texts; /* owned where decoded */
    size_t text_count;
    int64_t changed_us;
    char account[NAME_SIZE];
};
extern const struct shape view_warning_shape;
extern const struct shape view_warning_text_shape; /* over struct rule_warning */

/* What a walk through the chain found. */
struct view_audit_check {
    bool is_sound;
    uint64_t checked;
    char newest[AUDIT_HEX_SIZE]; /* hash of the last row that fits */
    enum audit_fault fault;
    int64_t bad_number;
    char what[TEXT_SIZE];
    int64_t at_us;
    uint64_t compared, foreign, lost, pruned; /* checkpoints; rows */
    uint32_t edges, silent;
};
extern const struct shape view_audit_check_shape;

/* Live: rows of this list came, went or changed; told at most four times a second. */
struct view_changed {
    char list[NAME_SIZE];
};

struct view_version {
    char version[NAME_SIZE];
    char site[NAME_SIZE];
    uint64_t epoch;
    int64_t started_us, now_us;
};
extern const struct shape view_changed_shape;
extern const struct shape view_version_shape;

/* The database and the disk that it is on. */
struct view_storage {
    uint64_t database_bytes, free_bytes, total_bytes;
    int64_t slowest_commit_us;
};
extern const struct shape view_storage_shape;

/* A backup's head: what anybody may know of it. */
struct view_backup_head {
    char version[NAME_SIZE];
    uint64_t schema, epoch;
    int64_t at_us;
    int64_t audit_number;
    char audit_hash[AUDIT_HEX_SIZE];
    uint64_t live; /* containments in force or pending */
    bool has_secrets;
    char locked[16]; /* "key", "passphrase", "none" */
    char box[192];   /* the stream's key, sealed; or the passphrase's salt */
};
extern const struct shape view_backup_head_shape;

struct view_backup_result {
    int64_t at_us;
    char file[URL_SIZE];
    uint64_t bytes;
    bool has_secrets;
    char problem[256]; /* "": it was made */
};
extern const struct shape view_backup_result_shape;

/* Copies and backups. */
struct view_backup {
    bool is_running;
    bool is_encrypted; /* to the key in cordond.yaml: with the secrets */
    uint32_t every_h, keep;
    char folder[URL_SIZE];
    bool has_last;
    struct view_backup_result last;
    int64_t copied_us; /* the last good copy of this run */
    char copy_problem[256];
    int64_t restored_us; /* the database was; 0: never */
    char restored_cause[TEXT_SIZE];
    uint64_t unproven; /* blocks that wait for a person */
};
extern const struct shape view_backup_shape;

struct view_health {
    char status[NAME_SIZE]; /* "ok", "core is away" */
    char version[NAME_SIZE];
};
extern const struct shape view_health_shape;

/* What POST confirm and remove of a protection answer. */
struct view_done {
    char done[TEXT_SIZE];
};
extern const struct shape view_done_shape;

#endif
