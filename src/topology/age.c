#include "topology/age.h"

#include "topology/bindings.h"
#include "topology/endpoints.h"
#include "topology/history.h"

static bool
binding_goes(const struct topology_age *age, const struct binding *binding)
{
    char text[IP_TEXT_SIZE];
    if (binding->until_us == 0 || binding->until_us >= age->bindings_us) {
        return false;
    }
    ip_format(&binding->ip, text);
    return !age->is_named || age->is_named(age->context, text);
}

static bool
event_goes(void *context, int64_t at_us, const char *detail)
{
    const struct topology_age *age = context;
    return at_us < age->bindings_us &&
           (!age->is_named || (detail[0] && age->is_named(age->context, detail)));
}

/* What is known of it, not it itself. */
static void
node_age(struct topology *t, struct node *node, const struct topology_age *age,
         struct topology_aged *aged)
{
    uint64_t before = aged->bindings + aged->events;
    for (size_t i = node->endpoint.binding_count; i > 0; i--) {
        if (binding_goes(age, &node->endpoint.bindings[i - 1])) {
            aged->bindings++;
            if (!age->is_dry) {
                binding_drop(t, node, i - 1);
            }
        }
    }
    aged->events += history_sift(node, event_goes, (void *)age, age->is_dry);
    if (!age->is_dry && aged->bindings + aged->events != before && t->listener.on_change) {
        t->listener.on_change(t->listener.context, TOPOLOGY_ENDPOINT_SEEN, &node->endpoint, NULL,
                              "");
    }
}

static bool
node_goes(const struct node *node, const struct topology_age *age)
{
    return node->endpoint.seen_us < age->endpoints_us &&
           (!age->is_about || age->is_about(age->context, &node->endpoint));
}

bool
topology_age(struct topology *topology, const struct topology_age *age, size_t most, size_t *place,
             struct topology_aged *aged)
{
    struct node *gone[TOPOLOGY_AGE_MOST];
    size_t count = 0, looked = 0;
    struct node *node = NULL;
    most = most < TOPOLOGY_AGE_MOST ? most : TOPOLOGY_AGE_MOST;
    for (; looked < most && (node = node_at(topology, *place + looked)) != NULL; looked++) {
        bool is_needed =
            node->is_pinned || (age->is_needed && age->is_needed(age->context, &node->endpoint));
        bool goes = node_goes(node, age);
        if (goes && !is_needed) {
            gone[count++] = node;
            aged->endpoints++;
        } else if (!is_needed) {
            node_age(topology, node, age, aged);
        } else {
            aged->kept += goes;
        }
    }
    for (size_t i = 0; i < count && !age->is_dry; i++) {
        node_forget(topology, gone[i]);
    }
    *place += looked - (age->is_dry ? 0 : count);
    return node != NULL;
}
