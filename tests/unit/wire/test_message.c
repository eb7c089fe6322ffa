/* Who may send what to whom, written out a second time: the table in wire/message.c must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wire/hello.h"
#include "wire/message.h"

static const struct {
    enum wire_role from, to;
    const char *types;
} allowed[] = {
    {ROLE_SENSOR, ROLE_INTAKE, " hello detection evidence sensor_stats request "},
    {ROLE_INTAKE, ROLE_SENSOR, " ack renew "},
    {ROLE_INTAKE, ROLE_CORE, " hello detection evidence sensor_stats source_stats peer sign "},
    {ROLE_CORE, ROLE_INTAKE, " ack peers renew "},
    {ROLE_EDGE, ROLE_DRIVER, " hello facts observed edge_stats request checkpoints "},
    {ROLE_DRIVER, ROLE_EDGE, " desired read_back renew checkpoint "},
    {ROLE_DRIVER, ROLE_CORE, " facts observed edge_stats device peer sign checkpoints "},
    {ROLE_CORE, ROLE_DRIVER, " desired read_back peers renew checkpoint "},
    {ROLE_WEB, ROLE_CORE, " ask "},
    {ROLE_CORE, ROLE_WEB, " answer event renew "},
    {ROLE_CORE, ROLE_NOTIFY, " notice secret "},
    {ROLE_NOTIFY, ROLE_CORE, " notice_result secrets "},
    {ROLE_WEB, ROLE_LOGIN, " login "},
    {ROLE_LOGIN, ROLE_WEB, " login_result "},
};

static bool
is_expected(enum wire_role from, enum wire_role to, enum wire_type type)
{
    char word[40] = " ";
    strcat(word, wire_type_names[type]);
    strcat(word, " ");
    for (size_t i = 0; i < COUNT_OF(allowed); i++) {
        if (allowed[i].from == from && allowed[i].to == to) {
            return strstr(allowed[i].types, word) != NULL;
        }
    }
    return false;
}

static void
test_each_role_sends_only_its_own(void **state)
{
    (void)state;
    unsigned count = 0;
    for (int from = 0; from < ROLE_COUNT; from++) {
        for (int to = 0; to < ROLE_COUNT; to++) {
            for (int type = 0; type < WIRE_TYPE_COUNT; type++) {
                bool may =
                    wire_is_allowed((enum wire_role)from, (enum wire_role)to, (enum wire_type)type);
                if (may !=
                    is_expected((enum wire_role)from, (enum wire_role)to, (enum wire_type)type)) {
                    fail_msg("%s -> %s: %s %s", wire_role_names[from], wire_role_names[to],
                             wire_type_names[type], may ? "is allowed" : "is not allowed");
                }
                count += may;
            }
        }
    }
    assert_int_equal(count, 49);
}

static void
test_what_is_out_of_range_is_not_allowed(void **state)
{
    (void)state;
    assert_false(wire_is_allowed(ROLE_COUNT, ROLE_CORE, WIRE_ASK));
    assert_false(wire_is_allowed(ROLE_WEB, ROLE_COUNT, WIRE_ASK));
    assert_false(wire_is_allowed(ROLE_WEB, ROLE_CORE, WIRE_TYPE_COUNT));
    assert_false(wire_is_allowed(ROLE_WEB, ROLE_CORE, (enum wire_type)(WIRE_ASK + 32)));
}

static void
test_types_are_found_by_their_exact_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"type\":1}",
        "{\"type\":null}",
        "{\"type\":\"\"}",
        "[\"hello\"]",
        "{\"Type\":\"hello\"}",
        "{\"type\":\"hello \"}",
        "{\"type\":\"HELLO\"}",
        "\"hello\"",
        "{\"type\":[\"ack\"]}",
        "{\"type\":\"hell\"}",
        "{\"a\":{\"type\":\"ack\"}}",
    };
    enum wire_type type;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cJSON *json = codec_parse(bad[i], strlen(bad[i]));
        assert_non_null(json);
        if (wire_type_of(json, &type)) {
            fail_msg("%s has type %s", bad[i], wire_type_names[type]);
        }
        cJSON_Delete(json);
    }
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "type", wire_type_names[i]);
        assert_true(wire_type_of(json, &type));
        assert_int_equal(type, i);
        assert_string_equal(wire_shape(type)->name, wire_type_names[i]);
        cJSON_Delete(json);
    }
    assert_null(wire_type_names[WIRE_TYPE_COUNT]);
    assert_null(wire_role_names[ROLE_COUNT]);
}

static void
test_a_message_has_its_type(void **state)
{
    (void)state;
    struct wire_hello hello = {.name = "e1"}, again;
    struct codec_error error;
    cJSON *json = wire_encode(WIRE_HELLO, &hello);
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, "{\"name\":\"e1\",\"type\":\"hello\"}");
    assert_int_equal(wire_decode(WIRE_HELLO, json, &again, &error), 0);
    assert_string_equal(again.name, "e1");
    wire_fini(WIRE_HELLO, &again);
    /* As another type it lacks what that one needs. */
    struct wire_hello other; /* larger than a read_back */
    assert_true(sizeof(other) >= wire_shape(WIRE_READ_BACK)->size);
    assert_int_not_equal(wire_decode(WIRE_READ_BACK, json, &other, &error), 0);
    cJSON_free(text);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_role_sends_only_its_own),
        cmocka_unit_test(test_what_is_out_of_range_is_not_allowed),
        cmocka_unit_test(test_types_are_found_by_their_exact_names),
        cmocka_unit_test(test_a_message_has_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
