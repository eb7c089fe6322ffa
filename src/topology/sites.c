#include "topology/sites.h"

#include <string.h>

#include "topology/bindings.h"
#include "topology/ports.h"

const char *
site_keep(struct topology *t, const char *name)
{
    if (!name || name[0] == '\0' || strcmp(name, SITE_DEFAULT) == 0) {
        return NULL;
    }
    const char *site = name_keep(t, name);
    for (size_t i = 0; i < t->site_count; i++) {
        if (t->sites[i] == site) {
            return site;
        }
    }
    if (t->site_count < SITES_MAX) {
        t->sites[t->site_count++] = site;
    }
    return site;
}

const char *
site_of_switch(struct topology *t, const char *switch_name)
{
    return t->site_of ? site_keep(t, t->site_of(t->site_context, switch_name)) : NULL;
}

bool
site_of_node(struct topology *t, const struct node *node, const char **site)
{
    const char *name = node->endpoint.location.switch_name;
    if (name[0] == '\0') {
        return false;
    }
    const struct switch_state *on = switch_find(t, name);
    *site = on ? on->site : site_of_switch(t, name);
    return true;
}

void
topology_set_sites(struct topology *t, topology_site_of *site_of, void *context)
{
    t->site_of = site_of;
    t->site_context = context;
    struct switch_state *on;
    TAILQ_FOREACH(on, &t->switch_list, of_topology)
    {
        on->site = site_of_switch(t, on->name);
    }
    /* all of them, not those of switches that changed: what came from the store has the sites of
     * the policy that ran then, and not every switch has been here since */
    struct node *node;
    TAILQ_FOREACH(node, &t->by_age, by_age)
    {
        bindings_resite(t, node);
    }
}

const char *
topology_site_at(const struct topology *t, const char *switch_name)
{
    const struct switch_state *on = switch_find(t, switch_name);
    if (on) {
        return on->site ? on->site : SITE_DEFAULT;
    }
    return t->site_of ? t->site_of(t->site_context, switch_name) : SITE_DEFAULT;
}

const char *
topology_site_of_endpoint(const struct topology *t, const struct endpoint *endpoint)
{
    const char *name = endpoint->location.switch_name;
    return name && name[0] != '\0' ? topology_site_at(t, name) : "";
}
