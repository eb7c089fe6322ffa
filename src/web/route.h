/* The routes of the API: one table, from which requests are matched and the OpenAPI document is
 * made.  What an operation needs and answers stands in wire/op.h. */
#ifndef CORDON_WEB_ROUTE_H
#define CORDON_WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/text.h"
#include "wire/op.h"

#define API_PREFIX "/api/v1"

enum route_method { METHOD_GET, METHOD_POST, METHOD_COUNT };
extern const char *const route_method_names[METHOD_COUNT + 1];

enum route_kind {
    ROUTE_ASK,     /* passed on to core as 'op' */
    ROUTE_TEST,    /* POST /policy/test: parsed here first, then asked */
    ROUTE_CSV,     /* asked; a page of a file, and where it goes on in headers */
    ROUTE_EXPORT,  /* asked part after part, as one answer */
    ROUTE_EVENTS,  /* server-sent events */
    ROUTE_METRICS, /* asked, and our own counters added */
    ROUTE_HEALTH,  /* answered here */
    ROUTE_OPENAPI, /* answered here */
    ROUTE_PEOPLE,  /* sessions, accounts, tokens: people.h */
    ROUTE_ENROL,   /* a device's request: parsed here first, then asked (enrol.h) */
};

struct route {
    enum route_method method;
    const char *path; /* with "{id}" for one segment, at most once */
    enum route_kind kind;
    enum op op;
    bool is_open;      /* no token needed */
    bool creates;      /* answers 201 (or 200 when it was there) */
    const char *media; /* of a good answer; NULL: application/json */
    const char *tag;   /* group in the document */
    const char *summary;
};

extern const struct route route_table[];
extern const size_t route_count;

enum route_found { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_WRONG_METHOD };
/* 'path' is percent-encoded, without the query.  'id' gets the decoded segment, "" where the route
 * has none.  Where the method is wrong, 'allow' gets the right ones ("GET, POST"). */
enum route_found route_find(const char *method, const char *path, const struct route **route,
                            char id[HOST_SIZE], char allow[32]);
/* Does 'role' suffice? */
bool route_is_allowed(const struct route *route, enum account_role role);
/* Percent-decoding into 'out'; '+' is a space where 'is_query'.  False: malformed, too long, or a
 * control character. */
bool route_decode(const char *text, size_t size, bool is_query, char *out, size_t room);

#endif
