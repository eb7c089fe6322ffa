#include "campus.h"

#define C2 "02:00:00:00:00:02"
#define C3 "02:00:00:00:00:03"
#define IP2 "192.0.2.7"

static void
an_address_belongs_to_who_held_it_at_that_time(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 60);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_int_equal(who(c, "192.0.2.99", now_us(c), &who_is), RESOLUTION_NONE);
    assert_null(who_is);
    campus_free(c);
}

static void
an_address_that_changed_hands_since_is_not_sure(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 600);
    int64_t event_us = now_us(c);
    after_s(c, 600);
    arp(c, "e1", "p4", C3, IP2);
    assert_int_equal(who(c, IP2, event_us, &who_is), RESOLUTION_CHANGED);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_ADDRESS_GONE, "taken by"));
    campus_free(c);
}

static void
a_contained_endpoint_takes_nobodys_address(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    seen(c, "e1", "p4", C3);
    topology_pin(c->topology, endpoint_of(c, C3)->id, true);
    after_s(c, 600);
    arp(c, "e1", "p4", C3, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_int_equal(endpoint_of(c, C3)->binding_count, 0);
    assert_true(has_event(endpoint_of(c, C3), ENDPOINT_CONFLICT, "in use by"));
    arp(c, "e1", "p4", C3, "192.0.2.9"); /* one that nobody has */
    assert_int_equal(who(c, "192.0.2.9", now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    topology_pin(c->topology, endpoint_of(c, C3)->id, false);
    arp(c, "e1", "p4", C3, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    campus_free(c);
}

static void
an_address_that_began_later_is_not_sure_unless_a_moment_later(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    int64_t event_us = now_us(c);
    after_s(c, 2);
    arp(c, "e1", "p3", C2, IP2);
    assert_int_equal(who(c, IP2, event_us, &who_is), RESOLUTION_SURE);
    assert_int_equal(who(c, IP2, event_us - 60000000, &who_is), RESOLUTION_CHANGED);
    campus_free(c);
}

static void
a_binding_last_heard_too_long_before_is_old(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 5 * 3600);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_OLD);
    topology_tick(c->topology);
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_ADDRESS_GONE, "not heard any more"));
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_OLD);
    campus_free(c);
}

static void
two_hosts_that_both_keep_claiming_are_a_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 10);
    arp(c, "e1", "p4", C3, IP2);
    after_s(c, 1);
    arp(c, "e1", "p3", C2, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_CONFLICT);
    assert_true(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT) >= 1);
    campus_free(c);
}

static void
forged_arp_does_not_steal_an_address_that_is_leased_to_a_live_machine(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    lease(c, "e1", "p3", C2, IP2, "01020000000002", "c2");
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 10);
    arp(c, "e1", "p4", C3, IP2);
    arp(c, "e1", "p4", C3, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_true(has_event(endpoint_of(c, C3), ENDPOINT_CONFLICT, "which is leased to"));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 1);
    struct topology_counters counters;
    topology_read_counters(c->topology, &counters);
    assert_int_equal(counters.claims_refused, 2);
    campus_free(c);
}

static void
an_address_of_an_absent_leaseholder_that_another_uses_is_a_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    lease(c, "e1", "p3", C2, IP2, "01020000000002", "c2");
    link_goes_down(c, "e1", "p3");
    after_s(c, 1800);
    arp(c, "e1", "p4", C3, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_CONFLICT);
    campus_free(c);
}

static void
a_new_lease_of_the_address_ends_the_old_holders_binding(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    lease(c, "e1", "p3", C2, IP2, "aa", "");
    after_s(c, 7200);
    lease(c, "e1", "p4", C3, IP2, "bb", "");
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    campus_free(c);
}

static void
a_claim_with_a_mac_that_is_attached_elsewhere_is_not_believed(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    seen(c, "e1", "p3", C2);
    after_s(c, 5);
    arp(c, "e2", "p5", C2, "192.0.2.66");
    after_s(c, 1);
    seen(c, "e1", "p3", C2);
    after_s(c, 1);
    arp(c, "e2", "p5", C2, "192.0.2.67");
    assert_int_equal(who(c, "192.0.2.67", now_us(c), &who_is), RESOLUTION_NONE);
    campus_free(c);
}

static void
a_flooded_copy_on_an_uplink_confirms_but_adds_nothing(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 60);
    arp(c, "e2", "ul", C2, IP2);
    assert_int_equal(endpoint_of(c, C2)->bindings[0].seen_us, now_us(c));
    arp(c, "e2", "ul", C2, "192.0.2.66");
    assert_int_equal(who(c, "192.0.2.66", now_us(c), &who_is), RESOLUTION_NONE);
    campus_free(c);
}

