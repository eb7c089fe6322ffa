#include "sensor/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct kept {
    int64_t at_us;
    uint64_t flow;
    struct ip src;
    uint32_t size, whole;
    uint8_t bytes[RECORDER_SNAP];
};

struct recorder {
    struct kept *ring;
    uint64_t next;
};

struct recorder *
recorder_new(void)
{
    struct recorder *recorder = MEM_NEW(struct recorder);
    recorder->ring = mem_new(RECORDER_PACKETS, sizeof(recorder->ring[0]));
    return recorder;
}

void
recorder_free(struct recorder *recorder)
{
    if (recorder) {
        free(recorder->ring);
        free(recorder);
    }
}

void
recorder_keep(struct recorder *recorder, const struct decoded *packet, uint64_t flow)
{
    if (!packet->frame) {
        return; /* there was no Ethernet inside the wrapping */
    }
    struct kept *kept = &recorder->ring[recorder->next++ % RECORDER_PACKETS];
    kept->at_us = packet->at_us;
    kept->flow = flow;
    kept->src = packet->src;
    kept->whole = (uint32_t)packet->frame_size;
    kept->size = kept->whole < RECORDER_SNAP ? kept->whole : RECORDER_SNAP;
    memcpy(kept->bytes, packet->frame, kept->size);
}

static void
append(uint8_t *file, size_t *used, const void *bytes, size_t size)
{
    memcpy(file + *used, bytes, size);
    *used += size;
}

uint8_t *
recorder_evidence(const struct recorder *recorder, uint64_t flow, const struct ip *source,
                  size_t *size)
{
    static const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    const struct kept *found[RECORDER_EVIDENCE_MAX];
    size_t count = 0, total = sizeof(head);
    uint64_t oldest = recorder->next > RECORDER_PACKETS ? recorder->next - RECORDER_PACKETS : 0;
    for (uint64_t i = recorder->next; i > oldest && count < RECORDER_EVIDENCE_MAX; i--) {
        const struct kept *kept = &recorder->ring[(i - 1) % RECORDER_PACKETS];
        if (flow ? kept->flow == flow : ip_is_equal(&kept->src, source)) {
            found[count++] = kept;
            total += 16 + kept->size;
        }
    }
    if (count == 0) {
        return NULL;
    }
    uint8_t *file = mem_new(total, 1);
    *size = 0;
    append(file, size, head, sizeof(head));
    while (count > 0) { /* oldest first */
        const struct kept *kept = found[--count];
        const uint32_t record[4] = {(uint32_t)(kept->at_us / 1000000),
                                    (uint32_t)(kept->at_us % 1000000), kept->size, kept->whole};
        append(file, size, record, sizeof(record));
        append(file, size, kept->bytes, kept->size);
    }
    return file;
}
