/* Server-sent events (WHATWG HTML 9.2): framing, and a bounded memory of the last events, so that a
 * listener that comes back with Last-Event-ID misses nothing or is told of the gap.
 *
 * An event's id is "RUN-SEQUENCE": core counts sequences anew when it starts, so web draws a new
 * run whenever core is joined anew.  Pure but for memory. */
#ifndef CORDON_WEB_SSE_H
#define CORDON_WEB_SSE_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/text.h"
#include "wire/op.h"

#define SSE_KEPT_MAX 1024
#define SSE_KEPT_BYTES (4 * 1024 * 1024)

struct sse_memory;

struct sse_memory *sse_memory_new(void);
void sse_memory_free(struct sse_memory *memory);
/* Core was joined anew: what came before cannot be connected to what comes. */
void sse_memory_new_run(struct sse_memory *memory, const char *run);
/* Remembers one event; 'data' is one line of JSON.  False: events are missing before this one
 * (the sequence jumped): listeners must be told. */
bool sse_memory_put(struct sse_memory *memory, uint64_t sequence, const char *topic,
                    const char *data);
/* The newest event as viewers read it; where that is not said, it is the same. */
void sse_memory_reduce(struct sse_memory *memory, const char *data);
/* What to tell a listener that has seen 'last_id' (NULL: none: nothing to replay) to 'out': the
 * events since that a 'role' may hear of (wire/event.h), or a gap. */
void sse_memory_replay(const struct sse_memory *memory, const char *last_id, enum account_role role,
                       struct evbuffer *out);
/* The id of now, without an event: a listener that has heard of nothing yet, and is cut off, misses
 * nothing either when it comes back. */
void sse_memory_mark(const struct sse_memory *memory, struct evbuffer *out);
size_t sse_memory_count(const struct sse_memory *memory);

/* One frame; 'id' may be NULL. */
void sse_frame(struct evbuffer *out, const char *id, const char *topic, const char *data);
/* "event: gap": load the lists again. */
void sse_gap(struct evbuffer *out, const char *why);
/* The newest event as a frame, to be sent to all of that role who listen. */
void sse_memory_newest(const struct sse_memory *memory, enum account_role role,
                       struct evbuffer *out);

#endif
