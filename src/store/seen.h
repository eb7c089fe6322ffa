/* Which detections may be stored already, kept in memory: of one that comes for the first time, as
 * nearly all do, the database need not be asked.  A Bloom filter (Bloom, 1970): it never says no of
 * one that is stored, and now and then "perhaps" of one that is not.  Loop thread.
 *
 * After a start it is filled from the database a few rows at a time; until then it says "perhaps"
 * of all.  What was dropped from the database stays in it: once too much was added it begins anew.
 */
#ifndef CORDON_STORE_SEEN_H
#define CORDON_STORE_SEEN_H

#include <stdbool.h>

#include <event2/event.h>

#include "store/reader.h"

struct seen;

/* 'reader' is borrowed as long as it lives.  NULL: no memory for its event. */
struct seen *seen_new(struct event_base *base, struct reader *reader);
void seen_free(struct seen *seen);
/* Before its commit: an id that is not stored after all does no harm here. */
void seen_add(struct seen *seen, const char *id);
bool seen_may_have(const struct seen *seen, const char *id);
/* Everything that is stored is in it. */
bool seen_is_whole(const struct seen *seen);

#endif
