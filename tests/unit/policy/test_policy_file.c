#include "world.h"

#include "base/file.h"

static const char *source_dir; /* of the checkout */

struct refusal {
    const char *yaml;
    unsigned line, column;
    const char *words;
};

static const struct refusal refusals[] = {
    {"policies: [{name: a, then: [{action: isolate, permit_set: nope}]}]\n", 1, 47,
     "is not defined under permit_sets"},
    {"networks:\n  - name: a\n    prefixes: [192.0.2.1/24]\n", 3, 0, "not an address or prefix"},
    {"networks:\n  - {name: a, prefixes: [192.0.2.0/24]}\n  - {name: a, prefixes: [10.0.0.0/8]}\n",
     3, 0, "stands twice"},
    {"networks:\n  - {name: a, prefixes: [], home: true}\n", 2, 0, "needs at least one prefix"},
    {"colour: red\n", 1, 1, "is not known here"},
    {"defaults:\n  mode: auto\n  moode: auto\n", 3, 3, "is not known here"},
    {"defaults:\n  mode: sometimes\n", 2, 3, "not one of the known words"},
    {"policies:\n  - name: a\n    when: {phases: [c3]}\n    then: [{action: notify}]\n", 3, 0,
     "is not a phase"},
    {"policies:\n  - name: a\n    when: {count: 3}\n    then: [{action: notify}]\n", 3, 0,
     "needs within_s"},
    {"policies:\n  - name: a\n    then: [{action: none}]\n", 3, 0, "is no action"},
    {"policies:\n  - name: a\n    then: []\n", 3, 0, "needs at least one action"},
    {"policies:\n  - name: a\n    when: {networks: [x]}\n    then: [{action: notify}]\n", 3, 0,
     "is not defined under networks"},
    {"policies:\n  - name: a\n    when: {groups: [x]}\n    then: [{action: notify}]\n", 3, 0,
     "is not defined under groups"},
    {"permit_sets: [{name: a}]\npolicies:\n  - name: a\n    then: [{action: mirror, permit_set: "
     "a}]\n",
     4, 0, "belongs to isolate only"},
    {"permit_sets:\n  - name: a\n    permits:\n      - {protocol: tcp, port: 80}\n", 4, 0,
     "needs a server"},
    {"permit_sets:\n  - name: a\n    permits:\n      - {server: 192.0.2.1, port: 80}\n", 4, 0,
     "needs protocol tcp or udp"},
    {"permit_sets:\n  - name: a\n    permits:\n      - {server: x, protocol: tcp, port: 80}\n", 4,
     0, "not an address or prefix"},
    {"permit_sets:\n  - name: a\n    forwards_dns: true\n", 3, 0, "needs resolvers"},
    {"groups:\n  - name: a\n", 2, 0, "needs prefixes, macs, host_names, classes or tags"},
    {"groups:\n  - name: a\n    macs: ['00:1b:2']\n", 3, 0, "is not a MAC or its first bytes"},
    {"protected:\n  - name: a\n", 2, 0, "needs addresses, macs or host_names"},
    {"groups:\n  - name: a\n    classes: [tablet]\n", 3, 0, "is not a class"},
    {"sites:\n  - name: a\n    switches: []\n", 3, 0, "needs at least one switch"},
    {"sites:\n  - {name: a, switches: [e1]}\n  - {name: a, switches: [e2]}\n", 3, 0,
     "stands twice"},
    {"rollout:\n  - name: a\n    mode: sometimes\n", 3, 0, "not one of the known words"},
    {"rollout:\n  - {name: a, mode: default}\n", 2, 0, "not one of the known words"},
    {"rollout:\n  - name: a\n    when: {sites: [x]}\n    mode: auto\n", 3, 0,
     "is not defined under sites"},
    {"rollout:\n  - name: a\n    when: {networks: [x]}\n    mode: auto\n", 3, 0,
     "is not defined under networks"},
    {"rollout:\n  - name: a\n    when: {groups: [x]}\n    mode: auto\n", 3, 0,
     "is not defined under groups"},
    {"rollout:\n  - name: a\n    when: {classes: [phones]}\n    mode: auto\n", 3, 0,
     "is not a class: unknown, workstation"},
    {"rollout:\n  - name: a\n    when: {ports: [p3]}\n    mode: auto\n", 3, 0,
     "is not SWITCH/PORT"},
    {"maintenance:\n  - {name: a, mode: auto, weekly: {days: [mon], from: '01:00', to: "
     "'02:00'}}\n",
     2, 0, "not one of the known words"},
    {"maintenance:\n  - {name: a, mode: observe}\n", 2, 0, "needs weekly (with days) or once"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '01:00', to: "
     "'02:00'}\n    once: {from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z'}\n",
     2, 0, "one of them"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [monday], from: '01:00', "
     "to: '02:00'}\n",
     4, 0, "is not a day"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '1:00', to: "
     "'02:00'}\n",
     4, 0, "is not a time of day"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '24:00', to: "
     "'02:00'}\n",
     4, 0, "is not a time of day"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '01:00', to: "
     "'24:01'}\n",
     4, 0, "is not a time of day"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '01:60', to: "
     "'02:00'}\n",
     4, 0, "is not a time of day"},
    {"maintenance:\n  - name: a\n    mode: observe\n    weekly: {days: [mon], from: '02:00', to: "
     "'02:00'}\n",
     4, 0, "is the same as 'from'"},
    {"maintenance:\n  - name: a\n    mode: observe\n    once: {from: '2026-01-01 00:00', to: "
     "'2026-01-02T00:00:00Z'}\n",
     4, 0, "is not a time with its offset"},
    {"maintenance:\n  - name: a\n    mode: observe\n    once: {from: '2026-01-02T00:00:00Z', to: "
     "'2026-01-02T00:00:00Z'}\n",
     4, 0, "is not after 'from'"},
    {"maintenance:\n  - name: a\n    mode: observe\n    time_zone: Nowhere/Atlantis\n    weekly: "
     "{days: [mon], from: '01:00', to: '02:00'}\n",
     4, 0, "is no time zone of this machine"},
    {"never_block:\n  domains: ['*.example.org']\n", 2, 0, "is not a domain"},
    {"budgets: {per_minute: 0}\n", 1, 0, "out of range"},
    {"lists:\n  - {name: a, confidence: 101}\n", 2, 0, "out of range"},
    {"policies: [\n", 2, 1, ""},
    {"# \xe6\x97\xa5\xe2\x80\xae\ndefaults: {mode: auto}\n", 1, 4,
     "turns the direction of writing"},
    {"defaults:\n  mode: auto\x1b\n", 2, 13, "a control character"},
    {"defaults: {mode: auto}\n\tnetworks: []\n", 2, 0, ""},
};

