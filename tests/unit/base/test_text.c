/* Times, ids, UTF-8, files and the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/utf8.h"

static void
times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-09T02:58:24.532140Z", 1773025104532140},
        {"2026-03-09T11:58:24.532140+09:00", 1773025104532140},
        {"2026-03-09T11:58:24.532140+0900", 1773025104532140},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2023-02-29T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-03-09 02:58", -1},
        {"2026-03-09T02:58:24", -1},
        {"yesterday", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -1;
        int result = time_parse(cases[i].text, &us);
        if (result != (cases[i].us < 0 ? -EINVAL : 0) || (result == 0 && us != cases[i].us)) {
            fail_msg("%s: %d, %lld", cases[i].text, result, (long long)us);
        }
    }
    char text[TIME_TEXT_SIZE];
    time_format(1773025104532140, text);
    assert_string_equal(text, "2026-03-09T02:58:24.532140Z");
}

static void
a_fake_clock_stands(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 1000);
    int64_t boot = clock_boot_us(&fake.clock);
    assert_int_equal(clock_wall_us(&fake.clock), 1000);
    clock_fake_advance(&fake, 25);
    assert_int_equal(clock_wall_us(&fake.clock), 1025);
    assert_int_equal(clock_boot_us(&fake.clock), boot + 25);
}

static void
ids_sort_by_time(void **state)
{
    (void)state;
    char first[ID_SIZE], second[ID_SIZE], same[ID_SIZE];
    id_make(1773025104000000, first);
    id_make(1773025104001000, second);
    id_make(1773025104001000, same);
    assert_true(strcmp(first, second) < 0);
    assert_string_not_equal(second, same);
    assert_true(id_is_valid(first));
    first[3] = 'u'; /* no letter of Crockford's */
    assert_false(id_is_valid(first));
    assert_false(id_is_valid("short"));
}

static void
utf8(void **state)
{
    (void)state;
    static const char *const plain[] = {"", "abc", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
    static const char *const not_plain[] = {"a\nb",         "\x1b[31m", "\x80",     "\xc0\xaf",
                                            "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                            "\xe6\x97",     "\xc2\x9b", "\x7f"};
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        assert_true(utf8_is_plain(plain[i], strlen(plain[i])));
    }
    for (size_t i = 0; i < COUNT_OF(not_plain); i++) {
        char text[16];
        size_t size = strlen(not_plain[i]);
        if (utf8_is_plain(not_plain[i], size)) { /* control characters, too */
            fail_msg("case %zu passes", i);
        }
        snprintf(text, sizeof(text), "%s", not_plain[i]);
        utf8_make_plain(text, size);
        assert_true(utf8_is_plain(text, size));
        assert_int_equal(strlen(text), size);
    }
}

static void
files(void **state)
{
    (void)state;
    char dir[] = "/tmp/cordon-file-XXXXXX", path[128], below[96], *bytes;
    size_t size;
    struct stat about;
    assert_non_null(mkdtemp(dir));
    snprintf(below, sizeof(below), "%s/a/b", dir);
    assert_int_equal(file_make_dirs(below, 0700), 0);
    assert_int_equal(file_make_dirs(below, 0700), 0);
    snprintf(path, sizeof(path), "%s/f", below);
    assert_int_equal(file_read(path, 100, &bytes, &size), -ENOENT);
    assert_int_equal(file_write_atomic(path, "hello", 5, 0600), 0);
    assert_int_equal(file_write_atomic(path, "hi", 2, 0600), 0);
    assert_int_equal(file_read(path, 100, &bytes, &size), 0);
    assert_int_equal(size, 2);
    assert_string_equal(bytes, "hi");
    free(bytes);
    assert_int_equal(file_read(path, 1, &bytes, &size), -EFBIG);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    unlink(path);
    assert_int_equal(rmdir(below), 0); /* nothing else was left there */
    snprintf(below, sizeof(below), "%s/a", dir);
    rmdir(below);
    rmdir(dir);
}

/* What goes to standard error while 'message' is logged; freed by the caller. */
static char *
logged(enum log_format format, const char *message, const char *value)
{
    char *text = calloc(1, 4096);
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_setup("test", format, LOG_INFO);
    log_debug("area", "not this one", LOG_END);
    log_warn("area", message, LOG_S("text", value), LOG_I("number", -7));
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t size = read(ends[0], text, 4095);
    assert_true(size > 0);
    close(ends[0]);
    return text;
}

static void
log_lines_are_one_line_and_valid(void **state)
{
    (void)state;
    static const char *const hostile[] = {"plain", "two\nlines", "quote\" back\\slash",
                                          "\x1b[31mred", "\xff\xfe", "\xe6\x97\xa5\xe6\x9c\xac"};
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        char *line = logged(LOG_JSON, "it happened", hostile[i]);
        cJSON *json = cJSON_Parse(line);
        assert_non_null(json);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        cJSON_Delete(json);
        free(line);
        line = logged(LOG_TEXT, "it happened", hostile[i]);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_null(strchr(line, '\x1b'));
        assert_non_null(strstr(line, "number=-7"));
        assert_null(strstr(line, "not this one"));
        free(line);
    }
}

static void
a_limit_counts_what_it_swallows(void **state)
{
    (void)state;
    struct log_limit limit = {.period_us = 1000000, .burst = 2, .left = 2};
    uint64_t swallowed;
    assert_true(log_limit_pass(&limit, 5000000, &swallowed));
    assert_true(log_limit_pass(&limit, 5000000, &swallowed));
    assert_false(log_limit_pass(&limit, 5000000, &swallowed));
    assert_false(log_limit_pass(&limit, 5000001, &swallowed));
    assert_true(log_limit_pass(&limit, 7000000, &swallowed));
    assert_int_equal(swallowed, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(a_fake_clock_stands),
        cmocka_unit_test(ids_sort_by_time),
        cmocka_unit_test(utf8),
        cmocka_unit_test(files),
        cmocka_unit_test(log_lines_are_one_line_and_valid),
        cmocka_unit_test(a_limit_counts_what_it_swallows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