static void
temporary_ipv6_addresses_are_bindings_of_their_own(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    arp(c, "e1", "p3", C2, "2001:db8::2");
    after_s(c, 60);
    arp(c, "e1", "p3", C2, "2001:db8::dead:beef");
    assert_int_equal(endpoint_of(c, C2)->binding_count, 3);
    assert_int_equal(who(c, "2001:db8::2", now_us(c), &who_is), RESOLUTION_SURE);
    assert_int_equal(who(c, "2001:db8::dead:beef", now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_ADDRESS_NEW, "2001:db8::dead:beef by nd"));
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_ADDRESS), 3);
    campus_free(c);
}

static void
the_newest_addresses_of_a_machine_are_kept_and_the_rest_counted(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    for (int i = 0; i < 200; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "2001:db8::%x", i + 1);
        after_s(c, 1);
        arp(c, "e1", "p3", C2, ip);
    }
    assert_int_equal(endpoint_of(c, C2)->binding_count, ENDPOINT_BINDINGS_MAX);
    assert_int_equal(who(c, "2001:db8::c8", now_us(c), &who_is), RESOLUTION_SURE);
    assert_int_equal(who(c, "2001:db8::1", now_us(c), &who_is), RESOLUTION_NONE);
    struct endpoint_event events[ENDPOINT_EVENTS_MAX];
    assert_int_equal(topology_history(endpoint_of(c, C2), events), ENDPOINT_EVENTS_MAX);
    for (size_t i = 1; i < ENDPOINT_EVENTS_MAX; i++) { /* the newest, oldest first */
        assert_true(events[i - 1].at_us <= events[i].at_us);
    }
    assert_non_null(strstr(events[ENDPOINT_EVENTS_MAX - 1].detail, "2001:db8::c8"));
    campus_free(c);
}

static void
the_host_name_comes_from_dhcp(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", C2, IP2, "", "c2-laptop");
    assert_string_equal(endpoint_of(c, C2)->host_name, "c2-laptop");
    assert_true(has_event(endpoint_of(c, C2), ENDPOINT_NAMED, "c2-laptop"));
    campus_free(c);
}

static void
an_answer_of_dhcp_does_not_move_the_client_to_the_servers_port(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    seen(c, "e1", "p3", C2);
    after_s(c, 1);
    answers(c, "core", "s1", C2, IP2);
    answers(c, "e1", "ul", C2, IP2);
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_int_equal(endpoint_of(c, C2)->binding_count, 1);
    assert_int_equal(endpoint_of(c, C2)->bindings[0].source, BINDING_DHCP4);
    campus_free(c);
}

static void
an_answer_that_comes_in_by_an_access_port_is_malwares_and_is_not_believed(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    after_s(c, 1);
    answers(c, "e1", "p5", C3, IP2);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_null(endpoint_of(c, C3));
    campus_free(c);
}

static void
a_second_lease_of_an_address_whose_holder_is_alive_is_a_conflict(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    after_s(c, 60);
    lease(c, "e1", "p4", C3, IP2, "bb", "c3");
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_CONFLICT);
    campus_free(c);
}

static void
uses_it_for_s(struct campus *c, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i += 60) {
        after_s(c, 60);
        arp(c, "e1", "p4", C3, IP2);
    }
}

/* It is in doubt for as long as the one before may come back only. */
static void
a_lease_of_an_address_that_was_just_used_is_sure_five_minutes_later(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    arp(c, "e1", "p3", C2, IP2);
    after_s(c, 60);
    link_goes_down(c, "e1", "p3");
    after_s(c, 60);
    lease(c, "e1", "p4", C3, IP2, "bb", "c3");
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_CONFLICT);
    uses_it_for_s(c, 240);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    campus_free(c);
}

static void
a_lease_that_was_released_and_given_to_another_is_sure_when_the_first_is_gone(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    c->lease_s = 8 * 3600;
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    link_goes_down(c, "e1", "p3");
    after_s(c, 60);
    lease(c, "e1", "p4", C3, IP2, "bb", "c3");
    uses_it_for_s(c, 780);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_CONFLICT);
    uses_it_for_s(c, 120);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE);
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    campus_free(c);
}

/* A gateway may answer ARP for everybody (proxy ARP): what it contests is bounded. */
static void
who_answers_for_everybody_on_a_servers_port_contests_few_leases(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    const struct endpoint *who_is = NULL;
    char ip[32], mac[32];
    size_t contested = 0;
    port_is(c, "e2", "p9", PORT_SERVER);
    for (int i = 0; i < 40; i++) {
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        lease(c, "e1", "p4", mac, ip, mac, "");
    }
    seen(c, "e2", "p9", C3);
    after_s(c, 1);
    for (int i = 0; i < 40; i++) {
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        arp(c, "e2", "p9", C3, ip);
        contested += who(c, ip, now_us(c), &who_is) != RESOLUTION_SURE;
    }
    assert_in_range(contested, 1, 4);
    const struct endpoint *first = endpoint_of(c, "02:00:00:00:01:00");
    assert_true(first->bindings[0].is_contested);
    assert_false(topology_is_a_servers(c->topology, first, &first->bindings[0]));
    campus_free(c);
}

