/* Maps in memory: hold what was put into them, can refuse or lose it. */
#ifndef CORDON_TESTS_EDGE_FAKE_MAPS_H
#define CORDON_TESTS_EDGE_FAKE_MAPS_H

#include "edge/maps.h"

struct maps *fake_maps_new(void);
void fake_maps_free(struct maps *maps);
/* From now on the map takes nothing new (-E2BIG). */
void fake_maps_fill(struct maps *maps, enum map_id map);
/* The first byte of the first value in the map is another from now on; false: the map is empty. */
bool fake_maps_alter(struct maps *maps, enum map_id map);

#endif
