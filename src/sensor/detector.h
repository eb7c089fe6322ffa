/* What a detector is: a few questions that the pipeline asks, each with what is known by then, and
 * the protocols whose messages it wants to hear.
 *
 * Adding one: a folder in detect/, and one line in the table in detectors.c. */
#ifndef CORDON_SENSOR_DETECTOR_H
#define CORDON_SENSOR_DETECTOR_H

#include "sensor/flow.h"
#include "sensor/lists.h"
#include "sensor/protocol.h"
#include "sensor/settings.h"

#define SUBSCRIPTIONS_MAX 8

/* A finding on its way out: the detection, and whose packets prove it. */
struct finding {
    struct detection detection; /* id, sensor and times of sending are filled in later */
    uint64_t flow;              /* flow number; 0: by source */
    struct ip source;           /* packets of this sender prove it, where 'flow' is 0 */
};

struct detector_context {
    const struct sensor_settings *settings;
    const struct lists *lists; /* the ones in force; may be another at the next call */
    int64_t now_us;            /* packet time */
    /* Reports; copied. */
    void (*report)(void *pipeline, const struct finding *finding);
    void *pipeline;
};

struct subscription {
    const struct protocol *protocol; /* NULL: the list ends */
    /* 'message' is what that protocol's header says that it tells of. */
    void (*on_message)(void *state, struct detector_context *context, struct flow *flow,
                       const void *message);
};

struct detector {
    const char *name;
    void *(*open)(const struct sensor_settings *settings);
    void (*close)(void *state);
    struct subscription subscriptions[SUBSCRIPTIONS_MAX];
    /* Any of these may be NULL. */
    void (*on_contact)(void *state, struct detector_context *context, struct flow *flow);
    void (*on_attempt)(void *state, struct detector_context *context, const struct flow *flow);
    void (*on_refused)(void *state, struct detector_context *context, const struct flow *flow);
    void (*on_arp)(void *state, struct detector_context *context, const struct decoded *packet);
    void (*on_tick)(void *state, struct detector_context *context); /* packet time, every 100 ms */
};

extern const struct detector *const detectors[];
extern const size_t detector_count;

/* Fills what a flow says of a finding: ends, handshake, origins. */
void finding_start(struct finding *finding, const struct flow *flow, int64_t now_us);

#endif
