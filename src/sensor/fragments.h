/* IP fragments -> whole datagrams.  Bounded: FRAGMENTS_DATAGRAMS at a time, of at most 64 KiB; the
 * first bytes of a place win (as in BSD), and what overlaps differently is counted. */
#ifndef CORDON_SENSOR_FRAGMENTS_H
#define CORDON_SENSOR_FRAGMENTS_H

#include "sensor/decode.h"

#define FRAGMENTS_DATAGRAMS 256
#define FRAGMENTS_LIFE_US (30 * 1000000LL)

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);
/* One fragment; true: the datagram is whole, and '*packet' now is it, borrowed until the next call.
 */
bool fragments_add(struct fragments *fragments, struct decoded *packet);
uint64_t fragments_dropped(const struct fragments *fragments);

#endif
