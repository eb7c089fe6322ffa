#include "model/checkpoint.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ED25519_TYPE 0x01 /* c2sp.org/signed-note */
#define DASH "\xe2\x80\x94 "
#define HASH_TEXT_SIZE 48      /* base64 of 32 bytes: 44 */
#define SIGNATURE_TEXT_SIZE 96 /* of 4 + 64: 92 */
#define BODY_SIZE 256
_Static_assert(CHECKPOINT_SECRET_SIZE == crypto_sign_SECRETKEYBYTES, "libsodium's");
_Static_assert(CHECKPOINT_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "libsodium's");
_Static_assert(CHECKPOINT_SIGNATURE_SIZE == crypto_sign_BYTES, "libsodium's");

static void
base64_put(const uint8_t *bytes, size_t size, char *text, size_t room)
{
    sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL);
}

static bool
base64_take(const char *text, uint8_t *bytes, size_t size)
{
    size_t got = 0;
    const char *end = NULL;
    return sodium_base642bin(bytes, size, text, strlen(text), NULL, &got, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == size && *end == '\0';
}

/* First four bytes of SHA-256 over name, line end, type and key. */
static void
key_id(const struct checkpoint_key *key, uint8_t id[4])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    const uint8_t between[2] = {'\n', ED25519_TYPE};
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)key->origin, strlen(key->origin));
    crypto_hash_sha256_update(&state, between, sizeof(between));
    crypto_hash_sha256_update(&state, key->bytes, sizeof(key->bytes));
    crypto_hash_sha256_final(&state, hash);
    memcpy(id, hash, 4);
}

