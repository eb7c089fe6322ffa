/* Tables for people: columns as wide as their content, no colour where the output is no terminal,
 * control characters of others shown as '?'. */
#ifndef CORDON_CLI_TABLE_H
#define CORDON_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

struct table;

struct table *table_new(size_t column_count, const char *const *headings);
void table_free(struct table *table);
/* Adds a row; cells are copied; NULL is shown as "-". */
void table_add(struct table *table, const char *const *cells);
/* 'bold' marks the headings (a terminal). */
void table_print(const struct table *table, FILE *out, bool bold);
size_t table_rows(const struct table *table);

#endif
