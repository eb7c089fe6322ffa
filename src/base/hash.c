/* SipHash-2-4 (Aumasson and Bernstein, 2012) with a key per process; FNV-1a for stable digests. */
#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t key[2];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
key_draw(void)
{
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        abort(); /* 16 bytes never fail or come short once the machine is up (getrandom(2)) */
    }
}

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* In registers: every table of every role is asked with it. */
struct sip {
    uint64_t a, b, c, d;
};

static inline struct sip
sip_round(struct sip v)
{
    v.a += v.b;
    v.b = rotate(v.b, 13) ^ v.a;
    v.a = rotate(v.a, 32);
    v.c += v.d;
    v.d = rotate(v.d, 16) ^ v.c;
    v.a += v.d;
    v.d = rotate(v.d, 21) ^ v.a;
    v.c += v.b;
    v.b = rotate(v.b, 17) ^ v.c;
    v.c = rotate(v.c, 32);
    return v;
}

static inline struct sip
sip_word(struct sip v, uint64_t word)
{
    v.d ^= word;
    v = sip_round(sip_round(v));
    v.a ^= word;
    return v;
}

uint64_t
hash_bytes(const void *bytes, size_t size)
{
    pthread_once(&key_once, key_draw);
    struct sip v = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
                    key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL};
    const uint8_t *p = bytes;
    size_t left = size;
    for (; left >= 8; p += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        v = sip_word(v, word);
    }
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)p[i] << (8 * i);
    }
    v = sip_word(v, last);
    v.c ^= 0xff;
    v = sip_round(sip_round(sip_round(sip_round(v))));
    return v.a ^ v.b ^ v.c ^ v.d;
}

uint64_t
hash_text(const char *text)
{
    return hash_bytes(text, strlen(text));
}

uint64_t
hash_stable(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3ULL;
    }
    return hash;
}
