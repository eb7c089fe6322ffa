#include "store/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/copy.h"
#include "store/merge.h"
#include "store/schema.h"

#define CAUSE_MAX 240
#define NEWER "copies/good.db"
#define OLDER "copies/good.1.db"

/* ---- names ---- */

void
rescue_path(const char *path, const char *name, char out[RESCUE_PATH_SIZE])
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    snprintf(out, RESCUE_PATH_SIZE, "%.*s%s", folder, path, name);
}

static void
mark_path(const char *path, const char *mark, char out[RESCUE_PATH_SIZE])
{
    snprintf(out, RESCUE_PATH_SIZE, "%s.%s", path, mark);
}

static bool
is_there(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

static bool
has_mark(const char *path, const char *mark)
{
    char name[RESCUE_PATH_SIZE];
    mark_path(path, mark, name);
    return is_there(name);
}

static int
mark_put(const char *path, const char *mark, const char *text)
{
    char name[RESCUE_PATH_SIZE];
    mark_path(path, mark, name);
    return file_write_atomic(name, text, strlen(text), 0600);
}

static void
mark_drop(const char *path, const char *mark)
{
    char name[RESCUE_PATH_SIZE];
    mark_path(path, mark, name);
    unlink(name);
}

/* "" where there is none. */
static void
mark_read(const char *path, const char *mark, char text[URL_SIZE])
{
    char name[RESCUE_PATH_SIZE], *bytes = NULL;
    size_t size = 0;
    mark_path(path, mark, name);
    text[0] = '\0';
    if (file_read(name, URL_SIZE - 1, &bytes, &size) == 0) {
        snprintf(text, URL_SIZE, "%s", bytes);
        free(bytes);
    }
}

int
rescue_opened(const char *path)
{
    int error = has_mark(path, "made") ? 0 : mark_put(path, "made", "");
    return error ? error : mark_put(path, "open", "");
}

void
rescue_closed(const char *path)
{
    mark_drop(path, "open");
    mark_drop(path, "unclean");
    (void)!file_sync_folder(path); /* before the log goes: see store_close() */
}

void
rescue_suspect(const char *path, const char *cause)
{
    int error = mark_put(path, "suspect", cause);
    if (error) {
        log_error("store", "that the database is damaged cannot be noted for the next start",
                  LOG_S("why", strerror(-error)));
    }
}

int
rescue_copy_made(const char *path, const char *made)
{
    char newer[RESCUE_PATH_SIZE], older[RESCUE_PATH_SIZE];
    rescue_path(path, NEWER, newer);
    rescue_path(path, OLDER, older);
    if (rename(newer, older) < 0 && errno != ENOENT) {
        return -errno;
    }
    if (rename(made, newer) < 0) {
        return -errno;
    }
    mark_drop(path, "from");
    return file_sync_folder(newer);
}

/* ---- replacing it ---- */

/* Its log first: without that it is found damaged again, with another's it would be worse. */
static int
set_aside(const char *path, int64_t now_us, struct rescue *rescue)
{
    static const char *const suffixes[] = {"-shm", "-wal", ""};
    char folder[RESCUE_PATH_SIZE], stamp[32];
    time_t now_s = (time_t)(now_us / 1000000);
    struct tm utc;
    bool is_any = false;
    rescue_path(path, "aside", folder);
    int error = file_make_dirs(folder, 0700);
    if (!gmtime_r(&now_s, &utc) || strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc) == 0) {
        snprintf(stamp, sizeof(stamp), "unknown");
    }
    const char *slash = strrchr(path, '/');
    snprintf(rescue->aside, sizeof(rescue->aside), "%.900s/%.60s.%s.%06d", folder,
             slash ? slash + 1 : path, stamp, (int)(now_us % 1000000));
    for (size_t i = 0; !error && i < COUNT_OF(suffixes); i++) {
        char from[RESCUE_PATH_SIZE], to[RESCUE_PATH_SIZE];
        snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
        snprintf(to, sizeof(to), "%s%s", rescue->aside, suffixes[i]);
        if (rename(from, to) == 0) {
            is_any = true;
        } else if (errno != ENOENT) {
            error = -errno;
        }
    }
    if (!is_any) {
        rescue->aside[0] = '\0';
    }
    return error ? error : file_sync_folder(path);
}

static int
empty_make(const char *path, char why[256])
{
    sqlite3 *db = NULL;
    unlink(path);
    int error = sqlite3_open(path, &db) == SQLITE_OK
                    ? schema_migrate(db, schema_steps, schema_version, why)
                    : -EIO;
    sqlite3_close(db);
    return error;
}

