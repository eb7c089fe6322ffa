/* The audit as a file for others: JSON lines that can be verified, CSV for spreadsheets, CEF for
 * SIEMs.  Pure.  What people and attackers wrote stays text in each of them: a spreadsheet computes
 * no cell, and no line is two. */
#ifndef CORDON_CONTROLLER_AUDIT_TEXT_H
#define CORDON_CONTROLLER_AUDIT_TEXT_H

#include <stddef.h>

#include "store/store.h"
#include "wire/op.h"

/* Owned text that grows by what it is given: bounded by the rows of one page. */
struct audit_text {
    char *bytes; /* owned; NUL-terminated */
    size_t used, room;
};
void audit_text_free(struct audit_text *text);

/* What stands before the first row; 'anchor' is the signed line behind which it begins (JSON:
 * whoever checks the file must know), or NULL. */
void audit_text_begin(struct audit_text *text, enum audit_format format, const char *anchor);
void audit_text_row(struct audit_text *text, enum audit_format format,
                    const struct store_audit_row *row);
/* What stands behind the last of 'rows' rows.  'is_whole': nothing was left out. */
void audit_text_end(struct audit_text *text, enum audit_format format, uint64_t rows,
                    int64_t newest_number, const uint8_t newest[AUDIT_HASH_SIZE], bool is_whole);

#endif
