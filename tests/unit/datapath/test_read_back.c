/* What the switch holds is asked of the switch: altered behind our back it shows, and is mended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "bench.h"

#define C2 "02:00:00:00:00:02"
#define ROOM 4096

static struct bench bench;
static struct frame knock;

static void
set_one(void)
{
    struct rule rule = bench_isolate("c2", C2, NULL, "");
    assert_int_equal(datapath_set(bench.datapath, &rule, 1, NULL), 0);
}

static enum rule_state
state_of(const char *id, char why[TEXT_SIZE])
{
    struct rule_report report = {.state = RULE_APPLIED};
    struct rule rule = {.kind = RULE_ISOLATE};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    datapath_read_back_these(bench.datapath, &rule, 1, true, &report);
    snprintf(why, TEXT_SIZE, "%s", report.why);
    return report.state;
}

static void
an_entry_that_is_missing_or_altered_shows(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    const struct mac mac = mac_of_text(C2);
    struct dp_mac key = {.zero = 0};
    struct dp_isolate value;
    memcpy(key.b, mac.b, 6);
    set_one();
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
    assert_int_equal(maps_delete(bench.datapath->maps, MAP_ISO_MAC, &key), 0);
    assert_int_equal(state_of("c2", why), RULE_ABSENT);
    assert_non_null(strstr(why, "missing"));
    set_one();
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
    assert_int_equal(maps_get(bench.datapath->maps, MAP_ISO_MAC, &key, &value), 0);
    value.set = 77;
    assert_int_equal(maps_put(bench.datapath->maps, MAP_ISO_MAC, &key, &value), 0);
    assert_int_equal(state_of("c2", why), RULE_FAILED);
    set_one();
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
}

/* Without its bit the program does not look for the endpoint. */
static void
an_endpoint_whose_bit_of_the_screen_is_gone_shows(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    const struct mac mac = mac_of_text(C2);
    const uint64_t none = 0;
    uint64_t number = 0;
    memcpy(&number, mac.b, 6);
    const uint32_t word = dp_digest(number, DP_SCREEN_BITS) / 64;
    set_one();
    assert_int_equal(bench_in(&bench, P1, &knock), DROPPED);
    assert_int_equal(maps_put(bench.datapath->maps, MAP_SCREEN, &word, &none), 0);
    assert_int_equal(bench_in(&bench, P1, &knock), PASSES);
    assert_int_equal(state_of("c2", why), RULE_ABSENT);
    set_one();
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
    assert_int_equal(bench_in(&bench, P1, &knock), DROPPED);
    /* as an earlier version left it, which did not know of a screen */
    assert_int_equal(maps_put(bench.datapath->maps, MAP_SCREEN, &word, &none), 0);
    datapath_close(bench.datapath);
    bench_reopen(&bench, ROOM);
    assert_int_equal(bench_in(&bench, P1, &knock), DROPPED);
}

/* Somebody's protection of the endpoint: the entry is right, and yet its frames pass. */
static void
a_foreign_entry_that_undoes_a_rule_shows(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    const struct mac mac = mac_of_text(C2);
    struct dp_mac key = {.zero = 0};
    const struct dp_protect value = {.tag = 1};
    memcpy(key.b, mac.b, 6);
    set_one();
    assert_int_equal(maps_put(bench.datapath->maps, MAP_PROTECT_MAC, &key, &value), 0);
    assert_int_equal(state_of("c2", why), RULE_FAILED);
    assert_non_null(strstr(why, "passes"));
    set_one(); /* exactly these rules: the foreign entry goes */
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
}

static void
a_filter_that_is_gone_shows(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    set_one();
    assert_int_equal(datapath_check_ports(bench.datapath, why), 0);
    attach_remove(bench.ifindex[P1], ATTACH_INGRESS);
    assert_int_equal(state_of("c2", why), RULE_FAILED);
    assert_int_equal(datapath_check_ports(bench.datapath, why), 1);
    assert_non_null(strstr(why, "p1"));
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
    assert_int_equal(datapath_check_ports(bench.datapath, why), 0);
}

static void
a_changed_configuration_shows(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    const uint32_t zero = 0;
    struct dp_config config = bench.datapath->config;
    set_one();
    config.is_suspended = 1;
    assert_int_equal(maps_put(bench.datapath->maps, MAP_CONFIG, &zero, &config), 0);
    assert_int_equal(bench_in(&bench, P1, &knock), PASSES);
    assert_int_equal(datapath_check_ports(bench.datapath, why), 1);
    assert_int_equal(bench_in(&bench, P1, &knock), DROPPED);
}

static void
a_restart_takes_everything_over(void **state)
{
    (void)state;
    char why[TEXT_SIZE];
    struct rule_report report;
    set_one();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(bench_in(&bench, P1, &knock), DROPPED);
    }
    datapath_close(bench.datapath);
    bench_reopen(&bench, ROOM);
    assert_int_equal(bench_in(&bench, P1, &knock), DROPPED); /* before any rule is set again */
    set_one();
    assert_int_equal(state_of("c2", why), RULE_VERIFIED);
    assert_int_equal(datapath_read_back(bench.datapath, true, &report), 0);
    assert_true(report.hits >= 5);
}

