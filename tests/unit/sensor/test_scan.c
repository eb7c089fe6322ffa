/* Scans by sequential hypothesis testing: who is one, and who only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

#define SCANNER "10.0.0.66"
#define CLIENT "10.0.0.5"

enum { SID_SWEEP = 9200001, SID_PORTS, SID_ARP };

static int
setup(void **state)
{
    struct world *world = world_new("");
    /* somebody is answered: the mirror carries both directions */
    world_shake(world, "10.0.0.9", 50000, "10.0.0.10", 80);
    world_arp(world, 1, "10.0.0.9", "10.0.0.10");
    world_arp(world, 2, "10.0.0.10", "10.0.0.9");
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void
attempt(struct world *world, const char *from, unsigned host, uint16_t port, bool is_refused)
{
    char to[32];
    uint16_t source = (uint16_t)(30000 + host * 7 + port);
    snprintf(to, sizeof(to), "10.0.1.%u", host);
    world_segment(world, from, source, to, port, 100, 0, TCP_SYN, "");
    if (is_refused) {
        world_segment(world, to, port, from, source, 0, 101, TCP_RST | TCP_ACK, "");
    }
}

static void
success(struct world *world, const char *from, unsigned host, uint16_t port)
{
    char to[32];
    snprintf(to, sizeof(to), "10.0.1.%u", host);
    world_shake(world, from, (uint16_t)(20000 + host * 7 + port), to, port);
}

/* Five refused first contacts: the fifth completes the evidence, at once. */
static void
test_refused_sweep(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 4; i++) {
        attempt(world, SCANNER, i, 445, true);
        assert_int_equal(world->count, 0);
    }
    attempt(world, SCANNER, 5, 445, true);
    assert_int_equal(world->count, 1);
    const struct detection *found = &world->found[0];
    struct ip scanner = ip_of(SCANNER);
    assert_int_equal(found->signature_id, SID_SWEEP);
    assert_int_equal(found->phase, PHASE_LATERAL_MOVEMENT);
    assert_int_equal(found->severity, SEVERITY_HIGH);
    assert_string_equal(found->techniques[0], "T1046");
    assert_string_equal(found->techniques[1], "T1021.002");
    assert_true(ip_is_equal(&found->src.ip, &scanner));
    assert_int_equal(found->suspect, PARTY_SRC);
    assert_int_equal(found->count, 5);
    assert_true(world->has_packets[0]);
    assert_int_equal(found->seen_us, world->now_us);
    for (unsigned i = 6; i <= 60; i++) { /* told once, not with every further host */
        attempt(world, SCANNER, i, 445, true);
    }
    assert_int_equal(world->count, 1);
}

/* Nobody answers at all: judged when the time to answer is over. */
static void
test_silent_sweep(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 5; i++) {
        attempt(world, SCANNER, i, 8080, false);
    }
    assert_int_equal(world->count, 0);
    world_pass(world, 3 * SECOND);
    assert_int_equal(world_found(world, SID_SWEEP), 1);
    assert_int_equal(world->found[0].phase, PHASE_DISCOVERY);
    assert_int_equal(world->found[0].severity, SEVERITY_MEDIUM);
}

/* A mirror that carries one direction only must not make scanners of everybody. */
static void
test_one_sided_mirror(void **state)
{
    struct world *world = world_new("");
    (void)state;
    for (unsigned i = 1; i <= 200; i++) {
        attempt(world, SCANNER, i, 445, false);
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world->count, 0);
    world_free(world);
}

static void
test_port_scan(void **state)
{
    struct world *world = *state;
    for (uint16_t port = 1; port <= 14; port++) {
        attempt(world, SCANNER, 1, port, true);
    }
    assert_int_equal(world->count, 0);
    attempt(world, SCANNER, 1, 15, true);
    assert_int_equal(world_found(world, SID_PORTS), 1);
    assert_int_equal(world->count, 1);
}

static void
test_arp_sweep(void **state)
{
    struct world *world = *state;
    char to[32];
    for (unsigned i = 1; i <= 15; i++) {
        snprintf(to, sizeof(to), "10.0.1.%u", i);
        world_arp(world, 1, SCANNER, to);
        if (i == 14) { /* as many silent neighbours as a host may look for */
            world_pass(world, 3 * SECOND);
            assert_int_equal(world->count, 0);
        }
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world_found(world, SID_ARP), 1);
    assert_string_equal(world->found[0].techniques[0], "T1018");
}

