#include "replies.h"

#include <stdlib.h>
#include <string.h>

static size_t
no_warnings(void *context, const struct rule_warning **warnings, size_t room)
{
    (void)context;
    (void)warnings;
    (void)room;
    return 0;
}

const struct responder_settings asked_settings = {
    .sink = {{0x02, 0xc0, 0x4d, 0x00, 0x00, 0x01}},
    .warning_address = {{[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 80}},
    .key = "fifteen letters",
    .warnings = no_warnings,
};

static struct ip resolvers[] = {{{[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 53}},
                                {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x53}}};
static struct permit permits[] = {{.name = "*.example.org"}, {.name = "update.example.net"}};
static const struct permit_set permit_set = {.name = "updates",
                                             .forwards_dns = true,
                                             .resolvers = resolvers,
                                             .resolver_count = 2,
                                             .permits = permits,
                                             .permit_count = 2};
const struct responder_endpoint asked_endpoint = {
    .case_number = "C-7", .reason = "Malware", .permits = &permit_set};

static void
on_emit(void *context, const uint8_t *frame, size_t size, bool is_forward)
{
    struct replies *replies = context;
    if (replies->count == REPLIES_MAX || size > RESPONDER_FRAME_MAX) {
        abort();
    }
    struct frame *kept = &replies->frames[replies->count];
    kept->size = 0;
    frame_put(kept, frame, size);
    replies->is_forward[replies->count++] = is_forward;
}

/* The reply's MACs and addresses are the question's, turned round or not. */
static bool
is_between_the_same(const struct frame *asked, const struct frame *reply, bool is_turned)
{
    bool is_v4 = be16_at(asked->b + 12) == 0x0800;
    size_t at = is_v4 ? 26 : 22, size = is_v4 ? 4 : 16;
    const uint8_t *from = asked->b + at, *to = from + size;
    const uint8_t *to_mac = asked->b, *from_mac = asked->b + 6;
    return memcmp(reply->b, is_turned ? from_mac : to_mac, 6) == 0 &&
           memcmp(reply->b + 6, is_turned ? to_mac : from_mac, 6) == 0 &&
           memcmp(reply->b + at, is_turned ? to : from, size) == 0 &&
           memcmp(reply->b + at + size, is_turned ? from : to, size) == 0;
}

void
ask(const struct responder_settings *settings, const struct frame *frame, struct replies *replies)
{
    ask_as(&asked_endpoint, settings, frame, replies);
}

void
ask_as(const struct responder_endpoint *endpoint, const struct responder_settings *settings,
       const struct frame *frame, struct replies *replies)
{
    uint8_t *copy = malloc(frame->size ? frame->size : 1); /* a sanitizer sees a byte too far */
    if (!copy) {
        abort();
    }
    memcpy(copy, frame->b, frame->size);
    replies->count = 0;
    responder_answer(settings, endpoint, copy, frame->size, on_emit, replies);
    free(copy);
    for (size_t i = 0; i < replies->count; i++) {
        const struct frame *reply = &replies->frames[i];
        bool is_ip = be16_at(reply->b + 12) != 0x0806;
        bool is_nd = is_ip && be16_at(reply->b + 12) == 0x86dd && reply->b[54] == 136;
        if (is_ip && (!frame_sums_hold(reply->b, reply->size) ||
                      (!is_nd && !is_between_the_same(frame, reply, !replies->is_forward[i])))) {
            abort(); /* seen at once in a debugger, and by meson */
        }
    }
}
