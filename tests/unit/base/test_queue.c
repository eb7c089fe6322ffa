/* The queue: bounded, in order, readable exactly while something is in it, whole between threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/queue.h"

#define PUTTERS 4
#define EACH 5000

static int
is_readable(const struct queue *queue)
{
    struct pollfd fd = {.fd = queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, 0);
}

static void
is_bounded_and_in_order(void **state)
{
    (void)state;
    struct queue *queue = queue_new(3);
    int things[4];
    for (int round = 0; round < 5; round++) { /* goes round its ring */
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(queue_count(queue), i);
            assert_true(queue_put(queue, &things[i]));
        }
        assert_false(queue_put(queue, &things[3]));
        assert_int_equal(queue_count(queue), 3);
        assert_ptr_equal(queue_take(queue), &things[0]);
        assert_true(queue_put(queue, &things[3]));
        for (size_t i = 1; i < 4; i++) {
            assert_ptr_equal(queue_take(queue), &things[i]);
        }
        assert_null(queue_take(queue));
        assert_int_equal(queue_count(queue), 0);
    }
    queue_free(queue);
}

/* A loop that waits on the descriptor neither misses an item nor spins: a refused put must not
 * leave it readable. */
static void
its_descriptor_is_readable_while_something_is_queued(void **state)
{
    (void)state;
    struct queue *queue = queue_new(2);
    int a, b, c;
    assert_int_equal(is_readable(queue), 0);
    assert_true(queue_put(queue, &a));
    assert_int_equal(is_readable(queue), 1);
    assert_true(queue_put(queue, &b));
    assert_false(queue_put(queue, &c));
    assert_ptr_equal(queue_take(queue), &a);
    assert_int_equal(is_readable(queue), 1);
    assert_ptr_equal(queue_take(queue), &b);
    assert_int_equal(is_readable(queue), 0);
    queue_free(queue);
}

static void
waiting_ends_with_its_time_or_with_an_item(void **state)
{
    (void)state;
    struct queue *queue = queue_new(1);
    int a;
    assert_null(queue_wait(queue, 0));
    assert_null(queue_wait(queue, 1));
    assert_true(queue_put(queue, &a));
    assert_ptr_equal(queue_wait(queue, -1), &a);
    assert_null(queue_wait(queue, 0));
    queue_free(queue);
}

static void
a_queue_of_none_is_always_full(void **state)
{
    (void)state;
    struct queue *queue = queue_new(0);
    int a;
    assert_false(queue_put(queue, &a));
    assert_null(queue_take(queue));
    queue_free(queue);
    queue_free(NULL);
}

struct thing {
    int putter, number;
};

struct putter {
    pthread_t thread;
    struct queue *queue;
    struct thing things[EACH];
};

static void *
put_all(void *argument)
{
    struct putter *putter = argument;
    for (int i = 0; i < EACH; i++) {
        while (!queue_put(putter->queue, &putter->things[i])) {
            sched_yield(); /* full: the taker is behind */
        }
    }
    return NULL;
}

/* Nothing is lost or doubled, and each putter's things come in the order in which it put them. */
static void
many_putters_and_one_taker(void **state)
{
    (void)state;
    struct queue *queue = queue_new(16);
    struct putter *putters = calloc(PUTTERS, sizeof(*putters));
    int next[PUTTERS] = {0};
    assert_non_null(putters);
    for (int i = 0; i < PUTTERS; i++) {
        putters[i].queue = queue;
        for (int j = 0; j < EACH; j++) {
            putters[i].things[j] = (struct thing){.putter = i, .number = j};
        }
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put_all, &putters[i]), 0);
    }
    for (int i = 0; i < PUTTERS * EACH; i++) {
        const struct thing *thing = queue_wait(queue, 10000);
        assert_non_null(thing);
        assert_int_equal(thing->number, next[thing->putter]++);
    }
    for (int i = 0; i < PUTTERS; i++) {
        pthread_join(putters[i].thread, NULL);
    }
    assert_null(queue_take(queue));
    assert_int_equal(is_readable(queue), 0);
    queue_free(queue);
    free(putters);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_bounded_and_in_order),
        cmocka_unit_test(its_descriptor_is_readable_while_something_is_queued),
        cmocka_unit_test(waiting_ends_with_its_time_or_with_an_item),
        cmocka_unit_test(a_queue_of_none_is_always_full),
        cmocka_unit_test(many_putters_and_one_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
