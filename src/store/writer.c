/* Durability: WAL with synchronous=FULL makes one fdatasync per commit.  SQLite would copy the log
 * back into the database inside some unlucky commit (two more syncs on the path): so automatic
 * checkpoints are off, and the store thread makes them while nothing waits. */
#include "store/writer.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/rescue.h"
#include "store/schema.h"
#include "store/sweeper.h"
#include "store/trim.h"
#include "store/reserve.h"

#define LOG_PAGES_REST 256   /* 1 MiB: worth moving while idle */
#define LOG_PAGES_FULL 16384 /* 64 MiB: move even under load */
#define INDEX_AT_ONCE 64     /* rows of the audit: as many wait until it is worth a commit */

enum statement {
    DO_BEGIN = ROW_KIND_COUNT, /* the rows' own statements come first */
    DO_COMMIT,
    DO_ROLLBACK,
    DO_SAVE,
    DO_KEEP,
    DO_UNDO,
    DO_FORGET,
    DO_DROP_ENDPOINT,
    DO_DROP_ANNOTATION,
    DO_ROUTED,
    DO_INDEX_AUDIT,
    DO_MARK_AUDIT,
    STATEMENT_COUNT
};

static const char *const statements[STATEMENT_COUNT] = {
    /* id, other = state, key = external id, at_us = requested, flag = ended, text */
    [ROW_CONTAINMENT] = "INSERT INTO containment(id, state, external_id, requested_us, ended_us,"
                        " json) VALUES(?1, ?3, ?2, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET"
                        " state = excluded.state, ended_us = excluded.ended_us,"
                        " json = excluded.json",
    /* id, at_us = last, flag = open, text */
    [ROW_INCIDENT] = "INSERT INTO incident(id, is_open, last_us, json) VALUES(?1, ?5, ?4, ?6)"
                     " ON CONFLICT(id) DO UPDATE SET is_open = excluded.is_open,"
                     " last_us = excluded.last_us, json = excluded.json, is_plain = 0",
    /* id, key = incident, at_us = seen, text; sent again: stored once */
    [ROW_DETECTION] = "INSERT OR IGNORE INTO detection(id, incident_id, seen_us, json)"
                      " VALUES(?1, ?2, ?4, ?6)",
    /* id, key = incident, text; what was taken out of it stays out */
    [ROW_MOVED_DETECTION] = "UPDATE detection SET incident_id = ?2,"
                            " json = iif(is_plain, json, ?6) WHERE id = ?1",
    /* id = detection, bytes */
    [ROW_EVIDENCE] = "INSERT OR IGNORE INTO evidence(detection_id, pcap) VALUES(?1, ?7)",
    /* id, at_us = seen, text; no text: dropped */
    [ROW_ENDPOINT] = "INSERT INTO endpoint(id, seen_us, json) VALUES(?1, ?4, ?6)"
                     " ON CONFLICT(id) DO UPDATE SET seen_us = excluded.seen_us,"
                     " json = excluded.json",
    /* id = MAC, text; no text: dropped */
    [ROW_ANNOTATION] = "INSERT INTO annotation(mac, json) VALUES(?1, ?6)"
                       " ON CONFLICT(mac) DO UPDATE SET json = excluded.json",
    /* id = name, text = value, at_us = sum */
    [ROW_SETTING] = "INSERT INTO setting(name, value, sum) VALUES(?1, ?6, ?4)"
                    " ON CONFLICT(name) DO UPDATE SET value = excluded.value, sum = excluded.sum",
    /* flag = number, at_us, id = account, key = action, other = object, text, bytes = hash */
    [ROW_AUDIT] = "INSERT INTO audit(number, at_us, account, action, object, detail, hash)"
                  " VALUES(?5, ?4, ?1, ?2, ?3, ?6, ?7)",
    /* flag = number, at_us, id = account, more = reason, bytes = SHA-256, text */
    [ROW_REVISION] = "INSERT INTO revision(number, at_us, account, reason, sha256, text)"
                     " VALUES(?5, ?4, ?1, ?8, ?7, ?6)",
    /* id, at_us, text; no text: it was routed */
    [ROW_NOTICE] = "INSERT OR IGNORE INTO notice(id, at_us, is_routed, json)"
                   " VALUES(?1, ?4, 0, ?6)",
    /* id, key = channel, other = state, text */
    [ROW_MESSAGE] = "INSERT INTO message(id, channel, state, json) VALUES(?1, ?2, ?3, ?6)"
                    " ON CONFLICT(id) DO UPDATE SET state = excluded.state, json = excluded.json",
    /* id = serial, flag = ended, text */
    [ROW_CERTIFICATE] = "INSERT INTO certificate(serial, is_ended, json) VALUES(?1, ?5, ?6)"
                        " ON CONFLICT(serial) DO UPDATE SET is_ended = excluded.is_ended,"
                        " json = excluded.json",
    /* id, text */
    [ROW_ENROLMENT] = "INSERT INTO enrolment(id, json) VALUES(?1, ?6)"
                      " ON CONFLICT(id) DO UPDATE SET json = excluded.json",
    [DO_BEGIN] = "BEGIN IMMEDIATE",
    [DO_COMMIT] = "COMMIT",
    [DO_ROLLBACK] = "ROLLBACK",
    [DO_SAVE] = "SAVEPOINT one",
    [DO_KEEP] = "RELEASE one",
    [DO_UNDO] = "ROLLBACK TO one",
    [DO_FORGET] = "DELETE FROM setting WHERE name = ?1",
    [DO_DROP_ENDPOINT] = "DELETE FROM endpoint WHERE id = ?1",
    [DO_DROP_ANNOTATION] = "DELETE FROM annotation WHERE mac = ?1",
    [DO_ROUTED] = "UPDATE notice SET is_routed = 1 WHERE id = ?1",
    [DO_INDEX_AUDIT] = "INSERT INTO audit_text(rowid, text) SELECT number, account || char(10) ||"
                       " action || char(10) || object || char(10) || detail FROM audit"
                       " WHERE number > ?4 AND number <= ?5",
    [DO_MARK_AUDIT] = "UPDATE audit_indexed SET through = ?5",
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int log_pages; /* in the write-ahead log */
    int64_t audit_number;
    int64_t audit_indexed; /* texts up to this number can be found by index */
    uint8_t audit_last[AUDIT_HASH_SIZE];
    uint64_t evidence_bytes, evidence_budget;
    uint64_t detections, detection_budget;
    struct log_limit limit;
    char why[256]; /* of the last failure */
    char path[URL_SIZE];
    atomic_bool is_damaged;
    struct sweeper *sweeper;
    struct trim trims[2]; /* of detections, of packets */
    atomic_int_fast64_t open_us;
    struct reserve reserve;
    atomic_uint_fast64_t reserve_bytes;
    atomic_uint_fast64_t newest_gone[2]; /* as 'trims' */
    uint64_t scrub_through;              /* the one that is being done */
    atomic_uint_fast64_t scrubs_asked, scrubs_done, live_bytes;
};

