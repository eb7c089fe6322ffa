/* The watch list: who was released lately, each once, with what happened since; and that what it
 * costs does not grow with what was released long ago, nor a pending decision's with how many wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asker.h"
#include "controller/ask/inspect.h"
#include "controller/notices/on_call.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define MANY 500

static int
ask(struct asker *f, const char *op, const char *parameters)
{
    assert_int_equal(asker_ask(f, op, parameters), 200);
    return asker_item_count(f);
}

static int
setup(void **state)
{
    struct asker *f = calloc(1, sizeof(*f));
    asker_open(f);
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

/* 'count' releases, the first 'ago_us' ago, each a second before the next, of 'endpoints'. */
static void
released(struct asker *f, int from, int count, int endpoints, int64_t ago_us)
{
    for (int i = from; i < from + count; i++) {
        struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_RELEASED};
        snprintf(c.id, sizeof(c.id), "01AAAAAAAAAAAAAAAAAAAA%04u", (unsigned)i % 10000u);
        snprintf(c.endpoint_id, sizeof(c.endpoint_id), "01BBBBBBBBBBBBBBBBBBBB%04u",
                 (unsigned)(i % endpoints) % 10000u);
        c.requested_us = i + 1;
        c.ended_us = f->campus.clock.wall_now_us - ago_us + (int64_t)(i - from) * 1000000;
        struct store_change *change = store_change_new();
        store_put_containment(change, &c);
        store_submit(f->campus.store, change, NULL, NULL);
        if (i % 100 == 99) {
            campus_settle(&f->campus);
        }
    }
    campus_settle(&f->campus);
}

static void
test_each_is_listed_once_by_its_last_release(void **state)
{
    struct asker *f = *state;
    released(f, 0, 100, 100, 3 * DAY_US);  /* long ago */
    released(f, 100, 120, 70, DAY_US / 2); /* more than is read at once, some twice */
    assert_int_equal(ask(f, "watch.list", "{\"limit\":500}"), 70);
    for (int i = 0; i < 70; i++) {
        char id[ID_SIZE];
        const cJSON *c = cJSON_GetObjectItemCaseSensitive(asker_item(f, i), "containment");
        snprintf(id, sizeof(id), "01AAAAAAAAAAAAAAAAAAAA%04u", (unsigned)(219 - i) % 10000u);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c, "id")), id);
    }
    released(f, 300, 1, 1000, 0);
    assert_int_equal(ask(f, "watch.list", "{\"limit\":500}"), 71);
}

static void
test_what_it_does_again_is_counted(void **state)
{
    struct asker *f = *state;
    struct wish_answer answer = {0};
    for (uint8_t i = 2; i <= 4; i++) {
        char port[8], ip[24], client[8];
        struct wish wish = {.action = ACTION_ISOLATE,
                            .mac = campus_mac(i),
                            .account = "operator:ann",
                            .reason = "beacon"};
        snprintf(port, sizeof(port), "p%d", i);
        snprintf(ip, sizeof(ip), "10.1.0.%d", i);
        snprintf(client, sizeof(client), "c%d", i);
        campus_client(&f->campus, "e1", port, i, ip, client);
        controller_wish(f->campus.controller, &wish, campus_answer, &answer);
        campus_settle(&f->campus);
        assert_int_equal(answer.result, WISH_DONE);
        controller_release(f->campus.controller, answer.id, "operator:ann", "cleaned",
                           campus_answer, &answer);
        campus_settle(&f->campus);
    }
    campus_pass(&f->campus, 2000000);
    assert_true(campus_detect(&f->campus, "d-1", "10.1.0.3", STRENGTH_STRONG));
    campus_settle(&f->campus);
    assert_int_equal(ask(f, "watch.list", "{}"), 3);
    int found = 0;
    for (int i = 0; i < 3; i++) {
        const cJSON *c = cJSON_GetObjectItemCaseSensitive(asker_item(f, i), "containment");
        const char *mac = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c, "mac"));
        const cJSON *again = cJSON_GetObjectItemCaseSensitive(asker_item(f, i), "again");
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(asker_item(f, i), "incidents");
        int times = strcmp(mac, "02:00:00:00:00:03") == 0 ? 1 : 0;
        assert_int_equal(again ? again->valueint : 0, times);
        assert_int_equal(cJSON_GetArraySize(list), times);
        found += times;
    }
    assert_int_equal(found, 1);
}

