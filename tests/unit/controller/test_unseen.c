/* What nobody watches, on small topologies: which switches' traffic passes no mirror, where one
 * would see it, and what cannot be known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controller/ask/unseen.h"

static struct unseen_report report;

/* Ports p1 to pN with an endpoint each, then "up", and with 'downs' the ports d1 to dN. */
static void
add_switch(struct unseen *unseen, const char *name, bool is_ours, size_t clients, size_t downs)
{
    struct topology_port ports[256];
    size_t count = 0;
    memset(ports, 0, sizeof(ports));
    for (size_t i = 1; i <= clients; i++, count++) {
        snprintf(ports[count].name, sizeof(ports[count].name), "p%zu", i);
        ports[count].mac_count = 1;
    }
    for (size_t i = 1; i <= downs; i++, count++) {
        snprintf(ports[count].name, sizeof(ports[count].name), "d%zu", i);
        ports[count].role = PORT_UPLINK;
    }
    if (downs == 0) {
        snprintf(ports[count].name, sizeof(ports[count].name), "up");
        ports[count++].role = PORT_UPLINK;
    }
    for (size_t i = 0; i < count; i++) {
        ports[i].is_up = true;
    }
    unseen_switch(unseen, name, is_ours, ports, count);
}

static void
add_link(struct unseen *unseen, const char *a, const char *a_port, const char *b,
         const char *b_port)
{
    struct link link = {.is_confirmed = true};
    snprintf(link.a.switch_name, sizeof(link.a.switch_name), "%s", a);
    snprintf(link.a.port, sizeof(link.a.port), "%s", a_port);
    snprintf(link.b.switch_name, sizeof(link.b.switch_name), "%s", b);
    snprintf(link.b.port, sizeof(link.b.port), "%s", b_port);
    unseen_link(unseen, &link);
}

/* 'ports': "e1 e2"; "": every access port. */
static void
add_mirror(struct unseen *unseen, const char *on, enum mirror_kind kind,
           enum rule_direction direction, const char *ports)
{
    struct rule_mirror mirror = {.kind = kind, .direction = direction};
    char text[128], *rest = text;
    snprintf(text, sizeof(text), "%s", ports);
    for (char *port; (port = strsep(&rest, " ")) && *port;) {
        snprintf(mirror.ports[mirror.port_count++], NAME_SIZE, "%s", port);
    }
    unseen_mirror(unseen, on, &mirror);
}

/* A core with 'servers' and two edge switches of three clients each, whose own traffic is copied.
 */
static struct unseen *
star(size_t servers)
{
    struct unseen *unseen = unseen_new();
    add_switch(unseen, "e2", true, 3, 0);
    add_switch(unseen, "core", true, servers, 2);
    add_switch(unseen, "e1", true, 3, 0);
    add_link(unseen, "core", "d1", "e1", "up");
    add_link(unseen, "e2", "up", "core", "d2");
    add_mirror(unseen, "e1", MIRROR_ALWAYS, DIRECTION_BOTH, "");
    add_mirror(unseen, "e2", MIRROR_ALWAYS, DIRECTION_BOTH, "");
    return unseen;
}

static void
look(struct unseen *unseen)
{
    unseen_look(unseen, &report);
    unseen_free(unseen);
}

static void
assert_nothing(void)
{
    assert_int_equal(report.group_count, 0);
    assert_string_equal(report.within, "");
    assert_string_equal(report.part, "");
    assert_string_equal(report.unknown, "");
}

static void
test_the_pair_is_named(void **state)
{
    (void)state;
    look(star(0));
    assert_int_equal(report.group_count, 1);
    assert_string_equal(report.groups[0].switches, "e1, e2");
    assert_string_equal(report.groups[0].links, "core/d1 - e1/up, core/d2 - e2/up");
    assert_string_equal(report.groups[0].hub, "core");
    assert_string_equal(report.groups[0].hub_ports, "d1"); /* one is enough */
    assert_string_equal(report.within, "");
    look(star(1)); /* with a server, whose traffic to each is unseen, too */
    assert_string_equal(report.groups[0].switches, "core, e1, e2");
    assert_string_equal(report.groups[0].hub_ports, "d1, d2");
}

