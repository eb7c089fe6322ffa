/* What the handlers in ask_*.c share: one call of an operation, its answer, and pages of lists. */
#ifndef CORDON_CONTROLLER_ASK_CALL_H
#define CORDON_CONTROLLER_ASK_CALL_H

#include "controller/ask/ask.h"
#include "controller/jobs.h"
#include "model/checkpoint.h"
#include "policy/trial.h"
#include "wire/op.h"
#include "wire/view_containment.h"
#include "wire/view_endpoint.h"
#include "wire/view_policy.h"
#include "wire/view_switch.h"
#include "wire/view_system.h"

/* A policy test that may go on. */
#define ASK_TRIALS_MAX 3
struct ask_trial {
    char id[ID_SIZE];
    char account[NAME_SIZE];    /* whose it is */
    struct policy_trial *trial; /* owned; NULL: free */
    int64_t used_us;            /* boot */
};

/* An export of the audit, which is fetched in parts. */
#define ASK_EXPORTS_MAX 8
struct ask_export {
    char id[ID_SIZE];        /* "": free */
    char account[NAME_SIZE]; /* whose it is */
    struct store_audit_question question;
    enum audit_format format;
    char anchor[CHECKPOINT_NOTE_SIZE]; /* "": it begins with row 1, or is a part */
    uint64_t rows;
    uint8_t newest[AUDIT_HASH_SIZE]; /* hash of the last row given */
    bool is_whole, is_busy;
    int64_t used_us; /* boot */
};

/* The last backup on its way to somebody. */
#define ASK_DOWNLOADS_MAX 2
struct ask_download {
    char id[ID_SIZE];        /* "": free */
    char account[NAME_SIZE]; /* whose it is */
    char name[NAME_SIZE];    /* of the file */
    int fd;                  /* ours */
    uint64_t sent, size;
    bool is_busy;    /* its audit row is on its way */
    int64_t used_us; /* boot */
};

struct payload_notes;

struct asks {
    struct ask_settings settings;
    struct ask_trial trials[ASK_TRIALS_MAX];
    struct jobs *jobs; /* owned */
    size_t annotating; /* changes of annotations on their way to the disk */
    bool is_placing;   /* a change of the map is */
    struct ask_export exports[ASK_EXPORTS_MAX];
    struct ask_download downloads[ASK_DOWNLOADS_MAX];
    struct payload_notes *payload_notes; /* owned; payload.c */
    uint64_t asked[OP_COUNT];
    uint64_t refused;
};

struct ask_call {
    struct asks *asks;
    struct controller *controller;
    enum op op;
    uint64_t number;
    char account[NAME_SIZE];
    enum account_role role;
    ask_answer_fn *answer;
    void *context;
    const cJSON *parameters; /* as they came; during the call only */
};

/* Each answers the call exactly once, or keeps a copy of it for later. */
typedef void ask_handler(const struct ask_call *call, const void *parameters);

/* Takes 'body'. */
void ask_answer_json(const struct ask_call *call, unsigned status, cJSON *body);
void ask_answer_shape(const struct ask_call *call, unsigned status, const struct shape *shape,
                      const void *thing);
void ask_answer_bytes(const struct ask_call *call, const void *bytes, size_t size);
/* A part of an export: 'body' is taken. */
void ask_answer_part(const struct ask_call *call, cJSON *body, const void *bytes, size_t size);
void ask_problem(const struct ask_call *call, unsigned status, const char *detail,
                 const char *where, const char *advice);

/* A page of a list: matches are counted, those before the cursor skipped, and as many encoded as
 * the limit and one frame of the bus allow. */
#define ASK_PAGE_BYTES (512 * 1024)
#define ASK_ANSWER_BYTES (WIRE_FRAME_MAX - 64 * 1024)
struct ask_page {
    cJSON *items;
    uint64_t cursor;
    size_t limit, taken, bytes;
    uint64_t seen;
    uint64_t next; /* key of the last one taken; 0: the cursor is a position */
    uint64_t run;  /* part of the cursors of this run of core; 0: they are of every run */
    bool is_full;
};
void ask_page_begin(struct ask_page *page, const struct op_page *asked);
/* The same where keys below ASK_CURSOR_LASTING are of this run of core only (serials): a cursor of
 * another one would go on at a wrong place.  False: it was one, and is answered. */
#define ASK_CURSOR_LASTING (UINT64_C(1) << 50)
bool ask_page_begin_run(const struct ask_call *call, struct ask_page *page,
                        const struct op_page *asked) MUST_CHECK;
/* Call once per match: true: encode it and give it to ask_page_add. */
bool ask_page_takes(struct ask_page *page);
/* The same for a list that changes meanwhile: the cursor is the key of the last row given, so that
 * no row is lost or given twice.  Keys are not 0 and rise or fall along the list. */
bool ask_page_takes_key(struct ask_page *page, uint64_t key, bool is_falling);
/* Takes 'item'. */
void ask_page_add(struct ask_page *page, cJSON *item);
void ask_page_answer(const struct ask_call *call, struct ask_page *page);
/* Does one of the texts hold 'q', whatever the case?  An empty 'q' matches all; NULL ends the
 * list.  MACs match with colons or hyphens. */
/* Is it found by any part of what people would search an endpoint by? */
/* Any part of the MAC, class, a tag, note or owner. */
/* Addresses of people are not for every viewer: neither shown nor searched. */
bool ask_sees_people(const struct ask_call *call);
bool ask_annotation_matches(const struct ask_call *call, const struct annotation *annotation,
                            const struct mac *mac, const char *q);
