/* A database that knows less than the switches: nothing is taken from them, what it does not know
 * is listed, and a person decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"
#include "controller/ask/inspect.h"
#include "driver/dummy.h"
#include "store/copy.h"
#include "store/rescue.h"
#include "wire/message.h"

static struct mac watched[3];
static size_t watched_count;
static bool was_let_through;

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    watched_count = 0;
    was_let_through = false;
    campus_client(campus, "e1", "p1", 11, "10.1.0.11", "client-1");
    campus_client(campus, "e1", "p2", 12, "10.1.0.12", "client-2");
    campus_client(campus, "e2", "p1", 13, "10.1.0.13", "client-3");
    campus_pass(campus, 2000000);
    *state = campus;
    return 0;
}

static void
contain(struct campus *campus, struct wish *wish, struct wish_answer *answer)
{
    *answer = (struct wish_answer){0};
    snprintf(wish->account, sizeof(wish->account), "operator:ann");
    controller_wish(campus->controller, wish, campus_answer, answer);
    campus_settle(campus);
    assert_int_equal(answer->result, WISH_DONE);
    campus_pass(campus, 1000000);
}

static void
isolate(struct campus *campus, uint8_t mac, struct wish_answer *answer)
{
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(mac), .reason = "beacon"};
    contain(campus, &wish, answer);
}

/* The database as it is now, for going back to. */
static void
back_up(struct campus *campus)
{
    char why[256], copy[160];
    campus_pass(campus, 6000000); /* with what is written behind */
    snprintf(copy, sizeof(copy), "%s/backup.db", campus->dir);
    if (copy_make(campus->path, copy, NULL, why)) {
        fail_msg("%s", why);
    }
}

static struct rescue
go_back(struct campus *campus)
{
    char why[256], copy[160];
    struct rescue rescue;
    snprintf(copy, sizeof(copy), "%s/backup.db", campus->dir);
    if (rescue_restore(campus->path, copy, "by hand", clock_wall_us(&campus->clock.clock), &rescue,
                       why)) {
        fail_msg("%s", why);
    }
    return rescue;
}

/* Every switch drops what it should, now. */
static void
look(struct campus *campus)
{
    for (size_t i = 0; i < watched_count; i++) {
        for (size_t k = 0; k < campus->switch_count; k++) {
            was_let_through = was_let_through ||
                              !dummy_drops(campus->switches[k].device, "p1", &watched[i], NULL);
        }
    }
}

/* Restored while it does not run, then started; looked at in small steps. */
static void
restart_restored(struct campus *campus)
{
    campus_stop(campus);
    (void)go_back(campus);
    campus_start(campus);
    for (int i = 0; i < 40; i++) {
        look(campus);
        campus_pass(campus, 250000);
    }
    look(campus);
}

static const struct containment *
unproven_at(struct campus *campus, size_t index)
{
    for (size_t i = 0; i < controller_containment_count(campus->controller); i++) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        if (c->unproven && index-- == 0) {
            return c;
        }
    }
    return NULL;
}

static void
test_what_the_backup_does_not_know_stays_and_is_listed(void **state)
{
    struct campus *campus = *state;
    struct wish_answer before, after;
    isolate(campus, 11, &before);
    back_up(campus);
    isolate(campus, 12, &after);
    watched[0] = campus_mac(11);
    watched[1] = campus_mac(12);
    watched_count = 2;
    look(campus);
    assert_false(was_let_through);
    uint64_t epoch = controller_epoch(campus->controller);
    restart_restored(campus);
    assert_false(was_let_through); /* at no moment */
    const struct containment *c = unproven_at(campus, 0);
    assert_non_null(c);
    assert_string_equal(c->id, after.id);
    assert_string_equal(c->reason, "beacon");
    assert_true(mac_is_equal(&c->subject_mac, &watched[1]));
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(c->unproven[0] == 'e');
    assert_null(unproven_at(campus, 1)); /* on both switches, and one */
    assert_non_null(controller_find(campus->controller, before.id));
    assert_true(controller_epoch(campus->controller) > epoch); /* above all that was seen */
    campus_restart(campus);
    assert_non_null(unproven_at(campus, 0)); /* until somebody decides */
}

