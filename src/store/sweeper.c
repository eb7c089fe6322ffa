#include "store/sweeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/detection.h"
#include "model/redact.h"
#include "store/change.h"
#include "store/schema.h"
#include "store/shapes.h"
#include "store/sum.h"
#include "wire/codec_text.h"
#include "wire/detection.h"

#define SLICE_ROWS 256
#define SLICE_TAKEN 48           /* rows taken: each touches several indexes */
#define SLICE_BYTES (256 * 1024) /* of packets: as many must be written over */
#define SLICE_US 2000
#define VACUUM_PAGES 64  /* at once: 256 KiB */
#define VACUUM_LEAST 256 /* pages that stay free: not worth moving others for */
#define MERGE_PAGES "64"
#define REMAKE_BYTES (INT64_C(64) << 20) /* about half a second */

/* Columns: row, time, bytes, key, incident, is it needed by itself?, text.  Parameters: 1 row and 3
 * time behind which to go on, 2 rows at most, 4 older than. */
static const char *const walks[SWEEP_OF_COUNT] = {
    /* Packets of which no detection is known (any more) are as old as what came next; else no age
     * takes them. */
    [SWEEP_EVIDENCE] =
        "SELECT e.number, coalesce(d.seen_us, (SELECT l.seen_us FROM evidence n JOIN detection l"
        " ON l.id = n.detection_id WHERE n.number > e.number ORDER BY n.number LIMIT 1),"
        " 9223372036854775806), length(e.pcap), e.detection_id, coalesce(d.incident_id, ''), 0,"
        " coalesce(d.json, '') FROM evidence e LEFT JOIN detection d ON d.id = e.detection_id"
        " WHERE e.number > ?1 ORDER BY e.number LIMIT ?2",
    /* No index of its own, which every new detection would pay for: what is plain is passed by. */
    [SWEEP_NAMES] = "SELECT number, seen_us, iif(is_plain, 0, length(json)), id, incident_id,"
                    " is_plain, json FROM detection WHERE (seen_us, number) > (?3, ?1)"
                    " AND seen_us < ?4 ORDER BY seen_us, number LIMIT ?2",
    [SWEEP_DETECTIONS] = "SELECT number, seen_us, length(json), id, incident_id, 0, json"
                         " FROM detection WHERE (seen_us, number) > (?3, ?1) AND seen_us < ?4"
                         " ORDER BY seen_us, number LIMIT ?2",
    [SWEEP_INCIDENTS] = "SELECT rowid, last_us, length(json), id, id, is_plain, json FROM incident"
                        " WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    [SWEEP_CONTAINMENTS] = "SELECT rowid, iif(ended_us = 0, requested_us, ended_us), length(json),"
                           " id, '', ended_us = 0, json FROM containment"
                           " WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    [SWEEP_NOTICES] = "SELECT number, at_us, length(json), id, '', is_routed = 0, json FROM notice"
                      " WHERE number > ?1 ORDER BY number LIMIT ?2",
    [SWEEP_MESSAGES] = "SELECT number, coalesce(CASE WHEN json_valid(json) THEN"
                       " CAST((julianday(json ->> '$.made_at') - 2440587.5) * 86400000000"
                       " AS INTEGER) END, 0), length(json), id, '', state = 'waiting', json"
                       " FROM message WHERE number > ?1 ORDER BY number LIMIT ?2",
    [SWEEP_AUDIT] = "SELECT number, at_us, length(detail) + 96, '', '', 0, account || ' ' ||"
                    " object || ' ' || detail FROM audit WHERE number > ?1"
                    " ORDER BY number LIMIT ?2",
    [SWEEP_ENDPOINTS] = "SELECT rowid, seen_us, length(json), id, '', 0, json FROM endpoint"
                        " WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
};

