/* The same addresses at two sites: e1 is at the site "east", e2 at "west", the core at neither. */
#include "campus.h"

#include <stdlib.h>

#define EAST_MAC "02:00:00:00:00:02"
#define WEST_MAC "02:00:00:00:00:03"
#define SHARED_IP "192.0.2.10"
#define CLIENT "ff00112233"

static const char *
site_of(void *context, const char *switch_name)
{
    (void)context;
    return strcmp(switch_name, "e1") == 0   ? "east"
           : strcmp(switch_name, "e2") == 0 ? "west"
                                            : SITE_DEFAULT;
}

static struct campus *
two_sites(void)
{
    struct campus *c = campus_new(NULL);
    topology_set_sites(c->topology, site_of, NULL);
    return c;
}

static void
assert_is(const struct campus *c, const char *site, const char *ip, const char *mac)
{
    const struct endpoint *endpoint = NULL;
    assert_int_equal(who_at(c, site, ip, now_us(c), &endpoint), RESOLUTION_SURE);
    assert_ptr_equal(endpoint, endpoint_of(c, mac));
}

static void
an_address_is_whose_it_is_at_its_site(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    const struct endpoint *endpoint = NULL;
    lease(c, "e1", "p3", EAST_MAC, SHARED_IP, "aa", "east");
    arp(c, "e2", "p4", WEST_MAC, SHARED_IP);
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    assert_is(c, "west", SHARED_IP, WEST_MAC);
    assert_int_equal(who_at(c, SITE_DEFAULT, SHARED_IP, now_us(c), &endpoint), RESOLUTION_NONE);
    assert_int_equal(who_at(c, "north", SHARED_IP, now_us(c), &endpoint), RESOLUTION_NONE);
    /* Nobody says where: it is nobody. */
    assert_int_equal(who_at(c, "", SHARED_IP, now_us(c), &endpoint), RESOLUTION_SITES);
    assert_null(endpoint);
    /* Neither is a rival of the other. */
    assert_false(has_event(endpoint_of(c, EAST_MAC), ENDPOINT_CONFLICT, ""));
    assert_false(has_event(endpoint_of(c, WEST_MAC), ENDPOINT_CONFLICT, ""));
    assert_string_equal(topology_site_of_endpoint(c->topology, endpoint_of(c, WEST_MAC)), "west");
    campus_free(c);
}

static void
an_address_of_one_site_only_needs_no_site(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    const struct endpoint *endpoint = NULL;
    arp(c, "e2", "p4", WEST_MAC, SHARED_IP);
    assert_int_equal(who_at(c, "", SHARED_IP, now_us(c), &endpoint), RESOLUTION_SURE);
    assert_ptr_equal(endpoint, endpoint_of(c, WEST_MAC));
    assert_int_equal(who_at(c, "east", SHARED_IP, now_us(c), &endpoint), RESOLUTION_NONE);
    campus_free(c);
}

static void
what_happens_to_it_at_one_site_leaves_the_other_alone(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    const struct endpoint *endpoint = NULL;
    lease(c, "e1", "p3", EAST_MAC, SHARED_IP, "aa", "east");
    lease(c, "e2", "p4", WEST_MAC, SHARED_IP, "bb", "west");
    link_goes_down(c, "e2", "p4");
    after_s(c, 20000); /* west's lease is long over */
    lease(c, "e1", "p3", EAST_MAC, SHARED_IP, "aa", "east");
    topology_tick(c->topology);
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    assert_int_not_equal(who_at(c, "west", SHARED_IP, now_us(c), &endpoint), RESOLUTION_SURE);
    campus_free(c);
}

static void
what_somebody_had_before_he_came_stays_of_there(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    const struct endpoint *endpoint = NULL;
    lease(c, "e1", "p3", EAST_MAC, SHARED_IP, "aa", "east");
    link_goes_down(c, "e1", "p3");
    after_s(c, 10);
    seen(c, "e2", "p4", EAST_MAC);
    lease(c, "e2", "p4", EAST_MAC, "192.0.2.77", "aa", "east");
    topology_set_sites(c->topology, site_of, NULL); /* a policy was stored */
    assert_is(c, "west", "192.0.2.77", EAST_MAC);
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    assert_int_equal(who_at(c, "west", SHARED_IP, now_us(c), &endpoint), RESOLUTION_NONE);
    campus_free(c);
}

static void
as_many_holders_as_sites_crowd_nobody_out(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    arp(c, "e1", "p3", EAST_MAC, SHARED_IP);
    for (unsigned i = 0; i < 20; i++) { /* more than are kept of one address at one site */
        char mac[MAC_TEXT_SIZE];
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        arp(c, "e2", "p4", mac, SHARED_IP);
        after_s(c, 1);
    }
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    campus_free(c);
}

