/* Log lines: one line each, valid whatever a packet put into a value, cut only between characters;
 * and the limit on what a peer can make us say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/utf8.h"

#define LINE_MAX_SIZE 4096 /* what a pipe takes in one piece (PIPE_BUF): lines never mix */

static int kept_stderr, ends[2];

static void
capture(enum log_format format, enum log_level least)
{
    assert_int_equal(pipe(ends), 0);
    kept_stderr = dup(STDERR_FILENO);
    assert_true(kept_stderr >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_setup("test", format, least);
}

/* What went to standard error since capture(); freed by the caller. */
static char *
caught(void)
{
    char *text = calloc(1, 65536);
    size_t used = 0;
    ssize_t got;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(ends[1]);
    while (text && (got = read(ends[0], text + used, 65535 - used)) > 0) {
        used += (size_t)got;
    }
    close(ends[0]);
    assert_non_null(text);
    assert_int_equal(strlen(text), used);
    return text;
}

static char *
logged(enum log_format format, const char *message, const char *value)
{
    capture(format, LOG_INFO);
    log_warn("area", message, LOG_S("text", value), LOG_I("number", -7));
    return caught();
}

/* Exactly one line of plain UTF-8. */
static void
assert_one_plain_line(const char *line)
{
    size_t size = strlen(line);
    assert_true(size > 0 && size <= LINE_MAX_SIZE);
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
    assert_true(utf8_is_plain(line, size - 1));
}

static const char *
text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    assert_non_null(text);
    return text;
}

static const struct {
    const char *value;
    const char *seen; /* what a JSON reader gets */
} hostile[] = {
    {"plain", "plain"},
    {"", ""},
    {"two\nlines\r\n", "two\nlines\r\n"},
    {"quote\" back\\slash", "quote\" back\\slash"},
    {"\x1b[31mred\x7f\x01", "\x1b[31mred\x7f\x01"},
    {"\xc2\x9b"
     "31m",
     "\xc2\x9b"
     "31m"}, /* C1: terminals obey it as they do ESC [ */
    {"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
    {"\xff(", "\xef\xbf\xbd("},
    {"cut \xe6\x97", "cut \xef\xbf\xbd\xef\xbf\xbd"},
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\",\"level\":\"debug", "\",\"level\":\"debug"}, /* does not become a member of its own */
};

static void
json_lines_are_valid_whatever_is_in_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        char *line = logged(LOG_JSON, hostile[i].value, hostile[i].value);
        int64_t us;
        assert_one_plain_line(line);
        cJSON *json = cJSON_ParseWithOpts(line, NULL, true);
        assert_non_null(json);
        assert_string_equal(text_of(json, "text"), hostile[i].seen);
        assert_string_equal(text_of(json, "message"), hostile[i].seen);
        assert_string_equal(text_of(json, "level"), "warn");
        assert_string_equal(text_of(json, "program"), "test");
        assert_string_equal(text_of(json, "area"), "area");
        assert_int_equal(time_parse(text_of(json, "time"), &us), 0);
        assert_int_equal(cJSON_GetObjectItem(json, "number")->valueint, -7);
        assert_int_equal(cJSON_GetArraySize(json), 7);
        cJSON_Delete(json);
        free(line);
    }
}

static void
text_lines_are_one_line_whatever_is_in_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        char *line = logged(LOG_TEXT, hostile[i].value, hostile[i].value);
        assert_one_plain_line(line);
        assert_non_null(strstr(line, "Z warn  test area: "));
        assert_non_null(strstr(line, " text=\""));
        assert_string_equal(line + strlen(line) - 12, "\" number=-7\n");
        free(line);
    }
    char *line = logged(LOG_TEXT, "it happened", "say \"no\"\n");
    assert_string_equal(line + TIME_TEXT_SIZE - 5,
                        " warn  test area: it happened text=\"say \\\"no\\\"\\u000a\" number=-7\n");
    free(line);
}

/* A fill that does not divide the room, so that the cut falls inside a character or an escape. */
static char *
long_value(const char *part, size_t before)
{
    char *text = calloc(1, 12000);
    assert_non_null(text);
    memset(text, 'x', before);
    for (size_t used = before; used + 8 < 12000; used += strlen(part)) {
        strcpy(text + used, part);
    }
    return text;
}

static void
a_line_that_is_too_long_is_cut_and_stays_valid(void **state)
{
    (void)state;
    static const char *const parts[] = {"x",   "\"", "\n", "\xe6\x97\xa5", "\xf0\x9f\x98\x80",
                                        "\xff"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        for (size_t before = 0; before < 8; before++) {
            char *value = long_value(parts[i], before);
            char *line = logged(LOG_JSON, "long", value);
            assert_one_plain_line(line);
            assert_true(strlen(line) > LINE_MAX_SIZE - 64); /* as much as fits */
            cJSON *json = cJSON_ParseWithOpts(line, NULL, true);
            assert_non_null(json);
            assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "cut")));
            assert_null(cJSON_GetObjectItem(json, "number"));
            cJSON_Delete(json);
            free(line);
            line = logged(LOG_TEXT, "long", value);
            assert_one_plain_line(line);
            assert_string_equal(line + strlen(line) - 11, "\" cut=true\n");
            free(line);
            free(value);
        }
    }
}

