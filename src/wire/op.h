/* The operations that web may ask of core: name, which roles may, parameters, answer.  One table,
 * from which web routes and checks requests, core dispatches and checks again, and the OpenAPI
 * document is made, so that the three cannot drift apart. */
#ifndef CORDON_WIRE_OP_H
#define CORDON_WIRE_OP_H

#include <stdbool.h>

#include "model/annotation.h"
#include "model/certificate.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/rule.h"
#include "model/revision.h"
#include "model/notice.h"
#include "wire/codec.h"
#include "wire/notice.h"

enum account_role {
    ACCOUNT_VIEWER,   /* sees everything but packets and the audit */
    ACCOUNT_OPERATOR, /* contains, releases, decides; sees packets and the audit */
    ACCOUNT_ADMIN,    /* also accounts, tokens, protections, policies */
    ACCOUNT_AUDITOR,  /* sees what a viewer sees, and the audit; changes nothing */
    ACCOUNT_ROLE_COUNT
};
extern const char *const account_role_names[ACCOUNT_ROLE_COUNT + 1];
/* False: unknown. */
bool account_role_parse(const char *text, enum account_role *role) MUST_CHECK;

enum op {
    OP_ENDPOINT_LIST,
    OP_ENDPOINT_SHOW,
    OP_ENDPOINT_ANNOTATE,
    OP_ENDPOINT_PROTECT,
    OP_ENDPOINT_EXPORT,
    OP_ENDPOINT_IMPORT,
    OP_ANNOTATION_LIST,
    OP_MAP_SHOW,
    OP_MAP_PLACE,
    OP_LINK_LIST,
    OP_SWITCH_LIST,
    OP_SWITCH_SHOW,
    OP_CONTAINMENT_LIST,
    OP_CONTAINMENT_SHOW,
    OP_CONTAINMENT_CREATE,
    OP_CONTAINMENT_RELEASE,
    OP_CONTAINMENT_EXTEND,
    OP_SERVER_LIST,
    OP_SERVER_SHOW,
    OP_SERVER_CREATE,
    OP_SERVER_RELEASE,
    OP_SERVER_EXTEND,
    OP_PENDING_LIST,
    OP_PENDING_ENFORCE,
    OP_PENDING_CHECK,
    OP_PENDING_REVERT,
    OP_INCIDENT_LIST,
    OP_INCIDENT_SHOW,
    OP_EVIDENCE_SHOW,
    OP_SOURCE_LIST,
    OP_SENSOR_LIST,
    OP_MIRROR_LIST,
    OP_PROTECTION_LIST,
    OP_PROTECTION_CONFIRM,
    OP_PROTECTION_REMOVE,
    OP_POLICY_SHOW,
    OP_POLICY_CHECK,
    OP_POLICY_SAVE,
    OP_POLICY_TEST,
    OP_REPLAY_START,
    OP_REPLAY_SHOW,
    OP_REPLAY_LIST,
    OP_ROLLOUT_SHOW,
    OP_WINDOW_LIST,
    OP_JOB_LIST,
    OP_JOB_SHOW,
    OP_JOB_CANCEL,
    OP_REVISION_LIST,
    OP_REVISION_SHOW,
    OP_REVISION_RESTORE,
    OP_ENFORCEMENT_SHOW,
    OP_ENFORCEMENT_PANIC,
    OP_ENFORCEMENT_RESUME,
    OP_BUDGET_SHOW,
    OP_CONFLICT_LIST,
    OP_NOTIFICATIONS_SHOW,
    OP_NOTIFICATIONS_SET,
    OP_NOTIFICATIONS_TEST,
    OP_NOTICE_LIST,
    OP_DOCTOR,
    OP_AUDIT_LIST,
    OP_AUDIT_VERIFY,
    OP_AUDIT_COMPARE,
    OP_AUDIT_CHECKPOINTS,
    OP_AUDIT_EXPORT,
    OP_PAYLOAD_LIST,
    OP_PAYLOAD_SET,
    OP_VERSION,
    OP_METRICS,
    OP_STORAGE_SHOW,
    OP_WATCH_LIST,
    OP_SERVER_ASSESS,
    OP_WARNING_SHOW,
    OP_WARNING_SET,
    OP_WARNING_RESET,
    OP_WARNING_PREVIEW,
    OP_CERTIFICATE_LIST,
    OP_CERTIFICATE_REVOKE,
    OP_ENROLMENT_LIST,
    OP_ENROLMENT_OFFER,
    OP_ENROLMENT_WITHDRAW,
    OP_ENROLMENT_REDEEM, /* asked by devices, which have no account */
    OP_REFUSED_LIST,
    OP_BACKUP_SHOW,
    OP_BACKUP_START,
    OP_BACKUP_SCHEDULE,
    OP_BACKUP_DOWNLOAD,
    OP_UNPROVEN_LIST,
    OP_UNPROVEN_KEEP,
    OP_RETENTION_SHOW,
    OP_RETENTION_SET,
    OP_PURGE_START,
    OP_PURGE_SHOW,
    OP_AUDIT_RECORD, /* web's own: not routed */
    /* Answered by web itself; core refuses them. */
    OP_SESSION_OPEN,
    OP_SESSION_SHOW,
    OP_SESSION_END,
    OP_SESSION_END_ALL,
    OP_SESSION_PASSWORD,
    OP_SESSION_CODE,
    OP_SESSION_WAYS,
    OP_SESSION_OPENID_BEGIN,
    OP_SESSION_OPENID,
    OP_SESSION_LIST,
    OP_SESSION_END_OTHERS,
    OP_FACTOR_BEGIN,
    OP_FACTOR_CONFIRM,
    OP_FACTOR_RECOVER,
    OP_FACTOR_REMOVE,
    OP_ACCOUNT_LIST,
    OP_ACCOUNT_RULES,
    OP_ACCOUNT_CREATE,
    OP_ACCOUNT_ROLE,
    OP_ACCOUNT_PASSWORD,
    OP_ACCOUNT_DISABLE,
    OP_ACCOUNT_ENABLE,
    OP_ACCOUNT_REMOVE,
    OP_ACCOUNT_END_SESSIONS,
    OP_ACCOUNT_RESET_FACTOR,
    OP_TOKEN_LIST,
    OP_TOKEN_CREATE,
    OP_TOKEN_REVOKE,
    OP_COUNT
};

