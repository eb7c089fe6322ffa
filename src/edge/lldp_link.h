/* Sends our LLDP on every port that is up, and hears the neighbours'.  One packet socket for all
 * ports, bound to the LLDP Ethernet type. */
#ifndef CORDON_EDGE_LLDP_LINK_H
#define CORDON_EDGE_LLDP_LINK_H

#include <event2/event.h>

#include "edge/learn.h"
#include "edge/settings.h"

struct lldp_link;

int lldp_link_new(struct event_base *base, const struct edge_settings *settings,
                  struct learn *learn, struct lldp_link **link, char why[256]) MUST_CHECK;
void lldp_link_free(struct lldp_link *link);
/* Once a second; also sends at once, and four times in the first seconds, where a port came up. */
void lldp_link_tick(struct lldp_link *link);

#endif
