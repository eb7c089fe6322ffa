/* The edge's side of the connection to the controller: hello, facts in order, observed state,
 * statistics; full facts after every connect.  While the controller is away nothing is queued: what
 * counts is the state at the next connect. */
#ifndef CORDON_EDGE_REPORTER_H
#define CORDON_EDGE_REPORTER_H

#include <event2/event.h>

#include "base/clock.h"
#include "edge/desired.h"
#include "edge/learn.h"
#include "edge/settings.h"
#include "wire/checkpoint.h"
#include "wire/edge_stats.h"

struct reporter;

struct reporter_handler {
    void (*on_desired)(void *context, const struct wire_desired *desired);
    void (*on_read_back)(void *context, uint64_t request);
    void (*on_ask_sum)(void *context, uint64_t request, const char *key);
    void (*on_ask_held)(void *context, uint64_t request);
    void (*on_checkpoint)(void *context, const struct wire_checkpoint *message);
    void *context;
};

int reporter_new(struct event_base *base, const struct edge_settings *settings,
                 const struct clock *clock, const struct reporter_handler *handler,
                 struct reporter **reporter, char why[256]) MUST_CHECK;
/* Whose state hello and the full report tell; before the loop runs. */
void reporter_join(struct reporter *reporter, const struct desired *desired,
                   const struct learn *learn);
void reporter_free(struct reporter *reporter);
void reporter_fact(struct reporter *reporter, const struct fact *fact);
/* False: no controller is connected. */
bool reporter_observed(struct reporter *reporter, const struct wire_observed *observed);
void reporter_stats(struct reporter *reporter, const struct wire_edge_stats *stats);
void reporter_checkpoints(struct reporter *reporter, const struct wire_checkpoints *held);
bool reporter_is_connected(const struct reporter *reporter);

#endif
