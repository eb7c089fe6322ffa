/* UTF-8 (RFC 3629) that people will see: without control characters. */
#ifndef CORDON_BASE_UTF8_H
#define CORDON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at 'p', or 0: there is none.  'left' > 0. */
size_t utf8_size(const char *p, size_t left);
/* Well formed, and without control characters? */
bool utf8_is_plain(const char *text, size_t size);
/* Puts '?' for each byte that keeps it from being plain, and of what breaks lines or turns the
 * direction of writing (U+2028 to 202E, U+2066 to 2069): a text must not read as another one. */
void utf8_make_plain(char *text, size_t size);
/* How many bytes at the start are a good text of several lines: plain, or a tab or line end, and
 * nothing that turns the direction of writing (what is read is what is meant).  'size': all are. */
size_t utf8_lines_size(const char *text, size_t size);

#endif
