/* What topology forgets because of its age, or because somebody asks: endpoints that were not seen
 * for long, who had which address, what happened long ago.  In slices. */
#ifndef CORDON_TOPOLOGY_AGE_H
#define CORDON_TOPOLOGY_AGE_H

#include "topology/topology.h"

struct topology_age {
    int64_t endpoints_us; /* endpoints last seen before; INT64_MIN: none */
    int64_t bindings_us;  /* bindings that ended, and events, before; INT64_MIN: none */
    /* May be NULL.  Is the endpoint about whom is asked / does the text (an address, or what an
     * event says) name them?  With these the times above count for what they say yes to. */
    bool (*is_about)(void *context, const struct endpoint *endpoint);
    bool (*is_named)(void *context, const char *text);
    /* Somebody needs the endpoint: it stays, with all that is known of it.  May be NULL. */
    bool (*is_needed)(void *context, const struct endpoint *endpoint);
    void *context;
    bool is_dry;
};
struct topology_aged {
    uint64_t endpoints, bindings, events;
    uint64_t kept; /* endpoints that somebody needs */
};
/* Looks at up to 'most' endpoints (at most TOPOLOGY_AGE_MOST) from 'place' on, which goes on; adds
 * to 'aged'.  True: there are more. */
#define TOPOLOGY_AGE_MOST 128
bool topology_age(struct topology *topology, const struct topology_age *age, size_t most,
                  size_t *place, struct topology_aged *aged);

#endif
