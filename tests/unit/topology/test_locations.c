#include "campus.h"

#define C2 "02:00:00:00:00:02"
#define C3 "02:00:00:00:00:03"

static void
an_endpoint_is_where_its_access_port_sees_it_whatever_uplinks_say(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 1);
    seen(c, "e2", "ul", C2);
    seen(c, "core", "d1", C2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    const struct location *location = &endpoint_of(c, C2)->location;
    assert_int_equal(location->vlan, 10);
    assert_true(location->confidence >= 90);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_NEW), 1);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_MOVED), 0);
    campus_free(c);
}

static void
the_reasons_are_told_in_plain_words(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e2", "ul", C2);
    seen(c, "core", "d1", C2);
    assert_int_equal(endpoint_of(c, C2)->location.class, LOCATION_NONE);
    assert_non_null(strstr(endpoint_of(c, C2)->location.why, "never seen on an access port"));
    seen(c, "e1", "p3", C2);
    const char *why = endpoint_of(c, C2)->location.why;
    assert_non_null(strstr(why, "seen on access port p3 of e1 since 20"));
    assert_non_null(strstr(why, "the only one there"));
    assert_non_null(strstr(why, "core and e2 see it on their uplinks"));
    campus_free(c);
}

static void
two_endpoints_on_one_port_are_shared_and_one_that_leaves_makes_it_direct_again(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    seen(c, "e1", "p3", C3);
    assert_at(c, C2, "e1", "p3", LOCATION_SHARED);
    assert_at(c, C3, "e1", "p3", LOCATION_SHARED);
    assert_non_null(strstr(endpoint_of(c, C2)->location.why, "with 1 other on the same port"));
    after_s(c, 1);
    seen(c, "e1", "p4", C3);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    assert_at(c, C3, "e1", "p4", LOCATION_DIRECT);
    struct mac macs[4];
    assert_int_equal(topology_macs_on_port(c->topology, "e1", "p3", macs, 4), 1);
    campus_free(c);
}

static void
unplugged_and_plugged_in_elsewhere_is_a_sure_move_with_history(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 10);
    link_goes_down(c, "e1", "p3");
    assert_true(endpoint_of(c, C2)->location.confidence <= 30);
    assert_non_null(strstr(endpoint_of(c, C2)->location.why, "last seen on port p3 of e1"));
    after_s(c, 5);
    seen(c, "e2", "p2", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_MOVED, "e1/p3 -> e2/p2"));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_MOVED), 1);
    campus_free(c);
}

static void
the_listener_hears_the_former_place_of_a_move(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    link_goes_down(c, "e1", "p3");
    after_s(c, 5);
    c->told_count = 0;
    seen(c, "e2", "p2", C2);
    assert_int_equal(c->told[0].change, TOPOLOGY_ENDPOINT_MOVED);
    assert_true(c->told[0].has_before);
    assert_string_equal(c->told[0].before.switch_name, "e1");
    assert_string_equal(c->told[0].before.port, "p3");
    campus_free(c);
}

static void
a_move_without_a_link_down_is_believed_only_after_a_while(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 10);
    seen(c, "e2", "p2", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_true(endpoint_of(c, C2)->location.confidence < 50);
    assert_non_null(strstr(endpoint_of(c, C2)->location.why, "neither went down"));
    after_s(c, 31);
    topology_tick(c->topology);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    campus_free(c);
}

static void
a_link_down_that_is_told_late_makes_the_move_sure(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 10);
    seen(c, "e2", "p2", C2);
    link_goes_down(c, "e1", "p3");
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    campus_free(c);
}

static void
a_mac_alive_on_two_switches_at_once_is_a_conflict_and_keeps_its_place(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 10);
    seen(c, "e2", "p5", C2);
    after_s(c, 1);
    seen(c, "e1", "p3", C2);
    after_s(c, 1);
    seen(c, "e2", "p5", C2);
    const struct location *location = &endpoint_of(c, C2)->location;
    assert_int_equal(location->class, LOCATION_CONFLICT);
    assert_true(location->confidence <= 20);
    assert_string_equal(location->switch_name, "e1"); /* where nobody doubted it */
    assert_string_equal(location->port, "p3");
    assert_non_null(strstr(location->why, "two places at once"));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 1);
    campus_free(c);
}

