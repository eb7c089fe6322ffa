/* What would block a protected host goes no further, whoever sent it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/protected_hosts.h"

static const char fixed[][PREFIX_TEXT_SIZE] = {"02:00:00:00:00:01", "192.0.2.1", "2001:db8::/64"};

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

static struct prefix
prefix_of(const char *text)
{
    struct prefix prefix;
    assert_true(prefix_parse(text, &prefix));
    return prefix;
}

static struct mac
mac_of(const char *text)
{
    struct mac mac;
    assert_true(mac_parse(text, &mac));
    return mac;
}

static struct rule
rule_of(enum rule_kind kind, const char *id)
{
    struct rule rule = {.kind = kind};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    return rule;
}

/* How many of 'rules' go on. */
static size_t
let(struct protected_hosts *protected, struct rule *rules, size_t count, uint64_t base)
{
    const struct wire_desired in = {
        .generation = base + 1, .base = base, .is_last = true, .add = rules, .add_count = count};
    struct wire_desired out;
    size_t refused = protected_hosts_filter(protected, &in, &out);
    size_t passed = out.add_count;
    assert_int_equal(refused + passed, count);
    free(out.add);
    return passed;
}

static void
each_kind_of_block_of_a_protected_host_is_refused_and_its_twin_goes_on(void **state)
{
    (void)state;
    struct protected_hosts *protected = protected_hosts_new(fixed, 3, false);
    struct rule bad[9];
    struct rule good[9];
    size_t count = 0;
    for (size_t i = 0; i < 9; i++) {
        bad[i] = good[i] = rule_of(i < 4   ? RULE_ISOLATE
                                   : i < 6 ? RULE_BLOCK_PAIR
                                           : RULE_BLOCK_SERVER,
                                   "x");
    }
    bad[0].isolate.mac = mac_of("02:00:00:00:00:01");
    good[0].isolate.mac = mac_of("02:00:00:00:00:02");
    bad[1].isolate.ip = ip_of("192.0.2.1");
    good[1].isolate.ip = ip_of("192.0.2.2");
    bad[2].isolate.ip = ip_of("2001:db8::1");
    good[2].isolate.ip = ip_of("2001:db8:1::1");
    bad[3].isolate.ip = ip_of("2001:db8::ffff:1");
    good[3].isolate.ip = ip_of("10.0.0.1");
    bad[4].pair.mac = mac_of("02:00:00:00:00:01");
    good[4].pair.mac = mac_of("02:00:00:00:00:03");
    bad[5].pair.ip = ip_of("192.0.2.1");
    good[5].pair.ip = ip_of("192.0.2.3");
    bad[6].server.server = prefix_of("192.0.2.1");
    good[6].server.server = prefix_of("192.0.2.8");
    bad[7].server.server = prefix_of("192.0.2.0/24"); /* a part of it */
    good[7].server.server = prefix_of("198.51.100.0/24");
    bad[8].server.server = prefix_of("2001:db8::53");
    good[8].server.server = prefix_of("2001:db8:2::/64");
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(let(protected, &bad[i], 1, i), 0);
        assert_int_equal(protected_hosts_refused(protected), ++count);
        assert_int_equal(let(protected, &good[i], 1, i), 1);
    }
    protected_hosts_free(protected);
}

static void
what_is_refused_is_told_until_it_is_not_asked_for_any_more(void **state)
{
    (void)state;
    struct protected_hosts *protected = protected_hosts_new(fixed, 3, false);
    struct rule rules[] = {rule_of(RULE_ISOLATE, "bad"), rule_of(RULE_ISOLATE, "good")};
    rules[0].isolate.mac = mac_of("02:00:00:00:00:01");
    rules[1].isolate.mac = mac_of("02:00:00:00:00:09");
    assert_int_equal(let(protected, rules, 2, 0), 1);
    struct wire_observed observed = {.is_last = true};
    protected_hosts_report(protected, &observed);
    assert_int_equal(observed.rule_count, 1);
    assert_string_equal(observed.rules[0].id, "bad");
    assert_int_equal(observed.rules[0].state, RULE_FAILED);
    assert_string_equal(observed.rules[0].why, PROTECTED_REFUSAL);
    free(observed.rules);
    struct wire_desired_removal gone = {.id = "bad"};
    const struct wire_desired removal = {
        .generation = 2, .base = 1, .is_last = true, .remove = &gone, .remove_count = 1};
    struct wire_desired out;
    assert_int_equal(protected_hosts_filter(protected, &removal, &out), 0);
    assert_int_equal(out.remove_count, 1);
    free(out.add);
    observed = (struct wire_observed){.is_last = true};
    protected_hosts_report(protected, &observed);
    assert_int_equal(observed.rule_count, 0);
    protected_hosts_free(protected);
}

static void
a_protect_rule_counts_wherever_it_stands_until_it_goes(void **state)
{
    (void)state;
    struct protected_hosts *protected = protected_hosts_new(NULL, 0, true);
    struct protected_hosts *deaf = protected_hosts_new(NULL, 0, false);
    struct rule rules[] = {rule_of(RULE_ISOLATE, "c"), rule_of(RULE_PROTECT, "p")};
    rules[0].isolate.mac = rules[1].protect.mac = mac_of("02:00:00:00:00:05");
    assert_int_equal(let(protected, rules, 2, 0), 1);
    assert_int_equal(let(deaf, rules, 2, 0), 2);
    assert_int_equal(let(protected, rules, 1, 1), 0); /* a delta: still protected */
    struct wire_desired_removal gone = {.id = "p"};
    const struct wire_desired change = {.generation = 3,
                                        .base = 2,
                                        .is_last = true,
                                        .add = rules,
                                        .add_count = 1,
                                        .remove = &gone,
                                        .remove_count = 1};
    struct wire_desired out;
    assert_int_equal(protected_hosts_filter(protected, &change, &out), 0);
    free(out.add);
    assert_int_equal(let(protected, rules, 2, 3), 1);
    assert_int_equal(let(protected, rules, 1, 0), 1); /* a snapshot without it */
    protected_hosts_free(protected);
    protected_hosts_free(deaf);
}

static void
only_macs_addresses_and_prefixes_are_read(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "gateway", "00:00:00:00:00:00", "192.0.2.1/33", "1.2.3"};
    struct rule_protect protect;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(protected_host_parse(bad[i], &protect));
    }
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        assert_true(protected_host_parse(fixed[i], &protect));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_block_of_a_protected_host_is_refused_and_its_twin_goes_on),
        cmocka_unit_test(what_is_refused_is_told_until_it_is_not_asked_for_any_more),
        cmocka_unit_test(a_protect_rule_counts_wherever_it_stands_until_it_goes),
        cmocka_unit_test(only_macs_addresses_and_prefixes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
