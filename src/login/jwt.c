#include "login/jwt.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/codec.h"

enum algorithm { RS256, ES256 };

struct part {
    const char *text;
    size_t size;
};

static int
bad(char why[TEXT_SIZE], const char *text)
{
    snprintf(why, TEXT_SIZE, "%s", text);
    return -EBADMSG;
}

/* base64url without padding (RFC 7515, 2); NULL: it is none.  NUL-terminated beyond '*size'. */
static uint8_t *
decode(const char *text, size_t length, size_t *size)
{
    uint8_t *bytes = mem_new(length + 1, 1);
    const char *end = NULL;
    if (sodium_base642bin(bytes, length, text, length, NULL, size, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != text + length) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

static const char *
text_at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static cJSON *
json_of(const struct part *part)
{
    size_t size = 0;
    uint8_t *bytes = decode(part->text, part->size, &size);
    cJSON *json = bytes && size > 0 ? codec_parse((const char *)bytes, size) : NULL;
    if (json && !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        json = NULL;
    }
    free(bytes);
    return json;
}

/* "HEADER.CLAIMS.SIGNATURE", each of them something. */
static bool
split(const char *token, struct part parts[3])
{
    size_t length = strnlen(token, JWT_SIZE_MAX + 1);
    if (length > JWT_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        size_t size = strcspn(token, ".");
        parts[i] = (struct part){token, size};
        token += size;
        if (size == 0 || (i < 2 ? *token++ != '.' : *token != '\0')) {
            return false;
        }
    }
    return true;
}

/* ---- keys ---- */

static bool
number_push(OSSL_PARAM_BLD *build, const cJSON *key, const char *member, const char *name,
            BIGNUM **keep)
{
    const char *text = text_at(key, member);
    size_t size = 0;
    uint8_t *bytes = text ? decode(text, strlen(text), &size) : NULL;
    *keep = bytes && size <= 1024 ? BN_bin2bn(bytes, (int)size, NULL) : NULL;
    free(bytes);
    return *keep && OSSL_PARAM_BLD_push_BN(build, name, *keep) == 1;
}

static bool
point_push(OSSL_PARAM_BLD *build, const cJSON *key, uint8_t point[65])
{
    point[0] = 4; /* uncompressed */
    for (size_t i = 0; i < 2; i++) {
        const char *text = text_at(key, i ? "y" : "x");
        size_t size = 0;
        uint8_t *bytes = text ? decode(text, strlen(text), &size) : NULL;
        bool is_good = bytes && size == 32;
        if (is_good) {
            memcpy(point + 1 + 32 * i, bytes, 32);
        }
        free(bytes);
        if (!is_good) {
            return false;
        }
    }
    return OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 65) == 1;
}

static EVP_PKEY *
key_make(const cJSON *key, enum algorithm algorithm)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, algorithm == RS256 ? "RSA" : "EC", NULL);
    BIGNUM *n = NULL, *e = NULL;
    uint8_t point[65];
    EVP_PKEY *made = NULL;
    bool is_good = build && context &&
                   (algorithm == RS256 ? number_push(build, key, "n", OSSL_PKEY_PARAM_RSA_N, &n) &&
                                             number_push(build, key, "e", OSSL_PKEY_PARAM_RSA_E, &e)
                                       : point_push(build, key, point));
    OSSL_PARAM *parameters = is_good ? OSSL_PARAM_BLD_to_param(build) : NULL;
    if (!parameters || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1 ||
        (algorithm == RS256 && EVP_PKEY_get_bits(made) < JWT_RSA_BITS_LEAST)) {
        EVP_PKEY_free(made);
        made = NULL;
    }
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return made;
}

/* May this key of the set have signed so? */
static bool
key_fits(const cJSON *key, const char *kid, enum algorithm algorithm)
{
    const char *type = text_at(key, "kty"), *use = text_at(key, "use");
    const char *name = text_at(key, "alg"), *own = text_at(key, "kid");
    const char *curve = text_at(key, "crv");
    return type && strcmp(type, algorithm == RS256 ? "RSA" : "EC") == 0 &&
           (algorithm == RS256 || (curve && strcmp(curve, "P-256") == 0)) &&
           (!use || strcmp(use, "sig") == 0) &&
           (!name || strcmp(name, algorithm == RS256 ? "RS256" : "ES256") == 0) &&
           (!kid || (own && strcmp(own, kid) == 0));
}

/* ---- the signature ---- */