static void
a_mac_that_flaps_between_two_ports_of_one_switch_is_a_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 100);
    seen(c, "e1", "p7", C2);
    after_s(c, 2);
    seen(c, "e1", "p3", C2);
    assert_int_equal(endpoint_of(c, C2)->location.class, LOCATION_CONFLICT);
    assert_non_null(strstr(endpoint_of(c, C2)->location.why, "e1/p7"));
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_CONFLICT, "two places at once"));
    after_s(c, 40);
    seen(c, "e1", "p3", C2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    campus_free(c);
}

static void
going_away_and_coming_back_with_link_downs_is_no_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 5);
    link_goes_down(c, "e1", "p3");
    seen(c, "e1", "p7", C2);
    after_s(c, 5);
    link_goes_down(c, "e1", "p7");
    link_goes_up(c, "e1", "p3");
    seen(c, "e1", "p3", C2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 0);
    campus_free(c);
}

static void
a_conflict_ends_when_one_of_the_two_falls_silent(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 1);
    seen(c, "e2", "p5", C2);
    after_s(c, 1);
    seen(c, "e1", "p3", C2);
    assert_int_equal(endpoint_of(c, C2)->location.class, LOCATION_CONFLICT);
    link_goes_down(c, "e2", "p5");
    after_s(c, 40);
    seen(c, "e1", "p3", C2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    campus_free(c);
}

static void
ageing_out_is_idle_and_not_gone(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 400);
    aged(c, "e1", "p3", C2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    seen(c, "e2", "p2", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    campus_free(c);
}

static void
facts_from_an_older_time_change_nothing(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    struct fact old = {.kind = FACT_MAC, .port = "p4", .mac = mac_of(C2), .vlan = 10};
    old.seen_us = now_us(c) - 5000000;
    one_fact(c, "e1", &old);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    campus_free(c);
}

static void
a_port_of_unknown_role_and_a_mirror_port_are_nobodys_place(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "x1", C2);
    assert_int_equal(endpoint_of(c, C2)->location.class, LOCATION_NONE);
    port_is(c, "e1", "x1", PORT_ACCESS);
    assert_at(c, C2, "e1", "x1", LOCATION_DIRECT);
    port_is(c, "e1", "m1", PORT_MIRROR);
    seen(c, "e1", "m1", C3);
    assert_null(endpoint_of(c, C3));
    campus_free(c);
}

static void
groups_zeros_and_virtual_routers_are_no_endpoints(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p1", "01:00:5e:00:00:fb");
    seen(c, "e1", "p1", "00:00:00:00:00:00");
    seen(c, "e1", "p1", "00:00:5e:00:01:07");
    assert_int_equal(topology_endpoint_count(c->topology), 0);
    struct topology_counters counters;
    topology_read_counters(c->topology, &counters);
    assert_int_equal(counters.facts_ignored, 3);
    campus_free(c);
}

#define PORT_MAC "02:aa:00:00:00:01"
#define BRIDGE_MAC "02:aa:00:00:00:ff"

static void
port_tells_own_macs(struct campus *c, const char *on, const char *port, enum port_role role)
{
    struct fact fact = {.kind = FACT_PORT,
                        .role = role,
                        .is_up = true,
                        .mac = mac_of(PORT_MAC),
                        .bridge_mac = mac_of(BRIDGE_MAC)};
    snprintf(fact.port, sizeof(fact.port), "%s", port);
    one_fact(c, on, &fact);
}

