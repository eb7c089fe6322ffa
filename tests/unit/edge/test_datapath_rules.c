/* The rules of the datapath: found by id, kind and owner; what is wrong with one is said whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/datapath_state.h"
#include "fake_maps.h"

/* ---- the parts of the datapath that need a kernel ---- */

uint64_t
datapath_now_ns(void)
{
    return 1000000000u;
}

struct dp_port_held *
datapath_port_find(struct datapath *datapath, int ifindex)
{
    (void)datapath;
    (void)ifindex;
    return NULL;
}

int
datapath_ifindex(const struct datapath *datapath, const char *port)
{
    (void)datapath;
    return strcmp(port, "p1") == 0 ? 1 : 0;
}

int
datapath_ports_write(struct datapath *datapath)
{
    (void)datapath;
    return 0;
}

int
datapath_config_write(struct datapath *datapath)
{
    (void)datapath;
    return 0;
}

struct dp_port
datapath_port_value(const struct datapath *datapath, const struct dp_port_held *port)
{
    (void)datapath;
    (void)port;
    return (struct dp_port){.role = DP_ACCESS};
}

bool
attach_is_good(const struct maps *maps, int ifindex, enum attach_side side, enum program_id program)
{
    (void)maps;
    (void)ifindex;
    (void)side;
    (void)program;
    return true;
}

/* ---- tests ---- */

static int
setup(void **state)
{
    struct datapath *datapath = calloc(1, sizeof(*datapath));
    assert_non_null(datapath);
    datapath->maps = fake_maps_new();
    datapath->want = claims_new(datapath->maps);
    hmap_init(&datapath->by_id);
    hmap_init(&datapath->by_owner);
    const uint32_t zero = 0;
    datapath->config.permit_mark = 7;
    assert_int_equal(maps_put(datapath->maps, MAP_CONFIG, &zero, &datapath->config), 0);
    *state = datapath;
    return 0;
}

static int
teardown(void **state)
{
    struct datapath *datapath = *state;
    datapath_rules_free(datapath);
    claims_free(datapath->want);
    fake_maps_free(datapath->maps);
    hmap_fini(&datapath->by_id);
    hmap_fini(&datapath->by_owner);
    free(datapath);
    return 0;
}

static const struct ip no_ip;

static struct mac
mac_number(unsigned number)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct ip
ip_number(unsigned number)
{
    const uint8_t bytes[4] = {192, 0, (uint8_t)(number >> 8), (uint8_t)number};
    return ip_from_v4(bytes);
}

/* Odd ones are isolated by address, even ones by MAC. */
static struct rule
isolate(unsigned number)
{
    struct rule rule = {.kind = RULE_ISOLATE};
    snprintf(rule.id, sizeof(rule.id), "isolate-%u", number);
    if (number % 2) {
        rule.isolate.ip = ip_number(number);
    } else {
        rule.isolate.mac = mac_number(number);
    }
    return rule;
}

static const char *
id_of(const struct rule *rule)
{
    return rule ? rule->id : "none";
}

static void
add(struct datapath *datapath, const struct rule *rule)
{
    assert_int_equal(datapath_change(datapath, rule, 1, NULL, 0, NULL), 0);
}

static void
drop(struct datapath *datapath, const char *id)
{
    char ids[1][RULE_ID_SIZE];
    snprintf(ids[0], sizeof(ids[0]), "%s", id);
    assert_int_equal(datapath_change(datapath, NULL, 0, (const char(*)[RULE_ID_SIZE])ids, 1, NULL),
                     0);
}

static void
isolate_rules_are_found_by_owner(void **state)
{
    struct datapath *datapath = *state;
    const struct mac strange = {{2, 9, 9, 9, 9, 9}}, none = {{0}};
    for (unsigned i = 0; i < 300; i++) {
        struct rule rule = isolate(i);
        add(datapath, &rule);
    }
    for (unsigned i = 0; i < 300; i++) {
        const struct rule expected = isolate(i);
        const struct mac mac = i % 2 ? strange : mac_number(i);
        const struct ip ip = i % 2 ? ip_number(i) : no_ip;
        assert_string_equal(id_of(datapath_isolate_of(datapath, &mac, &ip)), expected.id);
        assert_string_equal(id_of(datapath_rule_find(datapath, expected.id)), expected.id);
    }
    const struct mac odd = mac_number(3);
    const struct ip even = ip_number(4), other = ip_number(5);
    const struct mac two = mac_number(2);
    assert_null(datapath_isolate_of(datapath, &odd, &even));
    assert_null(datapath_isolate_of(datapath, &none, &no_ip));
    assert_null(datapath_rule_find(datapath, "isolate-300"));
    assert_false(datapath_is_refused(datapath, "isolate-3"));
    /* its MAC says more than its address */
    assert_string_equal(id_of(datapath_isolate_of(datapath, &two, &other)), "isolate-2");
    for (unsigned i = 0; i < 300; i += 3) {
        const struct rule rule = isolate(i);
        drop(datapath, rule.id);
    }
    for (unsigned i = 0; i < 300; i++) {
        const struct mac mac = i % 2 ? strange : mac_number(i);
        const struct ip ip = i % 2 ? ip_number(i) : no_ip;
        assert_int_equal(datapath_isolate_of(datapath, &mac, &ip) != NULL, i % 3 != 0);
    }
}

/* The changed rule comes before the old one goes: it is the one in force. */
static void
the_newer_rule_of_an_owner_is_found(void **state)
{
    struct datapath *datapath = *state;
    struct rule old = isolate(2), changed = isolate(2);
    snprintf(changed.id, sizeof(changed.id), "changed");
    add(datapath, &old);
    add(datapath, &changed);
    assert_string_equal(id_of(datapath_isolate_of(datapath, &old.isolate.mac, &no_ip)), "changed");
    drop(datapath, "isolate-2");
    assert_string_equal(id_of(datapath_isolate_of(datapath, &old.isolate.mac, &no_ip)), "changed");
    drop(datapath, "changed");
    assert_null(datapath_isolate_of(datapath, &old.isolate.mac, &no_ip));
}

