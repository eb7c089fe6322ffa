/* Picks what is wanted of one JSON object (RFC 8259), in one pass, without a tree and without
 * memory of its own: the rest is looked at only as far as it takes to know that the whole is JSON.
 * Made for lines that strangers write by the thousand.
 *
 * Refused: what is not exactly one object, more than PICK_DEPTH_MAX levels, a NUL (also one that is
 * escaped), half a surrogate pair, numbers of more than PICK_NUMBER_MAX characters.  Texts may hold
 * control characters and broken UTF-8; who shows them makes them plain (line_put).
 * Of members with one name the first counts. */
#ifndef CORDON_INTAKE_PICK_H
#define CORDON_INTAKE_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define PICK_DEPTH_MAX 16
#define PICK_NUMBER_MAX 62

enum pick_kind { PICK_ABSENT, PICK_TEXT, PICK_NUMBER, PICK_OBJECT, PICK_ARRAY, PICK_WORD };

/* One value, where it stands in the text: of a text what is between the quotes. */
struct pick {
    const char *at; /* borrowed */
    uint32_t size;
    enum pick_kind kind;
    bool has_escapes;
};

/* What is wanted of an object: its members by name, each with the place of its pick. */
struct pick_wants;
struct pick_want {
    const char *name;
    uint8_t size;                    /* of the name */
    uint8_t to;                      /* index of its pick */
    const struct pick_wants *inside; /* what is wanted of it where it is an object; NULL: nothing */
};
struct pick_wants {
    const struct pick_want *wants;
    size_t count;
};
#define PICK_WANT(name_, to_, inside_)                                                             \
    {                                                                                              \
        .name = (name_), .size = sizeof(name_) - 1, .to = (to_), .inside = (inside_)               \
    }
#define PICK_WANTS(table)                                                                          \
    {                                                                                              \
        .wants = (table), .count = COUNT_OF(table)                                                 \
    }

/* 'picks' has a place for each index in 'wants', all zero before.  False: refused, as above; what
 * is in 'picks' then means nothing. */
bool pick_object(const char *text, size_t size, const struct pick_wants *wants,
                 struct pick *picks) MUST_CHECK;
/* The first item of an array (absent: it has none), or the value itself. */
struct pick pick_first(const struct pick *value);
/* The item behind 'item' in 'array' (an absent one: the first); absent: there is none. */
struct pick pick_next(const struct pick *array, const struct pick *item);
/* Its bytes without escapes, cut to 'room' - 1, and NUL-terminated; "" of what is no text.  Returns
 * how many it has in all. */
size_t pick_text(const struct pick *value, char *to, size_t room);
/* 0 of what is no number. */
double pick_number(const struct pick *value);
/* Is it that text? */
bool pick_is(const struct pick *value, const char *text);

#endif
