/* Copies of rules share nothing with what they were made of, and rules let go of all they own (a
 * sanitizer sees what is shared, and what is left). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/rule.h"

/* Copies, changes and drops the first, and hands back what the copy is then. */
static struct rule
copied(struct rule *rule, void *owned, size_t size)
{
    struct rule copy;
    rule_copy(&copy, rule);
    memset(owned, 0xee, size); /* what was shared would now show in the copy */
    rule_fini(rule);
    return copy;
}

static void
assert_is_empty(const struct rule *rule)
{
    static const struct rule none;
    assert_memory_equal(rule, &none, sizeof(none));
}

static void
isolate(void **state)
{
    (void)state;
    struct rule rule = {.id = "c/02:00:00:00:01:01#1", .kind = RULE_ISOLATE, .expires_s = 60};
    rule.isolate.addresses = mem_new(2, sizeof(struct ip));
    rule.isolate.address_count = 2;
    rule.isolate.addresses[1].b[15] = 7;
    snprintf(rule.isolate.case_number, sizeof(rule.isolate.case_number), "K-1");
    struct rule copy = copied(&rule, rule.isolate.addresses, 2 * sizeof(struct ip));
    assert_is_empty(&rule);
    assert_string_equal(copy.id, "c/02:00:00:00:01:01#1");
    assert_int_equal(copy.expires_s, 60);
    assert_string_equal(copy.isolate.case_number, "K-1");
    assert_int_equal(copy.isolate.address_count, 2);
    assert_int_equal(copy.isolate.addresses[0].b[15], 0);
    assert_int_equal(copy.isolate.addresses[1].b[15], 7);
    rule_fini(&copy);
    assert_is_empty(&copy);
}

static void
hold_port(void **state)
{
    (void)state;
    struct rule rule = {.id = "h", .kind = RULE_HOLD_PORT};
    rule.hold_port.known_macs = mem_new(3, sizeof(struct mac));
    rule.hold_port.known_mac_count = 3;
    rule.hold_port.known_macs[2].b[5] = 9;
    struct rule copy = copied(&rule, rule.hold_port.known_macs, 3 * sizeof(struct mac));
    assert_is_empty(&rule);
    assert_int_equal(copy.hold_port.known_mac_count, 3);
    assert_int_equal(copy.hold_port.known_macs[2].b[5], 9);
    rule_fini(&copy);
    assert_is_empty(&copy);
}

static void
permit_set(void **state)
{
    (void)state;
    struct rule rule = {.id = "s", .kind = RULE_PERMIT_SET}, copy;
    struct permit_set *set = &rule.permit_set;
    set->dhcp_servers = mem_new(1, sizeof(struct ip));
    set->dhcp_server_count = 1;
    set->dhcp_servers[0].b[15] = 1;
    set->resolvers = mem_new(2, sizeof(struct ip));
    set->resolver_count = 2;
    set->resolvers[1].b[15] = 2;
    set->permits = mem_new(1, sizeof(struct permit));
    set->permit_count = 1;
    snprintf(set->permits[0].name, HOST_SIZE, "update.example");
    rule_copy(&copy, &rule);
    memset(set->dhcp_servers, 0xee, sizeof(struct ip));
    memset(set->resolvers, 0xee, 2 * sizeof(struct ip));
    memset(set->permits, 0xee, sizeof(struct permit));
    rule_fini(&rule);
    assert_is_empty(&rule);
    assert_int_equal(copy.permit_set.dhcp_server_count, 1);
    assert_int_equal(copy.permit_set.dhcp_servers[0].b[15], 1);
    assert_int_equal(copy.permit_set.resolver_count, 2);
    assert_int_equal(copy.permit_set.resolvers[1].b[15], 2);
    assert_int_equal(copy.permit_set.permit_count, 1);
    assert_string_equal(copy.permit_set.permits[0].name, "update.example");
    rule_fini(&copy);
    assert_is_empty(&copy);
}

static void
mirror(void **state)
{
    (void)state;
    struct rule rule = {.id = "m", .kind = RULE_MIRROR, .mirror = MEM_NEW(struct rule_mirror)};
    rule.mirror->session = 12;
    rule.mirror->port_count = 1;
    snprintf(rule.mirror->ports[0], NAME_SIZE, "p3");
    rule.mirror->filters = mem_new(2, sizeof(struct mirror_filter));
    rule.mirror->filter_count = 2;
    rule.mirror->filters[1].vlan = 40;
    struct rule copy = copied(&rule, rule.mirror->filters, 2 * sizeof(struct mirror_filter));
    assert_is_empty(&rule);
    assert_int_equal(copy.mirror->session, 12);
    assert_string_equal(copy.mirror->ports[0], "p3");
    assert_int_equal(copy.mirror->filter_count, 2);
    assert_int_equal(copy.mirror->filters[1].vlan, 40);
    rule_fini(&copy);
    assert_is_empty(&copy);
}

static void
warning(void **state)
{
    (void)state;
    struct rule rule = {.id = "w", .kind = RULE_WARNING, .warning = MEM_NEW(struct rule_warning)};
    snprintf(rule.warning->title, sizeof(rule.warning->title), "Isolated");
    struct rule copy = copied(&rule, rule.warning, sizeof(*rule.warning));
    assert_is_empty(&rule);
    assert_string_equal(copy.warning->title, "Isolated");
    rule_fini(&copy);
    assert_is_empty(&copy);
}

/* Kinds that own nothing are copied whole, too. */
static void
plain_kinds(void **state)
{
    (void)state;
    static const enum rule_kind kinds[] = {RULE_BLOCK_PAIR, RULE_BLOCK_SERVER, RULE_PROTECT};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct rule rule, copy;
        memset(&rule, 0x11, sizeof(rule));
        rule.kind = kinds[i];
        rule_copy(&copy, &rule);
        assert_memory_equal(&copy, &rule, sizeof(rule));
        rule_fini(&rule);
        assert_is_empty(&rule);
        rule_fini(&copy);
        assert_is_empty(&copy);
    }
}

/* A rule of any kind without anything in it: nothing to copy, nothing to let go. */
static void
empty_rules(void **state)
{
    (void)state;
    for (int kind = 0; kind < RULE_KIND_COUNT; kind++) {
        struct rule rule = {.id = "e", .kind = (enum rule_kind)kind}, copy;
        rule_copy(&copy, &rule);
        assert_int_equal(copy.kind, kind);
        assert_string_equal(copy.id, "e");
        rule_fini(&copy);
        rule_fini(&copy); /* once finished, there is nothing in it any more */
        rule_fini(&rule);
    }
}

/* Room that was taken but holds nothing is not the copy's: two owners would free it twice. */
static void
room_without_items_is_not_shared(void **state)
{
    (void)state;
    struct rule rule = {.id = "a", .kind = RULE_ISOLATE}, copy;
    rule.isolate.addresses = mem_new(4, sizeof(struct ip));
    rule_copy(&copy, &rule);
    assert_null(copy.isolate.addresses);
    rule_fini(&copy);
    rule_fini(&rule);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isolate),     cmocka_unit_test(hold_port),
        cmocka_unit_test(permit_set),  cmocka_unit_test(mirror),
        cmocka_unit_test(warning),     cmocka_unit_test(plain_kinds),
        cmocka_unit_test(empty_rules), cmocka_unit_test(room_without_items_is_not_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
