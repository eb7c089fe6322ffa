/* Any bytes as the frame of a contained endpoint, and as a resolver's answer.  Each reply must be a
 * frame that fits, to whoever sent, and that would itself be understood. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "edge/packet.h"
#include "edge/responder_reply.h"
#include "edge/responder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t
no_warnings(void *context, const struct rule_warning **warnings, size_t room)
{
    (void)context;
    (void)warnings;
    (void)room;
    return 0;
}

static void
on_emit(void *context, const uint8_t *frame, size_t size, bool is_forward)
{
    const struct packet *asked = context;
    struct packet packet;
    const struct mac *to = is_forward ? &asked->dst_mac : &asked->src_mac;
    if (size > RESPONDER_FRAME_MAX || !packet_parse(frame, size, &packet) ||
        !mac_is_equal(&packet.dst_mac, to) || mac_is_group(&packet.dst_mac)) {
        abort();
    }
}

static void
on_syn_ack(void *context, const uint8_t *frame, size_t size, bool is_forward)
{
    struct packet reply;
    (void)is_forward;
    *(uint32_t *)context = packet_parse(frame, size, &reply) ? reply.seq : 0;
}

/* The same segment with an acknowledgement that the responder knows for its own: how else would
 * random bytes ever get to see the page? */
static void
visit(const struct responder_settings *settings, const struct responder_endpoint *endpoint,
      const struct packet *asked)
{
    struct packet packet = *asked;
    uint32_t isn = 0;
    packet.flags = TCP_SYN;
    responder_tcp(settings, endpoint, &packet, on_syn_ack, &isn);
    packet.flags = asked->flags;
    packet.ack = isn + 1 + asked->ack % 16384;
    responder_tcp(settings, endpoint, &packet, on_emit, &packet);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct ip resolvers[] = {{{[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 53}}};
    static struct permit permits[] = {{.name = "*.example.org"}, {.name = "update.example.net"}};
    static const struct permit_set set = {.forwards_dns = true,
                                          .resolvers = resolvers,
                                          .resolver_count = 1,
                                          .permits = permits,
                                          .permit_count = 2};
    static const struct responder_endpoint endpoint = {
        .case_number = "C-7", .reason = "Malware", .permits = &set};
    static const struct responder_settings settings = {
        .sink = {{2, 0xc0, 0x4d, 0, 0, 1}},
        .warning_address = {{[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 80}},
        .warnings = no_warnings};
    struct packet asked;
    struct responder_learnt learnt[4];
    if (packet_parse(bytes, size, &asked)) {
        responder_answer(&settings, &endpoint, bytes, size, on_emit, &asked);
        if (asked.kind == PACKET_TCP && !mac_is_group(&asked.src_mac)) {
            visit(&settings, &endpoint, &asked);
        }
    }
    if (responder_learn(&set, bytes, size, learnt, COUNT_OF(learnt)) > COUNT_OF(learnt)) {
        abort();
    }
    return 0;
}