bool ask_endpoint_matches(const struct ask_call *call, const struct endpoint *endpoint,
                          const char *q);
bool ask_matches(const char *q, const char *const *texts);
/* As what 'q' can be a part of at all: the others need not be written out. */
struct ask_shape {
    bool mac, ip4, ip6;
};
struct ask_shape ask_shape_of(const char *q);

/* As shown: with its version (wire/view_endpoint.h).  'annotation' NULL: nothing was said. */
void ask_fill_annotation(const struct annotation *annotation, struct annotation *shown);
/* What a search looks at: its class, tags, note and owner.  Returns how many; at most
 * ANNOTATION_TAGS_MAX + 4. */
size_t ask_annotation_texts(const struct ask_call *call, const struct annotation *annotation,
                            const char **texts);
/* Finds an endpoint by id, MAC, address or host name; NULL: answered 404 or 409 already. */
const struct endpoint *ask_find_endpoint(const struct ask_call *call, const char *name);
/* The containment that restricts that endpoint most now; NULL: none. */
const struct containment *ask_containment_on(const struct controller *controller,
                                             const char *endpoint_id);
bool ask_is_ended(enum containment_state state);
cJSON *ask_view_endpoint_detail(struct controller *controller, const struct endpoint *endpoint,
                                bool shows_people);
/* Shallow: valid as long as what they are filled from. */
void ask_fill_containment(struct controller *controller, const struct containment *containment,
                          struct view_containment *view);
void ask_fill_incident(struct controller *controller, const struct incident *incident,
                       struct view_incident *view);
void ask_fill_switch(const struct switch_view *from, struct view_switch *view);
/* Newest first, at most 'room', without what the asker may not read; the caller frees the list. */
struct detection *ask_read_detections(const struct ask_call *call, const char *incident_id,
                                      size_t room, size_t *count);

/* ask_endpoints.c */
ask_handler ask_endpoint_list, ask_endpoint_show, ask_link_list, ask_protection_list,
    ask_protection_confirm, ask_protection_remove;
/* ask_annotations.c */
ask_handler ask_endpoint_annotate, ask_annotation_list, ask_endpoint_import;
/* ask_export.c */
ask_handler ask_endpoint_export;
/* ask_map.c */
ask_handler ask_map_show, ask_map_place;
/* ask_switches.c */
ask_handler ask_switch_list, ask_switch_show, ask_mirror_list, ask_sensor_list, ask_source_list;
/* ask_containments.c */
ask_handler ask_containment_list, ask_containment_show, ask_server_list, ask_server_show,
    ask_pending_list;
/* ask_wishes.c */
ask_handler ask_containment_create, ask_containment_release, ask_containment_extend,
    ask_server_create, ask_server_release, ask_server_extend, ask_endpoint_protect,
    ask_pending_enforce, ask_pending_check, ask_pending_revert, ask_enforcement_panic,
    ask_enforcement_resume;
/* ask_incidents.c */
ask_handler ask_incident_list, ask_incident_show, ask_evidence_show;
/* ask_policy.c */
ask_handler ask_policy_show, ask_policy_check, ask_policy_save, ask_revision_list,
    ask_revision_show, ask_revision_restore;
/* Answers 422: 'field' holds no good policy. */
void ask_policy_refuse(const struct ask_call *call, const struct policy_error *error,
                       const char *field);
/* ask_trial.c; the ones that nobody goes on with are forgotten, and at the end all. */
ask_handler ask_policy_test;
void ask_trials_expire(struct asks *asks);
void ask_trials_end(struct asks *asks);
/* ask_jobs.c */
ask_handler ask_job_list, ask_job_show, ask_job_cancel;
/* ask_replay.c */
ask_handler ask_replay_start, ask_replay_show, ask_replay_list;
/* ask_rollout.c */
ask_handler ask_rollout_show, ask_window_list;
/* ask_system.c */
ask_handler ask_backup_download;
void ask_downloads_end(struct asks *asks);
ask_handler ask_enforcement_show, ask_budget_show, ask_conflict_list, ask_audit_record, ask_version;
/* ask_system.c */
ask_handler ask_storage_show;
/* ask_retention.c */
ask_handler ask_retention_show, ask_retention_set, ask_purge_start, ask_purge_show;
/* ask_backup.c */
ask_handler ask_backup_show, ask_backup_start, ask_backup_schedule, ask_unproven_list,
    ask_unproven_keep;
/* ask_watch.c */
ask_handler ask_watch_list, ask_server_assess;
/* ask_warning.c */
ask_handler ask_warning_show, ask_warning_set, ask_warning_reset, ask_warning_preview;
/* ask_audit.c */
ask_handler ask_audit_list, ask_audit_verify, ask_audit_compare, ask_audit_checkpoints,
    ask_audit_export;
/* ask_certificates.c */
ask_handler ask_certificate_list, ask_certificate_revoke, ask_enrolment_list, ask_enrolment_offer,
    ask_enrolment_withdraw, ask_enrolment_redeem, ask_refused_list;
/* payload.c */
ask_handler ask_payload_list, ask_payload_set;
/* ask_notify.c */
ask_handler ask_notifications_show, ask_notifications_set, ask_notifications_test, ask_notice_list;
/* ask_metrics.c, ask_doctor.c */
ask_handler ask_metrics, ask_doctor;

#endif
