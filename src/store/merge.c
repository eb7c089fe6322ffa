#include "store/merge.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/audit_chain.h"
#include "store/schema.h"
#include "store/shapes.h"
#include "store/store.h"
#include "store/sum.h"
#include "wire/audit_line.h"
#include "wire/codec.h"
#include "wire/codec_text.h"

struct pair {
    sqlite3 *to, *from;
};

static int
fail(const struct pair *pair, char why[256])
{
    snprintf(why, 256, "the copy cannot be written: %.180s", sqlite3_errmsg(pair->to));
    return (sqlite3_errcode(pair->to) & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}

/* False: there is nothing that could be read. */
static bool
from_open(const char *from, struct pair *pair)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    return sqlite3_open_v2(from, &pair->from, flags, NULL) == SQLITE_OK;
}

static int
to_open(const char *to, struct pair *pair, char why[256])
{
    bool is_open = sqlite3_open_v2(to, &pair->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                   NULL) == SQLITE_OK &&
                   sqlite3_exec(pair->to,
                                "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                                " BEGIN IMMEDIATE",
                                NULL, NULL, NULL) == SQLITE_OK;
    return is_open ? 0 : fail(pair, why);
}

/* Commits where there was no error. */
static int
pair_close(struct pair *pair, int error, char why[256])
{
    if (!error && sqlite3_exec(pair->to, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        error = fail(pair, why);
    }
    sqlite3_close(pair->to);
    sqlite3_close(pair->from);
    return error;
}

/* ---- the audit ---- */

struct tip {
    int64_t number;
    uint8_t hash[AUDIT_HASH_SIZE];
};

static int
tip_read(sqlite3 *db, struct tip *tip)
{
    sqlite3_stmt *row = NULL;
    *tip = (struct tip){.number = 0};
    int result = sqlite3_prepare_v2(
        db, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", -1, &row, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW &&
        sqlite3_column_bytes(row, 1) == AUDIT_HASH_SIZE) {
        tip->number = sqlite3_column_int64(row, 0);
        memcpy(tip->hash, sqlite3_column_blob(row, 1), AUDIT_HASH_SIZE);
    }
    sqlite3_finalize(row);
    return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : -EIO;
}

static const char *
text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* Does the row go on the chain? */
static bool
row_fits(sqlite3_stmt *row, struct tip *tip)
{
    const struct audit_fields fields = {.number = sqlite3_column_int64(row, 0),
                                        .at_us = sqlite3_column_int64(row, 1),
                                        .account = text_at(row, 2),
                                        .action = text_at(row, 3),
                                        .object = text_at(row, 4),
                                        .detail = text_at(row, 5)};
    uint8_t hash[AUDIT_HASH_SIZE];
    audit_hash(tip->hash, &fields, hash);
    if (fields.number != tip->number + 1 || sqlite3_column_bytes(row, 6) != AUDIT_HASH_SIZE ||
        memcmp(hash, sqlite3_column_blob(row, 6), AUDIT_HASH_SIZE) != 0) {
        return false;
    }
    tip->number = fields.number;
    memcpy(tip->hash, hash, AUDIT_HASH_SIZE);
    return true;
}

/* One row of any table as it stands, into 'insert'. */
static int
row_put(sqlite3_stmt *row, sqlite3_stmt *insert)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
    }
    int result = sqlite3_step(insert);
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
    return result == SQLITE_DONE ? 0 : -EIO;
}

static const char audit_insert[] =
    "INSERT INTO audit(number, at_us, account, action, object, detail, hash)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static int
