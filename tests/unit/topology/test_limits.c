#include "campus.h"

#include <stdlib.h>

static void
number_mac(char text[MAC_TEXT_SIZE], unsigned number)
{
    snprintf(text, MAC_TEXT_SIZE, "02:00:%02x:%02x:%02x:%02x", number >> 24, (number >> 16) & 255,
             (number >> 8) & 255, number & 255);
}

static void
a_flood_of_macs_on_one_port_is_bounded_and_counted(void **state)
{
    (void)state;
    struct topology_settings settings = {.port_endpoint_limit = 50};
    struct campus *c = campus_new(&settings);
    arp(c, "e1", "p2", "02:00:00:00:ff:01", "192.0.2.7");
    for (unsigned i = 0; i < 5000; i++) {
        char mac[MAC_TEXT_SIZE];
        number_mac(mac, i);
        seen(c, "e1", "p3", mac);
    }
    assert_int_equal(topology_endpoint_count(c->topology), 51);
    struct topology_counters counters;
    topology_read_counters(c->topology, &counters);
    assert_int_equal(counters.port_refused, 4950);
    assert_non_null(endpoint_of(c, "02:00:00:00:ff:01"));
    campus_free(c);
}

static void
one_switch_cannot_fill_the_table_whatever_it_says(void **state)
{
    (void)state;
    struct topology_settings settings = {.port_endpoint_limit = 50, .switch_endpoint_limit = 60};
    struct campus *c = campus_new(&settings);
    for (unsigned i = 0; i < 1000; i++) {
        char mac[MAC_TEXT_SIZE];
        number_mac(mac, i);
        seen(c, "e1", i % 2 ? "p3" : "p2", mac);
    }
    assert_int_equal(topology_endpoint_count(c->topology), 60);
    seen(c, "e2", "p3", "02:00:00:00:ff:01"); /* another one is not concerned */
    assert_non_null(endpoint_of(c, "02:00:00:00:ff:01"));
    campus_free(c);
}

static void
a_flood_behind_a_managed_switch_does_not_come_in_by_its_uplink(void **state)
{
    (void)state;
    struct topology_settings settings = {.port_endpoint_limit = 50};
    struct campus *c = campus_new(&settings);
    hears(c, "core", "d1", "e1", "ul");
    for (unsigned i = 0; i < 200; i++) {
        char mac[MAC_TEXT_SIZE];
        number_mac(mac, i);
        seen(c, "e1", "p3", mac);
        seen(c, "core", "d1", mac);
    }
    assert_int_equal(topology_endpoint_count(c->topology), 50);
    campus_free(c);
}

static void
after_a_flood_a_real_machine_finds_room_where_the_invented_ones_are_idle(void **state)
{
    (void)state;
    struct topology_settings settings = {.port_endpoint_limit = 50};
    struct campus *c = campus_new(&settings);
    for (unsigned i = 0; i < 60; i++) {
        char mac[MAC_TEXT_SIZE];
        number_mac(mac, i);
        seen(c, "e1", "p3", mac);
    }
    after_s(c, 700);
    seen(c, "e1", "p3", "02:00:00:00:ff:02");
    assert_non_null(endpoint_of(c, "02:00:00:00:ff:02"));
    assert_int_equal(topology_endpoint_count(c->topology), 50);
    campus_free(c);
}

static void
a_full_table_forgets_the_idlest_and_never_a_pinned_one(void **state)
{
    (void)state;
    struct topology_settings settings = {.endpoint_limit = 3};
    struct campus *c = campus_new(&settings);
    const char *macs[] = {"02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"};
    for (int i = 0; i < 3; i++) {
        after_s(c, 1);
        seen(c, "e1", "p3", macs[i]);
    }
    topology_pin(c->topology, endpoint_of(c, macs[0])->id, true);
    seen(c, "e1", "p4", "02:00:00:00:00:04");
    assert_null(endpoint_of(c, "02:00:00:00:00:04"));
    after_s(c, 700);
    seen(c, "e1", "p4", "02:00:00:00:00:04");
    assert_non_null(endpoint_of(c, "02:00:00:00:00:04"));
    assert_non_null(endpoint_of(c, macs[0]));
    assert_null(endpoint_of(c, macs[1]));
    assert_int_equal(c->gone_count, 1);
    struct topology_counters counters;
    topology_read_counters(c->topology, &counters);
    assert_int_equal(counters.endpoints_refused, 1);
    assert_int_equal(counters.endpoints_evicted, 1);
    assert_string_equal(topology_endpoint_at(c->topology, 0)->id, endpoint_of(c, macs[0])->id);
    assert_int_equal(topology_endpoint_count(c->topology), 3);
    assert_null(topology_endpoint_at(c->topology, 3));
    campus_free(c);
}

