/* Ids: of the ULID form, sorted by time, never twice the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/macros.h"

#define MANY 2000

/* The time's ten digits, worked out by hand from the layout. */
static void
begin_with_the_time(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *digits;
    } cases[] = {{0, "0000000000"},
                 {999, "0000000000"},
                 {1000, "0000000001"},
                 {31000, "000000000Z"},
                 {32000, "0000000010"},
                 {1469918176385000, "01ARYZ6S41"}, /* the ULID specification's own example */
                 {-5000000, "0000000000"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char id[ID_SIZE];
        id_make(cases[i].us, id);
        assert_memory_equal(id, cases[i].digits, 10);
        assert_true(id_is_valid(id));
    }
}

static void
sort_by_time(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {1, 31, 32, 1024, 40000, 86400000};
    for (size_t i = 0; i < COUNT_OF(steps_ms); i++) {
        char before[ID_SIZE], after[ID_SIZE];
        id_make(1773025104000000, before);
        id_make(1773025104000000 + steps_ms[i] * 1000, after);
        assert_true(strcmp(before, after) < 0);
    }
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
never_repeat_within_one_millisecond(void **state)
{
    (void)state;
    char(*ids)[ID_SIZE] = calloc(MANY, sizeof(*ids));
    assert_non_null(ids);
    for (size_t i = 0; i < MANY; i++) {
        id_make(1773025104000000, ids[i]);
    }
    qsort(ids, MANY, sizeof(*ids), by_text);
    for (size_t i = 1; i < MANY; i++) {
        assert_string_not_equal(ids[i - 1], ids[i]);
    }
    free(ids);
}

/* Each of the 16 random digits takes many values, not just the first few of them. */
static void
every_random_digit_varies(void **state)
{
    (void)state;
    uint32_t seen[ID_SIZE] = {0};
    for (size_t i = 0; i < MANY; i++) {
        char id[ID_SIZE];
        id_make(1773025104000000, id);
        for (size_t at = 10; at < ID_SIZE - 1; at++) {
            seen[at] |= 1u << (id[at] & 31);
        }
    }
    for (size_t at = 10; at < ID_SIZE - 1; at++) {
        assert_true(__builtin_popcount(seen[at]) > 12);
    }
}

static void
other_texts_are_no_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "short",
        "01ARYZ6S41TSV4RRFFQ69G5FA",   /* 25 */
        "01ARYZ6S41TSV4RRFFQ69G5FAVX", /* 27 */
        "01ARYZ6S41TSV4RRFFQ69G5FAI",
        "01ARYZ6S41TSV4RRFFQ69G5FAL",
        "01ARYZ6S41TSV4RRFFQ69G5FAO",
        "01ARYZ6S41TSV4RRFFQ69G5FAU",
        "01aryz6s41tsv4rrffq69g5fav",
        "01ARYZ6S41TSV4RRFFQ69G5FA ",
        "01ARYZ6S41/../../etc/passw",
        "01ARYZ6S41TSV4RRFFQ69G5FA\n",
    };
    assert_true(id_is_valid("01ARYZ6S41TSV4RRFFQ69G5FAV"));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (id_is_valid(bad[i])) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_with_the_time),
        cmocka_unit_test(sort_by_time),
        cmocka_unit_test(never_repeat_within_one_millisecond),
        cmocka_unit_test(every_random_digit_varies),
        cmocka_unit_test(other_texts_are_no_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
