#include "topology/shift.h"

#include "topology/endpoints.h"
#include "topology/state.h"

static void
endpoint_move(struct endpoint *endpoint, const struct clock_move *m)
{
    clock_move(m, &endpoint->seen_us);
    clock_move(m, &endpoint->location.since_us);
    clock_move(m, &endpoint->location.seen_us);
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        struct binding *b = &endpoint->bindings[i];
        if (b->lease_until_us > 0 && clock_is_moved(m, b->seen_us)) { /* it was told then */
            b->lease_until_us += m->by_us;
        }
        clock_move(m, &b->from_us);
        clock_move(m, &b->seen_us);
        clock_move(m, &b->until_us);
        b->flagged_s = 0; /* a claim that goes on is told once more */
    }
}

static void
nodes_move(struct topology *t, const struct clock_move *m)
{
    for (size_t i = 0; i < t->order->count; i++) {
        struct node *node = t->order->nodes[i];
        if (node) {
            endpoint_move(&node->endpoint, m);
            if (node->doubt && node->doubt->conflict_until_us > 0) {
                node->doubt->conflict_until_us += m->by_us; /* of this run */
            }
            clock_move(m, &node->seen_told_us);
        }
    }
}

static void
sightings_move(struct topology *t, const struct clock_move *m)
{
    HMAP_FOR_EACH (item, struct mac_item, by_mac, &t->macs) {
        struct sighting *sighting;
        LIST_FOREACH(sighting, &item->sightings, of_mac)
        {
            clock_move(m, &sighting->since_us);
            clock_move(m, &sighting->seen_us);
            clock_move(m, &sighting->left_us);
        }
    }
}

static void
ports_move(struct topology *t, const struct clock_move *m)
{
    struct switch_state *on;
    TAILQ_FOREACH(on, &t->switch_list, of_topology)
    {
        struct port_state *port;
        TAILQ_FOREACH(port, &on->ports, of_switch)
        {
            clock_move(m, &port->full_us);
            clock_move(m, &port->neighbour_since_us);
            clock_move(m, &port->neighbour_seen_us);
        }
    }
    for (size_t i = 0; i < t->link_count; i++) {
        clock_move(m, &t->links[i]->link.since_us);
        clock_move(m, &t->links[i]->link.seen_us);
    }
}

void
topology_shift(struct topology *t, const struct clock_move *m)
{
    nodes_move(t, m);
    sightings_move(t, m);
    ports_move(t, m);
    HMAP_FOR_EACH (client, struct client_item, by_id, &t->clients) {
        client->cloned_until_us += client->cloned_until_us > 0 ? m->by_us : 0;
    }
}

void
topology_shift_one(struct topology *t, const char *endpoint_id, int64_t by_us)
{
    struct node *node = node_by_id(t, endpoint_id);
    if (node) {
        /* what the clock that was set had not come to yet is of before the machine's start, by a
         * clock that was right */
        const struct clock_move m = {
            .since_us = 1, .until_us = clock_wall_us(t->clock) - by_us, .by_us = by_us};
        endpoint_move(&node->endpoint, &m);
        clock_move(&m, &node->seen_told_us);
    }
}
