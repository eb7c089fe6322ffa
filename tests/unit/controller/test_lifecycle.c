/* The state machine: every cell is either expected or changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "controller/lifecycle.h"

static void
test_the_way_of_a_containment(void **state)
{
    (void)state;
    static const struct {
        enum life_event event;
        enum containment_state to;
    } way[] = {
        {LIFE_ENFORCE, CONTAINMENT_REQUESTED}, {LIFE_UNLOCATED, CONTAINMENT_WAITING},
        {LIFE_LOCATED, CONTAINMENT_LOCATED},   {LIFE_APPLIED, CONTAINMENT_APPLIED},
        {LIFE_VERIFIED, CONTAINMENT_VERIFIED}, {LIFE_MOVED, CONTAINMENT_LOCATED},
        {LIFE_VERIFIED, CONTAINMENT_VERIFIED}, {LIFE_DIFFERS, CONTAINMENT_LOCATED},
        {LIFE_FAILED, CONTAINMENT_FAILED},     {LIFE_VERIFIED, CONTAINMENT_VERIFIED},
        {LIFE_RELEASE, CONTAINMENT_RELEASED},
    };
    enum containment_state now = CONTAINMENT_PENDING;
    for (size_t i = 0; i < COUNT_OF(way); i++) {
        assert_true(lifecycle_is_expected(now, way[i].event));
        now = lifecycle_step(now, way[i].event);
        assert_int_equal(now, way[i].to);
    }
}

static void
test_what_has_ended_stays_ended(void **state)
{
    (void)state;
    static const enum containment_state ends[] = {CONTAINMENT_RELEASED, CONTAINMENT_EXPIRED,
                                                  CONTAINMENT_REVERTED};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        assert_true(lifecycle_is_ended(ends[i]));
        assert_false(lifecycle_is_in_force(ends[i]));
        for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
            assert_int_equal(lifecycle_step(ends[i], (enum life_event)event), ends[i]);
            assert_false(lifecycle_is_expected(ends[i], (enum life_event)event));
        }
    }
}

static void
test_everything_in_force_can_be_released_and_expire(void **state)
{
    (void)state;
    for (int s = 0; s < CONTAINMENT_STATE_COUNT; s++) {
        enum containment_state from = (enum containment_state)s;
        if (lifecycle_is_in_force(from)) {
            assert_int_equal(lifecycle_step(from, LIFE_RELEASE), CONTAINMENT_RELEASED);
            assert_int_equal(lifecycle_step(from, LIFE_EXPIRE), CONTAINMENT_EXPIRED);
            assert_int_equal(lifecycle_step(from, LIFE_FAILED), CONTAINMENT_FAILED);
        }
    }
}

static void
test_nothing_pending_takes_force_without_a_word(void **state)
{
    (void)state;
    static const enum containment_state held[] = {CONTAINMENT_PENDING, CONTAINMENT_CHECKED};
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        for (int event = 0; event < LIFE_EVENT_COUNT; event++) {
            enum containment_state to = lifecycle_step(held[i], (enum life_event)event);
            assert_true(event == LIFE_ENFORCE || !lifecycle_is_in_force(to));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_way_of_a_containment),
        cmocka_unit_test(test_what_has_ended_stays_ended),
        cmocka_unit_test(test_everything_in_force_can_be_released_and_expire),
        cmocka_unit_test(test_nothing_pending_takes_force_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
