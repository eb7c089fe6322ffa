/* Shape (wire/codec.h) -> JSON schema, so that the OpenAPI document says exactly what the codec
 * accepts and writes.  JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
#ifndef CORDON_WEB_SCHEMA_H
#define CORDON_WEB_SCHEMA_H

#include "wire/codec.h"

/* The schema of one field's value; objects are referred to by name, and are added to 'components'
 * with all that they refer to.  The caller owns the result. */
cJSON *schema_of_field(const struct field *field, cJSON *components);
/* Adds the shape to 'components' where it is missing; returns {"$ref": ...}. */
cJSON *schema_refer(const struct shape *shape, cJSON *components);
/* The object itself, without the field named 'skip' (NULL: with all). */
cJSON *schema_of_shape(const struct shape *shape, const char *skip, cJSON *components);

#endif
