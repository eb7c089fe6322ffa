/* Clocks that are set, an hour either way, and clocks that are wrong: nothing ends for it, and
 * nobody is taken for somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_rows.h"
#include "base/log.h"
#include "controller/clocks.h"
#include "controller/lifecycle.h"
#include "scene.h"
#include "wire/hello.h"

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    campus->boot_id = "a-boot";
    campus_restart(campus);
    campus_ports(campus, "e1", 8);
    campus_two_clients(campus);
    *state = campus;
    return 0;
}

static void
set_clock(struct campus *campus, int64_t by_us)
{
    campus->clock.wall_now_us += by_us;
}

static const struct containment *
contain_for(struct campus *campus, uint8_t mac, uint32_t expires_s)
{
    const struct wish wish = {
        .action = ACTION_ISOLATE, .mac = campus_mac(mac), .expires_s = expires_s};
    struct wish_answer answer = scene_wish(campus, &wish);
    assert_int_equal(answer.result, WISH_DONE);
    return controller_find(campus->controller, answer.id);
}

static void
count_row(void *context, const struct audit_fields *row)
{
    *(unsigned *)context += strcmp(row->action, "clock_set") == 0;
}

static unsigned
rows_about_the_clock(struct campus *campus)
{
    unsigned count = 0;
    audit_rows(campus->store, campus->base, count_row, &count);
    return count;
}

/* ---- ours ---- */

static void
ends_when_it_was_meant_to(struct campus *campus, int64_t by_us)
{
    char id[ID_SIZE];
    int64_t until_us = campus->clock.wall_now_us + 600 * SECOND;
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 600)->id);
    campus_pass(campus, 100 * SECOND);
    set_clock(campus, by_us);
    campus_pass(campus, 490 * SECOND);
    const struct containment *c = controller_find(campus->controller, id);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_true(scene_drops(campus, 2));
    assert_int_equal(c->expires_us, until_us + by_us);
    assert_int_equal(rows_about_the_clock(campus), 1);
    campus_pass(campus, 12 * SECOND);
    assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_EXPIRED);
    assert_false(scene_drops(campus, 2));
}

static void
test_an_hour_forward_ends_nothing_early(void **state)
{
    ends_when_it_was_meant_to(*state, HOUR);
}

static void
test_an_hour_back_makes_nothing_last_longer(void **state)
{
    ends_when_it_was_meant_to(*state, -HOUR);
}

static void
test_what_is_moved_is_moved_in_the_store_too(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 600)->id);
    set_clock(campus, -HOUR);
    campus_pass(campus, SECOND);
    campus_restart(campus);
    assert_int_equal(rows_about_the_clock(campus), 1);
    campus_pass(campus, 590 * SECOND);
    assert_true(scene_drops(campus, 2));
    campus_pass(campus, 15 * SECOND);
    assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_EXPIRED);
}

static bool
is_written_down(struct campus *campus)
{
    return campus_number(campus,
                         "SELECT count(*) FROM setting WHERE name = 'clock'"
                         " AND value NOT LIKE 'a-boot %'",
                         NULL) > 0;
}

/* A machine that does not say which start of it this is: what it writes down is of none. */
static void
test_an_unknown_start_of_the_machine_is_not_written_down(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    campus->boot_id = NULL;
    campus_restart(campus);
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 600)->id);
    set_clock(campus, HOUR);
    campus_pass(campus, 100 * SECOND);
    assert_int_equal(rows_about_the_clock(campus), 1);
    assert_true(scene_drops(campus, 2));
    assert_false(is_written_down(campus));
    campus_restart(campus);
    campus_pass(campus, 505 * SECOND);
    assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_EXPIRED);
}

static void
test_set_while_core_was_away_is_seen_at_its_start(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 600)->id);
    campus_pass(campus, 10 * SECOND);
    campus_stop(campus);
    set_clock(campus, HOUR);
    campus_start(campus);
    assert_int_equal(rows_about_the_clock(campus), 1);
    campus_pass(campus, 580 * SECOND);
    assert_true(scene_drops(campus, 2));
    campus_pass(campus, 15 * SECOND);
    assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_EXPIRED);
}

/* Rows of endpoints are by the clock of when they were written: some before, some after it was set.
 */
