/* Which lines core has stored lately, by their ids: one that comes again is recognised before
 * anything else is done with it.  Only what is on disk gets in, so it needs no second
 * acknowledgement. The oldest make room; what is not known here any more, core knows. */
#ifndef CORDON_INTAKE_KNOWN_H
#define CORDON_INTAKE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_ID_SIZE 16 /* bytes of a line's id, see line.h */

struct known_lines;

struct known_lines *known_new(size_t limit);
void known_free(struct known_lines *known);
bool known_has(const struct known_lines *known, const uint8_t id[LINE_ID_SIZE]);
void known_add(struct known_lines *known, const uint8_t id[LINE_ID_SIZE]);

#endif
