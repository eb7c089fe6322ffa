/* struct rule and struct rule_report on the wire (model/rule.h): {"id", "kind", and an object named
 * after the kind}. */
#ifndef CORDON_WIRE_RULE_H
#define CORDON_WIRE_RULE_H

#include "model/rule.h"
#include "wire/codec.h"

extern const struct shape wire_rule_shape;
extern const struct shape wire_rule_report_shape;
/* The parts, for configuration and the API. */
extern const struct shape wire_mirror_shape;
extern const struct shape wire_permit_set_shape;

#endif
