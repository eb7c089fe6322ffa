/* Cells from the API's JSON. */
#include "cli/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char item_text[] =
    "{\"host_name\":\"c2\",\"macs\":[\"02:00:00:00:01:01\",\"02:00:00:00:01:02\"],"
    "\"location\":{\"switch\":\"e1\",\"port\":\"p3\",\"vlan\":10},\"protected\":false,"
    "\"requested\":\"2026-03-09T02:58:24.532140Z\",\"step_us\":1234,\"server\":\"203.0.113.80\","
    "\"inner\":{\"mac\":\"02:00:00:00:01:09\"}}";

static void
expect(const cJSON *item, enum column_kind kind, const char *path, const char *text)
{
    struct column column = {"X", path, kind};
    char *cell = columns_cell(item, &column);
    assert_string_equal(cell, text);
    free(cell);
}

static void
makes_cells(void **state)
{
    cJSON *item = cJSON_Parse(item_text);
    (void)state;
    setenv("TZ", "JST-9", 1);
    tzset();
    assert_non_null(item);
    expect(item, COLUMN_TEXT, "host_name", "c2");
    expect(item, COLUMN_TEXT, "macs", "02:00:00:00:01:01, 02:00:00:00:01:02");
    expect(item, COLUMN_TEXT, "location.vlan", "10");
    expect(item, COLUMN_TEXT, "protected", "no");
    expect(item, COLUMN_TEXT, "location.nothing.here", "");
    expect(item, COLUMN_PLACE, "location", "e1/p3");
    expect(item, COLUMN_PLACE, "nowhere", "");
    expect(item, COLUMN_TIME, "requested", "2026-03-09 11:58:24");
    expect(item, COLUMN_EXACT, "requested", "2026-03-09 11:58:24.532");
    expect(item, COLUMN_TIME, "host_name", "");
    expect(item, COLUMN_MS, "step_us", "1.234");
    expect(item, COLUMN_WHO, "", "c2");
    expect(item, COLUMN_WHO, "inner", "02:00:00:00:01:09");
    expect(item, COLUMN_SERVER, "", "203.0.113.80");
    cJSON_Delete(item);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(makes_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
