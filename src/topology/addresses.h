/* Which endpoints claim or claimed an address of a site (sites.h), whatever came of it: found from
 * their bindings. There are a few addresses for each endpoint, so a place here is 12 bytes.  Called
 * only by this folder. */
#ifndef CORDON_TOPOLOGY_ADDRESSES_H
#define CORDON_TOPOLOGY_ADDRESSES_H

#include "topology/state.h"

void addresses_init(struct address_table *table);
void addresses_fini(struct address_table *table);

/* Who has a binding of that address, open or ended; the one with the oldest first.  Returns how
 * many; never more than ADDRESS_HOLDERS_MAX join. */
size_t address_holders(const struct address_table *table, const char *site, const struct ip *ip,
                       struct node *holders[ADDRESS_HOLDERS_MAX]);
/* 'node' has a binding of it; nothing happens where it is there already. */
void address_join(struct address_table *table, const char *site, const struct ip *ip,
                  struct node *node);
/* 'node' has none any more. */
void address_leave(struct address_table *table, const char *site, const struct ip *ip,
                   const struct node *node);

#endif
