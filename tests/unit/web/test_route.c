/* Routes: matching, decoding, and who may do what: each route with each role. */
#include "web/may.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ALL "viewer operator admin auditor"
#define OPERATORS "operator admin"
#define ADMINS "admin"
#define AUDITORS "operator admin auditor"

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
static const struct {
    const char *method, *path;
    const char *roles; /* "" open to all */
} rights[] = {
    {"GET", "/api/v1/endpoints", ALL},
    {"GET", "/api/v1/endpoints/x", ALL},
    {"POST", "/api/v1/endpoints/x/annotate", OPERATORS},
    {"POST", "/api/v1/endpoints/x/protect", ADMINS},
    {"GET", "/api/v1/endpoints.csv", ALL},
    {"POST", "/api/v1/endpoints/import", OPERATORS},
    {"GET", "/api/v1/map/layout", ALL},
    {"POST", "/api/v1/map/layout", OPERATORS},
    {"GET", "/api/v1/annotations", ALL},
    {"GET", "/api/v1/links", ALL},
    {"GET", "/api/v1/switches", ALL},
    {"GET", "/api/v1/switches/x", ALL},
    {"GET", "/api/v1/containments", ALL},
    {"POST", "/api/v1/containments", OPERATORS},
    {"GET", "/api/v1/containments/x", ALL},
    {"POST", "/api/v1/containments/x/release", OPERATORS},
    {"POST", "/api/v1/containments/x/extend", OPERATORS},
    {"GET", "/api/v1/server-blocks", ALL},
    {"POST", "/api/v1/server-blocks", OPERATORS},
    {"GET", "/api/v1/server-blocks/x", ALL},
    {"POST", "/api/v1/server-blocks/x/release", OPERATORS},
    {"POST", "/api/v1/server-blocks/x/extend", OPERATORS},
    {"GET", "/api/v1/pending", ALL},
    {"POST", "/api/v1/pending/x/enforce", OPERATORS},
    {"POST", "/api/v1/pending/x/check", OPERATORS},
    {"POST", "/api/v1/pending/x/revert", OPERATORS},
    {"GET", "/api/v1/incidents", ALL},
    {"GET", "/api/v1/incidents/x", ALL},
    {"GET", "/api/v1/evidence/x", ALL},
    {"GET", "/api/v1/intake", ALL},
    {"GET", "/api/v1/sensors", ALL},
    {"GET", "/api/v1/mirrors", ALL},
    {"GET", "/api/v1/protected", ALL},
    {"POST", "/api/v1/protected/x/confirm", ADMINS},
    {"POST", "/api/v1/protected/x/remove", ADMINS},
    {"GET", "/api/v1/policy", ALL},
    {"POST", "/api/v1/policy", ADMINS},
    {"POST", "/api/v1/policy/check", OPERATORS},
    {"POST", "/api/v1/policy/test", OPERATORS},
    {"POST", "/api/v1/policy/replay", OPERATORS},
    {"GET", "/api/v1/policy/replay/x", ALL},
    {"GET", "/api/v1/policy/replay/x/decisions", ALL},
    {"GET", "/api/v1/policy/rollout", ALL},
    {"GET", "/api/v1/policy/maintenance", ALL},
    {"GET", "/api/v1/jobs", ALL},
    {"GET", "/api/v1/jobs/x", ALL},
    {"POST", "/api/v1/jobs/x/cancel", OPERATORS},
    {"GET", "/api/v1/policy/revisions", ALL},
    {"GET", "/api/v1/policy/revisions/x", ALL},
    {"POST", "/api/v1/policy/revisions/x/restore", ADMINS},
    {"GET", "/api/v1/enforcement", ALL},
    {"GET", "/api/v1/budgets", ALL},
    {"GET", "/api/v1/conflicts", ALL},
    {"POST", "/api/v1/enforcement/panic", OPERATORS},
    {"POST", "/api/v1/enforcement/resume", OPERATORS},
    {"GET", "/api/v1/notifications", AUDITORS},
    {"POST", "/api/v1/notifications", ADMINS},
    {"POST", "/api/v1/notifications/x/test", ADMINS},
    {"GET", "/api/v1/notices", AUDITORS},
    {"GET", "/api/v1/doctor", ALL},
    {"GET", "/api/v1/audit", AUDITORS},
    {"GET", "/api/v1/storage", ALL},
    {"GET", "/api/v1/retention", ALL},
    {"POST", "/api/v1/retention", ADMINS},
    {"POST", "/api/v1/purges", ADMINS},
    {"GET", "/api/v1/purges/x", AUDITORS},
    {"GET", "/api/v1/backup", ALL},
    {"POST", "/api/v1/backup/start", ADMINS},
    {"POST", "/api/v1/backup/schedule", ADMINS},
    {"GET", "/api/v1/backup/download", ADMINS},
    {"GET", "/api/v1/unproven", ALL},
    {"POST", "/api/v1/unproven/x/keep", OPERATORS},
    {"GET", "/api/v1/watch", ALL},
    {"GET", "/api/v1/server-assessment", ALL},
    {"GET", "/api/v1/warning", ALL},
    {"POST", "/api/v1/warning", ADMINS},
    {"POST", "/api/v1/warning/reset", ADMINS},
    {"POST", "/api/v1/warning/preview", ALL},
    {"GET", "/api/v1/audit/verify", AUDITORS},
    {"GET", "/api/v1/payload-readers", AUDITORS},
    {"POST", "/api/v1/payload-readers/x", ADMINS},
    {"POST", "/api/v1/audit/verify", AUDITORS},
    {"GET", "/api/v1/audit/checkpoints", AUDITORS},
    {"GET", "/api/v1/audit/export", AUDITORS},
    {"GET", "/api/v1/version", ALL},
    {"GET", "/api/v1/events", ALL},
    {"GET", "/api/v1/openapi.json", ""},
    {"GET", "/metrics", ALL},
    {"GET", "/health", ""},
    {"POST", "/api/v1/session", ""},
    {"GET", "/api/v1/session", ALL},
    {"POST", "/api/v1/session/end", ALL},
    {"POST", "/api/v1/session/end-all", ALL},
    {"POST", "/api/v1/session/password", ALL},
    {"POST", "/api/v1/session/code", ""},
    {"GET", "/api/v1/session/ways", ""},
    {"POST", "/api/v1/session/openid/begin", ""},
    {"POST", "/api/v1/session/openid", ""},
    {"GET", "/api/v1/session/list", ALL},
    {"POST", "/api/v1/session/end-others", ALL},
    {"POST", "/api/v1/session/factor/begin", ALL},
    {"POST", "/api/v1/session/factor/confirm", ALL},
    {"POST", "/api/v1/session/factor/recover", ALL},
    {"POST", "/api/v1/session/factor/remove", ALL},
    {"GET", "/api/v1/accounts/rules", ADMINS},
    {"POST", "/api/v1/accounts/x/reset-factor", ADMINS},
    {"GET", "/api/v1/accounts", ADMINS},
    {"POST", "/api/v1/accounts", ADMINS},
    {"POST", "/api/v1/accounts/x/role", ADMINS},
    {"POST", "/api/v1/accounts/x/password", ADMINS},
    {"POST", "/api/v1/accounts/x/disable", ADMINS},
    {"POST", "/api/v1/accounts/x/enable", ADMINS},
    {"POST", "/api/v1/accounts/x/remove", ADMINS},
    {"POST", "/api/v1/accounts/x/end-sessions", ADMINS},
    {"GET", "/api/v1/tokens", ADMINS},
    {"POST", "/api/v1/tokens", ADMINS},
    {"POST", "/api/v1/tokens/x/revoke", ADMINS},
    {"GET", "/api/v1/certificates", ALL},
    {"POST", "/api/v1/certificates/x/revoke", ADMINS},
    {"GET", "/api/v1/enrolments", ALL},
    {"POST", "/api/v1/enrolments", ADMINS},
    {"POST", "/api/v1/enrolments/x/withdraw", ADMINS},
    {"POST", "/api/v1/enrol", ""},
    {"GET", "/api/v1/refused-peers", ALL},
};

