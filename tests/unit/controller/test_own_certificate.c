/* Our own certificate is made anew while we run: for the same key, by our authority, in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "base/log.h"
#include "bus/tls.h"
#include "controller/certificates/own_certificate.h"

struct fixture {
    char dir[64];
    struct clock_fake clock;
    struct pki_ca *ca;
    struct own_certificate own;
    int sent;
};

static void
send_own(void *context, const struct wire_renew *renew)
{
    struct fixture *f = context;
    assert_string_equal(renew->name, WIRE_RENEW_OWN);
    assert_true(renew->der_size > 0);
    f->sent++;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[256] = "";
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-own-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    if (pki_prepare(f->dir, NULL, "localhost,127.0.0.1", why)) {
        fail_msg("%s", why);
    }
    f->ca = pki_ca_open(f->dir, NULL, why);
    assert_non_null(f->ca);
    clock_fake_init(&f->clock, (int64_t)time(NULL) * 1000000);
    assert_true(own_certificate_read(&f->own, f->dir));
    own_certificate_open(&f->own, &(struct own_certificate_settings){.ca = f->ca,
                                                                     .names = "localhost,127.0.0.1",
                                                                     .clock = &f->clock.clock,
                                                                     .send = send_own,
                                                                     .context = f});
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    own_certificate_fini(&f->own);
    pki_ca_free(f->ca);
    snprintf(command, sizeof(command), "rm -r '%s'", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* The one that was made: ours, for the key on the disk, and until when. */
static int64_t
made_until(struct fixture *f)
{
    const struct wire_renew *made = own_certificate_made(&f->own);
    assert_non_null(made);
    X509 *certificate = pki_read(made->der, made->der_size);
    struct pki_server disk;
    char name[NAME_SIZE], unit[NAME_SIZE], path[96];
    assert_non_null(certificate);
    assert_true(pki_subject(certificate, name, unit));
    assert_string_equal(name, "cordond");
    assert_string_equal(unit, "server");
    snprintf(path, sizeof(path), "%s/ca.pem", f->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509 *authority = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(authority)), 1);
    assert_true(pki_server_read(f->dir, &disk));
    assert_memory_equal(disk.key, f->own.now.key, sizeof(disk.key));
    EVP_PKEY *key = csr_key(disk.key);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), key), 1);
    int64_t until_us = pki_expires_us(certificate);
    EVP_PKEY_free(key);
    X509_free(authority);
    X509_free(certificate);
    return until_us;
}

static void
test_it_is_made_anew_when_a_third_of_its_life_is_left(void **state)
{
    struct fixture *f = *state;
    int64_t life_us = f->own.now.expires_us - f->own.now.issued_us;
    own_certificate_tick(&f->own);
    clock_fake_advance(&f->clock, life_us * 2 / 3 - INT64_C(60000000));
    own_certificate_tick(&f->own);
    assert_int_equal(f->sent, 0);
    assert_null(own_certificate_made(&f->own)); /* whoever joins has the right one */
    clock_fake_advance(&f->clock, INT64_C(120000000));
    for (int i = 0; i < 3; i++) {
        own_certificate_tick(&f->own);
    }
    assert_int_equal(f->sent, 1);
    int64_t until_us = made_until(f);
    assert_true(until_us - f->clock.wall_now_us > life_us * 9 / 10);
    clock_fake_advance(&f->clock, life_us * 2 / 3 + INT64_C(60000000)); /* years of use */
    own_certificate_tick(&f->own);
    assert_int_equal(f->sent, 2);
    assert_true(made_until(f) > until_us);
}

/* The clock was a year ahead when it was made, and was put right: nobody takes it before that. */
static void
test_one_of_a_time_to_come_is_made_anew(void **state)
{
    struct fixture *f = *state;
    int64_t year_us = INT64_C(365) * 86400 * 1000000, issued_us = f->own.now.issued_us;
    f->clock.wall_now_us = issued_us - PKI_BACKDATE_S * INT64_C(1000000);
    own_certificate_tick(&f->own);
    assert_int_equal(f->sent, 0); /* it holds already */
    f->clock.wall_now_us = issued_us - year_us;
    for (int i = 0; i < 3; i++) {
        own_certificate_tick(&f->own);
    }
    assert_int_equal(f->sent, 1);
    assert_in_range(f->own.now.issued_us, f->clock.wall_now_us - 2000000, f->clock.wall_now_us);
    assert_in_range(made_until(f), f->own.now.expires_us, f->own.now.expires_us);
}

/* Whoever listens takes the one that was made, and none of another key: he could not sign for it.
 */
static void
test_it_is_used_with_its_key_only(void **state)
{
    struct fixture *f = *state;
    char path[96], why[256] = "";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    snprintf(path, sizeof(path), "%s/server.pem", f->dir);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, path), 1);
    snprintf(path, sizeof(path), "%s/server.key", f->dir);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM), 1);
    X509 *before = SSL_CTX_get0_certificate(context);
    struct pki_issued other;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct pki_request request = {.role = "server",
                                  .name = "cordond",
                                  .names = "localhost",
                                  .now_s = time(NULL),
                                  .life_s = 86400};
    uint8_t point[PUBLIC_KEY_SIZE];
    size_t size = 0;
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &size), 1);
    request.key = point;
    assert_int_equal(pki_ca_sign(f->ca, &request, &other, why), 0);
    assert_false(tls_context_renew(context, other.der, other.der_size));
    assert_false(tls_context_renew(context, (const uint8_t *)"nothing", 7));
    assert_ptr_equal(SSL_CTX_get0_certificate(context), before);
    assert_int_equal(SSL_CTX_check_private_key(context), 1);
    clock_fake_advance(&f->clock, f->own.now.expires_us - f->own.now.issued_us);
    own_certificate_tick(&f->own);
    const struct wire_renew *made = own_certificate_made(&f->own);
    assert_true(tls_context_renew(context, made->der, made->der_size));
    assert_ptr_not_equal(SSL_CTX_get0_certificate(context), before);
    assert_int_equal(SSL_CTX_check_private_key(context), 1);
    EVP_PKEY_free(key);
    free(other.der);
    SSL_CTX_free(context);
}

static void
test_without_a_certificate_nothing_is_made(void **state)
{
    struct fixture *f = *state;
    struct own_certificate none = {.settings = f->own.settings};
    assert_false(own_certificate_read(&none, "/nowhere"));
    clock_fake_advance(&f->clock, INT64_C(1) << 52);
    own_certificate_tick(&none);
    assert_int_equal(f->sent, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_it_is_made_anew_when_a_third_of_its_life_is_left),
        CASE(test_one_of_a_time_to_come_is_made_anew),
        CASE(test_it_is_used_with_its_key_only),
        CASE(test_without_a_certificate_nothing_is_made),
    };
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
