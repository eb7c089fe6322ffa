/* Detections about somebody whom nobody knew then: facts of switches and findings of sensors come
 * on different ways, and either may be first.  Each is judged again once it is known who had the
 * address when it was seen (topology_resolve() says so as of a detection that comes late: never
 * whoever has it now), or where that machine is; within ten minutes, also over a restart.  What
 * waited for a person because nobody was known is about the endpoint from then on. */
#ifndef CORDON_CONTROLLER_UNCLEAR_H
#define CORDON_CONTROLLER_UNCLEAR_H

#include "controller/state.h"

struct unclears *unclears_new(void);
void unclears_free(struct unclears *unclears);
/* It is stored, and in that incident.  'detection', from malloc(), is taken over. */
void unclear_note(struct controller *controller, struct detection *detection,
                  const struct incident *incident, enum unclear unclear);
/* Somebody, an address or a place has become known, or time has passed. */
void unclear_look(struct controller *controller);
/* The clock was set: what they are dated by is not what addresses are dated by any more. */
void unclear_forget(struct controller *controller);
/* At start: those that were waiting when we ended. */
void unclear_load(struct controller *controller);
/* 'was' was nobody's incident, and what was just judged again is 'endpoint_id''s. */
void unclear_own(struct controller *controller, const struct incident *was, const char *endpoint_id,
                 const struct outcome *outcome);

#endif
