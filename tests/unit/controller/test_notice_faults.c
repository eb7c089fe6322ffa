/* Notices: what stands in the way of one keeps neither the others nor core; a change of the
 * settings is stored when its own secrets are kept, and not before. */
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

#define SECOND INT64_C(1000000)

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    controller_notify_joined(campus->controller);
    *state = campus;
    return 0;
}

struct set_answer {
    int calls;
    enum notify_result result;
};

static void
on_set(void *context, enum notify_result result, const char *answer)
{
    struct set_answer *told = context;
    (void)answer;
    told->calls++;
    told->result = result;
}

/* Panic goes to the webhook "hook", and whom it contains to the help desk by the mail "post". */
static void
set(struct campus *campus, bool has_hook, const struct wire_secret *secret, struct set_answer *told)
{
    struct notify_channel channels[2] = {
        {.name = "post",
         .kind = NOTIFY_EMAIL,
         .host = "mail.example",
         .from = "c@hospital.example"},
        {.name = "hook", .kind = NOTIFY_WEBHOOK, .url = "https://hook.example/"}};
    struct notify_rule rule = {.kind = NOTICE_PANIC, .channels = {"hook"}, .channel_count = 1};
    struct notify_settings settings = {.version =
                                           controller_notify_settings(campus->controller)->version,
                                       .channels = channels,
                                       .channel_count = has_hook ? 2 : 1,
                                       .rules = &rule,
                                       .rule_count = has_hook ? 1 : 0};
    *told = (struct set_answer){.calls = 0};
    controller_notify_set(campus->controller, &settings, secret, secret ? 1 : 0, "operator:ann",
                          on_set, told);
    campus_settle(campus);
}

static void
panic(struct campus *campus)
{
    struct wish_answer answer = {.calls = 0};
    controller_panic(campus->controller, true, "operator:ann", "why", campus_answer, &answer);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(answer.result, WISH_DONE);
}

static void
test_one_that_cannot_be_read_holds_nobody_up(void **state)
{
    struct campus *campus = *state;
    struct set_answer told;
    set(campus, true, NULL, &told);
    assert_int_equal(told.result, NOTIFY_DONE);
    campus_tamper(campus, "INSERT INTO notice(id, at_us, is_routed, json)"
                          " VALUES('01BAD', 1, 0, '{\"kind\":\"of a later release\"}')");
    panic(campus);
    assert_int_equal(campus->notice_count, 1);
    assert_string_equal(campus->notice.channel.name, "hook");
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_PANIC);
}

/* Containments are restored and driven whatever is wrong with what people are told. */
static void
test_a_message_that_cannot_be_read_keeps_core_from_nothing(void **state)
{
    struct campus *campus = *state;
    campus_tamper(campus, "INSERT INTO message(id, channel, state, json)"
                          " VALUES('01BAD', 'hook', 'waiting', '{}')");
    campus_restart(campus); /* fails where the controller does not load */
}

static void
test_a_change_waits_for_its_own_secret(void **state)
{
    struct campus *campus = *state;
    struct wire_secret secret = {.channel = "post", .value = "s3cret"};
    struct set_answer told;
    set(campus, true, NULL, &told);
    set(campus, false, NULL, &told); /* has the secret of "hook" forgotten */
    struct wire_secrets forgotten = {.number = campus->secret_number};
    assert_string_equal(campus->secret.channel, "hook");
    set(campus, false, &secret, &told);
    assert_string_equal(campus->secret.value, "s3cret");
    controller_secrets(campus->controller, &forgotten); /* slow, but here it is */
    campus_settle(campus);
    assert_int_equal(told.calls, 0);
    assert_int_equal(campus->secret_count, 1);
    struct wire_secrets failed = {.number = campus->secret_number, .why = "the disk is full"};
    controller_secrets(campus->controller, &failed);
    campus_settle(campus);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result, NOTIFY_FAILED);
    assert_int_equal(controller_notify_settings(campus->controller)->version, 2);
}

struct listed {
    unsigned status;
    int items;
};

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct listed *listed = context;
    listed->status = answer->status;
    listed->items = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer->body, "items"));
}

/* Three thousand messages are not read at once: blocks would wait for it. */
static void
test_a_long_history_is_searched_in_slices(void **state)
{
    struct campus *campus = *state;
    const struct ask_settings settings = {.controller = campus->controller};
    struct asks *asks = asks_new(&settings);
    struct listed listed = {.status = 0};
    unsigned slices = 0;
    campus_tamper(
        campus,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO message(id, channel, state, json) SELECT 'm' || i, 'hook', 'delivered',"
        " CASE i WHEN 2 THEN '{}' ELSE '{\"id\":\"m' || i || "
        "'\",\"state\":\"delivered\",\"channel\":\"' ||"
        " iif(i = 1, 'needle', 'hook') || '\",\"voice\":\"channel\",\"language\":\"en\","
        "\"made_at\":\"2026-01-01T00:00:00Z\",\"notices\":[]}' END FROM n");
    struct wire_ask asked = {.number = 1,
                             .account = "token:t",
                             .role = "auditor",
                             .op = "notices.list",
                             .parameters = cJSON_Parse("{\"q\":\"needle\"}")};
    asks_handle(asks, &asked, on_answer, &listed);
    assert_int_equal(listed.status, 0);
    while (listed.status == 0 && slices++ < 10000) {
        (void)asks_run_jobs(asks);
    }
    assert_true(slices > 1);
    assert_int_equal(listed.status, 200);
    assert_int_equal(listed.items, 1);
    cJSON_Delete(asked.parameters);
    asks_free(asks);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, campus_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_one_that_cannot_be_read_holds_nobody_up),
        EACH(test_a_message_that_cannot_be_read_keeps_core_from_nothing),
        EACH(test_a_change_waits_for_its_own_secret),
        EACH(test_a_long_history_is_searched_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
