/* Any bytes as an ID token (first line) and as the provider's keys (the rest): what is taken is for
 * us, of now, signed as a key says, and not with what the token itself says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "login/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct jwt_expected expected = {.issuer = "https://id.example.org",
                                             .audience = "cordon",
                                             .nonce = "the-nonce-of-this-sign-in",
                                             .now_s = 1800000000};

static void
must_be(const cJSON *claims, const char *name, const char *text)
{
    const cJSON *claim = cJSON_GetObjectItemCaseSensitive(claims, name);
    if (!cJSON_IsString(claim) || strcmp(claim->valuestring, text) != 0) {
        abort();
    }
}

static void
must_be_for_us(const cJSON *claims)
{
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(claims, "exp");
    const cJSON *audience = cJSON_GetObjectItemCaseSensitive(claims, "aud");
    const cJSON *subject = cJSON_GetObjectItemCaseSensitive(claims, "sub");
    must_be(claims, "iss", expected.issuer);
    must_be(claims, "nonce", expected.nonce);
    if (!cJSON_IsNumber(until) || until->valuedouble < (double)(expected.now_s - JWT_SKEW_S) ||
        !cJSON_IsString(subject) || (!cJSON_IsString(audience) && !cJSON_IsArray(audience))) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memchr(bytes, '\n', size);
    char why[TEXT_SIZE] = "", *token, *keys_text;
    size_t length = end ? (size_t)(end - bytes) : size;
    cJSON *claims = NULL;
    token = malloc(length + 1);
    keys_text = malloc(size - length + 1);
    if (!token || !keys_text) {
        abort();
    }
    memcpy(token, bytes, length);
    token[length] = '\0';
    memcpy(keys_text, bytes + length, size - length);
    keys_text[size - length] = '\0';
    cJSON *keys = cJSON_Parse(keys_text);
    if (jwt_check(token, keys, &expected, &claims, why) == 0) {
        must_be_for_us(claims);
        cJSON_Delete(claims);
    } else if (!why[0] || !utf8_is_plain(why, strlen(why))) {
        abort();
    }
    cJSON_Delete(keys);
    free(token);
    free(keys_text);
    return 0;
}
