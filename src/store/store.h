/* What must survive: SQLite in WAL mode with full synchronisation, written by one store thread, so
 * that the loop never waits for the disk.  A transaction is built on the loop, submitted, and its
 * 'done' runs on the loop again after the commit is on disk: intent is durable before it is
 * acknowledged.  Transactions submitted while a commit runs go into one group commit. */
#ifndef CORDON_STORE_STORE_H
#define CORDON_STORE_STORE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#include "model/audit_chain.h"
#include "model/certificate.h"
#include "model/checkpoint.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/endpoint.h"
#include "model/revision.h"
#include "model/notice.h"

struct store;
struct store_change;

/* Opens or makes the database and migrates its schema; a newer schema is refused.  Only one process
 * works in a folder: -EWOULDBLOCK for the second one. */
int store_open(const char *path, struct event_base *base, struct store **store,
               char why[256]) MUST_CHECK;
/* Waits for what was submitted. */
void store_close(struct store *store);
/* How it was found when it was opened. */
struct rescue;
const struct rescue *store_rescue(const struct store *store);
const char *store_path(const struct store *store);
/* SQLite says that it is damaged; nothing is stored any more.  Any thread.  The next start replaces
 * it: end the process. */
bool store_is_damaged(const struct store *store);

/* Rows are copied into the change. */
struct store_change *store_change_new(void);
void store_put_containment(struct store_change *change, const struct containment *containment);
void store_put_incident(struct store_change *change, const struct incident *incident);
void store_put_detection(struct store_change *change, const struct detection *detection,
                         const char *incident_id);
/* One that is stored was judged again: it is of that incident, and as strong as it says now. */
void store_move_detection(struct store_change *change, const struct detection *detection,
                          const char *incident_id);
void store_put_evidence(struct store_change *change, const struct evidence *evidence);
void store_put_endpoint(struct store_change *change, const struct endpoint_record *record);
void store_drop_endpoint(struct store_change *change, const char *endpoint_id);
/* What people say of the machine with that MAC; an empty one is forgotten. */
void store_put_annotation(struct store_change *change, const struct mac *mac,
                          const struct annotation *annotation);
void store_put_certificate(struct store_change *change, const struct certificate *certificate);
void store_put_enrolment(struct store_change *change, const struct enrolment *enrolment);
/* A name is never cut: with one that does not fit, the whole change fails (-ENAMETOOLONG).
 * An empty 'value' forgets the setting. */
#define SETTING_NAME_SIZE 128
/* Who may read payload, by account.  Earlier builds cut such a name to NAME_SIZE, some of them with
 * the sum of the whole one: that row cannot be proven, is no damage, and its value reads as "". */
#define STORE_PAYLOAD_SETTING "payload/"
void store_put_setting(struct store_change *change, const char *name, const char *value);
/* A notice that is still to be routed; that it was; and what a receiver is or was told. */
void store_put_notice(struct store_change *change, const struct notice *notice);
void store_mark_notice(struct store_change *change, const char *notice_id);
void store_put_message(struct store_change *change, const struct message *message);
/* Who did what to what, and why; the chain of hashes is the store's business. */
void store_put_audit(struct store_change *change, int64_t at_us, const char *account,
                     const char *action, const char *object, const char *detail);
/* -EEXIST where that number is taken.  The oldest beyond REVISIONS_MAX go. */
void store_put_revision(struct store_change *change, const struct revision *revision,
                        const char *text);
size_t store_change_count(const struct store_change *change);
/* For a change that is not submitted after all. */
void store_change_free(struct store_change *change);

/* Takes 'change'.  'done' is called on the loop with 0 or a negative errno (then nothing of it is
 * stored; -EBUSY: too many wait for the disk); NULL: nobody waits.  Changes become durable, and
 * their 'done' runs, in the order of submission. */
void store_submit(struct store *store, struct store_change *change,
                  void (*done)(void *context, int error), void *context);

/* At start, before the loop: containments that have not ended, open incidents, endpoints,
 * annotations and settings.  Each callback borrows its argument.  A row that cannot be read fails
 * the load
 * (-EBADMSG, logged with its id): to forget a containment silently would lift it. */
struct store_loader {
    void (*on_containment)(void *context, const struct containment *containment);
    void (*on_incident)(void *context, const struct incident *incident);
    void (*on_endpoint)(void *context, const struct endpoint_record *record);
    void (*on_annotation)(void *context, const struct mac *mac,
                          const struct annotation *annotation); /* by MAC, ascending */
    void (*on_setting)(void *context, const char *name, const char *value);
    void (*on_certificate)(void *context, const struct certificate *certificate); /* oldest first */
    void (*on_enrolment)(void *context, const struct enrolment *enrolment);
    void *context;
};
int store_load(struct store *store, const struct store_loader *loader) MUST_CHECK;

/* Reads for lists and evidence, on the loop, through a read-only connection (WAL: never waits for
 * the writer). */
