/* TLS, on any TCP port: the client's first words. */
#include "sensor/protocol/tls/hello.h"

static enum parsed
on_head(struct protocol_call *call)
{
    struct tls_hello hello;
    enum parsed parsed = tls_parse(call->bytes, call->size, &hello);
    if (parsed == PARSED_YES) {
        call->tell(call, &hello);
    }
    return parsed;
}

const struct protocol protocol_tls = {
    .name = "tls",
    .on_head = on_head,
};
