#include "base/csv.h"

#include <string.h>

#include "base/macros.h"

/* What spreadsheets take for the beginning of a formula; the wide forms in Japanese settings. */
static bool
begins_formula(const char *text)
{
    static const char *const begins[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (size_t i = 0; i < COUNT_OF(begins); i++) {
        if (strncmp(text, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* A formula behind any number of apostrophes, and of blanks, which some spreadsheets skip: one
 * apostrophe more is put before it, or taken away. */
static bool
is_guarded(const char *text)
{
    return begins_formula(text + strspn(text, "' "));
}

size_t
csv_cell(const char *text, char *out)
{
    char *at = out;
    bool is_bare = text[strcspn(text, ",;\t\"' ")] == '\0' && !is_guarded(text);
    if (is_bare) {
        memcpy(out, text, strlen(text) + 1);
        return strlen(text);
    }
    *at++ = '"';
    if (is_guarded(text)) {
        *at++ = '\'';
    }
    for (; *text; text++) {
        if (*text == '"') {
            *at++ = '"';
        }
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return (size_t)(at - out);
}

void
csv_begin(struct csv_reader *reader, const char *text, size_t size)
{
    static const char separators[] = {',', ';', '\t'};
    size_t most = 0;
    if (size >= 3 && memcmp(text, CSV_BOM, 3) == 0) {
        text += 3;
        size -= 3;
    }
    *reader = (struct csv_reader){.text = text, .left = size, .separator = ',', .line = 1};
    for (size_t i = 0; i < COUNT_OF(separators); i++) {
        size_t count = 0;
        for (size_t j = 0; j < size && text[j] != '\n' && text[j] != '\r'; j++) {
            count += text[j] == separators[i];
        }
        if (count > most) {
            most = count;
            reader->separator = separators[i];
        }
    }
}

static int
peek(const struct csv_reader *reader)
{
    return reader->left > 0 ? (unsigned char)reader->text[0] : -1;
}

static int
take(struct csv_reader *reader)
{
    int c = peek(reader);
    if (c >= 0) {
        reader->text++;
        reader->left--;
    }
    return c;
}

/* A line ends with LF, CR LF or CR. */
static bool
take_line_end(struct csv_reader *reader)
{
    int c = peek(reader);
    if (c != '\n' && c != '\r') {
        return false;
    }
    take(reader);
    if (c == '\r' && peek(reader) == '\n') {
        take(reader);
    }
    reader->line++;
    return true;
}

/* Where the record's next byte goes. */
struct put {
    struct csv_record *record;
    size_t used;
};

static void
put(struct put *to, int c)
{
    if (to->used >= CSV_RECORD_MAX) {
        to->record->why = "the record is too long";
        return;
    }
    bool is_control = c < 0x20 || c == 0x7f;
    to->record->room[to->used++] = is_control ? ' ' : (char)c;
}

/* From behind the opening quote to behind the closing one. */
static void
read_quoted(struct csv_reader *reader, struct put *to)
{
    for (;;) {
        if (take_line_end(reader)) {
            put(to, ' ');
            continue;
        }
        int c = take(reader);
        if (c == '"' && peek(reader) == '"') {
            put(to, take(reader));
        } else if (c == '"') {
            return;
        } else if (c < 0) {
            to->record->why = "a quote is not closed";
            return;
        } else {
            put(to, c);
        }
    }
}

static void
read_cell(struct csv_reader *reader, struct put *to)
{
    if (peek(reader) == '"') {
        take(reader);
        read_quoted(reader, to);
    }
    for (int c = peek(reader); c >= 0 && c != reader->separator && c != '\n' && c != '\r';
         c = peek(reader)) {
        put(to, take(reader));
    }
}

/* Spaces around it go, and the apostrophe before a formula. */
static const char *
finish_cell(char *cell)
{
    size_t size = strlen(cell);
    while (size > 0 && cell[size - 1] == ' ') {
        cell[--size] = '\0';
    }
    cell += strspn(cell, " ");
    return cell[0] == '\'' && is_guarded(cell) ? cell + 1 : cell;
}

bool
csv_next(struct csv_reader *reader, struct csv_record *record)
{
    while (take_line_end(reader)) {
    }
    if (reader->left == 0) {
        return false;
    }
    record->line = reader->line;
    record->count = 0;
    record->why = NULL;
    size_t used = 0; /* with a NUL behind each cell */
    for (bool more = true; more;) {
        struct put to = {.record = record, .used = used};
        read_cell(reader, &to);
        more = peek(reader) == reader->separator;
        if (more) {
            take(reader);
        }
        if (record->count == CSV_CELLS_MAX) {
            record->why = "the record has too many cells";
            continue;
        }
        record->room[to.used] = '\0';
        record->cells[record->count++] = finish_cell(&record->room[used]);
        used = to.used + 1;
    }
    (void)take_line_end(reader);
    return true;
}
