/* Desired states: parts put together again are the whole, and two changes made one have the effect
 * of both after each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/desired_set.h"
#include "wire/message.h"

/* Isolations "a b c" to add, and ids "x y" to remove; finished with wire_fini. */
static struct wire_desired
make(uint64_t base, uint64_t generation, const char *add, const char *remove)
{
    struct wire_desired made = {
        .switch_name = "e1", .epoch = 1, .base = base, .generation = generation, .is_last = true};
    made.add = mem_new(strlen(add) + 1, sizeof(*made.add));
    made.remove = mem_new(strlen(remove) + 1, sizeof(*made.remove));
    for (const char *c = add; *c; c++) {
        if (*c != ' ') {
            struct rule *rule = &made.add[made.add_count++];
            rule->id[0] = *c;
            rule->isolate.mac.b[5] = (uint8_t)*c;
            rule->isolate.address_count = 1; /* something owned */
            rule->isolate.addresses = mem_new(1, sizeof(struct ip));
            rule->isolate.addresses[0].b[15] = (uint8_t)*c;
        }
    }
    for (const char *c = remove; *c; c++) {
        if (*c != ' ') {
            made.remove[made.remove_count++].id[0] = *c;
        }
    }
    return made;
}

static void
assert_sets(const struct wire_desired *desired, const char *add, const char *remove)
{
    char adds[64] = "", removes[64] = "";
    for (size_t i = 0; i < desired->add_count; i++) {
        assert_int_equal(desired->add[i].isolate.addresses[0].b[15], desired->add[i].id[0]);
        strcat(adds, desired->add[i].id);
    }
    for (size_t i = 0; i < desired->remove_count; i++) {
        strcat(removes, desired->remove[i].id);
    }
    assert_string_equal(adds, add);
    assert_string_equal(removes, remove);
}

/* A switch that holds the rules of 'first' applies 'first' merged with 'second'. */
static void
merge(struct wire_desired first, struct wire_desired second, const char *add, const char *remove)
{
    assert_true(desired_merge(&first, &second));
    assert_sets(&first, add, remove);
    assert_int_equal(first.generation, second.generation);
    wire_fini(WIRE_DESIRED, &first);
    wire_fini(WIRE_DESIRED, &second);
}

static void
test_a_copy_is_its_own(void **state)
{
    (void)state;
    struct wire_desired from = make(0, 5, "abc", "x"), to;
    desired_copy(&to, &from);
    assert_ptr_not_equal(to.add[0].isolate.addresses, from.add[0].isolate.addresses);
    wire_fini(WIRE_DESIRED, &from);
    assert_sets(&to, "abc", "x");
    wire_fini(WIRE_DESIRED, &to);
    from = make(0, 5, "", "");
    desired_copy(&to, &from);
    assert_null(to.add);
    assert_null(to.remove);
    wire_fini(WIRE_DESIRED, &from);
    wire_fini(WIRE_DESIRED, &to);
}

static void
test_merging_onto_a_snapshot(void **state)
{
    (void)state;
    merge(make(0, 5, "abc", ""), make(5, 6, "d", ""), "abcd", "");
    merge(make(0, 5, "abc", ""), make(5, 6, "", "b"), "ac", ""); /* removed by not naming */
    merge(make(0, 5, "abc", ""), make(5, 6, "bd", "a"), "cbd", "");
    merge(make(0, 5, "", ""), make(5, 6, "a", "z"), "a", "");
}

static void
test_merging_onto_a_delta(void **state)
{
    (void)state;
    merge(make(4, 5, "a", ""), make(5, 6, "b", ""), "ab", "");
    merge(make(4, 5, "a", ""), make(5, 6, "", "a"), "", "a"); /* may have been there before */
    merge(make(4, 5, "", "a"), make(5, 6, "a", ""), "a", "");
    merge(make(4, 5, "a", "x"), make(5, 6, "b", "y"), "ab", "xy");
    merge(make(4, 5, "ab", "x"), make(5, 6, "x", "a"), "bx", "a");
}

