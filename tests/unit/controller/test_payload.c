/* Who may read payload, said together with the token that is made: core's side of it.  Web reads
 * browsers' bytes, so core looks itself at who gives such a right, and of what. */
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
#include "controller/ask/payload.h"

struct fixture {
    struct campus campus;
    struct asks *asks;
    unsigned status;
};

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    f->status = answer->status;
}

static unsigned
record(struct fixture *f, const char *role, const char *row)
{
    struct wire_ask asked = {.number = 1,
                             .account = "account:jane",
                             .op = "audit.record",
                             .parameters = cJSON_Parse(row)};
    snprintf(asked.role, sizeof(asked.role), "%s", role);
    f->status = 0;
    asks_handle(f->asks, &asked, on_answer, f);
    campus_settle(&f->campus);
    cJSON_Delete(asked.parameters);
    return f->status;
}

static void
expect_right(struct fixture *f, const char *whose, const char *expected)
{
    char name[SETTING_NAME_SIZE];
    snprintf(name, sizeof(name), "payload/%s", whose);
    char *value = store_read_setting(f->campus.store, name);
    assert_int_equal(strncmp(value ? value : "", expected, strlen(expected)), 0);
    assert_true(expected[0] || !value || !value[0]);
    free(value);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    campus_open(&f->campus);
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    asks_free(f->asks);
    campus_close(&f->campus);
    free(f);
    return 0;
}

#define MADE "{\"action\":\"token.create\",\"object\":\"siem\""
#define ALLOWED ",\"payload\":\"allowed\",\"reason\":\"case 9\"}"

static void
test_only_an_administrator_gives_it(void **state)
{
    static const char *const roles[] = {"viewer", "operator", "auditor"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(record(f, roles[i], MADE ALLOWED), 403);
        expect_right(f, "token:siem", "");
    }
    assert_int_equal(record(f, "admin", MADE ALLOWED), 200);
    expect_right(f, "token:siem", "allowed ");
}

static void
test_only_of_a_token_that_is_made(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        record(f, "admin", "{\"action\":\"account.create\",\"object\":\"kim\"" ALLOWED), 422);
    assert_int_equal(record(f, "admin", "{\"action\":\"token.revoke\",\"object\":\"siem\"" ALLOWED),
                     422);
    expect_right(f, "account:kim", "");
    expect_right(f, "token:kim", "");
    expect_right(f, "token:siem", "");
}

static void
test_the_next_of_that_name_has_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(record(f, "admin", MADE ALLOWED), 200);
    assert_int_equal(record(f, "admin", MADE "}"), 200);
    expect_right(f, "token:siem", "");
    assert_int_equal(record(f, "admin", MADE ",\"payload\":\"denied\",\"reason\":\"robot\"}"), 200);
    expect_right(f, "token:siem", "denied ");
    assert_int_equal(record(f, "admin", "{\"action\":\"token.revoke\",\"object\":\"siem\"}"), 200);
    expect_right(f, "token:siem", "");
}

/* Reading the right, and a start after it: neither knows another name than the whole one. */
static void
test_a_long_name_stays_denied(void **state)
{
    struct fixture *f = *state;
    char id[NAME_SIZE] = "account:";
    memset(id + strlen(id), 'n', 54);
    struct wire_ask asked = {.number = 1,
                             .account = "account:jane",
                             .role = "admin",
                             .op = "payload-readers.set",
                             .parameters = cJSON_CreateObject()};
    cJSON_AddStringToObject(asked.parameters, "id", id);
    cJSON_AddStringToObject(asked.parameters, "right", "denied");
    cJSON_AddStringToObject(asked.parameters, "reason", "left");
    asks_handle(f->asks, &asked, on_answer, f);
    campus_settle(&f->campus);
    cJSON_Delete(asked.parameters);
    assert_int_equal(f->status, 200);
    expect_right(f, id, "denied ");
    asks_free(f->asks);
    campus_restart(&f->campus);
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
    expect_right(f, id, "denied ");
    struct ask_call call = {
        .controller = f->campus.controller, .asks = f->asks, .role = ACCOUNT_ADMIN};
    memcpy(call.account, id, sizeof(id));
    assert_false(payload_may_read(&call));
    id[strlen(id) - 1] = '\0';
    memcpy(call.account, id, sizeof(id));
    assert_true(payload_may_read(&call)); /* nobody said anything of that one */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_an_administrator_gives_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_of_a_token_that_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_name_stays_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_of_that_name_has_nothing_of_it, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
