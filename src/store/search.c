/* Looking for containments that ended (store_search_ended of store.h; tables in schema.c).  Each
 * question is put together from the conditions that it has, so that SQLite can choose the index. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/reader.h"
#include "store/search.h"
#include "store/shapes.h"

#define SQL_SIZE 1024
#define PART_MIN 3 /* characters; shorter parts are in no index of threes: all texts are read */

/* The condition, and what is bound in it. */
struct condition {
    char sql[SQL_SIZE];
    size_t used;
    const char *values[6]; /* borrowed */
    size_t value_count;
};

static void
condition_add(struct condition *condition, const char *sql)
{
    condition->used +=
        (size_t)snprintf(condition->sql + condition->used, sizeof(condition->sql) - condition->used,
                         " %s %s", condition->used > 0 ? "AND" : "WHERE", sql);
}

static void
condition_value(struct condition *condition, const char *sql, const char *value)
{
    if (value && value[0] != '\0') {
        condition_add(condition, sql);
        condition->values[condition->value_count++] = value;
    }
}

bool
search_is_short(const char *text)
{
    size_t left = strlen(text);
    size_t count = 0;
    for (size_t size; left > 0 && count < PART_MIN; left -= size, text += size, count++) {
        size = utf8_size(text, left);
        size = size ? size : 1;
    }
    return count < PART_MIN;
}

/* As a string of FTS5's query language; or, for a short one, as a LIKE pattern. */
static char *
part_quote(const char *text, bool is_like, char from, char to)
{
    char *out = mem_new(2 * strlen(text) + 3, 1);
    char *at = out;
    *at++ = is_like ? '%' : '"';
    for (; *text; text++) {
        char c = *text == from ? to : *text;
        if (is_like ? c == '%' || c == '_' || c == '\\' : c == '"') {
            *at++ = is_like ? '\\' : '"';
        }
        *at++ = c;
    }
    *at++ = is_like ? '%' : '"';
    *at = '\0';
    return out;
}

char *
search_quote_match(const char *text)
{
    return part_quote(text, false, '\0', '\0');
}

char *
search_quote_like(const char *text)
{
    return part_quote(text, true, '\0', '\0');
}

static char *
ids_json(const struct store_question *question)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < question->endpoint_count; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(question->endpoint_ids[i]));
    }
    char *text = cJSON_PrintUnformatted(list);
    cJSON_Delete(list);
    if (!text) {
        abort(); /* out of memory, as in base/mem.h */
    }
    return text;
}

struct search {
    struct condition condition;
    char *texts[3]; /* owned */
};

static void
search_begin(struct search *search, const struct store_question *question)
{
    struct condition *condition = &search->condition;
    *search = (struct search){.condition = {.used = 0}};
    condition_value(condition, "state = ?", question->state);
    condition_value(condition, "action = ?", question->action);
    condition_value(condition, "endpoint_id = ?", question->endpoint_id);
    if (!question->text || !question->text[0]) {
        return;
    }
    bool is_like = search_is_short(question->text);
    search->texts[0] = part_quote(question->text, is_like, '\0', '\0');
    search->texts[1] = part_quote(question->text, is_like, '-', ':'); /* a MAC with hyphens */
    search->texts[2] = ids_json(question);
    condition_add(condition,
                  is_like ? "(number IN (SELECT rowid FROM ended_text WHERE text LIKE ? ESCAPE '\\'"
                            " OR text LIKE ? ESCAPE '\\')"
                          : "(number IN (SELECT rowid FROM ended_text WHERE ended_text MATCH ?"
                            " UNION SELECT rowid FROM ended_text WHERE ended_text MATCH ?)");
    condition->used +=
        (size_t)snprintf(condition->sql + condition->used, SQL_SIZE - condition->used,
                         " OR endpoint_id IN (SELECT value FROM json_each(?)))");
    for (size_t i = 0; i < COUNT_OF(search->texts); i++) {
        condition->values[condition->value_count++] = search->texts[i];
    }
}