static void
test_who_held_what_is_known_after_restarts_between_two_jumps(void **state)
{
    struct campus *campus = *state;
    const struct topology *topology;
    struct held found;
    struct ip old = campus_ip("10.1.0.2"), later = campus_ip("10.1.0.9");
    campus_pass(campus, 30 * SECOND); /* written */
    for (int i = 0; i < 3; i++) {
        set_clock(campus, i == 1 ? -2 * HOUR : HOUR);
        campus_pass(campus, 30 * SECOND);
        if (i == 0) {
            campus_client(campus, "e2", "p1", 9, "10.1.0.9", NULL);
            campus_pass(campus, 30 * SECOND);
        }
        campus_restart(campus);
        topology = controller_topology(campus->controller);
        int64_t now_us = campus->clock.wall_now_us;
        int64_t before_us = now_us - 20 * SECOND;
        assert_int_equal(topology_resolve(topology, "", &old, before_us, &found), RESOLUTION_SURE);
        assert_int_equal(topology_resolve(topology, "", &later, before_us, &found),
                         RESOLUTION_SURE);
        for (size_t k = 0; k < found.endpoint->binding_count; k++) {
            assert_true(found.endpoint->bindings[k].from_us < now_us - 20 * SECOND);
            assert_true(found.endpoint->bindings[k].from_us > now_us - 600 * SECOND);
        }
    }
}

/* While the machine was off time went by: nobody set a clock. */
static void
test_another_start_of_the_machine_is_no_jump(void **state)
{
    struct campus *campus = *state;
    contain_for(campus, 2, 600);
    campus_pass(campus, 10 * SECOND);
    campus_stop(campus);
    campus->boot_id = "another-boot";
    campus->clock.boot_now_us = SECOND;
    set_clock(campus, HOUR);
    campus_start(campus);
    campus_pass(campus, SECOND);
    assert_int_equal(rows_about_the_clock(campus), 0);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_EXPIRED);
}

/* The machine starts once more: its battery's clock is so much ahead, and nothing has set it. */
static void
start_ahead(struct campus *campus, const char *boot_id, int64_t ahead_us)
{
    campus_stop(campus);
    campus->boot_id = boot_id;
    campus->is_clock_free = true;
    campus->clock.boot_now_us = 5 * SECOND;
    set_clock(campus, ahead_us);
    campus_start(campus);
}

/* The battery's clock is ten years ahead, and no time server was there yet. */
static void
test_a_clock_that_nothing_has_set_ends_nothing(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE], waits[ID_SIZE];
    int64_t ahead_us = 10 * 365 * 24 * HOUR;
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 5 * 3600)->id);
    campus_client(campus, "e1", "p4", 4, "10.2.0.4", "c4");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    snprintf(waits, sizeof(waits), "%s", campus_newest(campus)->id);
    campus_pass(campus, 60 * SECOND);
    start_ahead(campus, "another-boot", ahead_us);
    campus_pass(campus, 3 * SECOND);
    assert_true(scene_drops(campus, 2));
    campus_pass(campus, 1800 * SECOND);
    assert_true(scene_drops(campus, 2));
    assert_true(lifecycle_is_in_force(controller_find(campus->controller, id)->state));
    assert_int_equal(controller_find(campus->controller, waits)->state, CONTAINMENT_PENDING);
    /* The time server comes: it ends when it was meant to. */
    set_clock(campus, -ahead_us);
    campus_pass(campus, HOUR);
    assert_true(scene_drops(campus, 2));
    campus_pass(campus, 4 * HOUR);
    assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_EXPIRED);
    assert_false(scene_drops(campus, 2));
}

/* No time server ever comes (or the clock was right): after an hour it counts. */
static void
test_a_clock_that_nothing_sets_counts_after_an_hour(void **state)
{
    struct campus *campus = *state;
    contain_for(campus, 2, 600);
    campus_pass(campus, 10 * SECOND);
    start_ahead(campus, "another-boot", 48 * HOUR);
    campus_pass(campus, 3500 * SECOND);
    assert_true(scene_drops(campus, 2));
    campus_pass(campus, 100 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_EXPIRED);
    assert_false(scene_drops(campus, 2));
}

/* Does it end at the switch, by the switch's own count, while nobody drives it? */
static void
assert_ends_alone(struct campus *campus, uint8_t mac, int64_t before_us, int64_t after_us)
{
    campus_stop(campus);
    clock_fake_advance(&campus->clock, before_us);
    bool is_held = scene_drops(campus, mac);
    clock_fake_advance(&campus->clock, after_us - before_us);
    bool is_held_on = scene_drops(campus, mac);
    campus_start(campus);
    assert_true(is_held);
    assert_false(is_held_on);
}

/* What was told while the clock was unsure had no end: it is told when the clock is sure, or a
 * switch that is cut off then would block on for ever. */
