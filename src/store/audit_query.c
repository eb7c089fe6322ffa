/* One question to the audit: put together from the conditions that it has, so that SQLite can
 * choose the index.  A text is looked for in the index of threes (schema.c) up to the row that it
 * reaches, and in the rows themselves behind that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/audit_reader.h"
#include "store/search.h"

#define SQL_SIZE 2048
#define VALUES_MAX 12

struct query {
    char sql[SQL_SIZE];
    size_t used;
    struct {
        const char *text; /* borrowed; NULL: the number */
        int64_t number;
    } values[VALUES_MAX];
    size_t value_count;
};

static void
query_add(struct query *query, const char *sql)
{
    query->used += (size_t)snprintf(query->sql + query->used, SQL_SIZE - query->used, " %s", sql);
}

static void
query_text(struct query *query, const char *sql, const char *value)
{
    query_add(query, sql);
    query->values[query->value_count++].text = value;
}

static void
query_number(struct query *query, const char *sql, int64_t number)
{
    query_add(query, sql);
    query->values[query->value_count++].number = number;
}

/* "session" is "session" and all from "session." to before "session/". */
struct below {
    char from[NAME_SIZE + 1], before[NAME_SIZE + 1];
};

static void
add_filters(struct query *query, const struct store_audit_question *question, struct below *below)
{
    if (question->account[0]) {
        query_text(query, "AND a.account = ?", question->account);
    }
    if (question->action[0] && strchr(question->action, '.')) {
        query_text(query, "AND a.action = ?", question->action);
    } else if (question->action[0]) {
        snprintf(below->from, sizeof(below->from), "%s.", question->action);
        snprintf(below->before, sizeof(below->before), "%s/", question->action);
        query_text(query, "AND (a.action = ?", question->action);
        query_text(query, "OR (a.action >= ?", below->from);
        query_text(query, "AND a.action < ?))", below->before);
    }
    if (question->object[0]) {
        query_text(query, "AND a.object = ?", question->object);
    }
    /* The clock may have been set back: the numbers bound the walk, the time decides. */
    if (question->from_us) {
        query_number(query,
                     "AND a.number >= (SELECT min(number) FROM audit INDEXED BY audit_at"
                     " WHERE at_us >= ?)",
                     question->from_us);
        query_number(query, "AND +a.at_us >= ?", question->from_us);
    }
    if (question->until_us) {
        query_number(query,
                     "AND a.number <= (SELECT max(number) FROM audit INDEXED BY audit_at"
                     " WHERE at_us < ?)",
                     question->until_us);
        query_number(query, "AND +a.at_us < ?", question->until_us);
    }
}

/* Rows strictly above 'low' and up to 'high', which the question's own bounds narrow further. */
struct span {
    int64_t low, high;
};

static struct span
span_of(const struct store_audit_question *question)
{
    struct span span = {.low = 0, .high = INT64_MAX};
    if (question->oldest_first) {
        span.low = question->after;
        span.high = question->last ? question->last : INT64_MAX;
    } else if (question->after > 0) {
        span.high = question->after - 1;
    }
    return span;
}

static void
row_take(sqlite3_stmt *from, struct store_audit_answer *answer, size_t *bytes)
{
    struct store_audit_row *rows = (struct store_audit_row *)answer->rows;
    struct store_audit_row *row = &rows[answer->count++];
    const char *texts[4];
    for (int i = 0; i < 4; i++) {
        const char *text = (const char *)sqlite3_column_text(from, 2 + i);
        texts[i] = mem_strdup(text ? text : "");
        *bytes += strlen(texts[i]) + 64;
    }
    row->fields = (struct audit_fields){.number = sqlite3_column_int64(from, 0),
                                        .at_us = sqlite3_column_int64(from, 1),
                                        .account = texts[0],
                                        .action = texts[1],
                                        .object = texts[2],
                                        .detail = texts[3]};
    if (sqlite3_column_bytes(from, 6) == AUDIT_HASH_SIZE) {
        memcpy(row->hash, sqlite3_column_blob(from, 6), AUDIT_HASH_SIZE);
    }
    if (sqlite3_column_bytes(from, 7) == AUDIT_HASH_SIZE) {
        memcpy(row->before, sqlite3_column_blob(from, 7), AUDIT_HASH_SIZE);
    }
}

void
audit_rows_free(struct store_audit_answer *answer)
{
    struct store_audit_row *rows = (struct store_audit_row *)answer->rows;
    for (size_t i = 0; i < answer->count; i++) {
        free((char *)rows[i].fields.account);
        free((char *)rows[i].fields.action);
        free((char *)rows[i].fields.object);
        free((char *)rows[i].fields.detail);
    }
    free(rows);
    answer->rows = NULL;
    answer->count = 0;
}

