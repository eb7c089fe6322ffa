/* Tables: aligned by display width, no control sequence of others reaches the terminal. */
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const struct table *table, bool bold, const char *text)
{
    char *got = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);
    table_print(table, out, bold);
    fclose(out);
    assert_string_equal(got, text);
    free(got);
}

static void
aligns(void **state)
{
    static const char *const headings[] = {"NAME", "PORT"};
    static const char *const japanese[] = {"端末名", "ポート"};
    static const char *const rows[][2] = {{"c2", "e1/p3"}, {"営業部-01", "p1"}, {NULL, ""}};
    (void)state;
    struct table *table = table_new(2, headings);
    table_add(table, rows[0]);
    table_add(table, rows[1]);
    table_add(table, rows[2]);
    assert_int_equal(table_rows(table), 3);
    expect(table, false,
           "NAME       PORT\n"
           "c2         e1/p3\n"
           "営業部-01  p1\n"
           "-          -\n");
    table_free(table);
    table = table_new(2, japanese);
    table_add(table, rows[0]);
    expect(table, true, "\033[1m端末名  ポート\033[0m\nc2      e1/p3\n");
    table_free(table);
}

static void
shows_no_control_characters(void **state)
{
    static const char *const headings[] = {"NAME"};
    static const char *const bad[] = {"a\033[31mb\x07\nc\x7f\xc2\x9b"};
    (void)state;
    struct table *table = table_new(1, headings);
    table_add(table, bad);
    expect(table, false, "NAME\na?[31mb??c???\n");
    table_free(table);
}

static void
grows(void **state)
{
    static const char *const headings[] = {"N"};
    static const char *const row[] = {"x"};
    (void)state;
    struct table *table = table_new(1, headings);
    for (int i = 0; i < 1000; i++) {
        table_add(table, row);
    }
    assert_int_equal(table_rows(table), 1000);
    table_free(table);
    table_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns),
        cmocka_unit_test(shows_no_control_characters),
        cmocka_unit_test(grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
