/* DNS over UDP and TCP on port 53. */
#include "sensor/protocol.h"
#include "sensor/protocol/dns/message.h"

#define PORT_DNS 53
#define LENGTH_SIZE 2 /* before each message on TCP (RFC 1035 4.2.2) */

static bool
message_tell(struct protocol_call *call, const uint8_t *bytes, size_t size)
{
    struct dns_message message;
    bool is_message = dns_parse(bytes, size, &message);
    if (is_message) {
        call->tell(call, &message);
    }
    return is_message;
}

static bool
on_datagram(struct protocol_call *call)
{
    return message_tell(call, call->bytes, call->size);
}

static enum parsed
on_head(struct protocol_call *call)
{
    if (call->size < LENGTH_SIZE) {
        return PARSED_MORE;
    }
    size_t size = (size_t)call->bytes[0] << 8 | call->bytes[1];
    if (call->size < size + LENGTH_SIZE) {
        return PARSED_MORE;
    }
    return message_tell(call, call->bytes + LENGTH_SIZE, size) ? PARSED_YES : PARSED_NO;
}

/* Answers, and later questions: as a rule one message is one segment. */
static void
on_segment(struct protocol_call *call)
{
    if (call->size > LENGTH_SIZE) {
        message_tell(call, call->bytes + LENGTH_SIZE, call->size - LENGTH_SIZE);
    }
}

const struct protocol protocol_dns = {
    .name = "dns",
    .port = PORT_DNS,
    .on_datagram = on_datagram,
    .on_head = on_head,
    .on_segment = on_segment,
};
