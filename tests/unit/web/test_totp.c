/* RFC 6238's and RFC 4648's own examples; the window; a code counts once; lines of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/seal.h"
#include "web/factor.h"
#include "web/ticket.h"
#include "web/totp.h"

#define SECOND 1000000ll

static const uint8_t secret[TOTP_SECRET_SIZE] = "12345678901234567890"; /* RFC 6238, appendix B */

static void
codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        uint64_t at_s;
        uint32_t code; /* the last six of the eight digits there */
    } rows[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130}};
    char text[TOTP_BASE32_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(totp_code(secret, rows[i].at_s / TOTP_STEP_S), rows[i].code);
    }
    totp_base32(secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

static void
only_one_step_around_now(void **state)
{
    int64_t now = 1111111111 * SECOND; /* step 37037037 */
    char code[8];
    (void)state;
    for (int64_t ahead = -3; ahead <= 3; ahead++) {
        uint64_t step = 0;
        snprintf(code, sizeof(code), "%06u",
                 totp_code(secret, (uint64_t)(37037037 + ahead)) % 1000000);
        bool is_near = ahead >= -1 && ahead <= 1;
        assert_int_equal(totp_check(secret, code, now, 0, &step), is_near);
        assert_int_equal(step, is_near ? 37037037 + ahead : 0);
        /* a step that was used, and all before it */
        assert_int_equal(totp_check(secret, code, now, 37037037, &step), ahead == 1);
    }
    uint64_t step;
    static const char *const odd[] = {"",       "05047",  "0050471",  "05047a",
                                      " 50471", "-50471", "050471\n", "0x0471"};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        assert_false(totp_check(secret, odd[i], now, 0, &step));
    }
    assert_false(totp_check(secret, "050471", -1, 0, &step));
    assert_false(totp_check(secret, "050471", 0, 0, &step)); /* 1970: no step before the first */
}

static char folder[64];

static int
setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-factor-XXXXXX");
    char path[128], why[256];
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/web", folder);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/secret.key", folder);
    return seal_prepare(path, why);
}

static int
teardown(void **state)
{
    static const char *const names[] = {"web/factors.sealed", "web/factors.lock", "web",
                                        "secret.key"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    return rmdir(folder);
}

static struct factors *
reopened(struct factors *factors)
{
    char path[128], why[256];
    struct seal *seal = NULL;
    factors_free(factors);
    snprintf(path, sizeof(path), "%s/secret.key", folder);
    assert_int_equal(seal_open(path, SEAL_ACCOUNTS, &seal, why), 0);
    return factors_open(folder, seal);
}

static void
what_was_used_stays_used(void **state)
{
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], text[8], why[256];
    int64_t now = 1111111111 * SECOND;
    uint8_t mac[32], other[32];
    (void)state;
    struct factors *factors = reopened(NULL);
    assert_false(factors_have(factors, "kim"));
    assert_int_equal(factors_check(factors, "kim", "050471", now), FACTOR_WRONG);
    assert_int_equal(factors_set(factors, "kim", secret, 37037036, codes, why), 0);
    assert_true(factors_mac(factors, "text", mac));
    factors = reopened(factors); /* the process died */
    assert_true(factors_mac(factors, "text", other));
    assert_memory_equal(mac, other, sizeof(mac));
    assert_true(factors_have(factors, "kim"));
    assert_int_equal(factors_check(factors, "kim", "050471", now), FACTOR_CODE);
    factors = reopened(factors);
    assert_int_equal(factors_check(factors, "kim", "050471", now), FACTOR_WRONG);
    assert_int_equal(factors_check(factors, "kim", codes[3], now), FACTOR_RECOVERY);
    factors = reopened(factors);
    assert_int_equal(factors_check(factors, "kim", codes[3], now), FACTOR_WRONG);
    assert_int_equal(factors_recovery_left(factors, "kim"), RECOVERY_CODES - 1);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        assert_int_equal(factors_check(factors, "kim", codes[i], now),
                         i == 3 ? FACTOR_WRONG : FACTOR_RECOVERY);
    }
    assert_int_equal(factors_check(factors, "kim", "-", now), FACTOR_WRONG);
    snprintf(text, sizeof(text), "%06u", totp_code(secret, 37037038) % 1000000);
    assert_int_equal(factors_check(factors, "kim", text, now), FACTOR_CODE);
    assert_int_equal(factors_remove(factors, "kim", why), 0);
    assert_false(factors_have(factors, "kim"));
    factors_free(factors);
}

/* Right, but that it is used cannot be kept: it would be good again after a restart. */
static void
nothing_is_granted_that_cannot_be_kept(void **state)
{
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], why[256], path[128];
    (void)state;
    struct factors *factors = reopened(NULL);
    assert_int_equal(factors_set(factors, "kim", secret, 1, codes, why), 0);
    snprintf(path, sizeof(path), "%s.away", folder);
    assert_int_equal(rename(folder, path), 0);
    assert_int_not_equal(factors_check(factors, "kim", codes[0], 0), FACTOR_RECOVERY);
    assert_int_equal(rename(path, folder), 0);
    assert_int_equal(factors_check(factors, "kim", codes[0], 0), FACTOR_RECOVERY);
    factors_free(factors);
}

static void
tickets_are_bounded(void **state)
{
    struct clock_fake fake;
    struct account kim = {.name = "kim"}, found;
    char first[SESSION_TEXT_SIZE], text[SESSION_TEXT_SIZE];
    (void)state;
    clock_fake_init(&fake, 1700000000 * SECOND);
    struct tickets *tickets = tickets_new(&fake.clock);
    assert_false(tickets_try(tickets, "", &found));
    assert_true(tickets_open(tickets, &kim, first));
    clock_fake_advance(&fake, SECOND);
    for (size_t i = 0; i < TICKETS_MAX - 1; i++) {
        assert_true(tickets_open(tickets, &kim, text));
    }
    assert_true(tickets_try(tickets, first, &found));
    assert_true(tickets_open(tickets, &kim, text));
    assert_false(tickets_try(tickets, first, &found)); /* the oldest made room */
    for (unsigned i = 0; i < TICKET_TRIES; i++) {
        assert_true(tickets_try(tickets, text, &found));
        assert_string_equal(found.name, "kim");
    }
    assert_false(tickets_try(tickets, text, &found));
    assert_true(tickets_open(tickets, &kim, text));
    clock_fake_advance(&fake, TICKET_LIFE_US + SECOND);
    assert_false(tickets_try(tickets, text, &found));
    assert_true(tickets_open(tickets, &kim, text));
    tickets_end(tickets, text);
    assert_false(tickets_try(tickets, text, &found));
    tickets_free(tickets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_the_rfc),
        cmocka_unit_test(only_one_step_around_now),
        cmocka_unit_test_setup_teardown(what_was_used_stays_used, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_granted_that_cannot_be_kept, setup, teardown),
        cmocka_unit_test(tickets_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
