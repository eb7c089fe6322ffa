/* Detections on their way to core. */
#include "bench.h"

struct owner {
    unsigned done;
    uint64_t last_cookie;
    char last_id[NAME_SIZE];
};

static void
on_done(void *context, const char *id, uint64_t cookie)
{
    struct owner *owner = context;
    owner->done++;
    owner->last_cookie = cookie;
    snprintf(owner->last_id, sizeof(owner->last_id), "%s", id);
}

/* Puts detection 'number' for the owner, its number as the cookie. */
static enum delivery
put(struct bench *bench, struct owner *owner, unsigned number)
{
    struct detection detection;
    bench_detection(number, &detection);
    return deliveries_put(bench->deliveries, &detection, on_done, owner, number);
}

static void
test_kept_until_acknowledged(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    bench_core_comes(bench);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(put(bench, &owner, i), DELIVERY_SENT);
    }
    run_until(bench, bench->got_count == 3);
    assert_int_equal(deliveries_count(bench->deliveries), 3);
    assert_int_equal(owner.done, 0); /* sent is not stored */

    deliveries_ack(bench->deliveries, bench->got[1]);
    assert_int_equal(deliveries_count(bench->deliveries), 2);
    assert_int_equal(owner.done, 1);
    assert_int_equal(owner.last_cookie, 2);
    assert_string_equal(owner.last_id, bench->got[1]);

    deliveries_ack(bench->deliveries, bench->got[1]); /* twice, around a restart of core */
    deliveries_ack(bench->deliveries, "nobody's");
    assert_int_equal(owner.done, 1);
    bench_ack_all(bench);
    assert_int_equal(owner.done, 3);
    assert_int_equal(deliveries_count(bench->deliveries), 0);
}

static void
test_sent_when_core_comes(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(put(bench, &owner, i), DELIVERY_SENT);
    }
    bench_core_comes(bench);
    run_until(bench, bench->got_count == 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(bench->signatures[i], i + 1); /* in the order of arrival */
    }
}

/* Core died: what it has not said to be stored is sent again, in order, and only that. */
static void
test_sent_again(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    bench_core_comes(bench);
    for (unsigned i = 1; i <= 4; i++) {
        put(bench, &owner, i);
    }
    run_until(bench, bench->got_count == 4);
    deliveries_ack(bench->deliveries, bench->got[0]);
    deliveries_ack(bench->deliveries, bench->got[2]);
    bench_core_goes(bench);
    put(bench, &owner, 5); /* while it is away */
    bench->got_count = 0;
    bench_core_comes(bench);
    run_until(bench, bench->got_count == 3);
    bench_turn(bench);
    assert_int_equal(bench->got_count, 3);
    assert_int_equal(bench->signatures[0], 2);
    assert_int_equal(bench->signatures[1], 4);
    assert_int_equal(bench->signatures[2], 5);
    bench_ack_all(bench);
    assert_int_equal(owner.done, 5);
}

static void
test_bounded(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    for (unsigned i = 1; i <= DELIVERIES_MAX; i++) {
        assert_false(deliveries_is_full(bench->deliveries));
        assert_int_equal(put(bench, &owner, i), DELIVERY_SENT);
    }
    assert_true(deliveries_is_full(bench->deliveries));
    assert_int_equal(put(bench, &owner, DELIVERIES_MAX + 1), DELIVERY_FULL);
    assert_int_equal(deliveries_count(bench->deliveries), DELIVERIES_MAX);
    assert_int_equal(put(bench, &owner, 1), DELIVERY_DUPLICATE); /* known, so nothing is lost */
    bench_core_comes(bench);
    run_until(bench, bench->got_count == DELIVERIES_MAX);
    deliveries_ack(bench->deliveries, bench->got[7]);
    assert_int_equal(put(bench, &owner, DELIVERIES_MAX + 1), DELIVERY_SENT);
}

