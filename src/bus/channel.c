#include "bus/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/tls.h"

#define HEAD_SIZE 4
#define SMALL_SIZE 8192   /* detections and acknowledgements, which come by the thousand */
#define READ_AT_ONCE 4096 /* by libevent 2.1, whatever is asked for */
#define READ_MORE (32 * 1024)
#define SEND_LIMIT_DEFAULT (64u * 1024 * 1024)

struct channel {
    struct bufferevent *bev;
    struct event *closing; /* pending while the channel is on its way out */
    struct channel_settings settings;
    struct channel_handler handler;
    struct codec_text text; /* of the message that is being sent */
    void *small;            /* SMALL_SIZE, for messages received that fit */
    void *tag;
    bool is_closing;
    char why[128];
};

void
channel_drop(struct channel *channel)
{
    bufferevent_free(channel->bev);
    event_free(channel->closing);
    codec_text_fini(&channel->text);
    free(channel->small);
    free(channel);
}

void
channel_flush(struct channel *channel, int most_ms)
{
    struct evbuffer *out = bufferevent_get_output(channel->bev);
    struct pollfd ready = {.fd = bufferevent_getfd(channel->bev), .events = POLLOUT};
    evbuffer_unfreeze(out, 1); /* only the bufferevent takes from it, as long as the loop runs */
    while (evbuffer_get_length(out) > 0 && poll(&ready, 1, most_ms) == 1 &&
           evbuffer_write(out, ready.fd) > 0) {
    }
    evbuffer_freeze(out, 1);
}

/* On the loop, outside of every handler: tell, then free. */
static void
on_closing(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct channel *channel = argument;
    channel->handler.on_close(channel->handler.context, channel, channel->why);
    channel_drop(channel);
}

void
channel_close(struct channel *channel, const char *why)
{
    if (channel->is_closing) {
        return;
    }
    channel->is_closing = true;
    snprintf(channel->why, sizeof(channel->why), "%s", why);
    bufferevent_disable(channel->bev, EV_READ);
    event_active(channel->closing, 0, 0);
}

static void
refuse(struct channel *channel, const char *what, const char *where)
{
    char why[128];
    snprintf(why, sizeof(why), "%.60s%s%.50s", what, where[0] ? ": " : "", where);
    log_warn("bus", "message refused, channel closed", LOG_S("peer", channel->settings.peer_name),
             LOG_S("role", wire_role_names[channel->settings.peer]), LOG_S("why", why));
    channel_close(channel, why);
}

/* In whatever order its names come; false: refused. */
static bool
type_look(struct channel *channel, const char *text, size_t size, enum wire_type *type)
{
    if (wire_type_at(text, size, type)) {
        return true;
    }
    cJSON *json = codec_parse(text, size);
    bool is_object = cJSON_IsObject(json);
    bool is_known = is_object && wire_type_of(json, type);
    cJSON_Delete(json);
    if (!is_known) {
        refuse(channel, is_object ? "no known type" : "not one JSON object of bounded depth", "");
    }
    return is_known;
}

/* On the heap, as some have hundreds of KiB. */
static void
deliver(struct channel *channel, const char *text, size_t size)
{
    enum wire_type type;
    struct codec_error error;
    if (!type_look(channel, text, size, &type)) {
        return;
    }
    if (!wire_is_allowed(channel->settings.peer, channel->settings.self, type)) {
        refuse(channel, CHANNEL_MAY_NOT, wire_type_names[type]);
        return;
    }
    size_t room = wire_shape(type)->size;
    void *message = room <= SMALL_SIZE ? channel->small : mem_new(1, room);
    if (wire_read(type, text, size, message, &error)) {
        char where[300];
        snprintf(where, sizeof(where), "%s %s%s%s", wire_type_names[type], error.path,
                 error.path[0] ? " " : "", error.why);
        refuse(channel, "malformed message", where);
    } else {
        channel->handler.on_message(channel->handler.context, channel, type, message);
        wire_fini(type, message);
    }
    if (message != channel->small) {
        free(message);
    }
}

/* One whole frame, or false: not here yet. */
static bool
frame_take(struct channel *channel)
{
    struct evbuffer *in = bufferevent_get_input(channel->bev);
    uint8_t head[HEAD_SIZE];
    if (evbuffer_copyout(in, head, sizeof(head)) < (ev_ssize_t)sizeof(head)) {
        return false;
    }
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (size == 0 || size > WIRE_FRAME_MAX) {
        refuse(channel, "frame size out of range", "");
        return false;
    }
    if (evbuffer_get_length(in) < HEAD_SIZE + size) {
        return false;
    }
    evbuffer_drain(in, HEAD_SIZE);
    const char *text = (const char *)evbuffer_pullup(in, (ev_ssize_t)size);
    deliver(channel, text ? text : "", text ? size : 0);
    evbuffer_drain(in, size);
    return true;
}

