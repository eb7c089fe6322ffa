/* Every read on every prefix of a buffer: never beyond, and the first failure sticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/macros.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};

static uint64_t
read_u8(struct cursor *c)
{
    return cur_u8(c);
}

static uint64_t
read_be16(struct cursor *c)
{
    return cur_be16(c);
}

static uint64_t
read_be24(struct cursor *c)
{
    return cur_be24(c);
}

static uint64_t
read_be32(struct cursor *c)
{
    return cur_be32(c);
}

static uint64_t
read_be64(struct cursor *c)
{
    return cur_be64(c);
}

static uint64_t
read_le16(struct cursor *c)
{
    return cur_le16(c);
}

static uint64_t
read_le32(struct cursor *c)
{
    return cur_le32(c);
}

static const struct {
    uint64_t (*read)(struct cursor *c);
    size_t size;
    uint64_t value;
} reads[] = {{read_u8, 1, 0x01},
             {read_be16, 2, 0x0102},
             {read_be24, 3, 0x010203},
             {read_be32, 4, 0x01020304},
             {read_be64, 8, 0x0102030405060708},
             {read_le16, 2, 0x0201},
             {read_le32, 4, 0x04030201}};

/* The copy is as long as the prefix: a sanitizer sees a read beyond it. */
static void
each_read_on_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        for (size_t size = 0; size <= sizeof(bytes); size++) {
            uint8_t *copy = malloc(size + (size == 0));
            memcpy(copy, bytes, size);
            struct cursor c = cur_make(copy, size);
            uint64_t value = reads[i].read(&c);
            bool fits = reads[i].size <= size;
            if (fits) {
                assert_int_equal(value, reads[i].value);
                assert_int_equal(cur_left(&c), size - reads[i].size);
            }
            assert_int_equal(cur_ok(&c), fits);
            assert_true(fits || cur_left(&c) <= size);
            free(copy);
        }
    }
}

/* The same for the reads that are told how much: taken whole, or nothing of it. */
static void
each_size_on_every_prefix(void **state)
{
    (void)state;
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        uint8_t *copy = malloc(size + (size == 0));
        memcpy(copy, bytes, size);
        for (size_t wanted = 0; wanted <= sizeof(bytes) + 1; wanted++) {
            uint8_t out[sizeof(bytes) + 1], zero[sizeof(bytes) + 1] = {0};
            bool fits = wanted <= size;
            size_t left = fits ? size - wanted : size;
            struct cursor c = cur_make(copy, size), skips = c, takes = c, parts = c;
            memset(out, 9, sizeof(out));
            cur_copy(&c, out, wanted);
            assert_memory_equal(out, fits ? bytes : zero, wanted);
            cur_skip(&skips, wanted);
            assert_ptr_equal(cur_take(&takes, wanted), fits ? copy : NULL);
            struct cursor part = cur_sub(&parts, wanted);
            assert_int_equal(cur_ok(&part), fits);
            assert_int_equal(cur_left(&part), fits ? wanted : 0);
            const struct cursor *const all[] = {&c, &skips, &takes, &parts};
            for (size_t i = 0; i < COUNT_OF(all); i++) {
                assert_int_equal(cur_ok(all[i]), fits);
                assert_int_equal(cur_left(all[i]), left);
            }
        }
        free(copy);
    }
}

static void
the_first_failure_sticks(void **state)
{
    (void)state;
    struct cursor c = cur_make(bytes, 3);
    assert_int_equal(cur_be32(&c), 0);
    assert_false(cur_ok(&c));
    assert_int_equal(cur_u8(&c), 0); /* although a byte is there */
    assert_null(cur_take(&c, 1));
    assert_null(cur_take(&c, 0));
    uint8_t out[4] = {9, 9, 9, 9};
    cur_copy(&c, out, sizeof(out));
    assert_memory_equal(out, "\0\0\0\0", 4);
}

static void
a_part_cannot_read_its_sibling(void **state)
{
    (void)state;
    struct cursor c = cur_make(bytes, sizeof(bytes));
    struct cursor part = cur_sub(&c, 3);
    assert_int_equal(cur_be16(&part), 0x0102);
    assert_int_equal(cur_be16(&part), 0);
    assert_false(cur_ok(&part));
    assert_true(cur_ok(&c));
    assert_int_equal(cur_u8(&c), 0x04);
    struct cursor beyond = cur_sub(&c, 100);
    assert_false(cur_ok(&beyond));
    assert_false(cur_ok(&c));
    assert_int_equal(cur_left(&beyond), 0);
}

static void
a_huge_size_does_not_wrap(void **state)
{
    (void)state;
    struct cursor c = cur_make(bytes, sizeof(bytes));
    assert_null(cur_take(&c, SIZE_MAX));
    assert_false(cur_ok(&c));
    c = cur_make(bytes, sizeof(bytes));
    cur_skip(&c, sizeof(bytes));
    assert_true(cur_ok(&c));
    assert_int_equal(cur_left(&c), 0);
    assert_non_null(cur_take(&c, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_read_on_every_prefix),
        cmocka_unit_test(each_size_on_every_prefix),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(a_part_cannot_read_its_sibling),
        cmocka_unit_test(a_huge_size_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