static int
writer_error(const struct writer *writer)
{
    switch (sqlite3_errcode(writer->db) & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    default:
        return -EIO;
    }
}

static int
on_log_grown(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct writer *writer = context;
    writer->log_pages = pages;
    return SQLITE_OK;
}

/* First column of the first row as a number; 0 where there is none. */
static int
read_number(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return -EIO;
    }
    int result = sqlite3_step(statement);
    *number = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : -EIO;
}

static int
audit_resume(struct writer *writer)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(writer->db,
                           "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", -1,
                           &statement, NULL) != SQLITE_OK) {
        return -EIO;
    }
    int error = 0;
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW && sqlite3_column_bytes(statement, 1) == AUDIT_HASH_SIZE) {
        writer->audit_number = sqlite3_column_int64(statement, 0);
        memcpy(writer->audit_last, sqlite3_column_blob(statement, 1), AUDIT_HASH_SIZE);
    } else if (result != SQLITE_DONE) {
        error = -EIO;
    }
    sqlite3_finalize(statement);
    return error;
}

static int
writer_prepare(struct writer *writer)
{
    static const char *const pragmas[] = {
        "PRAGMA auto_vacuum = INCREMENTAL", /* of a new file; see sweeper_prepare() */
        "PRAGMA secure_delete = ON",        /* what was taken is written over */
        "PRAGMA journal_mode = WAL",        "PRAGMA synchronous = FULL",
        "PRAGMA wal_autocheckpoint = 0",    "PRAGMA busy_timeout = 5000",
        "PRAGMA cache_size = -4096",        "PRAGMA temp_store = MEMORY",
    };
    for (size_t i = 0; i < COUNT_OF(pragmas); i++) {
        if (sqlite3_exec(writer->db, pragmas[i], NULL, NULL, NULL) != SQLITE_OK) {
            return -EIO;
        }
    }
    return 0;
}

