/* Time zones: what clocks on the wall show, from the machine's zone files (TZif, RFC 8536).  Read
 * here and not by tzset(), which knows one zone per process.  Pure, but for zone_load(). */
#ifndef CORDON_BASE_ZONE_H
#define CORDON_BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct zone;

/* "Asia/Tokyo", from the machine's zone files; "": the machine's own zone, or UTC where it has
 * none.  0; -EINVAL: no name of a zone; -ENOENT: the machine does not know it; -EBADMSG: its file
 * cannot be understood. */
int zone_load(const char *name, struct zone **zone) MUST_CHECK;
/* The bytes of a zone file; 0 or -EBADMSG. */
int zone_parse(const void *bytes, size_t size, struct zone **zone) MUST_CHECK;
void zone_free(struct zone *zone);
/* Seconds east of UTC at that time (seconds since 1970). */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_s);
/* When do clocks there show that (seconds since 1970 as if it were UTC)?  The first time where they
 * show it twice; where they never do, as if the clocks had not been put forward yet. */
int64_t zone_to_utc_s(const struct zone *zone, int64_t shown_s);

/* The day since 1970 of a date, by the Gregorian calendar; month from 1. */
int64_t day_of_date(int64_t year, int month, int day);

#endif