static void
a_request_that_bears_anothers_mac_moves_and_renames_nobody(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    lease(c, "e1", "p4", C3, "192.0.2.8", "bb", "c3");
    after_s(c, 300);
    asks(c, "e1", "p4", C2, "bb", "evil");
    assert_at(c, C2, "e1", "p3", LOCATION_DIRECT);
    assert_ptr_not_equal(endpoint_of(c, C2), endpoint_of(c, C3));
    assert_string_equal(endpoint_of(c, C2)->host_name, "c2");
    assert_string_equal(endpoint_of(c, C3)->host_name, "c3");
    campus_free(c);
}

static void
a_full_report_says_what_is_known_and_refreshes_nothing(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    arp(c, "e1", "p3", C2, IP2);
    link_goes_up(c, "e1", "p3");
    after_s(c, 400);
    arp(c, "e2", "p5", C2, IP2); /* it moved, behind a small switch: no link went down */
    after_s(c, 60);
    topology_tick(c->topology);
    struct fact facts[2] = {{.kind = FACT_PORT, .port = "p3", .role = PORT_ACCESS, .is_up = true},
                            {.kind = FACT_MAC, .port = "p3", .mac = mac_of(C2), .vlan = 10}};
    facts[0].seen_us = facts[1].seen_us = now_us(c);
    struct wire_facts full = {
        .switch_name = "e1", .is_full = true, .is_last = true, .facts = facts, .fact_count = 2};
    topology_apply_facts(c->topology, &full);
    assert_at(c, C2, "e2", "p5", LOCATION_DIRECT);
    assert_int_equal(told_of(c, TOPOLOGY_ENDPOINT_CONFLICT), 0);
    campus_free(c);
}

static void
what_was_stored_is_known_again_and_does_not_move_when_seen_where_it_was(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    struct campus *d = campus_new(NULL);
    topology_restore_endpoint(d->topology,
                              &(struct endpoint_record){.endpoint = *endpoint_of(c, C2)});
    const struct endpoint *who_is = NULL;
    assert_int_equal(who(d, IP2, now_us(d), &who_is), RESOLUTION_SURE);
    assert_string_equal(who_is->id, endpoint_of(c, C2)->id);
    assert_string_equal(who_is->host_name, "c2");
    d->told_count = 0;
    after_s(d, 1);
    seen(d, "e1", "p3", C2);
    assert_int_equal(told_of(d, TOPOLOGY_ENDPOINT_NEW), 0);
    assert_int_equal(told_of(d, TOPOLOGY_ENDPOINT_MOVED), 0);
    seen(d, "e2", "p3", C3);
    after_s(d, 1);
    link_goes_down(d, "e1", "p3");
    seen(d, "e2", "p4", C2);
    assert_int_equal(told_of(d, TOPOLOGY_ENDPOINT_MOVED), 1);
    campus_free(c);
    campus_free(d);
}

/* In whatever order the rows lie in the file: exports go on behind an id, lists behind a serial. */
static void
what_was_stored_stands_in_the_order_of_ids(void **state)
{
    (void)state;
    static const unsigned numbers[] = {3, 1, 2, 9, 8, 7, 4, 5, 6, 0};
    struct campus *c = campus_new(NULL);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct endpoint stored = {.mac_count = 1, .location = {.switch_name = "", .port = ""}};
        snprintf(stored.id, sizeof(stored.id), "01JQZ3NDEKTSV4RRFFQ69G5FA%u", numbers[i]);
        stored.macs[0] = (struct mac){{2, 0, 0, 9, 9, (uint8_t)numbers[i]}};
        topology_restore_endpoint(c->topology, &(struct endpoint_record){.endpoint = stored});
    }
    topology_restored(c->topology);
    uint64_t serial = 0;
    for (unsigned i = 0; i < COUNT_OF(numbers); i++) {
        const struct endpoint *each = topology_endpoint_at(c->topology, i);
        assert_int_equal(each->macs[0].b[5], i);
        assert_true(topology_endpoint_serial(each) > serial);
        serial = topology_endpoint_serial(each);
        assert_int_equal(topology_index_after(c->topology, each->id), i + 1);
    }
    assert_int_equal(topology_index_after(c->topology, "01JQZ3NDEKTSV4RRFFQ69G5FA4Z"), 5);
    campus_free(c);
}