/* 0 with 'value', which the caller frees; -ENOENT: there is none; else it may be there and cannot
 * be read (logged).  -EBADMSG: it is damaged; that is noted, and the next start takes the last good
 * copy. */
int store_find_setting(struct store *store, const char *name, char **value) MUST_CHECK;
/* The same where only a value counts.  NULL: none that can be read; "": it is damaged. */
char *store_read_setting(struct store *store, const char *name);
/* Those whose name begins so, by name; borrowed.  0 or negative errno. */
int store_read_settings(struct store *store, const char *prefix,
                        void (*each)(void *context, const char *name, const char *value),
                        void *context);
bool store_has_detection(struct store *store, const char *id);
/* In doubt: true. */
bool store_has_containment(struct store *store, const char *id);
/* The newest containment that was asked for with this key; 'containment' is then the caller's
 * (containment_fini).  False: none. */
bool store_find_external(struct store *store, const char *external_id,
                         struct containment *containment);
/* What retention left of an incident. */
enum store_incident { INCIDENT_GONE, INCIDENT_NAMED, INCIDENT_PLAIN };
enum store_incident store_look_incident(struct store *store, const char *id);
/* 0 or -ENOENT (none, or its packets were dropped for newer ones); 'pcap' is the caller's. */
int store_read_evidence(struct store *store, const char *detection_id, struct evidence *evidence);
int store_read_incidents(struct store *store, size_t limit,
                         void (*each)(void *context, const struct incident *incident),
                         void *context);
int store_read_detections(struct store *store, const char *incident_id, size_t limit,
                          void (*each)(void *context, const struct detection *detection),
                          void *context);
/* Which of the containments that ended; empty members ask for nothing. */
struct store_question {
    const char *state, *action; /* their names; NULL: any */
    const char *endpoint_id;
    const char *text; /* any part of what is said of it, whatever the case */
    /* found by 'text' too: what is about one of these endpoints */
    const char *const *endpoint_ids;
    size_t endpoint_count;
    uint64_t after; /* the number of the last one given so far; 0: from the start */
    size_t limit;
};
/* By index, however many there are: the last to end first, 'limit' of them; 'total' match, and
 * 'before' of them come up to and with 'after'.  'number' stays with a containment that ended.  0
 * or negative errno. */
int store_search_ended(struct store *store, const struct store_question *question, uint64_t *total,
                       uint64_t *before,
                       void (*each)(void *context, const struct containment *containment,
                                    uint64_t number),
                       void *context);
/* The ended one with this id, or the last to end with this case number; 'action' NULL: any.
 * 'containment' is then the caller's (containment_fini).  False: none. */
bool store_find_ended(struct store *store, const char *key, const char *action,
                      struct containment *containment);
/* At start, for policy's memory: each endpoint that a person released after 'since_us', with the
 * last time, oldest first; of more than 'limit' the newest. */
int store_read_released(struct store *store, int64_t since_us, size_t limit,
                        void (*each)(void *context, const char *endpoint_id, int64_t released_us),
                        void *context);
/* Likewise: when policy isolated somebody by itself after 'since_us', whatever came of it. */
int store_read_isolations(struct store *store, int64_t since_us, size_t limit,
                          void (*each)(void *context, int64_t requested_us), void *context);
/* Notices that were committed and not routed, oldest first.  'notice' NULL: the row cannot be read
 * (logged), which must not keep the others back; store_mark_notice() passes it over for good. */
int store_read_notices(struct store *store, size_t limit,
                       void (*each)(void *context, const char *id, const struct notice *notice),
                       void *context);
/* Messages that wait, oldest first; at start.  What cannot be read is passed over: nothing that
 * protects waits for what people are told. */
int store_read_waiting(struct store *store, size_t limit,
                       void (*each)(void *context, const struct message *message), void *context);
/* All of them, newest first; 'before' 0: from the end.  'number' counts them; 'message' NULL: that
 * one cannot be read. */
int store_read_messages(struct store *store, int64_t before, size_t limit,
                        void (*each)(void *context, int64_t number, const struct message *message),
                        void *context);
/* In the order of time and in parts, for replays: 'place' begins with the time from which on, and
 * goes on by itself; 'passed' says how many rows that were, and how many of them could not be read.
 * Fewer than 'limit': that was the end. */
struct store_place {
    int64_t at_us;
    int64_t number;
    char id[ID_SIZE];
};
struct store_passed {
    size_t rows, damaged;
};
/* Detections seen before 'until_us'; 'each' NULL: only counted, which is much faster. */
int store_pass_detections(struct store *store, struct store_place *place, int64_t until_us,
                          size_t limit, struct store_passed *passed,
                          void (*each)(void *context, const struct detection *detection),
                          void *context);
/* Containments by their end. */
int store_pass_ended(struct store *store, struct store_place *place, size_t limit,
                     struct store_passed *passed,
                     void (*each)(void *context, const struct containment *containment),
                     void *context);
