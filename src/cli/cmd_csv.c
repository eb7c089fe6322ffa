/* endpoints export FILE, endpoints import FILE: an inventory as a CSV file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/columns.h"
#include "cli/commands.h"

#define BATCH_ROWS 500
#define BATCH_BYTES (192 * 1024)
#define FILE_MAX (64 * 1024 * 1024)

/* How far a long run is, where somebody looks. */
static void
progress(size_t count, bool is_end)
{
    if (isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%zu%s", count, is_end ? "\n" : "");
    }
}

static size_t
lines_in(const char *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

static int
export_to(struct run *run, FILE *file)
{
    char cursor[sizeof(((struct client_answer *)0)->next)] = "";
    size_t rows = 0;
    int code;
    do {
        struct client_answer answer;
        char path[512];
        char *escaped = client_escape(cursor);
        snprintf(path, sizeof(path), API "/endpoints.csv?limit=%d%s%s%s", BATCH_ROWS,
                 cursor[0] ? "&cursor=" : "", escaped, run->options.bom ? "&bom=true" : "");
        free(escaped);
        code = run_ask(run, path, NULL, &answer);
        snprintf(cursor, sizeof(cursor), "%s", code == EXIT_GOOD ? answer.next : "");
        if (code == EXIT_GOOD && fwrite(answer.bytes, 1, answer.size, file) != answer.size) {
            code = EXIT_REFUSED;
        }
        rows += code == EXIT_GOOD ? lines_in(answer.bytes, answer.size) : 0;
        client_answer_fini(&answer);
        progress(rows, cursor[0] == '\0');
    } while (code == EXIT_GOOD && cursor[0]);
    return code;
}

int
cmd_export(struct run *run, char **words, int count)
{
    bool is_out = strcmp(words[0], "-") == 0;
    FILE *file = is_out ? stdout : fopen(words[0], "we");
    (void)count;
    if (!file) {
        fprintf(stderr, "cordonctl: %s: %s\n", words[0], strerror(errno));
        return EXIT_USAGE;
    }
    int code = export_to(run, file);
    bool is_written = !ferror(file);
    is_written = (is_out ? fflush(file) : fclose(file)) == 0 && is_written;
    if (!is_written) {
        fprintf(stderr, "cordonctl: %s cannot be written\n", words[0]);
        return EXIT_REFUSED;
    }
    return code;
}

static const char *const column_names[] = {"mac", "class", "tags", "note", "owner", "owner_email"};

/* One import: which cell of a record is which column, and what became of the rows. */
struct import {
    struct run *run;
    int at[COUNT_OF(column_names)]; /* -1: the file has no such column */
    cJSON *rows;
    size_t row_count, bytes;
    size_t done;
    cJSON *told; /* all rows that were refused; with --json all of them */
    size_t counts[4];
};
static const char *const count_names[] = {"created", "changed", "unchanged", "refused"};

/* False: told already. */
static bool
read_header(struct import *import, const struct csv_record *record)
{
    for (size_t i = 0; i < COUNT_OF(column_names); i++) {
        import->at[i] = -1;
    }
    for (size_t cell = 0; cell < record->count; cell++) {
        for (size_t i = 0; i < COUNT_OF(column_names); i++) {
            if (strcasecmp(record->cells[cell], column_names[i]) == 0) {
                import->at[i] = (int)cell;
            }
        }
    }
    size_t known = 0;
    for (size_t i = 1; i < COUNT_OF(column_names); i++) {
        known += import->at[i] >= 0;
    }
    if (record->why || import->at[0] < 0 || known == 0) {
        fprintf(stderr, "cordonctl: the first line must name the columns: mac and one or more of "
                        "class, tags, note, owner, owner_email\n");
        return false;
    }
    return true;
}

static void
tell(struct import *import, const cJSON *row)
{
    const char *result = cJSON_GetStringValue(columns_at(row, "result"));
    for (size_t i = 0; result && i < COUNT_OF(count_names); i++) {
        import->counts[i] += strcmp(result, count_names[i]) == 0;
    }
    if (import->run->options.json || (result && strcmp(result, "refused") == 0)) {
        cJSON_AddItemToArray(import->told, cJSON_Duplicate(row, true));
    }
}

static void
refuse(struct import *import, const struct csv_record *record, const char *why)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddNumberToObject(row, "line", (double)record->line);
    cJSON_AddStringToObject(row, "result", "refused");
    cJSON_AddStringToObject(row, "why", why);
    tell(import, row);
    cJSON_Delete(row);
    import->done++;
}

