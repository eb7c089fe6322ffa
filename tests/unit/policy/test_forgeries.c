/* Each forgery that must not contain, beside its genuine twin that is contained by itself. */
#include "world.h"

static enum hold
isolation_of(struct world *world, const struct detection *detection)
{
    const struct decision *d = find_decision(detect(world, detection), ACTION_ISOLATE);
    assert_non_null(d);
    assert_int_equal(d->mode, MODE_AUTO);
    return d->hold;
}

/* Runs the twins in worlds of their own, since a decision is not repeated. */
static void
assert_twins(struct world *forged_world, const struct detection *forged, enum hold hold,
             struct world *genuine_world, const struct detection *genuine)
{
    assert_int_equal(isolation_of(forged_world, forged), hold);
    assert_int_equal(isolation_of(genuine_world, genuine), HOLD_NONE);
    world_free(forged_world);
    world_free(genuine_world);
}

static void
a_lone_packet_contains_nobody_but_a_handshake_does(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    struct detection forged = genuine;
    forged.handshake = false;
    forged.protocol = 17;
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
a_lone_packet_that_a_mirror_stamped_on_its_own_port_does_contain(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    genuine.handshake = false;
    genuine.origin = stamp_of(v, &v->inhabitants[1]);
    struct detection forged = genuine;
    forged.origin = stamp_of(w, &w->inhabitants[2]); /* came in on c3's port in c2's name */
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
a_handshake_stamped_on_anothers_port_is_weak(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    genuine.origin = stamp_of(v, &v->inhabitants[1]);
    struct detection forged = genuine;
    forged.origin = stamp_of(w, &w->inhabitants[2]);
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
a_copy_made_on_the_way_out_proves_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    genuine.handshake = false;
    genuine.origin = stamp_of(v, &v->inhabitants[1]);
    struct detection forged = genuine;
    forged.origin.is_egress = true;
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
an_uplinks_stamp_says_nothing_and_the_handshake_decides(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    genuine.origin = (struct mirror_origin){.is_stamped = true, .port = 1001};
    struct detection forged = genuine;
    forged.handshake = false;
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
anothers_mac_with_a_stolen_address_contains_nobody(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    struct detection forged = genuine;
    forged.src.mac = mac_of(C3_MAC);
    assert_twins(w, &forged, HOLD_UNRESOLVED, v, &genuine);
}

static void
a_router_mac_is_nobodys_and_leaves_the_handshake_without_proof(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    struct detection forged = genuine;
    forged.src.mac = mac_of(ROUTER_MAC);
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
a_mac_in_two_places_contains_nobody_unless_a_stamp_tells_which(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    w->inhabitants[1].endpoint.location.class = LOCATION_CONFLICT;
    v->inhabitants[1].endpoint.location.class = LOCATION_CONFLICT;
    struct detection forged = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct detection genuine = forged;
    genuine.origin = stamp_of(v, &v->inhabitants[1]);
    assert_twins(w, &forged, HOLD_UNRESOLVED, v, &genuine);
}

static void
a_move_without_a_link_down_is_waited_out(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    w->inhabitants[1].endpoint.location.confidence = 25;
    struct detection forged = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_twins(w, &forged, HOLD_UNRESOLVED, v, &forged);
}

static void
an_address_that_changed_hands_contains_nobody(void **state)
{
    (void)state;
    const enum known unsure[] = {KNOWN_CHANGED, KNOWN_OLD, KNOWN_CONFLICT};
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_new(yaml_auto);
        struct world *v = world_new(yaml_auto);
        w->inhabitants[1].known = unsure[i];
        struct detection d = contact(v, C2_IP, C2_MAC, SERVER_IP);
        assert_twins(w, &d, HOLD_UNRESOLVED, v, &d);
    }
}

static void
an_unknown_address_is_kept_so_that_it_can_be_acted_on_later(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, "192.0.2.77", NULL, SERVER_IP);
    const struct decision *isolation = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(isolation->hold, HOLD_UNRESOLVED);
    assert_string_equal(isolation->endpoint_id, "");
    struct ip ip = ip_of("192.0.2.77");
    assert_true(ip_is_equal(&isolation->ip, &ip));
    world_free(w);
}

static void
undeclared_makers_are_weak_and_declared_ones_as_declared(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    snprintf(genuine.maker, sizeof(genuine.maker), "suricata");
    genuine.strength = STRENGTH_STRONG;
    struct detection forged = genuine;
    forged.strength = STRENGTH_UNRATED;
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
our_own_sensor_cannot_call_its_evidence_strong(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    struct detection forged = genuine;
    forged.handshake = false;
    forged.strength = STRENGTH_STRONG;
    assert_twins(w, &forged, HOLD_WEAK, v, &genuine);
}

static void
a_protected_host_is_never_contained(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection genuine = contact(v, C2_IP, C2_MAC, SERVER_IP);
    struct detection gateway = contact(w, "192.0.2.1", ROUTER_MAC, SERVER_IP);
    assert_twins(w, &gateway, HOLD_PROTECTED, v, &genuine);
    w = world_new(yaml_auto);
    w->inhabitants[1].is_protected = true;
    assert_int_equal(isolation_of(w, &genuine), HOLD_PROTECTED);
    assert_string_equal(find_decision(&w->outcome, ACTION_ISOLATE)->hold_detail,
                        "confirmed by a person");
    world_free(w);
}

static void
a_second_endpoint_on_the_same_proxy_is_held_but_an_outbreak_to_one_outside_server_is_not(
    void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection first = contact(w, C2_IP, C2_MAC, "192.0.2.200");
    assert_int_equal(isolation_of(w, &first), HOLD_NONE);
    struct detection second = contact(w, C3_IP, C3_MAC, "192.0.2.200");
    struct detection outbreak = contact(v, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(isolation_of(v, &outbreak), HOLD_NONE);
    struct detection genuine = contact(v, C3_IP, C3_MAC, SERVER_IP);
    assert_twins(w, &second, HOLD_SHARED, v, &genuine);
}

static void
several_endpoints_on_an_entry_of_a_doubtful_list_are_held(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection first = contact(w, C2_IP, C2_MAC, SERVER_IP);
    snprintf(first.list, sizeof(first.list), "rumours");
    struct detection second = contact(w, C3_IP, C3_MAC, SERVER_IP);
    snprintf(second.list, sizeof(second.list), "rumours");
    struct detection sure = second;
    snprintf(sure.list, sizeof(sure.list), "facts");
    detect(w, &first);
    struct detection sure_first = first;
    snprintf(sure_first.list, sizeof(sure_first.list), "facts");
    detect(v, &sure_first);
    assert_twins(w, &second, HOLD_SHARED, v, &sure);
}

#define INSIDE_IP "192.0.2.77"

/* 'phase' of what one of ours does to, or has with, that inside server. */
static struct detection
inside(const struct world *world, const char *from, const char *from_mac, enum phase phase)
{
    struct detection d = contact(world, from, from_mac, INSIDE_IP);
    d.phase = phase;
    d.suspect = PARTY_SRC;
    return d;
}

static void
two_that_attack_one_inside_server_are_both_contained_but_two_that_contact_it_are_not(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection first = inside(w, C2_IP, C2_MAC, PHASE_C2);
    assert_int_equal(isolation_of(w, &first), HOLD_NONE);
    struct detection second = inside(w, C3_IP, C3_MAC, PHASE_C2);
    struct detection sweep = inside(v, C2_IP, C2_MAC, PHASE_LATERAL_MOVEMENT);
    assert_int_equal(isolation_of(v, &sweep), HOLD_NONE);
    struct detection genuine = inside(v, C3_IP, C3_MAC, PHASE_LATERAL_MOVEMENT);
    assert_twins(w, &second, HOLD_SHARED, v, &genuine);
}

/* A rule of another maker that mistakes what all do with a server for an attack is no proof. */
static void
what_another_maker_calls_an_attack_waits_for_the_second_unless_it_is_very_sure(void **state)
{
    (void)state;
    struct world *worlds[] = {world_new(yaml_auto), world_new(yaml_auto)};
    const char *ips[] = {C2_IP, C3_IP}, *macs[] = {C2_MAC, C3_MAC};
    struct detection last[COUNT_OF(worlds)];
    for (size_t w = 0; w < COUNT_OF(worlds); w++) {
        for (size_t i = 0; i < COUNT_OF(ips); i++) {
            struct detection *d = &last[w];
            *d = inside(worlds[w], ips[i], macs[i], PHASE_LATERAL_MOVEMENT);
            snprintf(d->maker, sizeof(d->maker), "suricata");
            d->strength = STRENGTH_STRONG;
            d->confidence = w == 0 ? 80 : 90;
            if (i == 0) {
                assert_int_equal(isolation_of(worlds[w], d), HOLD_NONE);
            }
        }
    }
    assert_twins(worlds[0], &last[0], HOLD_SHARED, worlds[1], &last[1]);
}

static void
a_contact_in_anothers_name_makes_no_real_one_a_shared_one(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct world *v = world_new(yaml_auto);
    struct detection real = inside(w, C2_IP, C2_MAC, PHASE_C2);
    struct detection forged = real;
    forged.handshake = false;
    assert_int_equal(isolation_of(w, &real), HOLD_NONE);
    assert_int_equal(isolation_of(v, &forged), HOLD_WEAK);
    struct detection second = inside(w, C3_IP, C3_MAC, PHASE_C2);
    assert_twins(w, &second, HOLD_SHARED, v, &second);
}

/* Each may be a victim: where waiting was to enforce, it does not end in letting him go; and when
 * nobody else has contacted it for an hour, his next contact is doubted no more. */
static void
a_shared_one_waits_for_a_person_or_until_it_is_alone(void **state)
{
    (void)state;
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), "%shold: {pending_s: 600, then: enforce}\n", yaml_auto);
    struct world *w = world_new(yaml);
    struct detection first = inside(w, C2_IP, C2_MAC, PHASE_C2);
    assert_int_equal(isolation_of(w, &first), HOLD_NONE);
    struct detection second = inside(w, C3_IP, C3_MAC, PHASE_C2);
    assert_int_equal(isolation_of(w, &second), HOLD_SHARED);
    const struct decision *held = find_decision(&w->outcome, ACTION_ISOLATE);
    assert_int_equal(held->pending_s, 0);
    assert_int_equal(held->pending_action, ACTION_NONE);
    world_after_s(w, 3601);
    assert_int_equal(isolation_of(w, &second), HOLD_NONE);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_packet_contains_nobody_but_a_handshake_does),
        cmocka_unit_test(a_lone_packet_that_a_mirror_stamped_on_its_own_port_does_contain),
        cmocka_unit_test(a_handshake_stamped_on_anothers_port_is_weak),
        cmocka_unit_test(a_copy_made_on_the_way_out_proves_nothing),
        cmocka_unit_test(an_uplinks_stamp_says_nothing_and_the_handshake_decides),
        cmocka_unit_test(anothers_mac_with_a_stolen_address_contains_nobody),
        cmocka_unit_test(a_router_mac_is_nobodys_and_leaves_the_handshake_without_proof),
        cmocka_unit_test(a_mac_in_two_places_contains_nobody_unless_a_stamp_tells_which),
        cmocka_unit_test(a_move_without_a_link_down_is_waited_out),
        cmocka_unit_test(an_address_that_changed_hands_contains_nobody),
        cmocka_unit_test(an_unknown_address_is_kept_so_that_it_can_be_acted_on_later),
        cmocka_unit_test(undeclared_makers_are_weak_and_declared_ones_as_declared),
        cmocka_unit_test(our_own_sensor_cannot_call_its_evidence_strong),
        cmocka_unit_test(a_protected_host_is_never_contained),
        cmocka_unit_test(
            a_second_endpoint_on_the_same_proxy_is_held_but_an_outbreak_to_one_outside_server_is_not),
        cmocka_unit_test(several_endpoints_on_an_entry_of_a_doubtful_list_are_held),
        cmocka_unit_test(
            two_that_attack_one_inside_server_are_both_contained_but_two_that_contact_it_are_not),
        cmocka_unit_test(
            what_another_maker_calls_an_attack_waits_for_the_second_unless_it_is_very_sure),
        cmocka_unit_test(a_contact_in_anothers_name_makes_no_real_one_a_shared_one),
        cmocka_unit_test(a_shared_one_waits_for_a_person_or_until_it_is_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