static void
a_switch_is_no_endpoint(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    port_tells_own_macs(c, "e1", "ul", PORT_UPLINK);
    seen(c, "core", "d1", PORT_MAC);
    arp(c, "core", "d1", BRIDGE_MAC, "fe80::1");
    answers(c, "e2", "ul", BRIDGE_MAC, "192.0.2.99");
    assert_int_equal(topology_endpoint_count(c->topology), 0);
    struct topology_counters counters;
    topology_read_counters(c->topology, &counters);
    assert_int_equal(counters.facts_ignored, 3);
    seen(c, "core", "d1", C2); /* others are */
    assert_int_equal(topology_endpoint_count(c->topology), 1);
    campus_free(c);
}

/* Seen by the next switch before its own tells what it is; also one from the store. */
static void
an_endpoint_that_proves_to_be_a_switch_is_forgotten(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "core", "d1", PORT_MAC);
    seen(c, "core", "d1", C2);
    seen(c, "e2", "p4", BRIDGE_MAC); /* a port that nobody knows to be a link yet */
    topology_tick(c->topology);
    assert_non_null(endpoint_of(c, PORT_MAC));
    port_tells_own_macs(c, "e1", "ul", PORT_UPLINK);
    topology_tick(c->topology);
    assert_null(endpoint_of(c, PORT_MAC));
    assert_non_null(endpoint_of(c, C2));
    assert_int_equal(c->gone_count, 1);
    assert_non_null(endpoint_of(c, BRIDGE_MAC)); /* there it may be anybody */
    hears(c, "e1", "ul", "e2", "p4");
    hears(c, "e2", "p4", "e1", "ul");
    topology_tick(c->topology);
    assert_null(endpoint_of(c, BRIDGE_MAC));
    assert_int_equal(c->gone_count, 2);
    campus_free(c);
}

/* Whoever takes a switch's MAC to hide behind it is an endpoint all the same. */
static void
a_switchs_mac_on_an_access_port_is_an_endpoints(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    port_tells_own_macs(c, "e1", "ul", PORT_UPLINK);
    seen(c, "e2", "p3", BRIDGE_MAC);
    topology_tick(c->topology);
    assert_at(c, BRIDGE_MAC, "e2", "p3", LOCATION_DIRECT);
    seen(c, "core", "d2", BRIDGE_MAC);
    link_goes_down(c, "e2", "p3");
    topology_tick(c->topology);
    assert_non_null(endpoint_of(c, BRIDGE_MAC)); /* it was there */
    campus_free(c);
}

static void
a_port_that_is_gone_owns_no_mac(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    port_tells_own_macs(c, "e1", "ul", PORT_UPLINK);
    port_tells_own_macs(c, "e1", "p1", PORT_ACCESS);
    struct fact gone = {.kind = FACT_PORT_GONE, .port = "ul"};
    one_fact(c, "e1", &gone);
    seen(c, "core", "d1", PORT_MAC); /* the other port still tells it */
    assert_null(endpoint_of(c, PORT_MAC));
    snprintf(gone.port, sizeof(gone.port), "p1");
    one_fact(c, "e1", &gone);
    seen(c, "core", "d1", PORT_MAC);
    assert_non_null(endpoint_of(c, PORT_MAC));
    campus_free(c);
}

static void
a_lost_switch_keeps_its_facts(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    topology_switch_gone(c->topology, "e1");
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    struct topology_port ports[16];
    assert_int_equal(topology_ports(c->topology, "e1", ports, 16), 10);
    campus_free(c);
}

static void
a_full_report_ends_what_it_does_not_name_but_a_torn_one_does_not(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    after_s(c, 10);
    struct fact only = {.kind = FACT_PORT, .port = "p4", .role = PORT_ACCESS, .is_up = true};
    struct wire_facts torn = {
        .switch_name = "e1", .sequence = 7, .is_full = true, .facts = &only, .fact_count = 1};
    topology_apply_facts(c->topology, &torn);
    torn.sequence = 9;
    torn.is_last = true;
    topology_apply_facts(c->topology, &torn);
    assert_true(endpoint_of(c, C2)->location.confidence >= 90);
    torn.sequence = 1;
    topology_apply_facts(c->topology, &torn);
    assert_true(endpoint_of(c, C2)->location.confidence <= 30);
    campus_free(c);
}

