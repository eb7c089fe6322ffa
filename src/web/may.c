#include "web/may.h"

#include <stdio.h>

static bool
is_about_session(const struct route *route)
{
    return route->kind == ROUTE_PEOPLE && route->op >= OP_SESSION_OPEN &&
           route->op <= OP_FACTOR_REMOVE;
}

/* "operator or admin" */
static void
roles_name(const struct route *route, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (int role = 0; role < ACCOUNT_ROLE_COUNT; role++) {
        if (route_is_allowed(route, (enum account_role)role) && used < room) {
            used += (size_t)snprintf(text + used, room - used, "%s%s", used ? " or " : "",
                                     account_role_names[role]);
        }
    }
}

/* Events tell of everything: only for those who may ask for everything. */
static bool
is_in_scope(const struct route *route, const struct token *token)
{
    bool reads = route->method == METHOD_GET;
    return route->kind == ROUTE_EVENTS ? token->op_count == 0
                                       : token_allows(token, route->op, reads);
}

static bool
deny(struct may_not *why, const char *detail, const char *where, const char *advice)
{
    *why = (struct may_not){.where = where, .advice = advice};
    snprintf(why->detail, sizeof(why->detail), "%s", detail);
    return false;
}

bool
may(const struct route *route, const struct caller *caller, struct may_not *why)
{
    char detail[TEXT_SIZE], roles[64];
    if (caller->must_change && !is_about_session(route)) {
        return deny(why, "the password must be changed first", NULL,
                    "POST " API_PREFIX "/session/password");
    }
    if (caller->must_enrol && !is_about_session(route)) {
        return deny(why, "a second factor must be set up first", NULL,
                    "POST " API_PREFIX "/session/factor/begin");
    }
    if (caller->is_scoped && !is_in_scope(route, &caller->token)) {
        return deny(why, "this token's scope does not hold this operation", "Authorization",
                    "ask an administrator");
    }
    if (!route_is_allowed(route, caller->role)) {
        roles_name(route, roles, sizeof(roles));
        snprintf(detail, sizeof(detail), "%s is %s; this needs %s", caller->account,
                 account_role_names[caller->role], roles);
        return deny(why, detail, "Authorization", "ask an administrator");
    }
    return true;
}
