/* CSV as spreadsheets write it, and formulas that must not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/macros.h"

static struct csv_record record;

/* All records, cells with '|' between them and '/' behind each record. */
static char *
read_all(const char *text, size_t size)
{
    static char out[65536];
    struct csv_reader reader;
    size_t used = 0;
    out[0] = '\0';
    csv_begin(&reader, text, size);
    while (csv_next(&reader, &record)) {
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%zu:", record.line);
        for (size_t i = 0; i < record.count; i++) {
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s", i ? "|" : "",
                                     record.cells[i]);
        }
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s/", record.why ? "!" : "",
                                 record.why ? record.why : "");
    }
    return out;
}

static const char inventory[] = CSV_BOM "mac,class,\"tags\"\r\n"
                                        "02:00:00:00:00:01, medical ,\"a;b\"\r\n"
                                        "\r\n"
                                        "3,\"say \"\"hi\"\"\nthere\",\r\n"
                                        "4,'=1,'x";

static void
test_golden(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read;
    } rows[] = {
        {inventory, "1:mac|class|tags/2:02:00:00:00:00:01|medical|a;b/"
                    "4:3|say \"hi\" there|/6:4|=1|'x/"},
        {"", ""},
        {"\n\r\n\r", ""},
        {"a;b,c;d\n1;2\n", "1:a|b,c|d/2:1|2/"},
        {"a\tb\n\t\n", "1:a|b/2:|/"},
        {"one\rtwo\r", "1:one/2:two/"},
        {"a,\"b", "1:a|b!a quote is not closed/"},
        {"a,\"b\"x\"y\",c", "1:a|bx\"y\"|c/"},
        {"a\x01"
         "b\n",
         "1:a b/"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(read_all(rows[i].text, strlen(rows[i].text)), rows[i].read);
    }
}

/* Of every beginning of a file the whole records are the same. */
static void
test_every_prefix(void **state)
{
    (void)state;
    char whole[256];
    size_t size = sizeof(inventory) - 1;
    snprintf(whole, sizeof(whole), "%s", read_all(inventory, size));
    for (size_t prefix = 0; prefix <= size; prefix++) {
        char *copy = malloc(prefix + 1); /* exactly: the address sanitizer looks */
        memcpy(copy, inventory, prefix);
        char *read = read_all(copy, prefix);
        char *last = strrchr(read, '/');
        while (last && last > read && last[-1] != '/') {
            last--;
        }
        size_t kept = last ? (size_t)(last - read) : 0;
        assert_memory_equal(read, whole, kept);
        free(copy);
    }
}

static void
test_too_much_is_told(void **state)
{
    (void)state;
    char *text = malloc(3 * CSV_RECORD_MAX);
    memset(text, 'x', 3 * CSV_RECORD_MAX);
    text[CSV_RECORD_MAX] = '\n';
    struct csv_reader reader;
    csv_begin(&reader, text, CSV_RECORD_MAX);
    assert_true(csv_next(&reader, &record));
    assert_null(record.why);
    assert_int_equal(strlen(record.cells[0]), CSV_RECORD_MAX);
    csv_begin(&reader, text + CSV_RECORD_MAX, 2 * CSV_RECORD_MAX);
    assert_true(csv_next(&reader, &record));
    assert_non_null(strstr(record.why, "too long"));
    assert_false(csv_next(&reader, &record));
    memset(text, ',', CSV_CELLS_MAX + 20);
    csv_begin(&reader, text, CSV_CELLS_MAX - 1);
    assert_true(csv_next(&reader, &record));
    assert_null(record.why);
    assert_int_equal(record.count, CSV_CELLS_MAX);
    csv_begin(&reader, text, CSV_CELLS_MAX + 20);
    assert_true(csv_next(&reader, &record));
    assert_non_null(strstr(record.why, "too many cells"));
    memset(text + 2 * CSV_RECORD_MAX, ',', CSV_RECORD_MAX); /* full, then more cells */
    csv_begin(&reader, text + CSV_RECORD_MAX + 1, 2 * CSV_RECORD_MAX - 1);
    assert_true(csv_next(&reader, &record));
    assert_non_null(record.why);
    free(text);
}

static void
test_no_formula_runs_and_all_comes_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cell;
    } rows[] = {
        {"", ""},
        {"ward-3", "ward-3"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"=1+1", "\"'=1+1\""},
        {"+81-3", "\"'+81-3\""},
        {"-2", "\"'-2\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"'=1", "\"''=1\""},
        {"''-1", "\"'''-1\""},
        {" =1", "\"' =1\""}, /* some skip the blank */
        {"' -1", "\"'' -1\""},
        {"'quoted'", "\"'quoted'\""},
        {"\xef\xbc\x9d"
         "1",
         "\"'\xef\xbc\x9d"
         "1\""}, /* full width */
        {"\xef\xbc\xa0"
         "x",
         "\"'\xef\xbc\xa0"
         "x\""},
        {"\xe7\x97\x85\xe6\xa3\x9f", "\xe7\x97\x85\xe6\xa3\x9f"},
    };
    char cell[256];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t size = csv_cell(rows[i].text, cell);
        assert_string_equal(cell, rows[i].cell);
        assert_int_equal(size, strlen(cell));
        assert_true(size < CSV_CELL_ROOM(strlen(rows[i].text)));
        struct csv_reader reader;
        csv_begin(&reader, cell, size);
        reader.separator = ',';
        assert_int_equal(csv_next(&reader, &record), size > 0);
        assert_string_equal(size > 0 ? record.cells[0] : "", rows[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_too_much_is_told),
        cmocka_unit_test(test_no_formula_runs_and_all_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