enum order {
    DO_NEEDED, /* ?1 incident, ?2 still collecting since */
    DO_ABOUT,  /* ?1 incident */
    DO_TAKE_EVIDENCE,
    DO_TAKE_EVIDENCE_OF,
    DO_TAKE_DETECTION,
    DO_TAKE_INCIDENT,
    DO_TAKE_CONTAINMENT,
    DO_TAKE_NOTICE,
    DO_TAKE_MESSAGE,
    DO_UNINDEX_AUDIT,
    DO_TAKE_AUDIT,
    DO_PLAIN_DETECTION,
    DO_PLAIN_INCIDENT,
    DO_TAKE_NEWEST_EVIDENCE,
    DO_TAKE_NEWEST_DETECTION,
    DO_FREE_PAGES,
    DO_ALL_PAGES,
    ORDER_COUNT
};

/* Of the incident of a detection 'd': one that has many gives way to what is new of others. */
#define MANY_OF                                                                                    \
    "(SELECT count(*) FROM (SELECT 1 FROM detection o WHERE o.incident_id = d.incident_id"         \
    " AND d.incident_id <> '' LIMIT 65)) AS many"

static const char *const orders[ORDER_COUNT] = {
    [DO_NEEDED] = "SELECT 1 FROM incident WHERE id = ?1 AND is_open = 1 AND last_us >= ?2"
                  " UNION ALL SELECT 1 FROM containment WHERE ended_us = 0 AND (" SCHEMA_NEEDS
                  ") = ?1 LIMIT 1",
    [DO_ABOUT] = "SELECT json FROM incident WHERE id = ?1",
    [DO_TAKE_EVIDENCE] = "DELETE FROM evidence WHERE number = ?1",
    [DO_TAKE_EVIDENCE_OF] = "DELETE FROM evidence WHERE detection_id = ?2"
                            " RETURNING length(pcap)",
    [DO_TAKE_DETECTION] = "DELETE FROM detection WHERE number = ?1",
    [DO_TAKE_INCIDENT] = "DELETE FROM incident WHERE rowid = ?1",
    [DO_TAKE_CONTAINMENT] = "DELETE FROM containment WHERE rowid = ?1 AND ended_us <> 0",
    [DO_TAKE_NOTICE] = "DELETE FROM notice WHERE number = ?1 AND is_routed = 1",
    [DO_TAKE_MESSAGE] = "DELETE FROM message WHERE number = ?1 AND state <> 'waiting'",
    [DO_UNINDEX_AUDIT] = "INSERT INTO audit_text(audit_text, rowid, text) SELECT 'delete', number,"
                         " account || char(10) || action || char(10) || object || char(10) ||"
                         " detail FROM audit WHERE number = ?1 AND number <="
                         " (SELECT through FROM audit_indexed)",
    [DO_TAKE_AUDIT] = "DELETE FROM audit WHERE number = ?1",
    [DO_PLAIN_DETECTION] = "UPDATE detection SET json = ?2, is_plain = 1 WHERE number = ?1",
    [DO_PLAIN_INCIDENT] = "UPDATE incident SET json = ?2, is_plain = 1 WHERE rowid = ?1",
    [DO_TAKE_NEWEST_EVIDENCE] =
        "DELETE FROM evidence WHERE number = coalesce((SELECT number FROM (SELECT "
        "e.number, " MANY_OF
        " FROM evidence e JOIN detection d ON d.id = e.detection_id ORDER BY e.number DESC"
        " LIMIT 256) WHERE many > 64 LIMIT 1), (SELECT max(number) FROM evidence))"
        " RETURNING length(pcap)",
    [DO_TAKE_NEWEST_DETECTION] =
        "DELETE FROM detection WHERE number = coalesce((SELECT number FROM (SELECT d.number,"
        " " MANY_OF " FROM detection d ORDER BY d.number DESC LIMIT 256) WHERE many > 64 LIMIT 1),"
        " (SELECT max(number) FROM detection))",
    [DO_FREE_PAGES] = "PRAGMA freelist_count",
    [DO_ALL_PAGES] = "PRAGMA page_count",
};

struct sweeper {
    sqlite3 *db;
    sqlite3_stmt *walks[SWEEP_OF_COUNT]; /* made when first asked for */
    sqlite3_stmt *orders[ORDER_COUNT];
    bool shrinks;
    unsigned merged; /* of the indexes of texts, while scrubbing */
};