static void
test_the_ends_are_told_when_the_clock_is_sure(void **state)
{
    struct campus *campus = *state;
    contain_for(campus, 2, 90 * 24 * 3600);
    for (int is_set = 0; is_set < 2; is_set++) {
        int64_t ahead_us = is_set ? 10 * 365 * 24 * HOUR : 48 * HOUR;
        char id[ID_SIZE];
        campus_pass(campus, 10 * SECOND);
        start_ahead(campus, is_set ? "a-third-boot" : "another-boot", ahead_us);
        assert_true(clocks_is_unsure(campus->controller));
        snprintf(id, sizeof(id), "%s", contain_for(campus, 3, 2 * 3600)->id);
        campus_pass(campus, 60 * SECOND);
        unsigned snapshots = campus->switches[0].snapshots;
        if (is_set) {
            set_clock(campus, -ahead_us);
            campus_pass(campus, 10 * SECOND);
        } else {
            campus_pass(campus, HOUR - 50 * SECOND);
        }
        assert_int_equal(campus->switches[0].snapshots, snapshots);
        assert_int_equal(controller_find(campus->controller, id)->state, CONTAINMENT_VERIFIED);
        assert_ends_alone(campus, 3, HOUR / 2, 2 * HOUR);
    }
}

/* It was told without an end and then nobody was there to tell it: the next controller does not
 * take it over as it is. */
static void
test_the_ends_are_told_by_the_next_controller(void **state)
{
    struct campus *campus = *state;
    contain_for(campus, 2, 90 * 24 * 3600);
    campus_pass(campus, 10 * SECOND);
    start_ahead(campus, "another-boot", 48 * HOUR);
    assert_true(clocks_is_unsure(campus->controller));
    contain_for(campus, 3, 2 * 3600);
    campus_pass(campus, 60 * SECOND);
    campus_stop(campus);
    campus->is_clock_free = false; /* a time server answered: it was right */
    campus_start(campus);
    campus_pass(campus, 10 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_VERIFIED);
    assert_ends_alone(campus, 3, HOUR / 2, 2 * HOUR);
}

/* Rows are dated in one process and read in another: the same there. */
static void
test_a_start_of_the_machine_has_one_number(void **state)
{
    struct campus *campus = *state;
    struct endpoint_record record = {.clock_boot = 0};
    clocks_date(campus->controller, &record);
    assert_int_equal(record.clock_boot, 0xed73f85f);
}

/* The machine starts with a clock that is wrong by so much, until a time server puts it right. */
static void
start_with(struct campus *campus, int64_t wrong_us)
{
    campus_stop(campus);
    campus->boot_id = "another-boot";
    campus->clock.boot_now_us = 5 * SECOND;
    set_clock(campus, 60 * SECOND + wrong_us);
    campus_start(campus);
    campus_pass(campus, 3 * SECOND);
}

/* What was dated before is right already; what was dated since is as wrong as the clock was. */
static void
a_clock_is_put_right(struct campus *campus, int64_t wrong_us, bool restarts)
{
    char id[ID_SIZE], young[ID_SIZE];
    int64_t until_us = campus->clock.wall_now_us + 10 * HOUR;
    snprintf(id, sizeof(id), "%s", contain_for(campus, 2, 10 * 3600)->id);
    campus_pass(campus, 60 * SECOND);
    start_with(campus, wrong_us);
    snprintf(young, sizeof(young), "%s", contain_for(campus, 3, 600)->id);
    campus_pass(campus, SECOND);
    if (restarts) {
        campus_stop(campus);
        set_clock(campus, -wrong_us);
        campus_start(campus);
    } else {
        set_clock(campus, -wrong_us);
    }
    campus_pass(campus, SECOND);
    assert_int_equal(controller_find(campus->controller, id)->expires_us, until_us);
    campus_pass(campus, 580 * SECOND);
    assert_true(scene_drops(campus, 3));
    campus_pass(campus, 20 * SECOND);
    assert_int_equal(controller_find(campus->controller, young)->state, CONTAINMENT_EXPIRED);
    if (wrong_us > 0) { /* what seemed to be long ago is forgotten until it is told again */
        campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
    } /* else who holds what is known from before that start */
    assert_true(campus_detect(campus, "d1", "10.1.0.3", STRENGTH_STRONG));
    assert_string_equal(campus_newest(campus)->endpoint_id, campus_endpoint(campus, 3)->id);
    assert_int_equal(campus_newest(campus)->hold, HOLD_NONE);
    /* the next time it is somebody's doing, and everything is moved */
    set_clock(campus, -HOUR);
    campus_pass(campus, SECOND);
    assert_int_equal(controller_find(campus->controller, id)->expires_us, until_us - HOUR);
}

