/* Desired states as values: copied, cut into frames, put together again, and coalesced. */
#ifndef CORDON_WIRE_DESIRED_SET_H
#define CORDON_WIRE_DESIRED_SET_H

#include <stdbool.h>

#include "wire/desired.h"

/* Deep copy; finish with wire_fini(WIRE_DESIRED, to). */
void desired_copy(struct wire_desired *to, const struct wire_desired *from);

/* How many frames it needs (see wire/desired.h); only a snapshot can have more than one. */
size_t desired_part_count(const struct wire_desired *desired);
/* Sends every part, borrowed from 'desired' (which may itself be one: then none is the last);
 * false: 'send' did not take one. */
bool desired_send(const struct wire_desired *desired,
                  bool (*send)(void *context, const struct wire_desired *part), void *context);
/* Appends a part to 'whole' (zeroed at first); a part of another generation begins again.
 * True: it was the last, 'whole' is complete. */
bool desired_collect(struct wire_desired *whole, const struct wire_desired *part);

/* 'into', then 'next', as one change in 'into'; false: they do not follow on each other and
 * nothing was changed. */
bool desired_merge(struct wire_desired *into, const struct wire_desired *next);

#endif