struct op_info {
    const char *name;               /* "containments.create" */
    unsigned roles;                 /* who may: bits of enum account_role */
    const struct shape *parameters; /* NULL: none */
    const struct shape *answer;     /* of one item for lists; NULL: bytes */
    unsigned patience_s;            /* how long core may take; 0: as long as for anything */
    bool is_list;                   /* answers {"items": [...], "next": "...", "total": n} */
};
extern const struct op_info op_table[OP_COUNT];
bool op_allows(enum op op, enum account_role role);
/* Does it make or change who may do what?  Whoever may that may everything. */
bool op_gives_rights(enum op op);
/* False: unknown. */
bool op_parse(const char *name, enum op *op) MUST_CHECK;

/* Parameters.  Lists go on with the 'next' of the answer as 'cursor'. */
#define OP_LIMIT_DEFAULT 100
#define OP_LIMIT_MAX 500
#define OP_EXPIRY_MAX_S (366 * 86400)
#define OP_TOKEN_LIFE_MAX_S (10 * 366 * 86400)
struct op_page {
    char q[HOST_SIZE]; /* any part of what a person would search by */
    uint32_t limit;    /* 0: OP_LIMIT_DEFAULT */
    uint64_t cursor;   /* 0: from the start */
};
struct op_containment_list {
    struct op_page page;
    int state;  /* enum containment_state + 1; 0: any */
    int action; /* enum action; 0: any */
    char endpoint[ID_SIZE];
    bool ended; /* also those that ended */
};
struct op_incident_list {
    struct op_page page;
    char endpoint[ID_SIZE];
    bool closed; /* also closed ones */
};
struct op_assess {
    struct prefix server;
    char server_name[HOST_SIZE];
};
struct op_warning {
    struct rule_warning *texts;
    size_t text_count;
    uint64_t version;
    char reason[TEXT_SIZE];
};
struct op_schedule {
    uint32_t every_h, keep;
};
struct op_warning_reset {
    uint64_t version;
    char reason[TEXT_SIZE];
};
struct op_warning_preview {
    struct rule_warning *texts; /* none: those in force */
    size_t text_count;
    char reason[TEXT_SIZE];
    char case_number[16];
};
struct op_audit_filter {
    char account[NAME_SIZE];
    char action[NAME_SIZE];
    char object[TEXT_SIZE];
    int64_t from_us, until_us;
};
struct op_audit_list {
    struct op_page page;
    struct op_audit_filter filter;
};
struct op_audit_verify {
    char newest[NAME_SIZE + 8]; /* 64 hexadecimal digits */
};
struct op_download {
    char run[ID_SIZE]; /* the download that goes on; "": a new one */
};
struct op_evidence {
    char id[HOST_SIZE];
    char reason[TEXT_SIZE];
};
/* Who may read payload. */
struct op_payload {
    char id[HOST_SIZE];
    int right; /* enum payload_right */
    char reason[TEXT_SIZE];
};
/* Checkpoints from a log. */
#define OP_CHECKPOINTS_MAX 500
struct op_audit_compare {
    char lines[OP_CHECKPOINTS_MAX][TEXT_SIZE];
    size_t line_count;
    char newest[NAME_SIZE + 8];
};
enum audit_format { AUDIT_JSON, AUDIT_CSV, AUDIT_CEF, AUDIT_FORMAT_COUNT };
extern const char *const audit_format_names[AUDIT_FORMAT_COUNT + 1];
struct op_audit_export {
    int format; /* enum audit_format */
    char q[HOST_SIZE];
    struct op_audit_filter filter;
    char run[ID_SIZE]; /* "": a new one; or the one that goes on: web fetches it in parts */
};
struct op_id {
    char id[HOST_SIZE];
};
struct op_contain {
    int action; /* enum action, less 1 */
    char endpoint_id[ID_SIZE];
    struct mac mac;
    struct ip ip;
    int64_t observed_us;
    bool is_by_address;
    struct prefix server;
    char server_name[HOST_SIZE];
    char permit_set[NAME_SIZE];
    char site[NAME_SIZE];
    char reason[TEXT_SIZE];
    char external_id[NAME_SIZE];
    uint32_t expires_s;
};
struct op_block_server {
    struct prefix server;
    char server_name[HOST_SIZE];
    char site[NAME_SIZE];
    char reason[TEXT_SIZE];
    char external_id[NAME_SIZE];
    uint32_t expires_s;
};
struct op_reason {
    char id[HOST_SIZE];
    char reason[TEXT_SIZE];
};
struct op_extend {
    char id[HOST_SIZE];
    uint32_t expires_s;
};
#define OP_OFFER_LIFE_MAX_S (7 * 86400)
struct op_offer {
    int role; /* enum device_role */
    char name[NAME_SIZE];
    char controller[HOST_SIZE]; /* "https://192.0.2.10:8443": where the device reaches the API */
    uint32_t life_s;            /* of the token; 0: as configured */
    char reason[TEXT_SIZE];
};
/* What a device sends, and what web makes of it for core. */
struct op_enrol_request {
    char token[NAME_SIZE];
    uint8_t *request; /* owned; bus/csr.h */
    size_t request_size;
};
struct op_redeem {
    char role[NAME_SIZE], name[NAME_SIZE];
    char hash[NAME_SIZE + 8]; /* SHA-256 of the token, hexadecimal */
    uint8_t *key;             /* owned; the public key */
    size_t key_size;
    char from[ADDRESS_SIZE];
};
extern const struct shape op_offer_shape, op_enrol_request_shape, op_redeem_shape;
struct op_why {
    char reason[TEXT_SIZE];
};
struct op_annotate {
    char id[HOST_SIZE];
    struct annotation annotation; /* 'version': as shown, or 0: whatever it is */
};
struct op_annotation_list {
    struct op_page page;
    bool unseen; /* only of machines that were not seen yet */
};
struct op_policy_text {
    char *text;
};
struct op_policy_save {
    char *text;
    char reason[TEXT_SIZE];
    uint64_t base; /* the revision that the text was made from */
    bool overwrites;
};
#define OP_REPLAY_DAYS_MAX 90
struct op_replay {
    uint32_t days;
    char *policy; /* NULL: the running one */
    int assume;   /* enum assumption (policy.h) */
};
struct op_replay_list {
    struct op_page page;
    char id[HOST_SIZE];
    int outcome; /* enum replay_outcome + 1; 0: any */
    char endpoint[ID_SIZE];
};
struct op_policy_restore {
    char id[HOST_SIZE]; /* the revision's number */
    char reason[TEXT_SIZE];
    uint64_t base; /* 0: whichever runs */
};
/* A page of the CSV file: goes on behind what the cursor names. */
struct op_export {
    char q[HOST_SIZE];
    uint32_t limit;
    char cursor[NAME_SIZE];
    bool has_bom; /* for spreadsheets that need one to see UTF-8 */
};
/* Cells as they stand in a file: each row is judged by itself, so nothing but their length is
 * bounded here. */
