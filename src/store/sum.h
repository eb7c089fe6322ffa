/* A checksum in each row's JSON, as its last member ("sum"): SQLite has none, and a bit that the
 * disk turned must not become another MAC.  Against accidents, not against people.  Rows of earlier
 * releases have none. */
#ifndef CORDON_STORE_SUM_H
#define CORDON_STORE_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define SUM_SIZE 26 /* of ,"sum":"0123456789abcdef" and the end */

/* Appends its sum to 'text', an object of 'size' bytes (NUL-terminated after), which has room for
 * SUM_SIZE more.  The new size. */
size_t sum_add(char *text, size_t size);
/* The same without its sum, in place; 'size' is the new length.  False: the sum is not that of the
 * text. */
bool sum_take(char *text, size_t *size) MUST_CHECK;
/* Of a setting, whose value is no JSON: in a column beside it, and of its name too. */
int64_t sum_of_setting(const char *name, const char *value);

#endif
