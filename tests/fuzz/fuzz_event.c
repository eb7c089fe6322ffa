/* Any bytes as what the kernel's side of an edge put into its ring: what is taken lies within them,
 * and its frame is read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "edge/snoop.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *event = malloc(size + 1); /* aligned, and no longer than it says */
    struct snoop snoop;
    struct fact facts[SNOOP_FACTS_MAX];
    if (!event) {
        abort();
    }
    memcpy(event, bytes, size);
    if (snoop_event(event, size, &snoop)) {
        if (snoop.frame < event || snoop.size > size - (size_t)(snoop.frame - event) ||
            snoop.kind > SNOOP_SOURCE ||
            snoop_parse(snoop.frame, snoop.size, facts) > SNOOP_FACTS_MAX) {
            abort();
        }
    }
    free(event);
    return 0;
}
