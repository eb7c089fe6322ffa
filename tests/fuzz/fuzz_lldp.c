/* Any bytes as an LLDP frame; what comes out must be fit for people's eyes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/lldp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
must_be_plain(const char *text, size_t room)
{
    size_t size = strnlen(text, room);
    if (size == room || !utf8_is_plain(text, size)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lldp_neighbour neighbour;
    if (lldp_parse(bytes, size, &neighbour)) {
        must_be_plain(neighbour.chassis, sizeof(neighbour.chassis));
        must_be_plain(neighbour.port, sizeof(neighbour.port));
        must_be_plain(neighbour.system_name, sizeof(neighbour.system_name));
    }
    return 0;
}
