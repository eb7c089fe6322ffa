/* Pages of lists whose rows have no number on the disk: a cursor is of the run that gave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"
#include "controller/ask/ask.h"

#define CLIENTS 7

struct fixture {
    struct campus campus;
    struct asks *asks;
    cJSON *body; /* of the last answer */
    unsigned status;
};

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    cJSON_Delete(f->body);
    f->body = cJSON_Duplicate(answer->body, true);
    f->status = answer->status;
}

/* A page of two behind 'cursor' (0: the first one); returns its 'next', 0: none. */
static int64_t
page(struct fixture *f, const char *op, int64_t cursor, const char *more)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"limit\":2,\"cursor\":%lld%s}", (long long)cursor,
             more);
    struct wire_ask asked = {.number = 1,
                             .account = "token:t",
                             .role = "operator",
                             .parameters = cJSON_Parse(parameters)};
    assert_non_null(asked.parameters);
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    asks_handle(f->asks, &asked, on_answer, f);
    cJSON_Delete(asked.parameters);
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(f->body, "next");
    return next ? (int64_t)next->valuedouble : 0;
}

static int
item_count(const struct fixture *f)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(f->body, "items"));
}

static void
restart(struct fixture *f)
{
    asks_free(f->asks);
    campus_restart(&f->campus);
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    campus_open(&f->campus);
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
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    cJSON_Delete(f->body);
    asks_free(f->asks);
    campus_close(&f->campus);
    free(f);
    return 0;
}

static void
all_pages(struct fixture *f, const char *op, const char *more, int rows)
{
    int64_t next = 0;
    int seen = 0, pages = 0;
    do {
        next = page(f, op, next, more);
        assert_int_equal(f->status, 200);
        seen += item_count(f);
        assert_true(next < INT64_C(1) << 53); /* a number in JSON */
        assert_true(++pages < 20);
    } while (next > 0);
    assert_int_equal(seen, rows);
}

static void
test_a_cursor_of_an_earlier_run_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const ops[] = {"endpoints.list", "containments.list"};
    int64_t next[COUNT_OF(ops)];
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        next[i] = page(f, ops[i], 0, "");
        assert_int_equal(f->status, 200);
        assert_true(next[i] > 0);
        (void)page(f, ops[i], next[i], "");
        assert_int_equal(f->status, 200);
    }
    restart(f);
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
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        all_pages(f, "endpoints.list", "", CLIENTS);
        all_pages(f, "containments.list", "", CLIENTS - 3);
        all_pages(f, "containments.list", ",\"ended\":true", CLIENTS);
        restart(f);
    }
}

/* Rows that ended have a number on the disk. */
static void
test_a_cursor_among_those_that_ended_goes_on(void **state)
{
    struct fixture *f = *state;
    int64_t next = 0;
    for (int i = 0; i < 3; i++) { /* two and two live ones, and two that ended */
        next = page(f, "containments.list", next, ",\"ended\":true");
    }
    assert_true(next > 0);
    restart(f);
    assert_int_equal(page(f, "containments.list", next, ",\"ended\":true"), 0);
    assert_int_equal(f->status, 200);
    assert_int_equal(item_count(f), 1);
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