static void
frames_take(struct channel *channel)
{
    while (!channel->is_closing && frame_take(channel)) {
    }
}

/* A bufferevent reads 4 KiB in a turn of the loop: five detections.  Where it found so much, some
 * more; an end or an error is left to the bufferevent, which meets it again. */
static bool
more_read(struct channel *channel)
{
    struct evbuffer *in = bufferevent_get_input(channel->bev);
    struct evbuffer_iovec room;
    bool has_read = false;
    evbuffer_unfreeze(in, 0); /* only the bufferevent puts into it, where we do not */
    if (evbuffer_reserve_space(in, READ_MORE, &room, 1) == 1) {
        ssize_t got = read(bufferevent_getfd(channel->bev), room.iov_base, READ_MORE);
        room.iov_len = got > 0 ? (size_t)got : 0;
        has_read = evbuffer_commit_space(in, &room, 1) == 0 && got > 0;
    }
    evbuffer_freeze(in, 0);
    return has_read;
}

static void
on_read(struct bufferevent *bev, void *argument)
{
    struct channel *channel = argument;
    bool has_more = !bufferevent_openssl_get_ssl(bev) &&
                    evbuffer_get_length(bufferevent_get_input(bev)) >= READ_AT_ONCE;
    frames_take(channel);
    if (has_more && !channel->is_closing && more_read(channel)) {
        frames_take(channel);
    }
}

static void
on_event(struct bufferevent *bev, short what, void *argument)
{
    struct channel *channel = argument;
    int error = errno; /* TLS calls it an end, too, when the kernel gives a silent peer up */
    const char *alert = tls_alert_text(bufferevent_get_openssl_error(bev));
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
        bool is_silent = error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
        channel_close(channel, alert                  ? alert
                               : is_silent            ? "nothing comes from there any more"
                               : what & BEV_EVENT_EOF ? "closed by the peer"
                                                      : "connection lost");
    }
}

struct channel *
channel_new(struct bufferevent *bev, const struct channel_settings *settings,
            const struct channel_handler *handler)
{
    struct channel *channel = MEM_NEW(struct channel);
    channel->bev = bev;
    channel->settings = *settings;
    channel->handler = *handler;
    channel->small = mem_new(1, SMALL_SIZE);
    if (channel->settings.send_limit == 0) {
        channel->settings.send_limit = SEND_LIMIT_DEFAULT;
    }
    channel->closing = event_new(bufferevent_get_base(bev), -1, 0, on_closing, channel);
    bufferevent_setcb(bev, on_read, NULL, on_event, channel);
    /* Input beyond this is not read before a frame of it was consumed. */
    bufferevent_setwatermark(bev, EV_READ, 0, WIRE_FRAME_MAX + HEAD_SIZE + 64 * 1024);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    if (evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
    }
    return channel;
}

struct channel *
channel_new_fd(struct event_base *base, int fd, const struct channel_settings *settings,
               const struct channel_handler *handler)
{
    evutil_make_socket_nonblocking(fd);
    struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    return channel_new(bev, settings, handler);
}

bool
channel_send(struct channel *channel, enum wire_type type, const void *message)
{
    if (channel->is_closing) {
        return false;
    }
    struct evbuffer *out = bufferevent_get_output(channel->bev);
    if (evbuffer_get_length(out) > channel->settings.send_limit) {
        refuse(channel, "the peer reads too slowly", "");
        return false;
    }
    codec_text_reset(&channel->text);
    wire_write(type, message, &channel->text);
    size_t size = channel->text.used;
    bool fits = size <= WIRE_FRAME_MAX;
    if (fits) {
        const uint8_t head[HEAD_SIZE] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16),
                                         (uint8_t)(size >> 8), (uint8_t)size};
        evbuffer_add(out, head, sizeof(head));
        evbuffer_add(out, channel->text.bytes, size);
    } else {
        log_error("bus", "message larger than a frame, not sent",
                  LOG_S("type", wire_type_names[type]), LOG_I("bytes", size));
    }
    return fits;
}

const char *
channel_peer_name(const struct channel *channel)
{
    return channel->settings.peer_name;
}

void *
channel_tag(const struct channel *channel)
{
    return channel->tag;
}

void
channel_set_tag(struct channel *channel, void *tag)
{
    channel->tag = tag;
}
