/* Any bytes as a secret, a time and a code; and as a line of the file of second factors. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/factor.h"
#include "web/totp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is taken is the code of a step around now that was not used yet, and of no other text. */
static void
check(const uint8_t *secret, int64_t wall_us, uint64_t used, const char *text)
{
    uint64_t step = 0;
    char code[16];
    if (!totp_check(secret, text, wall_us, used, &step)) {
        return;
    }
    uint64_t now = (uint64_t)(wall_us / 1000000) / TOTP_STEP_S;
    snprintf(code, sizeof(code), "%06u", totp_code(secret, step));
    if (strcmp(code, text) != 0 || step <= used || step > now + TOTP_WINDOW ||
        step + TOTP_WINDOW < now) {
        abort();
    }
    if (totp_check(secret, text, wall_us, step, &step) && step <= used) {
        abort();
    }
}

static void
base32(const uint8_t *secret)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char text[TOTP_BASE32_SIZE];
    uint8_t again[TOTP_SECRET_SIZE] = {0};
    totp_base32(secret, text);
    for (size_t i = 0; text[i]; i++) {
        const char *letter = strchr(letters, text[i]);
        for (size_t bit = 0; letter && bit < 5; bit++) {
            size_t at = i * 5 + bit;
            again[at / 8] |= (uint8_t)(((letter - letters) >> (4 - bit) & 1) << (7 - at % 8));
        }
    }
    if (strlen(text) != TOTP_BASE32_SIZE - 1 || memcmp(again, secret, sizeof(again)) != 0) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct factor factor;
    uint8_t secret[TOTP_SECRET_SIZE];
    int64_t wall_us;
    uint64_t used, step;
    char *text = malloc(size + 1), code[16];
    if (!text) {
        abort();
    }
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (!factor_line_parse(text, &factor) && strnlen(factor.name, NAME_SIZE) == NAME_SIZE) {
        abort();
    }
    size_t fixed = sizeof(secret) + sizeof(wall_us) + sizeof(used);
    if (size >= fixed) {
        memcpy(secret, bytes, sizeof(secret));
        memcpy(&wall_us, bytes + sizeof(secret), sizeof(wall_us));
        memcpy(&used, bytes + sizeof(secret) + sizeof(wall_us), sizeof(used));
        memcpy(text, bytes + fixed, size - fixed);
        text[size - fixed] = '\0';
        check(secret, wall_us, used, text);
        base32(secret);
        step = wall_us > 0 ? (uint64_t)(wall_us / 1000000) / TOTP_STEP_S : 0;
        snprintf(code, sizeof(code), "%06u", totp_code(secret, step));
        check(secret, wall_us, used, code);
    }
    free(text);
    return 0;
}
