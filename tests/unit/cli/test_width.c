/* Display width: East Asian wide characters take two columns, marks none, broken bytes one. */
#include "cli/width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
counts_columns(void **state)
{
    (void)state;
    assert_int_equal(width_text(""), 0);
    assert_int_equal(width_text("e1/p3"), 5);
    assert_int_equal(width_text("遮断"), 4);
    assert_int_equal(width_text("端末 c2"), 7);
    assert_int_equal(width_text("ｱｲｳ"), 3); /* half-width kana */
    assert_int_equal(width_text("Ａ"), 2);  /* full-width Latin */
    assert_int_equal(width_text("é"), 1);
    assert_int_equal(width_text("e\xcc\x81"), 1); /* a combining accent */
    assert_int_equal(width_text("が"), 2);
    assert_int_equal(width_text("か\xe3\x82\x99"), 2); /* a combining voiced mark */
    assert_int_equal(width_text("한국"), 4);
    assert_int_equal(width_text("\xf0\x9f\x98\x80"), 2);
    assert_int_equal(width_text("\xf0\xa0\xae\xb7"), 2); /* beyond the basic plane */
    assert_int_equal(width_text("—…"), 2);
}

static void
survives_broken_bytes(void **state)
{
    static const char *const broken[] = {"\x80",         "\xff",  "\xc3", "\xe3\x81",
                                         "\xf0\x9f\x98", "\xc3(", "a\xe3"};
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        size_t bytes = strlen(broken[i]);
        assert_true(width_text(broken[i]) >= 1);
        assert_true(width_text(broken[i]) <= bytes);
    }
    size_t size = 7;
    assert_int_equal(width_next("", &size), 0);
    assert_int_equal(size, 0);
}

static void
cuts_between_characters(void **state)
{
    (void)state;
    assert_int_equal(width_cut("遮断中", 4), 6);
    assert_int_equal(width_cut("遮断中", 5), 6); /* half a character is none */
    assert_int_equal(width_cut("abc", 2), 2);
    assert_int_equal(width_cut("abc", 9), 3);
    assert_int_equal(width_cut("e\xcc\x81x", 1), 3); /* the mark stays with its letter */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_columns),
        cmocka_unit_test(survives_broken_bytes),
        cmocka_unit_test(cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