/* The newest copy that is whole, at 'staged'; one that already turned out to be of no use goes. */
static int
staged_from_copies(const char *path, const char *staged, struct rescue *rescue, char why[256])
{
    static const char *const names[] = {NEWER, OLDER};
    char from[URL_SIZE];
    mark_read(path, "from", from);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char copy[RESCUE_PATH_SIZE];
        rescue_path(path, names[i], copy);
        if (!is_there(copy) || strcmp(copy, from) == 0) {
            continue;
        }
        int error = copy_check(copy, NULL, why);
        error = error ? error : copy_make(copy, staged, NULL, why);
        if (!error) {
            snprintf(rescue->copy, sizeof(rescue->copy), "%.1000s", copy);
            return 0;
        }
        log_error("store", "a copy is of no use", LOG_S("copy", copy), LOG_S("why", why));
        if (error == -ENOSPC) {
            return error;
        }
    }
    rescue->is_empty = true;
    return empty_make(staged, why);
}

/* 'staged' holds everything: it takes the place of what is there.  Each step may be done already:
 * the power may go behind any of them, and the next start comes here again. */
static int
staged_swap(const char *path, int64_t now_us, struct rescue *rescue, char why[256])
{
    char staged[RESCUE_PATH_SIZE];
    mark_path(path, "staged", staged);
    int error = is_there(staged) ? set_aside(path, now_us, rescue) : 0;
    if (!error && rename(staged, path) < 0 && errno != ENOENT) {
        error = -errno;
    }
    error = error ? error : file_sync_folder(path);
    error = error ? error : mark_put(path, "from", rescue->copy);
    if (error) {
        snprintf(why, 256, "%.180s cannot be put into place: %s", path, strerror(-error));
        return error;
    }
    mark_drop(path, "suspect");
    mark_drop(path, "open");
    error = file_sync_folder(path); /* else it would be taken for damaged once more */
    mark_drop(path, "swap");
    return error;
}

/* What was staged by an attempt that did not end is no good any more. */
static int
staged_begin(const char *path, char staged[RESCUE_PATH_SIZE], char why[256])
{
    mark_path(path, "staged", staged);
    mark_drop(path, "swap");
    int error = file_sync_folder(path);
    if (error) {
        snprintf(why, 256, "the folder of %.150s cannot be written: %s", path, strerror(-error));
    }
    return error;
}

/* 'staged' is whole: it gets what the damaged one still proves, then takes its place. */
static int
staged_use(const char *path, const char *staged, bool salvages, int64_t now_us,
           struct rescue *rescue, char why[256])
{
    char note[URL_SIZE];
    rescue->merged = 0;
    rescue->is_restored = true;
    int error = merge_audit(staged, path, &rescue->merged, why);
    if (!error && salvages) {
        error = merge_rows(staged, path, why);
    }
    error = error ? error : merge_ends(staged, &rescue->ended, why);
    error = error ? error : merge_purges(staged, &rescue->purges, why);
    error = error ? error : merge_note(staged, now_us, rescue, why);
    if (error) {
        return error;
    }
    snprintf(note, sizeof(note), "%.1000s", rescue->copy);
    error = mark_put(path, "swap", note);
    if (error) {
        snprintf(why, 256, "%.180s cannot be marked: %s", path, strerror(-error));
        return error;
    }
    return staged_swap(path, now_us, rescue, why);
}

/* The power went while a copy that was ready was put into place: it is the newest that there is,
 * and what the damaged one proved is in it. */
static int
swap_finish(const char *path, int64_t now_us, struct rescue *rescue, char why[256])
{
    char cause[URL_SIZE];
    rescue->is_restored = true;
    mark_read(path, "swap", rescue->copy);
    mark_read(path, "suspect", cause);
    snprintf(rescue->cause, sizeof(rescue->cause), "%.*s", CAUSE_MAX,
             cause[0] ? cause : "its replacement by a copy was interrupted");
    rescue->is_empty = rescue->copy[0] == '\0';
    int error = staged_swap(path, now_us, rescue, why);
    log_error("store",
              error ? "ALARM: the copy that is ready cannot be put into place"
                    : "ALARM: the database was being replaced by a copy: that is done now",
              LOG_S("copy", rescue->copy), LOG_S("why", why));
    return error;
}

int
rescue_replace(const char *path, const char *cause, int64_t now_us, struct rescue *rescue,
               char why[256])
{
    char staged[RESCUE_PATH_SIZE];
    snprintf(rescue->cause, sizeof(rescue->cause), "%.*s", CAUSE_MAX, cause);
    log_error("store", "ALARM: the database is damaged: the last good copy takes its place",
              LOG_S("database", path), LOG_S("why", rescue->cause));
    int error = staged_begin(path, staged, why);
    error = error ? error : staged_from_copies(path, staged, rescue, why);
    error = error ? error : staged_use(path, staged, true, now_us, rescue, why);
    if (error) {
        log_error("store", "it cannot be replaced", LOG_S("why", why));
        return error;
    }
    log_error("store",
              rescue->is_empty ? "ALARM: there was no good copy: it begins empty, and nothing is "
                                 "taken from the switches"
                               : "restored from a copy; what switches hold beyond it is listed",
              LOG_S("copy", rescue->copy), LOG_S("set_aside", rescue->aside),
              LOG_I("audit_rows_merged", rescue->merged), LOG_I("ended_by_them", rescue->ended),
              LOG_I("purges_that_do_not_go_on", rescue->purges));
    return 0;
}

