#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/macros.h"
#include "model/revision.h"

static const char schema_1[] =
    "CREATE TABLE containment("
    "  id TEXT PRIMARY KEY, state TEXT NOT NULL, external_id TEXT NOT NULL,"
    "  requested_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX containment_ended ON containment(ended_us, requested_us);"
    "CREATE INDEX containment_external ON containment(external_id) WHERE external_id <> '';"
    "CREATE TABLE incident("
    "  id TEXT PRIMARY KEY, is_open INTEGER NOT NULL, last_us INTEGER NOT NULL,"
    "  json TEXT NOT NULL);"
    "CREATE INDEX incident_last ON incident(is_open, last_us);"
    "CREATE TABLE detection("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    "  incident_id TEXT NOT NULL, seen_us INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX detection_incident ON detection(incident_id, number);"
    "CREATE TABLE evidence("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, detection_id TEXT NOT NULL UNIQUE,"
    "  pcap BLOB NOT NULL);"
    "CREATE TABLE endpoint("
    "  id TEXT PRIMARY KEY, seen_us INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE audit("
    "  number INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, account TEXT NOT NULL,"
    "  action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);";

/* What is looked for among the containments that ended: a narrow table with an index for each
 * question, and all their texts in threes of characters (any part of a name is found by index).
 * Kept by triggers, which do nothing while a containment lives: not on the path of a block.  The
 * lines of the text cannot be matched across: nobody can ask for a line end. */
#define ENDED_NUMBER(id_) "(SELECT number FROM ended WHERE id = " id_ ")"
#define ENDED_ROWS                                                                                 \
    " SELECT id, ended_us, state, coalesce(json ->> '$.action', ''),"                              \
    " coalesce(json ->> '$.endpoint_id', ''), coalesce(json ->> '$.case_number', '')"              \
    " FROM containment WHERE ended_us <> 0 AND json_valid(json)"
#define ENDED_TEXTS                                                                                \
    " SELECT number, concat FROM (SELECT e.number AS number,"                                      \
    " c.id || char(10) || e.endpoint_id || char(10) || c.external_id || char(10) ||"               \
    " e.case_number || char(10) || coalesce(c.json ->> '$.subject_mac', '') || char(10) ||"        \
    " coalesce(c.json ->> '$.subject_ip', '') || char(10) ||"                                      \
    " coalesce(c.json ->> '$.server', '') || char(10) ||"                                          \
    " coalesce(c.json ->> '$.server_name', '') || char(10) ||"                                     \
    " coalesce(c.json ->> '$.reason', '') || char(10) || coalesce(c.json ->> '$.policy', '')"      \
    " AS concat FROM ended e JOIN containment c ON c.id = e.id"
#define ENDED_PUT                                                                                  \
    " INSERT INTO ended(id, ended_us, state, action, endpoint_id, case_number)" ENDED_ROWS         \
    " AND id = new.id;"                                                                            \
    " INSERT INTO ended_text(rowid, text)" ENDED_TEXTS " WHERE e.id = new.id);"

