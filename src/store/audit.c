#include "store/audit.h"

#include <sodium.h>
#include <string.h>

static void
put_number(crypto_hash_sha256_state *state, uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

/* With its length, so that no two different rows give the same bytes. */
static void
put_text(crypto_hash_sha256_state *state, const char *text)
{
    size_t size = strlen(text);
    put_number(state, size);
    crypto_hash_sha256_update(state, (const uint8_t *)text, size);
}

void
audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const struct audit_fields *fields,
           uint8_t hash[AUDIT_HASH_SIZE])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, AUDIT_HASH_SIZE);
    put_number(&state, (uint64_t)fields->number);
    put_number(&state, (uint64_t)fields->at_us);
    put_text(&state, fields->account);
    put_text(&state, fields->action);
    put_text(&state, fields->object);
    put_text(&state, fields->detail);
    crypto_hash_sha256_final(&state, hash);
}
