/* ID tokens: a good one of each algorithm, and each way in which one can be forged, stolen or
 * stale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "login/jwt.h"
#include "login/directory.h"
#include "login/openid.h"

#define NOW 1770000000
#define ISSUER "https://id.example.org"
#define TOKEN_SIZE 8192

static EVP_PKEY *rsa, *other_rsa, *small_rsa, *ec, *other_ec;
static const struct jwt_expected wanted = {
    .issuer = ISSUER, .audience = "cordon", .nonce = "the-nonce", .now_s = NOW};

static void
base64(const void *bytes, size_t size, char *text, size_t room)
{
    sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int
setup(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    other_rsa = EVP_RSA_gen(2048);
    small_rsa = EVP_RSA_gen(1024);
    ec = EVP_EC_gen("P-256");
    other_ec = EVP_EC_gen("P-256");
    return sodium_init() >= 0 && rsa && other_rsa && small_rsa && ec && other_ec ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY *all[] = {rsa, other_rsa, small_rsa, ec, other_ec};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        EVP_PKEY_free(all[i]);
    }
    return 0;
}

/* ---- a key set, as a provider publishes it ---- */

static void
number_add(cJSON *key, const char *name, const EVP_PKEY *from, const char *parameter, int size)
{
    BIGNUM *number = NULL;
    uint8_t bytes[1024];
    char text[2048];
    assert_int_equal(EVP_PKEY_get_bn_param(from, parameter, &number), 1);
    int length = size ? BN_bn2binpad(number, bytes, size) : BN_bn2bin(number, bytes);
    base64(bytes, (size_t)length, text, sizeof(text));
    cJSON_AddStringToObject(key, name, text);
    BN_free(number);
}

