/* The table of endpoints: ids, MACs and DHCP client ids that lead to them, their history, and how
 * room is made.  Called only by this folder, on the owner's thread. */
#ifndef CORDON_TOPOLOGY_ENDPOINTS_H
#define CORDON_TOPOLOGY_ENDPOINTS_H

#include "topology/state.h"

/* A new endpoint, first seen on 'port' (or NULL), with no MAC yet.  'id' NULL: a new one is made.
 * NULL: no room (counted). */
struct node *node_new(struct topology *t, const char *id, int64_t at_us, struct port_state *port);
/* Forgets it and all that leads to it. */
void node_free(struct topology *t, struct node *node);
/* The same, and tells of it. */
void node_forget(struct topology *t, struct node *node);
void node_touch(struct topology *t, struct node *node, int64_t at_us);

struct mac_item *mac_find(const struct topology *t, const struct mac *mac);
/* Adds a MAC to an endpoint; the least recently seen one makes room beyond
 * ENDPOINT_MACS_MAX; of a pinned one not the first that it had. */
struct mac_item *mac_add(struct topology *t, struct node *node, const struct mac *mac);

struct node *node_by_id(const struct topology *t, const char *id);
/* Another id than its own that leads to 'node'. */
void node_add_id(struct topology *t, struct node *node, const char *id);

struct client_item *client_find(const struct topology *t, const char *id);
void client_add(struct topology *t, struct node *node, const char *id);

/* 'from' becomes part of 'into' and is forgotten; its id leads to 'into'. */
void node_merge(struct topology *t, struct node *into, struct node *from, int64_t at_us);

/* History and the listener. */
void node_event(struct topology *t, struct node *node, enum endpoint_event_kind kind, int64_t at_us,
                const char *detail);
void node_tell(struct topology *t, struct node *node, enum topology_change change,
               const struct location *before, const char *detail);
/* Tells of a new endpoint, once; later changes are told only after it. */
void node_tell_new(struct topology *t, struct node *node, int64_t at_us);

struct node *node_at(const struct topology *t, size_t index);
/* By id, serials too: of stored ones, before others appear. */
void nodes_sort(struct topology *t);

#endif
