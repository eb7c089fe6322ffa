/* struct detection on the wire (model/detection.h). */
#ifndef CORDON_WIRE_DETECTION_H
#define CORDON_WIRE_DETECTION_H
#include "model/detection.h"
#include "wire/codec.h"
extern const struct shape wire_detection_shape;
#endif