static const char schema_2[] =
    "CREATE TABLE ended("
    "  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, ended_us INTEGER NOT NULL,"
    "  state TEXT NOT NULL, action TEXT NOT NULL, endpoint_id TEXT NOT NULL,"
    "  case_number TEXT NOT NULL);"
    "CREATE INDEX ended_last ON ended(ended_us, id);"
    "CREATE INDEX ended_state ON ended(state, ended_us, id);"
    "CREATE INDEX ended_action ON ended(action, ended_us, id);"
    "CREATE INDEX ended_endpoint ON ended(endpoint_id, ended_us, id);"
    "CREATE INDEX ended_case ON ended(case_number, ended_us, id);"
    "CREATE VIRTUAL TABLE ended_text USING fts5(text, tokenize = 'trigram');"
    "CREATE TRIGGER containment_put AFTER INSERT ON containment WHEN new.ended_us <> 0"
    " BEGIN" ENDED_PUT " END;"
    "CREATE TRIGGER containment_change AFTER UPDATE ON containment"
    " WHEN old.ended_us <> 0 OR new.ended_us <> 0 BEGIN"
    " DELETE FROM ended_text WHERE rowid = " ENDED_NUMBER(
        "old.id") ";"
                  " DELETE FROM ended WHERE id = old.id;" ENDED_PUT " END;"
                  "CREATE TRIGGER containment_drop AFTER DELETE ON containment WHEN old.ended_us "
                  "<> 0 BEGIN"
                  " DELETE FROM ended_text WHERE rowid = " ENDED_NUMBER(
                      "old.id") ";"
                                " DELETE FROM ended WHERE id = old.id; END;"
                                "INSERT INTO ended(id, ended_us, state, action, endpoint_id, "
                                "case_number)" ENDED_ROWS ";"
                                "INSERT INTO ended_text(rowid, text)" ENDED_TEXTS ");";

/* What people say of machines: by MAC, whether the endpoint is known or not. */
static const char schema_3[] = "CREATE TABLE annotation(mac TEXT PRIMARY KEY, json TEXT NOT NULL)"
                               " WITHOUT ROWID;";

/* The policy's revisions: the number of those kept is REVISIONS_MAX (model/revision.h).  Each is
 * newer than the one before, so that the running one, the newest, never goes. */
static const char schema_4[] =
    "CREATE TABLE revision("
    "  number INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, account TEXT NOT NULL,"
    "  reason TEXT NOT NULL, sha256 BLOB NOT NULL, text TEXT NOT NULL);"
    "CREATE TRIGGER revision_keep AFTER INSERT ON revision BEGIN"
    " DELETE FROM revision WHERE number <= new.number - 1000; END;";
_Static_assert(REVISIONS_MAX == 1000, "as schema_4 has it");

/* What happened, in the commit of what caused it, until it was routed; and what each receiver was
 * or is to be told.  The newest are kept; what still waits is never dropped here. */
static const char schema_5[] =
    "CREATE TABLE notice("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at_us INTEGER NOT NULL,"
    "  is_routed INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX notice_waiting ON notice(number) WHERE is_routed = 0;"
    "CREATE TABLE message("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,"
    "  state TEXT NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX message_waiting ON message(number) WHERE state = 'waiting';"
    "CREATE TRIGGER notice_trim AFTER INSERT ON notice WHEN new.number % 64 = 0 BEGIN"
    " DELETE FROM notice WHERE number <= new.number - 10000 AND is_routed = 1; END;"
    "CREATE TRIGGER message_trim AFTER INSERT ON message WHEN new.number % 64 = 0 BEGIN"
    " DELETE FROM message WHERE number <= new.number - 5000 AND state <> 'waiting'; END;";

/* What the audit is asked by.  Its texts are indexed in threes of characters too, but not where a
 * block waits for its commit: the store thread does that while nothing waits (writer_rest), up to
 * row 'through'; the few rows behind that are read. */
static const char schema_6[] =
    "CREATE INDEX audit_account ON audit(account);"
    "CREATE INDEX audit_action ON audit(action);"
    "CREATE INDEX audit_object ON audit(object);"
    "CREATE INDEX audit_at ON audit(at_us);"
    "CREATE VIRTUAL TABLE audit_text USING fts5(text, content = '', tokenize = 'trigram');"
    "CREATE TABLE audit_indexed(through INTEGER NOT NULL);"
    "INSERT INTO audit_indexed VALUES(0);";

/* For replays: what was seen, in the order of time. */
static const char schema_7[] = "CREATE INDEX detection_seen ON detection(seen_us);";

/* What is written behind of one that ended (its hits, the last words of a switch) keeps its number:
 * cursors name it. */
