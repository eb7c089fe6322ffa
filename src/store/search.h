/* What searches for a part of a text share (search.c, audit_query.c). */
#ifndef CORDON_STORE_SEARCH_H
#define CORDON_STORE_SEARCH_H

#include <stdbool.h>

/* Too short for an index of threes of characters: all texts must be read. */
bool search_is_short(const char *text);
/* As a string of FTS5's query language, or as a LIKE pattern (ESCAPE '\'); the caller frees it. */
char *search_quote_match(const char *text);
char *search_quote_like(const char *text);

#endif
