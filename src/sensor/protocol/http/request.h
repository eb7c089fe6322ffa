/* The head of an HTTP/1 request (RFC 9112). */
#ifndef CORDON_SENSOR_PROTOCOL_HTTP_REQUEST_H
#define CORDON_SENSOR_PROTOCOL_HTTP_REQUEST_H

#include "model/text.h"
#include "sensor/protocol.h"

struct http_request {
    char method[16];
    char host[HOST_SIZE]; /* lower case, without the port */
    char path[URL_SIZE];  /* as sent: origin form, or absolute */
    char user_agent[HOST_SIZE];
};

extern const struct protocol protocol_http; /* tells of requests */

enum parsed http_parse(const uint8_t *bytes, size_t size, struct http_request *request);

#endif
