/* "These detections are stored": the sender may forget them. */
#ifndef CORDON_WIRE_ACK_H
#define CORDON_WIRE_ACK_H

#include "model/text.h"
#include "wire/codec.h"

#define ACK_IDS_MAX 256
struct wire_ack {
    char ids[ACK_IDS_MAX][NAME_SIZE];
    size_t id_count;
};

extern const struct shape wire_ack_shape;

#endif
