/* A rule on an address is for whoever has it.  While nobody has it, it would be for whoever gets it
 * next: a ward's machine, perhaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "controller/lifecycle.h"
#include "scene.h"

#define SERVER "198.51.100.9"
#define FREE "10.1.0.41" /* nobody has it */

static int
setup(void **state)
{
    *state = scene_new(NULL);
    return 0;
}

/* The next machine gets it, and nothing is done to it. */
static void
next_one_is_free(struct campus *campus)
{
    struct mac next = campus_mac(41);
    struct ip server = campus_ip(SERVER);
    campus_pass(campus, 10 * SECOND);
    campus_client(campus, "e1", "p4", 41, FREE, "ward");
    assert_false(scene_drops(campus, 41));
    assert_false(dummy_drops(campus->switches[0].device, "p4", &next, &server));
}

static void
test_one_that_nobody_has_is_not_contained(void **state)
{
    struct campus *campus = *state;
    static const enum action actions[] = {ACTION_ISOLATE, ACTION_BLOCK_PAIR};
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct wish wish = {.action = actions[i], .ip = campus_ip(FREE)};
        assert_true(prefix_parse(SERVER, &wish.server));
        struct wish_answer answer = scene_wish(campus, &wish);
        assert_int_equal(answer.result, WISH_REFUSED);
        assert_non_null(strstr(answer.why, "nobody is known to have that address"));
    }
    next_one_is_free(campus);
}

static void
test_one_that_nobody_has_is_contained_where_just_that_is_said(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = {
        .action = ACTION_ISOLATE, .ip = campus_ip(FREE), .is_by_address = true};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    const struct containment *c = controller_find(campus->controller, answer.id);
    assert_int_equal(c->state, CONTAINMENT_WAITING);
    campus_client(campus, "e1", "p4", 41, FREE, "ward");
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 41));
}

static void
test_who_had_one_that_somebody_else_has_is_not_meant_by_it(void **state)
{
    struct campus *campus = *state;
    const int64_t then_us = campus->clock.wall_now_us;
    campus_pass(campus, HOUR);
    campus_client(campus, "e1", "p4", 41, FREE, "ward");
    const struct wish wish = {.action = ACTION_ISOLATE,
                              .ip = campus_ip(FREE),
                              .observed_us = then_us,
                              .is_by_address = true};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_REFUSED);
    assert_false(scene_drops(campus, 41));
}

/* What policy decided about it waits; its Enforce is refused, now and when the next one has it. */
static void
test_a_decision_about_one_that_nobody_has_is_not_enforced(void **state)
{
    struct campus *campus = *state;
    DETECT(campus, FREE, PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    const struct containment *c = scene_only(campus);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_UNRESOLVED);
    scene_judge(campus, c->id, VERDICT_ENFORCE, WISH_REFUSED);
    next_one_is_free(campus);
    scene_judge(campus, c->id, VERDICT_ENFORCE, WISH_REFUSED);
    assert_false(scene_drops(campus, 41));
    assert_int_equal(c->state, CONTAINMENT_PENDING);
}

static void
test_one_that_is_surely_had_is_contained(void **state)
{
    struct campus *campus = *state;
    const struct wish wish = {.action = ACTION_ISOLATE, .ip = campus_ip("10.1.0.2")};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
    assert_string_equal(scene_only(campus)->endpoint_id, campus_endpoint(campus, 2)->id);
    assert_true(scene_drops(campus, 2));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_one_that_nobody_has_is_not_contained),
        CASE(test_one_that_nobody_has_is_contained_where_just_that_is_said),
        CASE(test_who_had_one_that_somebody_else_has_is_not_meant_by_it),
        CASE(test_a_decision_about_one_that_nobody_has_is_not_enforced),
        CASE(test_one_that_is_surely_had_is_contained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
