/* Hash map, pool and queue: bounded, counted, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/queue.h"

#define MANY 10000

struct item {
    struct hmap_node node;
    uint32_t key;
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

static void
map_holds_what_was_put(void **state)
{
    (void)state;
    struct hmap map;
    struct item *items = calloc(MANY, sizeof(*items));
    hmap_init(&map);
    for (uint32_t i = 0; i < MANY; i++) {
        items[i].key = i;
        hmap_insert(&map, &items[i].node, hash_bytes(&i, sizeof(i)));
    }
    assert_int_equal(map.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_ptr_equal(find(&map, i, hash_bytes(&i, sizeof(i))), &items[i]);
    }
    size_t seen = 0;
    for (struct hmap_node *at = hmap_first(&map), *next; at; at = next) { /* odd ones go meanwhile */
        struct item *item = CONTAINER_OF(at, struct item, node);
        next = hmap_next(&map, at);
        seen++;
        if (item->key % 2) {
            hmap_remove(&map, at);
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
equal_hashes_are_told_apart(void **state)
{
    (void)state;
    struct hmap map;
    struct item items[20];
    hmap_init(&map);
    for (uint32_t i = 0; i < COUNT_OF(items); i++) {
        items[i].key = i;
        hmap_insert(&map, &items[i].node, 7);
    }
    for (uint32_t i = 0; i < COUNT_OF(items); i++) {
        assert_ptr_equal(find(&map, i, 7), &items[i]);
    }
    assert_null(find(&map, 99, 7));
    assert_null(find(&map, 0, 8));
    hmap_remove(&map, &items[10].node);
    assert_null(find(&map, 10, 7));
    assert_ptr_equal(find(&map, 11, 7), &items[11]);
    hmap_fini(&map);
}

static void
hashes(void **state)
{
    (void)state;
    assert_true(hash_stable("a", 1) == UINT64_C(0xaf63dc4c8601ec8c)); /* FNV-1a, 64 bits */
    assert_true(hash_stable("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(hash_bytes("abc", 3) == hash_text("abc"));
    assert_true(hash_bytes("abc", 3) != hash_bytes("abd", 3));
    assert_true(hash_bytes("abc", 3) != hash_stable("abc", 3)); /* keyed */
}

static void
pool_refuses_at_its_limit(void **state)
{
    (void)state;
    struct pool *pool = pool_new(24, 3);
    void *items[3];
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        items[i] = pool_take(pool);
        assert_non_null(items[i]);
        memset(items[i], 0xff, 24);
    }
    assert_int_equal(pool_used(pool), 3);
    assert_null(pool_take(pool));
    assert_null(pool_take(pool));
    assert_int_equal(pool_refused(pool), 2);
    pool_give(pool, items[1]);
    uint8_t *again = pool_take(pool);
    assert_ptr_equal(again, items[1]);
    for (int i = 0; i < 24; i++) {
        assert_int_equal(again[i], 0);
    }
    assert_int_equal(pool_limit(pool), 3);
    pool_free(pool);
}

static void
queue_is_bounded_and_in_order(void **state)
{
    (void)state;
    struct queue *queue = queue_new(2);
    int a, b, c;
    assert_null(queue_take(queue));
    assert_true(queue_put(queue, &a));
    assert_true(queue_put(queue, &b));
    assert_false(queue_put(queue, &c));
    assert_int_equal(queue_count(queue), 2);
    assert_ptr_equal(queue_take(queue), &a);
    assert_true(queue_put(queue, &c));
    assert_ptr_equal(queue_take(queue), &b);
    assert_ptr_equal(queue_take(queue), &c);
    assert_null(queue_take(queue));
    assert_null(queue_wait(queue, 0));
    queue_free(queue);
}

static void *
put_many(void *argument)
{
    static int things[MANY];
    for (int i = 0; i < MANY; i++) {
        things[i] = i;
        while (!queue_put(argument, &things[i])) {
            sched_yield(); /* full: the taker is behind */
        }
    }
    return NULL;
}

static void
queue_between_threads(void **state)
{
    (void)state;
    struct queue *queue = queue_new(16);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, put_many, queue), 0);
    for (int i = 0; i < MANY; i++) {
        const int *thing = queue_wait(queue, 10000);
        assert_non_null(thing);
        assert_int_equal(*thing, i);
    }
    pthread_join(thread, NULL);
    assert_null(queue_take(queue));
    queue_free(queue);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_holds_what_was_put),
        cmocka_unit_test(equal_hashes_are_told_apart),
        cmocka_unit_test(hashes),
        cmocka_unit_test(pool_refuses_at_its_limit),
        cmocka_unit_test(queue_is_bounded_and_in_order),
        cmocka_unit_test(queue_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
