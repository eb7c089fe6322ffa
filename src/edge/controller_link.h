/* The edge's side of the connection to the controller: hello, facts in order, observed state,
 * statistics; full facts after every connect.  While the controller is away nothing is queued: what
 * counts is the state at the next connect. */
#ifndef CORDON_EDGE_CONTROLLER_LINK_H
#define CORDON_EDGE_CONTROLLER_LINK_H

#include <event2/event.h>

#include "base/clock.h"
#include "edge/desired.h"
#include "edge/learn.h"
#include "edge/settings.h"
#include "wire/checkpoint.h"
#include "wire/edge_stats.h"

struct controller_link;

struct controller_link_handler {
    void (*on_desired)(void *context, const struct wire_desired *desired);
    void (*on_read_back)(void *context, uint64_t request);
    void (*on_ask_sum)(void *context, uint64_t request, const char *key);
    void (*on_ask_held)(void *context, uint64_t request);
    void (*on_checkpoint)(void *context, const struct wire_checkpoint *message);
    void *context;
};

int controller_link_new(struct event_base *base, const struct edge_settings *settings,
                        const struct clock *clock, const struct controller_link_handler *handler,
                        struct controller_link **controller_link, char why[256]) MUST_CHECK;
/* Whose state hello and the full report tell; before the loop runs. */
void controller_link_join(struct controller_link *controller_link, const struct desired *desired,
                          const struct learn *learn);
void controller_link_free(struct controller_link *controller_link);
void controller_link_fact(struct controller_link *controller_link, const struct fact *fact);
/* False: no controller is connected. */
bool controller_link_observed(struct controller_link *controller_link,
                              const struct wire_observed *observed);
void controller_link_stats(struct controller_link *controller_link,
                           const struct wire_edge_stats *stats);
void controller_link_checkpoints(struct controller_link *controller_link,
                                 const struct wire_checkpoints *held);
bool controller_link_is_connected(const struct controller_link *controller_link);

#endif
