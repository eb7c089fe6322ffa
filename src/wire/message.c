#include "wire/message.h"

#include <string.h>

#include "wire/ack.h"
#include "wire/answer.h"
#include "wire/checkpoint.h"
#include "wire/ask.h"
#include "wire/desired.h"
#include "wire/detection.h"
#include "wire/device.h"
#include "wire/edge_stats.h"
#include "wire/event.h"
#include "wire/evidence.h"
#include "wire/facts.h"
#include "wire/hello.h"
#include "wire/login.h"
#include "wire/notice.h"
#include "wire/observed.h"
#include "wire/peer.h"
#include "wire/read_back.h"
#include "wire/sensor_stats.h"
#include "wire/source_stats.h"

const char *const wire_type_names[WIRE_TYPE_COUNT + 1] = {
    "hello",        "detection",     "evidence",    "ack",      "sensor_stats",
    "source_stats", "facts",         "desired",     "observed", "read_back",
    "device",       "edge_stats",    "ask",         "answer",   "event",
    "notice",       "notice_result", "secret",      "secrets",  "login",
    "login_result", "peers",         "peer",        "renew",    "request",
    "sign",         "checkpoint",    "checkpoints", NULL};
const char *const wire_role_names[ROLE_COUNT + 1] = {"core", "intake", "web",   "driver", "sensor",
                                                     "edge", "notify", "login", NULL};

static const struct shape *const shapes[WIRE_TYPE_COUNT] = {
    [WIRE_HELLO] = &wire_hello_shape,
    [WIRE_DETECTION] = &wire_detection_shape,
    [WIRE_EVIDENCE] = &wire_evidence_shape,
    [WIRE_ACK] = &wire_ack_shape,
    [WIRE_SENSOR_STATS] = &wire_sensor_stats_shape,
    [WIRE_SOURCE_STATS] = &wire_source_stats_shape,
    [WIRE_FACTS] = &wire_facts_shape,
    [WIRE_DESIRED] = &wire_desired_shape,
    [WIRE_OBSERVED] = &wire_observed_shape,
    [WIRE_READ_BACK] = &wire_read_back_shape,
    [WIRE_DEVICE] = &wire_device_shape,
    [WIRE_EDGE_STATS] = &wire_edge_stats_shape,
    [WIRE_ASK] = &wire_ask_shape,
    [WIRE_ANSWER] = &wire_answer_shape,
    [WIRE_EVENT] = &wire_event_shape,
    [WIRE_NOTICE] = &wire_notice_shape,
    [WIRE_NOTICE_RESULT] = &wire_notice_result_shape,
    [WIRE_SECRET] = &wire_secret_change_shape,
    [WIRE_SECRETS] = &wire_secrets_shape,
    [WIRE_LOGIN] = &wire_login_shape,
    [WIRE_LOGIN_RESULT] = &wire_login_result_shape,
    [WIRE_PEERS] = &wire_peers_shape,
    [WIRE_PEER] = &wire_peer_shape,
    [WIRE_RENEW] = &wire_renew_shape,
    [WIRE_REQUEST] = &wire_request_shape,
    [WIRE_SIGN] = &wire_sign_shape,
    [WIRE_CHECKPOINT] = &wire_checkpoint_shape,
    [WIRE_CHECKPOINTS] = &wire_checkpoints_shape,
};

#define TYPE(type) (1u << WIRE_##type)

