/* A channel: frames of JSON between two processes (socketpair) or machines (mutual TLS), on the
 * loop thread.  Frame: 4 bytes length, big endian, then that many bytes of JSON.
 *
 * Everything received is checked before on_message sees it: frame size, JSON, type, whether the
 * peer's role may send that type to us, and the message's shape.  A violation is logged once and
 * closes the channel. */
#ifndef CORDON_BUS_CHANNEL_H
#define CORDON_BUS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "model/text.h"
#include "wire/message.h"

struct channel;

/* Why a channel was closed whose peer sent a type that its role may not send begins so. */
#define CHANNEL_MAY_NOT "this peer may not send"

struct channel_handler {
    /* 'message' points to the type's struct; the channel finishes it after the call.  The handler
     * may close the channel. */
    void (*on_message)(void *context, struct channel *channel, enum wire_type type,
                       const void *message);
    /* Once; the channel frees itself afterwards.  'why' is for people. */
    void (*on_close)(void *context, struct channel *channel, const char *why);
    void *context;
};

struct channel_settings {
    enum wire_role self;
    enum wire_role peer;
    char peer_name[NAME_SIZE]; /* for logs; TLS: from the certificate */
    size_t send_limit;         /* bytes queued to a slow peer; beyond: closed.  0: 64 MiB */
};

/* Takes 'bev' (connected, any filter).  TCP_NODELAY is the opener's to set. */
struct channel *channel_new(struct bufferevent *bev, const struct channel_settings *settings,
                            const struct channel_handler *handler);
/* Over a socketpair end; takes 'fd'. */
struct channel *channel_new_fd(struct event_base *base, int fd,
                               const struct channel_settings *settings,
                               const struct channel_handler *handler);
/* Queues; false: the peer is too slow and the channel is closing, or the message is too large. */
bool channel_send(struct channel *channel, enum wire_type type, const void *message);
/* Closes soon, after on_close was called with 'why'; safe inside a handler. */
void channel_close(struct channel *channel, const char *why);
/* Closes at once and frees, without on_close; not inside a handler of this channel. */
void channel_drop(struct channel *channel);
/* Before the process ends: writes what is queued to a socketpair's end, for so long at most. */
void channel_flush(struct channel *channel, int most_ms);
const char *channel_peer_name(const struct channel *channel);
void *channel_tag(const struct channel *channel); /* the owner's, for its own table */
void channel_set_tag(struct channel *channel, void *tag);

#endif
