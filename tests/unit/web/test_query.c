/* Query strings and bodies: strict. */
#include "web/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/op.h"

static const struct shape *
containment_list(void)
{
    return op_table[OP_CONTAINMENT_LIST].parameters;
}

static bool
is_accepted(const struct shape *shape, const char *query)
{
    struct codec_error error;
    cJSON *json = query_read(shape, query, &error);
    bool fits = json && query_check(shape, json, &error);
    cJSON_Delete(json);
    return fits;
}

static void
reads_queries(void **state)
{
    struct op_containment_list list;
    struct codec_error error;
    (void)state;
    cJSON *json =
        query_read(containment_list(), "q=c2%20or+c3&limit=10&state=verified&ended=true&", &error);
    assert_non_null(json);
    assert_int_equal(codec_decode(containment_list(), json, &list, &error), 0);
    assert_string_equal(list.page.q, "c2 or c3");
    assert_int_equal(list.page.limit, 10);
    assert_int_equal(list.state, CONTAINMENT_VERIFIED + 1);
    assert_true(list.ended);
    cJSON_Delete(json);
    assert_true(is_accepted(containment_list(), NULL));
    assert_true(is_accepted(containment_list(), ""));
}

static void
refuses_queries(void **state)
{
    static const char *const bad[] = {
        "limit=0",   "limit=501",       "limit=-1",  "limit=1.5", "limit=x",
        "limit=1e2", "limit=",          "state=odd", "ended=1",   "colour=red",
        "q=a&q=b",   "q=%zz",           "q=%0a",     "=x",        "limit=99999999999999999999",
        "q=%c3%28",  "state=verified ",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (is_accepted(containment_list(), bad[i])) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static bool
is_contain_accepted(const char *text)
{
    struct codec_error error;
    cJSON *json = codec_parse(text, strlen(text));
    bool fits = json && query_check(op_table[OP_CONTAINMENT_CREATE].parameters, json, &error);
    cJSON_Delete(json);
    return fits;
}

static void
checks_wishes(void **state)
{
    static const char *const good[] = {
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"reason\":\"r\",\"permit_set\":\"update\","
        "\"observed_at\":\"2026-03-09T11:58:24+09:00\",\"site\":\"default\",\"external_id\":\"7\","
        "\"expires_in_s\":60}",
        ("{\"action\":\"block_pair\",\"endpoint_id\":\"01\",\"server\":\"203.0.113.80\","
         "\"reason\":\"r\"}"),
        "{\"action\":\"block_server\",\"server_name\":\"c2.example.net\",\"reason\":\"r\"}",
        "{\"action\":\"mirror\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"r\"}",
    };
    static const char *const bad[] = {
        "{}",
        "{\"action\":\"isolate\",\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"  \"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\",\"ip\":\"192.0.2.7\","
        "\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\",\"server\":\"192.0.2.7\","
        "\"reason\":\"r\"}",
        "{\"action\":\"block_pair\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"r\"}",
        "{\"action\":\"block_pair\",\"mac\":\"02:00:00:00:01:01\",\"server\":\"192.0.2.7\","
        "\"server_name\":\"x\",\"reason\":\"r\"}",
        "{\"action\":\"block_server\",\"mac\":\"02:00:00:00:01:01\",\"server\":\"192.0.2.7\","
        "\"reason\":\"r\"}",
        "{\"action\":\"mirror\",\"mac\":\"02:00:00:00:01:01\",\"permit_set\":\"p\","
        "\"reason\":\"r\"}",
        "{\"action\":\"notify\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01:01\",\"reason\":\"r\",\"x\":1}",
        "{\"action\":\"isolate\",\"mac\":7,\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"mac\":\"02:00:00:00:01\",\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"observed_at\":\"noon\",\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"expires_in_s\":0,\"reason\":\"r\"}",
        "{\"action\":\"isolate\",\"ip\":\"192.0.2.7\",\"reason\":\"a\\u0000b\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (!is_contain_accepted(good[i])) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (is_contain_accepted(bad[i])) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void
path_and_body_do_not_mix(void **state)
{
    struct codec_error error;
    cJSON *json = cJSON_CreateObject();
    (void)state;
    assert_true(query_add_id(json, "x"));
    assert_false(query_add_id(json, "y"));
    assert_false(query_check(NULL, json, &error)); /* takes no parameters */
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_queries),
        cmocka_unit_test(refuses_queries),
        cmocka_unit_test(checks_wishes),
        cmocka_unit_test(path_and_body_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
