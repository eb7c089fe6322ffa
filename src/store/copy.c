/* SQLite's backup interface, inside one read transaction: the copy is of one moment and never
 * begins anew because others write (https://www.sqlite.org/backup.html); in steps, with pauses, so
 * that commits keep the disk. */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/schema.h"

#define STEP_PAGES 512 /* 2 MiB */
#define PAUSE_US 2000

static int
db_error(sqlite3 *db, int result)
{
    int code = (result != SQLITE_OK ? result : sqlite3_errcode(db)) & 0xff;
    switch (code) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

static int
fail(char why[256], int error, const char *path, const char *what)
{
    snprintf(why, 256, "%.120s: %.120s", path, what);
    return error;
}

static int
steps_run(sqlite3 *source, sqlite3 *target, const atomic_bool *stop)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
    int result = backup ? SQLITE_OK : sqlite3_errcode(target);
    while (result == SQLITE_OK) {
        if (stop && atomic_load(stop)) {
            sqlite3_backup_finish(backup);
            return -ECANCELED;
        }
        result = sqlite3_backup_step(backup, STEP_PAGES);
        usleep(PAUSE_US);
    }
    if (backup) {
        sqlite3_backup_finish(backup);
    }
    return result == SQLITE_DONE ? 0 : db_error(target, result);
}

/* 'target' becomes one plain file: the copy's header says WAL. */
static int
pages_copy(sqlite3 *source, sqlite3 *target, const atomic_bool *stop)
{
    if (sqlite3_exec(source, "PRAGMA busy_timeout = 5000; BEGIN; SELECT 1 FROM sqlite_master", NULL,
                     NULL, NULL) != SQLITE_OK) {
        return db_error(source, SQLITE_OK);
    }
    int error = steps_run(source, target, stop);
    if (!error &&
        sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK) {
        error = db_error(target, SQLITE_OK);
    }
    return error;
}

static int
file_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static void
beside_remove(const char *beside)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char path[URL_SIZE + 32];
        snprintf(path, sizeof(path), "%s%s", beside, suffixes[i]);
        unlink(path);
    }
}

static int
copy_open(const char *from, const char *to, sqlite3 **source, sqlite3 **target, char why[256])
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(from, source, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        return fail(why, db_error(*source, result), from, sqlite3_errmsg(*source));
    }
    result = sqlite3_open_v2(to, target, flags | SQLITE_OPEN_CREATE, NULL);
    return result == SQLITE_OK ? 0
                               : fail(why, db_error(*target, result), to, sqlite3_errmsg(*target));
}

int
copy_make(const char *from, const char *to, const atomic_bool *stop, char why[256])
{
    char beside[URL_SIZE + 16];
    sqlite3 *source = NULL, *target = NULL;
    snprintf(beside, sizeof(beside), "%s.new", to);
    beside_remove(beside);
    int error = copy_open(from, beside, &source, &target, why);
    if (!error) {
        error = pages_copy(source, target, stop);
        if (error) {
            fail(why, error, beside, error == -ECANCELED ? "given up" : sqlite3_errmsg(target));
        }
    }
    sqlite3_close(target);
    sqlite3_close(source);
    error = error ? error : copy_check(beside, NULL, why);
    if (!error) {
        error = file_sync(beside);
        error = error ? error : rename(beside, to) < 0 ? -errno : file_sync_folder(to);
        if (error) {
            fail(why, error, to, strerror(-error));
        }
    }
    if (error) {
        beside_remove(beside);
    }
    return error;
}

/* ---- what a database is ---- */

static int
number_read(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        *number = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : db_error(db, result);
}

static int
pages_check(sqlite3 *db, char what[160])
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &row, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(row);
    }
    const char *said = result == SQLITE_ROW ? (const char *)sqlite3_column_text(row, 0) : NULL;
    bool is_sound = said && strcmp(said, "ok") == 0;
    snprintf(what, 160, "%.150s", said ? said : sqlite3_errmsg(db));
    sqlite3_finalize(row);
    return is_sound ? 0 : said ? -EBADMSG : db_error(db, result);
}

/* What quick_check does not look at: whether the index by which live ones are found agrees with the
 * table, and whether a row that says that it ended also has the state of one that did. */
static int
live_check(sqlite3 *db, char what[160])
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM containment WHERE ended_us = 0) ="
        " (SELECT count(*) FROM containment NOT INDEXED WHERE ended_us = 0) AND NOT EXISTS"
        " (SELECT 1 FROM containment NOT INDEXED WHERE"
        "  (ended_us = 0 AND state IN ('released', 'expired', 'reverted')) OR"
        "  (ended_us <> 0 AND state NOT IN ('released', 'expired', 'reverted', 'checked')))";
    int64_t agrees = 0;
    int error = number_read(db, sql, &agrees);
    if (error || !agrees) {
        snprintf(what, 160, "the rows of containments disagree about which have ended");
    }
    return error ? error : agrees ? 0 : -EBADMSG;
}

static int
head_read(sqlite3 *db, struct copy_facts *facts)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(
        db, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", -1, &row, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW &&
        sqlite3_column_bytes(row, 1) == AUDIT_HASH_SIZE) {
        facts->audit_number = sqlite3_column_int64(row, 0);
        memcpy(facts->audit_hash, sqlite3_column_blob(row, 1), AUDIT_HASH_SIZE);
    }
    sqlite3_finalize(row);
    return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : db_error(db, result);
}

static int
facts_read(sqlite3 *db, const char *path, struct copy_facts *facts)
{
    struct stat found;
    int64_t epoch = 0, live = 0;
    int error =
        number_read(db, "SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'epoch'", &epoch);
    error = error ? error
                  : number_read(db, "SELECT count(*) FROM containment WHERE ended_us = 0", &live);
    error = error ? error : head_read(db, facts);
    facts->epoch = (uint64_t)epoch;
    facts->live = (uint64_t)live;
    facts->bytes = stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;
    return error;
}

int
copy_check(const char *path, struct copy_facts *facts, char why[256])
{
    struct copy_facts own = {.schema = 0};
    sqlite3 *db = NULL;
    int64_t version = 0;
    char what[160] = "";
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int error = result == SQLITE_OK ? 0 : db_error(db, result);
    error = error ? error : number_read(db, "PRAGMA user_version", &version);
    if (error) {
        fail(why, error, path, sqlite3_errmsg(db));
    } else if (version > (int64_t)schema_version) {
        snprintf(why, 256,
                 "%.100s has schema %lld, cordond " CORDON_VERSION " knows up to %zu: install the "
                 "later release that wrote it",
                 path, (long long)version, schema_version);
        error = -EPROTO;
    } else if (version <= 0) {
        error = fail(why, -ENODATA, path, "no database of ours: it has no schema");
    } else if ((error = pages_check(db, what)) != 0) {
        fail(why, error, path, what);
    } else if ((error = live_check(db, what)) != 0) {
        error = fail(why, -EBADMSG, path, what);
    } else if ((error = facts_read(db, path, &own)) != 0) {
        error = fail(why, -EBADMSG, path, sqlite3_errmsg(db)); /* a table is missing */
    }
    own.schema = (uint64_t)version;
    sqlite3_close(db);
    if (!error && facts) {
        *facts = own;
    }
    return error;
}
