#include "sensor/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DATAGRAM_MAX 65535
#define UNITS (DATAGRAM_MAX / 8 + 1)

struct datagram {
    bool is_used;
    int64_t first_us;
    struct ip src, dst;
    uint32_t id;
    uint8_t protocol;
    bool is_tunnelled;
    size_t total;                   /* 0: the last fragment has not come */
    size_t have;                    /* bytes */
    uint8_t present[UNITS / 8 + 1]; /* a bit per 8 bytes */
    uint8_t bytes[DATAGRAM_MAX + 8];
};

struct fragments {
    struct datagram *datagrams;
    uint64_t dropped;
};

struct fragments *
fragments_new(void)
{
    struct fragments *fragments = MEM_NEW(struct fragments);
    fragments->datagrams = mem_new(FRAGMENTS_DATAGRAMS, sizeof(fragments->datagrams[0]));
    return fragments;
}

void
fragments_free(struct fragments *fragments)
{
    if (fragments) {
        free(fragments->datagrams);
        free(fragments);
    }
}

static bool
is_of(const struct datagram *datagram, const struct decoded *packet)
{
    return datagram->is_used && datagram->id == packet->ip_id &&
           datagram->protocol == packet->protocol &&
           datagram->is_tunnelled == packet->is_tunnelled &&
           ip_is_equal(&datagram->src, &packet->src) && ip_is_equal(&datagram->dst, &packet->dst);
}

/* Its datagram, or a free place, or the oldest one's. */
static struct datagram *
find(struct fragments *fragments, const struct decoded *packet)
{
    struct datagram *oldest = &fragments->datagrams[0];
    for (size_t i = 0; i < FRAGMENTS_DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        if (is_of(datagram, packet) && packet->at_us - datagram->first_us < FRAGMENTS_LIFE_US) {
            return datagram;
        }
        if (!datagram->is_used || (oldest->is_used && datagram->first_us < oldest->first_us)) {
            oldest = datagram;
        }
    }
    fragments->dropped += oldest->is_used;
    *oldest = (struct datagram){.is_used = true,
                                .first_us = packet->at_us,
                                .src = packet->src,
                                .dst = packet->dst,
                                .id = packet->ip_id,
                                .protocol = packet->protocol,
                                .is_tunnelled = packet->is_tunnelled};
    return oldest;
}

/* Eight bytes at a time: offsets of fragments are multiples of eight. */
static void
fill(struct datagram *datagram, size_t offset, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        size_t unit = (offset + at) / 8;
        size_t part = size - at < 8 ? size - at : 8;
        uint8_t bit = (uint8_t)(1u << (unit % 8));
        if (!(datagram->present[unit / 8] & bit)) {
            datagram->present[unit / 8] |= bit;
            memcpy(datagram->bytes + offset + at, bytes + at, part);
            datagram->have += part;
        }
    }
}

bool
fragments_add(struct fragments *fragments, struct decoded *packet)
{
    size_t end = packet->fragment_offset + packet->size;
    if (end > DATAGRAM_MAX || packet->size == 0 ||
        (packet->more_fragments && packet->size % 8 != 0)) {
        fragments->dropped++;
        return false;
    }
    struct datagram *datagram = find(fragments, packet);
    fill(datagram, packet->fragment_offset, packet->payload, packet->size);
    if (!packet->more_fragments) {
        datagram->total = end;
    }
    if (datagram->total == 0 || datagram->have < datagram->total) {
        return false;
    }
    datagram->is_used = false;
    return decode_transport(datagram->bytes, datagram->total, packet);
}

uint64_t
fragments_dropped(const struct fragments *fragments)
{
    return fragments->dropped;
}