/* Processor time of this process: what others do on the machine counts little. */
static clock_t
cost_of(struct asker *f, const char *op, int times)
{
    clock_t before = clock();
    for (int i = 0; i < times; i++) {
        (void)ask(f, op, "{\"limit\":1}");
    }
    return clock() - before;
}

static void
test_what_was_released_long_ago_costs_nothing(void **state)
{
    struct asker *f = *state;
    released(f, 0, MANY, MANY, 3 * DAY_US);
    clock_t old = cost_of(f, "watch.list", 20);
    released(f, MANY, MANY, MANY, DAY_US / 2);
    clock_t recent = cost_of(f, "watch.list", 20);
    print_message("20 lists: %ld of old releases, %ld of recent ones\n", (long)old, (long)recent);
    assert_true(old * 2 < recent);
}

/* A pending decision's row says who was told: found however many wait. */
static void
test_who_was_told_is_found_at_once_among_many(void **state)
{
    struct asker *f = *state;
    struct escalation_view told;
    clock_t costs[2];
    char id[ID_SIZE];
    for (int turn = 0, count = 0; turn < 2; turn++) {
        for (; count < (turn == 0 ? 40 : 4000); count++) {
            snprintf(id, sizeof(id), "01CCCCCCCCCCCCCCCCCCCC%04u", (unsigned)count % 10000u);
            on_call_restore(f->campus.controller, id, "0 1 0 somebody");
        }
        clock_t before = clock();
        for (int i = 0; i < 100000; i++) {
            snprintf(id, sizeof(id), "01CCCCCCCCCCCCCCCCCCCC%04u",
                     (unsigned)(count - 1 - i % 40) % 10000u);
            assert_true(controller_escalation(f->campus.controller, id, &told));
        }
        costs[turn] = clock() - before;
    }
    print_message("among 40: %ld, among 4000: %ld\n", (long)costs[0], (long)costs[1]);
    assert_string_equal(told.told, "somebody");
    assert_true(costs[1] < costs[0] * 10);
}

/* One endpoint talks to two servers in one incident: it is told of both. */
static void
test_who_talked_to_a_server_that_is_not_the_last_one(void **state)
{
    struct asker *f = *state;
    static const struct {
        const char *server;
        int talkers;
    } cases[] = {{"198.51.100.7", 1},    {"198.51.100.8", 1}, {"198.51.100.9", 0},
                 {"198.51.100.0/24", 1}, {"10.1.0.2", 0}};
    campus_client(&f->campus, "e1", "p1", 2, "10.1.0.2", NULL);
    campus_settle(&f->campus);
    assert_true(campus_detect_to(&f->campus, "d1", "10.1.0.2", "198.51.100.7", STRENGTH_WEAK));
    assert_true(campus_detect_to(&f->campus, "d2", "10.1.0.2", "198.51.100.8", STRENGTH_WEAK));
    assert_int_equal(controller_incident_count(f->campus.controller), 1);
    for (size_t i = 0; i < 5; i++) {
        char parameters[64];
        snprintf(parameters, sizeof(parameters), "{\"server\":\"%s\"}", cases[i].server);
        (void)ask(f, "server-blocks.assess", parameters);
        const cJSON *talkers = cJSON_GetObjectItemCaseSensitive(f->body, "talkers");
        assert_int_equal(cJSON_GetArraySize(talkers), cases[i].talkers);
        const cJSON *one = cJSON_GetArrayItem(talkers, 0);
        if (one) {
            assert_int_equal(cJSON_GetObjectItemCaseSensitive(one, "detections")->valueint,
                             strchr(cases[i].server, '/') ? 2 : 1);
        }
    }
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_each_is_listed_once_by_its_last_release),
        CASE(test_what_it_does_again_is_counted),
        CASE(test_what_was_released_long_ago_costs_nothing),
        CASE(test_who_was_told_is_found_at_once_among_many),
        CASE(test_who_talked_to_a_server_that_is_not_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
