#include "sensor/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PLACES (1u << 16)
#define SAMPLE 32 /* bytes of payload that count */

struct place {
    uint64_t digest;
    int64_t at_us;
};

struct duplicates {
    struct place *places;
};

struct duplicates *
duplicates_new(void)
{
    struct duplicates *duplicates = MEM_NEW(struct duplicates);
    duplicates->places = mem_new(PLACES, sizeof(duplicates->places[0]));
    return duplicates;
}

void
duplicates_free(struct duplicates *duplicates)
{
    if (duplicates) {
        free(duplicates->places);
        free(duplicates);
    }
}

/* Cheap, not keyed: somebody who makes collisions hides only his own packets' like for 10 ms from a
 * counter; a flow needs many packets to be missed. */
static uint64_t
mix(uint64_t digest, uint64_t value)
{
    digest ^= value;
    digest *= 0x9e3779b97f4a7c15ULL;
    return digest ^ (digest >> 29);
}

static uint64_t
word(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

bool
duplicates_check(struct duplicates *duplicates, const struct decoded *packet)
{
    uint64_t digest = mix(0x243f6a8885a308d3ULL, word(packet->src.b + 8));
    digest = mix(digest, word(packet->src.b));
    digest = mix(digest, word(packet->dst.b + 8));
    digest = mix(digest, word(packet->dst.b));
    digest = mix(digest, (uint64_t)packet->ip_id << 32 | (uint64_t)packet->ip_size << 16 |
                             packet->fragment_offset);
    digest = mix(digest,
                 (uint64_t)packet->src_port << 48 | (uint64_t)packet->dst_port << 32 | packet->seq);
    digest = mix(digest, (uint64_t)packet->ack << 24 | (uint64_t)packet->flags << 16 |
                             (uint64_t)packet->protocol << 8 | packet->is_arp);
    digest = mix(digest, packet->size);
    for (size_t i = 0; i + 8 <= packet->size && i < SAMPLE; i += 8) {
        digest = mix(digest, word(packet->payload + i));
    }
    struct place *place = &duplicates->places[digest % PLACES];
    int64_t age = packet->at_us - place->at_us;
    bool is_duplicate = place->digest == digest && age >= 0 && age < DUPLICATES_WINDOW_US;
    if (!is_duplicate) {
        *place = (struct place){.digest = digest, .at_us = packet->at_us};
    }
    return is_duplicate;
}
