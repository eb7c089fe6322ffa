/* The nouns that are stored as JSON, described for the codec (wire/codec.h).  Read again at every
 * start, by this and by later releases: fields are only ever added. */
#ifndef CORDON_STORE_SHAPES_H
#define CORDON_STORE_SHAPES_H

#include "model/certificate.h"
#include "model/containment.h"
#include "model/endpoint.h"
#include "wire/codec.h"

extern const struct shape store_containment_shape; /* struct containment */
extern const struct shape store_incident_shape;    /* struct incident */

/* An endpoint as the codec can describe it: its MACs as a list. */
struct endpoint_row {
    struct endpoint_record record;
    struct mac *macs; /* owned */
    size_t mac_count;
};
extern const struct shape store_endpoint_shape; /* struct endpoint_row */

extern const struct shape store_annotation_shape; /* struct annotation */

extern const struct shape store_certificate_shape; /* struct certificate */
extern const struct shape store_enrolment_shape;   /* struct enrolment */

/* As it is stored, with its sum; the caller frees it. */
char *store_json(const struct shape *shape, const void *thing);

#endif
