/* Texts put together are those that snprintf() makes, cut at the same byte, for every room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/join.h"
#include "base/macros.h"

/* In memory of its own size: the address sanitizer sees a byte too far. */
static void
as_snprintf_for_every_room(void **state)
{
    (void)state;
    for (size_t room = 1; room < 64; room++) {
        char *made = malloc(room), *wanted = malloc(room);
        assert_non_null(made);
        assert_non_null(wanted);
        struct join join = join_to(made, room);
        join_text(&join, "policy ");
        join_most(&join, "command and control", 7);
        join_text(&join, "");
        join_text(&join, ": ");
        join_number(&join, UINT64_C(18446744073709551615));
        join_most(&join, "|short", 100);
        (void)!snprintf(wanted, room, "policy %.7s%s: %llu%.100s", "command and control", "",
                        18446744073709551615ULL, "|short");
        assert_string_equal(made, wanted);
        assert_int_equal(join.used, strlen(made));
        join_copy(made, room, "isolate");
        (void)!snprintf(wanted, room, "%s", "isolate");
        assert_string_equal(made, wanted);
        free(made);
        free(wanted);
    }
}

static void
numbers_have_all_their_digits(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 9, 10, 99, 100, 65535, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        char made[32], wanted[32];
        struct join join = join_to(made, sizeof(made));
        join_number(&join, numbers[i]);
        snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)numbers[i]);
        assert_string_equal(made, wanted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_snprintf_for_every_room),
        cmocka_unit_test(numbers_have_all_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
