/* Ids that sort by time and never repeat: 26 characters, 48 bits of milliseconds and 80 random
 * bits in Crockford base 32 (the ULID layout). */
#ifndef CORDON_BASE_ID_H
#define CORDON_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define ID_SIZE 27 /* with the NUL */

void id_make(int64_t wall_us, char id[ID_SIZE]);
/* True where the text has exactly that form. */
bool id_is_valid(const char *text);

#endif