/* Core refused to store (a full disk), and said nothing: asked again while it stays connected. */
static void
test_sent_again_by_time(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    bench_core_comes(bench);
    put(bench, &owner, 1);
    deliveries_tick(bench->deliveries, 1);
    put(bench, &owner, 2);
    run_until(bench, bench->got_count == 2);
    deliveries_tick(bench->deliveries, DELIVERIES_AGAIN_US);
    bench_turn(bench);
    assert_int_equal(bench->got_count, 2);
    deliveries_tick(bench->deliveries, DELIVERIES_AGAIN_US + 1);
    run_until(bench, bench->got_count == 3);
    assert_int_equal(bench->signatures[2], 1);
    deliveries_tick(bench->deliveries, 2 * DELIVERIES_AGAIN_US);
    run_until(bench, bench->got_count == 4);
    assert_int_equal(bench->signatures[3], 2);
    bench_ack_all(bench);
    deliveries_tick(bench->deliveries, 9 * DELIVERIES_AGAIN_US);
    bench_turn(bench);
    assert_int_equal(bench->got_count, 4);
}

/* What others send leaves room for our own sensors. */
static void
test_room_of_ours(void **state)
{
    struct bench *bench = *state;
    struct owner owner = {.done = 0};
    unsigned number = 0;
    while (!deliveries_is_full_for_others(bench->deliveries)) {
        assert_int_equal(put(bench, &owner, ++number), DELIVERY_SENT);
    }
    assert_int_equal(number, DELIVERIES_MAX - DELIVERIES_OURS);
    assert_false(deliveries_is_full(bench->deliveries));
    assert_int_equal(put(bench, &owner, ++number), DELIVERY_SENT);
}

static void
test_duplicate(void **state)
{
    struct bench *bench = *state;
    struct owner first = {.done = 0}, second = {.done = 0};
    bench_core_comes(bench);
    assert_int_equal(put(bench, &first, 1), DELIVERY_SENT);
    assert_int_equal(put(bench, &second, 1), DELIVERY_DUPLICATE);
    assert_int_equal(deliveries_count(bench->deliveries), 1);
    run_until(bench, bench->got_count == 1);
    bench_ack_all(bench);
    assert_int_equal(first.done, 1);
    assert_int_equal(second.done, 0);
    assert_int_equal(put(bench, &second, 1), DELIVERY_SENT); /* it is no longer on its way */
}

static void
test_owner_goes(void **state)
{
    struct bench *bench = *state;
    struct owner gone = {.done = 0}, stays = {.done = 0};
    put(bench, &gone, 1);
    put(bench, &stays, 2);
    deliveries_forget(bench->deliveries, &gone);
    bench_core_comes(bench);
    run_until(bench, bench->got_count == 2); /* delivered all the same */
    bench_ack_all(bench);
    assert_int_equal(gone.done, 0);
    assert_int_equal(stays.done, 1);
}

static void
test_oldest(void **state)
{
    struct bench *bench = *state;
    struct owner one = {.done = 0}, other = {.done = 0};
    uint64_t cookie = 99;
    assert_false(deliveries_oldest(bench->deliveries, &one, &cookie));
    put(bench, &other, 1);
    put(bench, &one, 2);
    put(bench, &one, 3);
    assert_true(deliveries_oldest(bench->deliveries, &one, &cookie));
    assert_int_equal(cookie, 2);
    struct detection detection;
    bench_detection(2, &detection);
    deliveries_ack(bench->deliveries, detection.id);
    assert_true(deliveries_oldest(bench->deliveries, &one, &cookie));
    assert_int_equal(cookie, 3);
    assert_true(deliveries_oldest(bench->deliveries, &other, &cookie));
    assert_int_equal(cookie, 1);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_kept_until_acknowledged),
        BENCH_TEST(test_sent_when_core_comes),
        BENCH_TEST(test_sent_again),
        BENCH_TEST(test_bounded),
        BENCH_TEST(test_sent_again_by_time),
        BENCH_TEST(test_room_of_ours),
        BENCH_TEST(test_duplicate),
        BENCH_TEST(test_owner_goes),
        BENCH_TEST(test_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
