/* Many containments at once: snapshots that come in parts, rules that come and go while a switch is
 * away, and numbers of rules that are used again (controller/slot.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "campus.h"

#define MANY 300

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    *state = campus;
    return 0;
}

static struct mac
mac_of(size_t index)
{
    return (struct mac){{2, 0, 0, 1, (uint8_t)(index >> 8), (uint8_t)index}};
}

static bool
drops(struct campus *campus, size_t on, size_t index)
{
    struct mac mac = mac_of(index);
    return dummy_drops(campus->switches[on].device, "any", &mac, NULL);
}

static void
contain(struct campus *campus, size_t index, char id[ID_SIZE])
{
    struct wish_answer answer = {.calls = 0};
    struct wish wish = {.action = ACTION_ISOLATE, .mac = mac_of(index)};
    snprintf(wish.account, sizeof(wish.account), "operator:ann");
    snprintf(wish.reason, sizeof(wish.reason), "asked");
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    snprintf(id, ID_SIZE, "%s", answer.id);
}

static void
release(struct campus *campus, const char *id)
{
    struct wish_answer answer = {.calls = 0};
    controller_release(campus->controller, id, "operator:ann", "clean", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
}

static void
assert_reports(struct campus *campus, const char *id, enum rule_state first, enum rule_state second)
{
    struct switch_report reports[CAMPUS_SWITCHES];
    assert_int_equal(controller_reports(campus->controller, id, reports, CAMPUS_SWITCHES), 2);
    assert_int_equal(reports[0].state, first);
    assert_int_equal(reports[1].state, second);
}

static void
test_a_snapshot_in_parts_is_one_state(void **state)
{
    struct campus *campus = *state;
    static char ids[MANY][ID_SIZE];
    for (size_t i = 0; i < MANY; i++) {
        contain(campus, i, ids[i]);
    }
    size_t held = dummy_count(campus->switches[0].device);
    assert_true(held >= MANY);
    campus->switches[0].parts = 0;
    campus->switches[0].is_old = true;
    campus_restart(campus);
    campus_pass(campus, 2000000);
    assert_true(campus->switches[0].parts > 1);
    assert_int_equal(dummy_count(campus->switches[0].device), held);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(drops(campus, 0, i) && drops(campus, 1, i));
        const struct containment *c = controller_find(campus->controller, ids[i]);
        assert_non_null(c);
        assert_true(c->verified_us > 0);
        assert_null(c->problem);
        assert_reports(campus, ids[i], RULE_VERIFIED, RULE_VERIFIED);
    }
}

/* While e2 is away some are released and as many come: their rules get the numbers of those, and
 * what e2 said of the old ones says nothing about the new. */
static void
test_rules_change_while_a_switch_is_away(void **state)
{
    struct campus *campus = *state;
    char ids[8][ID_SIZE];
    char later[8][ID_SIZE];
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        contain(campus, i, ids[i]);
    }
    dummy_set_connected(campus->switches[1].device, false);
    campus_settle(campus);
    for (size_t i = 0; i < COUNT_OF(ids); i += 2) {
        release(campus, ids[i]);
    }
    for (size_t i = 0; i < COUNT_OF(later); i++) {
        contain(campus, 100 + i, later[i]);
        assert_reports(campus, later[i], RULE_VERIFIED, RULE_ABSENT);
        assert_false(drops(campus, 1, 100 + i));
    }
    for (size_t i = 1; i < COUNT_OF(ids); i += 2) {
        assert_reports(campus, ids[i], RULE_VERIFIED, RULE_VERIFIED); /* it goes on holding */
    }
    dummy_set_connected(campus->switches[1].device, true);
    campus_pass(campus, 2000000);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        assert_int_equal(drops(campus, 1, i), i % 2 == 1);
        assert_reports(campus, later[i], RULE_VERIFIED, RULE_VERIFIED);
        assert_true(drops(campus, 1, 100 + i));
    }
}

