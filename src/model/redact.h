/* Names that are about people: taken out for a reader who has no right to them (payload), and for
 * everybody when their time is over (retention).  What was found, when, by what and between which
 * addresses stays.  Pure. */
#ifndef CORDON_MODEL_REDACT_H
#define CORDON_MODEL_REDACT_H

#include "model/containment.h"
#include "model/detection.h"

/* DNS, HTTP, TLS and file names, URLs, host names, and fingerprints of programs. */
void detection_forget_names(struct detection *detection);
/* The server's name, and what the summary begins with: the name of the endpoint. */
void incident_forget_names(struct incident *incident);

#endif
