#include "topology/joins.h"

#include <stdio.h>

#include "topology/endpoints.h"
#include "topology/locations.h"
#include "topology/sites.h"

#define CLONED_FOR_US 86400000000
#define HEARD_BEFORE_US 120000000

/* When the present stay of this MAC began; 'at_us' where no switch sees it. */
static int64_t
stay_since_us(const struct mac_item *item, int64_t at_us, const struct port_state **at)
{
    int64_t since_us = 0;
    const struct sighting *s;
    LIST_FOREACH(s, &item->sightings, of_mac)
    {
        bool is_place = s->is_active && port_is_sink(s->port);
        if (is_place && (since_us == 0 || s->since_us < since_us)) {
            since_us = s->since_us;
            *at = s->port;
        }
    }
    return since_us != 0 ? since_us : at_us;
}

/* Is 'node' a machine of its own, alive beside the MAC whose stay on 'at' began at 'since_us'?  On
 * another port it is where it was heard shortly before, and its port did not go down; on the same
 * port it is only where it was heard after: a machine that changes its MAC is not heard again. */
static bool
is_alive_beside(const struct topology *t, const struct node *node, const struct port_state *at,
                int64_t since_us)
{
    for (size_t i = 0; i < node->endpoint.mac_count; i++) {
        const struct mac_item *item = mac_find(t, &node->endpoint.macs[i]);
        const struct sighting *s;
        LIST_FOREACH(s, &item->sightings, of_mac)
        {
            int64_t least_us = s->port == at ? since_us + 1 : since_us - HEARD_BEFORE_US;
            bool is_live = s->is_active && !s->is_idle && port_is_sink(s->port);
            if (is_live && s->seen_us >= least_us) {
                return true;
            }
        }
    }
    return false;
}

/* Machines made from one image share an id; between sites nothing says that it is one machine. */
static bool
is_at_another_site(struct topology *t, const struct node *known, const struct port_state *at)
{
    const char *there = NULL;
    const struct switch_state *on = at ? at->on : t->telling;
    return on && site_of_node(t, known, &there) && there != on->site;
}

static void
tell_clone(struct topology *t, struct node *node, const struct node *other, const char *where,
           int64_t at_us)
{
    if (node->ids_clash) {
        return;
    }
    char detail[ID_SIZE + 96];
    node->ids_clash = true;
    snprintf(detail, sizeof(detail), "uses the DHCP client id of %s, which is %s",
             other->endpoint.id, where);
    node_event(t, node, ENDPOINT_CONFLICT, at_us, detail);
    node_tell(t, node, TOPOLOGY_ENDPOINT_CONFLICT, NULL, detail);
}

static struct node *
join(struct topology *t, struct node *into, struct node *from, const struct mac *mac, int64_t at_us)
{
    char text[MAC_TEXT_SIZE];
    char detail[MAC_TEXT_SIZE + 32];
    mac_format(mac, text);
    snprintf(detail, sizeof(detail), "%s by DHCP client id", text);
    node_merge(t, into, from, at_us);
    node_event(t, into, ENDPOINT_MAC_JOINED, at_us, detail);
    node_tell(t, into, TOPOLOGY_ENDPOINT_MAC, NULL, detail);
    locate(t, into, at_us);
    return into;
}

static const char *
join_bar(const struct topology *t, const struct node *known, const struct node *claimant)
{
    return t->listener.join_bar
               ? t->listener.join_bar(t->listener.context, &known->endpoint, &claimant->endpoint)
               : NULL;
}

struct node *
join_by_client_id(struct topology *t, struct node *node, const struct mac *mac, const char *id,
                  int64_t at_us)
{
    struct client_item *item = client_find(t, id);
    if (!item) {
        client_add(t, node, id);
        return node;
    }
    if (item->node == node) {
        return node;
    }
    struct node *known = item->node;
    const struct port_state *at = NULL;
    int64_t since_us = stay_since_us(mac_find(t, mac), at_us, &at);
    if (is_at_another_site(t, known, at)) {
        t->counters.joins_refused++;
        tell_clone(t, node, known, "of another site", at_us);
        return node;
    }
    if (at_us < item->cloned_until_us || is_alive_beside(t, known, at, since_us)) {
        t->counters.joins_refused++;
        item->cloned_until_us = at_us + CLONED_FOR_US;
        tell_clone(t, node, known, "active elsewhere", at_us);
        tell_clone(t, known, node, "active elsewhere", at_us);
        return node;
    }
    const char *bar = join_bar(t, known, node);
    if (bar) {
        t->counters.joins_refused++;
        tell_clone(t, node, known, bar, at_us);
        return node;
    }
    /* The id that a containment names survives. */
    if (node->is_pinned && !known->is_pinned) {
        return join(t, node, known, mac, at_us);
    }
    return join(t, known, node, mac, at_us);
}
