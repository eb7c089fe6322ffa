/* Core's answer to an ask.  Either 'body' (JSON) or 'bytes' (a pcap); a part of an export has its
 * bytes, and a body that says how to go on. */
#ifndef CORDON_WIRE_ANSWER_H
#define CORDON_WIRE_ANSWER_H

#include <stdint.h>
#include <cjson/cJSON.h>
#include "model/text.h"
#include "wire/codec.h"

struct wire_answer {
    uint64_t number;
    uint16_t status; /* an HTTP status: 200, 201, 400, 403, 404, 409, 503 */
    cJSON *body;     /* owned */
    uint8_t *bytes;  /* owned */
    size_t byte_count;
};

extern const struct shape wire_answer_shape;

#endif
