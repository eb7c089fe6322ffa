/* Something changed: for server-sent events. */
#ifndef CORDON_WIRE_EVENT_H
#define CORDON_WIRE_EVENT_H

#include <stdint.h>
#include <cjson/cJSON.h>
#include "model/text.h"
#include "wire/op.h"

struct wire_event {
    uint64_t sequence;     /* since core started; a gap means: load the lists again */
    char topic[NAME_SIZE]; /* "containment", "endpoint", "incident", "switch", "link", "source",
                              "job", "map", "policy", "notice" */
    cJSON *body;           /* owned: the object as the API shows it */
};

extern const struct shape wire_event_shape;

/* May an account with that role hear of it?  Whoever may list such objects. */
bool event_is_for(const char *topic, enum account_role role);
/* Takes out of an event's body what viewers may not read of it.  False: there was nothing of the
 * kind. */
bool event_reduce(const char *topic, cJSON *body);

#endif