struct reading {
    sqlite3 *db;
    const struct store_audit_question *question;
    struct store_audit_answer *answer;
    size_t limit, bytes;
};

static int
rows_read(struct reading *reading, const struct query *query)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(reading->db, query->sql, -1, &statement, NULL);
    for (size_t i = 0; result == SQLITE_OK && i < query->value_count; i++) {
        if (query->values[i].text) {
            sqlite3_bind_text(statement, (int)i + 1, query->values[i].text, -1, SQLITE_STATIC);
        } else {
            sqlite3_bind_int64(statement, (int)i + 1, query->values[i].number);
        }
    }
    while (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        result = SQLITE_OK;
        if (reading->answer->count == reading->limit || reading->bytes > STORE_AUDIT_BYTES_MAX) {
            reading->answer->has_more = true;
            break;
        }
        row_take(statement, reading->answer, &reading->bytes);
    }
    bool is_good = result == SQLITE_DONE || reading->answer->has_more;
    if (!is_good && result != SQLITE_INTERRUPT) {
        log_error("store", "reading the audit failed", LOG_S("why", sqlite3_errmsg(reading->db)));
    }
    sqlite3_finalize(statement);
    return is_good ? 0 : -EIO;
}

/* The rows of the span; 'text' as FTS5 or LIKE wants it, or NULL. */
static int
span_read(struct reading *reading, struct span span, const char *text, bool is_indexed)
{
    struct query query = {.used = 0};
    struct below below;
    const char *order = reading->question->oldest_first ? "ASC" : "DESC";
    char end[64];
    if (span.low >= span.high) {
        return 0;
    }
    query_add(&query, "SELECT a.number, a.at_us, a.account, a.action, a.object, a.detail, a.hash,"
                      " (SELECT hash FROM audit b WHERE b.number = a.number - 1) FROM");
    if (is_indexed) {
        query_text(&query,
                   "audit_text f CROSS JOIN audit a ON a.number = f.rowid"
                   " WHERE f.text MATCH ?",
                   text);
        query_number(&query, "AND f.rowid > ?", span.low);
        query_number(&query, "AND f.rowid <= ?", span.high);
    } else {
        query_number(&query, "audit a WHERE a.number > ?", span.low);
        query_number(&query, "AND a.number <= ?", span.high);
    }
    if (text && !is_indexed) {
        query_text(&query,
                   "AND a.account || char(10) || a.action || char(10) || a.object || char(10) ||"
                   " a.detail LIKE ? ESCAPE '\\'",
                   text);
    }
    add_filters(&query, reading->question, &below);
    snprintf(end, sizeof(end), "ORDER BY %s %s", is_indexed ? "f.rowid" : "a.number", order);
    query_add(&query, end);
    return rows_read(reading, &query);
}

/* A number from a query without parameters; 0: none. */
static int64_t
number_read(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return number;
}

static int
text_read(struct reading *reading)
{
    const struct store_audit_question *question = reading->question;
    struct span span = span_of(question);
    char *like = search_quote_like(question->text);
    char *match = search_is_short(question->text) ? NULL : search_quote_match(question->text);
    int64_t through = match ? number_read(reading->db, "SELECT through FROM audit_indexed") : 0;
    struct span old = {.low = span.low, .high = span.high < through ? span.high : through};
    struct span fresh = {.low = span.low > through ? span.low : through, .high = span.high};
    int error = 0;
    for (int i = 0; !error && !reading->answer->has_more && i < 2; i++) {
        bool is_old = (i == 0) == question->oldest_first;
        if (!is_old) {
            error = span_read(reading, fresh, like, false);
        } else if (match) {
            error = span_read(reading, old, match, true);
        }
    }
    free(like);
    free(match);
    return error;
}

int
audit_query_run(sqlite3 *db, const struct store_audit_question *question,
                struct store_audit_answer *answer)
{
    struct reading reading = {.db = db, .question = question, .answer = answer};
    reading.limit = question->limit && question->limit < STORE_AUDIT_ROWS_MAX
                        ? question->limit
                        : STORE_AUDIT_ROWS_MAX;
    *answer =
        (struct store_audit_answer){.rows = mem_new(reading.limit, sizeof(struct store_audit_row))};
    answer->newest = number_read(db, "SELECT max(number) FROM audit");
    answer->error = question->text[0] ? text_read(&reading)
                                      : span_read(&reading, span_of(question), NULL, false);
    return answer->error;
}
