/* Looking through bytes eight at a time finds what looking at each of them finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "base/bytes.h"

#define LONGEST 26

static bool
is_ordinary(unsigned char c)
{
    return c != '"' && c != '\\' && c != 0;
}

static bool
is_ascii(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e;
}

static bool
is_plain(unsigned char c)
{
    return is_ascii(c) && is_ordinary(c);
}

static size_t
first_other(const char *text, size_t size, bool (*is_good)(unsigned char))
{
    size_t at = 0;
    while (at < size && is_good((unsigned char)text[at])) {
        at++;
    }
    return at;
}

/* In memory of its own size: the address sanitizer sees a byte too far. */
static void
compare(const char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    char *exact = text + 1; /* at no multiple of eight */
    assert_non_null(text);
    memcpy(exact, bytes, size);
    assert_int_equal(bytes_ordinary(exact, size), first_other(exact, size, is_ordinary));
    assert_int_equal(bytes_ascii(exact, size), first_other(exact, size, is_ascii));
    assert_int_equal(bytes_plain(exact, size), first_other(exact, size, is_plain));
    free(text);
}

/* Each byte at each place of each size; its neighbours are such as carry and borrow most. */
static void
one_odd_byte_is_found_wherever_it_is(void **state)
{
    (void)state;
    static const unsigned char neighbours[] = {'a', 0x20, 0x7e, 0x21, 0x23};
    for (size_t size = 1; size <= LONGEST; size++) {
        for (size_t at = 0; at < size; at++) {
            for (unsigned c = 0; c < 256; c++) {
                char text[LONGEST];
                memset(text, neighbours[(at + c) % sizeof(neighbours)], size);
                text[at] = (char)c;
                compare(text, size);
            }
        }
    }
    compare("", 0);
}

static void
of_several_the_first_is_found(void **state)
{
    (void)state;
    uint32_t draw = 12345;
    for (int i = 0; i < 200000; i++) {
        char text[LONGEST];
        for (size_t at = 0; at < LONGEST; at++) {
            draw = draw * 1664525 + 1013904223;
            text[at] = (char)(draw >> 28 ? 'b' : draw >> 20);
        }
        compare(text, LONGEST - draw % 8);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_odd_byte_is_found_wherever_it_is),
        cmocka_unit_test(of_several_the_first_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
