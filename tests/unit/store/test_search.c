/* Looking for containments that ended, among more than anybody reads. */
#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 6000

/* Until the next call.  The number'th: they end in this order; every tenth is a server block, every
 * third expired. */
static struct containment
numbered(size_t number)
{
    static char reason[TEXT_SIZE];
    struct containment c = {
        .action = number % 10 == 0 ? ACTION_BLOCK_SERVER : ACTION_ISOLATE,
        .state = number % 3 == 0 ? CONTAINMENT_EXPIRED : CONTAINMENT_RELEASED,
        .requested_us = 1700000000000000 + (int64_t)number,
        .ended_us = 1700000001000000 + (int64_t)number,
        .subject_mac = {{2, 0xab, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}}};
    snprintf(c.id, sizeof(c.id), "01CONTAINMENT%06zu", MANY - number); /* not in order of time */
    snprintf(c.case_number, sizeof(c.case_number), "C-%06zu", number);
    snprintf(c.endpoint_id, sizeof(c.endpoint_id), "e-%zu", number % 100);
    snprintf(reason, sizeof(reason), "Beacon to host-%zu.evil.example, 100%% \"sure\"", number);
    c.reason = reason;
    return c;
}

static int
begin(void **state)
{
    setup(state);
    struct fixture *f = *state;
    open_store(f);
    struct store_change *change = store_change_new();
    for (size_t i = 0; i < MANY; i++) {
        struct containment c = numbered(i);
        store_put_containment(change, &c);
    }
    submit(f, change);
    return 0;
}

struct found {
    size_t count;
    char first[16], last[16]; /* case numbers */
    uint64_t number, before;  /* of the last one */
};

static void
on_found(void *context, const struct containment *c, uint64_t number)
{
    struct found *found = context;
    found->number = number;
    snprintf(found->count++ == 0 ? found->first : found->last, sizeof(found->last), "%s",
             c->case_number);
}

static uint64_t
search(struct fixture *f, const struct store_question *asked, struct found *found)
{
    uint64_t total = 0;
    struct store_question question = *asked;
    question.limit = question.limit ? question.limit : 10;
    *found = (struct found){.count = 0};
    assert_int_equal(
        store_search_ended(f->store, &question, &total, &found->before, on_found, found), 0);
    return total;
}

static void
test_pages_reach_the_oldest(void **state)
{
    struct found found;
    struct store_question question = {.limit = 100};
    assert_int_equal(search(*state, &question, &found), MANY);
    assert_int_equal(found.count, 100);
    assert_string_equal(found.first, "C-005999");
    assert_string_equal(found.last, "C-005900");
    question.limit = MANY - 50;
    assert_int_equal(search(*state, &question, &found), MANY);
    assert_int_equal(found.before, 0);
    question = (struct store_question){.after = found.number, .limit = 100};
    assert_int_equal(search(*state, &question, &found), MANY);
    assert_int_equal(found.before, MANY - 50);
    assert_int_equal(found.count, 50);
    assert_string_equal(found.first, "C-000049");
    assert_string_equal(found.last, "C-000000");
    question.after = found.number;
    assert_int_equal(search(*state, &question, &found), MANY);
    assert_int_equal(found.count, 0);
}

static void
test_each_condition_and_all_together(void **state)
{
    struct found found;
    assert_int_equal(
        search(*state, &(struct store_question){.state = "expired", .endpoint_id = ""}, &found),
        MANY / 3);
    assert_int_equal(search(*state, &(struct store_question){.action = "block_server"}, &found),
                     MANY / 10);
    assert_int_equal(search(*state, &(struct store_question){.endpoint_id = "e-7"}, &found),
                     MANY / 100);
    assert_int_equal(search(*state,
                            &(struct store_question){.state = "expired",
                                                     .action = "isolate",
                                                     .endpoint_id = "e-7",
                                                     .text = "host-7."},
                            &found),
                     0); /* the 7th was released */
    assert_int_equal(search(*state,
                            &(struct store_question){.state = "released",
                                                     .action = "isolate",
                                                     .endpoint_id = "e-7",
                                                     .text = "host-7."},
                            &found),
                     1);
    assert_string_equal(found.first, "C-000007");
}