/* As after a restart: what was stored of C2, some time later, and C3 that claims its address. */
static struct campus *
restored_and_claimed(uint32_t lease_s, int64_t later_s)
{
    struct campus *c = campus_new(NULL);
    c->lease_s = lease_s;
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    arp(c, "e1", "p3", C2, IP2);
    struct campus *d = campus_new(NULL);
    after_s(d, later_s);
    topology_restore_endpoint(d->topology,
                              &(struct endpoint_record){.endpoint = *endpoint_of(c, C2)});
    seen(d, "e1", "p3", C2);
    arp(d, "e1", "p4", C3, IP2);
    after_s(d, 10);
    campus_free(c);
    return d;
}

static void
a_stored_lease_ends_when_the_server_said(void **state)
{
    (void)state;
    const struct endpoint *who_is = NULL;
    struct campus *c = restored_and_claimed(86400, 7200);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE); /* still leased */
    assert_ptr_equal(who_is, endpoint_of(c, C2));
    assert_true(has_event(endpoint_of(c, C3), ENDPOINT_CONFLICT, "which is leased to"));
    campus_free(c);
    c = restored_and_claimed(600, 1800);
    assert_int_equal(who(c, IP2, now_us(c), &who_is), RESOLUTION_SURE); /* free for others */
    assert_ptr_equal(who_is, endpoint_of(c, C3));
    campus_free(c);
}

static void
a_renewal_is_told_to_be_stored(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    lease(c, "e1", "p3", C2, IP2, "aa", "c2");
    int64_t until_us = endpoint_of(c, C2)->bindings[0].lease_until_us;
    assert_int_equal(until_us, now_us(c) + INT64_C(3600000000));
    after_s(c, 1);
    c->told_count = 0;
    answers(c, "e1", "ul", C2, IP2);
    assert_int_equal(endpoint_of(c, C2)->bindings[0].lease_until_us, until_us + 1000000);
    assert_int_equal(endpoint_of(c, C2)->binding_count, 1);
    assert_true(told_of(c, TOPOLOGY_ENDPOINT_SEEN) >= 1);
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_belongs_to_who_held_it_at_that_time),
        cmocka_unit_test(an_address_that_changed_hands_since_is_not_sure),
        cmocka_unit_test(a_contained_endpoint_takes_nobodys_address),
        cmocka_unit_test(an_address_that_began_later_is_not_sure_unless_a_moment_later),
        cmocka_unit_test(a_binding_last_heard_too_long_before_is_old),
        cmocka_unit_test(two_hosts_that_both_keep_claiming_are_a_conflict),
        cmocka_unit_test(forged_arp_does_not_steal_an_address_that_is_leased_to_a_live_machine),
        cmocka_unit_test(an_address_of_an_absent_leaseholder_that_another_uses_is_a_conflict),
        cmocka_unit_test(a_new_lease_of_the_address_ends_the_old_holders_binding),
        cmocka_unit_test(a_claim_with_a_mac_that_is_attached_elsewhere_is_not_believed),
        cmocka_unit_test(a_flooded_copy_on_an_uplink_confirms_but_adds_nothing),
        cmocka_unit_test(temporary_ipv6_addresses_are_bindings_of_their_own),
        cmocka_unit_test(the_newest_addresses_of_a_machine_are_kept_and_the_rest_counted),
        cmocka_unit_test(the_host_name_comes_from_dhcp),
        cmocka_unit_test(an_answer_of_dhcp_does_not_move_the_client_to_the_servers_port),
        cmocka_unit_test(an_answer_that_comes_in_by_an_access_port_is_malwares_and_is_not_believed),
        cmocka_unit_test(a_second_lease_of_an_address_whose_holder_is_alive_is_a_conflict),
        cmocka_unit_test(a_lease_of_an_address_that_was_just_used_is_sure_five_minutes_later),
        cmocka_unit_test(
            a_lease_that_was_released_and_given_to_another_is_sure_when_the_first_is_gone),
        cmocka_unit_test(who_answers_for_everybody_on_a_servers_port_contests_few_leases),
        cmocka_unit_test(a_request_that_bears_anothers_mac_moves_and_renames_nobody),
        cmocka_unit_test(a_full_report_says_what_is_known_and_refreshes_nothing),
        cmocka_unit_test(a_stored_lease_ends_when_the_server_said),
        cmocka_unit_test(a_renewal_is_told_to_be_stored),
        cmocka_unit_test(what_was_stored_stands_in_the_order_of_ids),
        cmocka_unit_test(what_was_stored_is_known_again_and_does_not_move_when_seen_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