static void
test_kept_or_released_by_a_person(void **state)
{
    struct campus *campus = *state;
    struct wish_answer one, two, answer = {0};
    back_up(campus);
    isolate(campus, 11, &one);
    isolate(campus, 12, &two);
    restart_restored(campus);
    assert_non_null(unproven_at(campus, 1));
    controller_prove(campus->controller, one.id, "operator:ann", "she is infected", campus_answer,
                     &answer);
    campus_pass(campus, 1000000);
    assert_int_equal(answer.result, WISH_DONE);
    controller_release(campus->controller, two.id, "operator:ann", "it was cleaned", campus_answer,
                       &answer);
    campus_pass(campus, 2000000);
    assert_null(unproven_at(campus, 0));
    struct mac kept = campus_mac(11), released = campus_mac(12);
    assert_true(dummy_drops(campus->switches[0].device, "p1", &kept, NULL));
    assert_false(dummy_drops(campus->switches[0].device, "p2", &released, NULL));
    campus_restart(campus);
    assert_null(unproven_at(campus, 0));
    assert_true(dummy_drops(campus->switches[0].device, "p1", &kept, NULL));
    controller_prove(campus->controller, one.id, "operator:ann", "twice", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_REFUSED);
}

/* Pairs and servers too, and one that no endpoint is known for. */
static void
test_every_kind_of_block_stays(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer;
    struct ip server = campus_ip("203.0.113.9"), other = campus_ip("203.0.113.77");
    struct wish pair = {.action = ACTION_BLOCK_PAIR, .mac = campus_mac(11), .reason = "pair"};
    struct wish all = {.action = ACTION_BLOCK_SERVER, .reason = "server"};
    struct wish stranger = {
        .action = ACTION_ISOLATE, .mac = campus_mac(77), .expires_s = 3600, .reason = "unknown"};
    assert_true(prefix_parse("203.0.113.9", &pair.server));
    assert_true(prefix_parse("203.0.113.77", &all.server));
    back_up(campus);
    contain(campus, &pair, &answer);
    contain(campus, &all, &answer);
    contain(campus, &stranger, &answer);
    restart_restored(campus);
    struct mac one = campus_mac(11), two = campus_mac(12), far = campus_mac(77);
    struct device *e1 = campus->switches[0].device;
    assert_true(dummy_drops(e1, "p1", &one, &server));
    assert_false(dummy_drops(e1, "p2", &two, &server));
    assert_true(dummy_drops(e1, "p2", &two, &other));
    assert_true(dummy_drops(e1, "p3", &far, NULL));
    assert_non_null(unproven_at(campus, 2));
    assert_null(unproven_at(campus, 3));
    const struct containment *c = controller_find(campus->controller, answer.id);
    int64_t left_us = c->expires_us - clock_wall_us(&campus->clock.clock);
    assert_true(left_us > INT64_C(3400000000) && left_us < INT64_C(3700000000));
}

/* What the database knows to have been released is no question for anybody. */
static void
test_what_was_released_before_the_backup_goes(void **state)
{
    struct campus *campus = *state;
    struct wish_answer one;
    struct mac mac = campus_mac(11);
    isolate(campus, 11, &one);
    struct rule kept;
    rule_copy(&kept, dummy_first(campus->switches[0].device, RULE_ISOLATE));
    controller_release(campus->controller, one.id, "operator:ann", "cleaned", campus_answer, &one);
    campus_pass(campus, 2000000);
    assert_false(dummy_drops(campus->switches[0].device, "p1", &mac, NULL));
    back_up(campus);
    campus_stop(campus);
    assert_true(dummy_add(campus->switches[0].device, &kept)); /* it had not heard of it */
    (void)go_back(campus);
    campus_start(campus);
    campus_pass(campus, 10000000);
    assert_null(unproven_at(campus, 0));
    assert_false(dummy_drops(campus->switches[0].device, "p1", &mac, NULL));
    rule_fini(&kept);
}