static cJSON *
key_of(const EVP_PKEY *from, const char *kid)
{
    cJSON *key = cJSON_CreateObject();
    if (EVP_PKEY_get_base_id(from) == EVP_PKEY_RSA) {
        cJSON_AddStringToObject(key, "kty", "RSA");
        number_add(key, "n", from, OSSL_PKEY_PARAM_RSA_N, 0);
        number_add(key, "e", from, OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        cJSON_AddStringToObject(key, "kty", "EC");
        cJSON_AddStringToObject(key, "crv", "P-256");
        number_add(key, "x", from, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        number_add(key, "y", from, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    }
    cJSON_AddStringToObject(key, "kid", kid);
    cJSON_AddStringToObject(key, "use", "sig");
    return key;
}

static cJSON *
keys_make(void)
{
    cJSON *set = cJSON_CreateObject(), *keys = cJSON_AddArrayToObject(set, "keys");
    cJSON_AddItemToArray(keys, key_of(rsa, "r"));
    cJSON_AddItemToArray(keys, key_of(ec, "e"));
    cJSON_AddItemToArray(keys, key_of(small_rsa, "small"));
    return set;
}

/* ---- tokens ---- */

static size_t
sign(EVP_PKEY *key, const char *text, uint8_t out[1024])
{
    size_t size = 1024;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(digest, out, &size, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(digest);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        const uint8_t *at = out;
        ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), out + 512, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 544, 32);
        memmove(out, out + 512, 64);
        size = 64;
        ECDSA_SIG_free(signature);
    }
    return size;
}

/* 'key' NULL: an empty signature. */
static void
token_make(const char *header, const char *claims, EVP_PKEY *key, char token[TOKEN_SIZE])
{
    uint8_t signature[1024];
    base64(header, strlen(header), token, TOKEN_SIZE);
    strcat(token, ".");
    base64(claims, strlen(claims), token + strlen(token), TOKEN_SIZE - strlen(token));
    size_t size = key ? sign(key, token, signature) : 0;
    strcat(token, ".");
    base64(signature, size, token + strlen(token), TOKEN_SIZE - strlen(token));
}

#define RS "{\"alg\":\"RS256\",\"kid\":\"r\"}"
#define ES "{\"alg\":\"ES256\",\"kid\":\"e\"}"
#define CLAIMS(issuer, audience, expires, issued, nonce)                                           \
    "{\"iss\":\"" issuer "\",\"aud\":" audience ",\"exp\":" expires ",\"iat\":" issued             \
    ",\"nonce\":\"" nonce "\",\"sub\":\"kim\"}"
#define GOOD CLAIMS(ISSUER, "\"cordon\"", "1770000300", "1770000000", "the-nonce")

static int
check(const char *token)
{
    cJSON *keys = keys_make(), *claims = NULL;
    char why[TEXT_SIZE];
    int result = jwt_check(token, keys, &wanted, &claims, why);
    assert_int_equal(result == 0, claims != NULL);
    cJSON_Delete(claims);
    cJSON_Delete(keys);
    return result;
}

static int
check_made(const char *header, const char *claims, EVP_PKEY *key)
{
    char token[TOKEN_SIZE];
    token_make(header, claims, key, token);
    return check(token);
}

static void
good_ones(void **state)
{
    (void)state;
    assert_int_equal(check_made(RS, GOOD, rsa), 0);
    assert_int_equal(check_made(ES, GOOD, ec), 0);
    assert_int_equal(check_made("{\"alg\":\"RS256\"}", GOOD, rsa), 0); /* no kid */
    assert_int_equal(
        check_made(RS, CLAIMS(ISSUER, "[\"cordon\"]", "1770000300", "1770000000", "the-nonce"),
                   rsa),
        0);
    /* the other clock is a minute away */
    assert_int_equal(
        check_made(RS, CLAIMS(ISSUER, "\"cordon\"", "1769999941", "1769999641", "the-nonce"), rsa),
        0);
    assert_int_equal(
        check_made(RS, CLAIMS(ISSUER, "\"cordon\"", "1770000400", "1770000059", "the-nonce"), rsa),
        0);
}

static void
forged_signatures(void **state)
{
    static const char *const none[] = {"none",  "None",  "nOnE",  "NONE",  "",
                                       "HS256", "RS512", "PS256", "ES384", "RS1"};
    char token[TOKEN_SIZE], header[128];
    (void)state;
    assert_int_equal(check_made(RS, GOOD, other_rsa), -EBADMSG);
    assert_int_equal(check_made(ES, GOOD, other_ec), -EBADMSG);
    assert_int_equal(check_made(RS, GOOD, NULL), -EBADMSG);
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        for (size_t j = 0; j < 2; j++) {
            snprintf(header, sizeof(header), "{\"alg\":\"%s\"%s}", none[i],
                     j ? ",\"kid\":\"r\"" : "");
            assert_int_equal(check_made(header, GOOD, NULL), -EBADMSG);
            assert_int_equal(check_made(header, GOOD, rsa), -EBADMSG);
        }
    }
    /* the algorithm of another kind of key, and a key that anybody could break */
    assert_int_equal(check_made("{\"alg\":\"ES256\",\"kid\":\"r\"}", GOOD, rsa), -ENOKEY);
    assert_int_equal(check_made("{\"alg\":\"RS256\",\"kid\":\"e\"}", GOOD, ec), -ENOKEY);
    assert_int_equal(check_made("{\"alg\":\"RS256\",\"kid\":\"small\"}", GOOD, small_rsa), -ENOKEY);
    assert_int_equal(check_made("{\"alg\":\"RS256\",\"kid\":\"x\"}", GOOD, rsa), -ENOKEY);
    assert_int_equal(check_made("{\"alg\":\"RS256\",\"kid\":7}", GOOD, rsa), -EBADMSG);
    assert_int_equal(check_made("{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"b64\"]}", GOOD, rsa),
                     -EBADMSG);
    /* a key that the token brings along itself */
    cJSON *own = key_of(other_rsa, "r");
    char *text = cJSON_PrintUnformatted(own);
    char *big = malloc(strlen(text) + 64);
    sprintf(big, "{\"alg\":\"RS256\",\"kid\":\"r\",\"jwk\":%s}", text);
    assert_int_equal(check_made(big, GOOD, other_rsa), -EBADMSG);
    free(big);
    cJSON_free(text);
    cJSON_Delete(own);
    /* the claims of one, the signature of another */
    char mixed[TOKEN_SIZE];
    token_make(RS, GOOD, rsa, token);
    token_make(RS, CLAIMS(ISSUER, "\"cordon\"", "1770000300", "1770000000", "the-nonce") " ", NULL,
               mixed);
    strcpy(strrchr(mixed, '.'), strrchr(token, '.'));
    assert_int_equal(check(mixed), -EBADMSG);
}

