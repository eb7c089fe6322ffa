/* Lists of containments as the API gives them: live ones first, then those that ended, in pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asker.h"

#define OVER 12 /* contained and released */

struct fixture {
    struct asker asker;
    char case_numbers[OVER][16];
};

static const char *
text_of(const struct fixture *f, int index, const char *name)
{
    const cJSON *item = index < 0 ? f->asker.body : asker_item(&f->asker, index);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name));
    return text ? text : "";
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct wish_answer answer = {0};
    asker_open(&f->asker);
    campus_client(&f->asker.campus, "e1", "p2", 2, "10.1.0.2", "c2");
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(2), .account = "operator:ann"};
    for (size_t i = 0; i <= OVER; i++) {
        snprintf(wish.reason, sizeof(wish.reason), "reason number %zu", i);
        controller_wish(f->asker.campus.controller, &wish, campus_answer, &answer);
        campus_settle(&f->asker.campus);
        assert_int_equal(answer.result, WISH_DONE);
        if (i == OVER) {
            break; /* the last one stays */
        }
        const struct containment *c = controller_find(f->asker.campus.controller, answer.id);
        memcpy(f->case_numbers[i], c->case_number, sizeof(f->case_numbers[i]));
        controller_release(f->asker.campus.controller, answer.id, "operator:ann", "cleaned",
                           campus_answer, &answer);
        campus_pass(&f->asker.campus, 1000000);
    }
    campus_pass(&f->asker.campus, 3000000);
    campus_restart(&f->asker.campus); /* nothing of what ended is in memory now */
    asker_begin(&f->asker);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    asker_close(&f->asker);
    free(f);
    return 0;
}