static void
random_facts_break_nothing(void **state)
{
    (void)state;
    struct topology_settings settings = {
        .endpoint_limit = 30, .idle_us = 1000000, .port_endpoint_limit = 10};
    struct campus *c = campus_new(&settings);
    srand(4711);
    const char *switches[] = {"e1", "e2", "core"};
    const char *ports[] = {"p1", "p2", "p3", "ul", "d1", "s1"};
    for (int i = 0; i < 30000; i++) {
        struct fact fact = {.kind = (enum fact_kind)(rand() % FACT_KIND_COUNT)};
        bool is_rare = fact.kind == FACT_PORT || fact.kind == FACT_PORT_GONE;
        if (is_rare && rand() % 20 != 0) {
            continue;
        }
        char text[64];
        snprintf(fact.port, sizeof(fact.port), "%s", ports[rand() % 6]);
        fact.role = (enum port_role)(rand() % PORT_ROLE_COUNT);
        fact.is_up = rand() % 4 != 0;
        number_mac(text, (unsigned)(rand() % 60));
        fact.mac = mac_of(text);
        snprintf(text, sizeof(text), "192.0.2.%d", rand() % 40);
        fact.ip = ip_of(text);
        fact.vlan = (uint16_t)(rand() % 3);
        fact.lease_s = (uint32_t)(rand() % 1000);
        fact.source = (enum binding_source)(rand() % BINDING_SOURCE_COUNT);
        snprintf(fact.client_id, sizeof(fact.client_id), "%02x", rand() % 20);
        snprintf(fact.neighbour_name, sizeof(fact.neighbour_name), "%s", switches[rand() % 3]);
        snprintf(fact.neighbour_port, sizeof(fact.neighbour_port), "%s", ports[rand() % 6]);
        fact.seen_us = now_us(c) - rand() % 3000000;
        one_fact(c, switches[rand() % 3], &fact);
        clock_fake_advance(&c->clock, rand() % 700000);
        if (i % 50 == 0) {
            topology_tick(c->topology);
        }
        const struct endpoint *who_is = NULL;
        enum resolution how = who(c, text[0] == '1' ? text : "192.0.2.1", now_us(c), &who_is);
        assert_true(how == RESOLUTION_NONE ? who_is == NULL : who_is != NULL);
        assert_true(topology_endpoint_count(c->topology) <= 30);
    }
    campus_free(c);
}

static void
a_hundred_thousand_endpoints_are_found_by_mac_and_address(void **state)
{
    (void)state;
    struct topology_settings settings = {.port_endpoint_limit = 1000,
                                         .switch_endpoint_limit = 200000};
    struct campus *c = campus_new(&settings);
    struct fact *batch = calloc(FACTS_MAX, sizeof(struct fact));
    for (unsigned port = 0; port < 200; port++) {
        struct wire_facts facts = {.switch_name = "big", .facts = batch, .fact_count = 501};
        batch[0] = (struct fact){.kind = FACT_PORT, .role = PORT_ACCESS, .is_up = true};
        snprintf(batch[0].port, sizeof(batch[0].port), "x%u", port);
        for (unsigned i = 0; i < 500; i++) {
            unsigned n = port * 500 + i;
            struct fact *fact = &batch[i + 1];
            *fact = (struct fact){.kind = FACT_BINDING, .vlan = 10, .seen_us = now_us(c)};
            memcpy(fact->port, batch[0].port, sizeof(fact->port));
            fact->mac = (struct mac){
                {2, 1, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
            fact->ip =
                ip_from_v4((uint8_t[4]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});
        }
        topology_apply_facts(c->topology, &facts);
    }
    free(batch);
    assert_int_equal(topology_endpoint_count(c->topology), 100000);
    const struct endpoint *who_is = NULL;
    assert_int_equal(who(c, "10.1.134.159", now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, "02:01:00:01:86:9f"));
    assert_string_equal(who_is->location.port, "x199");
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_switch_cannot_fill_the_table_whatever_it_says),
        cmocka_unit_test(a_flood_of_macs_on_one_port_is_bounded_and_counted),
        cmocka_unit_test(a_flood_behind_a_managed_switch_does_not_come_in_by_its_uplink),
        cmocka_unit_test(after_a_flood_a_real_machine_finds_room_where_the_invented_ones_are_idle),
        cmocka_unit_test(a_full_table_forgets_the_idlest_and_never_a_pinned_one),
        cmocka_unit_test(random_facts_break_nothing),
        cmocka_unit_test(a_hundred_thousand_endpoints_are_found_by_mac_and_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
