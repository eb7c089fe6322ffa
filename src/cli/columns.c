#include "cli/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/table.h"
#include "cli/width.h"

#define CELL_SIZE 2048

const cJSON *
columns_at(const cJSON *json, const char *path)
{
    char name[64];
    while (json && *path) {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        json = cJSON_GetObjectItemCaseSensitive(json, name);
        path += size + (path[size] == '.');
    }
    return json;
}

static void
put(char cell[CELL_SIZE], const char *text)
{
    size_t used = strlen(cell);
    snprintf(cell + used, CELL_SIZE - used, "%s", text);
}

static void
put_value(char cell[CELL_SIZE], const cJSON *value)
{
    char number[32];
    const cJSON *each;
    if (cJSON_IsString(value)) {
        put(cell, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof(number), "%.0f", value->valuedouble);
        put(cell, number);
    } else if (cJSON_IsBool(value)) {
        put(cell, cJSON_IsTrue(value) ? "yes" : "no");
    } else if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(each, value)
        {
            put(cell, each == value->child ? "" : ", ");
            put_value(cell, each);
        }
    }
}

static void
put_time(char cell[CELL_SIZE], const cJSON *value, bool exact)
{
    int64_t at_us;
    char text[64];
    char fraction[16] = "";
    if (!cJSON_IsString(value) || time_parse(value->valuestring, &at_us) != 0) {
        return;
    }
    time_t seconds = (time_t)(at_us / 1000000);
    struct tm local;
    if (!localtime_r(&seconds, &local)) {
        return;
    }
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
    if (exact) {
        snprintf(fraction, sizeof(fraction), ".%03d", (int)(at_us / 1000 % 1000));
    }
    put(cell, text);
    put(cell, fraction);
}

/* The first of these that the item has. */
static void
put_first(char cell[CELL_SIZE], const cJSON *item, const char *const *paths)
{
    for (size_t i = 0; paths[i] && !cell[0]; i++) {
        put_value(cell, columns_at(item, paths[i]));
    }
}

char *
columns_cell(const cJSON *item, const struct column *column)
{
    static const char *const who[] = {"host_name", "mac", "macs", "ip", "endpoint_id", NULL};
    static const char *const server[] = {"server_name", "server", NULL};
    const cJSON *value = columns_at(item, column->path);
    char cell[CELL_SIZE] = "";
    char number[32];
    switch (column->kind) {
    case COLUMN_TEXT:
    case COLUMN_RARE:
        put_value(cell, value);
        break;
    case COLUMN_TIME:
    case COLUMN_EXACT:
        put_time(cell, value, column->kind == COLUMN_EXACT);
        break;
    case COLUMN_MS:
        if (cJSON_IsNumber(value)) {
            snprintf(number, sizeof(number), "%.3f", value->valuedouble / 1000);
            put(cell, number);
        }
        break;
    case COLUMN_PLACE:
        put_value(cell, columns_at(value, "switch"));
        put(cell, cell[0] ? "/" : "");
        put_value(cell, columns_at(value, "port"));
        break;
    case COLUMN_WHO:
        put_first(cell, value, who);
        break;
    case COLUMN_SERVER:
        put_first(cell, value, server);
        break;
    }
    return mem_strdup(cell);
}

static bool
any_has(const cJSON *items, const struct column *column)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (columns_at(item, column->path)) {
            return true;
        }
    }
    return false;
}

void
columns_print(const struct run *run, const cJSON *items, const struct column *columns, size_t count)
{
    const char *headings[TABLE_COLUMNS_MAX];
    const char *row[TABLE_COLUMNS_MAX];
    char *cells[TABLE_COLUMNS_MAX];
    struct column shown[TABLE_COLUMNS_MAX];
    const cJSON *item;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (columns[i].kind == COLUMN_RARE && !any_has(items, &columns[i])) {
            continue;
        }
        shown[kept] = columns[i];
        headings[kept++] = run_text(run, columns[i].heading);
    }
    struct table *table = table_new(kept, headings);
    cJSON_ArrayForEach(item, items)
    {
        for (size_t i = 0; i < kept; i++) {
            cells[i] = columns_cell(item, &shown[i]);
            row[i] = cells[i];
        }
        table_add(table, row);
        for (size_t i = 0; i < kept; i++) {
            free(cells[i]);
        }
    }
    if (table_rows(table) > 0) {
        table_print(table, stdout, run->is_terminal);
    } else {
        puts(run_text(run, "nothing to show"));
    }
    table_free(table);
}

int
columns_list(struct run *run, const char *path, const struct column *columns, size_t count)
{
    int code = EXIT_GOOD;
    cJSON *items = run_list(run, path, &code);
    if (items && run->options.json) {
        run_print_json(items);
    } else if (items) {
        columns_print(run, items, columns, count);
    }
    cJSON_Delete(items);
    return code;
}

void
columns_print_object(const struct run *run, const cJSON *item, const struct column *columns,
                     size_t count)
{
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t width = width_text(run_text(run, columns[i].heading));
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < count; i++) {
        const char *heading = run_text(run, columns[i].heading);
        char *cell = columns_cell(item, &columns[i]);
        if (cell[0]) {
            for (char *at = cell; *at; at++) {
                *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
            }
            printf("%s%*s  %s\n", heading, (int)(widest - width_text(heading)), "", cell);
        }
        free(cell);
    }
}