static void
test_any_part_of_a_text_is_found(void **state)
{
    static const struct {
        const char *text;
        uint64_t total;
    } rows[] = {
        {"host-7.", 1},
        {"HOST-7.EVIL", 1},
        {"ost-599", 11},
        {"C-000007", 1},
        {"02:ab:00:00:00:07", 1},
        {"02-AB-00-00-00-07", 1},
        {"100% \"sure\"", MANY},
        {"\"", MANY},
        {"0%", MANY},
        {"_", 0},
        {"%_", 0},
        {"nobody", 0},
        {"\" OR \"", 0},
        {"host-7 OR host-8", 0},
        {"zz", 0},
        {"isolate", 0},
        {"01CONTAINMENT000001", 1},
    };
    struct found found;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t total = search(*state, &(struct store_question){.text = rows[i].text}, &found);
        if (total != rows[i].total) {
            fail_msg("'%s' finds %llu", rows[i].text, (unsigned long long)total);
        }
    }
}

/* What only topology knows of an endpoint is asked for by its id. */
static void
test_endpoints_that_a_text_means(void **state)
{
    static const char *const ids[] = {"e-7", "e-8"};
    struct found found;
    struct store_question question = {
        .text = "reception", .endpoint_ids = ids, .endpoint_count = 2};
    assert_int_equal(search(*state, &question, &found), 2 * MANY / 100);
    assert_string_equal(found.first, "C-005908");
    question.text = "host-5909.";
    assert_int_equal(search(*state, &question, &found), 2 * MANY / 100 + 1);
    assert_string_equal(found.first, "C-005909");
    question.text = "qz"; /* short ones too */
    assert_int_equal(search(*state, &question, &found), 2 * MANY / 100);
}

static void
test_one_is_found_by_id_and_by_case_number(void **state)
{
    struct fixture *f = *state;
    struct containment c;
    struct containment oldest = numbered(0); /* a server block */
    assert_true(store_find_ended(f->store, oldest.id, NULL, &c));
    assert_string_equal(c.case_number, "C-000000");
    containment_fini(&c);
    assert_true(store_find_ended(f->store, "C-000001", NULL, &c));
    assert_int_equal(c.ended_us, numbered(1).ended_us);
    containment_fini(&c);
    assert_true(store_find_ended(f->store, "C-000000", "block_server", &c));
    containment_fini(&c);
    assert_false(store_find_ended(f->store, "C-000001", "block_server", &c));
    assert_false(store_find_ended(f->store, "C-00000", NULL, &c));
    assert_false(store_find_ended(f->store, "", NULL, &c));
}

static void
test_what_changes_is_found_as_it_is_now(void **state)
{
    struct fixture *f = *state;
    struct found found;
    struct containment c = numbered(5);
    c.reason = (char *)"exfiltration";
    struct store_change *change = store_change_new();
    store_put_containment(change, &c);
    submit(f, change);
    assert_int_equal(search(f, &(struct store_question){.text = "filtra"}, &found), 1);
    assert_int_equal(search(f, &(struct store_question){.text = "host-5."}, &found), 0);
    c.ended_us = 0; /* a checked one is enforced after all */
    c.state = CONTAINMENT_REQUESTED;
    change = store_change_new();
    store_put_containment(change, &c);
    submit(f, change);
    assert_int_equal(search(f, &(struct store_question){.text = "filtra"}, &found), 0);
    assert_int_equal(search(f, &(struct store_question){.limit = 1}, &found), MANY - 1);
    assert_false(store_find_ended(f->store, c.id, NULL, &c));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_reach_the_oldest),
        cmocka_unit_test(test_each_condition_and_all_together),
        cmocka_unit_test(test_any_part_of_a_text_is_found),
        cmocka_unit_test(test_endpoints_that_a_text_means),
        cmocka_unit_test(test_one_is_found_by_id_and_by_case_number),
        cmocka_unit_test(test_what_changes_is_found_as_it_is_now),
    };
    return cmocka_run_group_tests(tests, begin, teardown);
}