static void
what_is_wrong_is_refused_with_line_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct refusal *r = &refusals[i];
        struct policy_error error;
        struct policy *policy = NULL;
        int result = policy_parse(r->yaml, strlen(r->yaml), &policy, &error);
        if (result == 0 || !strstr(error.text, r->words) || error.line != r->line ||
            error.column == 0 || (r->column != 0 && error.column != r->column)) {
            fail_msg("%s: %d, line %u, column %u: %s", r->yaml, result, error.line, error.column,
                     error.text);
        }
        assert_null(policy);
    }
}

static char *
read_source(const char *path, size_t *size)
{
    char full[1024];
    char *text;
    snprintf(full, sizeof(full), "%s/%s", source_dir, path);
    assert_int_equal(file_read(full, 1 << 20, &text, size), 0);
    return text;
}

static void
the_packaged_policy_is_valid_and_contains_nobody(void **state)
{
    (void)state;
    char path[1024];
    struct policy *policy;
    struct policy_error error;
    snprintf(path, sizeof(path), "%s/packaging/policy.yaml", source_dir);
    if (policy_load(path, &policy, &error)) {
        fail_msg("line %u, column %u: %s", error.line, error.column, error.text);
    }
    char network[NAME_SIZE];
    struct ip ip = ip_of("192.168.1.7");
    assert_int_equal(policy_mode_of(policy, "", &ip, network), MODE_OBSERVE);
    assert_string_equal(network, "clients");
    assert_true(policy_is_home(policy, &ip));
    ip = ip_of("203.0.113.9");
    assert_int_equal(policy_mode_of(policy, "", &ip, network), MODE_OBSERVE);
    assert_false(policy_is_home(policy, &ip));
    policy_unref(policy);
}

