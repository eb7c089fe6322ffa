/* Asks: answered once, 503 where core is away, 504 where it is late. */
#include "web/asker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct clock_fake fake;
static struct asker *asker;
static uint64_t sent_number;
static char sent_op[NAME_SIZE], sent_role[NAME_SIZE];
static bool sending_works;

struct seen {
    unsigned calls, status;
};

static bool
send_ask(void *context, const struct wire_ask *ask)
{
    (void)context;
    sent_number = ask->number;
    memcpy(sent_op, ask->op, sizeof(sent_op));
    memcpy(sent_role, ask->role, sizeof(sent_role));
    return sending_works;
}

static void
on_done(void *context, const struct wire_answer *answer)
{
    struct seen *seen = context;
    seen->calls++;
    seen->status = answer->status;
}

static int
setup(void **state)
{
    struct asker_port port = {.send = send_ask};
    (void)state;
    clock_fake_init(&fake, 1000000);
    asker = asker_new(&fake.clock, &port);
    sending_works = true;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    asker_free(asker);
    asker = NULL;
    return 0;
}

static void
answers_once(void **state)
{
    static struct seen first, second; /* as above: told at the end */
    (void)state;
    asker_set_connected(asker, true);
    asker_ask(asker, "token:a", ACCOUNT_OPERATOR, OP_DOCTOR, NULL, on_done, &first);
    struct wire_answer answer = {.number = sent_number, .status = 200};
    assert_string_equal(sent_op, "doctor");
    assert_string_equal(sent_role, "operator");
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_VERSION, cJSON_CreateObject(), on_done, &second);
    assert_int_equal(asker_waiting(asker), 2);
    asker_answer(asker, &answer);
    asker_answer(asker, &answer); /* nobody waits any more */
    assert_int_equal(first.calls, 1);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.calls, 0);
    answer.number = 999;
    asker_answer(asker, &answer);
    answer.number = 0;
    asker_answer(asker, &answer);
    assert_int_equal(second.calls, 0);
}

static void
core_away(void **state)
{
    static struct seen seen; /* outlives the test: what still waits is told at the end */
    seen = (struct seen){0};
    (void)state;
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, cJSON_CreateObject(), on_done, &seen);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.status, 503);
    asker_set_connected(asker, true);
    seen = (struct seen){0};
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, NULL, on_done, &seen);
    assert_int_equal(seen.calls, 0);
    asker_set_connected(asker, false); /* goes while somebody waits */
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.status, 503);
    asker_set_connected(asker, true);
    sending_works = false;
    seen = (struct seen){0};
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, NULL, on_done, &seen);
    assert_int_equal(seen.status, 503);
    assert_int_equal(asker_waiting(asker), 0);
}

static void
core_late(void **state)
{
    static struct seen early, late; /* as above */
    (void)state;
    asker_set_connected(asker, true);
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, NULL, on_done, &early);
    clock_fake_advance(&fake, ASK_TIMEOUT_US);
    asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, NULL, on_done, &late);
    asker_tick(asker);
    assert_int_equal(early.calls, 0); /* not longer than the limit yet */
    clock_fake_advance(&fake, 1);
    asker_tick(asker);
    assert_int_equal(early.calls, 1);
    assert_int_equal(early.status, 504);
    assert_int_equal(late.calls, 0);
}

static void
is_bounded(void **state)
{
    static struct seen seen[ASKS_MAX + 1];
    (void)state;
    asker_set_connected(asker, true);
    for (size_t i = 0; i <= ASKS_MAX; i++) {
        asker_ask(asker, "token:a", ACCOUNT_VIEWER, OP_DOCTOR, NULL, on_done, &seen[i]);
    }
    assert_int_equal(asker_waiting(asker), ASKS_MAX);
    assert_int_equal(seen[ASKS_MAX].status, 503);
    assert_int_equal(seen[ASKS_MAX - 1].calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_once, setup, teardown),
        cmocka_unit_test_setup_teardown(core_away, setup, teardown),
        cmocka_unit_test_setup_teardown(core_late, setup, teardown),
        cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
