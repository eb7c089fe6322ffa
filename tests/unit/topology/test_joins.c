#include "campus.h"

#define OLD_MAC "02:00:00:00:00:02"
#define NEW_MAC "02:00:00:00:00:22"
#define CLIENT "ff00112233"

static void
a_new_mac_with_the_same_client_id_joins_its_endpoint(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    char id[ID_SIZE];
    memcpy(id, endpoint_of(c, OLD_MAC)->id, ID_SIZE);
    after_s(c, 60);
    seen(c, "e1", "p3", NEW_MAC);
    char new_id[ID_SIZE];
    memcpy(new_id, endpoint_of(c, NEW_MAC)->id, ID_SIZE);
    assert_string_not_equal(new_id, id);
    after_s(c, 1);
    lease(c, "e1", "p3", NEW_MAC, "192.0.2.8", CLIENT, "c2");
    const struct endpoint *endpoint = endpoint_of(c, NEW_MAC);
    assert_string_equal(endpoint->id, id);
    assert_ptr_equal(endpoint, endpoint_of(c, OLD_MAC));
    assert_ptr_equal(endpoint, topology_by_id(c->topology, new_id));
    assert_int_equal(endpoint->mac_count, 2);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_MAC), 1);
    assert_true(has_event(endpoint, ENDPOINT_MAC_JOINED, NEW_MAC));
    assert_int_equal(topology_endpoint_count(c->topology), 1);
    assert_int_equal(c->gone_count, 1);
    assert_string_equal(c->gone_into, id);
    const struct endpoint *who_is = NULL;
    assert_int_equal(who(c, "192.0.2.7", now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint);
    campus_free(c);
}

static void
joined_on_another_switch_it_has_moved_there(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    link_goes_down(c, "e1", "p3");
    after_s(c, 60);
    seen(c, "e2", "p2", NEW_MAC);
    after_s(c, 1);
    lease(c, "e2", "p2", NEW_MAC, "192.0.2.7", CLIENT, "c2");
    assert_at(c, OLD_MAC, "e2", "p2", LOCATION_DIRECT);
    assert_true(has_event(endpoint_of(c, NEW_MAC), ENDPOINT_MOVED, "e1/p3 -> e2/p2"));
    campus_free(c);
}

static void
two_live_machines_with_a_cloned_client_id_are_not_merged(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    after_s(c, 60);
    seen(c, "e2", "p2", NEW_MAC);
    after_s(c, 1);
    seen(c, "e1", "p3", OLD_MAC);
    after_s(c, 1);
    lease(c, "e2", "p2", NEW_MAC, "192.0.2.8", CLIENT, "c9");
    assert_ptr_not_equal(endpoint_of(c, OLD_MAC), endpoint_of(c, NEW_MAC));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_MAC), 0);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 2);
    assert_true(has_event(endpoint_of(c, NEW_MAC), ENDPOINT_CONFLICT, "active elsewhere"));
    assert_at(c, OLD_MAC, "e1", "p3", LOCATION_DIRECT);
    assert_at(c, NEW_MAC, "e2", "p2", LOCATION_DIRECT);
    campus_free(c);
}

static void
a_clone_whose_original_wakes_up_later_is_a_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    after_s(c, 600);
    lease(c, "e2", "p2", NEW_MAC, "192.0.2.8", CLIENT, "c9");
    assert_ptr_equal(endpoint_of(c, OLD_MAC), endpoint_of(c, NEW_MAC));
    after_s(c, 60);
    seen(c, "e2", "p2", NEW_MAC);
    after_s(c, 1);
    seen(c, "e1", "p3", OLD_MAC);
    after_s(c, 1);
    seen(c, "e2", "p2", NEW_MAC);
    assert_int_equal(endpoint_of(c, OLD_MAC)->location.class, LOCATION_CONFLICT);
    assert_true(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT) >= 1);
    campus_free(c);
}

static void
a_machine_that_was_heard_on_another_port_just_before_is_alive(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    after_s(c, 30);
    lease(c, "e2", "p2", NEW_MAC, "192.0.2.8", CLIENT, "c9");
    assert_ptr_not_equal(endpoint_of(c, OLD_MAC), endpoint_of(c, NEW_MAC));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 2);
    campus_free(c);
}

static void
a_changed_mac_on_the_same_port_joins_within_the_second(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    after_s(c, 1);
    seen(c, "e1", "p3", NEW_MAC);
    asks(c, "e1", "p3", NEW_MAC, CLIENT, "c2");
    assert_ptr_equal(endpoint_of(c, OLD_MAC), endpoint_of(c, NEW_MAC));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_MAC), 1);
    campus_free(c);
}

static void
no_client_id_joins_nothing(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", "", "same-name");
    after_s(c, 60);
    lease(c, "e1", "p3", NEW_MAC, "192.0.2.8", "", "same-name");
    assert_ptr_not_equal(endpoint_of(c, OLD_MAC), endpoint_of(c, NEW_MAC));
    campus_free(c);
}

static void
the_endpoint_that_a_containment_names_survives_the_join(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    after_s(c, 60);
    seen(c, "e1", "p3", NEW_MAC);
    char id[ID_SIZE];
    memcpy(id, endpoint_of(c, NEW_MAC)->id, ID_SIZE);
    topology_pin(c->topology, id, true);
    after_s(c, 1);
    lease(c, "e1", "p3", NEW_MAC, "192.0.2.8", CLIENT, "c2");
    assert_string_equal(endpoint_of(c, OLD_MAC)->id, id);
    campus_free(c);
}

static void
no_more_macs_than_room_and_the_newest_stay(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    for (int i = 0; i < 20; i++) {
        char mac[MAC_TEXT_SIZE];
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        after_s(c, 60);
        lease(c, "e1", "p3", mac, "192.0.2.7", CLIENT, "c2");
    }
    const struct endpoint *endpoint = endpoint_of(c, "02:00:00:00:01:13");
    assert_int_equal(endpoint->mac_count, ENDPOINT_MACS_MAX);
    struct mac newest = mac_of("02:00:00:00:01:13");
    assert_true(mac_is_equal(&endpoint->macs[0], &newest));
    assert_null(endpoint_of(c, "02:00:00:00:01:00"));
    assert_int_equal(topology_endpoint_count(c->topology), 1);
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_mac_with_the_same_client_id_joins_its_endpoint),
        cmocka_unit_test(joined_on_another_switch_it_has_moved_there),
        cmocka_unit_test(two_live_machines_with_a_cloned_client_id_are_not_merged),
        cmocka_unit_test(a_clone_whose_original_wakes_up_later_is_a_conflict),
        cmocka_unit_test(a_machine_that_was_heard_on_another_port_just_before_is_alive),
        cmocka_unit_test(a_changed_mac_on_the_same_port_joins_within_the_second),
        cmocka_unit_test(no_client_id_joins_nothing),
        cmocka_unit_test(the_endpoint_that_a_containment_names_survives_the_join),
        cmocka_unit_test(no_more_macs_than_room_and_the_newest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
