/* Our programs on network devices: clsact filters (they outlive us), and the two helper devices of
 * an edge: the ifb that encapsulates copies, the tap towards the responder. */
#ifndef CORDON_EDGE_ATTACH_H
#define CORDON_EDGE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/maps.h"

enum attach_side { ATTACH_INGRESS, ATTACH_EGRESS };

/* First in its chain, in place of an older one of ours without a gap. */
int attach_program(const struct maps *maps, int ifindex, enum attach_side side,
                   enum program_id program) MUST_CHECK;
/* Is it there, and the one that we loaded? */
bool attach_is_good(const struct maps *maps, int ifindex, enum attach_side side,
                    enum program_id program);
void attach_remove(int ifindex, enum attach_side side);

/* Devices named after the bridge.  Both stay when we end, so that no ifindex in the maps ever
 * means another device.  0 or negative errno with 'why'. */
int attach_make_ifb(const struct maps *maps, const char *bridge, int *ifindex,
                    char why[256]) MUST_CHECK;
/* '*fd': what opened /dev/net/tun (it becomes the tap's), or negative: it is opened here. */
int attach_make_tap(const struct maps *maps, const char *bridge, int *ifindex, int *fd,
                    char why[256]) MUST_CHECK;

#endif
