/* A DHCP client id says that two MACs are one machine.  Anybody may send one, and hears those of
 * others: it follows whoever is contained, and does nothing else for whoever lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "scene.h"

static int
setup(void **state)
{
    *state = scene_new(NULL);
    return 0;
}

static void
says_id(struct campus *campus, uint8_t mac, const char *port, const char *id)
{
    struct fact fact = {.kind = FACT_MAC, .mac = campus_mac(mac)};
    snprintf(fact.port, sizeof(fact.port), "%s", port);
    campus_fact(campus, "e1", &fact);
    fact.kind = FACT_LEASE;
    fact.source = BINDING_DHCP4;
    snprintf(fact.client_id, sizeof(fact.client_id), "%s", id);
    campus_fact(campus, "e1", &fact);
    campus_pass(campus, 5 * SECOND);
}

static void
goes_off(struct campus *campus, const char *port)
{
    struct fact down = {.kind = FACT_LINK_DOWN};
    snprintf(down.port, sizeof(down.port), "%s", port);
    campus_fact(campus, "e1", &down);
    campus_pass(campus, 10 * MINUTE);
}

static void
comes_on(struct campus *campus, const char *port)
{
    struct fact up = {.kind = FACT_LINK_UP};
    snprintf(up.port, sizeof(up.port), "%s", port);
    campus_fact(campus, "e1", &up);
}

/* c7, a pump on p3 that a person named as protected, is off. */
static void
pump_is_off(struct campus *campus)
{
    struct wish_answer answer = {0};
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    campus_pass(campus, 2 * SECOND);
    controller_protect_endpoint(campus->controller, campus_endpoint(campus, 7)->id, "operator:ann",
                                "pump", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    goes_off(campus, "p3");
}

static void
test_a_protected_machines_id_frees_nobody(void **state)
{
    struct campus *campus = *state;
    pump_is_off(campus);
    scene_isolate(campus, 2, 0);
    says_id(campus, 2, "p2", "c7");
    assert_true(scene_drops(campus, 2));
    campus_restart(campus); /* policy's protected hosts are looked at anew */
    campus_pass(campus, 5 * SECOND);
    assert_true(scene_drops(campus, 2));
    comes_on(campus, "p3");
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    campus_pass(campus, 5 * SECOND);
    assert_false(scene_drops(campus, 7));
}

static void
test_a_protected_machines_id_protects_nobody(void **state)
{
    struct campus *campus = *state;
    pump_is_off(campus);
    says_id(campus, 2, "p2", "c7");
    scene_isolate(campus, 2, 0);
    campus_pass(campus, 2 * SECOND);
    assert_true(scene_drops(campus, 2));
}

/* The same by the address that the policy names, which was leased to a machine that is off. */
static void
test_a_declared_machines_id_protects_nobody(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p3", 1, "10.1.0.1", "gateway");
    goes_off(campus, "p3");
    says_id(campus, 2, "p2", "gateway");
    scene_isolate(campus, 2, 0);
    campus_pass(campus, 2 * SECOND);
    assert_true(scene_drops(campus, 2));
}

static void
test_who_is_contained_draws_nobody_in(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    goes_off(campus, "p3");
    scene_isolate(campus, 2, 0);
    says_id(campus, 2, "p2", "c7");
    comes_on(campus, "p3");
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    campus_pass(campus, 5 * SECOND);
    assert_false(scene_drops(campus, 7));
    assert_true(scene_drops(campus, 2));
}

/* Its genuine twins: the contained machine with another MAC, elsewhere; and what it was before, on
 * the port where it is. */
static void
test_another_mac_of_who_is_contained_is_contained(void **state)
{
    struct campus *campus = *state;
    scene_isolate(campus, 2, 0);
    goes_off(campus, "p2");
    says_id(campus, 22, "p4", "c2");
    assert_true(scene_drops(campus, 22));
}

static void
test_what_it_was_before_on_its_port_is_contained(void **state)
{
    struct campus *campus = *state;
    campus_pass(campus, 10 * MINUTE);
    campus_client(campus, "e1", "p2", 22, "10.1.0.22", NULL);
    campus_pass(campus, 2 * SECOND);
    scene_isolate(campus, 22, 0);
    assert_false(scene_drops(campus, 2));
    says_id(campus, 22, "p2", "c2");
    assert_true(scene_drops(campus, 2));
    assert_true(scene_drops(campus, 22));
}

/* Somebody behind another switch answers in a DHCP server's place, with an id that c7 never said: a
 * copy of it comes in by the uplink, as those of real servers do. */
static void
test_an_answer_draws_nobody_in(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    scene_isolate(campus, 2, 0);
    goes_off(campus, "p2");
    struct fact fact = {.kind = FACT_LEASE,
                        .source = BINDING_DHCP4,
                        .mac = campus_mac(7),
                        .ip = campus_ip("10.1.0.7"),
                        .lease_s = 7200,
                        .port = "ul",
                        .client_id = "c2"};
    campus_fact(campus, "e1", &fact);
    campus_pass(campus, 5 * SECOND);
    assert_false(scene_drops(campus, 7));
}

/* More MACs than an endpoint has room for: the one that was contained is not pushed out. */
static void
test_made_up_macs_do_not_free_the_first(void **state)
{
    struct campus *campus = *state;
    struct mac first = campus_mac(2);
    scene_isolate(campus, 2, 0);
    for (uint8_t i = 0; i < 20; i++) {
        campus_pass(campus, MINUTE);
        says_id(campus, (uint8_t)(30 + i), "p2", "c2");
    }
    goes_off(campus, "p2"); /* the hold of the port is lifted */
    assert_true(dummy_drops(campus->switches[0].device, "p4", &first, NULL));
    assert_true(scene_drops(campus, 49));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_protected_machines_id_frees_nobody),
        CASE(test_a_protected_machines_id_protects_nobody),
        CASE(test_a_declared_machines_id_protects_nobody),
        CASE(test_who_is_contained_draws_nobody_in),
        CASE(test_another_mac_of_who_is_contained_is_contained),
        CASE(test_what_it_was_before_on_its_port_is_contained),
        CASE(test_an_answer_draws_nobody_in),
        CASE(test_made_up_macs_do_not_free_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
