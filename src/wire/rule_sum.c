#include "wire/rule_sum.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "wire/codec_text.h"
#include "wire/rule.h"

void
rule_digest(const struct rule *rule, struct rule_digest *digest)
{
    struct rule timeless = *rule; /* shallow: only encoded */
    struct codec_text text = {.bytes = NULL};
    unsigned size = 0;
    timeless.expires_s = rule->expires_s > 0;
    codec_write(&wire_rule_shape, &timeless, NULL, &text);
    if (EVP_Digest(text.bytes, text.used, digest->bytes, &size, EVP_sha256(), NULL) != 1) {
        memset(digest, 0, sizeof(*digest)); /* rules_sum() then gives none either */
    }
    codec_text_fini(&text);
}

static int
digest_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rule_digest));
}

bool
rules_sum(struct rule_digest *digests, size_t count, const char *key, char sum[RULES_SUM_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t result[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    size_t kept = 0;
    bool is_sorted = true;
    for (size_t i = 1; is_sorted && i < count; i++) {
        is_sorted = digest_compare(&digests[i - 1], &digests[i]) <= 0;
    }
    if (!is_sorted) {
        qsort(digests, count, sizeof(*digests), digest_compare);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || digest_compare(&digests[kept - 1], &digests[i]) != 0) {
            digests[kept++] = digests[i];
        }
    }
    if (!HMAC(EVP_sha256(), key, (int)strlen(key), digests->bytes, kept * sizeof(*digests), result,
              &size) ||
        size != RULE_DIGEST_SIZE) {
        return false;
    }
    for (size_t i = 0; i < RULE_DIGEST_SIZE; i++) {
        sum[2 * i] = digits[result[i] >> 4];
        sum[2 * i + 1] = digits[result[i] & 15];
    }
    sum[RULES_SUM_SIZE - 1] = '\0';
    return true;
}
