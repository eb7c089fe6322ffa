/* The same frame mirrored twice (at two ports, or in both directions): recognised by what does not
 * change on the way, within a few milliseconds.  Constant memory; forgets by being overwritten. */
#ifndef CORDON_SENSOR_DUPLICATES_H
#define CORDON_SENSOR_DUPLICATES_H

#include "sensor/decode.h"

#define DUPLICATES_WINDOW_US 10000

struct duplicates;

struct duplicates *duplicates_new(void);
void duplicates_free(struct duplicates *duplicates);
/* True: its like was seen within the window. */
bool duplicates_check(struct duplicates *duplicates, const struct decoded *packet);

#endif