static int
writer_resume(struct writer *writer)
{
    sweeper_prepare(writer->db);
    writer->sweeper = sweeper_new(writer->db);
    trim_init(&writer->trims[0], SWEEP_DETECTIONS);
    trim_init(&writer->trims[1], SWEEP_EVIDENCE);
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (!statements[i]) {
            continue; /* not one statement: row_write() */
        }
        if (sqlite3_prepare_v3(writer->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &writer->statements[i], NULL) != SQLITE_OK) {
            return -EIO;
        }
    }
    int64_t bytes = 0, detections = 0;
    int error = audit_resume(writer);
    if (!error) {
        error = read_number(writer->db, "SELECT total(length(pcap)) FROM evidence", &bytes);
    }
    if (!error) {
        error = read_number(writer->db, "SELECT count(*) FROM detection", &detections);
    }
    if (!error) {
        error =
            read_number(writer->db, "SELECT through FROM audit_indexed", &writer->audit_indexed);
    }
    writer_shed(writer); /* of the counting */
    writer->evidence_bytes = (uint64_t)bytes;
    writer->detections = (uint64_t)detections;
    /* Set last: sqlite3_wal_hook replaces what wal_autocheckpoint had set. */
    sqlite3_wal_hook(writer->db, on_log_grown, writer);
    return error;
}

/* A table or column that is missing (SQLITE_ERROR) is damage too. */
static int
open_error(const struct writer *writer)
{
    int code = writer->db ? sqlite3_errcode(writer->db) & 0xff : SQLITE_NOMEM;
    return code == SQLITE_ERROR ? -EBADMSG : writer->db ? writer_error(writer) : -ENOMEM;
}

int
writer_open(const char *path, struct writer **out, char why[256])
{
    struct writer *writer = MEM_NEW(struct writer);
    snprintf(writer->path, sizeof(writer->path), "%s", path);
    reserve_init(&writer->reserve, path);
    writer->limit = (struct log_limit){.period_us = 10000000, .burst = 5, .left = 5};
    writer_set_budget(writer, 256ull << 20, 1000000);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int error = -EIO;
    if (sqlite3_open_v2(path, &writer->db, flags, NULL) == SQLITE_OK) {
        error = writer_prepare(writer);
    }
    if (error) {
        snprintf(why, 256, "%s: %s", path,
                 writer->db ? sqlite3_errmsg(writer->db) : "out of memory");
        error = open_error(writer);
        goto out;
    }
    error = schema_migrate(writer->db, schema_steps, schema_version, why);
    if (error) {
        goto out;
    }
    error = writer_resume(writer);
    if (error) {
        snprintf(why, 256, "%s: %s", path, sqlite3_errmsg(writer->db));
        error = open_error(writer);
    }
out:
    if (error) {
        writer_close(writer);
        return error;
    }
    *out = writer;
    return 0;
}

bool
writer_is_damaged(const struct writer *writer)
{
    return atomic_load(&writer->is_damaged);
}

bool
writer_close(struct writer *writer)
{
    if (!writer) {
        return false;
    }
    bool is_clean = !writer_is_damaged(writer);
    if (is_clean && writer->db) {
        /* Closing does so only where nobody else has it open; the log is not to be needed then. */
        sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(writer->statements[i]);
    }
    sweeper_free(writer->sweeper);
    reserve_fini(&writer->reserve);
    is_clean = sqlite3_close(writer->db) == SQLITE_OK && is_clean;
    free(writer);
    return is_clean;
}

void
writer_set_budget(struct writer *writer, uint64_t evidence_bytes, uint64_t detections)
{
    writer->evidence_budget = evidence_bytes;
    writer->detection_budget = detections;
}

uint64_t
writer_newest_gone(const struct writer *writer, bool of_packets)
{
    return atomic_load(&writer->newest_gone[of_packets]);
}

void
writer_set_collecting(struct writer *writer, int64_t since_us)
{
    atomic_store(&writer->open_us, since_us);
}

static int
run(struct writer *writer, size_t which)
{
    sqlite3_stmt *statement = writer->statements[which];
    int result = sqlite3_step(statement);
    int error = result == SQLITE_DONE || result == SQLITE_ROW ? 0 : writer_error(writer);
    if (error) {
        snprintf(writer->why, sizeof(writer->why), "%s", sqlite3_errmsg(writer->db));
    }
    if (error == -EBADMSG && !atomic_exchange(&writer->is_damaged, true)) {
        rescue_suspect(writer->path, writer->why);
    }
    sqlite3_reset(statement);
    return error;
}