/* A host that asks for itself, or whether an address is free, seeks nobody. */
static void
test_arp_of_oneself(void **state)
{
    struct world *world = *state;
    char to[32];
    for (unsigned i = 1; i <= 50; i++) {
        snprintf(to, sizeof(to), "10.0.1.%u", i);
        world_arp(world, 1, to, to);
        world_arp(world, 1, "0.0.0.0", to);
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world->count, 0);
}

/* A busy client: hundreds of servers, one in ten of which is down. */
static void
test_busy_client(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 250; i++) {
        if (i % 10 == 0) {
            attempt(world, CLIENT, i, 443, i % 20 == 0);
        } else {
            success(world, CLIENT, i, 443);
        }
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world->count, 0);
}

/* Thousands of calls are on their way before the first answer comes: each finds its own. */
static void
test_many_at_once(void **state)
{
    struct world *world = *state;
    char to[32];
    for (int step = 0; step < 3; step++) {
        for (unsigned i = 0; i < 6000; i++) {
            uint16_t port = (uint16_t)(20000 + i);
            snprintf(to, sizeof(to), "10.1.%u.%u", i / 250, i % 250);
            bool is_answer = step == 1;
            world_segment(world, is_answer ? to : CLIENT, is_answer ? 443 : port,
                          is_answer ? CLIENT : to, is_answer ? port : 443,
                          (uint32_t[]){100, 900, 101}[step], (uint32_t[]){0, 101, 901}[step],
                          (uint8_t[]){TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK}[step], "");
            world->now_us -= 990; /* all within a fifth of a second */
        }
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world->count, 0);
}

/* One server that is down, called again and again: one first contact, however often. */
static void
test_persistent_client(void **state)
{
    struct world *world = *state;
    for (uint16_t i = 0; i < 100; i++) {
        world_segment(world, CLIENT, (uint16_t)(40000 + i), "10.0.1.1", 443, 100, 0, TCP_SYN, "");
        world_segment(world, "10.0.1.1", 443, CLIENT, (uint16_t)(40000 + i), 0, 101,
                      TCP_RST | TCP_ACK, "");
    }
    assert_int_equal(world->count, 0);
}

/* A good past does not prevent the finding. */
static void
test_good_past(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 100; i++) {
        success(world, SCANNER, i, 445);
    }
    world_pass(world, 61 * SECOND);
    for (unsigned i = 101; i <= 105; i++) {
        attempt(world, SCANNER, i, 445, true);
    }
    assert_int_equal(world_found(world, SID_SWEEP), 1);
}

/* The Internet scans us all day: that is nobody of ours. */
static void
test_from_outside(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 200; i++) {
        attempt(world, "203.0.113.1", i, 445, true);
    }
    assert_int_equal(world->count, 0);
}

/* Slow, a host each minute: found all the same, with packets of it as evidence. */
static void
test_slow(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 5; i++) {
        attempt(world, SCANNER, i, 3389, true);
        world_pass(world, 60 * SECOND);
    }
    assert_int_equal(world_found(world, SID_SWEEP), 1);
    assert_true(world->has_packets[0]);
    assert_int_equal(world->found[0].first_us / SECOND, WORLD_START / SECOND);
}

/* More sources than are remembered: memory is constant, the newest are still found. */
static void
test_many_sources(void **state)
{
    struct world *world = *state;
    char from[32];
    for (unsigned i = 0; i < 40000; i++) {
        snprintf(from, sizeof(from), "10.%u.%u.7", 90 + i / 250, i % 250);
        attempt(world, from, 1, 445, true);
    }
    size_t before = world->count;
    for (unsigned i = 1; i <= 5; i++) {
        attempt(world, SCANNER, i, 445, true);
    }
    assert_int_equal(world->count, before + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused_sweep), TEST(test_silent_sweep),      TEST(test_one_sided_mirror),
        TEST(test_port_scan),     TEST(test_arp_sweep),         TEST(test_arp_of_oneself),
        TEST(test_busy_client),   TEST(test_many_at_once),      TEST(test_good_past),
        TEST(test_from_outside),  TEST(test_persistent_client), TEST(test_slow),
        TEST(test_many_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