/* Each time another rule has the number; a full report in between must find nothing amiss. */
static void
test_numbers_are_used_again(void **state)
{
    struct campus *campus = *state;
    size_t before = dummy_count(campus->switches[0].device);
    char ids[3][ID_SIZE];
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < COUNT_OF(ids); i++) {
            contain(campus, round * 7 + i, ids[i]);
        }
        campus_pass(campus, 6000000); /* at least one read-back */
        for (size_t i = 0; i < COUNT_OF(ids); i++) {
            assert_reports(campus, ids[i], RULE_VERIFIED, RULE_VERIFIED);
            release(campus, ids[i]);
            assert_false(drops(campus, 0, round * 7 + i));
        }
        assert_int_equal(dummy_count(campus->switches[0].device), before);
    }
    struct switch_view view;
    assert_true(controller_switch_at(campus->controller, 0, &view));
    assert_int_equal(view.rule_count, before);
    assert_int_equal(view.missing_count, 0);
    assert_string_equal(view.problem, "");
}

/* Four switches come back together: what is about to be otherwise in a moment is not told and
 * written down at each answer, and all is judged when the last has answered. */
static void
test_a_crowd_of_switches_is_judged_once(void **state)
{
    struct campus *campus = *state;
    static char ids[30][ID_SIZE];
    campus_add(campus, &(struct device_config){.name = "e3", .driver = "dummy"});
    campus_add(campus, &(struct device_config){.name = "e4", .driver = "dummy"});
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].latency_us = (int64_t)(i + 1) * 400000;
    }
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        contain(campus, i, ids[i]);
    }
    campus_pass(campus, 20000000);
    campus_restart(campus);
    campus->containments_told = 0;
    campus_pass(campus, 5000000);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct containment *c = controller_find(campus->controller, ids[i]);
        assert_true(c->verified_us > 0);
        assert_null(c->problem);
    }
    assert_in_range(campus->containments_told, COUNT_OF(ids), 2 * COUNT_OF(ids));
    assert_int_equal(campus->containment_lists_told, 0);
}

/* Both switches are lost: each of 300 containments changes, and web hears of a hundred and a list.
 */
static void
test_changes_of_many_containments_are_told_as_a_list(void **state)
{
    struct campus *campus = *state;
    static char ids[MANY][ID_SIZE];
    for (size_t i = 0; i < MANY; i++) {
        contain(campus, i, ids[i]);
        if (i % 20 == 0) {
            campus_pass(campus, 250000);
        }
    }
    campus_pass(campus, 1000000);
    campus->containments_told = campus->containment_lists_told = 0;
    dummy_set_connected(campus->switches[1].device, false);
    controller_tick(campus->controller);
    assert_int_equal(campus->containments_told, 100);
    assert_int_equal(campus->containment_lists_told, 1);
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(strstr(controller_find(campus->controller, ids[i])->problem, "e2"));
    }
}

/* A storm of findings: some are told live as they come, the others as a list to load again. */
static void
test_a_storm_of_incidents_is_told_as_a_list(void **state)
{
    struct campus *campus = *state;
    for (unsigned i = 1; i <= 60; i++) {
        char id[32], ip[32];
        snprintf(id, sizeof(id), "d-%u", i);
        snprintf(ip, sizeof(ip), "10.3.0.%u", i);
        assert_true(campus_detect(campus, id, ip, STRENGTH_WEAK));
    }
    assert_int_equal(controller_incident_count(campus->controller), 60);
    assert_int_equal(campus->incidents_told, 20);
    assert_int_equal(campus->incident_lists_told, 0);
    campus_pass(campus, 250000);
    assert_int_equal(campus->incident_lists_told, 1);
    assert_true(campus_detect(campus, "d-61", "10.3.0.61", STRENGTH_WEAK));
    assert_int_equal(campus->incidents_told, 21);
    campus_pass(campus, 1000000);
    assert_int_equal(campus->incident_lists_told, 1);
}

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_snapshot_in_parts_is_one_state, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_rules_change_while_a_switch_is_away, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_numbers_are_used_again, setup, campus_teardown),
        cmocka_unit_test_setup_teardown(test_a_crowd_of_switches_is_judged_once, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_changes_of_many_containments_are_told_as_a_list, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_a_storm_of_incidents_is_told_as_a_list, setup,
                                        campus_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
