/* A controller made of lists: what asks read and wish, without switches and engine rules.  Over the
 * real topology, policy and store, so that the handlers of asks run as in core. */
#ifndef CORDON_TESTS_WEB_FAKE_CONTROLLER_H
#define CORDON_TESTS_WEB_FAKE_CONTROLLER_H

#include "controller/ask/ask.h"

#define FAKE_CONTAINMENTS_MAX 64

struct controller {
    const struct clock *clock;
    struct topology *topology;
    struct store *store;
    struct policy *policy;
    struct revisions *revisions;
    struct pki_ca *ca;
    struct certificates *certificates; /* of FOLDER/pki */
    struct warnings *warnings;         /* of FOLDER/policy.yaml */
    char policy_file[256];
    struct engine *engine;
    struct policy_world world;
    struct containment containments[FAKE_CONTAINMENTS_MAX];
    size_t containment_count;
    struct incident incident;
    struct wire_source source;
    struct wire_refusal refusal;
    struct wire_sensor_stats sensor;
    struct wire_mirror_seen mirror_seen;
    struct wire_network_seen network_seen;
    struct switch_view switches[2];
    struct switch_stats edge_stats;
    char edge_problem[1][TEXT_SIZE];
    struct wire_counter counter;
    struct rule_mirror mirror;
    struct protection_view protections[2];
    struct suspension_view suspension;
    enum wish_result next_result; /* of the next wish; WISH_DONE: as usual */
    unsigned extended, judged;
    struct notify_settings notify; /* owned lists */
    bool has_secret;               /* of its channels */
};

/* One campus: switch e1 (good) and e2 (away), endpoints c2 and gw, one incident, one pending
 * decision about c2, a sensor, a source. */
struct controller *fake_controller_new(struct event_base *base, const struct clock *clock,
                                       const char *folder);
void fake_controller_free(struct controller *controller);
/* One more of them, about c2. */
struct containment *fake_controller_add(struct controller *controller, enum action action,
                                        enum containment_state state);

#endif
