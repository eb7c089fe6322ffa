/* The pool: zeroed items that do not overlap, a hard limit, and a count of what it refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macros.h"
#include "base/pool.h"

static void
refuses_at_its_limit_and_counts(void **state)
{
    (void)state;
    struct pool *pool = pool_new(24, 3);
    void *items[3];
    assert_int_equal(pool_limit(pool), 3);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        assert_int_equal(pool_used(pool), i);
        items[i] = pool_take(pool);
        assert_non_null(items[i]);
    }
    assert_int_equal(pool_refused(pool), 0);
    assert_null(pool_take(pool));
    assert_null(pool_take(pool));
    assert_int_equal(pool_refused(pool), 2);
    assert_int_equal(pool_used(pool), 3);
    pool_give(pool, items[1]);
    assert_int_equal(pool_used(pool), 2);
    assert_ptr_equal(pool_take(pool), items[1]);
    assert_int_equal(pool_refused(pool), 2); /* it counts refusals, not takes */
    assert_null(pool_take(pool));
    pool_free(pool);
}

/* Sizes around a free item's own, and such as must be rounded for alignment. */
static void
items_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 24, 100};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct pool *pool = pool_new(sizes[s], 8);
        uint8_t *items[8], zero[100] = {0}, own[100];
        for (int round = 0; round < 2; round++) { /* new items first, then used ones */
            for (size_t i = 0; i < 8; i++) {
                items[i] = pool_take(pool);
                assert_non_null(items[i]);
                assert_int_equal((uintptr_t)items[i] % _Alignof(max_align_t), 0);
                assert_memory_equal(items[i], zero, sizes[s]);
                memset(items[i], (int)i + 1, sizes[s]);
            }
            for (size_t i = 0; i < 8; i++) {
                memset(own, (int)i + 1, sizeof(own));
                assert_memory_equal(items[i], own, sizes[s]);
                pool_give(pool, items[i]);
            }
            assert_int_equal(pool_used(pool), 0);
        }
        pool_free(pool);
    }
}

static void
nothing_is_a_thing_to_give_and_to_free(void **state)
{
    (void)state;
    struct pool *pool = pool_new(8, 1);
    pool_give(pool, NULL);
    assert_int_equal(pool_used(pool), 0);
    assert_non_null(pool_take(pool));
    assert_null(pool_take(pool));
    pool_free(pool);
    pool_free(NULL);
}

/* The same places and the same limit, without the time for zeroes. */
static void
what_is_filled_as_a_whole_is_not_zeroed(void **state)
{
    (void)state;
    struct pool *pool = pool_new(32, 1);
    uint8_t *item = pool_take_unclean(pool);
    assert_non_null(item);
    memset(item, 0xee, 32);
    assert_null(pool_take_unclean(pool));
    assert_int_equal(pool_refused(pool), 1);
    pool_give(pool, item);
    assert_ptr_equal(pool_take_unclean(pool), item);
    assert_int_equal(item[31], 0xee);
    pool_give(pool, item);
    assert_ptr_equal(pool_take(pool), item);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(item[i], 0);
    }
    pool_free(pool);
}

static void
a_pool_of_none_refuses_at_once(void **state)
{
    (void)state;
    struct pool *pool = pool_new(8, 0);
    assert_null(pool_take(pool));
    assert_int_equal(pool_refused(pool), 1);
    pool_free(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_at_its_limit_and_counts),
        cmocka_unit_test(items_are_zeroed_aligned_and_apart),
        cmocka_unit_test(nothing_is_a_thing_to_give_and_to_free),
        cmocka_unit_test(what_is_filled_as_a_whole_is_not_zeroed),
        cmocka_unit_test(a_pool_of_none_refuses_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