/* [from][to]: what may be sent.  Everything not here is refused by the receiver. */
static const unsigned allowed[ROLE_COUNT][ROLE_COUNT] = {
    [ROLE_SENSOR][ROLE_INTAKE] =
        TYPE(HELLO) | TYPE(DETECTION) | TYPE(EVIDENCE) | TYPE(SENSOR_STATS) | TYPE(REQUEST),
    [ROLE_INTAKE][ROLE_SENSOR] = TYPE(ACK) | TYPE(RENEW),
    [ROLE_INTAKE][ROLE_CORE] = TYPE(HELLO) | TYPE(DETECTION) | TYPE(EVIDENCE) | TYPE(SENSOR_STATS) |
                               TYPE(SOURCE_STATS) | TYPE(PEER) | TYPE(SIGN),
    [ROLE_CORE][ROLE_INTAKE] = TYPE(ACK) | TYPE(PEERS) | TYPE(RENEW),
    [ROLE_EDGE][ROLE_DRIVER] = TYPE(HELLO) | TYPE(FACTS) | TYPE(OBSERVED) | TYPE(EDGE_STATS) |
                               TYPE(REQUEST) | TYPE(CHECKPOINTS),
    [ROLE_DRIVER][ROLE_EDGE] = TYPE(DESIRED) | TYPE(READ_BACK) | TYPE(RENEW) | TYPE(CHECKPOINT),
    [ROLE_DRIVER][ROLE_CORE] = TYPE(FACTS) | TYPE(OBSERVED) | TYPE(EDGE_STATS) | TYPE(DEVICE) |
                               TYPE(PEER) | TYPE(SIGN) | TYPE(CHECKPOINTS),
    [ROLE_CORE][ROLE_DRIVER] =
        TYPE(DESIRED) | TYPE(READ_BACK) | TYPE(PEERS) | TYPE(RENEW) | TYPE(CHECKPOINT),
    [ROLE_WEB][ROLE_CORE] = TYPE(ASK),
    [ROLE_CORE][ROLE_WEB] = TYPE(ANSWER) | TYPE(EVENT) | TYPE(RENEW),
    [ROLE_CORE][ROLE_NOTIFY] = TYPE(NOTICE) | TYPE(SECRET),
    [ROLE_NOTIFY][ROLE_CORE] = TYPE(NOTICE_RESULT) | TYPE(SECRETS),
    [ROLE_WEB][ROLE_LOGIN] = TYPE(LOGIN),
    [ROLE_LOGIN][ROLE_WEB] = TYPE(LOGIN_RESULT),
};

bool
wire_is_allowed(enum wire_role from, enum wire_role to, enum wire_type type)
{
    return from < ROLE_COUNT && to < ROLE_COUNT && type < WIRE_TYPE_COUNT &&
           (allowed[from][to] & (1u << type)) != 0;
}

const struct shape *
wire_shape(enum wire_type type)
{
    return shapes[type];
}

cJSON *
wire_encode(enum wire_type type, const void *message)
{
    cJSON *json = codec_encode(shapes[type], message);
    cJSON_AddItemToObjectCS(json, "type", cJSON_CreateStringReference(wire_type_names[type]));
    return json;
}

void
wire_write(enum wire_type type, const void *message, struct codec_text *text)
{
    codec_write(shapes[type], message, wire_type_names[type], text);
}

bool
wire_type_at(const char *text, size_t size, enum wire_type *type)
{
    static const char head[] = "{\"type\":\"";
    const char *name = text + sizeof(head) - 1;
    const char *end = size >= sizeof(head) && memcmp(text, head, sizeof(head) - 1) == 0
                          ? memchr(name, '"', size - (sizeof(head) - 1))
                          : NULL;
    for (int i = 0; end && wire_type_names[i]; i++) {
        size_t length = strlen(wire_type_names[i]);
        if ((size_t)(end - name) == length && memcmp(wire_type_names[i], name, length) == 0) {
            *type = (enum wire_type)i;
            return true;
        }
    }
    return false;
}

int
wire_read(enum wire_type type, const char *text, size_t size, void *out, struct codec_error *error)
{
    return codec_read(shapes[type], text, size, true, out, error);
}

bool
wire_type_of(const cJSON *json, enum wire_type *type)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "type");
    for (int i = 0; cJSON_IsString(name) && wire_type_names[i]; i++) {
        if (strcmp(wire_type_names[i], name->valuestring) == 0) {
            *type = (enum wire_type)i;
            return true;
        }
    }
    return false;
}

int
wire_decode(enum wire_type type, const cJSON *json, void *out, struct codec_error *error)
{
    return codec_decode_message(shapes[type], json, out, error);
}

void
wire_fini(enum wire_type type, void *message)
{
    codec_fini(shapes[type], message);
}
