/* Something changed: for server-sent events. */
#ifndef CORDON_WIRE_EVENT_H
#define CORDON_WIRE_EVENT_H

#include <stdint.h>
#include <cjson/cJSON.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_event {
    uint64_t sequence; /* since core started; a gap means: load the lists again */
    char topic[NAME_SIZE]; /* "containment", "endpoint", "incident", "switch", "link", "source",
                              "job", "map" */
    cJSON *body;       /* owned: the object as the API shows it */
};

extern const struct shape wire_event_shape;

#endif
