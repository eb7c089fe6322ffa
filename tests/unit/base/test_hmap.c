/* The hash map: finds what was put, tells equal hashes apart, and lets items go while it is walked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/macros.h"

#define MANY 10000

struct item {
    struct hmap_node node;
    uint32_t key;
    unsigned visits;
};

static struct item *
find(const struct hmap *map, uint32_t key, uint64_t hash)
{
    HMAP_FOR_EACH_HASH (item, struct item, node, hash, map) {
        if (item->key == key) {
            return item;
        }
    }
    return NULL;
}

static struct item *
fill(struct hmap *map)
{
    struct item *items = calloc(MANY, sizeof(*items));
    assert_non_null(items);
    hmap_init(map);
    for (uint32_t i = 0; i < MANY; i++) {
        items[i].key = i;
        hmap_insert(map, &items[i].node, hash_bytes(&i, sizeof(i)));
    }
    return items;
}

static void
an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct hmap map;
    hmap_init(&map);
    assert_int_equal(map.count, 0);
    assert_null(hmap_first(&map));
    assert_null(hmap_first_with(&map, 0));
    HMAP_FOR_EACH (item, struct item, node, &map) {
        fail_msg("an item with key %u", item->key);
    }
    hmap_fini(&map);
    assert_null(map.buckets);
}

static void
finds_each_of_many(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = fill(&map);
    assert_int_equal(map.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_ptr_equal(find(&map, i, hash_bytes(&i, sizeof(i))), &items[i]);
    }
    uint32_t absent = MANY;
    assert_null(find(&map, absent, hash_bytes(&absent, sizeof(absent))));
    hmap_fini(&map);
    free(items);
}

/* A map that did not grow would still find everything, in long chains. */
static void
grows_with_its_items(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = fill(&map);
    assert_true(map.mask + 1 >= MANY / 2);
    assert_int_equal((map.mask + 1) & map.mask, 0);
    hmap_fini(&map);
    free(items);
}

static void
a_walk_meets_each_item_once(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = fill(&map);
    HMAP_FOR_EACH (item, struct item, node, &map) {
        item->visits++;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(items[i].visits, 1);
    }
    hmap_fini(&map);
    free(items);
}

static void
items_go_while_it_is_walked(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = fill(&map);
    size_t seen = 0;
    for (struct hmap_node *at = hmap_first(&map), *next; at; at = next) {
        struct item *item = CONTAINER_OF(at, struct item, node);
        next = hmap_next(&map, at);
        seen++;
        if (item->key % 2) {
            hmap_remove(&map, at);
            memset(item, 0xff, sizeof(*item)); /* what the map still used of it would now show */
        }
    }
    assert_int_equal(seen, MANY);
    assert_int_equal(map.count, MANY / 2);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_ptr_equal(find(&map, i, hash_bytes(&i, sizeof(i))), i % 2 ? NULL : &items[i]);
    }
    hmap_fini(&map);
    free(items);
}

static void
emptied_and_filled_again(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = fill(&map);
    for (uint32_t i = 0; i < MANY; i++) {
        hmap_remove(&map, &items[i].node);
    }
    assert_int_equal(map.count, 0);
    assert_null(hmap_first(&map));
    hmap_insert(&map, &items[5].node, 42);
    assert_ptr_equal(find(&map, 5, 42), &items[5]);
    hmap_fini(&map);
    free(items);
}

/* Enough of them to make the map grow although growing cannot part them. */
static void
equal_hashes_are_told_apart(void **state)
{
    (void)state;
    struct hmap map;
    struct item items[100];
    hmap_init(&map);
    for (uint32_t i = 0; i < COUNT_OF(items); i++) {
        items[i].key = i;
        hmap_insert(&map, &items[i].node, 7);
    }
    for (uint32_t i = 0; i < COUNT_OF(items); i++) {
        assert_ptr_equal(find(&map, i, 7), &items[i]);
    }
    assert_null(find(&map, 100, 7));
    hmap_remove(&map, &items[10].node);
    assert_null(find(&map, 10, 7));
    assert_ptr_equal(find(&map, 9, 7), &items[9]);
    assert_ptr_equal(find(&map, 11, 7), &items[11]);
    assert_int_equal(map.count, COUNT_OF(items) - 1);
    hmap_fini(&map);
}

/* The low bits choose the bucket: these share one, and must not answer for each other. */
static void
one_bucket_is_not_one_hash(void **state)
{
    (void)state;
    struct hmap map;
    struct item low = {.key = 1}, high = {.key = 1};
    hmap_init(&map);
    hmap_insert(&map, &low.node, 7);
    hmap_insert(&map, &high.node, UINT64_C(7) | UINT64_C(1) << 40);
    assert_ptr_equal(find(&map, 1, 7), &low);
    assert_ptr_equal(find(&map, 1, UINT64_C(7) | UINT64_C(1) << 40), &high);
    assert_null(hmap_next_with(&low.node));
    assert_null(hmap_next_with(&high.node));
    assert_null(find(&map, 1, 8));
    hmap_fini(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(finds_each_of_many),
        cmocka_unit_test(grows_with_its_items),
        cmocka_unit_test(a_walk_meets_each_item_once),
        cmocka_unit_test(items_go_while_it_is_walked),
        cmocka_unit_test(emptied_and_filled_again),
        cmocka_unit_test(equal_hashes_are_told_apart),
        cmocka_unit_test(one_bucket_is_not_one_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
