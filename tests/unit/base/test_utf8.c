/* UTF-8 by RFC 3629: nothing overlong, no surrogates, nothing cut; and no control characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"

/* The first and the last character of each size, and the neighbours of the surrogates. */
static const struct {
    const char *bytes;
    size_t size;
} good[] = {{" ", 1},
            {"~", 1},
            {"\xc2\xa0", 2},
            {"\xdf\xbf", 2},
            {"\xe0\xa0\x80", 3},
            {"\xe6\x97\xa5", 3},
            {"\xed\x9f\xbf", 3},
            {"\xee\x80\x80", 3},
            {"\xef\xbf\xbf", 3},
            {"\xf0\x90\x80\x80", 4},
            {"\xf0\x9f\x98\x80", 4},
            {"\xf4\x8f\xbf\xbf", 4}};

static const char *const broken[] = {
    "\x80",             /* a continuation alone */
    "\xbf",             /* */
    "\xc0\x80",         /* overlong NUL */
    "\xc0\xaf",         /* overlong '/' */
    "\xc1\xbf",         /* */
    "\xe0\x80\xaf",     /* overlong, three bytes */
    "\xe0\x9f\xbf",     /* */
    "\xf0\x80\x80\xaf", /* overlong, four bytes */
    "\xf0\x8f\xbf\xbf", /* */
    "\xed\xa0\x80",     /* surrogates, first and last */
    "\xed\xbf\xbf",     /* */
    "\xf4\x90\x80\x80", /* beyond U+10FFFF */
    "\xf5\x80\x80\x80", /* */
    "\xf8\x88\x80\x80", /* a head of five bytes */
    "\xfe",             /* */
    "\xff",             /* */
    "\xc3(",            /* a head without what it announces */
    "\xe6\x97(",        /* */
    "\xe6(\xa5",        /* */
    "\xf0\x9f\x98(",    /* */
};

/* Copied to size, so that a sanitizer sees a read beyond. */
static size_t
size_of_copy(const char *bytes, size_t size)
{
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    size_t result = utf8_size(copy, size);
    free(copy);
    return result;
}

static void
characters_have_their_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(utf8_size(good[i].bytes, good[i].size), good[i].size);
        assert_int_equal(utf8_size(good[i].bytes, good[i].size + 1), good[i].size);
    }
    assert_int_equal(utf8_size("", 1), 1); /* NUL is a character as others are */
}

static void
a_cut_character_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (size_t left = 1; left < good[i].size; left++) {
            assert_int_equal(size_of_copy(good[i].bytes, left), 0);
        }
    }
}

static void
broken_bytes_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        if (size_of_copy(broken[i], strlen(broken[i])) != 0) {
            fail_msg("case %zu is taken", i);
        }
        assert_false(utf8_is_plain(broken[i], strlen(broken[i])));
    }
}

/* What would make a text read as another one: "\u202Egpj.exe", a line of its own. */
static void
layout_is_made_plain(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xe2\x80\xa8", "\xe2\x80\xaa", "\xe2\x80\xae",
                                      "\xe2\x81\xa6", "\xe2\x81\xa9"};
    static const char *const fine[] = {"\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\xa5",
                                       "\xe2\x81\xaa", "\xe6\x97\xa5"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[4];
        memcpy(text, bad[i], sizeof(text));
        assert_int_equal(utf8_size(text, 3), 3);
        utf8_make_plain(text, 3);
        assert_string_equal(text, "???");
        memcpy(text, fine[i], sizeof(text));
        utf8_make_plain(text, 3);
        assert_string_equal(text, fine[i]);
    }
}

/* Every character there is, encoded here by the RFC's table, against the reader. */
static void
every_character_is_read(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        char b[4];
        size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint32_t head = size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0;
        for (size_t i = 0; i < size; i++) {
            uint32_t bits = c >> (6 * (size - 1 - i));
            b[i] = (char)(i == 0 ? head | bits : 0x80 | (bits & 0x3f));
        }
        size_t expected = c >= 0xd800 && c <= 0xdfff ? 0 : size;
        if (utf8_size(b, size) != expected) {
            fail_msg("U+%04X", c);
        }
    }
}

static void
control_characters_are_not_plain(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0xa0; c++) {
        char text[2] = {(char)c};
        size_t size = 1;
        if (c >= 0x80) {
            text[0] = '\xc2';
            text[1] = (char)c;
            size = 2;
        }
        assert_int_equal(utf8_is_plain(text, size), c >= 0x20 && c < 0x7f);
    }
    assert_true(utf8_is_plain("", 0));
    assert_true(utf8_is_plain("abc \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", 15));
    assert_false(utf8_is_plain("abc\0def", 7));
    assert_false(utf8_is_plain("abc\xe6\x97\xa5\x1b", 7));
}

static void
is_made_plain_byte_by_byte(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } cases[] = {{"plain", "plain"},     {"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
                 {"a\nb\x7f", "a?b?"},   {"\x1b[31mred", "?[31mred"},
                 {"\xc2\x9b", "??"},   /* a C1 control: both of its bytes */
                 {"\xe6\x97", "??"},   /* cut */
                 {"\xe6\x97z", "??z"}, /* what follows a cut one stays */
                 {"\xc0\xafz", "??z"}, /* overlong */
                 {"\xed\xa0\x80", "???"} /* a surrogate */};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = strdup(cases[i].before);
        utf8_make_plain(text, strlen(cases[i].before));
        assert_string_equal(text, cases[i].after);
        assert_true(utf8_is_plain(text, strlen(cases[i].after)));
        free(text);
    }
    char only[] = "\n\n\n";
    utf8_make_plain(only, 2);
    assert_string_equal(only, "??\n"); /* no further than it was told */
}

static void
lines_are_good_up_to_what_spoils_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t good;
    } cases[] = {{"", 0},
                 {"a: 1\r\n\tb # \xe6\x97\xa5\n", 15},
                 {"ab\x0b", 2},           /* another control character */
                 {"a\xc2\x85z", 1},       /* C1: a line end of its own */
                 {"a\n\xe2\x80\xae!", 2}, /* turns the direction of writing */
                 {"\xe6\x97", 0},         /* cut */
                 {"\xef\xbb\xbf;", 4}};   /* a byte order mark */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = strlen(cases[i].text);
        assert_int_equal(utf8_lines_size(cases[i].text, size), cases[i].good);
    }
    assert_int_equal(utf8_lines_size("a\0b", 3), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_have_their_size),
        cmocka_unit_test(a_cut_character_is_none),
        cmocka_unit_test(layout_is_made_plain),
        cmocka_unit_test(broken_bytes_are_none),
        cmocka_unit_test(every_character_is_read),
        cmocka_unit_test(control_characters_are_not_plain),
        cmocka_unit_test(is_made_plain_byte_by_byte),
        cmocka_unit_test(lines_are_good_up_to_what_spoils_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
