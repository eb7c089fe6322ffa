/* Flows: who talks to whom, since when, and what can be proved about it.
 *
 * Keyed by addresses, ports and protocol, never by VLAN: a tag on one direction only must not split
 * a flow.  What is wrapped in a tunnel that an endpoint could have made is a flow of its own, so
 * that it neither passes for bare traffic nor disturbs it.  A flow that is met in its middle, or of
 * which one side only is copied, is a flow all the same.  Bounded: a full table gives up the flow
 * that was quiet longest (counted). */
#ifndef CORDON_SENSOR_FLOW_H
#define CORDON_SENSOR_FLOW_H

#include "base/hmap.h"
#include "sensor/decode.h"

#define FLOW_HEAD_MAX 8192  /* bytes of each direction's start that protocols may look at */
#define FLOW_SEGMENTS_MAX 4 /* out of order, per direction */

enum side { SIDE_CLIENT, SIDE_SERVER }; /* who opened; a guess where 'saw_syn' is false */

struct flow_segment {
    uint32_t seq;
    uint16_t size;
    uint8_t bytes[1460];
};

/* The start of one direction's stream, put in order. */
struct flow_head {
    size_t used;
    bool is_closed;    /* full, or nobody wants more */
    uint32_t next_seq; /* of the byte after 'used' */
    bool has_seq;
    uint8_t bytes[FLOW_HEAD_MAX];
    uint8_t waiting;
    struct flow_segment *segments[FLOW_SEGMENTS_MAX]; /* owned by the table's pool */
};

/* How long a flow may be quiet; one list for each, so that each list is in the order of time. */
enum flow_stage { FLOW_OPENING, FLOW_TCP, FLOW_OTHER, FLOW_OVER, FLOW_STAGES };

/* What every packet needs stands first. */
struct flow {
    struct hmap_node node;
    struct ip ip[2];  /* by side */
    uint16_t port[2]; /* by side */
    uint8_t protocol;
    bool is_tunnelled; /* any endpoint could have made its packets: proves nothing */
    uint8_t stage;     /* enum flow_stage: whose list it is in */
    uint8_t fins;
    bool saw_syn, saw_syn_ack;
    bool is_established; /* TCP: all three steps, numbers agreeing; UDP: both sides spoke */
    bool is_over;        /* RST, or FIN of both */
    bool was_refused;    /* RST in answer to the SYN */
    bool has_told;       /* the detectors' "contact" event was given */
    int8_t application;  /* APPLICATION_* or a place in 'protocols' (protocol.h) */
    int8_t by_port;      /* the same, by the port alone; APPLICATION_UNKNOWN: none */
    uint16_t vlan;
    uint16_t network[2]; /* the pipeline's count of networks: place + 1; 0: not looked up */
    uint32_t isn[2];
    int64_t last_us, listed_us; /* last packet; when it was put at its list's end */
    uint64_t packets[2], bytes[2];
    struct mac mac[2];
    uint32_t findings;              /* bits: detectors that reported on it */
    struct mirror_origin origin[2]; /* where that side's frames were copied */
    struct flow_head *head[2];      /* TCP; NULL: not needed (any more) */
    struct flow *older, *newer;     /* in its list */
    uint64_t number;                /* unique in this run: for evidence and EVE's flow_id */
    int64_t first_us;
};

struct flow_table;

struct flow_settings {
    size_t flow_limit; /* 0: 200,000 */
    size_t head_limit; /* 0: 8,192 streams being put in order at a time */
};

struct flow_handler {
    /* A flow leaves the table: timed out, over, or given up. */
    void (*on_end)(void *context, struct flow *flow);
    void *context;
};

struct flow_table *flow_table_new(const struct flow_settings *settings,
                                  const struct flow_handler *handler);
void flow_table_free(struct flow_table *table);
/* The packet's flow, made where there is none, with its counters and TCP state brought up to date;
 * '*side' is the sender's.  NULL: no room. */
struct flow *flow_update(struct flow_table *table, const struct decoded *packet, enum side *side);
/* The flow of a packet, without any change; NULL: none. */
struct flow *flow_find(const struct flow_table *table, const struct decoded *packet,
                       enum side *side);
/* Adds TCP payload to the head of its direction.  True: there are new bytes in order. */
bool flow_head_add(struct flow_table *table, struct flow *flow, enum side side,
                   const struct decoded *packet);
void flow_head_drop(struct flow_table *table, struct flow *flow, enum side side);
/* Ends flows that were quiet too long (up to a second late); at most 'most' of them.  Costs nothing
 * while none is due. */
void flow_expire(struct flow_table *table, int64_t now_us, size_t most);
size_t flow_count(const struct flow_table *table);

struct flow_counters {
    uint64_t made, given_up, heads_refused, bytes_skipped;
};
struct flow_counters flow_counters(const struct flow_table *table);

#endif