static size_t
count_in(enum map_id map)
{
    uint8_t key[MAP_KEY_MAX], next[MAP_KEY_MAX];
    size_t count = 0;
    int result = maps_next(bench.datapath->maps, map, NULL, next);
    while (result == 0) {
        count++;
        memcpy(key, next, sizeof(key));
        result = maps_next(bench.datapath->maps, map, key, next);
    }
    return count;
}

static void
many_rules_come_and_go_and_a_full_table_says_so(void **state)
{
    (void)state;
    enum { COUNT = ROOM + 10 };
    struct rule *rules = mem_new(COUNT, sizeof(*rules));
    struct rule_report *reports = mem_new(COUNT, sizeof(*reports));
    size_t failed = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        rules[i].kind = RULE_ISOLATE;
        snprintf(rules[i].id, sizeof(rules[i].id), "r%u", i);
        rules[i].isolate.mac = (struct mac){{2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
    }
    assert_int_equal(datapath_set(bench.datapath, NULL, 0, NULL), 0);
    assert_int_equal(datapath_set(bench.datapath, rules, ROOM, reports), 0);
    assert_int_equal(count_in(MAP_ISO_MAC), ROOM);
    assert_int_not_equal(datapath_set(bench.datapath, rules, COUNT, reports), 0);
    for (size_t i = 0; i < COUNT; i++) {
        if (reports[i].state == RULE_FAILED) {
            failed++;
            assert_non_null(strstr(reports[i].why, "full"));
        }
    }
    assert_int_equal(failed, 10);
    assert_int_equal(datapath_set(bench.datapath, NULL, 0, NULL), 0);
    for (enum map_id map = 0; map < MAP_COUNT; map++) {
        assert_int_equal(map_kinds[map].is_ruled ? count_in(map) : 0, 0);
    }
    free(rules);
    free(reports);
}

static int
group_teardown(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

/* Thousands of rules are looked at part by part: what is altered shows within a few calls, and
 * until then every one is reported. */
static void
many_are_looked_at_in_turn(void **state)
{
    (void)state;
    enum { MANY = 10000, ALTERED = 7777 };
    struct rule *rules = mem_new(MANY, sizeof(*rules));
    struct rule_report *reports = mem_new(MANY, sizeof(*reports));
    struct bench large;
    struct dp_mac key = {.zero = 0};
    bench_close(&bench);
    bench_open(&large, 2 * MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        char id[32], mac[MAC_TEXT_SIZE];
        snprintf(id, sizeof(id), "many/%u", i);
        snprintf(mac, sizeof(mac), "02:11:00:00:%02x:%02x", i >> 8, i & 0xff);
        rules[i] = bench_isolate(id, mac, NULL, "");
    }
    assert_int_equal(datapath_set(large.datapath, rules, MANY, NULL), 0);
    for (int call = 0; call < 12; call++) {
        assert_int_equal(datapath_read_back(large.datapath, true, reports), 0);
        for (uint32_t i = 0; i < MANY; i++) {
            assert_int_equal(reports[i].state, RULE_VERIFIED);
        }
    }
    memcpy(key.b, rules[ALTERED].isolate.mac.b, 6);
    assert_int_equal(maps_delete(large.datapath->maps, MAP_ISO_MAC, &key), 0);
    int calls = 0;
    uint32_t absent = MANY;
    while (absent == MANY && ++calls <= 3) { /* 10000 / 4096 */
        assert_int_equal(datapath_read_back(large.datapath, false, reports), 0);
        for (uint32_t i = 0; i < MANY; i++) {
            absent = reports[i].state == RULE_ABSENT ? i : absent;
        }
    }
    assert_in_range(calls, 1, 3);
    assert_string_equal(reports[absent].id, rules[ALTERED].id);
    /* what is wrong is looked at every time */
    assert_int_equal(datapath_read_back(large.datapath, true, reports), 0);
    assert_int_equal(reports[absent].state, RULE_ABSENT);
    assert_int_equal(datapath_set(large.datapath, rules, MANY, NULL), 0);
    assert_int_equal(datapath_read_back(large.datapath, true, reports), 0);
    assert_int_equal(reports[absent].state, RULE_VERIFIED);
    bench_close(&large);
    bench_open(&bench, ROOM);
    free(rules);
    free(reports);
}

int
main(void)
{
    const struct hosts hosts = {C2, "02:00:00:00:00:03", "10.0.0.102", "10.0.0.103"};
    log_setup("test", LOG_TEXT, LOG_ERROR);
    frame_udp(&knock, &hosts, 40000, 9, "0123456789", 10);
    bench_open(&bench, ROOM);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_that_is_missing_or_altered_shows),
        cmocka_unit_test(an_endpoint_whose_bit_of_the_screen_is_gone_shows),
        cmocka_unit_test(a_foreign_entry_that_undoes_a_rule_shows),
        cmocka_unit_test(a_filter_that_is_gone_shows),
        cmocka_unit_test(a_changed_configuration_shows),
        cmocka_unit_test(many_are_looked_at_in_turn),
        cmocka_unit_test(a_restart_takes_everything_over),
        cmocka_unit_test(many_rules_come_and_go_and_a_full_table_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
