#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/width.h"

struct table {
    size_t column_count;
    char **cells; /* headings first */
    size_t row_count, room;
    size_t widths[TABLE_COLUMNS_MAX];
};

/* What others wrote (host names, reasons) must not drive the terminal. */
static char *
plain_copy(const char *text)
{
    char *copy = mem_strdup(text && text[0] ? text : "-");
    for (char *at = copy; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool is_c1 = c == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
        if (c < 0x20 || c == 0x7f) {
            *at = '?';
        } else if (is_c1) {
            *at = '?';
            at[1] = '?';
        }
    }
    return copy;
}

static void
add_row(struct table *table, const char *const *cells)
{
    if (table->row_count == table->room) {
        table->room = table->room ? table->room * 2 : 16;
        table->cells = mem_resize(table->cells, table->room * table->column_count, sizeof(char *));
    }
    for (size_t i = 0; i < table->column_count; i++) {
        char *cell = plain_copy(cells[i]);
        size_t width = width_text(cell);
        table->cells[table->row_count * table->column_count + i] = cell;
        table->widths[i] = width > table->widths[i] ? width : table->widths[i];
    }
    table->row_count++;
}

struct table *
table_new(size_t column_count, const char *const *headings)
{
    struct table *table = MEM_NEW(struct table);
    table->column_count = column_count;
    add_row(table, headings);
    return table;
}

void
table_free(struct table *table)
{
    for (size_t i = 0; table && i < table->row_count * table->column_count; i++) {
        free(table->cells[i]);
    }
    if (table) {
        free(table->cells);
        free(table);
    }
}

void
table_add(struct table *table, const char *const *cells)
{
    add_row(table, cells);
}

void
table_print(const struct table *table, FILE *out, bool bold)
{
    for (size_t row = 0; row < table->row_count; row++) {
        fputs(bold && row == 0 ? "\033[1m" : "", out);
        for (size_t i = 0; i < table->column_count; i++) {
            const char *cell = table->cells[row * table->column_count + i];
            size_t pad = table->widths[i] - width_text(cell) + 2;
            bool is_last = i + 1 == table->column_count;
            fprintf(out, "%s%*s", cell, is_last ? 0 : (int)pad, "");
        }
        fputs(bold && row == 0 ? "\033[0m\n" : "\n", out);
    }
}

size_t
table_rows(const struct table *table)
{
    return table->row_count - 1;
}
