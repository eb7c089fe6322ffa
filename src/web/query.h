/* Requests -> parameters: query strings and bodies into the JSON object that the operation's shape
 * checks.  Pure. */
#ifndef CORDON_WEB_QUERY_H
#define CORDON_WEB_QUERY_H

#include "wire/codec.h"

/* "q=c2&limit=10" by the shape's kinds; 'query' may be NULL.  NULL: malformed, then 'error' says
 * where and why.  An unknown name stays in: codec_decode refuses it. */
cJSON *query_read(const struct shape *shape, const char *query, struct codec_error *error);
/* Puts the id of the path in; false: the body has one already. */
bool query_add_id(cJSON *parameters, const char *id);
/* Do the parameters fit the shape?  'shape' NULL: only an empty object does. */
bool query_check(const struct shape *shape, const cJSON *parameters, struct codec_error *error);

#endif