int
rescue_restore(const char *path, const char *from, const char *cause, int64_t now_us,
               struct rescue *rescue, char why[256])
{
    char staged[RESCUE_PATH_SIZE];
    *rescue = (struct rescue){.is_restored = true};
    snprintf(rescue->cause, sizeof(rescue->cause), "%.*s", CAUSE_MAX, cause);
    snprintf(rescue->copy, sizeof(rescue->copy), "%.1000s", from);
    int error = staged_begin(path, staged, why);
    error = error ? error : copy_make(from, staged, NULL, why);
    error = error ? error : staged_use(path, staged, false, now_us, rescue, why);
    if (!error) {
        mark_drop(path, "from"); /* the copies are of another time */
        error = mark_put(path, "made", "");
    }
    return error;
}

/* ---- before it is opened ---- */

static bool
is_missing(const char *path)
{
    struct stat found;
    return stat(path, &found) < 0 ? errno == ENOENT : found.st_size == 0;
}

/* A log beside it that is not there: SQLite would go on without what was acknowledged. */
static bool
has_lost_log(const char *path)
{
    char wal[RESCUE_PATH_SIZE];
    snprintf(wal, sizeof(wal), "%s-wal", path);
    return has_mark(path, "open") && !is_there(wal);
}

static int
version_refuse(const char *path, char why[256])
{
    char copy[RESCUE_PATH_SIZE], name[64];
    snprintf(name, sizeof(name), "copies/before-schema-%zu.db", schema_version + 1);
    rescue_path(path, name, copy);
    size_t used = strlen(why);
    snprintf(why + used, 256 - used,
             is_there(copy) ? "; or go back: cordond restore %s"
                            : "; or restore a backup of this release%.0s",
             copy);
    return -EPROTO;
}

/* What is there before the first step of a later schema, in a file of its own. */
static int
upgrade_copy(const char *path, const struct copy_facts *facts, char why[256])
{
    char copy[RESCUE_PATH_SIZE], folder[RESCUE_PATH_SIZE], name[64];
    if (facts->schema == schema_version) {
        return 0;
    }
    snprintf(name, sizeof(name), "copies/before-schema-%llu.db",
             (unsigned long long)facts->schema + 1);
    rescue_path(path, name, copy);
    rescue_path(path, "copies", folder);
    int error = file_make_dirs(folder, 0700);
    error = error ? error : copy_make(path, copy, NULL, why);
    if (error) {
        char what[160];
        snprintf(what, sizeof(what), "%.150s", why[0] ? why : strerror(-error));
        snprintf(why, 256, "no copy can be made before the upgrade, so nothing was changed: %s",
                 what);
        return error;
    }
    log_info("store", "a copy was made before the upgrade", LOG_S("copy", copy),
             LOG_I("schema", facts->schema), LOG_I("to", schema_version));
    return 0;
}

int
rescue_before_open(const char *path, int64_t now_us, struct rescue *rescue, char why[256])
{
    char cause[URL_SIZE], newer[RESCUE_PATH_SIZE];
    struct copy_facts facts;
    *rescue = (struct rescue){.was_unclean = has_mark(path, "open") || has_mark(path, "unclean")};
    if (has_mark(path, "swap")) {
        int unfinished = swap_finish(path, now_us, rescue, why);
        if (unfinished) {
            return unfinished;
        }
    }
    mark_read(path, "suspect", cause);
    if (has_mark(path, "suspect")) {
        return rescue_replace(path, cause[0] ? cause : "found damaged", now_us, rescue, why);
    }
    rescue_path(path, NEWER, newer);
    if (is_missing(path)) {
        bool is_first = !has_mark(path, "made") && !is_there(newer);
        return is_first ? 0 : rescue_replace(path, "the file is gone", now_us, rescue, why);
    }
    if (has_lost_log(path)) {
        return rescue_replace(path, "its log (-wal) is gone", now_us, rescue, why);
    }
    /* Looking at it takes its log away, into the database: who is killed behind that must not find
     * "in use" and no log at the next start. */
    int error = rescue->was_unclean ? mark_put(path, "unclean", "") : 0;
    if (error) {
        snprintf(why, 256, "%.180s cannot be marked: %s", path, strerror(-error));
        return error;
    }
    mark_drop(path, "open");
    error = copy_check(path, &facts, why);
    if (error == -EPROTO) {
        return version_refuse(path, why);
    }
    if (error == -ENODATA && !has_mark(path, "made")) {
        return 0; /* the power went during the very first start */
    }
    if (error == -EBADMSG || error == -EIO || error == -ENODATA) {
        snprintf(cause, sizeof(cause), "%s", why);
        return rescue_replace(path, cause, now_us, rescue, why);
    }
    return error ? error : upgrade_copy(path, &facts, why);
}
