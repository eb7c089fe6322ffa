/* What is wrong with the switch: ways that are too narrow for the copies of its mirrors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/health.h"
#include "edge/rtnl.h"
#include "fake_datapath.h"

#define BRIDGE 100
#define MANAGEMENT 7
#define UPLINK 3

/* ---- the kernel: sensor 192.0.2.9 is behind MANAGEMENT, 192.0.2.3 behind the uplink ---- */

static uint32_t management_mtu, uplink_mtu;

int
rtnl_next_hop(const struct ip *to, unsigned wait_ms, struct next_hop *hop)
{
    assert_int_equal(wait_ms, 0); /* the loop must not wait */
    *hop = (struct next_hop){.ifindex = to->b[15] == 9 ? MANAGEMENT : to->b[15] == 3 ? UPLINK : 0};
    return hop->ifindex == MANAGEMENT ? 0 : hop->ifindex ? -EAGAIN : -ENETUNREACH;
}

uint32_t
rtnl_mtu(int ifindex)
{
    return ifindex == MANAGEMENT ? management_mtu : ifindex == UPLINK ? uplink_mtu : 0;
}

/* ---- fixture ---- */

struct fixture {
    struct clock_fake clock;
    struct edge_port_setting ports[1];
    struct edge_settings settings;
    struct learn *learn;
    struct datapath *datapath;
    struct wire_counter counters[COUNTERS_MAX];
    struct wire_edge_stats stats;
};

static void
on_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
}

static void
on_port(void *context, const struct learn_port *port, bool is_gone)
{
    (void)context;
    (void)port;
    (void)is_gone;
}

static void
device(struct fixture *f, int ifindex, const char *name, int master, uint32_t mtu)
{
    struct kernel_device device = {
        .ifindex = ifindex, .master = master, .is_up = true, .mtu = mtu, .port_number = 1};
    snprintf(device.name, sizeof(device.name), "%s", name);
    learn_device(f->learn, &device);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    clock_fake_init(&f->clock, 1700000000000000);
    f->ports[0] = (struct edge_port_setting){.name = "up0", .role = PORT_UPLINK};
    f->settings = (struct edge_settings){
        .name = "edge-1", .bridge = "br0", .ports = f->ports, .port_count = 1};
    const struct learn_handler handler = {on_fact, on_port, f};
    f->learn = learn_new(&f->settings, &f->clock.clock, &handler);
    f->datapath = fake_new();
    device(f, BRIDGE, "br0", 0, 1500);
    device(f, 1, "p1", BRIDGE, 1500);
    device(f, UPLINK, "up0", BRIDGE, 1500);
    management_mtu = uplink_mtu = 1500;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    learn_free(f->learn);
    fake_free(f->datapath);
    free(f);
    return 0;
}

static void
mirror(struct fixture *f, const char *id, enum mirror_carrier carrier, const char *to,
       uint16_t snap)
{
    struct rule_mirror mirror = {.kind = MIRROR_ALWAYS, .carrier = carrier, .snap = snap};
    struct rule rule = {.kind = RULE_MIRROR, .mirror = &mirror};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    if (carrier == CARRIER_ERSPAN) {
        assert_true(ip_parse(to, &mirror.erspan_to));
    } else {
        snprintf(mirror.out_port, sizeof(mirror.out_port), "%s", to);
    }
    assert_int_equal(datapath_change(f->datapath, &rule, 1, NULL, 0, NULL), 0);
}

/* How many problems are about an MTU; '*first' is the first of them, or "". */
static size_t
narrow_ways(struct fixture *f, const char **first)
{
    size_t count = 0;
    memset(&f->stats, 0, sizeof(f->stats));
    health_read(f->datapath, f->learn, f->counters, &f->stats);
    *first = "";
    for (size_t i = 0; i < f->stats.problem_count; i++) {
        if (strstr(f->stats.problems[i], "MTU")) {
            *first = count++ ? *first : f->stats.problems[i];
        }
    }
    return count;
}

/* ---- tests ---- */

static void
without_mirrors_no_way_is_too_narrow(void **state)
{
    struct fixture *f = *state;
    const char *first;
    assert_int_equal(narrow_ways(f, &first), 0);
    assert_int_equal(f->stats.counter_count, 3);
    mirror(f, "local", CARRIER_LOCAL, "p1", 0);
    mirror(f, "short", CARRIER_ERSPAN, "192.0.2.9", 128);
    mirror(f, "nowhere", CARRIER_ERSPAN, "192.0.2.1", 0);
    assert_int_equal(narrow_ways(f, &first), 0);
}

/* The sensor is on the management network: the uplinks do not matter. */
static void
the_way_to_the_sensor_must_be_wide_enough(void **state)
{
    struct fixture *f = *state;
    const char *first;
    mirror(f, "one", CARRIER_ERSPAN, "192.0.2.9", 0);
    mirror(f, "two", CARRIER_ERSPAN, "192.0.2.9", 0);
    assert_int_equal(narrow_ways(f, &first), 1); /* once per sensor */
    assert_non_null(strstr(first, "192.0.2.9"));
    assert_non_null(strstr(first, "MTU 1500"));
    assert_non_null(strstr(first, "1550"));
    management_mtu = 1549;
    assert_int_equal(narrow_ways(f, &first), 1);
    management_mtu = 1550;
    assert_int_equal(narrow_ways(f, &first), 0);
    mirror(f, "three", CARRIER_ERSPAN, "192.0.2.3", 0); /* its ARP is not answered yet */
    assert_int_equal(narrow_ways(f, &first), 1);
    assert_non_null(strstr(first, "192.0.2.3"));
}

static void
the_out_port_of_rspan_must_be_wide_enough(void **state)
{
    struct fixture *f = *state;
    const char *first;
    mirror(f, "one", CARRIER_RSPAN, "", 0);
    mirror(f, "two", CARRIER_RSPAN, "", 0);
    assert_int_equal(narrow_ways(f, &first), 1);
    assert_non_null(strstr(first, "port up0"));
    assert_non_null(strstr(first, "1504"));
    device(f, UPLINK, "up0", BRIDGE, 1504);
    assert_int_equal(narrow_ways(f, &first), 0);
    mirror(f, "three", CARRIER_RSPAN, "p1", 0);
    assert_int_equal(narrow_ways(f, &first), 1);
    assert_non_null(strstr(first, "port p1"));
}

/* It goes on blocking; that a reboot would lose something is said. */
static void
a_disk_that_hangs_or_refuses_is_a_problem(void **state)
{
    struct fixture *f = *state;
    health_disk(false, false, &f->stats);
    assert_int_equal(f->stats.problem_count, 0);
    health_disk(true, false, &f->stats);
    assert_int_equal(f->stats.problem_count, 1);
    assert_non_null(strstr(f->stats.problems[0], "the disk has not answered for more than 10 s"));
    health_disk(false, true, &f->stats);
    assert_int_equal(f->stats.problem_count, 2);
    assert_non_null(strstr(f->stats.problems[1], "the disk did not take all that was set"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(without_mirrors_no_way_is_too_narrow),
        TEST(the_way_to_the_sensor_must_be_wide_enough),
        TEST(the_out_port_of_rspan_must_be_wide_enough),
        TEST(a_disk_that_hangs_or_refuses_is_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
