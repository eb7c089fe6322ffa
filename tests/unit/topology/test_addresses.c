/* The table of who claims which address (topology/addresses.h), against a search of all bindings:
 * 50,000 random changes, with endpoints that come, go and share addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "topology/addresses.h"

#define NODES 120
#define POOL 300
#define OF_NODE 6

static struct node nodes[NODES];
static struct binding bindings[NODES][OF_NODE];

static struct ip
ip_at(size_t index)
{
    const uint8_t bytes[4] = {10, 0, (uint8_t)(index >> 8), (uint8_t)index};
    return ip_from_v4(bytes);
}

static bool
has(const struct node *node, const struct ip *ip)
{
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        if (ip_is_equal(&node->endpoint.bindings[i].ip, ip)) {
            return true;
        }
    }
    return false;
}

static size_t
holders_by_search(const struct ip *ip)
{
    size_t count = 0;
    for (size_t i = 0; i < NODES; i++) {
        count += has(&nodes[i], ip);
    }
    return count;
}

static void
assert_same(const struct address_table *table, const struct ip *ip)
{
    struct node *found[ADDRESS_HOLDERS_MAX];
    size_t count = address_holders(table, NULL, ip, found);
    assert_int_equal(count, holders_by_search(ip));
    for (size_t i = 0; i < count; i++) {
        assert_true(has(found[i], ip));
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(found[i], found[k]);
            assert_true(found[k]->endpoint.first_us <= found[i]->endpoint.first_us);
        }
    }
}

static void
drop(struct address_table *table, struct node *node, size_t index)
{
    struct endpoint *endpoint = &node->endpoint;
    struct ip ip = endpoint->bindings[index].ip;
    endpoint->bindings[index] = endpoint->bindings[--endpoint->binding_count];
    if (!has(node, &ip)) {
        address_leave(table, NULL, &ip, node);
    }
}

static void
who_has_what_is_found_whatever_came_and_went(void **state)
{
    (void)state;
    struct address_table table;
    addresses_init(&table);
    srand(20);
    for (size_t i = 0; i < NODES; i++) {
        nodes[i].endpoint.bindings = bindings[i];
        nodes[i].endpoint.first_us = (int64_t)i; /* and all of its bindings began then */
    }
    for (size_t step = 0; step < 50000; step++) {
        struct node *node = &nodes[rand() % NODES];
        struct endpoint *endpoint = &node->endpoint;
        struct ip ip = ip_at((size_t)rand() % POOL);
        if (endpoint->binding_count == OF_NODE ||
            (endpoint->binding_count > 0 && rand() % 3 == 0)) {
            drop(&table, node, (size_t)rand() % endpoint->binding_count);
        } else if (holders_by_search(&ip) < ADDRESS_HOLDERS_MAX || has(node, &ip)) {
            address_join(&table, NULL, &ip, node);
            endpoint->bindings[endpoint->binding_count++] =
                (struct binding){.ip = ip, .from_us = endpoint->first_us};
        }
        assert_same(&table, &ip);
    }
    for (size_t i = 0; i < NODES; i++) {
        while (nodes[i].endpoint.binding_count > 0) {
            drop(&table, &nodes[i], 0);
        }
    }
    assert_int_equal(table.count, 0);
    addresses_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_what_is_found_whatever_came_and_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
