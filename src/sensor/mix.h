/* A fast keyed hash for the packet path (folded multiplication, after wyhash): a pair of words in a
 * few cycles.  The keys are drawn per process, so that nobody outside can choose colliding flows,
 * or frames that pass for copies of each other. */
#ifndef CORDON_SENSOR_MIX_H
#define CORDON_SENSOR_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"

/* 'purpose' keeps two tables' keys apart. */
static inline void
mix_keys(uint64_t purpose, uint64_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t seed[2] = {purpose, i};
        keys[i] = hash_bytes(seed, sizeof(seed));
    }
}

static inline uint64_t
mix_two(uint64_t x, uint64_t y)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
mix_load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* An address, or any sixteen bytes. */
static inline uint64_t
mix_sixteen(const uint64_t keys[2], const uint8_t *bytes)
{
    return mix_two(mix_load(bytes) ^ keys[0], mix_load(bytes + 8) ^ keys[1]);
}

#endif
