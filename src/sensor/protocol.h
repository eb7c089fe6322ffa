/* What an application protocol is: it finds its messages in datagrams and streams, and tells the
 * detectors.  Parsers proper (bytes in, struct out; pure, bounded) stand in files of their own and
 * know nothing of flows.
 *
 * Adding one: a folder in protocol/, and one line in the table in protocols.c. */
#ifndef CORDON_SENSOR_PROTOCOL_H
#define CORDON_SENSOR_PROTOCOL_H

#include "base/macros.h"
#include "sensor/flow.h"

enum parsed { PARSED_NO, PARSED_MORE, PARSED_YES }; /* MORE: it may become one with more bytes */

struct protocol_call {
    struct flow *flow;
    enum side side; /* whose bytes these are */
    const uint8_t *bytes;
    size_t size;
    /* Tells the detectors that subscribed; the message is borrowed for the call. */
    void (*tell)(struct protocol_call *call, const void *message);
    void *pipeline;
};

struct protocol {
    const char *name; /* EVE's app_proto */
    /* What goes to this port is looked at as this protocol and as no other; 0: recognised by its
     * contents alone. */
    uint16_t port;
    /* A UDP datagram to or from 'port': is it one of ours?  NULL: not over UDP. */
    bool (*on_datagram)(struct protocol_call *call);
    /* The first bytes of a TCP client, in order, all that there are by now.  NULL: not over TCP. */
    enum parsed (*on_head)(struct protocol_call *call);
    /* A later TCP segment of either side, as it came (out of order, repeated, with gaps before it).
     * NULL: of no interest. */
    void (*on_segment)(struct protocol_call *call);
};

extern const struct protocol *const protocols[];
extern const size_t protocol_count;

/* flow->application: nothing known yet, none of ours, or the place in 'protocols'. */
#define APPLICATION_UNKNOWN (-1)
#define APPLICATION_OTHER (-2)

#endif
