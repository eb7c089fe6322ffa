/* Any bytes as a DNS message; what comes out is bounded, and its name is plain text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/protocol/dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct dns_message message;
    if (!dns_parse(bytes, size, &message)) {
        return 0;
    }
    size_t used = strnlen(message.name, sizeof(message.name));
    if (used == 0 || used == sizeof(message.name) || message.address_count > DNS_ADDRESSES_MAX) {
        abort();
    }
    for (size_t i = 0; i < used; i++) {
        if ((uint8_t)message.name[i] < ' ') {
            abort();
        }
    }
    return 0;
}
