/* Who may read what is about people: packets, and the names and URLs that detections carry. */
#ifndef CORDON_WIRE_VIEW_PAYLOAD_H
#define CORDON_WIRE_VIEW_PAYLOAD_H

#include "model/text.h"
#include "wire/codec.h"

enum payload_right { PAYLOAD_BY_ROLE, PAYLOAD_ALLOWED, PAYLOAD_DENIED, PAYLOAD_RIGHT_COUNT };
extern const char *const payload_right_names[PAYLOAD_RIGHT_COUNT + 1];

struct view_payload_reader {
    char account[NAME_SIZE]; /* "account:jane", "token:siem" */
    int right;               /* enum payload_right; BY_ROLE: not listed */
    int64_t since_us;
    char by[NAME_SIZE];
    char reason[TEXT_SIZE];
};
extern const struct shape view_payload_reader_shape;

#endif
