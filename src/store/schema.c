#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/macros.h"

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

const char *const schema_steps[] = {schema_1};
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