static void
every_field_of_the_full_example_is_understood(void **state)
{
    (void)state;
    size_t size;
    char *text = read_source("tests/golden/policy/full.yaml", &size);
    struct policy *policy;
    struct policy_error error;
    if (policy_parse(text, size, &policy, &error)) {
        fail_msg("line %u, column %u: %s", error.line, error.column, error.text);
    }
    const struct permit_set *sets;
    assert_int_equal(policy_permit_sets(policy, &sets), 2);
    assert_string_equal(sets[0].name, "updates");
    assert_true(sets[0].allows_dhcp);
    assert_int_equal(sets[0].dhcp_server_count, 1);
    assert_int_equal(sets[0].resolver_count, 2); /* the file's */
    assert_int_equal(sets[0].permit_count, 4);
    assert_int_equal(sets[0].permits[0].protocol, 6);
    assert_int_equal(sets[0].permits[0].port_low, 80);
    assert_int_equal(sets[0].permits[0].port_high, 80);
    assert_int_equal(sets[0].permits[1].port_high, 8531);
    assert_string_equal(sets[0].permits[2].name, "*.update.example.org");
    assert_int_equal(sets[0].permits[3].server.length, 64);
    assert_int_equal(sets[1].resolver_count, 0); /* it does not forward DNS */
    const struct rule_protect *protects;
    assert_int_equal(policy_protected(policy, &protects), 3);
    struct mac mac = mac_of("02:00:00:00:00:fe");
    assert_true(mac_is_equal(&protects[2].mac, &mac));
    char network[NAME_SIZE];
    struct ip ip = ip_of("192.0.2.140");
    assert_int_equal(policy_mode_of(policy, "", &ip, network), MODE_APPROVE);
    assert_string_equal(network, "servers");
    policy_unref(policy);
    free(text);
}

static void
every_prefix_of_the_full_example_is_read_or_refused_with_a_reason(void **state)
{
    (void)state;
    size_t size;
    char *text = read_source("tests/golden/policy/full.yaml", &size);
    for (size_t i = 0; i < size; i++) {
        struct policy *policy = NULL;
        struct policy_error error;
        char *copy = malloc(i ? i : 1); /* exactly as long, so that a read beyond shows */
        memcpy(copy, text, i);
        int result = policy_parse(copy, i, &policy, &error);
        free(copy);
        assert_true(result == 0 ? policy != NULL : error.text[0] != '\0');
        policy_unref(policy);
    }
    free(text);
}

static void
a_missing_file_says_which(void **state)
{
    (void)state;
    struct policy *policy;
    struct policy_error error;
    assert_true(policy_load("/nonexistent/policy.yaml", &policy, &error) < 0);
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.text, "/nonexistent/policy.yaml"));
}

static void
an_empty_file_is_a_policy_that_does_nothing(void **state)
{
    (void)state;
    struct world *w = world_new("");
    struct detection d = contact(w, "192.168.1.2", NULL, SERVER_IP);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    assert_non_null(strstr(w->outcome.why, "no policy matches"));
    assert_int_equal(w->outcome.party, PARTY_SRC); /* private space is home where none is said */
    world_free(w);
}

int
main(int argc, char **argv)
{
    source_dir = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_refused_with_line_and_column),
        cmocka_unit_test(the_packaged_policy_is_valid_and_contains_nobody),
        cmocka_unit_test(every_field_of_the_full_example_is_understood),
        cmocka_unit_test(every_prefix_of_the_full_example_is_read_or_refused_with_a_reason),
        cmocka_unit_test(a_missing_file_says_which),
        cmocka_unit_test(an_empty_file_is_a_policy_that_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
