/* One sum over a set of rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "wire/rule_sum.h"

static struct rule
block(const char *id, uint8_t last)
{
    struct rule rule = {.kind = RULE_BLOCK_PAIR};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    rule.pair.mac = (struct mac){{2, 0, 0, 0, 0, last}};
    return rule;
}

static void
sum_of(const struct rule *rules, size_t count, const char *key, char sum[RULES_SUM_SIZE])
{
    struct rule_digest digests[8];
    for (size_t i = 0; i < count; i++) {
        rule_digest(&rules[i], &digests[i]);
    }
    assert_true(rules_sum(digests, count, key, sum));
}

static void
says_which_rules_and_nothing_else(void **state)
{
    (void)state;
    char sum[RULES_SUM_SIZE], other[RULES_SUM_SIZE];
    struct rule rules[4] = {block("a", 1), block("b", 2), block("c", 3), block("a", 1)};
    struct rule turned[3] = {rules[2], rules[0], rules[1]};
    sum_of(rules, 3, "k", sum);
    assert_int_equal(strlen(sum), RULES_SUM_SIZE - 1);
    sum_of(turned, 3, "k", other);
    assert_string_equal(sum, other);
    sum_of(rules, 4, "k", other); /* twice is once */
    assert_string_equal(sum, other);
    rules[1].expires_s = 77; /* that it ends is part of it, how soon is not */
    sum_of(rules, 3, "k", other);
    assert_string_not_equal(sum, other);
    memcpy(sum, other, sizeof(sum));
    rules[1].expires_s = 1;
    sum_of(rules, 3, "k", other);
    assert_string_equal(sum, other);
    sum_of(rules, 3, "l", other);
    assert_string_not_equal(sum, other);
    sum_of(rules, 2, "k", other);
    assert_string_not_equal(sum, other);
    rules[1].pair.mac.b[5] = 9; /* the same id, another content */
    sum_of(rules, 3, "k", other);
    assert_string_not_equal(sum, other);
    sum_of(NULL, 0, "k", other);
    assert_string_not_equal(sum, other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_which_rules_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
