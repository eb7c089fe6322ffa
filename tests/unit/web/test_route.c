/* Routes: matching, decoding, and who may do what: each route with each role. */
#include "web/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct route *
must_find(const char *method, const char *path, char id[HOST_SIZE])
{
    const struct route *route = NULL;
    char allow[32];
    assert_int_equal(route_find(method, path, &route, id, allow), ROUTE_FOUND);
    return route;
}

static void
finds_paths(void **state)
{
    char id[HOST_SIZE];
    (void)state;
    assert_int_equal(must_find("GET", "/api/v1/endpoints", id)->op, OP_ENDPOINT_LIST);
    assert_string_equal(id, "");
    assert_int_equal(must_find("GET", "/api/v1/endpoints/02%3a00:00:00:01:01", id)->op,
                     OP_ENDPOINT_SHOW);
    assert_string_equal(id, "02:00:00:00:01:01");
    assert_int_equal(must_find("GET", "/api/v1/endpoints/2001:db8::1", id)->op, OP_ENDPOINT_SHOW);
    assert_int_equal(must_find("POST", "/api/v1/containments/X/release", id)->op,
                     OP_CONTAINMENT_RELEASE);
    assert_string_equal(id, "X");
    assert_int_equal(must_find("POST", "/api/v1/containments", id)->op, OP_CONTAINMENT_CREATE);
    assert_int_equal(must_find("GET", "/api/v1/containments", id)->op, OP_CONTAINMENT_LIST);
    assert_int_equal(must_find("GET", "/metrics", id)->kind, ROUTE_METRICS);
}

static void
refuses_other_paths(void **state)
{
    static const char *const wrong[] = {
        "",
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/endpoints/", /* an empty id */
        "/api/v1/endpoints//x",
        "/api/v1/endpoint",
        "/api/v1/endpointsx",
        "/api/v1/containments/X/releas",
        "/api/v1/containments/X/release/",
        "/api/v1/containments/%2/release", /* malformed */
        "/api/v1/containments/%00/release",
        "/api/v1/containments/%0a/release",
        "api/v1/endpoints",
        "/API/v1/endpoints",
    };
    const struct route *route = NULL;
    char id[HOST_SIZE];
    char allow[32];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_not_equal(route_find("GET", wrong[i], &route, id, allow), ROUTE_FOUND);
        assert_int_not_equal(route_find("POST", wrong[i], &route, id, allow), ROUTE_FOUND);
    }
    char longer[HOST_SIZE + 64] = "/api/v1/endpoints/";
    memset(longer + strlen(longer), 'a', HOST_SIZE);
    assert_int_equal(route_find("GET", longer, &route, id, allow), ROUTE_UNKNOWN);
}

static void
says_which_methods(void **state)
{
    const struct route *route = NULL;
    char id[HOST_SIZE];
    char allow[32];
    (void)state;
    assert_int_equal(route_find("DELETE", "/api/v1/containments", &route, id, allow),
                     ROUTE_WRONG_METHOD);
    assert_string_equal(allow, "GET, POST");
    assert_int_equal(route_find("POST", "/api/v1/doctor", &route, id, allow), ROUTE_WRONG_METHOD);
    assert_string_equal(allow, "GET");
    assert_int_equal(route_find("GET", "/api/v1/enforcement/panic", &route, id, allow),
                     ROUTE_WRONG_METHOD);
    assert_string_equal(allow, "POST");
}

/* The whole table, written out once more by hand: a change of a right must be made twice. */
static void
rights_of_each_role(void **state)
{
    static const struct {
        const char *method, *path;
        const char *least; /* "" open to all */
    } rights[] = {
        {"GET", "/api/v1/endpoints", "viewer"},
        {"GET", "/api/v1/endpoints/x", "viewer"},
        {"GET", "/api/v1/links", "viewer"},
        {"GET", "/api/v1/switches", "viewer"},
        {"GET", "/api/v1/switches/x", "viewer"},
        {"GET", "/api/v1/containments", "viewer"},
        {"POST", "/api/v1/containments", "operator"},
        {"GET", "/api/v1/containments/x", "viewer"},
        {"POST", "/api/v1/containments/x/release", "operator"},
        {"POST", "/api/v1/containments/x/extend", "operator"},
        {"GET", "/api/v1/server-blocks", "viewer"},
        {"POST", "/api/v1/server-blocks", "operator"},
        {"GET", "/api/v1/server-blocks/x", "viewer"},
        {"POST", "/api/v1/server-blocks/x/release", "operator"},
        {"POST", "/api/v1/server-blocks/x/extend", "operator"},
        {"GET", "/api/v1/pending", "viewer"},
        {"POST", "/api/v1/pending/x/enforce", "operator"},
        {"POST", "/api/v1/pending/x/check", "operator"},
        {"POST", "/api/v1/pending/x/revert", "operator"},
        {"GET", "/api/v1/incidents", "viewer"},
        {"GET", "/api/v1/incidents/x", "viewer"},
        {"GET", "/api/v1/evidence/x", "operator"},
        {"GET", "/api/v1/intake", "viewer"},
        {"GET", "/api/v1/sensors", "viewer"},
        {"GET", "/api/v1/mirrors", "viewer"},
        {"GET", "/api/v1/protected", "viewer"},
        {"POST", "/api/v1/protected/x/confirm", "admin"},
        {"POST", "/api/v1/protected/x/remove", "admin"},
        {"GET", "/api/v1/policy", "viewer"},
        {"POST", "/api/v1/policy/test", "operator"},
        {"GET", "/api/v1/enforcement", "viewer"},
        {"POST", "/api/v1/enforcement/panic", "operator"},
        {"POST", "/api/v1/enforcement/resume", "operator"},
        {"GET", "/api/v1/doctor", "viewer"},
        {"GET", "/api/v1/audit", "operator"},
        {"GET", "/api/v1/version", "viewer"},
        {"GET", "/api/v1/events", "viewer"},
        {"GET", "/api/v1/openapi.json", ""},
        {"GET", "/metrics", "viewer"},
        {"GET", "/health", ""},
    };
    char id[HOST_SIZE];
    (void)state;
    assert_int_equal(COUNT_OF(rights), route_count);
    for (size_t i = 0; i < COUNT_OF(rights); i++) {
        const struct route *route = must_find(rights[i].method, rights[i].path, id);
        enum account_role least = ACCOUNT_VIEWER;
        assert_int_equal(route->is_open, rights[i].least[0] == '\0');
        assert_true(route->is_open || account_role_parse(rights[i].least, &least));
        for (int role = 0; role < ACCOUNT_ROLE_COUNT; role++) {
            assert_int_equal(route_is_allowed(route, (enum account_role)role), role >= (int)least);
        }
    }
}

static void
operations_are_whole(void **state)
{
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        enum op op = OP_COUNT;
        unsigned routes = 0;
        assert_true(op_parse(op_table[i].name, &op));
        assert_int_equal(op, i); /* so no name stands twice */
        for (size_t j = 0; j < route_count; j++) {
            bool is_asked = route_table[j].kind == ROUTE_ASK || route_table[j].kind == ROUTE_TEST ||
                            route_table[j].kind == ROUTE_METRICS;
            routes += is_asked && (int)route_table[j].op == i;
        }
        assert_int_equal(routes, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_paths),          cmocka_unit_test(refuses_other_paths),
        cmocka_unit_test(says_which_methods),   cmocka_unit_test(rights_of_each_role),
        cmocka_unit_test(operations_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
