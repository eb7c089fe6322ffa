#include "sensor/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "sensor/mix.h"

#define PURPOSE 0x647570ULL
#define PLACES_BITS 16
#define PLACES (1u << PLACES_BITS)
#define SAMPLE 32 /* bytes of payload that count */
#define PAIRS 6   /* pairs of words that are hashed */
/* A place is one word: the time in its lower bits, of the digest what is left above. */
#define STAMP_BITS 24
#define STAMP_MASK ((1u << STAMP_BITS) - 1)
#define STAMP_SHIFT 8 /* units of 256 us: comes round after more than an hour */

struct duplicates {
    uint64_t keys[PAIRS * 2];
    uint64_t places[PLACES];
};

struct duplicates *
duplicates_new(void)
{
    struct duplicates *duplicates = MEM_NEW(struct duplicates);
    mix_keys(PURPOSE, duplicates->keys, COUNT_OF(duplicates->keys));
    return duplicates;
}

void
duplicates_free(struct duplicates *duplicates)
{
    free(duplicates);
}

/* What does not change between two copies: addresses, everything of the transport header that
 * tells one packet of a flow from the next, the first bytes of the payload.  Not the Ethernet
 * header, the tag or the TTL: the copies may be from before and after a router. */
static uint64_t
digest_of(const struct duplicates *duplicates, const struct decoded *packet)
{
    const uint64_t *keys = duplicates->keys;
    uint8_t start[SAMPLE] = {0};
    const uint8_t *sample = packet->payload;
    if (packet->size < SAMPLE) {
        if (packet->size > 0) {
            memcpy(start, packet->payload, packet->size);
        }
        sample = start;
    }
    uint64_t ip =
        (uint64_t)packet->ip_id << 32 | (uint64_t)packet->ip_size << 16 | packet->fragment_offset;
    uint64_t ports =
        (uint64_t)packet->src_port << 48 | (uint64_t)packet->dst_port << 32 | packet->seq;
    uint64_t ack = (uint64_t)packet->ack << 32 | (uint64_t)packet->flags << 16 |
                   (uint64_t)packet->protocol << 8 | (uint64_t)packet->is_tunnelled << 1 |
                   (uint64_t)packet->is_arp;
    uint64_t size = (uint64_t)packet->size << 16 | packet->arp_op;
    uint64_t sum = mix_sixteen(keys, packet->src.b);
    sum ^= mix_sixteen(keys + 2, packet->dst.b);
    sum ^= mix_two(ip ^ keys[4], ports ^ keys[5]);
    sum ^= mix_two(ack ^ keys[6], size ^ keys[7]);
    sum ^= mix_sixteen(keys + 8, sample);
    sum ^= mix_sixteen(keys + 10, sample + 16);
    if (packet->protocol != PROTOCOL_TCP && packet->size > SAMPLE) {
        /* no sequence number, often no id: tunnels and media begin with the same bytes each time */
        const uint8_t *end = packet->payload + packet->size - SAMPLE;
        sum = mix_two(sum ^ keys[1], mix_sixteen(keys + 8, end) ^ mix_sixteen(keys + 10, end + 16));
    }
    return mix_two(sum ^ keys[0], keys[7] | 1);
}

bool
duplicates_check(struct duplicates *duplicates, const struct decoded *packet)
{
    uint64_t digest = digest_of(duplicates, packet);
    uint64_t *place = &duplicates->places[digest >> (64 - PLACES_BITS)];
    uint32_t now = (uint32_t)(packet->at_us >> STAMP_SHIFT) & STAMP_MASK;
    uint32_t age = (now - (uint32_t)*place) & STAMP_MASK;
    if ((*place ^ digest << STAMP_BITS) >> STAMP_BITS == 0 &&
        age <= DUPLICATES_WINDOW_US >> STAMP_SHIFT) {
        return true;
    }
    *place = digest << STAMP_BITS | now;
    return false;
}
