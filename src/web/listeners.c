#include "web/listeners.h"

#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>

#include "base/mem.h"
#include "wire/event.h"

struct place {
    struct listeners *owner;
    struct evhttp_request *request; /* NULL: free */
    int64_t told_us;                /* boot clock */
    uint64_t whose;                 /* 0: nobody's */
    enum account_role role;
};

struct listeners {
    const struct clock *clock;
    struct place places[LISTENERS_MAX];
    size_t count;
    uint64_t dropped;
};

struct listeners *
listeners_new(const struct clock *clock)
{
    struct listeners *listeners = MEM_NEW(struct listeners);
    listeners->clock = clock;
    return listeners;
}

static struct evhttp_request *
leave(struct place *place)
{
    struct evhttp_request *request = place->request;
    place->request = NULL;
    place->owner->count--;
    return request;
}

static void
on_closed(struct evhttp_connection *connection, void *context)
{
    struct place *place = context;
    struct evhttp_request *request = leave(place);
    (void)connection;
    /* evhttp took the request off a connection that failed: then it is ours to free. */
    if (!evhttp_request_get_connection(request)) {
        evhttp_send_reply_end(request);
    }
}

void
listeners_free(struct listeners *listeners)
{
    for (size_t i = 0; listeners && i < LISTENERS_MAX; i++) {
        struct place *place = &listeners->places[i];
        if (place->request) {
            struct evhttp_request *request = leave(place);
            evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
            evhttp_send_reply_end(request);
        }
    }
    free(listeners);
}

/* The connection, with its request, is freed. */
static void
drop(struct place *place)
{
    struct evhttp_request *request = leave(place);
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    place->owner->dropped++;
    evhttp_connection_set_closecb(connection, NULL, NULL);
    evhttp_connection_free(connection);
}

static void
tell(struct place *place, struct evbuffer *frame)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(place->request);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(connection);
    if (evbuffer_get_length(bufferevent_get_output(bev)) > LISTENER_BACKLOG_MAX) {
        drop(place);
        return;
    }
    place->told_us = clock_boot_us(place->owner->clock);
    evhttp_send_reply_chunk(place->request, frame);
}

bool
listeners_add(struct listeners *listeners, struct evhttp_request *request,
              const struct sse_memory *memory, const char *last_id, uint64_t owner,
              enum account_role role)
{
    struct place *place = NULL;
    for (size_t i = 0; i < LISTENERS_MAX && !place; i++) {
        place = listeners->places[i].request ? NULL : &listeners->places[i];
    }
    if (!place) {
        return false;
    }
    *place = (struct place){.owner = listeners, .request = request, .whose = owner, .role = role};
    listeners->count++;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    evhttp_connection_set_closecb(connection, on_closed, place);
    /* A listener says nothing for hours: only writing may time out. */
    struct timeval write_timeout = {.tv_sec = 30};
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, &write_timeout);
    evhttp_send_reply_start(request, 200, "OK");
    struct evbuffer *start = evbuffer_new();
    evbuffer_add_printf(start, "retry: 2000\n\n");
    sse_memory_replay(memory, last_id, role, start);
    sse_memory_mark(memory, start);
    tell(place, start);
    evbuffer_free(start);
    return true;
}

void
listeners_end(struct listeners *listeners, uint64_t owner)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct place *place = &listeners->places[i];
        if (place->request && owner && place->whose == owner) {
            struct evhttp_request *request = leave(place);
            evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
            evhttp_send_reply_end(request);
        }
    }
}

void
listeners_send(struct listeners *listeners, const char *topic, enum account_role role,
               struct evbuffer *frame)
{
    size_t size = evbuffer_get_length(frame);
    char *bytes = mem_new(size + 1, 1);
    evbuffer_remove(frame, bytes, size);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct place *place = &listeners->places[i];
        if (place->request && (role == ACCOUNT_ROLE_COUNT || role == place->role) &&
            (!topic || event_is_for(topic, place->role))) {
            evbuffer_add(frame, bytes, size);
            tell(place, frame);
            evbuffer_drain(frame, evbuffer_get_length(frame));
        }
    }
    free(bytes);
}

void
listeners_tick(struct listeners *listeners)
{
    int64_t quiet_us = clock_boot_us(listeners->clock) - LISTENER_ALIVE_US;
    struct evbuffer *alive = evbuffer_new();
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct place *place = &listeners->places[i];
        if (place->request && place->told_us <= quiet_us) {
            sse_frame(alive, NULL, "alive", "{}");
            tell(place, alive);
            evbuffer_drain(alive, evbuffer_get_length(alive));
        }
    }
    evbuffer_free(alive);
}

size_t
listeners_count(const struct listeners *listeners)
{
    return listeners->count;
}

uint64_t
listeners_dropped(const struct listeners *listeners)
{
    return listeners->dropped;
}