static const char schema_8[] =
    "DROP TRIGGER containment_change;"
    "CREATE TRIGGER containment_change AFTER UPDATE ON containment"
    " WHEN old.ended_us <> 0 OR new.ended_us <> 0 BEGIN"
    " DELETE FROM ended_text WHERE rowid = " ENDED_NUMBER(
        "old.id") ";"
                  " DELETE FROM ended WHERE id = old.id AND (new.ended_us = 0 OR NOT "
                  "json_valid(new.json));"
                  " INSERT INTO ended(id, ended_us, state, action, endpoint_id, "
                  "case_number)" ENDED_ROWS
                  " AND id = new.id ON CONFLICT(id) DO UPDATE SET ended_us = excluded.ended_us,"
                  " state = excluded.state, action = excluded.action, endpoint_id = "
                  "excluded.endpoint_id,"
                  " case_number = excluded.case_number;"
                  " INSERT INTO ended_text(rowid, text)" ENDED_TEXTS " WHERE e.id = new.id); END;";

/* Certificates of devices, and one-time tokens by which they get their first.  Of certificates that
 * ended the newest are kept; one that is in use never goes. */
static const char schema_9[] =
    "CREATE TABLE certificate("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE,"
    "  is_ended INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE TABLE enrolment("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL);"
    "CREATE TRIGGER certificate_trim AFTER INSERT ON certificate WHEN new.number % 64 = 0 BEGIN"
    " DELETE FROM certificate WHERE number <= new.number - 8192 AND is_ended = 1; END;"
    "CREATE TRIGGER enrolment_trim AFTER INSERT ON enrolment WHEN new.number % 64 = 0 BEGIN"
    " DELETE FROM enrolment WHERE number <= new.number - 512; END;";

/* Retention: rows whose names were taken out, and which incidents containments in force or pending
 * are about.  A row that is no JSON must be storable all the same. */
static const char schema_10[] =
    "ALTER TABLE detection ADD COLUMN is_plain INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE incident ADD COLUMN is_plain INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX containment_needs ON containment(" SCHEMA_NEEDS ") WHERE ended_us = 0;";

/* A checksum of each setting's name and value (sum.h); those of earlier releases have none. */
static const char schema_11[] = "ALTER TABLE setting ADD COLUMN sum INTEGER;";

const char *const schema_steps[] = {schema_1, schema_2, schema_3, schema_4,  schema_5, schema_6,
                                    schema_7, schema_8, schema_9, schema_10, schema_11};
const size_t schema_version = COUNT_OF(schema_steps);

static int
version_read(sqlite3 *db, size_t *version)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK) {
        return -EIO;
    }
    int error = -EIO;
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int64(statement, 0) >= 0) {
        *version = (size_t)sqlite3_column_int64(statement, 0);
        error = 0;
    }
    sqlite3_finalize(statement);
    return error;
}

static int
steps_run(sqlite3 *db, const char *const *steps, size_t from, size_t count, char why[256])
{
    for (size_t i = from; i < count; i++) {
        if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK) {
            snprintf(why, 256, "migration to schema %zu: %s", i + 1, sqlite3_errmsg(db));
            return -EIO;
        }
    }
    char pragma[48];
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", count);
    if (sqlite3_exec(db, pragma, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        snprintf(why, 256, "migration: %s", sqlite3_errmsg(db));
        return -EIO;
    }
    return 0;
}

int
schema_migrate(sqlite3 *db, const char *const *steps, size_t count, char why[256])
{
    size_t version = 0;
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        snprintf(why, 256, "%s", sqlite3_errmsg(db));
        return -EIO;
    }
    int error = version_read(db, &version);
    if (error) {
        snprintf(why, 256, "not a database of ours: %s", sqlite3_errmsg(db));
    } else if (version > count) {
        error = -EPROTO;
        snprintf(why, 256,
                 "the database has schema %zu, this program knows up to %zu: it was used by a "
                 "later release; install that one, or restore a backup",
                 version, count);
    } else if (version < count) {
        error = steps_run(db, steps, version, count, why);
    } else {
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        return 0;
    }
    if (error) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}