/* A row that is to be taken. */
struct found {
    int64_t row;
    uint64_t bytes;
    char key[NAME_SIZE];
    char *text; /* owned; SWEEP_PLAIN only */
};

struct sweeper *
sweeper_new(sqlite3 *db)
{
    struct sweeper *sweeper = MEM_NEW(struct sweeper);
    sqlite3_stmt *mode = NULL;
    sweeper->db = db;
    if (sqlite3_prepare_v2(db, "PRAGMA auto_vacuum", -1, &mode, NULL) == SQLITE_OK &&
        sqlite3_step(mode) == SQLITE_ROW) {
        sweeper->shrinks = sqlite3_column_int(mode, 0) == 2;
    }
    sqlite3_finalize(mode);
    return sweeper;
}

void
sweeper_free(struct sweeper *sweeper)
{
    for (size_t i = 0; sweeper && i < COUNT_OF(sweeper->walks); i++) {
        sqlite3_finalize(sweeper->walks[i]);
    }
    for (size_t i = 0; sweeper && i < COUNT_OF(sweeper->orders); i++) {
        sqlite3_finalize(sweeper->orders[i]);
    }
    free(sweeper);
}

/* NULL: the database has not what it must have. */
static sqlite3_stmt *
statement_of(struct sweeper *sweeper, sqlite3_stmt **kept, const char *sql)
{
    if (!*kept && sqlite3_prepare_v3(sweeper->db, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL) !=
                      SQLITE_OK) {
        log_error("store", "retention cannot go on", LOG_S("why", sqlite3_errmsg(sweeper->db)));
        return NULL;
    }
    return *kept;
}

