/* Copies of rules share nothing; every list of names is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/fact.h"
#include "model/rule.h"

static void
a_copy_is_deep(void **state)
{
    (void)state;
    struct rule rule = {.id = "a", .kind = RULE_ISOLATE}, copy;
    rule.isolate.addresses = mem_new(2, sizeof(struct ip));
    rule.isolate.address_count = 2;
    rule.isolate.addresses[1].b[15] = 7;
    rule_copy(&copy, &rule);
    assert_ptr_not_equal(copy.isolate.addresses, rule.isolate.addresses);
    rule.isolate.addresses[1].b[15] = 9;
    assert_int_equal(copy.isolate.addresses[1].b[15], 7);
    rule_fini(&rule);
    rule_fini(&copy);
    struct rule set = {.id = "s", .kind = RULE_PERMIT_SET};
    set.permit_set.permits = mem_new(1, sizeof(struct permit));
    set.permit_set.permit_count = 1;
    snprintf(set.permit_set.permits[0].name, HOST_SIZE, "update.example");
    rule_copy(&copy, &set);
    rule_fini(&set);
    assert_string_equal(copy.permit_set.permits[0].name, "update.example");
    rule_fini(&copy);
    struct rule mirror = {.id = "m", .kind = RULE_MIRROR, .mirror = MEM_NEW(struct rule_mirror)};
    mirror.mirror->filters = mem_new(1, sizeof(struct mirror_filter));
    mirror.mirror->filter_count = 1;
    mirror.mirror->filters[0].vlan = 12;
    rule_copy(&copy, &mirror);
    rule_fini(&mirror);
    assert_int_equal(copy.mirror->filters[0].vlan, 12);
    rule_fini(&copy);
}

#define NAMES(list, count) {#list, list, count}

static void
names_are_whole(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *const *names;
        size_t count;
    } lists[] = {NAMES(rule_kind_names, RULE_KIND_COUNT), NAMES(direction_names, DIRECTION_COUNT),
                 NAMES(mirror_kind_names, MIRROR_KIND_COUNT), NAMES(carrier_names, CARRIER_COUNT),
                 NAMES(rule_state_names, RULE_STATE_COUNT), NAMES(fact_kind_names, FACT_KIND_COUNT),
                 NAMES(binding_source_names, BINDING_SOURCE_COUNT),
                 NAMES(port_role_names, PORT_ROLE_COUNT), NAMES(host_role_names, HOST_ROLE_COUNT),
                 NAMES(phase_names, PHASE_COUNT), NAMES(severity_names, SEVERITY_COUNT),
                 NAMES(strength_names, STRENGTH_COUNT)};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (size_t j = 0; j < lists[i].count; j++) {
            if (!lists[i].names[j]) {
                fail_msg("%s: no name for %zu", lists[i].what, j);
            }
        }
        assert_null(lists[i].names[lists[i].count]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_deep),
        cmocka_unit_test(names_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