static void
test_a_snapshot_replaces_everything(void **state)
{
    (void)state;
    merge(make(4, 5, "abc", "x"), make(0, 9, "z", ""), "z", "");
    merge(make(0, 5, "abc", ""), make(0, 2, "", ""), "", ""); /* also an older one: its own line */
}

static void
test_what_does_not_follow_is_refused(void **state)
{
    (void)state;
    struct wire_desired first = make(4, 5, "a", "x");
    struct wire_desired gap = make(6, 7, "b", "");
    struct wire_desired old = make(5, 6, "b", "");
    first.epoch = 3;
    gap.epoch = 3;
    old.epoch = 2;
    assert_false(desired_merge(&first, &gap));
    assert_false(desired_merge(&first, &old));
    assert_sets(&first, "a", "x");
    assert_int_equal(first.generation, 5);
    old.epoch = 4;
    old.is_suspended = true;
    assert_true(desired_merge(&first, &old));
    assert_int_equal(first.epoch, 4);
    assert_true(first.is_suspended);
    wire_fini(WIRE_DESIRED, &first);
    wire_fini(WIRE_DESIRED, &gap);
    wire_fini(WIRE_DESIRED, &old);
}

struct sink {
    struct wire_desired whole;
    size_t parts, stop_after;
    bool is_complete;
};

/* As the other end does: the part as a frame, then collected. */
static bool
take(void *context, const struct wire_desired *part)
{
    struct sink *sink = context;
    struct codec_error error;
    struct wire_desired read;
    if (sink->parts == sink->stop_after) {
        return false;
    }
    cJSON *json = wire_encode(WIRE_DESIRED, part);
    char *text = cJSON_PrintUnformatted(json);
    assert_true(strlen(text) <= WIRE_FRAME_MAX);
    assert_int_equal(wire_decode(WIRE_DESIRED, json, &read, &error), 0);
    assert_false(sink->is_complete); /* nothing after the last */
    sink->is_complete = desired_collect(&sink->whole, &read);
    sink->parts++;
    wire_fini(WIRE_DESIRED, &read);
    cJSON_free(text);
    cJSON_Delete(json);
    return true;
}

/* Rules as long as they get, of characters that JSON writes twice as long. */
static struct wire_desired
make_large(size_t count)
{
    struct wire_desired made = {.switch_name = "e1", .epoch = 1, .generation = 7, .is_last = true};
    made.add = mem_new(count, sizeof(*made.add));
    made.add_count = count;
    for (size_t i = 0; i < count; i++) {
        struct rule *rule = &made.add[i];
        snprintf(rule->id, sizeof(rule->id), "%098zu/02:00:00:00", i);
        rule->isolate.mac.b[5] = 1;
        rule->isolate.reason = mem_new(TEXT_SIZE, 1);
        memset(rule->isolate.reason, '"', TEXT_SIZE - 1);
        memset(rule->isolate.permit_set, '"', sizeof(rule->isolate.permit_set) - 1);
        memset(rule->isolate.port, '"', sizeof(rule->isolate.port) - 1);
        rule->isolate.address_count = RULE_ADDRESSES_MAX;
        rule->isolate.addresses = mem_new(RULE_ADDRESSES_MAX, sizeof(struct ip));
        memset(rule->isolate.addresses, 0x2d, RULE_ADDRESSES_MAX * sizeof(struct ip));
    }
    return made;
}

static void
test_a_large_snapshot_goes_in_parts(void **state)
{
    (void)state;
    struct wire_desired large = make_large(1000);
    struct sink sink = {.stop_after = 1000};
    assert_true(desired_send(&large, take, &sink));
    assert_true(sink.is_complete);
    assert_true(sink.parts > 1);
    assert_int_equal(sink.parts, desired_part_count(&large));
    assert_int_equal(sink.whole.add_count, large.add_count);
    for (size_t i = 0; i < large.add_count; i++) {
        assert_string_equal(sink.whole.add[i].id, large.add[i].id);
        assert_string_equal(sink.whole.add[i].isolate.reason, large.add[i].isolate.reason);
    }
    wire_fini(WIRE_DESIRED, &sink.whole);
    struct sink full = {.stop_after = 1};
    assert_false(desired_send(&large, take, &full)); /* stops where it is not taken */
    assert_int_equal(full.parts, 1);
    assert_false(full.is_complete);
    wire_fini(WIRE_DESIRED, &full.whole);
    wire_fini(WIRE_DESIRED, &large);
}