/* HMAC with the public key as its secret: what a checker falls for that lets the token choose. */
static void
a_mac_made_with_the_public_key(void **state)
{
    char token[TOKEN_SIZE];
    uint8_t der[2048], *at = der, mac[32];
    unsigned size = 32;
    (void)state;
    int der_size = i2d_PUBKEY(rsa, &at);
    token_make("{\"alg\":\"HS256\",\"kid\":\"r\"}", GOOD, NULL, token);
    token[strlen(token) - 1] = '\0';
    HMAC(EVP_sha256(), der, der_size, (const uint8_t *)token, strlen(token), mac, &size);
    strcat(token, ".");
    base64(mac, sizeof(mac), token + strlen(token), TOKEN_SIZE - strlen(token));
    assert_int_equal(check(token), -EBADMSG);
}

static void
true_ones_of_others(void **state)
{
    static const char *const bad[] = {
        CLAIMS("https://evil.example", "\"cordon\"", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER "/", "\"cordon\"", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"another\"", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "[]", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "[\"cordon\",\"another\"]", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\",\"azp\":\"another\"", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\",\"azp\":7", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\"", "1769999939", "1769999900", "the-nonce"), /* expired */
        CLAIMS(ISSUER, "\"cordon\"", "\"1770000300\"", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\"", "1e300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\"", "1770000300", "1770000061", "the-nonce"), /* to come */
        CLAIMS(ISSUER, "\"cordon\"", "1770900000", "1769999339", "the-nonce"), /* kept too long */
        CLAIMS(ISSUER, "\"cordon\",\"nbf\":1770000061", "1770000300", "1770000000", "the-nonce"),
        CLAIMS(ISSUER, "\"cordon\"", "1770000300", "1770000000", "The-nonce"), /* replayed */
        CLAIMS(ISSUER, "\"cordon\"", "1770000300", "1770000000", ""),
        "{\"iss\":\"" ISSUER "\",\"aud\":\"cordon\",\"exp\":1770000300,\"iat\":1770000000,"
        "\"sub\":\"kim\"}", /* no nonce */
        "{\"iss\":\"" ISSUER "\",\"aud\":\"cordon\",\"exp\":1770000300,\"iat\":1770000000,"
        "\"nonce\":\"the-nonce\"}", /* nobody */
        "{}",
        "[]",
        "kim",
        "",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (check_made(RS, bad[i], rsa) != -EBADMSG) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

/* Whatever a provider sends is a token or an error. */
static void
broken_ones(void **state)
{
    static const char *const bad[] = {
        "",        ".",        "..",          "...",   "a.b",           "a.b.c",
        "a.b.c.d", "e30.e30.", "e30.e30.e30", "=.=.=", "\xff.\xff.\xff"};
    char token[TOKEN_SIZE], copy[TOKEN_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(check(bad[i]), -EBADMSG);
    }
    token_make(ES, GOOD, ec, token);
    for (size_t size = 0; size < strlen(token); size++) {
        memcpy(copy, token, size);
        copy[size] = '\0';
        assert_int_not_equal(check(copy), 0);
    }
    for (size_t i = 0; i < strlen(token); i += 3) {
        memcpy(copy, token, sizeof(copy));
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        /* the last character of a part may hold bits that stand for nothing: refused, or the same
         */
        (void)check(copy);
    }
    char *huge = malloc(JWT_SIZE_MAX + 2);
    memset(huge, 'A', JWT_SIZE_MAX + 1);
    huge[JWT_SIZE_MAX + 1] = '\0';
    assert_int_equal(check(huge), -EBADMSG);
    free(huge);
}

static void
roles_by_claims(void **state)
{
    struct config_mapping map[] = {{"admins", ACCOUNT_ADMIN}, {"ward-it", ACCOUNT_OPERATOR}};
    struct config_openid config = {.role_claim = "groups", .roles = map, .role_count = 2};
    static const struct {
        const char *claim, *claims;
        int role; /* -1: none */
    } rows[] = {
        {"groups", "{\"groups\":[\"x\",\"ward-it\",\"admins\"]}", ACCOUNT_ADMIN},
        {"groups", "{\"groups\":\"ward-it\"}", ACCOUNT_OPERATOR},
        {"groups", "{\"groups\":[\"ADMINS\",\"admins \",7,null,[\"admins\"]]}", -1},
        {"groups", "{\"groups\":{\"admins\":true}}", -1},
        {"groups", "{}", -1},
        {"a.b", "{\"a\":{\"b\":[\"admins\"]}}", ACCOUNT_ADMIN},
        {"a.b", "{\"a.b\":[\"ward-it\"],\"a\":{\"b\":[\"admins\"]}}", ACCOUNT_OPERATOR},
        {"a.b", "{\"a\":[\"admins\"]}", -1},
        {"a..", "{\"a\":{}}", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cJSON *claims = cJSON_Parse(rows[i].claims);
        int role = -1;
        snprintf(config.role_claim, sizeof(config.role_claim), "%s", rows[i].claim);
        assert_int_equal(openid_role_of(&config, claims, &role), rows[i].role >= 0);
        assert_int_equal(role, rows[i].role);
        cJSON_Delete(claims);
    }
}

static void
filters_hold_names_only(void **state)
{
    static const struct {
        const char *name, *filter;
    } rows[] = {
        {"kim", "(uid=kim)"},
        {"*", "(uid=\\2a)"},
        {"*)(uid=*", "(uid=\\2a\\29\\28uid=\\2a)"},
        {"kim)(|(uid=*", "(uid=kim\\29\\28|\\28uid=\\2a)"},
        {"a\\2a", "(uid=a\\5c2a)"},
        {"\xe9\x87\x91", "(uid=\\e9\\87\\91)"},
        {"a\x01", "(uid=a\\01)"},
    };
    char filter[64];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(directory_filter_make("uid", rows[i].name, filter, sizeof(filter)));
        assert_string_equal(filter, rows[i].filter);
    }
    char long_name[64];
    memset(long_name, '*', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_false(directory_filter_make("uid", long_name, filter, sizeof(filter)));
}

static void
roles_by_groups(void **state)
{
    struct config_mapping map[] = {{"cn=admins,dc=example,dc=org", ACCOUNT_ADMIN},
                                   {"cn=ward-it,dc=example,dc=org", ACCOUNT_OPERATOR}};
    struct config_ldap config = {.roles = map, .role_count = 2};
    char *const two[] = {(char[]){"cn=ward-it,dc=example,dc=org"},
                         (char[]){"CN = Admins, DC=example,DC=org"}};
    char *const near[] = {(char[]){"cn=admins,dc=example,dc=org,dc=evil"},
                          (char[]){"cn=admins\\,dc=example,dc=org"}, (char[]){""},
                          (char[]){"admins"}};
    int role = -1;
    (void)state;
    assert_true(directory_role_of(&config, two, 2, &role));
    assert_int_equal(role, ACCOUNT_ADMIN);
    assert_true(directory_role_of(&config, two, 1, &role));
    assert_int_equal(role, ACCOUNT_OPERATOR);
    assert_false(directory_role_of(&config, near, COUNT_OF(near), &role));
    assert_false(directory_role_of(&config, near, 0, &role));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones),
        cmocka_unit_test(forged_signatures),
        cmocka_unit_test(a_mac_made_with_the_public_key),
        cmocka_unit_test(true_ones_of_others),
        cmocka_unit_test(broken_ones),
        cmocka_unit_test(roles_by_claims),
        cmocka_unit_test(filters_hold_names_only),
        cmocka_unit_test(roles_by_groups),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
