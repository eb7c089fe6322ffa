/* Any bytes on a line between our programs, cut anywhere: the first byte says who sends to whom.
 * Only what that peer may send arrives, and the line is closed at most once. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/macros.h"
#include "bus/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct ends {
    enum wire_role self, peer;
    unsigned closed;
};

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    const struct ends *ends = context;
    (void)channel;
    (void)message;
    if (ends->closed || !wire_is_allowed(ends->peer, ends->self, type)) {
        abort();
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct ends *ends = context;
    (void)channel;
    if (!why || ends->closed++) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum wire_role pairs[][2] = {
        {ROLE_EDGE, ROLE_DRIVER},   {ROLE_DRIVER, ROLE_EDGE}, {ROLE_SENSOR, ROLE_INTAKE},
        {ROLE_INTAKE, ROLE_SENSOR}, {ROLE_WEB, ROLE_CORE},    {ROLE_INTAKE, ROLE_CORE},
        {ROLE_DRIVER, ROLE_CORE},   {ROLE_NOTIFY, ROLE_CORE}};
    static struct event_base *base;
    log_setup("fuzz", LOG_TEXT, (enum log_level)(LOG_ERROR + 1)); /* it complains much */
    int pair[2];
    if (size < 2 || size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) {
        return 0;
    }
    base = base ? base : event_base_new();
    const enum wire_role *roles = pairs[bytes[0] % COUNT_OF(pairs)];
    struct ends ends = {.peer = roles[0], .self = roles[1]};
    const struct channel_settings settings = {
        .peer = ends.peer, .self = ends.self, .peer_name = "x"};
    const struct channel_handler handler = {on_message, on_close, &ends};
    struct channel *channel = channel_new_fd(base, pair[0], &settings, &handler);
    size_t cut = 1 + bytes[1] % (size - 1); /* arrives in two pieces */
    for (size_t at = 1, end = cut; at < size; at = end, end = size) {
        if (end > at && send(pair[1], bytes + at, end - at, MSG_NOSIGNAL) < 0) {
            break; /* it was closed */
        }
        event_base_loop(base, EVLOOP_NONBLOCK);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    close(pair[1]);
    for (int i = 0; i < 4 && !ends.closed; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    if (!ends.closed) {
        abort(); /* its end was not seen */
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    (void)channel;
    return 0;
}