/* The room runs out at every place of a line: in a name, at a quote, in a number, in the message.
 */
static void
a_line_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t size = 3850; size < 4100; size++) {
        char *message = calloc(1, size + 1);
        assert_non_null(message);
        memset(message, 'm', size);
        char *line = logged(LOG_JSON, message, "a \"value\"");
        assert_one_plain_line(line);
        cJSON *json = cJSON_ParseWithOpts(line, NULL, true);
        assert_non_null(json);
        assert_non_null(cJSON_GetObjectItem(json, "message"));
        bool is_whole = cJSON_HasObjectItem(json, "number");
        assert_int_equal(cJSON_HasObjectItem(json, "cut"), !is_whole);
        if (is_whole) {
            assert_string_equal(text_of(json, "text"), "a \"value\"");
        }
        cJSON_Delete(json);
        free(line);
        line = logged(LOG_TEXT, message, "a \"value\"");
        assert_one_plain_line(line);
        free(line);
        free(message);
    }
}

static void
levels_below_the_least_are_silent(void **state)
{
    (void)state;
    capture(LOG_TEXT, LOG_WARN);
    log_debug("area", "first");
    log_info("area", "second");
    log_warn("area", "third");
    log_error("area", "fourth");
    char *text = caught();
    assert_null(strstr(text, "first"));
    assert_null(strstr(text, "second"));
    assert_non_null(strstr(text, " warn  test area: third\n"));
    assert_non_null(strstr(text, " error test area: fourth\n"));
    free(text);
}

static void
numbers_are_whole(void **state)
{
    (void)state;
    capture(LOG_TEXT, LOG_INFO);
    log_info("area", "numbers", LOG_I("least", INT64_MIN), LOG_I("most", INT64_MAX));
    char *text = caught();
    assert_non_null(strstr(text, " least=-9223372036854775808 most=9223372036854775807\n"));
    free(text);
}

static void
a_limit_counts_what_it_swallows(void **state)
{
    (void)state;
    struct log_limit limit = {.period_us = 1000000, .burst = 2};
    uint64_t swallowed = 9;
    assert_true(log_limit_pass(&limit, 5000000, &swallowed));
    assert_true(log_limit_pass(&limit, 5000000, &swallowed));
    assert_int_equal(swallowed, 0);
    for (int64_t now = 5000000; now < 5000010; now++) {
        assert_false(log_limit_pass(&limit, now, &swallowed));
    }
    assert_false(log_limit_pass(&limit, 5999999, &swallowed));
    assert_true(log_limit_pass(&limit, 6000000, &swallowed)); /* one period: one line */
    assert_int_equal(swallowed, 11);
    assert_false(log_limit_pass(&limit, 6000000, &swallowed));
    assert_true(log_limit_pass(&limit, 7000000, &swallowed));
    assert_int_equal(swallowed, 1); /* told once, then counted anew */
}

static void
a_limit_gives_no_more_than_its_burst_after_a_rest(void **state)
{
    (void)state;
    struct log_limit limit = {.period_us = 10, .burst = 3};
    uint64_t swallowed;
    int passed = 0;
    assert_true(log_limit_pass(&limit, 1, &swallowed));
    for (int i = 0; i < 20; i++) {
        passed += log_limit_pass(&limit, INT64_MAX, &swallowed);
    }
    assert_int_equal(passed, 3);
}

/* A steady flood over many periods gets one line for each, however it is spread over them: steps
 * that do not divide a period must not stretch it. */
static void
a_limit_holds_under_a_steady_flood(void **state)
{
    (void)state;
    static const int64_t steps[] = {1, 7, 300, 700};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct log_limit limit = {.period_us = 1000, .burst = 5};
        uint64_t swallowed, told = 0, passed = 0, asked = 0;
        for (int64_t now = 1; now <= 100000; now += steps[i]) {
            asked++;
            if (log_limit_pass(&limit, now, &swallowed)) {
                passed++;
                told += swallowed;
            }
        }
        assert_int_equal(passed, 5 + 99);
        assert_int_equal(told + limit.swallowed + passed, asked);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_are_valid_whatever_is_in_them),
        cmocka_unit_test(text_lines_are_one_line_whatever_is_in_them),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_stays_valid),
        cmocka_unit_test(a_line_may_be_cut_anywhere),
        cmocka_unit_test(levels_below_the_least_are_silent),
        cmocka_unit_test(numbers_are_whole),
        cmocka_unit_test(a_limit_counts_what_it_swallows),
        cmocka_unit_test(a_limit_gives_no_more_than_its_burst_after_a_rest),
        cmocka_unit_test(a_limit_holds_under_a_steady_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
