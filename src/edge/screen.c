#include "edge/screen.h"

#include <stdatomic.h>
#include <string.h>

static uint32_t
bit_of(const uint8_t mac[6])
{
    __u64 word = 0;
    memcpy(&word, mac, 6);
    return dp_digest(word, DP_SCREEN_BITS);
}

void
screen_add(const struct screen *screen, const uint8_t mac[6])
{
    const uint32_t bit = bit_of(mac);
    atomic_fetch_or(&screen->words[bit / 64], UINT64_C(1) << (bit % 64));
}

bool
screen_has(const struct screen *screen, const uint8_t mac[6])
{
    const uint32_t bit = bit_of(mac);
    return atomic_load(&screen->words[bit / 64]) >> (bit % 64) & 1;
}

void
screen_renew(struct screen *screen, const struct screen *fresh)
{
    for (size_t i = 0; i < SCREEN_WORDS; i++) {
        uint64_t word = atomic_load(&fresh->words[i]);
        if (atomic_load(&screen->words[i]) != word) {
            atomic_store(&screen->words[i], word);
        }
    }
    screen->stale = 0;
}