static int
send_rows(struct import *import)
{
    struct client_answer answer;
    const cJSON *row;
    cJSON *body = cJSON_CreateObject();
    cJSON *columns = cJSON_AddArrayToObject(body, "columns");
    for (size_t i = 1; i < COUNT_OF(column_names); i++) {
        if (import->at[i] >= 0) {
            cJSON_AddItemToArray(columns, cJSON_CreateString(column_names[i]));
        }
    }
    cJSON_AddBoolToObject(body, "dry_run", import->run->options.dry_run);
    cJSON_AddItemToObject(body, "rows", import->rows);
    int code = run_ask(import->run, API "/endpoints/import", body, &answer);
    cJSON_ArrayForEach(row, columns_at(answer.json, "rows"))
    {
        tell(import, row);
    }
    import->done += import->row_count;
    progress(import->done, false);
    cJSON_Delete(body);
    client_answer_fini(&answer);
    import->rows = cJSON_CreateArray();
    import->row_count = import->bytes = 0;
    return code;
}

static void
add_row(struct import *import, const struct csv_record *record)
{
    const size_t most[] = {255, 255, 1023, 1023, 255, 1023}; /* as the API takes */
    bool is_empty = true;
    cJSON *row = cJSON_CreateObject();
    const char *why = record->why;
    cJSON_AddNumberToObject(row, "line", (double)record->line);
    for (size_t i = 0; i < COUNT_OF(column_names); i++) {
        bool is_there = import->at[i] >= 0 && (size_t)import->at[i] < record->count;
        const char *cell = is_there ? record->cells[import->at[i]] : "";
        why = !why && strlen(cell) > most[i]               ? "a cell is too long"
              : !why && !utf8_is_plain(cell, strlen(cell)) ? "not UTF-8: save the file as CSV UTF-8"
                                                           : why;
        is_empty = is_empty && cell[0] == '\0';
        import->bytes += strlen(cell) + 32;
        cJSON_AddStringToObject(row, column_names[i], why ? "" : cell);
    }
    if (why || is_empty) {
        if (why) {
            refuse(import, record, why);
        }
        cJSON_Delete(row);
        return;
    }
    cJSON_AddItemToArray(import->rows, row);
    import->row_count++;
}

static int
import_text(struct import *import, const char *text, size_t size)
{
    struct csv_reader reader;
    struct csv_record *record = MEM_NEW(struct csv_record);
    int code = EXIT_GOOD;
    csv_begin(&reader, text, size);
    if (!csv_next(&reader, record) || !read_header(import, record)) {
        free(record);
        return EXIT_USAGE;
    }
    while (code == EXIT_GOOD && csv_next(&reader, record)) {
        add_row(import, record);
        if (import->row_count == BATCH_ROWS || import->bytes > BATCH_BYTES) {
            code = send_rows(import);
        }
    }
    if (code == EXIT_GOOD && import->row_count > 0) {
        code = send_rows(import);
    }
    progress(import->done, true);
    free(record);
    return code;
}

static void
print_import(const struct import *import)
{
    static const struct column columns[] = {
        {"LINE", "line", COLUMN_TEXT},
        {"MAC", "mac", COLUMN_TEXT},
        {"WHY", "why", COLUMN_TEXT},
    };
    if (import->run->options.json) {
        run_print_json(import->told);
        return;
    }
    if (import->told->child) {
        columns_print(import->run, import->told, columns, COUNT_OF(columns));
    }
    for (size_t i = 0; i < COUNT_OF(count_names); i++) {
        printf("%s%s %zu", i ? ", " : "", run_text(import->run, count_names[i]), import->counts[i]);
    }
    printf("%s\n", import->run->options.dry_run ? run_text(import->run, " (dry run)") : "");
}

int
cmd_import(struct run *run, char **words, int count)
{
    char *text = NULL;
    size_t size = 0;
    const char *path = strcmp(words[0], "-") == 0 ? "/dev/stdin" : words[0];
    (void)count;
    int error = file_read(path, FILE_MAX, &text, &size);
    if (error) {
        fprintf(stderr, "cordonctl: %s: %s\n", words[0], strerror(-error));
        return EXIT_USAGE;
    }
    struct import import = {.run = run, .rows = cJSON_CreateArray(), .told = cJSON_CreateArray()};
    int code = import_text(&import, text, size);
    if (code != EXIT_USAGE) {
        print_import(&import);
    }
    bool is_refused = import.counts[3] > 0;
    cJSON_Delete(import.rows);
    cJSON_Delete(import.told);
    free(text);
    return code == EXIT_GOOD && is_refused ? EXIT_REFUSED : code;
}
