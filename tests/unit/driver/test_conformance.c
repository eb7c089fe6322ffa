/* The driver contract, held against every driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "driver/dummy.h"
#include "wire/message.h"

#define DEADLINE_MS 4000

static enum bench_kind kind_now;
static uint64_t past_generation;

static int
setup(void **state)
{
    char why[256];
    struct bench *bench = bench_new(kind_now, why);
    if (!bench) {
        fail_msg("no bench: %s", why);
    }
    /* A real edge keeps what earlier tests gave it. */
    past_generation = bench->generation > past_generation ? bench->generation : past_generation;
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static struct rule
isolate(int number)
{
    static char reason[] = "test";
    struct rule rule = {.kind = RULE_ISOLATE};
    snprintf(rule.id, sizeof(rule.id), "01CONTAINMENT%013d/mac#1", number);
    rule.isolate.mac =
        (struct mac){{2, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
    rule.isolate.reason = reason; /* lent: nobody frees these */
    return rule;
}

/* Applies; 'observed' is finished by the caller. */
static int
apply(struct bench *bench, uint64_t base, uint64_t generation, struct rule *add, size_t count,
      const char *remove, struct wire_observed *observed)
{
    struct wire_desired_removal removal = {.id = ""};
    struct wire_desired desired = {.epoch = bench->epoch + 1,
                                   .generation = generation,
                                   .base = base,
                                   .is_last = true,
                                   .add = add,
                                   .add_count = count};
    snprintf(desired.switch_name, sizeof(desired.switch_name), "%s", bench->device->config.name);
    if (remove) {
        snprintf(removal.id, sizeof(removal.id), "%s", remove);
        desired.remove = &removal;
        desired.remove_count = 1;
    }
    return bench->device->driver->apply(bench->device, &desired, DEADLINE_MS, observed);
}

static uint64_t
next_generation(void)
{
    return past_generation = past_generation + 1;
}

/* The new generation, after a snapshot that must succeed. */
static uint64_t
snapshot(struct bench *bench, struct rule *rules, size_t count)
{
    struct wire_observed observed;
    uint64_t generation = next_generation();
    assert_int_equal(apply(bench, 0, generation, rules, count, NULL, &observed), 0);
    assert_int_equal(observed.generation, generation);
    assert_int_equal(observed.rule_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(observed.rules[i].state == RULE_APPLIED ||
                    observed.rules[i].state == RULE_VERIFIED);
    }
    wire_fini(WIRE_OBSERVED, &observed);
    return generation;
}

/* What the switch says of one rule when it is read back. */
static enum rule_state
read_state(struct bench *bench, const char *id, size_t *total)
{
    struct wire_observed observed;
    enum rule_state state = RULE_ABSENT;
    assert_int_equal(bench->device->driver->read_back(bench->device, DEADLINE_MS, &observed), 0);
    assert_true(observed.is_full);
    assert_true(observed.is_last);
    for (size_t i = 0; i < observed.rule_count; i++) {
        if (strcmp(observed.rules[i].id, id) == 0) {
            state = observed.rules[i].state;
        }
    }
    *total = observed.rule_count;
    wire_fini(WIRE_OBSERVED, &observed);
    return state;
}

/* One sum for one set of rules, whatever the order in which they came; another for another one. */
static void
test_its_sum_is_of_what_it_holds(void **state)
{
    struct bench *bench = *state;
    static const char key[] = "00112233445566778899aabbccddeeff";
    struct rule rules[3] = {isolate(1), isolate(2), isolate(3)};
    struct rule turned[3] = {rules[2], rules[0], rules[1]};
    struct rule_digest digests[3];
    char expected[RULES_SUM_SIZE];
    const struct driver *driver = bench->device->driver;
    for (size_t i = 0; i < 3; i++) {
        rule_digest(&rules[i], &digests[i]);
    }
    assert_true(rules_sum(digests, 3, key, expected));
    for (size_t i = 0; i < 3; i++) {
        struct wire_observed observed;
        snapshot(bench, i == 0 ? rules : turned, i == 2 ? 2 : 3);
        assert_int_equal(driver->sum(bench->device, key, DEADLINE_MS, &observed), 0);
        assert_int_equal(strcmp(observed.sum, expected) == 0, i < 2);
        assert_int_equal(observed.rule_count, 0); /* all of it simply proven */
        wire_fini(WIRE_OBSERVED, &observed);
    }
}

static void
test_a_snapshot_is_held_exactly(void **state)
{
    struct bench *bench = *state;
    struct rule rules[3] = {isolate(1), isolate(2), isolate(3)};
    size_t total;
    snapshot(bench, rules, 3);
    assert_true(read_state(bench, rules[1].id, &total) >= RULE_APPLIED);
    assert_int_equal(total, 3);
    snapshot(bench, rules, 3); /* again: the same */
    (void)read_state(bench, rules[1].id, &total);
    assert_int_equal(total, 3);
    snapshot(bench, &rules[1], 1); /* what it does not name goes */
    assert_int_equal(read_state(bench, rules[0].id, &total), RULE_ABSENT);
    assert_int_equal(total, 1);
    snapshot(bench, NULL, 0);
    (void)read_state(bench, "", &total);
    assert_int_equal(total, 0);
}

/* Before a controller that lost its memory takes anything away: what blocks, whole, and only that.
 */
static void
test_what_blocks_is_told_whole(void **state)
{
    struct bench *bench = *state;
    struct wire_observed observed;
    struct rule rules[6] = {isolate(1), isolate(2), isolate(3), isolate(4), isolate(5)};
    rules[5] = (struct rule){.kind = RULE_PROTECT, .id = "protect/x#1"};
    rules[5].protect.mac = (struct mac){{2, 9, 9, 9, 9, 9}};
    rules[4].expires_s = 600;
    snapshot(bench, rules, 6);
    assert_int_equal(bench->device->driver->held(bench->device, DEADLINE_MS, &observed), 0);
    assert_true(observed.is_last);
    assert_int_equal(observed.held_count, 5);
    bool has[6] = {false};
    for (size_t i = 0; i < observed.held_count; i++) {
        const struct rule *rule = &observed.held[i];
        int number = rule->isolate.mac.b[5];
        assert_int_equal(rule->kind, RULE_ISOLATE);
        assert_true(number >= 1 && number <= 5 && !has[number]);
        has[number] = true;
        assert_string_equal(rule->id, rules[number - 1].id);
        assert_string_equal(rule->isolate.reason, "test");
        assert_true(number == 5 ? rule->expires_s > 500 && rule->expires_s <= 600
                                : rule->expires_s == 0);
    }
    wire_fini(WIRE_OBSERVED, &observed);
    size_t total;
    assert_true(read_state(bench, rules[1].id, &total) >= RULE_APPLIED); /* and nothing changed */
    assert_int_equal(total, 6);
    snapshot(bench, NULL, 0);
}

static void
test_a_delta_adds_and_removes(void **state)
{
    struct bench *bench = *state;
    struct rule rules[3] = {isolate(1), isolate(2), isolate(3)};
    struct wire_observed observed;
    size_t total;
    uint64_t base = snapshot(bench, rules, 2);
    uint64_t next = next_generation();
    assert_int_equal(apply(bench, base, next, &rules[2], 1, rules[0].id, &observed), 0);
    assert_int_equal(observed.generation, next);
    assert_int_equal(observed.rule_count, 1);
    wire_fini(WIRE_OBSERVED, &observed);
    assert_int_equal(read_state(bench, rules[0].id, &total), RULE_ABSENT);
    assert_true(read_state(bench, rules[1].id, &total) >= RULE_APPLIED);
    assert_true(read_state(bench, rules[2].id, &total) >= RULE_APPLIED);
    assert_int_equal(total, 2);
}

static void
test_a_delta_on_another_base_asks_for_a_snapshot(void **state)
{
    struct bench *bench = *state;
    struct rule rules[2] = {isolate(1), isolate(2)};
    struct wire_observed observed;
    size_t total;
    snapshot(bench, rules, 1);
    int error = apply(bench, past_generation + 77, past_generation + 78, &rules[1], 1, rules[0].id,
                      &observed);
    assert_int_equal(error, -EAGAIN);
    assert_true(observed.needs_snapshot);
    wire_fini(WIRE_OBSERVED, &observed);
    assert_true(read_state(bench, rules[0].id, &total) >= RULE_APPLIED);
    assert_int_equal(total, 1);
}

static void
test_a_lower_epoch_is_refused(void **state)
{
    struct bench *bench = *state;
    struct rule rule = isolate(1);
    struct wire_observed observed;
    size_t total;
    bench->epoch += 5;
    snapshot(bench, &rule, 1);
    bench->epoch -= 3;
    uint64_t next = next_generation();
    assert_int_equal(apply(bench, 0, next, NULL, 0, NULL, &observed), -ESTALE);
    assert_int_equal(observed.epoch, bench->epoch + 4);
    wire_fini(WIRE_OBSERVED, &observed);
    bench->epoch += 3;
    assert_true(read_state(bench, rule.id, &total) >= RULE_APPLIED);
}

static void
test_what_is_altered_behind_it_is_seen_and_mended(void **state)
{
    struct bench *bench = *state;
    struct rule rules[2] = {isolate(1), isolate(2)};
    struct rule foreign = isolate(9);
    size_t total;
    if (!bench->memory) {
        skip();
    }
    snapshot(bench, rules, 2);
    assert_true(dummy_remove(bench->memory, rules[0].id));
    assert_true(dummy_break(bench->memory, rules[1].id));
    assert_true(dummy_add(bench->memory, &foreign));
    assert_int_equal(read_state(bench, rules[0].id, &total), RULE_ABSENT);
    assert_int_equal(read_state(bench, rules[1].id, &total), RULE_FAILED);
    assert_true(read_state(bench, foreign.id, &total) >= RULE_APPLIED);
    snapshot(bench, rules, 2);
    assert_true(read_state(bench, rules[0].id, &total) >= RULE_APPLIED);
    assert_true(read_state(bench, rules[1].id, &total) >= RULE_APPLIED);
    assert_int_equal(total, 2);
    assert_true(dummy_drops(bench->memory, "p1", &rules[0].isolate.mac, NULL));
    assert_false(dummy_drops(bench->memory, "p1", &foreign.isolate.mac, NULL));
}

static void
test_a_protected_host_is_not_blocked(void **state)
{
    struct bench *bench = *state;
    struct rule rules[3] = {isolate(1), isolate(2), {.kind = RULE_PROTECT}};
    struct wire_observed observed;
    snprintf(rules[2].id, sizeof(rules[2].id), "protect/two#1");
    rules[2].protect.mac = rules[1].isolate.mac;
    uint64_t next = next_generation();
    assert_int_not_equal(apply(bench, 0, next, rules, 3, NULL, &observed), 0);
    for (size_t i = 0; i < observed.rule_count; i++) {
        bool is_protected = strcmp(observed.rules[i].id, rules[1].id) == 0;
        assert_int_equal(observed.rules[i].state == RULE_FAILED, is_protected);
        assert_int_equal(observed.rules[i].why[0] != '\0', is_protected);
    }
    assert_int_equal(observed.rule_count, 3);
    wire_fini(WIRE_OBSERVED, &observed);
}

static void
test_suspended_it_holds_rules_and_drops_nothing(void **state)
{
    struct bench *bench = *state;
    struct rule rule = isolate(1);
    struct wire_observed observed;
    uint64_t base = snapshot(bench, &rule, 1);
    struct wire_desired desired = {.epoch = bench->epoch + 1,
                                   .base = base,
                                   .generation = next_generation(),
                                   .is_last = true,
                                   .is_suspended = true};
    snprintf(desired.switch_name, sizeof(desired.switch_name), "%s", bench->device->config.name);
    const struct driver *driver = bench->device->driver;
    assert_int_equal(driver->apply(bench->device, &desired, DEADLINE_MS, &observed), 0);
    assert_true(observed.is_suspended);
    wire_fini(WIRE_OBSERVED, &observed);
    if (bench->memory) {
        assert_false(dummy_drops(bench->memory, "p1", &rule.isolate.mac, NULL));
    }
    desired.base = desired.generation;
    desired.generation = next_generation();
    desired.is_suspended = false;
    assert_int_equal(driver->apply(bench->device, &desired, DEADLINE_MS, &observed), 0);
    assert_false(observed.is_suspended);
    wire_fini(WIRE_OBSERVED, &observed);
    if (bench->memory) {
        assert_true(dummy_drops(bench->memory, "p1", &rule.isolate.mac, NULL));
    }
}

static void
test_a_rule_expires_by_the_switch_itself(void **state)
{
    struct bench *bench = *state;
    struct rule rules[2] = {isolate(1), isolate(2)};
    size_t total;
    if (!bench->memory) {
        skip();
    }
    rules[0].expires_s = 60;
    snapshot(bench, rules, 2);
    clock_fake_advance(&bench->clock, 40 * 1000000);
    assert_true(read_state(bench, rules[0].id, &total) >= RULE_APPLIED);
    bench->clock.wall_now_us += INT64_C(365) * 86400 * 1000000; /* a wall clock that jumps */
    assert_true(read_state(bench, rules[0].id, &total) >= RULE_APPLIED);
    clock_fake_advance(&bench->clock, 30 * 1000000);
    assert_int_equal(read_state(bench, rules[0].id, &total), RULE_ABSENT);
    assert_true(read_state(bench, rules[1].id, &total) >= RULE_APPLIED);
}

static void
test_full_says_which_rules_are_missing(void **state)
{
    struct bench *bench = *state;
    struct rule rules[10];
    struct wire_observed observed;
    size_t total;
    if (bench->kind != BENCH_SMALL) {
        skip();
    }
    for (int i = 0; i < 10; i++) {
        rules[i] = isolate(i + 1);
    }
    uint64_t next = next_generation();
    assert_int_equal(apply(bench, 0, next, rules, 10, NULL, &observed), -ENOSPC);
    size_t failed = 0;
    for (size_t i = 0; i < observed.rule_count; i++) {
        failed += observed.rules[i].state == RULE_FAILED;
        if (observed.rules[i].state == RULE_FAILED) {
            assert_non_null(strstr(observed.rules[i].why, "full"));
        }
    }
    assert_int_equal(failed, 2);
    wire_fini(WIRE_OBSERVED, &observed);
    (void)read_state(bench, "", &total);
    assert_int_equal(total, 8);
    snapshot(bench, &rules[2], 8); /* the last two take the place of the first two */
}

static void
test_what_it_cannot_match_is_refused(void **state)
{
    struct bench *bench = *state;
    struct rule rule = {.kind = RULE_BLOCK_SERVER, .id = "01SERVER/server#1"};
    struct wire_observed observed;
    assert_true(prefix_parse("198.51.100.7", &rule.server.server));
    int error = apply(bench, 0, next_generation(), &rule, 1, NULL, &observed);
    assert_int_equal(error != 0, bench->kind == BENCH_SMALL);
    assert_int_equal(observed.rule_count, 1);
    assert_int_equal(observed.rules[0].state == RULE_FAILED, bench->kind == BENCH_SMALL);
    wire_fini(WIRE_OBSERVED, &observed);
}

static void
test_thousands_of_rules(void **state)
{
    struct bench *bench = *state;
    size_t total;
    size_t count = 5000;
    if (bench->kind != BENCH_EDGE) {
        skip();
    }
    struct rule *rules = calloc(count, sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        rules[i] = isolate((int)i + 1);
    }
    snapshot(bench, rules, count);
    assert_true(read_state(bench, rules[count - 1].id, &total) >= RULE_APPLIED);
    assert_int_equal(total, count);
    snapshot(bench, NULL, 0);
    free(rules);
}

static void
test_the_deadline_holds(void **state)
{
    struct bench *bench = *state;
    struct wire_observed observed;
    if (bench->kind == BENCH_DUMMY || !bench->memory) {
        skip();
    }
    bench_silence(bench);
    int error = bench->device->driver->read_back(bench->device, 50, &observed);
    assert_int_equal(error, -ETIMEDOUT);
    wire_fini(WIRE_OBSERVED, &observed);
}

static void
test_disconnected_is_said_at_once(void **state)
{
    struct bench *bench = *state;
    struct wire_observed observed;
    if (!bench->memory) {
        skip();
    }
    bench_disconnect(bench);
    int error = apply(bench, 0, next_generation(), NULL, 0, NULL, &observed);
    assert_int_equal(error, -ENOTCONN);
    wire_fini(WIRE_OBSERVED, &observed);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        EACH(test_a_snapshot_is_held_exactly),
        EACH(test_its_sum_is_of_what_it_holds),
        EACH(test_what_blocks_is_told_whole),
        EACH(test_a_delta_adds_and_removes),
        EACH(test_a_delta_on_another_base_asks_for_a_snapshot),
        EACH(test_a_lower_epoch_is_refused),
        EACH(test_what_is_altered_behind_it_is_seen_and_mended),
        EACH(test_a_protected_host_is_not_blocked),
        EACH(test_suspended_it_holds_rules_and_drops_nothing),
        EACH(test_a_rule_expires_by_the_switch_itself),
        EACH(test_full_says_which_rules_are_missing),
        EACH(test_what_it_cannot_match_is_refused),
        EACH(test_thousands_of_rules),
        EACH(test_the_deadline_holds),
        EACH(test_disconnected_is_said_at_once),
    };
    static const struct {
        const char *name;
        enum bench_kind kind;
    } kinds[] = {{"dummy", BENCH_DUMMY}, {"small", BENCH_SMALL}, {"edge", BENCH_EDGE}};
    int failed = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (count < 2 || strcmp(words[1], kinds[i].name) == 0) {
            kind_now = kinds[i].kind;
            failed += cmocka_run_group_tests_name(kinds[i].name, tests, NULL, NULL);
        }
    }
    return failed;
}
