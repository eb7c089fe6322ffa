/* Sites whose addresses are their own.  Within this folder a site is a pointer: equal ones are the
 * same, NULL is SITE_DEFAULT.  Called only by this folder. */
#ifndef CORDON_TOPOLOGY_SITES_H
#define CORDON_TOPOLOGY_SITES_H

#include "topology/state.h"

/* The pointer of that name ("" and NULL: SITE_DEFAULT's). */
const char *site_keep(struct topology *t, const char *name);
/* Of a switch, as the policy has it. */
const char *site_of_switch(struct topology *t, const char *switch_name);
/* Where the endpoint is attached, or was last; false: nowhere yet. */
bool site_of_node(struct topology *t, const struct node *node, const char **site);

#endif