/* A switch that was off when the database was restored comes days later. */
static void
test_a_switch_that_comes_later_is_asked_too(void **state)
{
    struct campus *campus = *state;
    struct wish_answer one;
    struct device *e2 = campus->switches[1].device;
    struct mac mac = campus_mac(13);
    back_up(campus);
    isolate(campus, 13, &one);
    assert_true(dummy_drops(e2, "p1", &mac, NULL));
    dummy_remove(campus->switches[0].device,
                 dummy_first(campus->switches[0].device, RULE_ISOLATE)->id);
    dummy_set_connected(e2, false);
    campus_stop(campus);
    (void)go_back(campus);
    campus_start_without(campus, 1);
    campus_pass(campus, 10000000);
    campus_stop(campus);
    campus_start_without(campus, 1);
    campus_pass(campus, 10000000);
    assert_null(unproven_at(campus, 0));
    dummy_set_connected(e2, true);
    campus_pass(campus, 3000000);
    assert_non_null(unproven_at(campus, 0));
    assert_string_equal(unproven_at(campus, 0)->unproven, "e2");
    assert_true(dummy_drops(e2, "p1", &mac, NULL));
    /* e1 lost it; on one switch's word it is everywhere again only when a person says so */
    assert_false(dummy_drops(campus->switches[0].device, "p1", &mac, NULL));
    struct wish_answer answer = {0};
    controller_prove(campus->controller, unproven_at(campus, 0)->id, "operator:ann", "infected",
                     campus_answer, &answer);
    campus_pass(campus, 2000000);
    assert_int_equal(answer.result, WISH_DONE);
    assert_true(dummy_drops(e2, "p1", &mac, NULL));
    assert_true(dummy_drops(campus->switches[0].device, "p1", &mac, NULL));
}

/* While core is away somebody with a higher epoch drives that switch, and has it cut off. */
static void
forge(struct campus *campus, size_t on, uint8_t mac)
{
    struct rule rule = {.kind = RULE_ISOLATE, .id = "01FORGED/02:00:00:00:00:00#1"};
    struct wire_desired desired = {
        .epoch = 100, .generation = 9, .is_last = true, .add = &rule, .add_count = 1};
    struct wire_observed observed = {.generation = 0};
    struct device *device = campus->switches[on].device;
    rule.isolate.mac = campus_mac(mac);
    snprintf(desired.switch_name, sizeof(desired.switch_name), "%s", device->config.name);
    assert_int_equal(driver_dummy.apply(device, &desired, 1000, &observed), 0);
    wire_fini(WIRE_OBSERVED, &observed);
}

static bool
is_dropped(struct campus *campus, size_t on, uint8_t mac)
{
    struct mac whom = campus_mac(mac);
    return dummy_drops(campus->switches[on].device, "p1", &whom, NULL);
}

/* A rogue switch that claims to have been told so has nobody cut off at another's ports. */
static void
test_what_one_switch_alone_says_counts_on_that_one(void **state)
{
    struct campus *campus = *state;
    campus_stop(campus);
    forge(campus, 1, 11);
    campus_start(campus);
    for (int i = 0; i < 2; i++) { /* nor after a restart */
        campus_pass(campus, 5000000);
        assert_non_null(unproven_at(campus, 0));
        assert_string_equal(unproven_at(campus, 0)->unproven, "e2");
        assert_false(is_dropped(campus, 0, 11)); /* where client-1 is */
        assert_true(is_dropped(campus, 1, 11));
        assert_int_not_equal(unproven_at(campus, 0)->state, CONTAINMENT_VERIFIED);
        assert_non_null(strstr(unproven_at(campus, 0)->problem, "e2 alone says"));
        campus_restart(campus);
    }
}

/* Nor does it shield anybody: what is found of him, and what a person asks for, counts everywhere. */
static void
test_what_one_switch_alone_says_shields_nobody(void **state)
{
    struct campus *campus = *state;
    campus_stop(campus);
    forge(campus, 1, 11);
    campus_start(campus);
    campus_pass(campus, 5000000);
    assert_non_null(unproven_at(campus, 0));
    assert_false(is_dropped(campus, 0, 11));
    assert_true(campus_detect(campus, "d1", "10.1.0.11", STRENGTH_STRONG));
    for (int i = 0; i < 2; i++) {
        campus_pass(campus, 5000000);
        assert_true(is_dropped(campus, 0, 11));
        assert_true(is_dropped(campus, 1, 11));
        campus_restart(campus);
    }
}