/* The audit is read beside the loop, however many rows there are: by its own thread, one question
 * after the other (audit_reader.c). */
struct store_audit_question {
    char account[NAME_SIZE]; /* empty members ask for nothing */
    char action[NAME_SIZE];  /* one without a dot: also all below it ("session": "session.open") */
    char object[TEXT_SIZE];
    char text[HOST_SIZE];      /* any part of what the row says, whatever the case */
    int64_t from_us, until_us; /* from 'from_us' on, before 'until_us'; 0: open */
    bool oldest_first;
    int64_t after; /* go on behind this number, in that order; 0: from the beginning */
    int64_t last;  /* oldest first: not beyond this number; 0: to the end */
    size_t limit;  /* rows, at most STORE_AUDIT_ROWS_MAX */
};
#define STORE_AUDIT_ROWS_MAX 500
#define STORE_AUDIT_BYTES_MAX (128 * 1024)
struct store_audit_row {
    struct audit_fields fields;
    uint8_t before[AUDIT_HASH_SIZE]; /* hash of the row before it; zero: there is none */
    uint8_t hash[AUDIT_HASH_SIZE];
};
struct store_audit_answer {
    int error; /* 0 or negative errno (logged); -EBUSY: too many wait */
    const struct store_audit_row *rows;
    size_t count;
    bool has_more;
    int64_t newest; /* number of the newest row that there was */
};
typedef void store_audit_fn(void *context, const struct store_audit_answer *answer);
/* Called on the loop, once, later; also with an error when the store is closed. */
void store_read_audit(struct store *store, const struct store_audit_question *question,
                      store_audit_fn *done, void *context);
/* Walks the whole chain of hashes.  The chain's end is compared with the newest row that this
 * process has written; its beginning with the anchor, where rows were pruned (setting
 * AUDIT_ANCHOR: an anchor that 'key' signed). */
#define AUDIT_ANCHOR "audit/anchor"
struct store_walk {
    bool has_wanted; /* a hash that was noted elsewhere */
    uint8_t wanted[AUDIT_HASH_SIZE];
    struct audit_held *held; /* borrowed until 'done' */
    size_t held_count;
    struct checkpoint_key key;
};
typedef void store_chain_fn(void *context, int error, const struct audit_chain *chain);
void store_check_audit(struct store *store, const struct store_walk *walk, store_chain_fn *done,
                       void *context);
/* Number and hash of the newest row of the audit that is on disk; 0: there is none. */
int64_t store_audit_tip(struct store *store, uint8_t hash[AUDIT_HASH_SIZE]);
/* When that row is from; 0: there is none, or it cannot be read. */
int64_t store_audit_time(struct store *store);
/* Newest first; 'before' 0: from the end. */
int store_read_revisions(struct store *store, int64_t before, size_t limit,
                         void (*each)(void *context, const struct revision *revision),
                         void *context);
/* 'number' 0: the newest.  0, or -ENOENT; 'text' is then the caller's (free). */
int store_read_revision(struct store *store, int64_t number, struct revision *revision,
                        char **text);

/* Bytes of packets kept as evidence (default 256 MiB) and detections (default 1,000,000); the
 * oldest are dropped that no containment in force, pending decision or collecting incident needs;
 * where all are needed, the newest (trim.h). */
void store_set_budget(struct store *store, uint64_t evidence_bytes, uint64_t detections);
/* How often that was so, in this run: rises with each row that goes though it is needed. */
uint64_t store_newest_gone(const struct store *store, bool of_packets);
/* An open incident that was seen since then still collects (at first: each one that is open). */
void store_set_collecting(struct store *store, int64_t since_us);

/* Room that is held for the day the disk is full (reserve.h); 0, as at first: none. */
void store_set_reserve(struct store *store, uint64_t bytes);

struct store_stats {
    uint64_t commits, changes, refused, failed;
    uint64_t waiting;          /* submitted, not yet done */
    int64_t slowest_commit_us; /* since the last call */
};
/* Rows of the audit that came onto the disk in this run; rises when there is something new. */
uint64_t store_audit_rows(const struct store *store);
/* What became of the last change that is done: 0 or negative errno.  Loop thread. */
int store_failing(const struct store *store);
void store_read_stats(struct store *store, struct store_stats *stats);

struct store_disk {
    uint64_t database_bytes;          /* with its log */
    uint64_t free_bytes, total_bytes; /* of the file system that it is on */
};
/* 0 or negative errno. */
int store_read_disk(struct store *store, struct store_disk *disk);
/* The slowest commit of the last full minute or so, and not reset by asking. */
int64_t store_slowest_us(struct store *store);

/* Frees what a containment that was read owns. */
void containment_fini(struct containment *containment);
/* Deep; 'to' is finished by the caller. */
void containment_copy(struct containment *to, const struct containment *from);

#endif
