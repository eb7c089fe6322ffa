/* What travels between processes and machines: one JSON object per frame, with a "type".
 *
 *   sensor ──hello, detection, evidence, sensor_stats──▶ intake ──the same, source_stats──▶ core
 *   sensor ◀──ack── intake ◀──ack── core
 *   edge ──hello, facts, observed, edge_stats, checkpoints──▶ driver ──the same, device──▶ core
 *   edge ◀──desired, read_back, checkpoint── driver ◀──the same── core
 *   web ──ask──▶ core ──answer, event──▶ web
 *   core ──notice, secret──▶ notify ──notice_result, secrets──▶ core
 *   web ──login──▶ login ──login_result──▶ web
 *   core ──peers, renew──▶ driver, intake ──peer, sign──▶ core     (peer.h)
 *
 * The receiver checks type, ranges, and the sender's right to send it (wire_is_allowed); anything
 * else closes the connection.  One file per message defines its struct, its shape and its limits.
 */
#ifndef CORDON_WIRE_MESSAGE_H
#define CORDON_WIRE_MESSAGE_H

#include <stdbool.h>

#include "wire/codec_text.h"

enum wire_type {
    WIRE_HELLO,         /* hello.h */
    WIRE_DETECTION,     /* detection.h */
    WIRE_EVIDENCE,      /* evidence.h */
    WIRE_ACK,           /* ack.h */
    WIRE_SENSOR_STATS,  /* sensor_stats.h */
    WIRE_SOURCE_STATS,  /* source_stats.h */
    WIRE_FACTS,         /* facts.h */
    WIRE_DESIRED,       /* desired.h */
    WIRE_OBSERVED,      /* observed.h */
    WIRE_READ_BACK,     /* read_back.h */
    WIRE_DEVICE,        /* device.h */
    WIRE_EDGE_STATS,    /* edge_stats.h */
    WIRE_ASK,           /* ask.h */
    WIRE_ANSWER,        /* answer.h */
    WIRE_EVENT,         /* event.h */
    WIRE_NOTICE,        /* notice.h */
    WIRE_NOTICE_RESULT, /* notice.h */
    WIRE_SECRET,        /* notice.h */
    WIRE_SECRETS,       /* notice.h */
    WIRE_LOGIN,         /* login.h */
    WIRE_LOGIN_RESULT,  /* login.h */
    WIRE_PEERS,         /* peer.h */
    WIRE_PEER,          /* peer.h */
    WIRE_RENEW,         /* peer.h */
    WIRE_REQUEST,       /* peer.h */
    WIRE_SIGN,          /* peer.h */
    WIRE_CHECKPOINT,    /* checkpoint.h */
    WIRE_CHECKPOINTS,   /* checkpoint.h */
    WIRE_TYPE_COUNT
};
extern const char *const wire_type_names[WIRE_TYPE_COUNT + 1];

/* Who sits at the other end; for TLS peers from the certificate, never from what it says. */
enum wire_role {
    ROLE_CORE,
    ROLE_INTAKE,
    ROLE_WEB,
    ROLE_DRIVER,
    ROLE_SENSOR,
    ROLE_EDGE,
    ROLE_NOTIFY,
    ROLE_LOGIN,
    ROLE_COUNT
};
extern const char *const wire_role_names[ROLE_COUNT + 1];

/* May 'from' send 'type' to 'to'? */
bool wire_is_allowed(enum wire_role from, enum wire_role to, enum wire_type type);

/* Encodes with its "type"; the caller owns the result. */
cJSON *wire_encode(enum wire_type type, const void *message);
/* The same as text, appended. */
void wire_write(enum wire_type type, const void *message, struct codec_text *text);
/* The type of a message as text: as it is written, or false (then it may be another form). */
bool wire_type_at(const char *text, size_t size, enum wire_type *type);
int wire_read(enum wire_type type, const char *text, size_t size, void *out,
              struct codec_error *error) MUST_CHECK;
/* Finds the type; false: none or unknown. */
bool wire_type_of(const cJSON *json, enum wire_type *type);
/* 'out' points to the struct of that type.  Finish with wire_fini. */
int wire_decode(enum wire_type type, const cJSON *json, void *out,
                struct codec_error *error) MUST_CHECK;
void wire_fini(enum wire_type type, void *message);
/* The shape of a type's struct; never NULL. */
const struct shape *wire_shape(enum wire_type type);

#endif