/* r and s, 32 bytes each (RFC 7518, 3.4), as OpenSSL wants them. */
static uint8_t *
ecdsa_der(const uint8_t *raw, size_t size, int *der_size)
{
    uint8_t *der = NULL;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = size == 64 ? BN_bin2bn(raw, 32, NULL) : NULL;
    BIGNUM *s = size == 64 ? BN_bin2bn(raw + 32, 32, NULL) : NULL;
    if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
        *der_size = i2d_ECDSA_SIG(signature, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    return der;
}

static bool
signature_holds(EVP_PKEY *key, enum algorithm algorithm, const struct part parts[3])
{
    size_t size = 0, signed_size = parts[0].size + 1 + parts[1].size;
    uint8_t *raw = decode(parts[2].text, parts[2].size, &size), *der = NULL;
    int der_size = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (raw && algorithm == ES256) {
        der = ecdsa_der(raw, size, &der_size);
    }
    const uint8_t *signature = algorithm == ES256 ? der : raw;
    size_t signature_size = algorithm == ES256 ? (size_t)der_size : size;
    bool holds = signature && signature_size > 0 && digest &&
                 EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
                 EVP_DigestVerify(digest, signature, signature_size, (const uint8_t *)parts[0].text,
                                  signed_size) == 1;
    EVP_MD_CTX_free(digest);
    OPENSSL_free(der);
    free(raw);
    return holds;
}

/* Some providers name no kid: then any key of the right kind may be it. */
static int
signature_check(const struct part parts[3], const cJSON *keys, char why[TEXT_SIZE])
{
    cJSON *header = json_of(&parts[0]);
    const char *name = header ? text_at(header, "alg") : NULL;
    const char *kid = header ? text_at(header, "kid") : NULL;
    bool is_known = name && (strcmp(name, "RS256") == 0 || strcmp(name, "ES256") == 0);
    bool is_odd = header && (cJSON_HasObjectItem(header, "crit") ||
                             (cJSON_HasObjectItem(header, "kid") && !kid));
    enum algorithm algorithm = is_known && name[0] == 'E' ? ES256 : RS256;
    bool holds = false, is_tried = false;
    const cJSON *key;
    cJSON_ArrayForEach(key, cJSON_GetObjectItemCaseSensitive(keys, "keys"))
    {
        if (is_known && !is_odd && !holds && key_fits(key, kid, algorithm)) {
            EVP_PKEY *made = key_make(key, algorithm);
            is_tried = is_tried || made;
            holds = made && signature_holds(made, algorithm, parts);
            EVP_PKEY_free(made);
        }
    }
    cJSON_Delete(header);
    if (!is_known || is_odd) {
        return bad(why, "the ID token is not signed with RS256 or ES256");
    }
    if (!is_tried) {
        snprintf(why, TEXT_SIZE, "no key of the provider has signed the ID token");
        return -ENOKEY;
    }
    return holds ? 0 : bad(why, "the ID token's signature is wrong");
}

/* ---- claims ---- */

static bool
is_for(const cJSON *claims, const char *audience)
{
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(claims, "aud"), *each;
    const char *azp = text_at(claims, "azp");
    bool is_named = cJSON_IsString(to) && strcmp(to->valuestring, audience) == 0;
    int count = cJSON_IsArray(to) ? cJSON_GetArraySize(to) : 1;
    if (cJSON_IsArray(to)) {
        cJSON_ArrayForEach(each, to)
        {
            is_named =
                is_named || (cJSON_IsString(each) && strcmp(each->valuestring, audience) == 0);
        }
    }
    bool has_azp = cJSON_HasObjectItem(claims, "azp");
    bool is_ours = azp && strcmp(azp, audience) == 0;
    return is_named && (has_azp ? is_ours : count == 1);
}

/* A time of the token, in seconds; false: it is none. */
static bool
time_at(const cJSON *claims, const char *name, double *at)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(claims, name);
    *at = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return cJSON_IsNumber(item) && *at > 0 && *at < 1e11;
}

static int
claims_check(const cJSON *claims, const struct jwt_expected *expected, char why[TEXT_SIZE])
{
    const char *issuer = text_at(claims, "iss"), *nonce = text_at(claims, "nonce");
    const char *subject = text_at(claims, "sub");
    double now = (double)expected->now_s, expires, issued, not_before;
    if (!issuer || strcmp(issuer, expected->issuer) != 0) {
        return bad(why, "the ID token is another issuer's");
    }
    if (!is_for(claims, expected->audience)) {
        return bad(why, "the ID token is for another client");
    }
    if (!time_at(claims, "exp", &expires) || expires + JWT_SKEW_S < now) {
        return bad(why, "the ID token has expired: are both clocks right?");
    }
    if (!time_at(claims, "iat", &issued) || issued - JWT_SKEW_S > now ||
        issued + JWT_AGE_MAX_S + JWT_SKEW_S < now) {
        return bad(why, "the ID token was not made just now: are both clocks right?");
    }
    if (cJSON_HasObjectItem(claims, "nbf") &&
        (!time_at(claims, "nbf", &not_before) || not_before - JWT_SKEW_S > now)) {
        return bad(why, "the ID token is not valid yet: are both clocks right?");
    }
    if (!nonce || !expected->nonce[0] || strlen(nonce) != strlen(expected->nonce) ||
        CRYPTO_memcmp(nonce, expected->nonce, strlen(nonce)) != 0) {
        return bad(why, "the ID token answers another sign-in");
    }
    return subject && subject[0] && strlen(subject) <= 255 ? 0
                                                           : bad(why, "the ID token is nobody's");
}

int
jwt_check(const char *token, const cJSON *keys, const struct jwt_expected *expected, cJSON **claims,
          char why[TEXT_SIZE])
{
    struct part parts[3];
    if (!split(token, parts)) {
        return bad(why, "the ID token is none");
    }
    int error = signature_check(parts, keys, why);
    if (error) {
        return error;
    }
    cJSON *found = json_of(&parts[1]);
    error = found ? claims_check(found, expected, why) : bad(why, "the ID token's claims are none");
    if (error) {
        cJSON_Delete(found);
        return error;
    }
    *claims = found;
    return 0;
}
