/* CSV (RFC 4180) as spreadsheets write and read it: cells with quotes, the separator that the first
 * line shows, a byte-order mark.  Reading is pure: text in, cells out; any text is taken.
 *
 * What is written runs no formula: a cell that a spreadsheet would take for one gets an apostrophe
 * before it, and reading takes that away again, so that what was written comes back. */
#ifndef CORDON_BASE_CSV_H
#define CORDON_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#define CSV_CELLS_MAX 64
#define CSV_RECORD_MAX 16384 /* bytes of one record's cells */
#define CSV_BOM "\xef\xbb\xbf"

struct csv_reader {
    const char *text; /* borrowed */
    size_t left;
    char separator; /* ',', ';' or a tab: which stands most often in the first line */
    size_t line;    /* of the next record, from 1 */
};

struct csv_record {
    size_t line; /* where it begins */
    size_t count;
    const char *cells[CSV_CELLS_MAX]; /* in 'room'; control characters are spaces */
    char room[CSV_RECORD_MAX + CSV_CELLS_MAX];
    const char *why; /* it cannot be used: what is wrong; NULL: good */
};

void csv_begin(struct csv_reader *reader, const char *text, size_t size);
/* False: there is none any more.  Empty lines are passed over. */
bool csv_next(struct csv_reader *reader, struct csv_record *record);

/* The most that csv_cell writes of a text of 'size' bytes. */
#define CSV_CELL_ROOM(size) (2 * (size) + 4)
/* Writes 'text' as one cell, and a NUL; returns the bytes without that. */
size_t csv_cell(const char *text, char *out);

#endif