static void
search_end(struct search *search)
{
    free(search->texts[0]);
    free(search->texts[1]);
    cJSON_free(search->texts[2]);
}

/* NULL: logged. */
static sqlite3_stmt *
search_prepare(const struct reader *reader, const struct search *search, const char *before,
               const char *after)
{
    char sql[SQL_SIZE + 512];
    sqlite3_stmt *query = NULL;
    const struct condition *condition = &search->condition;
    snprintf(sql, sizeof(sql), "%s%s%s", before, condition->sql, after);
    if (sqlite3_prepare_v2(reader->db, sql, -1, &query, NULL) != SQLITE_OK) {
        log_error("store", "searching failed", LOG_S("why", sqlite3_errmsg(reader->db)));
        return NULL;
    }
    for (size_t i = 0; i < condition->value_count; i++) {
        sqlite3_bind_text(query, (int)i + 1, condition->values[i], -1, SQLITE_STATIC);
    }
    return query;
}

/* Those that were given before a page: they ended after its first row. */
#define GIVEN "(ended_us, id) >= (SELECT ended_us, id FROM ended WHERE number = %llu)"

static int
search_count(const struct reader *reader, const struct search *search, uint64_t after,
             uint64_t *total)
{
    char more[160] = "";
    if (after > 0) {
        snprintf(more, sizeof(more), " %s " GIVEN, search->condition.used ? "AND" : "WHERE",
                 (unsigned long long)after);
    }
    sqlite3_stmt *query = search_prepare(reader, search, "SELECT count(*) FROM ended", more);
    int error = query && sqlite3_step(query) == SQLITE_ROW ? 0 : -EIO;
    *total = error ? 0 : (uint64_t)sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return error;
}

/* The page is found in the narrow table; only its rows are read whole. */
static int
search_page(const struct reader *reader, const struct search *search,
            const struct store_question *question,
            void (*each)(void *context, const struct containment *containment, uint64_t number),
            void *context)
{
    char after[400], more[160] = "";
    if (question->after > 0) {
        snprintf(more, sizeof(more), " %s NOT " GIVEN, search->condition.used ? "AND" : "WHERE",
                 (unsigned long long)question->after);
    }
    snprintf(after, sizeof(after),
             "%s ORDER BY ended_us DESC, id DESC LIMIT %zu) e"
             " JOIN containment c ON c.id = e.id ORDER BY e.ended_us DESC, e.id DESC",
             more, question->limit);
    sqlite3_stmt *query = search_prepare(
        reader, search,
        "SELECT c.id, c.json, e.number FROM (SELECT id, ended_us, number FROM ended", after);
    int error = query ? 0 : -EIO;
    int result = SQLITE_DONE;
    while (!error && (result = sqlite3_step(query)) == SQLITE_ROW) {
        struct containment containment;
        error = row_decode(query, &store_containment_shape, &containment);
        if (!error) {
            each(context, &containment, (uint64_t)sqlite3_column_int64(query, 2));
            containment_fini(&containment);
        }
    }
    if (!error && result != SQLITE_DONE) {
        log_error("store", "searching failed", LOG_S("why", sqlite3_errmsg(reader->db)));
        error = -EIO;
    }
    sqlite3_finalize(query);
    return error;
}

int
store_search_ended(struct store *store, const struct store_question *question, uint64_t *total,
                   uint64_t *before,
                   void (*each)(void *context, const struct containment *containment,
                                uint64_t number),
                   void *context)
{
    const struct reader *reader = store_reader(store);
    struct search search;
    *before = 0;
    search_begin(&search, question);
    int error = search_count(reader, &search, 0, total);
    if (!error && question->after > 0) {
        error = search_count(reader, &search, question->after, before);
    }
    if (!error && question->limit > 0 && *before < *total) {
        error = search_page(reader, &search, question, each, context);
    }
    search_end(&search);
    return error;
}