/* Where a person decides he is asked, and once. */
static void
test_nor_is_nobody_asked_about_him(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p3", 14, "10.2.0.14", "client-4");
    campus_pass(campus, 2000000);
    campus_stop(campus);
    forge(campus, 1, 14);
    campus_start(campus);
    campus_pass(campus, 5000000);
    assert_non_null(unproven_at(campus, 0));
    assert_true(campus_detect(campus, "d1", "10.2.0.14", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    campus_restart(campus); /* policy does not know what it said */
    campus_pass(campus, 5000000);
    assert_true(campus_detect(campus, "d2", "10.2.0.14", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 2);
}

/* The question came first. */
static void
test_nor_is_anybody_asked_twice(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p3", 14, "10.2.0.14", "client-4");
    assert_true(campus_detect(campus, "d1", "10.2.0.14", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    campus_stop(campus);
    forge(campus, 1, 14);
    campus_start(campus);
    campus_pass(campus, 5000000);
    assert_non_null(unproven_at(campus, 0));
    assert_true(campus_detect(campus, "d2", "10.2.0.14", STRENGTH_STRONG));
    assert_int_equal(controller_containment_count(campus->controller), 2);
}

static void
test_a_person_who_asks_for_it_has_decided(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {0};
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(11), .reason = "beacon"};
    campus_stop(campus);
    forge(campus, 1, 11);
    campus_start(campus);
    campus_pass(campus, 5000000);
    assert_non_null(unproven_at(campus, 0));
    snprintf(wish.account, sizeof(wish.account), "operator:ann");
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_pass(campus, 2000000);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.result, WISH_EXISTS);
    assert_true(is_dropped(campus, 0, 11));
    assert_null(unproven_at(campus, 0));
}

/* Its genuine twin: two switches were told. */
static void
test_what_two_switches_say_counts_everywhere(void **state)
{
    struct campus *campus = *state;
    campus_add(campus, &(struct device_config){.name = "e3", .driver = "dummy"});
    campus_stop(campus);
    forge(campus, 0, 13);
    forge(campus, 1, 13);
    campus_start(campus);
    for (int i = 0; i < 2; i++) {
        campus_pass(campus, 5000000);
        assert_non_null(unproven_at(campus, 0));
        assert_null(unproven_at(campus, 1));
        for (size_t on = 0; on < 3; on++) {
            assert_true(is_dropped(campus, on, 13));
        }
        assert_int_equal(unproven_at(campus, 0)->state, CONTAINMENT_VERIFIED);
        campus_restart(campus);
    }
}

/* What a switch that was away holds is not taken from it while it is not proven. */
static void
test_a_second_switch_that_comes_after_a_restart_keeps_it(void **state)
{
    struct campus *campus = *state;
    campus_stop(campus);
    forge(campus, 0, 13);
    forge(campus, 1, 13);
    dummy_set_connected(campus->switches[1].device, false);
    campus_start_without(campus, 1);
    campus_pass(campus, 5000000);
    campus_stop(campus);
    campus_start_without(campus, 1);
    campus_pass(campus, 5000000);
    dummy_set_connected(campus->switches[1].device, true);
    for (int i = 0; i < 12; i++) {
        assert_true(is_dropped(campus, 1, 13));
        campus_pass(campus, 250000);
    }
    assert_true(is_dropped(campus, 0, 13));
}

/* The database is gone, and there is no copy at all. */
static void
test_without_any_copy_nothing_is_released(void **state)
{
    struct campus *campus = *state;
    struct wish_answer one, two;
    char command[160];
    isolate(campus, 11, &one);
    isolate(campus, 12, &two);
    watched[0] = campus_mac(11);
    watched[1] = campus_mac(12);
    watched_count = 2;
    campus_stop(campus);
    snprintf(command, sizeof(command), "rm -rf %s/cordon.db %s/copies", campus->dir, campus->dir);
    assert_int_equal(system(command), 0);
    campus_start(campus);
    for (int i = 0; i < 20; i++) {
        look(campus);
        campus_pass(campus, 250000);
    }
    assert_false(was_let_through);
    assert_non_null(unproven_at(campus, 1));
}

/* Slower than it is asked again: an answer to an earlier question is as good. */
static void
test_an_answer_that_comes_late_counts(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer;
    back_up(campus);
    isolate(campus, 12, &answer);
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].latency_us = 20000000;
    }
    campus_stop(campus);
    (void)go_back(campus);
    campus_start(campus);
    campus_pass(campus, 19000000);
    assert_null(unproven_at(campus, 0));
    campus_pass(campus, 3000000);
    assert_non_null(unproven_at(campus, 0));
    campus_pass(campus, 40000000); /* answers to the later ones change nothing */
    assert_null(unproven_at(campus, 1));
    struct mac held = campus_mac(12);
    assert_true(dummy_drops(campus->switches[0].device, "p2", &held, NULL));
}

/* What a switch says by itself is no answer, though it names nothing that it blocks; nor is the
 * answer to another question. */
static void
test_what_is_no_answer_does_not_count(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer;
    struct mac held = campus_mac(12);
    back_up(campus);
    isolate(campus, 12, &answer);
    for (size_t i = 0; i < campus->switch_count; i++) {
        campus->switches[i].latency_us = 5000000;
    }
    campus_stop(campus);
    (void)go_back(campus);
    campus_start(campus);
    for (uint64_t request = 0; request < 8; request += request == 0 ? 2 : 1) {
        struct wire_observed said = {.switch_name = "e1", .request = request, .is_last = true};
        controller_observed(campus->controller, &said); /* 1 is the question */
        campus_pass(campus, 250000);
        assert_true(dummy_drops(campus->switches[0].device, "p2", &held, NULL));
    }
    for (int i = 0; i < 60; i++) {
        campus_pass(campus, 250000);
        assert_true(dummy_drops(campus->switches[0].device, "p2", &held, NULL));
    }
    assert_non_null(unproven_at(campus, 0));
}

static const char *
problem_of(struct campus *campus, const char *name)
{
    static struct switch_view view;
    for (size_t i = 0; controller_switch_at(campus->controller, i, &view); i++) {
        if (strcmp(view.device.switch_name, name) == 0) {
            return view.problem;
        }
    }
    return "no such switch";
}

static int64_t
notices_of_the_mute(const struct campus *campus, const char *name)
{
    return campus_number(campus,
                         "SELECT count(*) FROM notice WHERE json ->> '$.kind' = 'switch_problem'"
                         " AND json ->> '$.object' = ?1"
                         " AND json ->> '$.detail' LIKE 'it does not say%'",
                         name);
}

/* Nothing can be sent to it, which is a danger of its own: people must know. */
static void
test_one_that_does_not_say_what_it_blocks_is_a_problem_after_a_minute(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer;
    back_up(campus);
    isolate(campus, 12, &answer);
    campus_stop(campus);
    (void)go_back(campus);
    campus->switches[0].is_deaf = true;
    campus_start(campus);
    campus_pass(campus, 55000000);
    assert_string_equal(problem_of(campus, "e1"), "");
    campus_pass(campus, 10000000);
    assert_string_equal(problem_of(campus, "e1"),
                        "it does not say what it blocks, so nothing is sent to it: no answer in "
                        "time");
    assert_string_equal(problem_of(campus, "e2"), "");
    campus_pass(campus, 20000000);
    assert_int_equal(notices_of_the_mute(campus, "e1"), 1);
    assert_int_equal(notices_of_the_mute(campus, "e2"), 0);
    isolate(campus, 11, &answer);
    struct mac wanted = campus_mac(11);
    assert_false(dummy_drops(campus->switches[0].device, "p1", &wanted, NULL));
    campus->switches[0].is_deaf = false;
    campus_pass(campus, 30000000);
    assert_string_equal(problem_of(campus, "e1"), "");
    assert_true(dummy_drops(campus->switches[0].device, "p1", &wanted, NULL));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_what_the_backup_does_not_know_stays_and_is_listed),
        CASE(test_kept_or_released_by_a_person),
        CASE(test_every_kind_of_block_stays),
        CASE(test_what_was_released_before_the_backup_goes),
        CASE(test_a_switch_that_comes_later_is_asked_too),
        CASE(test_what_one_switch_alone_says_counts_on_that_one),
        CASE(test_what_one_switch_alone_says_shields_nobody),
        CASE(test_nor_is_nobody_asked_about_him),
        CASE(test_nor_is_anybody_asked_twice),
        CASE(test_a_person_who_asks_for_it_has_decided),
        CASE(test_what_two_switches_say_counts_everywhere),
        CASE(test_a_second_switch_that_comes_after_a_restart_keeps_it),
        CASE(test_without_any_copy_nothing_is_released),
        CASE(test_an_answer_that_comes_late_counts),
        CASE(test_what_is_no_answer_does_not_count),
        CASE(test_one_that_does_not_say_what_it_blocks_is_a_problem_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
