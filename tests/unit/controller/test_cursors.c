/* Pages of lists whose rows have no number on the disk: a cursor is of the run that gave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asker.h"

#define CLIENTS 7

/* A page of two behind 'cursor' (0: the first one); returns its 'next', 0: none. */
static int64_t
page(struct asker *f, const char *op, int64_t cursor, const char *more)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"limit\":2,\"cursor\":%lld%s}", (long long)cursor,
             more);
    (void)asker_ask(f, op, parameters);
    int64_t next = asker_number(f, "next");
    return next > 0 ? next : 0;
}

static int
setup(void **state)
{
    struct asker *f = calloc(1, sizeof(*f));
    asker_open(f);
    for (uint8_t i = 2; i < 2 + CLIENTS; i++) { /* 1 is the gateway */
        char port[8], ip[24], client[8];
        struct wish_answer answer = {0};
        struct wish wish = {.action = ACTION_ISOLATE,
                            .mac = campus_mac(i),
                            .account = "operator:ann",
                            .reason = "beacon"};
        snprintf(port, sizeof(port), "p%d", i);
        snprintf(ip, sizeof(ip), "10.1.0.%d", i + 1);
        snprintf(client, sizeof(client), "c%d", i);
        campus_client(&f->campus, "e1", port, i, ip, client);
        controller_wish(f->campus.controller, &wish, campus_answer, &answer);
        campus_settle(&f->campus);
        assert_int_equal(answer.result, WISH_DONE);
        if (i < 2 + 3) { /* the others stay */
            controller_release(f->campus.controller, answer.id, "operator:ann", "cleaned",
                               campus_answer, &answer);
            campus_settle(&f->campus);
        }
    }
    campus_pass(&f->campus, 6000000);
    asker_begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    asker_close(*state);
    free(*state);
    return 0;
}

static void
all_pages(struct asker *f, const char *op, const char *more, int rows)
{
    int64_t next = 0;
    int seen = 0, pages = 0;
    do {
        next = page(f, op, next, more);
        assert_int_equal(f->status, 200);
        seen += asker_item_count(f);
        assert_true(next < INT64_C(1) << 53); /* a number in JSON */
        assert_true(++pages < 20);
    } while (next > 0);
    assert_int_equal(seen, rows);
}

static void
test_a_cursor_of_an_earlier_run_is_refused(void **state)
{
    struct asker *f = *state;
    static const char *const ops[] = {"endpoints.list", "containments.list"};
    int64_t next[COUNT_OF(ops)];
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        next[i] = page(f, ops[i], 0, "");
        assert_int_equal(f->status, 200);
        assert_true(next[i] > 0);
        (void)page(f, ops[i], next[i], "");
        assert_int_equal(f->status, 200);
    }
    asker_restart(f);
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        (void)page(f, ops[i], next[i], "");
        assert_int_equal(f->status, 409);
        assert_string_equal(
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "where")), "cursor");
        assert_true(page(f, ops[i], 0, "") != next[i]);
        assert_int_equal(f->status, 200);
    }
    (void)page(f, "pending.list", next[1], "");
    assert_int_equal(f->status, 409);
    (void)page(f, "unproven.list", next[1], "");
    assert_int_equal(f->status, 409);
}

static void
test_in_one_run_every_row_comes_once(void **state)
{
    struct asker *f = *state;
    for (int i = 0; i < 2; i++) {
        all_pages(f, "endpoints.list", "", CLIENTS);
        all_pages(f, "containments.list", "", CLIENTS - 3);
        all_pages(f, "containments.list", ",\"ended\":true", CLIENTS);
        asker_restart(f);
    }
}

/* Rows that ended have a number on the disk. */
static void
test_a_cursor_among_those_that_ended_goes_on(void **state)
{
    struct asker *f = *state;
    int64_t next = 0;
    for (int i = 0; i < 3; i++) { /* two and two live ones, and two that ended */
        next = page(f, "containments.list", next, ",\"ended\":true");
    }
    assert_true(next > 0);
    asker_restart(f);
    assert_int_equal(page(f, "containments.list", next, ",\"ended\":true"), 0);
    assert_int_equal(f->status, 200);
    assert_int_equal(asker_item_count(f), 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_cursor_of_an_earlier_run_is_refused),
        CASE(test_in_one_run_every_row_comes_once),
        CASE(test_a_cursor_among_those_that_ended_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
