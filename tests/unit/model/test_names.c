/* Every enum's names: whole, distinct, in the enum's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/endpoint.h"
#include "model/fact.h"
#include "model/rule.h"

#define LIST(list, count)                                                                          \
    {                                                                                              \
#list, list, count, COUNT_OF(list)                                                         \
    }

static const struct list {
    const char *what;
    const char *const *names;
    size_t count, room;
} lists[] = {
    LIST(action_names, ACTION_COUNT),
    LIST(mode_names, MODE_COUNT),
    LIST(containment_state_names, CONTAINMENT_STATE_COUNT),
    LIST(hold_names, HOLD_COUNT),
    LIST(phase_names, PHASE_COUNT),
    LIST(severity_names, SEVERITY_COUNT),
    LIST(party_names, PARTY_COUNT),
    LIST(strength_names, STRENGTH_COUNT),
    LIST(location_class_names, LOCATION_CLASS_COUNT),
    LIST(endpoint_class_names, ENDPOINT_CLASS_COUNT),
    LIST(endpoint_event_names, ENDPOINT_EVENT_COUNT),
    LIST(fact_kind_names, FACT_KIND_COUNT),
    LIST(binding_source_names, BINDING_SOURCE_COUNT),
    LIST(port_role_names, PORT_ROLE_COUNT),
    LIST(host_role_names, HOST_ROLE_COUNT),
    LIST(rule_kind_names, RULE_KIND_COUNT),
    LIST(direction_names, DIRECTION_COUNT),
    LIST(mirror_kind_names, MIRROR_KIND_COUNT),
    LIST(carrier_names, CARRIER_COUNT),
    LIST(rule_state_names, RULE_STATE_COUNT),
};

/* Where 'name' stands in a list that ends with NULL, as a reader of messages looks it up. */
static size_t
look_up(const char *const *names, const char *name)
{
    size_t at = 0;
    while (names[at] && strcmp(names[at], name) != 0) {
        at++;
    }
    return at;
}

static void
each_value_has_a_name_and_the_list_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        assert_int_equal(lists[i].room, lists[i].count + 1);
        for (size_t value = 0; value < lists[i].count; value++) {
            if (!lists[i].names[value]) {
                fail_msg("%s: no name for %zu", lists[i].what, value);
            }
        }
        assert_null(lists[i].names[lists[i].count]);
    }
}

static void
each_name_leads_back_to_its_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (size_t value = 0; value < lists[i].count; value++) {
            if (look_up(lists[i].names, lists[i].names[value]) != value) {
                fail_msg("%s: %s stands there twice", lists[i].what, lists[i].names[value]);
            }
        }
        assert_int_equal(look_up(lists[i].names, "no such name"), lists[i].count);
        assert_int_equal(look_up(lists[i].names, ""), lists[i].count);
    }
}

/* The constant's own word, in small letters, is its name: two swapped lines show here. */
#define SAYS(list, start, word)                                                                    \
    {                                                                                              \
        list, (size_t)start##word, #word                                                           \
    }

