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

static bool
may_read(struct fixture *f, const char *account, enum account_role role)
{
    struct ask_call call = {.controller = f->campus.controller, .asks = f->asks, .role = role};
    snprintf(call.account, sizeof(call.account), "%s", account);
    bool may = payload_may_read(&call);
    campus_settle(&f->campus);
    return may;
}

/* Not to know what was said is not the same as that nothing was said. */
static void
test_what_cannot_be_read_gives_nobody_a_right(void **state)
{
    struct fixture *f = *state;
    assert_true(may_read(f, "account:root", ACCOUNT_ADMIN));
    assert_false(may_read(f, "account:root", ACCOUNT_OPERATOR));
    campus_tamper(&f->campus, "ALTER TABLE setting RENAME TO elsewhere");
    assert_false(may_read(f, "account:root", ACCOUNT_ADMIN));
    assert_false(may_read(f, "account:root", ACCOUNT_ADMIN));
    campus_tamper(&f->campus, "ALTER TABLE elsewhere RENAME TO setting");
    assert_true(may_read(f, "account:root", ACCOUNT_ADMIN));
    /* told, and not each time */
    assert_int_equal(
        campus_number(&f->campus,
                      "SELECT count(*) FROM notice WHERE json LIKE"
                      " '%the right of account:root to read payload cannot be read%'",
                      NULL),
        1);
}

#define LONG_NAME "account:nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define CUT_NAME "account:nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" /* with "payload/" 63   \
                                                                            */

/* Earlier releases stored it under what fits into 63 characters; with no sum, and for a while with
 * that of the whole name.  Neither is damage, and neither gives a right. */
static void
test_a_name_that_was_cut_gives_nothing_away(void **state)
{
    static const char *const sums[] = {"NULL", "12345"};
    static const char *const rights[] = {"denied", "allowed"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 4; i++) {
        char sql[512];
        snprintf(sql, sizeof(sql),
                 "INSERT OR REPLACE INTO setting(name, value, sum) VALUES('payload/" CUT_NAME
                 "', '%s 1 account:jane' || char(10) || 'left', %s)",
                 rights[i / 2], sums[i % 2]);
        campus_tamper(&f->campus, sql);
        asks_free(f->asks);
        campus_restart(&f->campus); /* it loads: fails the test where it does not */
        const struct ask_settings settings = {.controller = f->campus.controller};
        f->asks = asks_new(&settings);
        bool is_provably_allowed = i == 2;
        assert_int_equal(may_read(f, LONG_NAME, ACCOUNT_ADMIN), is_provably_allowed);
        assert_false(may_read(f, LONG_NAME, ACCOUNT_OPERATOR));
        assert_true(may_read(f, "account:root", ACCOUNT_ADMIN));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_an_administrator_gives_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_of_a_token_that_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_name_stays_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_gives_nobody_a_right, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_name_that_was_cut_gives_nothing_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_next_of_that_name_has_nothing_of_it, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