static void
test_an_empty_battery_makes_nothing_last_longer(void **state)
{
    a_clock_is_put_right(*state, -9 * HOUR, false);
}

static void
test_a_clock_that_is_put_right_while_core_is_away(void **state)
{
    a_clock_is_put_right(*state, -9 * HOUR, true);
}

static void
test_a_clock_that_was_ahead_ends_nothing_early(void **state)
{
    a_clock_is_put_right(*state, 9 * HOUR, false);
}

static void
test_a_pending_one_waits_as_long_as_it_was_told(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p4", 4, "10.2.0.4", "c4");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    set_clock(campus, 2 * HOUR);
    campus_pass(campus, 3590 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    campus_pass(campus, 15 * SECOND);
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_REVERTED);
}

/* A clock that was set back an hour must not make topology deaf for an hour. */
static void
who_holds_what_is_known(struct campus *campus, int64_t by_us)
{
    campus_pass(campus, 10 * SECOND);
    set_clock(campus, by_us);
    campus_pass(campus, SECOND);
    assert_true(campus_detect(campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->hold, HOLD_NONE);
    assert_true(scene_drops(campus, 2));
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p2"};
    campus_fact(campus, "e1", &down);
    struct fact seen = {.kind = FACT_MAC, .mac = campus_mac(2), .port = "p4"};
    campus_fact(campus, "e2", &seen);
    assert_string_equal(campus_endpoint(campus, 2)->location.switch_name, "e2");
    seen.mac = campus_mac(3); /* without a link that went down: its former port still has it */
    snprintf(seen.port, sizeof(seen.port), "p7");
    campus_fact(campus, "e1", &seen);
    campus_pass(campus, 60 * SECOND);
    assert_string_equal(campus_endpoint(campus, 3)->location.port, "p7");
    snprintf(seen.port, sizeof(seen.port), "p3"); /* and back to where it was before */
    campus_fact(campus, "e1", &seen);
    campus_pass(campus, 60 * SECOND);
    assert_string_equal(campus_endpoint(campus, 3)->location.port, "p3");
    /* and an address that changes hands, as before */
    campus_client(campus, "e1", "p5", 5, "10.1.0.77", NULL);
    campus_pass(campus, 60 * SECOND);
    campus_client(campus, "e2", "p1", 6, "10.1.0.77", NULL);
    campus_pass(campus, SECOND);
    assert_true(campus_detect(campus, "d2", "10.1.0.77", STRENGTH_STRONG));
    assert_string_equal(campus_newest(campus)->endpoint_id, campus_endpoint(campus, 6)->id);
}

static void
test_an_hour_forward_and_everybody_is_known(void **state)
{
    who_holds_what_is_known(*state, HOUR);
}

static void
test_an_hour_back_and_everybody_is_known(void **state)
{
    who_holds_what_is_known(*state, -HOUR);
}

static void
test_a_silent_sensor_is_silent_by_time_that_passed(void **state)
{
    struct campus *campus = *state;
    struct wire_hello hello = {.name = "s1", .wall_us = campus->clock.wall_now_us};
    struct sensor_view view;
    controller_sensor_hello(campus->controller, &hello);
    set_clock(campus, HOUR);
    campus_pass(campus, SECOND);
    assert_true(controller_sensor_at(campus->controller, 0, &view));
    assert_true(campus->clock.wall_now_us - view.seen_us <= 2 * SECOND);
    /* and its clock, which nobody set, is behind ours now */
    assert_true(view.skew_us <= -HOUR + SECOND && view.skew_us >= -HOUR - SECOND);
}

/* ---- others' ---- */

/* .77 was of endpoint 5, is of endpoint 6 since 60 s; what the switch says is off by an hour. */
static void
changed_hands(struct campus *campus, int64_t skew_us)
{
    campus->edges_wall_us = campus->clock.wall_now_us + skew_us;
    struct fact fact = {.kind = FACT_MAC,
                        .mac = campus_mac(5),
                        .port = "p5",
                        .seen_us = campus->edges_wall_us,
                        .ip = campus_ip("10.1.0.77")};
    campus_fact(campus, "e1", &fact);
    fact.kind = FACT_BINDING;
    campus_fact(campus, "e1", &fact);
    campus_pass(campus, 120 * SECOND);
    campus->edges_wall_us = campus->clock.wall_now_us + skew_us;
    fact = (struct fact){.kind = FACT_MAC,
                         .mac = campus_mac(6),
                         .port = "p6",
                         .seen_us = campus->edges_wall_us,
                         .ip = fact.ip};
    campus_fact(campus, "e1", &fact);
    fact.kind = FACT_BINDING;
    campus_fact(campus, "e1", &fact);
    campus_pass(campus, 60 * SECOND);
}

static void
resolves_by_the_switches_ages(struct campus *campus, int64_t skew_us)
{
    const struct topology *topology = controller_topology(campus->controller);
    struct held found;
    struct ip ip = campus_ip("10.1.0.77");
    int64_t now_us = campus->clock.wall_now_us;
    changed_hands(campus, skew_us);
    now_us = campus->clock.wall_now_us;
    assert_int_equal(topology_resolve(topology, "", &ip, now_us - 30 * SECOND, &found),
                     RESOLUTION_SURE);
    assert_ptr_equal(found.endpoint, campus_endpoint(campus, 6));
    assert_int_equal(topology_resolve(topology, "", &ip, now_us - 90 * SECOND, &found),
                     RESOLUTION_CHANGED);
}

static void
test_a_switch_an_hour_ahead(void **state)
{
    resolves_by_the_switches_ages(*state, HOUR);
}

static void
test_a_switch_an_hour_behind(void **state)
{
    resolves_by_the_switches_ages(*state, -HOUR);
}

static void
on_stored(void *context, const char *detection_id, int error)
{
    (void)context;
    (void)detection_id;
    assert_int_equal(error, 0);
}

/* By a finder whose clock nobody knows. */
static void
test_what_comes_from_the_future_is_about_who_held_it_long(void **state)
{
    struct campus *campus = *state;
    changed_hands(campus, 0);
    struct detection detection = {.seen_us = campus->clock.wall_now_us + HOUR,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_HIGH,
                                  .confidence = 90,
                                  .protocol = 6,
                                  .handshake = true,
                                  .strength = STRENGTH_STRONG,
                                  .suspect = PARTY_SRC,
                                  .id = "f1",
                                  .sensor = "ids",
                                  .maker = "suricata",
                                  .signature = "C&C contact"};
    detection.src.ip = campus_ip("10.1.0.77");
    detection.dst.ip = campus_ip("198.51.100.9");
    controller_detection(campus->controller, &detection, on_stored, NULL);
    campus_settle(campus);
    assert_int_equal(campus_newest(campus)->hold, HOLD_UNRESOLVED);
    assert_false(scene_drops(campus, 5));
    assert_false(scene_drops(campus, 6));
    campus_pass(campus, HOUR + 60 * SECOND); /* now it has held it for an hour */
    detection.seen_us = campus->clock.wall_now_us + HOUR;
    snprintf(detection.id, sizeof(detection.id), "f2");
    controller_detection(campus->controller, &detection, on_stored, NULL);
    campus_settle(campus);
    assert_true(scene_drops(campus, 6));
    assert_false(scene_drops(campus, 5));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, campus_teardown)

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        EACH(test_an_hour_forward_ends_nothing_early),
        EACH(test_an_hour_back_makes_nothing_last_longer),
        EACH(test_what_is_moved_is_moved_in_the_store_too),
        EACH(test_an_unknown_start_of_the_machine_is_not_written_down),
        EACH(test_set_while_core_was_away_is_seen_at_its_start),
        EACH(test_who_held_what_is_known_after_restarts_between_two_jumps),
        EACH(test_a_start_of_the_machine_has_one_number),
        EACH(test_another_start_of_the_machine_is_no_jump),
        EACH(test_an_empty_battery_makes_nothing_last_longer),
        EACH(test_a_clock_that_is_put_right_while_core_is_away),
        EACH(test_a_clock_that_was_ahead_ends_nothing_early),
        EACH(test_a_clock_that_nothing_has_set_ends_nothing),
        EACH(test_a_clock_that_nothing_sets_counts_after_an_hour),
        EACH(test_the_ends_are_told_when_the_clock_is_sure),
        EACH(test_the_ends_are_told_by_the_next_controller),
        EACH(test_a_pending_one_waits_as_long_as_it_was_told),
        EACH(test_an_hour_forward_and_everybody_is_known),
        EACH(test_an_hour_back_and_everybody_is_known),
        EACH(test_a_silent_sensor_is_silent_by_time_that_passed),
        EACH(test_a_switch_an_hour_ahead),
        EACH(test_a_switch_an_hour_behind),
        EACH(test_what_comes_from_the_future_is_about_who_held_it_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
