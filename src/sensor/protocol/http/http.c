/* HTTP/1 requests, on any TCP port. */
#include "sensor/protocol/http/request.h"

#define REQUEST_LEAST 16 /* "GET / HTTP/1.0\r\n" */

static enum parsed
on_head(struct protocol_call *call)
{
    struct http_request request;
    enum parsed parsed = http_parse(call->bytes, call->size, &request);
    if (parsed == PARSED_YES) {
        call->tell(call, &request);
    }
    return parsed;
}

/* Later requests of a kept-alive connection begin with a segment. */
static void
on_segment(struct protocol_call *call)
{
    if (call->side == SIDE_CLIENT && call->size > REQUEST_LEAST) {
        on_head(call);
    }
}

const struct protocol protocol_http = {
    .name = "http",
    .on_head = on_head,
    .on_segment = on_segment,
};
