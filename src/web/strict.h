/* What evhttp lets pass and a proxy before us may read differently: where one request ends and the
 * next one begins (RFC 9112, 6 and 11.2).  Pure. */
#ifndef CORDON_WEB_STRICT_H
#define CORDON_WEB_STRICT_H

#include <event2/http.h>
#include <stdbool.h>

struct strict_problem {
    const char *detail, *where;
};

/* False: there are two ways to read it; 'problem' says why. */
bool strict_check(struct evhttp_request *request, struct strict_problem *problem);
/* Its body came in chunks, of which evhttp reads more spellings than there are. */
bool strict_is_chunked(struct evhttp_request *request);

#endif