/* Who puts a snapshot together in parts sends the last of them last. */
static void
test_a_part_is_not_the_end(void **state)
{
    (void)state;
    struct wire_desired first = make_large(300);
    struct wire_desired second = make(0, 7, "a", "");
    struct sink sink = {.stop_after = 1000};
    first.is_last = false;
    second.is_last = true;
    assert_true(desired_send(&first, take, &sink));
    assert_true(sink.parts > 1);
    assert_false(sink.is_complete);
    assert_true(desired_send(&second, take, &sink));
    assert_true(sink.is_complete);
    assert_int_equal(sink.whole.add_count, 301);
    wire_fini(WIRE_DESIRED, &sink.whole);
    wire_fini(WIRE_DESIRED, &first);
    wire_fini(WIRE_DESIRED, &second);
}

static void
test_small_states_are_one_part(void **state)
{
    (void)state;
    static const char *const adds[] = {"", "a", "abc"};
    for (size_t i = 0; i < COUNT_OF(adds); i++) {
        struct wire_desired small = make(0, 5, adds[i], "");
        struct sink sink = {.stop_after = 9};
        assert_int_equal(desired_part_count(&small), 1);
        assert_true(desired_send(&small, take, &sink));
        assert_true(sink.is_complete && sink.parts == 1);
        assert_sets(&sink.whole, adds[i], "");
        wire_fini(WIRE_DESIRED, &sink.whole);
        wire_fini(WIRE_DESIRED, &small);
    }
}

static void
test_more_removals_than_one_frame_takes(void **state)
{
    (void)state;
    struct wire_desired delta = make(4, 5, "a", "");
    free(delta.remove);
    delta.remove = mem_new(DESIRED_RULES_MAX + 1, sizeof(*delta.remove));
    delta.remove_count = DESIRED_RULES_MAX;
    assert_int_equal(desired_part_count(&delta), 1);
    delta.remove_count++;
    assert_true(desired_part_count(&delta) > 1); /* so the sender makes a snapshot of it */
    wire_fini(WIRE_DESIRED, &delta);
}

static void
test_a_part_of_another_generation_begins_again(void **state)
{
    (void)state;
    struct wire_desired whole = {.epoch = 0};
    struct wire_desired first = make(0, 5, "ab", ""), other = make(0, 6, "c", "");
    struct wire_desired last = make(0, 6, "d", ""), next = make(0, 6, "e", "");
    first.is_last = false;
    other.is_last = false;
    assert_false(desired_collect(&whole, &first));
    assert_false(desired_collect(&whole, &other));
    assert_sets(&whole, "c", "");
    assert_true(desired_collect(&whole, &last));
    assert_sets(&whole, "cd", "");
    assert_true(desired_collect(&whole, &next)); /* complete: the next is a new one */
    assert_sets(&whole, "e", "");
    wire_fini(WIRE_DESIRED, &whole);
    wire_fini(WIRE_DESIRED, &first);
    wire_fini(WIRE_DESIRED, &other);
    wire_fini(WIRE_DESIRED, &last);
    wire_fini(WIRE_DESIRED, &next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_its_own),
        cmocka_unit_test(test_merging_onto_a_snapshot),
        cmocka_unit_test(test_merging_onto_a_delta),
        cmocka_unit_test(test_a_snapshot_replaces_everything),
        cmocka_unit_test(test_what_does_not_follow_is_refused),
        cmocka_unit_test(test_a_large_snapshot_goes_in_parts),
        cmocka_unit_test(test_a_part_is_not_the_end),
        cmocka_unit_test(test_small_states_are_one_part),
        cmocka_unit_test(test_more_removals_than_one_frame_takes),
        cmocka_unit_test(test_a_part_of_another_generation_begins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
