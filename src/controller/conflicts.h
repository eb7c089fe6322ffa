/* What contradicts itself: a MAC in two places, an address that two claim, a port with more MACs
 * than any machine has.  The newest 256, each once, for people; a notice for each, but not for each
 * of thousands.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_CONFLICTS_H
#define CORDON_CONTROLLER_CONFLICTS_H

#include "controller/state.h"

struct conflicts *conflicts_new(void);
void conflicts_free(struct conflicts *conflicts);
/* Our clock was set by so much (clocks.h). */
void conflicts_shift(struct controller *controller, int64_t by_us);
/* 'endpoint' may be NULL: it is about a port.  'at' NULL: where the endpoint is. */
void conflict_note(struct controller *controller, const struct endpoint *endpoint,
                   const struct location *at, const char *detail);

#endif