/* The chain goes on only when the row is really kept: see writer_commit. */
static void
audit_link(struct writer *writer, struct row *row)
{
    struct audit_fields fields = {
        .number = ++writer->audit_number,
        .at_us = row->at_us,
        .account = row->id,
        .action = row->key,
        .object = row->other,
        .detail = row->text,
    };
    audit_hash(writer->audit_last, &fields, writer->audit_last);
    row->flag = fields.number;
    free(row->bytes); /* of a first try, that was taken back */
    row->bytes = mem_new(AUDIT_HASH_SIZE, 1);
    row->byte_count = AUDIT_HASH_SIZE;
    memcpy(row->bytes, writer->audit_last, AUDIT_HASH_SIZE);
}

static void
count_swept(struct writer *writer, const struct swept *swept)
{
    uint64_t detections = writer->detections, bytes = writer->evidence_bytes;
    writer->detections -= swept->detections < detections ? swept->detections : detections;
    writer->evidence_bytes -= swept->evidence_bytes < bytes ? swept->evidence_bytes : bytes;
}

static int
row_sweep(struct writer *writer, const struct row *row)
{
    struct swept swept;
    *row->sweep = *row->before; /* a first try may have been taken back */
    int error = sweeper_run(writer->sweeper, row->sweep, &swept);
    if (error) {
        snprintf(writer->why, sizeof(writer->why), "%s", sqlite3_errmsg(writer->db));
        return sqlite3_errcode(writer->db) == SQLITE_OK ? error : writer_error(writer);
    }
    count_swept(writer, &swept);
    return 0;
}

/* A statement has as many parameters as the highest number that it uses. */
static void
row_bind(sqlite3_stmt *statement, const struct row *row)
{
    int count = sqlite3_bind_parameter_count(statement);
    sqlite3_bind_text(statement, 1, row->id, -1, SQLITE_STATIC);
    if (count >= 2) {
        sqlite3_bind_text(statement, 2, row->key, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, row->other, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 4, row->at_us);
        sqlite3_bind_int64(statement, 5, row->flag);
        sqlite3_bind_text(statement, 6, row->text, (int)row->text_size, SQLITE_STATIC);
    }
    if (count >= 7) {
        sqlite3_bind_blob(statement, 7, row->bytes, (int)row->byte_count, SQLITE_STATIC);
    }
    if (count >= 8) {
        sqlite3_bind_text(statement, 8, row->more, -1, SQLITE_STATIC);
    }
}

static int
row_write(struct writer *writer, struct row *row)
{
    size_t which = (size_t)row->kind;
    if (row->kind == ROW_SWEEP) {
        return row_sweep(writer, row);
    }
    if (row->kind == ROW_SETTING && row->flag) {
        return -ENAMETOOLONG;
    }
    if (row->kind == ROW_AUDIT) {
        audit_link(writer, row);
    } else if (row->kind == ROW_SETTING && row->text[0] == '\0') {
        which = DO_FORGET;
    } else if (row->kind == ROW_ENDPOINT && row->text[0] == '\0') {
        which = DO_DROP_ENDPOINT;
    } else if (row->kind == ROW_ANNOTATION && row->text[0] == '\0') {
        which = DO_DROP_ANNOTATION;
    } else if (row->kind == ROW_NOTICE && row->text[0] == '\0') {
        which = DO_ROUTED;
    }
    row_bind(writer->statements[which], row);
    int error = run(writer, which);
    sqlite3_clear_bindings(writer->statements[which]);
    if (!error && sqlite3_changes(writer->db) > 0) {
        writer->evidence_bytes += row->kind == ROW_EVIDENCE ? row->byte_count : 0;
        writer->detections += row->kind == ROW_DETECTION;
    }
    return error;
}

/* What a change that is taken back must put back too. */
struct tally {
    int64_t audit_number;
    uint8_t audit_last[AUDIT_HASH_SIZE];
    uint64_t evidence_bytes, detections;
};

static void
tally_take(const struct writer *writer, struct tally *tally)
{
    tally->audit_number = writer->audit_number;
    tally->evidence_bytes = writer->evidence_bytes;
    tally->detections = writer->detections;
    memcpy(tally->audit_last, writer->audit_last, AUDIT_HASH_SIZE);
}