/* Runs an order; 'number' gets the first column of its first row, or 0.  False: it failed. */
static bool
order_run(struct sweeper *sweeper, enum order which, int64_t row, const char *text,
          int64_t since_us, int64_t *number)
{
    sqlite3_stmt *order = statement_of(sweeper, &sweeper->orders[which], orders[which]);
    if (!order) {
        return false;
    }
    if (which == DO_NEEDED) {
        sqlite3_bind_text(order, 1, text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(order, 2, since_us);
    } else {
        sqlite3_bind_int64(order, 1, row);
        sqlite3_bind_text(order, 2, text, -1, SQLITE_STATIC);
    }
    int result = sqlite3_step(order);
    *number = result == SQLITE_ROW ? sqlite3_column_int64(order, 0) : 0;
    while (result == SQLITE_ROW && which != DO_NEEDED) {
        result = sqlite3_step(order); /* what returns rows works to its end only so */
    }
    sqlite3_reset(order);
    sqlite3_clear_bindings(order);
    return result == SQLITE_DONE || result == SQLITE_ROW;
}

/* ---- which rows ---- */

static bool
is_needed(struct sweeper *sweeper, const struct store_sweep *sweep, const char *incident_id)
{
    int64_t number = 0;
    return incident_id[0] != '\0' &&
           (!order_run(sweeper, DO_NEEDED, 0, incident_id, sweep->open_us, &number) ||
            number != 0); /* in doubt it stays */
}

/* A row that does not name the subject itself may belong to an incident that is about it. */
static bool
incident_is_about(struct sweeper *sweeper, const struct store_sweep *sweep, const char *incident_id)
{
    sqlite3_stmt *order = statement_of(sweeper, &sweeper->orders[DO_ABOUT], orders[DO_ABOUT]);
    bool is_about = false;
    if (order && incident_id[0]) {
        sqlite3_bind_text(order, 1, incident_id, -1, SQLITE_STATIC);
        if (sqlite3_step(order) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(order, 0);
            is_about = text && sweep_subject_is_in(&sweep->subject, text);
        }
        sqlite3_reset(order);
        sqlite3_clear_bindings(order);
    }
    return is_about;
}

static const char *
text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

enum verdict { PASSES, KEPT, TAKEN };

static enum verdict
row_judge(struct sweeper *sweeper, const struct store_sweep *sweep, sqlite3_stmt *row)
{
    const char *incident_id = text_at(row, 4);
    bool has_names = sweep->of == SWEEP_INCIDENTS || sweep->of == SWEEP_NAMES;
    bool is_plain = has_names && sqlite3_column_int(row, 5) != 0;
    if (sqlite3_column_int64(row, 1) >= sweep->before_us ||
        (is_plain && (sweep->act == SWEEP_PLAIN || sweep->of == SWEEP_NAMES)) ||
        (sweep->of == SWEEP_AUDIT && sweep->act == SWEEP_DROP &&
         sqlite3_column_int64(row, 0) > sweep->through)) {
        return PASSES;
    }
    if (sweep->is_about && !sweep_subject_is_in(&sweep->subject, text_at(row, 6)) &&
        !incident_is_about(sweeper, sweep, incident_id)) {
        return PASSES;
    }
    bool is_kept =
        (!has_names && sqlite3_column_int(row, 5) != 0) || is_needed(sweeper, sweep, incident_id);
    return is_kept ? KEPT : TAKEN;
}

static void
found_add(struct store_sweep *sweep, sqlite3_stmt *row, struct found *found, size_t *count)
{
    int64_t at_us = sqlite3_column_int64(row, 1);
    uint64_t bytes = (uint64_t)sqlite3_column_int64(row, 2);
    sweep->rows++;
    sweep->bytes += bytes;
    if (at_us > 0 && at_us < INT64_MAX - 1 && (sweep->oldest_us == 0 || at_us < sweep->oldest_us)) {
        sweep->oldest_us = at_us;
    }
    if (sweep->act == SWEEP_LOOK) {
        return;
    }
    struct found *each = &found[(*count)++];
    *each = (struct found){.row = sqlite3_column_int64(row, 0), .bytes = bytes};
    snprintf(each->key, sizeof(each->key), "%s", text_at(row, 3));
    each->text = sweep->act == SWEEP_PLAIN ? mem_strdup(text_at(row, 6)) : NULL;
}

static bool
has_most(const struct store_sweep *sweep)
{
    return (sweep->most_bytes > 0 && sweep->bytes >= sweep->most_bytes) ||
           (sweep->most_rows > 0 && sweep->rows >= sweep->most_rows);
}

static bool
is_enough(const struct store_sweep *sweep, size_t count, uint64_t before_bytes, int64_t began_us)
{
    bool is_full = count == SLICE_TAKEN ||
                   (sweep->act != SWEEP_LOOK && sweep->bytes - before_bytes >= SLICE_BYTES);
    return is_full || has_most(sweep) || clock_boot_us(clock_system()) - began_us >= SLICE_US;
}

static sqlite3_stmt *
walk_begin(struct sweeper *sweeper, const struct store_sweep *sweep)
{
    sqlite3_stmt *walk = statement_of(sweeper, &sweeper->walks[sweep->of], walks[sweep->of]);
    if (walk) {
        sqlite3_bind_int64(walk, 1, sweep->place);
        sqlite3_bind_int64(walk, 2, SLICE_ROWS);
        sqlite3_bind_int64(walk, 3, sweep->place_us);
        sqlite3_bind_int64(walk, 4, sweep->before_us);
    }
    return walk;
}

/* Rows from the sweep's place on, until the slice is full; what is to be taken goes to 'found'. */
static int
rows_find(struct sweeper *sweeper, struct store_sweep *sweep, struct found *found, size_t *count)
{
    sqlite3_stmt *walk = walk_begin(sweeper, sweep);
    int64_t began_us = clock_boot_us(clock_system());
    uint64_t before_bytes = sweep->bytes;
    bool is_full = false;
    int result = SQLITE_ERROR;
    size_t passed = 0;
    while (walk && !is_full && (result = sqlite3_step(walk)) == SQLITE_ROW) {
        enum verdict verdict = row_judge(sweeper, sweep, walk);
        passed++;
        sweep->kept += verdict == KEPT;
        if (verdict == TAKEN) {
            found_add(sweep, walk, found, count);
        }
        sweep->place = sqlite3_column_int64(walk, 0);
        sweep->place_us = sqlite3_column_int64(walk, 1);
        is_full = is_enough(sweep, *count, before_bytes, began_us);
    }
    sqlite3_reset(walk);
    bool is_pruned = sweep->of == SWEEP_AUDIT && sweep->act == SWEEP_DROP;
    sweep->seen += passed;
    sweep->is_enough = has_most(sweep);
    sweep->is_over = (!is_full && passed < SLICE_ROWS) || sweep->is_enough ||
                     (is_pruned && sweep->place >= sweep->through);
    return result == SQLITE_DONE || result == SQLITE_ROW ? 0 : -EIO;
}

/* ---- taking them ---- */

/* The same row without its names; NULL: it cannot be read, and stays as it is. */
static char *
plain_text(enum sweep_of of, char *text)
{
    size_t size = strlen(text);
    struct codec_error error;
    char *plain = NULL;
    if (!sum_take(text, &size)) {
        return NULL;
    }
    if (of == SWEEP_INCIDENTS) {
        struct incident incident;
        if (codec_read(&store_incident_shape, text, size, false, &incident, &error) == 0) {
            incident_forget_names(&incident);
            plain = store_json(&store_incident_shape, &incident);
        }
        return plain;
    }
    struct detection *detection = MEM_NEW(struct detection);
    if (codec_read(&wire_detection_shape, text, size, false, detection, &error) == 0) {
        detection_forget_names(detection);
        detection->is_pruned = true;
        plain = store_json(&wire_detection_shape, detection);
    }
    free(detection);
    return plain;
}

static int
row_plain(struct sweeper *sweeper, enum sweep_of of, struct found *found)
{
    int64_t none = 0;
    char *plain = plain_text(of, found->text);
    enum order which = of == SWEEP_INCIDENTS ? DO_PLAIN_INCIDENT : DO_PLAIN_DETECTION;
    bool is_good = !plain || order_run(sweeper, which, found->row, plain, 0, &none);
    free(plain);
    return is_good ? 0 : -EIO;
}

static int
row_take(struct sweeper *sweeper, enum sweep_of of, const struct found *found, struct swept *swept)
{
    static const enum order takes[SWEEP_OF_COUNT] = {
        [SWEEP_EVIDENCE] = DO_TAKE_EVIDENCE,  [SWEEP_DETECTIONS] = DO_TAKE_DETECTION,
        [SWEEP_INCIDENTS] = DO_TAKE_INCIDENT, [SWEEP_CONTAINMENTS] = DO_TAKE_CONTAINMENT,
        [SWEEP_NOTICES] = DO_TAKE_NOTICE,     [SWEEP_MESSAGES] = DO_TAKE_MESSAGE,
        [SWEEP_AUDIT] = DO_TAKE_AUDIT,
    };
    int64_t number = 0;
    bool is_good = takes[of] != 0;
    if (of == SWEEP_DETECTIONS) {
        is_good = order_run(sweeper, DO_TAKE_EVIDENCE_OF, 0, found->key, 0, &number);
        swept->evidence_bytes += (uint64_t)number;
        swept->detections++;
    } else if (of == SWEEP_EVIDENCE) {
        swept->evidence_bytes += found->bytes;
    } else if (of == SWEEP_AUDIT) {
        is_good = order_run(sweeper, DO_UNINDEX_AUDIT, found->row, "", 0, &number);
    }
    return is_good && order_run(sweeper, takes[of], found->row, "", 0, &number) ? 0 : -EIO;
}

int
sweeper_run(struct sweeper *sweeper, struct store_sweep *sweep, struct swept *swept)
{
    struct found found[SLICE_TAKEN];
    size_t count = 0;
    *swept = (struct swept){0};
    int error = rows_find(sweeper, sweep, found, &count);
    for (size_t i = 0; i < count; i++) {
        if (!error && sweep->act == SWEEP_PLAIN) {
            error = row_plain(sweeper, sweep->of, &found[i]);
        } else if (!error) {
            error = row_take(sweeper, sweep->of, &found[i], swept);
        }
        free(found[i].text);
    }
    return error;
}

int
sweeper_take_newest(struct sweeper *sweeper, enum sweep_of of, struct swept *swept)
{
    int64_t number = 0;
    bool is_evidence = of == SWEEP_EVIDENCE;
    bool is_good =
        order_run(sweeper, is_evidence ? DO_TAKE_NEWEST_EVIDENCE : DO_TAKE_NEWEST_DETECTION, 0, "",
                  0, &number);
    *swept =
        (struct swept){.evidence_bytes = (uint64_t)number, .detections = is_good && !is_evidence};
    return is_good ? 0 : -EIO;
}

/* ---- giving room back ---- */

static int64_t
pages_count(struct sweeper *sweeper, enum order which)
{
    int64_t number = 0;
    return order_run(sweeper, which, 0, "", 0, &number) ? number : 0;
}

uint64_t
sweeper_live_bytes(struct sweeper *sweeper)
{
    int64_t pages = pages_count(sweeper, DO_ALL_PAGES) - pages_count(sweeper, DO_FREE_PAGES);
    return pages > 0 ? (uint64_t)pages * 4096 : 0;
}

void
sweeper_prepare(sqlite3 *db)
{
    sqlite3_stmt *read = NULL;
    int64_t mode = 2, bytes = 0;
    if (sqlite3_prepare_v2(db,
                           "SELECT a.auto_vacuum, c.page_count * s.page_size FROM"
                           " pragma_auto_vacuum a, pragma_page_count c, pragma_page_size s",
                           -1, &read, NULL) == SQLITE_OK &&
        sqlite3_step(read) == SQLITE_ROW) {
        mode = sqlite3_column_int64(read, 0);
        bytes = sqlite3_column_int64(read, 1);
    }
    sqlite3_finalize(read);
    if (mode != 0 || bytes > REMAKE_BYTES) {
        return;
    }
    if (sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA temp_store = FILE; VACUUM", NULL,
                     NULL, NULL) != SQLITE_OK) {
        log_warn("store", "the database cannot be made one that shrinks",
                 LOG_S("why", sqlite3_errmsg(db)));
    }
    sqlite3_exec(db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
}

/* True: there is more to merge in that index. */
static bool
index_merge(struct sweeper *sweeper, const char *sql)
{
    int before = sqlite3_total_changes(sweeper->db);
    return sqlite3_exec(sweeper->db, sql, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_total_changes(sweeper->db) - before >= 2;
}

bool
sweeper_rest(struct sweeper *sweeper, bool is_scrubbing)
{
    static const char *const merges[] = {
        "INSERT INTO ended_text(ended_text, rank) VALUES('merge', -" MERGE_PAGES ")",
        "INSERT INTO audit_text(audit_text, rank) VALUES('merge', -" MERGE_PAGES ")"};
    if (is_scrubbing && sweeper->merged < COUNT_OF(merges)) {
        sweeper->merged += !index_merge(sweeper, merges[sweeper->merged]);
        return true;
    }
    int64_t spare = pages_count(sweeper, DO_ALL_PAGES) / 64;
    int64_t free_pages = pages_count(sweeper, DO_FREE_PAGES);
    spare = is_scrubbing ? 0 : spare > VACUUM_LEAST ? spare : VACUUM_LEAST;
    if (sweeper->shrinks && free_pages > spare) {
        char sql[64];
        snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
        bool is_good = sqlite3_exec(sweeper->db, sql, NULL, NULL, NULL) == SQLITE_OK;
        return is_good && pages_count(sweeper, DO_FREE_PAGES) < free_pages;
    }
    sweeper->merged = 0;
    return false;
}

bool
sweeper_empty_log(struct sweeper *sweeper)
{
    sqlite3_busy_timeout(sweeper->db, 0); /* whoever reads is not waited for */
    int result =
        sqlite3_wal_checkpoint_v2(sweeper->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(sweeper->db, 5000);
    return result == SQLITE_OK;
}
