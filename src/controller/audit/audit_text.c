#include "controller/audit/audit_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/mem.h"
#include "base/utf8.h"

void
audit_text_free(struct audit_text *text)
{
    free(text->bytes);
    *text = (struct audit_text){.bytes = NULL};
}

static void
put_bytes(struct audit_text *text, const char *bytes, size_t size)
{
    if (text->used + size + 1 > text->room) {
        text->room = (text->used + size + 1) * 2;
        text->bytes = mem_resize(text->bytes, text->room, 1);
    }
    memcpy(text->bytes + text->used, bytes, size);
    text->used += size;
    text->bytes[text->used] = '\0';
}

static void put(struct audit_text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* Short things of ours: at most 255 bytes. */
static void
put(struct audit_text *text, const char *format, ...)
{
    char line[256];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    put_bytes(text, line, size > 0 && size < (int)sizeof(line) ? (size_t)size : 0);
}

/* Each character of 'special' with a backslash before it. */
static void
put_marked(struct audit_text *text, const char *from, const char *special)
{
    for (; *from; from++) {
        if (strchr(special, *from)) {
            put_bytes(text, "\\", 1);
        }
        put_bytes(text, from, 1);
    }
}

static void
put_cell(struct audit_text *text, const char *value)
{
    char *cell = mem_new(CSV_CELL_ROOM(strlen(value)), 1);
    put(text, ",");
    put_bytes(text, cell, csv_cell(value, cell));
    free(cell);
}

static void
row_csv(struct audit_text *text, const struct audit_fields *row, const char *at, const char *hash)
{
    put(text, "%" PRId64 ",%s", row->number, at);
    put_cell(text, row->account);
    put_cell(text, row->action);
    put_cell(text, row->object);
    put_cell(text, row->detail);
    put(text, ",%s\r\n", hash);
}

static void
put_extension(struct audit_text *text, const char *key, const char *value)
{
    put(text, " %s=", key);
    put_marked(text, value, "\\=");
}

/* ArcSight's Common Event Format: in the head '|' is marked, in the extension '='. */
static void
row_cef(struct audit_text *text, const struct audit_fields *row, const char *hash)
{
    put(text, "CEF:0|Cordon|cordond|%.40s|", CORDON_VERSION);
    put_marked(text, row->action, "\\|");
    put(text, "|");
    put_marked(text, row->action, "\\|");
    put(text, "|3|rt=%" PRId64 " externalId=%" PRId64, row->at_us / 1000, row->number);
    put_extension(text, "suser", row->account);
    put_extension(text, "act", row->action);
    put(text, " cs1Label=object");
    put_extension(text, "cs1", row->object);
    put_extension(text, "msg", row->detail);
    put(text, " cs2Label=hash cs2=%s\n", hash);
}

static void
row_json(struct audit_text *text, const struct store_audit_row *row, const char *at,
         const char *hash)
{
    char before[AUDIT_HEX_SIZE];
    const struct audit_fields *fields = &row->fields;
    cJSON *json = cJSON_CreateObject();
    audit_hash_format(row->before, before);
    cJSON_AddNumberToObject(json, "number", (double)fields->number);
    cJSON_AddStringToObject(json, "at", at);
    cJSON_AddStringToObject(json, "account", fields->account);
    cJSON_AddStringToObject(json, "action", fields->action);
    cJSON_AddStringToObject(json, "object", fields->object);
    cJSON_AddStringToObject(json, "detail", fields->detail);
    cJSON_AddStringToObject(json, "before", before);
    cJSON_AddStringToObject(json, "hash", hash);
    char *line = cJSON_PrintUnformatted(json);
    if (line) {
        put_bytes(text, line, strlen(line));
        put_bytes(text, "\n", 1);
    }
    cJSON_free(line);
    cJSON_Delete(json);
}

void
audit_text_begin(struct audit_text *text, enum audit_format format, const char *anchor)
{
    if (format == AUDIT_JSON && anchor) {
        put(text, "{\"pruned\":\"");
        put_bytes(text, anchor, strlen(anchor)); /* of its own alphabet: nothing to mark */
        put(text, "\"}\n");
    }
    if (format == AUDIT_CSV) {
        /* with a byte order mark: spreadsheets take it for UTF-8 then, and Japanese is readable */
        put(text, "\xef\xbb\xbf"
                  "number,at,account,action,object,detail,hash\r\n");
    }
}

/* Rows that somebody wrote into the database by other means may hold anything: what is read here
 * goes out as plain text. */
void
audit_text_row(struct audit_text *text, enum audit_format format, const struct store_audit_row *row)
{
    char at[TIME_TEXT_SIZE];
    char hash[AUDIT_HEX_SIZE];
    const char *const texts[] = {row->fields.account, row->fields.action, row->fields.object,
                                 row->fields.detail};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        utf8_make_plain((char *)texts[i], strlen(texts[i])); /* the page's own copies */
    }
    time_format(row->fields.at_us, at);
    audit_hash_format(row->hash, hash);
    switch (format) {
    case AUDIT_CSV:
        row_csv(text, &row->fields, at, hash);
        break;
    case AUDIT_CEF:
        row_cef(text, &row->fields, hash);
        break;
    case AUDIT_JSON:
    case AUDIT_FORMAT_COUNT:
        row_json(text, row, at, hash);
        break;
    }
}

void
audit_text_end(struct audit_text *text, enum audit_format format, uint64_t rows,
               int64_t newest_number, const uint8_t newest[AUDIT_HASH_SIZE], bool is_whole)
{
    char hash[AUDIT_HEX_SIZE];
    audit_hash_format(newest, hash);
    if (format == AUDIT_JSON) {
        put(text,
            "{\"rows\":%" PRIu64 ",\"newest_number\":%" PRId64 ",\"newest\":\"%s\","
            "\"whole\":%s}\n",
            rows, newest_number, hash, is_whole ? "true" : "false");
    }
}