static void
tally_restore(struct writer *writer, const struct tally *tally)
{
    writer->audit_number = tally->audit_number;
    writer->evidence_bytes = tally->evidence_bytes;
    writer->detections = tally->detections;
    memcpy(writer->audit_last, tally->audit_last, AUDIT_HASH_SIZE);
}

static int
change_write(struct writer *writer, struct store_change *change)
{
    struct tally before;
    tally_take(writer, &before);
    int error = run(writer, DO_SAVE);
    for (size_t i = 0; !error && i < change->count; i++) {
        error = row_write(writer, &change->rows[i]);
    }
    if (error) {
        tally_restore(writer, &before);
        if (run(writer, DO_UNDO) || run(writer, DO_KEEP)) {
            return error;
        }
    } else {
        error = run(writer, DO_KEEP);
    }
    return error;
}

static void
report_failure(struct writer *writer, const char *what)
{
    uint64_t swallowed = 0;
    if (log_limit_pass(&writer->limit, clock_boot_us(clock_system()), &swallowed)) {
        log_error("store", what, LOG_S("why", writer->why), LOG_I("more", swallowed));
    }
}

/* As is nearly always: nothing goes wrong, and no change needs to be taken back alone. */
static int
changes_write_plain(struct writer *writer, struct store_change *const *changes, size_t count)
{
    int error = 0;
    for (size_t i = 0; !error && i < count; i++) {
        changes[i]->error = 0;
        for (size_t j = 0; !error && j < changes[i]->count; j++) {
            error = row_write(writer, &changes[i]->rows[j]);
        }
    }
    return error;
}

/* Each for itself: what cannot be stored harms no other. */
static int
changes_write_apart(struct writer *writer, struct store_change *const *changes, size_t count)
{
    int error = 0;
    for (size_t i = 0; !error && i < count; i++) {
        changes[i]->error = change_write(writer, changes[i]);
        if (changes[i]->error) {
            report_failure(writer, "a change was not stored");
        }
        if (sqlite3_get_autocommit(writer->db)) { /* SQLite gave the whole transaction up */
            error = changes[i]->error ? changes[i]->error : -EIO;
        }
    }
    return error;
}

static void
transaction_drop(struct writer *writer, const struct tally *before)
{
    if (!sqlite3_get_autocommit(writer->db) && run(writer, DO_ROLLBACK)) {
        report_failure(writer, "a rollback failed");
    }
    tally_restore(writer, before);
}

static int
commit_try(struct writer *writer, struct store_change *const *changes, size_t count)
{
    struct tally before;
    tally_take(writer, &before);
    int error = run(writer, DO_BEGIN);
    if (!error && changes_write_plain(writer, changes, count)) {
        transaction_drop(writer, &before);
        error = run(writer, DO_BEGIN);
        error = error ? error : changes_write_apart(writer, changes, count);
    }
    if (!error) {
        error = run(writer, DO_COMMIT);
    }
    if (error) {
        report_failure(writer, "a commit failed");
        transaction_drop(writer, &before);
    }
    return error;
}

void
writer_commit(struct writer *writer, struct store_change *const *changes, size_t count)
{
    int error = commit_try(writer, changes, count);
    if (error == -ENOSPC && reserve_release(&writer->reserve)) {
        log_error("store", "ALARM: the disk is full; what was held in reserve is used up now",
                  LOG_END);
        error = commit_try(writer, changes, count);
    }
    for (size_t i = 0; error && i < count; i++) {
        changes[i]->error = error;
    }
}

/* A slice of what is over a limit goes, in a commit of its own.  False: nothing is, or it failed.
 */
static bool
over_take(struct writer *writer, struct trim *trim, uint64_t *count, uint64_t budget)
{
    struct swept swept = {0};
    bool is_newest = trim->level == TRIM_NEWEST;
    if (*count <= budget) {
        return false;
    }
    int error = run(writer, DO_BEGIN);
    error = error ? error
                  : trim_step(trim, writer->sweeper, *count - budget, atomic_load(&writer->open_us),
                              &swept);
    error = error ? error : run(writer, DO_COMMIT);
    if (error) {
        report_failure(writer, "what is over a limit could not be dropped");
        if (!sqlite3_get_autocommit(writer->db) && run(writer, DO_ROLLBACK)) {
            report_failure(writer, "a rollback failed");
        }
        return false;
    }
    count_swept(writer, &swept);
    if (is_newest && swept.detections == 0 && swept.evidence_bytes == 0) {
        *count = 0; /* there are none: it was counted wrongly */
    } else if (is_newest) {
        atomic_fetch_add(&writer->newest_gone[trim - writer->trims], 1);
    }
    return true;
}