audit_copy(struct pair *pair, struct tip *tip, uint64_t *merged)
{
    sqlite3_stmt *rows = NULL, *insert = NULL;
    int error = 0;
    if (sqlite3_prepare_v2(pair->from,
                           "SELECT number, at_us, account, action, object, detail, hash FROM audit"
                           " WHERE number > ?1 ORDER BY number",
                           -1, &rows, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(pair->to, audit_insert, -1, &insert, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(rows, 1, tip->number);
        while (!error && sqlite3_step(rows) == SQLITE_ROW && row_fits(rows, tip)) {
            error = row_put(rows, insert);
            *merged += !error;
        }
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(insert);
    return error;
}

int
merge_audit(const char *to, const char *from, uint64_t *merged, char why[256])
{
    struct pair pair = {.to = NULL};
    struct tip tip;
    *merged = 0;
    if (!from_open(from, &pair)) {
        sqlite3_close(pair.from);
        return 0;
    }
    int error = to_open(to, &pair, why);
    if (!error && (tip_read(pair.to, &tip) || audit_copy(&pair, &tip, merged))) {
        error = fail(&pair, why);
    }
    return pair_close(&pair, error, why);
}

/* ---- an exported audit ---- */

struct exported {
    sqlite3_stmt *insert;
    int64_t first; /* the last row of the database before it */
    struct tip tip;
    uint64_t *merged, line;
};

static int
exported_put(const struct exported *exported, const struct audit_line *line)
{
    sqlite3_stmt *insert = exported->insert;
    const struct audit_fields *fields = &line->fields;
    sqlite3_bind_int64(insert, 1, fields->number);
    sqlite3_bind_int64(insert, 2, fields->at_us);
    sqlite3_bind_text(insert, 3, fields->account, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, fields->action, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, fields->object, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, fields->detail, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 7, line->hash, AUDIT_HASH_SIZE, SQLITE_STATIC);
    int result = sqlite3_step(insert);
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
    return result == SQLITE_DONE ? 0 : -EIO;
}

/* -EBADMSG: it does not go on from the row before it. */
static int
exported_row(struct exported *exported, const struct audit_line *line, char why[256])
{
    struct tip *tip = &exported->tip;
    long long number = line->fields.number;
    uint8_t hash[AUDIT_HASH_SIZE];
    if (number < exported->first) {
        return 0;
    }
    if (number == exported->first) {
        bool is_ours = memcmp(line->hash, tip->hash, AUDIT_HASH_SIZE) == 0;
        snprintf(why, 256, "row %lld is another one there: it is of another log, or not as it was",
                 number);
        return is_ours ? 0 : -EBADMSG;
    }
    if (number != tip->number + 1) {
        snprintf(why, 256, "row %lld comes behind row %lld: export all of it, without filters",
                 number, (long long)tip->number);
        return -EBADMSG;
    }
    audit_hash(tip->hash, &line->fields, hash);
    if (memcmp(hash, line->hash, sizeof(hash)) != 0) {
        snprintf(why, 256, "row %lld is not as it was written", number);
        return -EBADMSG;
    }
    int error = exported_put(exported, line);
    if (error) {
        snprintf(why, 256, "row %lld cannot be written", number);
        return error;
    }
    tip->number = number;
    memcpy(tip->hash, hash, sizeof(hash));
    (*exported->merged)++;
    return 0;
}

static int
exported_line(struct exported *exported, const char *text, size_t size, char why[256])
{
    struct audit_line line;
    cJSON *json = codec_parse(text, size);
    bool is_other = cJSON_HasObjectItem(json, "newest") || /* the last line of an export */
                    (exported->line == 1 && cJSON_HasObjectItem(json, "pruned"));
    int error = 0;
    if (!is_other && audit_line_read(json, &line)) {
        error = exported_row(exported, &line, why);
    } else if (!is_other) {
        snprintf(why, 256, "line %llu is none of 'cordonctl audit export --format json'",
                 (unsigned long long)exported->line);
        error = -EBADMSG;
    }
    cJSON_Delete(json);
    return error;
}

int
merge_exported(const char *to, const char *file, uint64_t *merged, char why[256])
{
    struct pair pair = {.to = NULL};
    struct exported exported = {.merged = merged};
    char *text = NULL, what[256];
    size_t room = 0;
    FILE *opened = fopen(file, "re");
    int error = opened ? 0 : -errno;
    *merged = 0;
    if (error) {
        snprintf(why, 256, "%.180s: %s", file, strerror(-error));
        return error;
    }
    error = to_open(to, &pair, why);
    if (!error && (tip_read(pair.to, &exported.tip) ||
                   sqlite3_prepare_v2(pair.to, audit_insert, -1, &exported.insert, NULL) !=
                       SQLITE_OK)) {
        error = fail(&pair, why);
    }
    exported.first = exported.tip.number;
    for (ssize_t size; !error && (size = getline(&text, &room, opened)) > 0;) {
        exported.line++;
        error = exported_line(&exported, text, (size_t)size, what);
        if (error) {
            snprintf(why, 256, "%.90s: %.150s", file, what);
        }
    }
    if (!error && (ferror(opened) || exported.line == 0)) {
        snprintf(why, 256, "%.180s %s", file, ferror(opened) ? "cannot be read" : "is empty");
        error = ferror(opened) ? -EIO : -EBADMSG;
    }
    free(text);
    fclose(opened);
    sqlite3_finalize(exported.insert);
    return pair_close(&pair, error, why);
}

/* ---- rows with sums ---- */

static const struct table {
    const char *select, *insert;
    int json; /* column */
} tables[] = {
    /* the columns beside it have no sum: they must say the same */
    {"SELECT id, state, external_id, requested_us, ended_us, json FROM containment"
     " WHERE json_valid(json) AND id = json ->> '$.id' AND state = coalesce(json ->> '$.state', "
     "'pending')" /* the first state is not written */
     " AND ended_us = coalesce(json ->> '$.ended_us', 0)",
     "INSERT INTO containment(id, state, external_id, requested_us, ended_us, json)"
     " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET state = excluded.state,"
     " ended_us = excluded.ended_us, json = excluded.json",
     5},
    {"SELECT id, is_open, last_us, json FROM incident"
     " WHERE json_valid(json) AND id = json ->> '$.id' AND is_open = coalesce(json ->> "
     "'$.is_open', 0)",
     "INSERT INTO incident(id, is_open, last_us, json) VALUES(?1, ?2, ?3, ?4)"
     " ON CONFLICT(id) DO UPDATE SET is_open = excluded.is_open, last_us = excluded.last_us,"
     " json = excluded.json",
     3},
    {"SELECT id, seen_us, json FROM endpoint",
     "INSERT INTO endpoint(id, seen_us, json) VALUES(?1, ?2, ?3)"
     " ON CONFLICT(id) DO UPDATE SET seen_us = excluded.seen_us, json = excluded.json",
     2},
};

/* With a sum, and the right one. */
static bool
is_proven(sqlite3_stmt *row, int column)
{
    char *text = mem_strdup(text_at(row, column));
    size_t size = strlen(text), before = size;
    bool is_right = sum_take(text, &size) && size < before;
    free(text);
    return is_right;
}

static int
table_merge(struct pair *pair, const struct table *table)
{
    sqlite3_stmt *rows = NULL, *insert = NULL;
    int error = 0;
    if (sqlite3_prepare_v2(pair->from, table->select, -1, &rows, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(pair->to, table->insert, -1, &insert, NULL) == SQLITE_OK) {
        while (!error && sqlite3_step(rows) == SQLITE_ROW) {
            error = is_proven(rows, table->json) ? row_put(rows, insert) : 0;
        }
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(insert);
    return error;
}

static int64_t
version_of(sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    int64_t version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        version = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    return version;
}

int
merge_rows(const char *to, const char *from, char why[256])
{
    struct pair pair = {.to = NULL};
    if (!from_open(from, &pair)) {
        sqlite3_close(pair.from);
        return 0;
    }
    int error = to_open(to, &pair, why);
    bool is_equal = !error && version_of(pair.to) == version_of(pair.from);
    for (size_t i = 0; !error && is_equal && i < COUNT_OF(tables); i++) {
        if (table_merge(&pair, &tables[i])) {
            error = fail(&pair, why);
        }
    }
    return pair_close(&pair, error, why);
}

/* ---- what had ended ---- */

/* The last word of the audit about each that has not ended by its row. */
static const char ends_find[] =
    "CREATE TEMP TABLE ends AS SELECT c.id, c.json, a.action, a.at_us, a.account, a.detail FROM "
    "containment c JOIN audit a"
    " ON a.number = (SELECT max(number) FROM audit WHERE object = c.id AND action IN"
    " ('release', 'expire', 'revert', 'check', 'enforce')) WHERE c.ended_us = 0;";

static void
text_replace(char **to, size_t size, const char *from)
{
    char text[TEXT_SIZE];
    snprintf(text, size < sizeof(text) ? size : sizeof(text), "%s", from);
    free(*to);
    *to = text[0] != '\0' ? mem_strdup(text) : NULL;
}

static bool
end_apply(struct containment *c, const char *action, int64_t at_us)
{
    bool is_held = c->state == CONTAINMENT_PENDING || c->state == CONTAINMENT_CHECKED;
    if (strcmp(action, "check") == 0) {
        bool was_pending = c->state == CONTAINMENT_PENDING;
        c->state = was_pending ? CONTAINMENT_CHECKED : c->state;
        return was_pending;
    }
    if (strcmp(action, "enforce") == 0) { /* what switches hold of it is found there */
        return false;
    }
    c->state = is_held                         ? CONTAINMENT_REVERTED
               : strcmp(action, "expire") == 0 ? CONTAINMENT_EXPIRED
                                               : CONTAINMENT_RELEASED;
    c->ended_us = at_us > 0 ? at_us : 1;
    text_replace(&c->unproven, NAME_SIZE, "");
    return true;
}

/* 0 also where it stays as it is: a row that cannot be read fails the start, and not this. */
static int
end_put(sqlite3_stmt *row, sqlite3_stmt *update, uint64_t *ended)
{
    char *text = mem_strdup(text_at(row, 1));
    size_t size = strlen(text);
    struct containment c;
    struct codec_error error;
    bool is_read = sum_take(text, &size) &&
                   codec_read(&store_containment_shape, text, size, false, &c, &error) == 0;
    free(text);
    if (!is_read) {
        return 0;
    }
    int result = SQLITE_DONE;
    text_replace(&c.ended_by, NAME_SIZE, text_at(row, 4));
    text_replace(&c.end_reason, TEXT_SIZE, text_at(row, 5));
    if (end_apply(&c, text_at(row, 2), sqlite3_column_int64(row, 3))) {
        char *json = store_json(&store_containment_shape, &c);
        sqlite3_bind_text(update, 1, c.id, -1, SQLITE_STATIC);
        sqlite3_bind_text(update, 2, containment_state_names[c.state], -1, SQLITE_STATIC);
        sqlite3_bind_int64(update, 3, c.ended_us);
        sqlite3_bind_text(update, 4, json, -1, SQLITE_STATIC);
        result = sqlite3_step(update);
        sqlite3_reset(update);
        sqlite3_clear_bindings(update);
        free(json);
        (*ended)++;
    }
    containment_fini(&c);
    return result == SQLITE_DONE ? 0 : -EIO;
}

int
merge_ends(const char *to, uint64_t *ended, char why[256])
{
    struct pair pair = {.to = NULL};
    sqlite3_stmt *rows = NULL, *update = NULL;
    *ended = 0;
    int error = to_open(to, &pair, why);
    if (!error &&
        (sqlite3_exec(pair.to, ends_find, NULL, NULL, NULL) != SQLITE_OK ||
         sqlite3_prepare_v2(pair.to, "SELECT * FROM ends", -1, &rows, NULL) != SQLITE_OK ||
         sqlite3_prepare_v2(pair.to,
                            "UPDATE containment SET state = ?2, ended_us = ?3, json = ?4"
                            " WHERE id = ?1",
                            -1, &update, NULL) != SQLITE_OK)) {
        error = fail(&pair, why);
    }
    while (!error && sqlite3_step(rows) == SQLITE_ROW) {
        error = end_put(rows, update, ended) ? fail(&pair, why) : 0;
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(update);
    return pair_close(&pair, error, why);
}

/* ---- what had begun ---- */

int
merge_purges(const char *to, uint64_t *purges, char why[256])
{
    struct pair pair = {.to = NULL};
    *purges = 0;
    int error = to_open(to, &pair, why);
    if (!error && sqlite3_exec(pair.to,
                               "PRAGMA secure_delete = ON;" /* whom it was about is in it */
                               " DELETE FROM setting WHERE name LIKE '" RESCUE_PURGES "%'",
                               NULL, NULL, NULL) != SQLITE_OK) {
        error = fail(&pair, why);
    } else if (!error) {
        *purges = (uint64_t)sqlite3_changes(pair.to);
    }
    return pair_close(&pair, error, why);
}

/* ---- that it happened ---- */

static int
note_put(struct pair *pair, const struct tip *tip, int64_t now_us, const char *detail)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    sqlite3_stmt *insert = NULL;
    const struct audit_fields fields = {.number = tip->number + 1,
                                        .at_us = now_us,
                                        .account = "cordon",
                                        .action = "restored",
                                        .object = "database",
                                        .detail = detail};
    audit_hash(tip->hash, &fields, hash);
    if (sqlite3_prepare_v2(pair->to, audit_insert, -1, &insert, NULL) != SQLITE_OK) {
        return -EIO;
    }
    sqlite3_bind_int64(insert, 1, fields.number);
    sqlite3_bind_int64(insert, 2, now_us);
    sqlite3_bind_text(insert, 3, fields.account, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, fields.action, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, fields.object, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, detail, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 7, hash, sizeof(hash), SQLITE_STATIC);
    int result = sqlite3_step(insert);
    sqlite3_finalize(insert);
    return result == SQLITE_DONE ? 0 : -EIO;
}

/* Every switch is looked at anew, also those that were looked at after an earlier restore. */
static int
setting_put(struct pair *pair, int64_t now_us, const char *cause)
{
    char value[TEXT_SIZE];
    sqlite3_stmt *insert = NULL;
    snprintf(value, sizeof(value), "%lld %.400s", (long long)now_us, cause);
    if (sqlite3_exec(pair->to, "DELETE FROM setting WHERE name LIKE 'looked/%'", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(pair->to,
                           "INSERT INTO setting(name, value) VALUES('" RESCUE_SETTING "', ?1)"
                           " ON CONFLICT(name) DO UPDATE SET value = excluded.value, sum = NULL",
                           -1, &insert, NULL) != SQLITE_OK) {
        return -EIO;
    }
    sqlite3_bind_text(insert, 1, value, -1, SQLITE_STATIC);
    int result = sqlite3_step(insert);
    sqlite3_finalize(insert);
    return result == SQLITE_DONE ? 0 : -EIO;
}

int
merge_note(const char *to, int64_t now_us, const struct rescue *rescue, char why[256])
{
    struct pair pair = {.to = NULL};
    struct tip tip;
    char detail[TEXT_SIZE];
    int used =
        snprintf(detail, sizeof(detail),
                 "%.180s; from %.120s; %llu newer rows of the audit were kept, and by the "
                 "audit %llu containments had ended",
                 rescue->cause, rescue->copy[0] ? rescue->copy : "nothing: there was no good copy",
                 (unsigned long long)rescue->merged, (unsigned long long)rescue->ended);
    if (rescue->purges > 0) {
        snprintf(detail + used, sizeof(detail) - (size_t)used,
                 "; %llu purges that had begun do not go on", (unsigned long long)rescue->purges);
    }
    int error = to_open(to, &pair, why);
    if (!error && (tip_read(pair.to, &tip) || note_put(&pair, &tip, now_us, detail) ||
                   setting_put(&pair, now_us, rescue->cause))) {
        error = fail(&pair, why);
    }
    return pair_close(&pair, error, why);
}