static void
clones_at_two_sites_are_no_one_machine(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    lease(c, "e1", "p3", EAST_MAC, "192.0.2.7", CLIENT, "vm");
    link_goes_down(c, "e1", "p3"); /* the first is asleep: at one site this would be a move */
    after_s(c, 3600);
    seen(c, "e2", "p4", WEST_MAC);
    lease(c, "e2", "p4", WEST_MAC, "192.0.2.8", CLIENT, "vm");
    assert_ptr_not_equal(endpoint_of(c, EAST_MAC), endpoint_of(c, WEST_MAC));
    assert_true(has_event(endpoint_of(c, WEST_MAC), ENDPOINT_CONFLICT, "of another site"));
    campus_free(c);
    /* ... and within one it is one machine, as ever. */
    c = campus_new(NULL);
    lease(c, "e1", "p3", EAST_MAC, "192.0.2.7", CLIENT, "vm");
    link_goes_down(c, "e1", "p3");
    after_s(c, 3600);
    seen(c, "e2", "p4", WEST_MAC);
    lease(c, "e2", "p4", WEST_MAC, "192.0.2.8", CLIENT, "vm");
    assert_ptr_equal(endpoint_of(c, EAST_MAC), endpoint_of(c, WEST_MAC));
    campus_free(c);
}

static void
one_mac_at_two_sites_is_told(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    arp(c, "e1", "p3", EAST_MAC, SHARED_IP);
    after_s(c, 60);
    for (size_t i = 0; i < 4; i++) {
        seen(c, "e2", "p4", EAST_MAC);
        after_s(c, 1);
        seen(c, "e1", "p3", EAST_MAC);
        after_s(c, 1);
    }
    const struct endpoint *endpoint = endpoint_of(c, EAST_MAC);
    assert_int_equal(endpoint->location.class, LOCATION_CONFLICT);
    assert_non_null(strstr(endpoint->location.why, "at two sites"));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 1); /* once, not at each frame */
    campus_free(c);
}

static void
addresses_go_with_their_switch_when_its_site_is_said(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *endpoint = NULL;
    lease(c, "e1", "p3", EAST_MAC, SHARED_IP, "aa", "east");
    lease(c, "e2", "p4", WEST_MAC, "192.0.2.11", "bb", "west");
    topology_set_sites(c->topology, site_of, NULL);
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    assert_is(c, "west", "192.0.2.11", WEST_MAC);
    assert_int_equal(who_at(c, "west", SHARED_IP, now_us(c), &endpoint), RESOLUTION_NONE);
    topology_set_sites(c->topology, NULL, NULL); /* and back */
    assert_is(c, SITE_DEFAULT, SHARED_IP, EAST_MAC);
    assert_is(c, "", "192.0.2.11", WEST_MAC);
    campus_free(c);
}

static void
what_was_stored_with_its_site_comes_back_there(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    struct binding binding = {.ip = ip_of(SHARED_IP),
                              .mac = mac_of(WEST_MAC),
                              .source = BINDING_ARP,
                              .from_us = now_us(c) - 1000000,
                              .seen_us = now_us(c) - 1000000,
                              .site = "west"};
    struct endpoint stored = {.mac_count = 1, .bindings = &binding, .binding_count = 1};
    snprintf(stored.id, sizeof(stored.id), "stored");
    stored.macs[0] = binding.mac;
    stored.location = (struct location){
        .switch_name = "e2", .port = "p4", .class = LOCATION_DIRECT, .seen_us = now_us(c)};
    topology_restore_endpoint(c->topology, &(struct endpoint_record){.endpoint = stored});
    arp(c, "e1", "p3", EAST_MAC, SHARED_IP);
    assert_is(c, "west", SHARED_IP, WEST_MAC);
    assert_is(c, "east", SHARED_IP, EAST_MAC);
    campus_free(c);
}

static void
switches_of_two_sites_may_have_one_mirror_source(void **state)
{
    (void)state;
    struct campus *c = two_sites();
    struct ip source = ip_of("10.0.0.1");
    struct link_end end;
    enum port_role role;
    const char *names[4];
    topology_set_mirror_source(c->topology, "e1", &source);
    topology_set_mirror_source(c->topology, "e2", &source);
    assert_true(topology_port_by_number(c->topology, "west", &source, 3, &end, &role));
    assert_string_equal(end.switch_name, "e2");
    assert_false(topology_port_by_number(c->topology, "", &source, 3, &end, &role));
    assert_int_equal(topology_mirror_sources(c->topology, &source, names, 4), 2);
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_whose_it_is_at_its_site),
        cmocka_unit_test(an_address_of_one_site_only_needs_no_site),
        cmocka_unit_test(what_happens_to_it_at_one_site_leaves_the_other_alone),
        cmocka_unit_test(what_somebody_had_before_he_came_stays_of_there),
        cmocka_unit_test(as_many_holders_as_sites_crowd_nobody_out),
        cmocka_unit_test(clones_at_two_sites_are_no_one_machine),
        cmocka_unit_test(one_mac_at_two_sites_is_told),
        cmocka_unit_test(addresses_go_with_their_switch_when_its_site_is_said),
        cmocka_unit_test(what_was_stored_with_its_site_comes_back_there),
        cmocka_unit_test(switches_of_two_sites_may_have_one_mirror_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