static const struct {
    const char *const *names;
    size_t value;
    const char *word;
} words[] = {
    SAYS(action_names, ACTION_, NONE),
    SAYS(action_names, ACTION_, ISOLATE),
    SAYS(action_names, ACTION_, BLOCK_PAIR),
    SAYS(action_names, ACTION_, BLOCK_SERVER),
    SAYS(action_names, ACTION_, MIRROR),
    SAYS(action_names, ACTION_, NOTIFY),
    SAYS(mode_names, MODE_, OBSERVE),
    SAYS(mode_names, MODE_, APPROVE),
    SAYS(mode_names, MODE_, AUTO),
    SAYS(containment_state_names, CONTAINMENT_, PENDING),
    SAYS(containment_state_names, CONTAINMENT_, REQUESTED),
    SAYS(containment_state_names, CONTAINMENT_, WAITING),
    SAYS(containment_state_names, CONTAINMENT_, LOCATED),
    SAYS(containment_state_names, CONTAINMENT_, APPLIED),
    SAYS(containment_state_names, CONTAINMENT_, VERIFIED),
    SAYS(containment_state_names, CONTAINMENT_, FAILED),
    SAYS(containment_state_names, CONTAINMENT_, RELEASED),
    SAYS(containment_state_names, CONTAINMENT_, EXPIRED),
    SAYS(containment_state_names, CONTAINMENT_, CHECKED),
    SAYS(containment_state_names, CONTAINMENT_, REVERTED),
    SAYS(hold_names, HOLD_, NONE),
    SAYS(hold_names, HOLD_, MODE),
    SAYS(hold_names, HOLD_, PROTECTED),
    SAYS(hold_names, HOLD_, WEAK),
    SAYS(hold_names, HOLD_, SHARED),
    SAYS(hold_names, HOLD_, UNRESOLVED),
    SAYS(hold_names, HOLD_, BOTH_INSIDE),
    SAYS(hold_names, HOLD_, BUDGET),
    SAYS(hold_names, HOLD_, NEVER_BLOCK),
    SAYS(hold_names, HOLD_, GRACE),
    SAYS(hold_names, HOLD_, ROLLOUT),
    SAYS(hold_names, HOLD_, MAINTENANCE),
    SAYS(phase_names, PHASE_, UNKNOWN),
    SAYS(phase_names, PHASE_, INTELLIGENCE_GATHERING),
    SAYS(phase_names, PHASE_, POINT_OF_ENTRY),
    SAYS(phase_names, PHASE_, C2),
    SAYS(phase_names, PHASE_, LATERAL_MOVEMENT),
    SAYS(phase_names, PHASE_, DISCOVERY),
    SAYS(phase_names, PHASE_, EXFILTRATION),
    SAYS(severity_names, SEVERITY_, INFO),
    SAYS(severity_names, SEVERITY_, LOW),
    SAYS(severity_names, SEVERITY_, MEDIUM),
    SAYS(severity_names, SEVERITY_, HIGH),
    SAYS(party_names, PARTY_, UNSAID),
    SAYS(party_names, PARTY_, SRC),
    SAYS(party_names, PARTY_, DST),
    SAYS(strength_names, STRENGTH_, UNRATED),
    SAYS(strength_names, STRENGTH_, WEAK),
    SAYS(strength_names, STRENGTH_, STRONG),
    SAYS(endpoint_class_names, CLASS_, UNKNOWN),
    SAYS(endpoint_class_names, CLASS_, WORKSTATION),
    SAYS(endpoint_class_names, CLASS_, SERVER),
    SAYS(endpoint_class_names, CLASS_, PHONE),
    SAYS(endpoint_class_names, CLASS_, PRINTER),
    SAYS(endpoint_class_names, CLASS_, MEDICAL),
    SAYS(endpoint_class_names, CLASS_, CAMERA),
    SAYS(endpoint_class_names, CLASS_, IOT),
    SAYS(endpoint_class_names, CLASS_, NETWORK),
    SAYS(endpoint_class_names, CLASS_, OTHER),
    SAYS(location_class_names, LOCATION_, NONE),
    SAYS(location_class_names, LOCATION_, DIRECT),
    SAYS(location_class_names, LOCATION_, SHARED),
    SAYS(location_class_names, LOCATION_, CONFLICT),
    SAYS(endpoint_event_names, ENDPOINT_, APPEARED),
    SAYS(endpoint_event_names, ENDPOINT_, MOVED),
    SAYS(endpoint_event_names, ENDPOINT_, ADDRESS_NEW),
    SAYS(endpoint_event_names, ENDPOINT_, ADDRESS_GONE),
    SAYS(endpoint_event_names, ENDPOINT_, MAC_JOINED),
    SAYS(endpoint_event_names, ENDPOINT_, CONFLICT),
    SAYS(endpoint_event_names, ENDPOINT_, NAMED),
    SAYS(fact_kind_names, FACT_, PORT),
    SAYS(fact_kind_names, FACT_, PORT_GONE),
    SAYS(fact_kind_names, FACT_, LINK_UP),
    SAYS(fact_kind_names, FACT_, LINK_DOWN),
    SAYS(fact_kind_names, FACT_, MAC),
    SAYS(fact_kind_names, FACT_, MAC_AGED),
    SAYS(fact_kind_names, FACT_, BINDING),
    SAYS(fact_kind_names, FACT_, LEASE),
    SAYS(fact_kind_names, FACT_, NEIGHBOUR),
    SAYS(fact_kind_names, FACT_, ROLE_HINT),
    SAYS(fact_kind_names, FACT_, HELD_MAC),
    SAYS(binding_source_names, BINDING_, ARP),
    SAYS(binding_source_names, BINDING_, ND),
    SAYS(binding_source_names, BINDING_, DHCP4),
    SAYS(binding_source_names, BINDING_, DHCP6),
    SAYS(port_role_names, PORT_, ACCESS),
    SAYS(port_role_names, PORT_, UPLINK),
    SAYS(port_role_names, PORT_, SERVER),
    SAYS(port_role_names, PORT_, MIRROR),
    SAYS(host_role_names, HOST_, ROUTER),
    SAYS(host_role_names, HOST_, DHCP_SERVER),
    SAYS(host_role_names, HOST_, RESOLVER),
    SAYS(rule_kind_names, RULE_, ISOLATE),
    SAYS(rule_kind_names, RULE_, HOLD_PORT),
    SAYS(rule_kind_names, RULE_, BLOCK_PAIR),
    SAYS(rule_kind_names, RULE_, BLOCK_SERVER),
    SAYS(rule_kind_names, RULE_, PERMIT_SET),
    SAYS(rule_kind_names, RULE_, PROTECT),
    SAYS(rule_kind_names, RULE_, MIRROR),
    SAYS(rule_kind_names, RULE_, WARNING),
    SAYS(direction_names, DIRECTION_, BOTH),
    SAYS(direction_names, DIRECTION_, IN),
    SAYS(direction_names, DIRECTION_, OUT),
    SAYS(mirror_kind_names, MIRROR_, PORT),
    SAYS(mirror_kind_names, MIRROR_, POLICY),
    SAYS(mirror_kind_names, MIRROR_, ALWAYS),
    SAYS(mirror_kind_names, MIRROR_, DETAILED),
    SAYS(mirror_kind_names, MIRROR_, TRANSIT),
    SAYS(carrier_names, CARRIER_, LOCAL),
    SAYS(carrier_names, CARRIER_, ERSPAN),
    SAYS(carrier_names, CARRIER_, RSPAN),
    SAYS(rule_state_names, RULE_, ABSENT),
    SAYS(rule_state_names, RULE_, APPLIED),
    SAYS(rule_state_names, RULE_, VERIFIED),
    SAYS(rule_state_names, RULE_, FAILED),
};

static void
each_name_is_its_constants_word(void **state)
{
    (void)state;
    size_t values = 0;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char word[32] = "";
        for (size_t k = 0; words[i].word[k]; k++) {
            assert_true(k + 1 < sizeof(word));
            word[k] = (char)tolower((unsigned char)words[i].word[k]);
        }
        assert_string_equal(words[i].names[words[i].value], word);
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        values += lists[i].count;
    }
    assert_int_equal(COUNT_OF(words), values); /* a new value needs its line above */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_a_name_and_the_list_an_end),
        cmocka_unit_test(each_name_leads_back_to_its_value),
        cmocka_unit_test(each_name_is_its_constants_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
