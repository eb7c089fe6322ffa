/* Any bytes as a datagram of rtnetlink: names end, addresses are no groups. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "edge/kernel_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
on_device(void *context, const struct kernel_device *device)
{
    (void)context;
    if (strnlen(device->name, sizeof(device->name)) == sizeof(device->name) ||
        device->port_number > UINT16_MAX) {
        abort();
    }
}

static void
on_neighbour(void *context, const struct kernel_neighbour *neighbour)
{
    (void)context;
    if (mac_is_none(&neighbour->mac) || mac_is_group(&neighbour->mac)) {
        abort();
    }
}

static void
on_end(void *context, uint32_t sequence)
{
    (void)context;
    (void)sequence;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct kernel_messages_handler handler = {on_device, on_neighbour, on_end, NULL};
    kernel_messages_read(bytes, size, &handler);
    return 0;
}
