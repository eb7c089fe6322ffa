#include "sensor/protocol.h"

extern const struct protocol protocol_dns, protocol_http, protocol_tls;

/* To add a protocol: its folder, and a line here.  Heads are tried in this order. */
const struct protocol *const protocols[] = {
    &protocol_dns,
    &protocol_http,
    &protocol_tls,
};
const size_t protocol_count = COUNT_OF(protocols);