static void
the_stamp_of_a_mirror_names_a_port(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    struct ip source = ip_of("192.0.2.201");
    topology_set_mirror_source(c->topology, "e1", &source);
    struct link_end end;
    enum port_role role;
    assert_true(topology_port_by_number(c->topology, "", &source, 3, &end, &role));
    assert_string_equal(end.switch_name, "e1");
    assert_string_equal(end.port, "p3");
    assert_int_equal(role, PORT_ACCESS);
    assert_false(topology_port_by_number(c->topology, "", &source, 99, &end, &role));
    struct ip other = ip_of("192.0.2.202");
    assert_false(topology_port_by_number(c->topology, "", &other, 3, &end, &role));
    campus_free(c);
}

static void
held_macs_and_roles_are_told_and_a_role_only_once(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    struct fact held = {.kind = FACT_HELD_MAC, .port = "p3", .mac = mac_of(C3)};
    one_fact(c, "e1", &held);
    assert_int_equal(told_of(c, TOPOLOGY_MAC_HELD), 1);
    assert_string_equal(c->told[c->told_count - 1].before.port, "p3");
    struct fact role = {
        .kind = FACT_ROLE_HINT, .port = "p3", .mac = mac_of(C3), .host_role = HOST_DHCP_SERVER};
    one_fact(c, "e1", &role);
    one_fact(c, "e1", &role);
    assert_int_equal(told_of(c, TOPOLOGY_ROLE_PROPOSED), 1);
    assert_non_null(strstr(c->told[c->told_count - 1].detail, "on access port e1/p3"));
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_where_its_access_port_sees_it_whatever_uplinks_say),
        cmocka_unit_test(the_reasons_are_told_in_plain_words),
        cmocka_unit_test(
            two_endpoints_on_one_port_are_shared_and_one_that_leaves_makes_it_direct_again),
        cmocka_unit_test(unplugged_and_plugged_in_elsewhere_is_a_sure_move_with_history),
        cmocka_unit_test(the_listener_hears_the_former_place_of_a_move),
        cmocka_unit_test(a_move_without_a_link_down_is_believed_only_after_a_while),
        cmocka_unit_test(a_link_down_that_is_told_late_makes_the_move_sure),
        cmocka_unit_test(a_mac_alive_on_two_switches_at_once_is_a_conflict_and_keeps_its_place),
        cmocka_unit_test(a_mac_that_flaps_between_two_ports_of_one_switch_is_a_conflict),
        cmocka_unit_test(going_away_and_coming_back_with_link_downs_is_no_conflict),
        cmocka_unit_test(a_conflict_ends_when_one_of_the_two_falls_silent),
        cmocka_unit_test(ageing_out_is_idle_and_not_gone),
        cmocka_unit_test(facts_from_an_older_time_change_nothing),
        cmocka_unit_test(a_port_of_unknown_role_and_a_mirror_port_are_nobodys_place),
        cmocka_unit_test(groups_zeros_and_virtual_routers_are_no_endpoints),
        cmocka_unit_test(a_switch_is_no_endpoint),
        cmocka_unit_test(an_endpoint_that_proves_to_be_a_switch_is_forgotten),
        cmocka_unit_test(a_switchs_mac_on_an_access_port_is_an_endpoints),
        cmocka_unit_test(a_port_that_is_gone_owns_no_mac),
        cmocka_unit_test(a_lost_switch_keeps_its_facts),
        cmocka_unit_test(a_full_report_ends_what_it_does_not_name_but_a_torn_one_does_not),
        cmocka_unit_test(the_stamp_of_a_mirror_names_a_port),
        cmocka_unit_test(held_macs_and_roles_are_told_and_a_role_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
