#include "topology/shift.h"

#include "topology/endpoints.h"
#include "topology/state.h"

static void
move(int64_t *at_us, int64_t by_us)
{
    *at_us += *at_us > 0 ? by_us : 0;
}

static void
endpoint_move(struct endpoint *endpoint, int64_t by_us)
{
    move(&endpoint->seen_us, by_us);
    move(&endpoint->location.since_us, by_us);
    move(&endpoint->location.seen_us, by_us);
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        struct binding *b = &endpoint->bindings[i];
        move(&b->from_us, by_us);
        move(&b->seen_us, by_us);
        move(&b->until_us, by_us);
        move(&b->lease_until_us, by_us);
        b->flagged_s = 0; /* a claim that goes on is told once more */
    }
}

static void
nodes_move(struct topology *t, int64_t by_us)
{
    for (size_t i = 0; i < t->order->count; i++) {
        struct node *node = t->order->nodes[i];
        if (node) {
            endpoint_move(&node->endpoint, by_us);
            move(&node->conflict_until_us, by_us);
            move(&node->seen_told_us, by_us);
        }
    }
}

static void
sightings_move(struct topology *t, int64_t by_us)
{
    HMAP_FOR_EACH (item, struct mac_item, by_mac, &t->macs) {
        struct sighting *sighting;
        LIST_FOREACH(sighting, &item->sightings, of_mac)
        {
            move(&sighting->since_us, by_us);
            move(&sighting->seen_us, by_us);
            move(&sighting->left_us, by_us);
        }
    }
}

static void
ports_move(struct topology *t, int64_t by_us)
{
    struct switch_state *on;
    TAILQ_FOREACH(on, &t->switch_list, of_topology)
    {
        struct port_state *port;
        TAILQ_FOREACH(port, &on->ports, of_switch)
        {
            move(&port->full_us, by_us);
            move(&port->neighbour_since_us, by_us);
            move(&port->neighbour_seen_us, by_us);
        }
    }
    for (size_t i = 0; i < t->link_count; i++) {
        move(&t->links[i]->link.since_us, by_us);
        move(&t->links[i]->link.seen_us, by_us);
    }
}

void
topology_shift(struct topology *t, int64_t by_us)
{
    nodes_move(t, by_us);
    sightings_move(t, by_us);
    ports_move(t, by_us);
    HMAP_FOR_EACH (client, struct client_item, by_id, &t->clients) {
        move(&client->cloned_until_us, by_us);
    }
}

void
topology_shift_one(struct topology *t, const char *endpoint_id, int64_t by_us)
{
    struct node *node = node_by_id(t, endpoint_id);
    if (node) {
        endpoint_move(&node->endpoint, by_us);
        move(&node->seen_told_us, by_us);
    }
}
