/* struct evidence on the wire (model/detection.h). */
#ifndef CORDON_WIRE_EVIDENCE_H
#define CORDON_WIRE_EVIDENCE_H
#include "model/detection.h"
#include "wire/codec.h"
extern const struct shape wire_evidence_shape;
#endif