static void
rules_are_listed_by_kind(void **state)
{
    struct datapath *datapath = *state;
    struct rule hold = {.id = "hold", .kind = RULE_HOLD_PORT, .hold_port.port = "p1"};
    struct rule set = {.id = "set", .kind = RULE_PERMIT_SET, .permit_set.name = "updates"};
    struct rule one = isolate(1), two = isolate(2);
    const struct rule *const rules[] = {&hold, &set, &one, &two};
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        add(datapath, rules[i]);
    }
    assert_int_equal(datapath_kind_count(datapath, RULE_ISOLATE), 2);
    assert_int_equal(datapath_kind_count(datapath, RULE_HOLD_PORT), 1);
    assert_int_equal(datapath_kind_count(datapath, RULE_MIRROR), 0);
    assert_string_equal(datapath_kind_at(datapath, RULE_PERMIT_SET, 0)->id, "set");
    drop(datapath, "isolate-1");
    assert_int_equal(datapath_kind_count(datapath, RULE_ISOLATE), 1);
    assert_string_equal(datapath_kind_at(datapath, RULE_ISOLATE, 0)->id, "isolate-2");
}

/* A rule that could be written in part fails for a known reason; that what it did write was
 * changed since is news all the same. */
static void
a_failed_rule_tells_that_its_entry_was_altered(void **state)
{
    struct datapath *datapath = *state;
    struct rule_report report = {.state = RULE_APPLIED};
    struct rule rule = isolate(2);
    struct ip address = ip_number(7);
    rule.isolate.addresses = &address;
    rule.isolate.address_count = 1;
    fake_maps_fill(datapath->maps, MAP_BINDING);
    assert_true(datapath_change(datapath, &rule, 1, NULL, 0, NULL) < 0);
    datapath_read_back_these(datapath, &rule, 1, false, &report);
    assert_int_equal(report.state, RULE_FAILED);
    assert_non_null(strstr(report.why, "full"));
    assert_true(datapath_is_refused(datapath, rule.id));
    char before[TEXT_SIZE];
    memcpy(before, report.why, sizeof(before));
    assert_true(fake_maps_alter(datapath->maps, MAP_ISO_MAC));
    report.state = RULE_APPLIED;
    datapath_read_back_these(datapath, &rule, 1, false, &report);
    assert_non_null(strstr(report.why, "full"));
    assert_non_null(strstr(report.why, "not what was set"));
    assert_string_not_equal(report.why, before);
}

/* What plain frames pass by is part of what is proven; frames of a test run are never plain. */
static void
a_configuration_that_is_not_what_was_set_proves_nothing(void **state)
{
    struct datapath *datapath = *state;
    const uint32_t zero = 0;
    struct rule rule = isolate(2);
    struct rule_report report = {.state = RULE_APPLIED};
    assert_int_equal(datapath_set(datapath, &rule, 1, NULL), 0);
    datapath_read_back_these(datapath, &rule, 1, true, &report);
    assert_int_equal(report.state, RULE_VERIFIED);
    datapath->config.special_ports = 1; /* wanted, and the map did not take it */
    datapath_read_back_these(datapath, &rule, 1, true, &report);
    assert_int_equal(report.state, RULE_FAILED);
    assert_string_equal(report.why, "the configuration in the maps is not what was set");
    assert_int_equal(maps_put(datapath->maps, MAP_CONFIG, &zero, &datapath->config), 0);
    report.state = RULE_APPLIED;
    datapath_read_back_these(datapath, &rule, 1, true, &report);
    assert_int_equal(report.state, RULE_VERIFIED);
    assert_int_equal(maps_delete(datapath->maps, MAP_CONFIG, &zero), 0);
    assert_int_equal(datapath_read_back(datapath, true, &report), 0);
    assert_int_equal(report.state, RULE_FAILED);
    assert_non_null(strstr(report.why, "the configuration in the maps cannot be read: No such"));
}

/* Taken over from a process that was killed: told until everything is known. */
static void
what_no_rule_names_is_known_to_be_there(void **state)
{
    struct datapath *datapath = *state;
    struct rule rules[2] = {isolate(1), isolate(2)};
    struct rule server = {.kind = RULE_BLOCK_SERVER, .id = "server"};
    server.server.server = (struct prefix){.ip = ip_number(9), .length = 128};
    for (unsigned i = 0; i < 3; i++) { /* by address, by MAC, a server */
        struct rule stranger = i < 2 ? isolate(3 + i) : server;
        assert_int_equal(datapath_set(datapath, NULL, 0, NULL), 0);
        add(datapath, &stranger);
        struct claims *known = datapath->want;
        datapath->want = claims_new(datapath->maps); /* the maps stay, what was known does not */
        assert_true(datapath_has_unknown(datapath));
        claims_free(datapath->want);
        datapath->want = known;
        drop(datapath, stranger.id);
        assert_int_equal(datapath_set(datapath, rules, 2, NULL), 0);
        assert_false(datapath_has_unknown(datapath));
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_no_rule_names_is_known_to_be_there, setup, teardown),
        TEST(isolate_rules_are_found_by_owner),
        TEST(the_newer_rule_of_an_owner_is_found),
        TEST(rules_are_listed_by_kind),
        TEST(a_failed_rule_tells_that_its_entry_was_altered),
        TEST(a_configuration_that_is_not_what_was_set_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
