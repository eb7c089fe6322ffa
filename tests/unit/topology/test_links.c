#include "campus.h"

#define C2 "02:00:00:00:00:02"

static void
a_link_is_confirmed_when_both_ends_report_it(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    hears(c, "e1", "ul", "core", "d1");
    assert_int_equal(topology_link_count(c->topology), 1);
    assert_false(topology_link_at(c->topology, 0)->is_confirmed);
    hears(c, "core", "d1", "e1", "ul");
    assert_int_equal(topology_link_count(c->topology), 1);
    assert_true(topology_link_at(c->topology, 0)->is_confirmed);
    assert_int_equal(told_of(c, TOPOLOGY_LINK), 2);
    hears(c, "core", "d1", "e1", "ul");
    assert_int_equal(told_of(c, TOPOLOGY_LINK), 2);
    campus_free(c);
}

static void
a_neighbour_that_reports_later_than_it_was_heard_is_tied_then(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    hears(c, "e1", "ul", "e9.example.org", "u1");
    assert_int_equal(topology_link_count(c->topology), 0);
    port_is(c, "e9", "u1", PORT_UPLINK);
    hears(c, "e9", "u1", "e1", "ul");
    assert_int_equal(topology_link_count(c->topology), 1);
    assert_true(topology_link_at(c->topology, 0)->is_confirmed);
    campus_free(c);
}

static void
lldp_from_an_endpoint_alone_does_not_make_its_access_port_an_uplink(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    hears(c, "e2", "ul", "core", "d2");
    hears(c, "core", "d2", "e2", "ul");
    seen(c, "e1", "p3", C2);
    hears(c, "e1", "p3", "e2", "ul");
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    size_t confirmed = 0;
    for (size_t i = 0; i < topology_link_count(c->topology); i++) {
        confirmed += topology_link_at(c->topology, i)->is_confirmed ? 1 : 0;
    }
    assert_int_equal(confirmed, 1);
    campus_free(c);
}

static void
an_access_port_with_a_confirmed_link_is_nobodys_place(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p9", C2);
    assert_at(c, C2, "e1", "p9", LOCATION_DIRECT);
    port_is(c, "e2", "p9", PORT_UPLINK);
    hears(c, "e1", "p9", "e2", "p9");
    hears(c, "e2", "p9", "e1", "p9");
    seen(c, "e2", "p2", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    after_s(c, 1);
    seen(c, "e1", "p9", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 0);
    campus_free(c);
}

#define C3 "02:00:00:00:00:03"

/* Two infected machines, each with the other's place in its LLDP: what each of the two switches
 * hears is what the other one hears, and no cable is between them. */
static void
two_endpoints_that_name_each_other_make_no_link(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    seen(c, "e2", "p5", C3);
    hears(c, "e1", "p3", "e2", "p5");
    hears(c, "e2", "p5", "e1", "p3");
    assert_int_equal(topology_link_count(c->topology), 1);
    assert_false(topology_link_at(c->topology, 0)->is_confirmed);
    after_s(c, 1);
    seen(c, "e1", "p3", C2);
    seen(c, "e2", "p5", C3);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    assert_at(c, C3, "e2", "p5", LOCATION_DIRECT);
    port_is(c, "core", "s1", PORT_SERVER); /* nor one on a server port */
    hears(c, "e2", "p5", "core", "s1");
    hears(c, "core", "s1", "e2", "p5");
    for (size_t i = 0; i < topology_link_count(c->topology); i++) {
        assert_false(topology_link_at(c->topology, i)->is_confirmed);
    }
    campus_free(c);
}

/* The switch says what its port is later, or anew: the other end is judged by that, too. */
static void
a_link_counts_once_one_end_is_an_uplink(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    seen(c, "e1", "p3", C2);
    hears(c, "e1", "p3", "e2", "p5");
    hears(c, "e2", "p5", "e1", "p3");
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    port_is(c, "e2", "p5", PORT_UPLINK);
    assert_true(topology_link_at(c->topology, 0)->is_confirmed);
    after_s(c, 1);
    seen(c, "e2", "p2", C2);
    assert_at(c, C2, "e2", "p2", LOCATION_DIRECT);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 0);
    port_is(c, "e2", "p5", PORT_ACCESS);
    assert_false(topology_link_at(c->topology, 0)->is_confirmed);
    after_s(c, 1);
    seen(c, "e1", "p3", C3);
    assert_at(c, C3, "e1", "p3", LOCATION_SHARED); /* C2 was heard there, too */
    campus_free(c);
}

static void
a_link_is_gone_when_neither_end_hears_the_other(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    hears(c, "e1", "ul", "core", "d1");
    hears(c, "core", "d1", "e1", "ul");
    hears(c, "e2", "ul", "core", "d2");
    link_goes_down(c, "e1", "ul");
    assert_int_equal(topology_link_count(c->topology), 2);
    assert_false(topology_link_at(c->topology, 0)->is_confirmed);
    link_goes_down(c, "core", "d1");
    assert_int_equal(topology_link_count(c->topology), 1);
    assert_string_equal(topology_link_at(c->topology, 0)->a.switch_name, "e2");
    link_goes_up(c, "e1", "ul");
    hears(c, "e1", "ul", "core", "d1");
    hears(c, "core", "d1", "e1", "ul");
    assert_true(topology_link_at(c->topology, 1)->is_confirmed);
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_confirmed_when_both_ends_report_it),
        cmocka_unit_test(a_neighbour_that_reports_later_than_it_was_heard_is_tied_then),
        cmocka_unit_test(lldp_from_an_endpoint_alone_does_not_make_its_access_port_an_uplink),
        cmocka_unit_test(an_access_port_with_a_confirmed_link_is_nobodys_place),
        cmocka_unit_test(two_endpoints_that_name_each_other_make_no_link),
        cmocka_unit_test(a_link_counts_once_one_end_is_an_uplink),
        cmocka_unit_test(a_link_is_gone_when_neither_end_hears_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