static bool
keep_budget(struct writer *writer)
{
    bool more = over_take(writer, &writer->trims[0], &writer->detections, writer->detection_budget);
    return over_take(writer, &writer->trims[1], &writer->evidence_bytes, writer->evidence_budget) ||
           more;
}

/* A slice of the audit's index of texts, in a commit of its own. */
static bool
index_audit(struct writer *writer)
{
    if (writer->audit_number - writer->audit_indexed < INDEX_AT_ONCE) {
        return false;
    }
    int64_t through = writer->audit_indexed + INDEX_AT_ONCE;
    sqlite3_stmt *insert = writer->statements[DO_INDEX_AUDIT];
    sqlite3_bind_int64(insert, 4, writer->audit_indexed);
    sqlite3_bind_int64(insert, 5, through);
    sqlite3_bind_int64(writer->statements[DO_MARK_AUDIT], 5, through);
    int error = run(writer, DO_BEGIN);
    for (size_t i = 0; !error && i < 3; i++) {
        error = run(writer, (const size_t[]){DO_INDEX_AUDIT, DO_MARK_AUDIT, DO_COMMIT}[i]);
    }
    if (error) {
        report_failure(writer, "the audit's index was not written");
        if (!sqlite3_get_autocommit(writer->db) && run(writer, DO_ROLLBACK)) {
            report_failure(writer, "a rollback failed");
        }
        return false;
    }
    writer->audit_indexed = through;
    return true;
}

int64_t
writer_audit_tip(const struct writer *writer, uint8_t hash[AUDIT_HASH_SIZE])
{
    memcpy(hash, writer->audit_last, AUDIT_HASH_SIZE);
    return writer->audit_number;
}

bool
writer_is_full(const struct writer *writer)
{
    return writer->log_pages > LOG_PAGES_FULL;
}

void
writer_set_reserve(struct writer *writer, uint64_t bytes)
{
    atomic_store(&writer->reserve_bytes, bytes);
}

void
writer_scrub(struct writer *writer)
{
    atomic_fetch_add(&writer->scrubs_asked, 1);
}

bool
writer_is_scrubbed(const struct writer *writer)
{
    return atomic_load(&writer->scrubs_done) == atomic_load(&writer->scrubs_asked);
}

uint64_t
writer_live_bytes(const struct writer *writer)
{
    return atomic_load(&writer->live_bytes);
}

static void
log_move(struct writer *writer)
{
    int pages = 0, moved = 0;
    if (sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved) !=
        SQLITE_OK) {
        report_failure(writer, "checkpoint failed");
    }
    /* The next commit starts the log again where all was moved. */
    writer->log_pages = pages == moved ? 0 : writer->log_pages;
}

/* Free room is given back; where somebody asked for it all of it, and the log too.  True: there is
 * more to do at once. */
static bool
give_back(struct writer *writer)
{
    uint64_t asked = atomic_load(&writer->scrubs_asked);
    bool is_scrubbing = asked != atomic_load(&writer->scrubs_done);
    if (is_scrubbing && writer->scrub_through == 0) {
        writer->scrub_through = asked;
    }
    bool more = sweeper_rest(writer->sweeper, is_scrubbing);
    atomic_store(&writer->live_bytes, sweeper_live_bytes(writer->sweeper));
    if (!more && is_scrubbing) {
        log_move(writer);
        if (sweeper_empty_log(writer->sweeper)) { /* else somebody reads: at the next rest */
            writer->log_pages = 0;
            atomic_store(&writer->scrubs_done, writer->scrub_through);
            more = writer->scrub_through != asked;
            writer->scrub_through = 0;
        }
    }
    return more;
}

void
writer_shed(struct writer *writer)
{
    (void)sqlite3_db_release_memory(writer->db); /* never fails where nothing is open */
}

bool
writer_rest(struct writer *writer)
{
    bool more = keep_budget(writer);
    more = more || index_audit(writer);
    more = more || give_back(writer);
    more = more || reserve_fill(&writer->reserve, atomic_load(&writer->reserve_bytes));
    if (writer->log_pages > (more ? LOG_PAGES_FULL : LOG_PAGES_REST)) {
        log_move(writer);
    }
    return more;
}