static void
test_pages_go_from_the_live_to_the_oldest(void **state)
{
    struct fixture *f = *state;
    char asked[64];
    int seen = 0;
    assert_int_equal(asker_ask(&f->asker, "containments.list", "{}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), 1);
    for (int64_t next = 0; next >= 0; next = asker_number(&f->asker, "next")) {
        snprintf(asked, sizeof(asked), "{\"ended\":true,\"limit\":5,\"cursor\":%lld}",
                 (long long)next);
        assert_int_equal(asker_ask(&f->asker, "containments.list", asked), 200);
        assert_int_equal(asker_number(&f->asker, "total"), OVER + 1);
        for (int i = 0; i < asker_item_count(&f->asker); i++, seen++) {
            char reason[32];
            snprintf(reason, sizeof(reason), "reason number %d", OVER - seen);
            assert_string_equal(text_of(f, i, "reason"), reason);
        }
    }
    assert_int_equal(seen, OVER + 1);
}

static void
contain_and_release(struct fixture *f, const char *reason)
{
    struct wish_answer answer = {0};
    struct wish wish = {
        .action = ACTION_BLOCK_PAIR, .mac = campus_mac(2), .account = "operator:ann"};
    assert_true(prefix_parse("192.0.2.77", &wish.server));
    snprintf(wish.reason, sizeof(wish.reason), "%s", reason);
    controller_wish(f->asker.campus.controller, &wish, campus_answer, &answer);
    campus_settle(&f->asker.campus);
    assert_int_equal(answer.result, WISH_DONE);
    controller_release(f->asker.campus.controller, answer.id, "operator:ann", "at once",
                       campus_answer, &answer);
    campus_pass(&f->asker.campus, 1000000);
}

/* Between two pages containments begin and end: the rest of the list is given whole and once. */
static void
test_pages_lose_and_double_nothing_while_the_list_changes(void **state)
{
    struct fixture *f = *state;
    char asked[96];
    int64_t next = 0;
    int seen = 0;
    for (int page = 0; next >= 0; page++) {
        snprintf(asked, sizeof(asked), "{\"ended\":true,\"limit\":3,\"cursor\":%lld}",
                 (long long)next);
        assert_int_equal(asker_ask(&f->asker, "containments.list", asked), 200);
        next = asker_number(&f->asker, "next");
        for (int i = 0; i < asker_item_count(&f->asker); i++) {
            char reason[32];
            snprintf(reason, sizeof(reason), "reason number %d", OVER - seen);
            seen += strncmp(text_of(f, i, "reason"), "new", 3) != 0;
            assert_true(strcmp(text_of(f, i, "reason"), reason) == 0 ||
                        strncmp(text_of(f, i, "reason"), "new", 3) == 0);
        }
        contain_and_release(f, "new");
        assert_true(page < 20);
    }
    assert_int_equal(seen, OVER + 1);
}

/* What a switch says of one after its end is written behind: its place in the list stays. */
static void
test_pages_go_on_behind_one_that_changes(void **state)
{
    struct fixture *f = *state;
    char asked[96], behind[32];
    contain_and_release(f, "new");
    assert_int_equal(asker_ask(&f->asker, "containments.list", "{\"ended\":true,\"limit\":2}"),
                     200);
    assert_string_equal(text_of(f, 1, "reason"), "new");
    int64_t next = asker_number(&f->asker, "next");
    contain_and_release(f, "newer");
    campus_tamper(&f->asker.campus, "UPDATE containment SET json ="
                                    " json_remove(json_set(json, '$.hits', 7), '$.sum')"
                                    " WHERE json ->> '$.reason' = 'new'");
    snprintf(asked, sizeof(asked), "{\"ended\":true,\"limit\":2,\"cursor\":%lld}", (long long)next);
    assert_int_equal(asker_ask(&f->asker, "containments.list", asked), 200);
    assert_int_equal(asker_item_count(&f->asker), 2);
    snprintf(behind, sizeof(behind), "reason number %d", OVER - 1);
    assert_string_equal(text_of(f, 0, "reason"), behind);
    assert_true(asker_number(&f->asker, "next") > 0 && asker_number(&f->asker, "next") != next);
}

static void
test_ended_ones_are_asked_for_by_state_and_text(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        asker_ask(&f->asker, "containments.list", "{\"state\":\"released\",\"limit\":2}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), OVER);
    assert_true(asker_number(&f->asker, "next") > 0);
    assert_int_equal(
        asker_ask(&f->asker, "containments.list", "{\"ended\":true,\"q\":\"NUMBER 0\"}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), 1);
    assert_string_equal(text_of(f, 0, "case_number"), f->case_numbers[0]);
    /* a place is known to topology only */
    assert_int_equal(asker_ask(&f->asker, "containments.list", "{\"ended\":true,\"q\":\"e1\"}"),
                     200);
    assert_int_equal(asker_number(&f->asker, "total"), OVER + 1);
    assert_int_equal(
        asker_ask(&f->asker, "containments.list", "{\"ended\":true,\"q\":\"elsewhere\"}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), 0);
    assert_int_equal(
        asker_ask(&f->asker, "containments.list", "{\"action\":\"mirror\",\"ended\":true}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), 0);
    assert_int_equal(asker_ask(&f->asker, "server-blocks.list", "{\"ended\":true}"), 200);
    assert_int_equal(asker_number(&f->asker, "total"), 0);
}

static void
test_one_that_ended_is_shown_by_its_case_number(void **state)
{
    struct fixture *f = *state;
    char asked[64];
    snprintf(asked, sizeof(asked), "{\"id\":\"%s\"}", f->case_numbers[3]);
    assert_int_equal(asker_ask(&f->asker, "containments.show", asked), 200);
    assert_string_equal(text_of(f, -1, "reason"), "reason number 3");
    snprintf(asked, sizeof(asked), "{\"id\":\"%s\"}", f->case_numbers[3]);
    assert_int_equal(asker_ask(&f->asker, "server-blocks.show", asked), 404);
    assert_int_equal(asker_ask(&f->asker, "containments.show", "{\"id\":\"nothing\"}"), 404);
}

/* The answer to the first one may have been lost with the controller. */
static void
test_a_release_asked_for_again_after_a_restart_is_answered_the_same(void **state)
{
    struct fixture *f = *state;
    char asked[80];
    snprintf(asked, sizeof(asked), "{\"id\":\"%s\",\"reason\":\"again\"}", f->case_numbers[3]);
    assert_int_equal(asker_ask(&f->asker, "containments.release", asked), 200);
    assert_string_equal(text_of(f, -1, "state"), "released");
    assert_string_equal(text_of(f, -1, "reason"), "reason number 3");
    assert_string_equal(text_of(f, -1, "end_reason"), "cleaned");
    assert_int_equal(asker_ask(&f->asker, "server-blocks.release", asked), 404);
    assert_int_equal(
        asker_ask(&f->asker, "containments.release", "{\"id\":\"none\",\"reason\":\"x\"}"), 404);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_go_from_the_live_to_the_oldest),
        cmocka_unit_test(test_a_release_asked_for_again_after_a_restart_is_answered_the_same),
        cmocka_unit_test(test_ended_ones_are_asked_for_by_state_and_text),
        cmocka_unit_test(test_one_that_ended_is_shown_by_its_case_number),
        /* these change the list: the last */
        cmocka_unit_test(test_pages_go_on_behind_one_that_changes),
        cmocka_unit_test(test_pages_lose_and_double_nothing_while_the_list_changes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
