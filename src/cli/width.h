/* How many terminal columns a text takes: East Asian wide characters take two, combining marks none
 * (Unicode TR 11, the ranges that matter).  Not wcwidth(): that depends on the locale, and gives -1
 * for everything beyond ASCII in "C". */
#ifndef CORDON_CLI_WIDTH_H
#define CORDON_CLI_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* Of one code point: 0, 1 or 2. */
unsigned width_of(uint32_t code);
/* The code point at 'text' and its size in bytes; a broken byte is U+FFFD, 1 byte.  At the NUL: 0
 * and 0 bytes. */
uint32_t width_next(const char *text, size_t *size);
size_t width_text(const char *text);
/* Bytes of the longest beginning that takes at most 'columns'. */
size_t width_cut(const char *text, size_t columns);

#endif