static void
test_any_port_on_the_way_will_do(void **state)
{
    static const struct {
        const char *on, *ports;
    } each[] = {{"core", "d1"}, {"core", "d2"}, {"e1", "up"}, {"e2", "up"}, {"e1", ""}, {"e2", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        struct unseen *unseen = star(0);
        add_mirror(unseen, each[i].on, MIRROR_PORT, DIRECTION_BOTH, each[i].ports);
        look(unseen);
        assert_nothing();
    }
    struct unseen *unseen = star(2); /* each frame once, where it enters the core */
    add_mirror(unseen, "core", MIRROR_PORT, DIRECTION_IN, "d1 d2 p1 p2");
    look(unseen);
    assert_nothing();
}

static void
test_a_mirror_elsewhere_will_not(void **state)
{
    (void)state;
    struct unseen *unseen = star(3); /* as the lab's was: servers are copied, not the links */
    add_mirror(unseen, "core", MIRROR_PORT, DIRECTION_BOTH, "p1 p2 p3");
    add_mirror(unseen, "e1", MIRROR_DETAILED, DIRECTION_BOTH, "");
    look(unseen);
    assert_int_equal(report.group_count, 1);
    assert_string_equal(report.groups[0].switches, "e1, e2");
    assert_string_equal(report.within, "");
    unseen = star(3); /* one server is not, and two clients are */
    add_mirror(unseen, "core", MIRROR_PORT, DIRECTION_BOTH, "p1 p2");
    add_mirror(unseen, "e1", MIRROR_PORT, DIRECTION_BOTH, "p1 p2");
    look(unseen);
    assert_string_equal(report.groups[0].switches, "core (p3), e1 (p3), e2");
}

static void
test_traffic_that_stays_on_a_switch(void **state)
{
    struct topology_port ports[2] = {
        {.name = "srv1", .role = PORT_SERVER, .mac_count = 1, .is_up = true},
        {.name = "srv2", .role = PORT_SERVER, .mac_count = 2, .is_up = true}};
    (void)state;
    struct unseen *unseen = unseen_new();
    add_switch(unseen, "e1", true, 6, 0);
    add_switch(unseen, "e2", true, 1, 0); /* alone: talks with nobody there */
    unseen_switch(unseen, "s1", true, ports, 2);
    add_mirror(unseen, "s1", MIRROR_ALWAYS, DIRECTION_BOTH,
               ""); /* copies nothing of servers' ports */
    look(unseen);
    assert_string_equal(report.within, "e1 (p1, p2, p3, p4 (+2)), s1 (srv1, srv2)");
    assert_string_equal(report.within_first, "e1");
    unseen = unseen_new();
    add_switch(unseen, "e1", true, 6, 0);
    unseen_switch(unseen, "s1", true, ports, 2);
    add_mirror(unseen, "e1", MIRROR_ALWAYS, DIRECTION_BOTH, "");
    add_mirror(unseen, "s1", MIRROR_PORT, DIRECTION_IN, "srv2");
    look(unseen);
    assert_nothing();
}

static void
test_filters_and_samples_are_a_part(void **state)
{
    struct mirror_filter filters[2] = {{.protocol = 6, .port_low = 80, .port_high = 80},
                                       {.vlan = 0}};
    struct rule_mirror mirror = {.kind = MIRROR_POLICY,
                                 .port_count = 1,
                                 .ports = {"d1"},
                                 .filters = filters,
                                 .filter_count = 1};
    (void)state;
    struct unseen *unseen = star(0);
    unseen_mirror(unseen, "core", &mirror);
    look(unseen);
    assert_int_equal(report.group_count, 0);
    assert_string_equal(report.part, "core");
    mirror.filter_count = 2; /* one of them lets everything through */
    unseen = star(0);
    unseen_mirror(unseen, "core", &mirror);
    look(unseen);
    assert_nothing();
    mirror.filter_count = 0;
    mirror.sample = 10;
    unseen = star(0);
    unseen_mirror(unseen, "core", &mirror);
    look(unseen);
    assert_string_equal(report.part, "core");
}

static void
test_others_switches_are_unknown_and_no_alarm(void **state)
{
    (void)state;
    struct unseen *unseen = unseen_new(); /* both hang on a switch that nobody knows */
    add_switch(unseen, "e1", true, 1, 0);
    add_switch(unseen, "e2", true, 1, 0);
    look(unseen);
    assert_int_equal(report.group_count, 0);
    assert_string_equal(report.unknown, "e1/up, e2/up");
    unseen = unseen_new();
    add_switch(unseen, "e1", true, 1, 0);
    add_switch(unseen, "e2", true, 1, 0);
    add_mirror(unseen, "e2", MIRROR_PORT, DIRECTION_BOTH, "up");
    look(unseen);
    assert_nothing();
    unseen = unseen_new(); /* ours, but its mirrors are not */
    add_switch(unseen, "e1", true, 1, 0);
    add_switch(unseen, "e2", true, 1, 0);
    add_switch(unseen, "core", false, 2, 2);
    add_link(unseen, "core", "d1", "e1", "up");
    add_link(unseen, "core", "d2", "e2", "up");
    look(unseen);
    assert_int_equal(report.group_count, 0);
    assert_string_equal(report.within, "");
    assert_string_equal(report.unknown, "core");
    unseen = star(0); /* a way out alone joins nobody */
    add_switch(unseen, "e3", true, 1, 0);
    add_mirror(unseen, "core", MIRROR_PORT, DIRECTION_BOTH, "d1 d2");
    look(unseen);
    assert_nothing();
}

static void
test_links_of_one_word_do_not_count(void **state)
{
    struct link link = {.a = {"e1", "up"}, .b = {"e2", "up"}};
    (void)state;
    struct unseen *unseen = unseen_new();
    add_switch(unseen, "e1", true, 1, 0);
    add_switch(unseen, "e2", true, 1, 0);
    unseen_link(unseen, &link);
    add_link(unseen, "e1", "up", "e9", "up");
    add_link(unseen, "e1", "up", "e2", "p9");
    look(unseen);
    assert_int_equal(report.group_count, 0);
}

static void
test_vlans(void **state)
{
    (void)state;
    struct unseen *unseen = star(0);
    unseen_vlan(unseen, "e1", 10);
    unseen_vlan(unseen, "e2", 20);
    look(unseen);
    assert_nothing(); /* a router is between them */
    unseen = star(1);
    unseen_vlan(unseen, "e1", 10);
    unseen_vlan(unseen, "e2", 20);
    unseen_vlan(unseen, "core", 20);
    look(unseen);
    assert_string_equal(report.groups[0].switches, "core, e2");
    assert_string_equal(report.groups[0].links, "core/d2 - e2/up");
    unseen = star(0);
    unseen_vlan(unseen, "e1", 10);
    unseen_vlan(unseen, "e2", 0);
    look(unseen);
    assert_string_equal(report.groups[0].switches, "e1, e2");
}

/* However many there are: a few names, and how many more. */
static void
test_it_is_bounded(void **state)
{
    char name[NAME_SIZE], port[NAME_SIZE];
    (void)state;
    struct unseen *unseen = unseen_new();
    add_switch(unseen, "core", true, 0, 200);
    for (unsigned i = 1; i <= 200; i++) {
        snprintf(name, sizeof(name), "e%03u", i);
        snprintf(port, sizeof(port), "d%u", i);
        add_switch(unseen, name, true, 2, 0);
    }
    for (unsigned i = 1; i <= 200; i++) {
        snprintf(name, sizeof(name), "e%03u", i);
        snprintf(port, sizeof(port), "d%u", i);
        add_link(unseen, "core", port, name, "up");
    }
    look(unseen);
    assert_int_equal(report.group_count, 1);
    assert_string_equal(report.groups[0].switches, "e001, e002, e003, e004 (+196)");
    assert_string_equal(report.groups[0].hub_ports, "d1, d2, d3, d4 (+195)");
    assert_non_null(strstr(report.within, "(+196)"));
    unseen = unseen_new(); /* eight pairs, and names as long as they may be */
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof(name), "%02u-%060u", i, i);
        add_switch(unseen, name, true, 1, 0);
    }
    for (unsigned i = 0; i < 16; i += 2) {
        snprintf(name, sizeof(name), "%02u-%060u", i, i);
        snprintf(port, sizeof(port), "%02u-%060u", i + 1, i + 1);
        add_link(unseen, name, "up", port, "up");
    }
    look(unseen);
    assert_int_equal(report.group_count, UNSEEN_GROUPS_MAX);
    assert_int_equal(report.more_groups, 3);
    assert_non_null(strstr(report.groups[4].switches, "09-0"));
    unseen = unseen_new();
    look(unseen);
    assert_nothing();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pair_is_named),
        cmocka_unit_test(test_any_port_on_the_way_will_do),
        cmocka_unit_test(test_a_mirror_elsewhere_will_not),
        cmocka_unit_test(test_traffic_that_stays_on_a_switch),
        cmocka_unit_test(test_filters_and_samples_are_a_part),
        cmocka_unit_test(test_others_switches_are_unknown_and_no_alarm),
        cmocka_unit_test(test_links_of_one_word_do_not_count),
        cmocka_unit_test(test_vlans),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
