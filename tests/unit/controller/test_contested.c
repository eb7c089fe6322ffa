/* Two machines with one address: a device that was set up wrongly, a lease that somebody forged, a
 * protected machine's other plug.  Nobody is contained of whom it is not known whether he is the
 * protected one: a person decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "scene.h"

/* c7 is a pump that the policy declares by its address, which a DHCP server reserves for it. */
static int
setup(void **state)
{
    struct campus *campus = scene_new(NULL);
    scene_change_policy(campus, campus_policy, "addresses: [10.1.0.1]",
                        "addresses: [10.1.0.1, 10.1.0.7]");
    *state = campus;
    return 0;
}

static void
pump_comes(struct campus *campus)
{
    campus_client(campus, "e1", "p3", 7, "10.1.0.7", "c7");
    campus_client(campus, "e1", "p3", 7, "10.1.0.77", NULL); /* it has another one, too */
    campus_pass(campus, 10 * SECOND);
}

/* Somebody answers in a DHCP server's place: another switch sees a copy on its uplink. */
static void
answer(struct campus *campus, uint8_t mac, const char *ip)
{
    struct fact fact = {.kind = FACT_LEASE,
                        .source = BINDING_DHCP4,
                        .mac = campus_mac(mac),
                        .ip = campus_ip(ip),
                        .lease_s = 7200,
                        .port = "ul"};
    campus_fact(campus, "e2", &fact);
}

static void
server_port(struct campus *campus)
{
    struct fact port = {
        .kind = FACT_PORT, .port = "p4", .port_number = 4, .role = PORT_SERVER, .is_up = true};
    campus_fact(campus, "e2", &port);
}

static void
assert_waits_as_protected(struct campus *campus, const char *id, const char *ip, uint8_t mac)
{
    assert_true(campus_detect(campus, id, ip, STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->state, CONTAINMENT_PENDING);
    assert_int_equal(campus_newest(campus)->hold, HOLD_PROTECTED);
    campus_pass(campus, 2 * HOUR); /* nor by waiting */
    assert_false(scene_drops(campus, mac));
}

static void
test_a_device_with_its_address_takes_no_protection_away(void **state)
{
    struct campus *campus = *state;
    campus_client(campus, "e1", "p4", 9, "10.1.0.7", NULL); /* set by hand, by mistake */
    campus_pass(campus, MINUTE);
    pump_comes(campus);
    assert_waits_as_protected(campus, "d-7", "10.1.0.77", 7);
}

static void
test_a_forged_lease_of_its_address_takes_no_protection_away(void **state)
{
    struct campus *campus = *state;
    pump_comes(campus);
    answer(campus, 2, "10.1.0.7");
    assert_waits_as_protected(campus, "d-7", "10.1.0.77", 7);
}

static void
test_a_lease_that_was_forged_before_it_came_takes_no_protection_away(void **state)
{
    struct campus *campus = *state;
    answer(campus, 2, "10.1.0.7");
    campus_pass(campus, MINUTE);
    pump_comes(campus);
    assert_waits_as_protected(campus, "d-7", "10.1.0.77", 7);
}

/* Its other plug says the same client id, and the server gives it the same address. */
static void
test_its_other_plug_is_protected_by_its_address(void **state)
{
    struct campus *campus = *state;
    struct fact down = {.kind = FACT_LINK_DOWN, .port = "p3"};
    pump_comes(campus);
    campus_fact(campus, "e1", &down);
    campus_client(campus, "e1", "p4", 17, "10.1.0.7", "c7");
    campus_client(campus, "e1", "p4", 17, "10.1.0.78", NULL);
    campus_pass(campus, 10 * SECOND);
    assert_waits_as_protected(campus, "d-17", "10.1.0.78", 17);
}

static void
test_nor_does_it_of_a_proxy(void **state)
{
    struct campus *campus = *state;
    scene_change_policy(campus, campus_policy, "networks:", "proxies: [10.1.0.7]\nnetworks:");
    pump_comes(campus);
    answer(campus, 2, "10.1.0.7");
    assert_waits_as_protected(campus, "d-7", "10.1.0.77", 7);
}

/* The twins: whose address it is, is not in doubt, or a person decided. */
static void
test_an_address_that_a_server_speaks_with_protects_nobody_else(void **state)
{
    struct campus *campus = *state;
    server_port(campus);
    campus_client(campus, "e2", "p4", 8, "10.1.0.7", NULL);
    answer(campus, 2, "10.1.0.7");
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_true(scene_drops(campus, 2));
}

static void
test_a_person_decides_who_it_is(void **state)
{
    struct campus *campus = *state;
    pump_comes(campus);
    answer(campus, 2, "10.1.0.7");
    assert_true(campus_detect(campus, "d-2", "10.1.0.2", STRENGTH_STRONG));
    assert_int_equal(campus_newest(campus)->hold, HOLD_PROTECTED);
    assert_non_null(strstr(campus_newest(campus)->hold_detail, "another"));
    scene_judge(campus, campus_newest(campus)->id, VERDICT_ENFORCE, WISH_DONE);
    campus_pass(campus, 2 * SECOND);
    assert_true(scene_drops(campus, 2));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_device_with_its_address_takes_no_protection_away),
        CASE(test_a_forged_lease_of_its_address_takes_no_protection_away),
        CASE(test_a_lease_that_was_forged_before_it_came_takes_no_protection_away),
        CASE(test_its_other_plug_is_protected_by_its_address),
        CASE(test_nor_does_it_of_a_proxy),
        CASE(test_an_address_that_a_server_speaks_with_protects_nobody_else),
        CASE(test_a_person_decides_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