static void
rights_of_each_role(void **state)
{
    char id[HOST_SIZE];
    (void)state;
    assert_int_equal(COUNT_OF(rights), route_count);
    for (size_t i = 0; i < COUNT_OF(rights); i++) {
        const struct route *route = must_find(rights[i].method, rights[i].path, id);
        assert_int_equal(route->is_open, rights[i].roles[0] == '\0');
        for (int role = 0; role < ACCOUNT_ROLE_COUNT && !route->is_open; role++) {
            bool is_wanted = strstr(rights[i].roles, account_role_names[role]) != NULL;
            if (route_is_allowed(route, (enum account_role)role) != is_wanted) {
                fail_msg("%s %s: %s", rights[i].method, rights[i].path, account_role_names[role]);
            }
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
                            route_table[j].kind == ROUTE_METRICS ||
                            route_table[j].kind == ROUTE_PEOPLE ||
                            route_table[j].kind == ROUTE_EXPORT ||
                            route_table[j].kind == ROUTE_ENROL || route_table[j].kind == ROUTE_CSV;
            routes += is_asked && (int)route_table[j].op == i;
        }
        assert_int_equal(routes, i == OP_AUDIT_RECORD ? 0 : 1); /* web asks that by itself */
    }
}

/* What keeps whoever was found from a route, in its order: the role is looked at last. */
static void
what_keeps_a_caller_from_it(void **state)
{
    static const struct {
        struct caller caller;
        const char *method, *path;
        const char *detail; /* NULL: may */
    } cases[] = {
        {{.account = "account:kim", .role = ACCOUNT_ADMIN}, "POST", "/api/v1/tokens", NULL},
        {{.account = "account:kim", .role = ACCOUNT_VIEWER},
         "POST",
         "/api/v1/containments",
         "account:kim is viewer; this needs operator or admin"},
        {{.account = "account:kim", .role = ACCOUNT_ADMIN, .must_change = true},
         "GET",
         "/api/v1/version",
         "the password must be changed first"},
        {{.role = ACCOUNT_VIEWER, .must_change = true}, "POST", "/api/v1/session/password", NULL},
        {{.role = ACCOUNT_ADMIN, .must_enrol = true},
         "GET",
         "/api/v1/events",
         "a second factor must be set up first"},
        {{.role = ACCOUNT_ADMIN, .must_enrol = true}, "POST", "/api/v1/session/factor/begin", NULL},
        {{.role = ACCOUNT_ADMIN, .is_scoped = true, .token = {.is_read_only = true}},
         "POST",
         "/api/v1/containments",
         "this token's scope does not hold this operation"},
        {{.role = ACCOUNT_ADMIN, .is_scoped = true, .token = {.is_read_only = true}},
         "GET",
         "/api/v1/events",
         NULL},
        {{.role = ACCOUNT_ADMIN,
          .is_scoped = true,
          .token = {.ops = {OP_CONTAINMENT_CREATE}, .op_count = 1}},
         "GET",
         "/api/v1/events",
         "this token's scope does not hold this operation"},
        {{.role = ACCOUNT_VIEWER,
          .is_scoped = true,
          .token = {.ops = {OP_CONTAINMENT_CREATE}, .op_count = 1}},
         "POST",
         "/api/v1/containments",
         " is viewer; this needs operator or admin"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char id[HOST_SIZE];
        struct may_not why = {.detail = ""};
        const struct route *route = must_find(cases[i].method, cases[i].path, id);
        assert_int_equal(may(route, &cases[i].caller, &why), cases[i].detail == NULL);
        assert_string_equal(why.detail, cases[i].detail ? cases[i].detail : "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_paths),          cmocka_unit_test(refuses_other_paths),
        cmocka_unit_test(says_which_methods),   cmocka_unit_test(rights_of_each_role),
        cmocka_unit_test(operations_are_whole), cmocka_unit_test(what_keeps_a_caller_from_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
