/* POST /policy/test: lines become checked detections or a reason, one each, in order. */
#include "web/event_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/detection.h"
#include "wire/op.h"
#include "wire/view_system.h"

#define OURS                                                                                       \
    "{\"id\":\"d1\",\"sensor\":\"s\",\"maker\":\"cordon\",\"seen_us\":1,\"signature\":\"x\","      \
    "\"phase\":\"c2\",\"severity\":\"high\"}"

static bool
parse_cef(const struct config *config, const char *source, const char *line, size_t size,
          struct detection *detection, char why[TEXT_SIZE])
{
    assert_null(config);
    assert_string_equal(source, "");
    assert_int_equal(size, strlen(line));
    if (strncmp(line, "CEF:", 4) != 0) {
        snprintf(why, TEXT_SIZE, "not CEF");
        return false;
    }
    snprintf(detection->id, sizeof(detection->id), "cef");
    snprintf(detection->sensor, sizeof(detection->sensor), "test");
    snprintf(detection->maker, sizeof(detection->maker), "deep-discovery");
    detection->seen_us = 5;
    return true;
}

static cJSON *
body_of(const char *const *lines, size_t count)
{
    cJSON *body = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(body, "lines");
    for (size_t i = 0; i < count; i++) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddNumberToObject(line, "line", (double)i + 1);
        cJSON_AddStringToObject(line, "text", lines[i]);
        cJSON_AddItemToArray(list, line);
    }
    return body;
}

static void
parses_each_line(void **state)
{
    static const char *const lines[] = {OURS, "CEF:0|...", "rubbish", "{\"signature\":1}",
                                        "{\"event_type\":\"alert\"}"};
    struct codec_error error;
    struct op_test test;
    cJSON *body = body_of(lines, COUNT_OF(lines));
    cJSON *json = event_lines_parse(body, parse_cef, NULL, &error);
    (void)state;
    assert_non_null(json);
    assert_int_equal(codec_decode(op_table[OP_POLICY_TEST].parameters, json, &test, &error), 0);
    assert_int_equal(test.line_count, 5);
    assert_string_equal(test.lines[0].detection->id, "d1");
    assert_int_equal(test.lines[0].detection->phase, PHASE_C2);
    assert_string_equal(test.lines[1].detection->maker, "deep-discovery");
    assert_null(test.lines[2].detection);
    assert_string_equal(test.lines[2].why, "not CEF");
    assert_null(test.lines[3].detection);
    assert_memory_equal(test.lines[3].why, "not one of our detections: ", 27);
    assert_int_equal(test.lines[4].line, 5);
    codec_fini(op_table[OP_POLICY_TEST].parameters, &test);
    cJSON_Delete(json);
    cJSON_Delete(body);
}

static void
refuses_other_bodies(void **state)
{
    static const char *const bad[] = {"{}", "{\"lines\":\"x\"}", "{\"lines\":[\"x\"]}",
                                      "{\"lines\":[{\"line\":1}]}", "{\"lines\":[],\"more\":1}"};
    struct codec_error error;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cJSON *body = codec_parse(bad[i], strlen(bad[i]));
        assert_non_null(body);
        assert_null(event_lines_parse(body, parse_cef, NULL, &error));
        cJSON_Delete(body);
    }
    const char *many[TEST_LINES_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = "x";
    }
    cJSON *body = body_of(many, COUNT_OF(many));
    assert_null(event_lines_parse(body, parse_cef, NULL, &error));
    cJSON_Delete(body);
}

static void
says_where_no_parser_is(void **state)
{
    static const char *const lines[] = {"CEF:0|..."};
    struct codec_error error;
    cJSON *body = body_of(lines, 1);
    cJSON *json = event_lines_parse(body, NULL, NULL, &error);
    const cJSON *line = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "lines"), 0);
    (void)state;
    assert_string_equal(cJSON_GetObjectItem(line, "why")->valuestring,
                        "no parser for this format is built in");
    cJSON_Delete(json);
    cJSON_Delete(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_each_line),
        cmocka_unit_test(refuses_other_bodies),
        cmocka_unit_test(says_where_no_parser_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
