/* What the server says, recognised.  Cordon's sentences are English wherever they are made, stored
 * and sent; one table knows each of them as a code, with its places for values, and in Japanese.
 * Whoever shows a sentence (the API beside its text, cordonctl, the console by way of the OpenAPI
 * document) asks here.  A sentence that is not in the table stays the English text that it is.
 *
 * A template's places:  {1} a text; {1!} a name without blanks; {2#} a whole number; {3@} a time
 * (RFC 3339); {4s} a length of time ("90 s"); {5~} a text that may be sentences itself;
 * {6:word.phase.} a sentence whose code begins so. */
#ifndef CORDON_WIRE_SAID_H
#define CORDON_WIRE_SAID_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/macros.h"
#include "wire/reader.h"

struct said {
    const char *code, *english, *japanese; /* templates of the same places */
};
#define SAID_VALUES_MAX 6
/* Not in the table: the values are sentences that stand one after the other ("a; b"). */
#define SAID_LIST "list"
#define SAID_LIST_MAX 16

/* Every row, in the order in which they are tried; NULL: no more. */
const struct said *said_at(size_t index);
/* {"code": CODE, "values": [text or the like of this, ...]}; NULL: none of ours.  'only': its code
 * begins so; "": a whole sentence (no code "word.").  The caller owns it.  The work is bounded,
 * whatever the text. */
cJSON *said_of(const char *text, const char *only);
/* For many texts: the rows by the byte with which their English begins.  Never NULL. */
struct said_index;
struct said_index *said_index_new(void);
void said_index_free(struct said_index *index);
/* As said_of(). */
cJSON *said_find(const struct said_index *index, const char *text, const char *only);
/* Puts what is known of the texts of 'json', an object of that shape (codec.h), next to them.  A
 * text that an attacker made costs up to a millisecond: web does this, never core, whose loop
 * contains. */
struct shape;
void said_add(const struct shape *shape, cJSON *json);
/* The same for each item of a list: a text that many of them have is looked for once. */
void said_add_each(const struct shape *shape, cJSON *items);
/* Words what said_of() gave, with times and lengths of time as the reader has them; what does not
 * fit is cut between characters.  False: 'said' is none. */
bool said_in_words(const cJSON *said, enum reader_language language, char *out, size_t size);

#endif
