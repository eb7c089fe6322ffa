/* Certificate requests: the one form that is taken, every prefix and every changed byte of it, and
 * what other programs would send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "bus/csr.h"

static void
make(EVP_PKEY *key, const char *role, const char *name, uint8_t **der, size_t *size)
{
    assert_int_equal(csr_make(key, role, name, der, size), 0);
}

static bool
is_taken(const uint8_t *der, size_t size)
{
    struct csr csr;
    char why[256] = "";
    bool is_good = csr_parse(der, size, &csr, why) && csr_prove(&csr);
    return is_good;
}

static void
test_what_we_make_is_taken(void **state)
{
    (void)state;
    static const char *const names[] = {
        "e", "sw1", "a-switch_2.Site.example",
        "n23456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        uint8_t *der = NULL;
        size_t size = 0;
        struct csr csr;
        char why[256];
        make(key, "edge", names[i], &der, &size);
        assert_true(size < CSR_SIZE_MAX);
        if (!csr_parse(der, size, &csr, why)) {
            fail_msg("%s: %s", names[i], why);
        }
        assert_string_equal(csr.name, names[i]);
        assert_string_equal(csr.role, "edge");
        assert_true(csr_prove(&csr));
        EVP_PKEY *read = csr_key(csr.key);
        assert_non_null(read);
        assert_int_equal(EVP_PKEY_eq(read, key), 1);
        EVP_PKEY_free(read);
        EVP_PKEY_free(key);
        free(der);
    }
}

/* Each on the heap with its exact size, so that a read beyond it is found. */
static void
test_every_prefix_and_every_changed_byte(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t *der = NULL;
    size_t size = 0;
    make(key, "sensor", "s1", &der, &size);
    for (size_t i = 0; i < size; i++) {
        uint8_t *copy = malloc(i + 1);
        assert_non_null(copy);
        memcpy(copy, der, i);
        assert_false(is_taken(copy, i));
        free(copy);
        for (unsigned bit = 0; bit < 8; bit++) {
            der[i] ^= (uint8_t)(1u << bit);
            if (is_taken(der, size)) {
                fail_msg("byte %zu, bit %u", i, bit);
            }
            der[i] ^= (uint8_t)(1u << bit);
        }
    }
    uint8_t *longer = malloc(size + 1);
    assert_non_null(longer);
    memcpy(longer, der, size);
    longer[size] = 0;
    assert_false(is_taken(longer, size + 1));
    assert_true(is_taken(der, size));
    free(longer);
    free(der);
    EVP_PKEY_free(key);
}

struct odd {
    const char *about;
    const char *curve;      /* NULL: RSA */
    const char *subject[8]; /* field, value, ... */
    bool has_extension;
    const char *digest;
};

static uint8_t *
odd_make(const struct odd *odd, size_t *size)
{
    EVP_PKEY *key = odd->curve ? EVP_EC_gen(odd->curve) : EVP_RSA_gen(2048);
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    assert_non_null(key);
    for (size_t i = 0; odd->subject[i]; i += 2) {
        assert_int_equal(X509_NAME_add_entry_by_txt(
                             X509_REQ_get_subject_name(request), odd->subject[i], MBSTRING_UTF8,
                             (const unsigned char *)odd->subject[i + 1], -1, -1, 0),
                         1);
    }
    if (odd->has_extension) {
        STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
        sk_X509_EXTENSION_push(extensions,
                               X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE"));
        assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_true(X509_REQ_sign(request, key, EVP_get_digestbyname(odd->digest)) > 0);
    *size = (size_t)i2d_X509_REQ(request, &der);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return der;
}

#define PLAIN                                                                                      \
    {                                                                                              \
        "O", "Cordon", "OU", "edge", "CN", "sw1", NULL                                             \
    }
static const struct odd odds[] = {
    {"an extension", "P-256", PLAIN, true, "SHA256"},
    {"another curve", "P-384", PLAIN, false, "SHA256"},
    {"another curve of that size", "secp256k1", PLAIN, false, "SHA256"},
    {"an RSA key", NULL, PLAIN, false, "SHA256"},
    {"another digest", "P-256", PLAIN, false, "SHA1"},
    {"no subject", "P-256", {NULL}, false, "SHA256"},
    {"no unit", "P-256", {"O", "Cordon", "CN", "sw1", NULL}, false, "SHA256"},
    {"another order", "P-256", {"CN", "sw1", "OU", "edge", "O", "Cordon", NULL}, false, "SHA256"},
    {"two units", "P-256", {"O", "Cordon", "OU", "edge", "OU", "server", NULL}, false, "SHA256"},
    {"a name with a slash",
     "P-256",
     {"O", "Cordon", "OU", "edge", "CN", "a/b", NULL},
     false,
     "SHA256"},
    {"a name in Japanese",
     "P-256",
     {"O", "Cordon", "OU", "edge", "CN", "\xe7\xab\xaf", NULL},
     false,
     "SHA256"},
    {"a name with a blank",
     "P-256",
     {"O", "Cordon", "OU", "edge", "CN", "a b", NULL},
     false,
     "SHA256"},
    {"another organisation",
     "P-256",
     {"O", "Cordons", "OU", "edge", "CN", "sw1", NULL},
     false,
     "SHA256"},
    {"a long name",
     "P-256",
     {"O", "Cordon", "OU", "edge", "CN",
      "n234567890123456789012345678901234567890123456789012345678901234", NULL},
     false,
     "SHA256"},
};

static void
test_other_forms_are_refused(void **state)
{
    (void)state;
    const struct odd plain = {"what is taken", "P-256", PLAIN, false, "SHA256"};
    size_t size = 0;
    for (size_t i = 0; i < COUNT_OF(odds); i++) {
        uint8_t *der = odd_make(&odds[i], &size);
        if (is_taken(der, size)) {
            fail_msg("taken: %s", odds[i].about);
        }
        OPENSSL_free(der);
    }
    uint8_t *der = odd_make(&plain, &size);
    assert_true(is_taken(der, size));
    OPENSSL_free(der);
    ERR_clear_error();
}

/* Who signs with a key of his own for another's. */
static void
test_a_key_that_is_not_the_signers(void **state)
{
    (void)state;
    EVP_PKEY *mine = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    uint8_t *der[2];
    size_t size[2];
    struct csr csr[2];
    char why[256];
    make(mine, "edge", "sw1", &der[0], &size[0]);
    make(other, "edge", "sw1", &der[1], &size[1]);
    assert_true(csr_parse(der[0], size[0], &csr[0], why) &&
                csr_parse(der[1], size[1], &csr[1], why));
    memcpy(csr[0].key, csr[1].key, sizeof(csr[0].key));
    assert_false(csr_prove(&csr[0]));
    memset(csr[1].key + 1, 0x11, sizeof(csr[1].key) - 1); /* no point of the curve */
    assert_false(csr_prove(&csr[1]));
    assert_null(csr_key(csr[1].key));
    for (int i = 0; i < 2; i++) {
        free(der[i]);
    }
    EVP_PKEY_free(mine);
    EVP_PKEY_free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_make_is_taken),
        cmocka_unit_test(test_every_prefix_and_every_changed_byte),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_a_key_that_is_not_the_signers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
