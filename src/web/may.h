/* Who may do what: a caller that was found (people.h) and a route (route.h).  What a role may is a
 * column of route.c's table; here stands what keeps a caller from it.  Pure; any thread. */
#ifndef CORDON_WEB_MAY_H
#define CORDON_WEB_MAY_H

#include "web/people.h"
#include "web/route.h"

struct may_not {
    char detail[TEXT_SIZE];
    const char *where, *advice; /* static; 'where' may be NULL */
};

/* False: 'why' says why not. */
bool may(const struct route *route, const struct caller *caller, struct may_not *why);

#endif
