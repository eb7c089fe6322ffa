/* What the responder sends, kept for looking at, and a responder to ask. */
#ifndef CORDON_TESTS_EDGE_REPLIES_H
#define CORDON_TESTS_EDGE_REPLIES_H

#include "edge/responder.h"
#include "frames.h"

#define REPLIES_MAX 16
#define SINK_MAC "02:c0:4d:00:00:01"
#define KNOWN_MAC "02:00:00:00:00:77"

struct replies {
    struct frame frames[REPLIES_MAX];
    bool is_forward[REPLIES_MAX];
    size_t count;
};

/* The sink above; the warning address is
 * 192.0.2.80; no warnings configured. */
extern const struct responder_settings asked_settings;
/* Case "C-7"; permits "*.example.org" and "update.example.net", asked of 192.0.2.53 and
 * 2001:db8::53. */
extern const struct responder_endpoint asked_endpoint;

/* Every IP reply is checked here: lengths, checksums, MACs and addresses turned round (or, where
 * forwarded, as they were). */
void ask(const struct responder_settings *settings, const struct frame *frame,
         struct replies *replies);
/* The same as another endpoint. */
void ask_as(const struct responder_endpoint *endpoint, const struct responder_settings *settings,
            const struct frame *frame, struct replies *replies);

#endif