#define IMPORT_ROWS_MAX 500
#define IMPORT_COLUMNS_MAX 8
#define IMPORT_CELL_SIZE 1024
struct op_import_row {
    uint32_t line;
    char mac[HOST_SIZE], class[HOST_SIZE], tags[IMPORT_CELL_SIZE], note[IMPORT_CELL_SIZE],
        owner[HOST_SIZE], owner_email[IMPORT_CELL_SIZE];
};
struct op_import {
    struct op_import_row *rows;
    size_t row_count;
    char columns[IMPORT_COLUMNS_MAX][NAME_SIZE]; /* others keep what is said */
    size_t column_count;
    bool is_dry;
};
/* Where switches are drawn. */
#define MAP_PLACES_MAX 1024
#define MAP_EXTENT 100000 /* either way */
struct map_place {
    char switch_name[NAME_SIZE];
    int32_t x, y;
};
struct op_map_place {
    struct map_place *places; /* these move, the others stay */
    size_t place_count;
    char removed[64][NAME_SIZE];
    size_t removed_count;
    uint32_t version; /* that this changes */
};
extern const struct shape map_place_shape;
struct op_notifications {
    struct notify_settings settings; /* owned lists */
    struct wire_secret *secrets;     /* owned; channel and value */
    size_t secret_count;
};
#define PASSWORD_SIZE 1025
struct op_sign_in {
    char name[NAME_SIZE];
    char password[PASSWORD_SIZE];
};
struct op_password { /* one's own */
    char old[PASSWORD_SIZE];
    char password[PASSWORD_SIZE];
};
struct op_account { /* create, set the role, reset the password: what each needs */
    char id[NAME_SIZE];
    char name[NAME_SIZE];
    int role;
    char password[PASSWORD_SIZE];
};
struct op_token {
    char name[NAME_SIZE];
    int role;
    uint32_t expires_s; /* 0: as long as tokens last where nobody says */
    bool never_expires;
    bool is_read_only;
    char ops[32][NAME_SIZE]; /* only these; none: whatever the role may */
    size_t op_count;
    int payload;            /* enum payload_right: may it read payload, from the first moment? */
    char reason[TEXT_SIZE]; /* why, where that is said */
};
struct op_code {            /* of a second factor */
    char ticket[NAME_SIZE]; /* of the sign-in that waits for it */
    char code[NAME_SIZE];
};
struct op_factor_begin {
    char password[PASSWORD_SIZE]; /* "": of an account whose password is not kept here */
};
struct op_openid {
    char code[URL_SIZE];
    char state[NAME_SIZE];
};
/* Only actions of these kinds: what web does itself. */
#define OP_AUDIT_KINDS "session.", "account.", "token."
struct op_audit_record {
    char action[NAME_SIZE];
    char object[TEXT_SIZE];
    char detail[TEXT_SIZE];
    int payload; /* enum payload_right: of the token that was made; in one commit with the row */
    char reason[TEXT_SIZE];
};
/* Lines come to core as detections: web has them parsed (core reads only checked messages). */
struct op_test_line {
    uint32_t line;
    struct detection *detection; /* NULL: refused or ignored */
    char why[TEXT_SIZE];
};
struct op_test {
    struct op_test_line *lines;
    size_t line_count;
    bool assumes;      /* every inside address is an endpoint of its own */
    char run[ID_SIZE]; /* "": of its own; "new": can be continued; or which one goes on */
    bool is_last;      /* of that run */
    char *policy;      /* a draft to be tried in place of the running policy; NULL: none */
};

#endif
