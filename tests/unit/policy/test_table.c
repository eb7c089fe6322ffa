/* The engine's bounded memory: found by its whole key however long that is, and the oldest goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "policy/table.h"

struct thing {
    struct table_item item;
    size_t number;
};

static const char *
key_of(size_t size, char last, char key[TABLE_KEY_SIZE])
{
    memset(key, 'k', size);
    key[size] = '\0';
    if (size > 0) {
        key[size - 1] = last;
    }
    return key;
}

static void
keys_of_every_size_are_told_apart(void **state)
{
    (void)state;
    struct table table;
    char key[TABLE_KEY_SIZE];
    uint64_t evicted = 0;
    table_init(&table, sizeof(struct thing), 1000, &evicted);
    for (size_t size = 0; size < TABLE_KEY_SIZE; size++) {
        struct thing *thing = table_need(&table, key_of(size, 'a', key), 1);
        assert_int_equal(thing->number, 0); /* nobody else's */
        thing->number = size + 1;
    }
    for (size_t size = 0; size < TABLE_KEY_SIZE; size++) {
        const struct thing *thing = table_find(&table, key_of(size, 'a', key));
        assert_non_null(thing);
        assert_int_equal(thing->number, size + 1);
        assert_string_equal(thing->item.key, key);
        assert_true(size == 0 || !table_find(&table, key_of(size, 'b', key)));
    }
    assert_int_equal(evicted, 0);
    table_fini(&table);
}

static void
the_longest_untouched_makes_room(void **state)
{
    (void)state;
    struct table table;
    uint64_t evicted = 0;
    table_init(&table, sizeof(struct thing), 3, &evicted);
    table_need(&table, "one", 1);
    table_need(&table, "two", 2);
    table_need(&table, "three", 3);
    table_need(&table, "one", 4);
    table_need(&table, "four", 5);
    assert_null(table_find(&table, "two"));
    assert_non_null(table_find(&table, "one"));
    assert_int_equal(evicted, 1);
    table_expire(&table, 4);
    assert_null(table_find(&table, "three"));
    assert_int_equal(table.count, 2);
    table_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_every_size_are_told_apart),
        cmocka_unit_test(the_longest_untouched_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
