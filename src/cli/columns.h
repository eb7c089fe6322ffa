/* Tables from the API's JSON: each column says where in an item its value is and how it is
 * shown. */
#ifndef CORDON_CLI_COLUMNS_H
#define CORDON_CLI_COLUMNS_H

#include <cjson/cJSON.h>

#include "cli/run.h"

enum column_kind {
    COLUMN_TEXT,   /* texts, numbers, yes/no; lists joined with commas */
    COLUMN_RARE,   /* a text; no column where no row has one */
    COLUMN_TIME,   /* RFC 3339 -> local time to the second */
    COLUMN_EXACT,  /* with milliseconds */
    COLUMN_MS,     /* microseconds -> milliseconds */
    COLUMN_PLACE,  /* a location: switch/port */
    COLUMN_WHO,    /* host name, or MAC, or address, or endpoint id */
    COLUMN_SERVER, /* server name or address */
};

struct column {
    const char *heading; /* English; the catalogue's key */
    const char *path;    /* "location.vlan"; "" the item itself */
    enum column_kind kind;
};

/* The value at a dotted path; NULL: none. */
const cJSON *columns_at(const cJSON *json, const char *path);
/* One cell; freed with free(). */
char *columns_cell(const cJSON *item, const struct column *column);
/* A table of all items to stdout; says so where there is none. */
void columns_print(const struct run *run, const cJSON *items, const struct column *columns,
                   size_t count);
/* All pages of the list at 'path': for programs with --json, else a table.  The exit status. */
int columns_list(struct run *run, const char *path, const struct column *columns, size_t count);
/* "Heading: value" lines of one object; empty ones are left out. */
void columns_print_object(const struct run *run, const cJSON *item, const struct column *columns,
                          size_t count);

#endif
