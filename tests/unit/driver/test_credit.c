/* What a switch may tell, what of it always passes, and that nothing stays lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "driver/credit.h"

#define SECOND INT64_C(1000000)

static struct fact facts[FACTS_MAX], room[FACTS_MAX];
static struct credit credit;
static uint64_t sequence;

static int
setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACTS_MAX; i++) {
        facts[i] = (struct fact){.kind = FACT_MAC};
    }
    credit_init(&credit, 0);
    credit_connected(&credit);
    sequence = 0;
    return 0;
}

static enum credit_word
tell(size_t count, int64_t now_us, struct wire_facts *pass)
{
    const struct wire_facts told = {.sequence = ++sequence,
                                    .is_full = true,
                                    .is_last = true,
                                    .facts = facts,
                                    .fact_count = count};
    return credit_take(&credit, &told, now_us, room, pass);
}

static size_t
tell_until_it_ends(int64_t now_us)
{
    struct wire_facts pass;
    size_t passed = 0;
    while (tell(FACTS_MAX, now_us, &pass) == CREDIT_ALL) {
        passed += pass.fact_count;
        assert_true(passed < 1000000);
    }
    return passed;
}

static void
test_a_large_switch_tells_all_and_a_flood_is_bounded(void **state)
{
    struct wire_facts pass;
    (void)state;
    assert_in_range(tell_until_it_ends(0), 199000, 200000);
    assert_int_equal(tell(FACTS_MAX, 0, &pass), CREDIT_PORTS);
    assert_int_equal(pass.fact_count, 0);
    assert_in_range(tell_until_it_ends(10 * SECOND), 49000, 50500);
    int64_t now_us = 10 * SECOND;
    size_t passed = 0;
    for (int i = 0; i < 1000; i++) { /* asked often: what is earned in between is not lost */
        now_us += 1000;
        passed += tell(4, now_us, &pass) == CREDIT_ALL ? 4 : 0;
    }
    assert_int_equal(passed, 4000);
}

static void
test_ports_always_pass(void **state)
{
    static const enum fact_kind kinds[] = {FACT_PORT, FACT_LINK_DOWN, FACT_LINK_UP, FACT_PORT_GONE};
    struct wire_facts pass;
    (void)state;
    (void)tell_until_it_ends(0);
    for (size_t i = 0; i < 4; i++) {
        facts[i * 100].kind = kinds[i];
    }
    assert_int_equal(tell(FACTS_MAX, 0, &pass), CREDIT_PORTS);
    assert_int_equal(pass.fact_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pass.facts[i].kind, kinds[i]);
    }
    for (size_t i = 0; i < FACTS_MAX; i++) {
        facts[i].kind = FACT_PORT;
    }
    int64_t told = 0;
    while (tell(FACTS_MAX, 0, &pass) == CREDIT_ALL) { /* not counted among the others */
        told += FACTS_MAX;
        assert_true(told < 100000);
    }
    assert_true(told >= 19000);
    assert_int_equal(tell(FACTS_MAX, 0, &pass), CREDIT_NONE); /* no switch has so many */
}

/* Whoever reads the numbers sees that something is missing: a full report with a hole deletes
 * nothing. */
static void
test_what_is_passed_over_leaves_a_hole(void **state)
{
    struct wire_facts pass;
    (void)state;
    assert_int_equal(tell(FACTS_MAX, 0, &pass), CREDIT_ALL);
    assert_int_equal(pass.sequence, 1);
    (void)tell_until_it_ends(0);
    uint64_t before = sequence + 1; /* with one hole */
    facts[0].kind = FACT_PORT;
    assert_int_equal(tell(FACTS_MAX, 0, &pass), CREDIT_PORTS);
    assert_true(pass.sequence > before + 1);
    uint64_t after = pass.sequence;
    assert_int_equal(tell(1, 0, &pass), CREDIT_ALL);
    assert_int_equal(pass.sequence, after + 1);
    credit_connected(&credit);
    sequence = 0;
    assert_int_equal(tell(1, 0, &pass), CREDIT_ALL);
    assert_int_equal(pass.sequence, 1);
}

static void
test_it_tells_all_anew_when_there_is_room_for_all(void **state)
{
    (void)state;
    assert_false(credit_is_back(&credit, 0)); /* nothing is owed */
    (void)tell_until_it_ends(0);
    assert_false(credit_is_back(&credit, 0));
    assert_false(credit_is_back(&credit, 39 * SECOND));
    assert_true(credit_is_back(&credit, 41 * SECOND));
    credit_connected(&credit);
    assert_false(credit_is_back(&credit, 42 * SECOND));
    assert_in_range(tell_until_it_ends(42 * SECOND), 199000, 200000); /* and all of it passes */
    credit_connected(&credit); /* to connect again earns nothing */
    assert_int_equal(tell_until_it_ends(42 * SECOND), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_large_switch_tells_all_and_a_flood_is_bounded, setup),
        cmocka_unit_test_setup(test_ports_always_pass, setup),
        cmocka_unit_test_setup(test_what_is_passed_over_leaves_a_hole, setup),
        cmocka_unit_test_setup(test_it_tells_all_anew_when_there_is_room_for_all, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
