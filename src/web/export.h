/* An answer in parts: core is asked for the next part only when the client has taken the one
 * before, so that a file of any size costs one part of memory.  Loop thread. */
#ifndef CORDON_WEB_EXPORT_H
#define CORDON_WEB_EXPORT_H

#include <event2/http.h>

#include "web/asker.h"
#include "web/people.h"
#include "web/route.h"

struct exports;

struct exports *exports_new(struct asker *asker);
/* Before the listener is closed, after the asker: nobody is answered any more. */
void exports_free(struct exports *exports);
/* Answers 'request', now or later.  Takes 'parameters'. */
void exports_begin(struct exports *exports, struct evhttp_request *request,
                   const struct route *route, const struct caller *caller, cJSON *parameters);

#endif
