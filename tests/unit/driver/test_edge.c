/* An answer of an edge that comes late, or only in part: it counts whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench.h"
#include "wire/message.h"

#define RULES 1500 /* three parts of the peer's */
#define SHORT_MS 300
#define LONG_MS 30000

static int
setup(void **state)
{
    char why[256];
    struct bench *bench = bench_new(BENCH_EDGE, why);
    if (!bench) {
        fail_msg("%s", why);
    }
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static int
push(struct bench *bench, int deadline_ms, struct wire_observed *observed)
{
    struct rule *rules = mem_new(RULES, sizeof(*rules));
    for (int i = 0; i < RULES; i++) {
        rules[i] = (struct rule){.kind = RULE_ISOLATE};
        snprintf(rules[i].id, sizeof(rules[i].id), "r%d", i);
        rules[i].isolate.mac = (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
    }
    struct wire_desired desired = {.epoch = 1,
                                   .generation = ++bench->generation,
                                   .is_last = true,
                                   .add = rules,
                                   .add_count = RULES};
    snprintf(desired.switch_name, sizeof(desired.switch_name), "e1");
    int error = bench->device->driver->apply(bench->device, &desired, deadline_ms, observed);
    free(rules);
    return error;
}

static void
wait_passed(struct bench *bench, int count)
{
    for (int i = 0; i < 3000 && atomic_load(&bench->passed) < count; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&bench->passed), count);
}

static void
test_a_late_end_of_a_read_back_is_no_report(void **state)
{
    struct bench *bench = *state;
    const struct driver *driver = bench->device->driver;
    struct wire_observed observed;
    assert_int_equal(push(bench, LONG_MS, &observed), 0);
    wire_fini(WIRE_OBSERVED, &observed);
    bench_keep_rest(bench, 1);
    assert_int_equal(driver->read_back(bench->device, SHORT_MS, &observed), -ETIMEDOUT);
    assert_int_equal(observed.rule_count, 0);
    wire_fini(WIRE_OBSERVED, &observed);
    bench_send_rest(bench);
    assert_int_equal(driver->read_back(bench->device, LONG_MS, &observed), 0); /* behind it */
    assert_int_equal(observed.rule_count, RULES);
    assert_true(observed.is_full && observed.is_last);
    wire_fini(WIRE_OBSERVED, &observed);
    assert_int_equal(atomic_load(&bench->passed), 0);
}

static void
test_a_late_end_of_what_it_holds_is_no_answer(void **state)
{
    struct bench *bench = *state;
    const struct driver *driver = bench->device->driver;
    struct wire_observed observed;
    assert_int_equal(push(bench, LONG_MS, &observed), 0);
    wire_fini(WIRE_OBSERVED, &observed);
    bench_keep_rest(bench, 2);
    assert_int_equal(driver->held(bench->device, SHORT_MS, &observed), -ETIMEDOUT);
    wire_fini(WIRE_OBSERVED, &observed);
    bench_send_rest(bench);
    assert_int_equal(driver->held(bench->device, LONG_MS, &observed), 0);
    assert_int_equal(observed.held_count, RULES);
    wire_fini(WIRE_OBSERVED, &observed);
    assert_int_equal(atomic_load(&bench->passed), 0);
}

/* More parts than there is room for whole answers: none of them is lost on the way. */
static void
test_many_parts_are_one_answer(void **state)
{
    struct bench *bench = *state;
    struct wire_observed observed;
    assert_int_equal(push(bench, LONG_MS, &observed), 0);
    wire_fini(WIRE_OBSERVED, &observed);
    for (int i = 0; i < 3; i++) { /* five hundred parts of three */
        assert_int_equal(bench->device->driver->held(bench->device, LONG_MS, &observed), 0);
        assert_int_equal(observed.held_count, RULES);
        wire_fini(WIRE_OBSERVED, &observed);
    }
}

/* What came of a change in the end is told to the controller, whole. */
static void
test_a_late_end_of_a_change_is_told_whole(void **state)
{
    struct bench *bench = *state;
    struct wire_observed observed;
    bench_keep_rest(bench, 1);
    assert_int_equal(push(bench, SHORT_MS, &observed), -ETIMEDOUT);
    wire_fini(WIRE_OBSERVED, &observed);
    assert_int_equal(atomic_load(&bench->passed), 0);
    bench_send_rest(bench);
    wait_passed(bench, 1);
    assert_int_equal(atomic_load(&bench->passed_rules), RULES);
}

/* From before the question what it blocks: a controller that forgot something would have it release
 * that.  It is not let in, and people read why. */
static void
test_one_that_cannot_say_what_it_blocks_is_refused_by_its_version(void **state)
{
    char why[256] = "";
    (void)state;
    bench_meet_old(why);
    assert_string_equal(why,
                        "its cordon-edge 0.0.9 cannot say what it blocks: install " CORDON_VERSION
                        " or later there");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_late_end_of_a_read_back_is_no_report),
        CASE(test_a_late_end_of_what_it_holds_is_no_answer),
        CASE(test_many_parts_are_one_answer),
        CASE(test_a_late_end_of_a_change_is_told_whole),
        cmocka_unit_test(test_one_that_cannot_say_what_it_blocks_is_refused_by_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