void
checkpoint_key_make(const uint8_t seed[CHECKPOINT_KEY_SIZE], struct checkpoint_key *key,
                    uint8_t secret[CHECKPOINT_SECRET_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[17];
    crypto_sign_seed_keypair(key->bytes, secret, seed);
    crypto_hash_sha256(hash, key->bytes, sizeof(key->bytes));
    sodium_bin2hex(hex, sizeof(hex), hash, 8);
    snprintf(key->origin, sizeof(key->origin), "cordon/%s", hex);
}

void
checkpoint_key_format(const struct checkpoint_key *key, char text[CHECKPOINT_VKEY_SIZE])
{
    uint8_t id[4], typed[1 + CHECKPOINT_KEY_SIZE] = {ED25519_TYPE};
    char hex[9], base64[HASH_TEXT_SIZE];
    key_id(key, id);
    memcpy(typed + 1, key->bytes, sizeof(key->bytes));
    sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
    base64_put(typed, sizeof(typed), base64, sizeof(base64));
    snprintf(text, CHECKPOINT_VKEY_SIZE, "%s+%s+%s", key->origin, hex, base64);
}

/* A key's name: no blank, no plus, printable. */
static bool
origin_is_good(const char *origin)
{
    for (const char *at = origin; *at; at++) {
        if (*at <= ' ' || *at == '+' || *at >= 0x7f) {
            return false;
        }
    }
    return origin[0] != '\0';
}

bool
checkpoint_key_parse(const char *text, struct checkpoint_key *key)
{
    uint8_t typed[1 + CHECKPOINT_KEY_SIZE], id[4];
    char hex[9] = "", base64[HASH_TEXT_SIZE] = "", is[9];
    int end = 0;
    struct checkpoint_key made = {.origin = ""};
    if (sscanf(text, "%63[^+]+%8[0-9a-f]+%47[^ \n]%n", made.origin, hex, base64, &end) != 3 ||
        text[end + (int)strspn(text + end, " \r\n")] != '\0' || !origin_is_good(made.origin) ||
        !base64_take(base64, typed, sizeof(typed)) || typed[0] != ED25519_TYPE) {
        return false;
    }
    memcpy(made.bytes, typed + 1, sizeof(made.bytes));
    key_id(&made, id);
    sodium_bin2hex(is, sizeof(is), id, sizeof(id));
    *key = made;
    return strcmp(is, hex) == 0;
}

/* What is signed: the lines up to the blank one. */
static size_t
body_format(const struct checkpoint *checkpoint, char body[BODY_SIZE])
{
    char hash[HASH_TEXT_SIZE], at[TIME_TEXT_SIZE];
    base64_put(checkpoint->hash, sizeof(checkpoint->hash), hash, sizeof(hash));
    time_format(checkpoint->at_us, at);
    int size = snprintf(body, BODY_SIZE, "%s\n%" PRId64 "\n%s\n%s\n%s", checkpoint->origin,
                        checkpoint->number, hash, at, checkpoint->is_anchor ? "pruned\n" : "");
    return size > 0 && size < BODY_SIZE ? (size_t)size : 0;
}

void
checkpoint_sign(struct checkpoint *checkpoint, const struct checkpoint_key *key,
                const uint8_t secret[CHECKPOINT_SECRET_SIZE])
{
    char body[BODY_SIZE];
    snprintf(checkpoint->origin, sizeof(checkpoint->origin), "%s", key->origin);
    key_id(key, checkpoint->key_id);
    size_t size = body_format(checkpoint, body);
    crypto_sign_detached(checkpoint->signature, NULL, (const uint8_t *)body, size, secret);
}

bool
checkpoint_is_signed(const struct checkpoint *checkpoint, const struct checkpoint_key *key)
{
    char body[BODY_SIZE];
    uint8_t id[4];
    key_id(key, id);
    size_t size = body_format(checkpoint, body);
    return strcmp(checkpoint->origin, key->origin) == 0 &&
           memcmp(id, checkpoint->key_id, sizeof(id)) == 0 &&
           crypto_sign_verify_detached(checkpoint->signature, (const uint8_t *)body, size,
                                       key->bytes) == 0;
}

static void
signature_format(const struct checkpoint *checkpoint, char text[SIGNATURE_TEXT_SIZE])
{
    uint8_t bytes[4 + CHECKPOINT_SIGNATURE_SIZE];
    memcpy(bytes, checkpoint->key_id, 4);
    memcpy(bytes + 4, checkpoint->signature, CHECKPOINT_SIGNATURE_SIZE);
    base64_put(bytes, sizeof(bytes), text, SIGNATURE_TEXT_SIZE);
}

void
checkpoint_format(const struct checkpoint *checkpoint, char note[CHECKPOINT_NOTE_SIZE])
{
    char body[BODY_SIZE], signature[SIGNATURE_TEXT_SIZE];
    body_format(checkpoint, body);
    signature_format(checkpoint, signature);
    snprintf(note, CHECKPOINT_NOTE_SIZE, "%s\n" DASH "%s %s\n", body, checkpoint->origin,
             signature);
}

void
checkpoint_line_format(const struct checkpoint *checkpoint, char line[CHECKPOINT_NOTE_SIZE])
{
    char hash[HASH_TEXT_SIZE], at[TIME_TEXT_SIZE], signature[SIGNATURE_TEXT_SIZE];
    base64_put(checkpoint->hash, sizeof(checkpoint->hash), hash, sizeof(hash));
    time_format(checkpoint->at_us, at);
    signature_format(checkpoint, signature);
    snprintf(line, CHECKPOINT_NOTE_SIZE, "%s%s %" PRId64 " %s %s %s",
             checkpoint->is_anchor ? ANCHOR_MARK : CHECKPOINT_MARK, checkpoint->origin,
             checkpoint->number, hash, at, signature);
}

/* The five words, however they were set apart. */
struct words {
    char origin[NAME_SIZE], number[21], hash[HASH_TEXT_SIZE], at[TIME_TEXT_SIZE],
        signature[SIGNATURE_TEXT_SIZE];
};

static bool
words_take(const struct words *words, struct checkpoint *checkpoint)
{
    uint8_t bytes[4 + CHECKPOINT_SIGNATURE_SIZE];
    char body[TIME_TEXT_SIZE];
    char *end = NULL;
    struct checkpoint made = {.number = strtoll(words->number, &end, 10)};
    if (*end || made.number <= 0 || made.number >= INT64_C(1) << 53 || words->number[0] == '0' ||
        words->number[0] == '+' || !origin_is_good(words->origin) ||
        !base64_take(words->hash, made.hash, sizeof(made.hash)) ||
        time_parse(words->at, &made.at_us) != 0 ||
        !base64_take(words->signature, bytes, sizeof(bytes))) {
        return false;
    }
    memcpy(made.origin, words->origin, sizeof(made.origin));
    memcpy(made.key_id, bytes, 4);
    memcpy(made.signature, bytes + 4, CHECKPOINT_SIGNATURE_SIZE);
    time_format(made.at_us, body);
    *checkpoint = made;
    return strcmp(body, words->at) == 0; /* what is signed is written anew from what was read */
}

bool
checkpoint_parse(const char *note, struct checkpoint *checkpoint)
{
    struct words words = {.origin = ""};
    char by[NAME_SIZE] = "";
    int end = 0;
    char again[CHECKPOINT_NOTE_SIZE];
    if (strlen(note) >= CHECKPOINT_NOTE_SIZE ||
        sscanf(note, "%63[^\n ]\n%20[0-9]\n%47[^\n ]\n%31[^\n ]\n\n" DASH "%63[^\n ] %95[^\n ]%n",
               words.origin, words.number, words.hash, words.at, by, words.signature, &end) != 6 ||
        !words_take(&words, checkpoint)) {
        return false;
    }
    checkpoint_format(checkpoint, again);
    return strcmp(again, note) == 0; /* one form only */
}

static bool
line_find(const char *line, const char *mark, struct checkpoint *checkpoint)
{
    struct words words = {.origin = ""};
    char plain[CHECKPOINT_NOTE_SIZE];
    size_t used = 0;
    const char *at = strstr(line, mark);
    for (at = at ? at + strlen(mark) : ""; *at && used + 1 < sizeof(plain); at++) {
        if (*at != '\\') {
            plain[used++] = *at;
        }
    }
    plain[used] = '\0';
    return sscanf(plain, "%63[^ ] %20[0-9] %47[A-Za-z0-9+/=] %31[0-9TZ:.-] %95[A-Za-z0-9+/=]",
                  words.origin, words.number, words.hash, words.at, words.signature) == 5 &&
           words_take(&words, checkpoint);
}

bool
checkpoint_line_find(const char *line, struct checkpoint *checkpoint)
{
    return line_find(line, CHECKPOINT_MARK, checkpoint);
}

bool
anchor_line_find(const char *line, struct checkpoint *anchor)
{
    bool is_found = line_find(line, ANCHOR_MARK, anchor);
    anchor->is_anchor = is_found;
    return is_found;
}

bool
checkpoint_is_same(const struct checkpoint *a, const struct checkpoint *b)
{
    return a->number == b->number && strcmp(a->origin, b->origin) == 0 &&
           memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}
