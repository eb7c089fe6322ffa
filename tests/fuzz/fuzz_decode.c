/* Any bytes as a mirrored frame; what is given out lies inside of it.  Then as a fragment. */
#include <stdint.h>
#include <stdlib.h>

#include "sensor/decode.h"
#include "sensor/fragments.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
is_inside(const uint8_t *at, size_t part, const uint8_t *bytes, size_t size)
{
    if (part > 0 && (at < bytes || part > size || (size_t)(at - bytes) > size - part)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct fragments *fragments; /* made once: it is large */
    struct decoded packet = {.at_us = 1};
    bool is_broken;
    if (!decode_frame(bytes, size, &packet, &is_broken)) {
        return 0;
    }
    is_inside(packet.payload, packet.size, bytes, size);
    is_inside(packet.frame, packet.frame_size, bytes, size);
    if (packet.wraps > DECODE_DEPTH_MAX) {
        abort();
    }
    if (packet.is_fragment) {
        fragments = fragments ? fragments : fragments_new();
        if (fragments_add(fragments, &packet) && packet.is_fragment) {
            abort();
        }
    }
    return 0;
}
