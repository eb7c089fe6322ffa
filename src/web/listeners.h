/* Those who listen to live events (GET /api/v1/events): a bounded set of open answers.  A listener
 * that reads too slowly is dropped; it comes back with Last-Event-ID. */
#ifndef CORDON_WEB_LISTENERS_H
#define CORDON_WEB_LISTENERS_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "web/sse.h"

#define LISTENERS_MAX 64
#define LISTENER_BACKLOG_MAX (1024 * 1024)
#define LISTENER_ALIVE_US (15 * 1000000)

struct listeners;

struct listeners *listeners_new(const struct clock *clock);
void listeners_free(struct listeners *listeners);
/* Starts the answer and replays what 'last_id' (NULL: nothing) has missed; false: all places are
 * taken, and the request is the caller's still.  'owner' 0: nobody's, until it leaves.  It is told
 * what 'role' may hear of (wire/event.h). */
bool listeners_add(struct listeners *listeners, struct evhttp_request *request,
                   const struct sse_memory *memory, const char *last_id, uint64_t owner,
                   enum account_role role);
/* Ends the answers of that owner. */
void listeners_end(struct listeners *listeners, uint64_t owner);
/* To all of that role (ACCOUNT_ROLE_COUNT: of any) who may hear of that topic (NULL: of all);
 * 'frame' is emptied. */
void listeners_send(struct listeners *listeners, const char *topic, enum account_role role,
                    struct evbuffer *frame);
/* A sign of life to the quiet ones; call once a second or so. */
void listeners_tick(struct listeners *listeners);
size_t listeners_count(const struct listeners *listeners);
uint64_t listeners_dropped(const struct listeners *listeners);

#endif
