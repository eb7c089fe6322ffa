#include "web/totp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t
totp_code(const uint8_t secret[TOTP_SECRET_SIZE], uint64_t step)
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    for (size_t i = 0; i < sizeof(counter); i++) {
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    }
    if (!HMAC(EVP_sha1(), secret, TOTP_SECRET_SIZE, counter, sizeof(counter), mac, &size) ||
        size != 20) {
        abort(); /* no HMAC: nobody may be let in */
    }
    const uint8_t *at = mac + (mac[19] & 0xf); /* RFC 4226 5.3 */
    uint32_t value =
        ((uint32_t)(at[0] & 0x7f) << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | at[3];
    OPENSSL_cleanse(mac, sizeof(mac));
    return value % 1000000;
}

bool
totp_check(const uint8_t secret[TOTP_SECRET_SIZE], const char *text, int64_t wall_us, uint64_t used,
           uint64_t *step)
{
    bool is_found = false;
    if (wall_us < 0 || strlen(text) != TOTP_DIGITS || strspn(text, "0123456789") != TOTP_DIGITS) {
        return false;
    }
    uint64_t now = (uint64_t)(wall_us / 1000000) / TOTP_STEP_S;
    for (uint64_t i = 0; i <= 2 * TOTP_WINDOW; i++) {
        uint64_t each = now + i - (now < TOTP_WINDOW ? now : TOTP_WINDOW);
        char code[16];
        snprintf(code, sizeof(code), "%06u", totp_code(secret, each) % 1000000);
        bool is_equal = CRYPTO_memcmp(code, text, TOTP_DIGITS) == 0;
        if (is_equal && each > used) {
            *step = each;
            is_found = true;
        }
    }
    return is_found;
}

void
totp_base32(const uint8_t secret[TOTP_SECRET_SIZE], char text[TOTP_BASE32_SIZE])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    _Static_assert(TOTP_SECRET_SIZE % 5 == 0, "no padding");
    size_t used = 0;
    for (size_t i = 0; i < TOTP_SECRET_SIZE; i += 5) {
        uint64_t bits = 0;
        for (size_t j = 0; j < 5; j++) {
            bits = bits << 8 | secret[i + j];
        }
        for (int shift = 35; shift >= 0; shift -= 5) {
            text[used++] = letters[bits >> shift & 31];
        }
    }
    text[used] = '\0';
}
