/* Any bytes as a snooped frame; what comes out must be fit for the wire. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/snoop.h"

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
    struct fact facts[SNOOP_FACTS_MAX];
    size_t count = snoop_parse(bytes, size, facts);
    if (count > SNOOP_FACTS_MAX) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        must_be_plain(facts[i].client_id, sizeof(facts[i].client_id));
        must_be_plain(facts[i].host_name, sizeof(facts[i].host_name));
        if (facts[i].kind == FACT_BINDING &&
            (ip_is_none(&facts[i].ip) || ip_is_group(&facts[i].ip))) {
            abort();
        }
    }
    return 0;
}
