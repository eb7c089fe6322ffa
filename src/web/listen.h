/* HTTPS: TLS 1.2 and 1.3 (OpenSSL) under libevent's evhttp, with a cap on connections, limits and
 * time-outs.  At the cap nothing more is accepted: newcomers wait in the kernel's bounded queue
 * until a connection ends, and idle ones end by time-out. */
#ifndef CORDON_WEB_LISTEN_H
#define CORDON_WEB_LISTEN_H

#include <event2/event.h>
#include <event2/http.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define HTTP_HEADERS_MAX (16 * 1024)
#define HTTP_BODY_MAX (512 * 1024)
#define HTTP_TIMEOUT_S 30

struct listen;

struct listen_settings {
    const char *address; /* "[::]:8443" */
    const char *cert, *key;
    size_t connection_limit;
    void (*on_request)(struct evhttp_request *request, void *context);
    void *context;
};

/* 0 or negative errno, then 'why' (256 bytes) says more. */
int listen_new(struct event_base *base, const struct listen_settings *settings,
               struct listen **listen, char why[256]) MUST_CHECK;
void listen_free(struct listen *listen);
size_t listen_connections(const struct listen *listen);
uint64_t listen_accepted(const struct listen *listen);
/* The port that the kernel gave, where ":0" was asked. */
uint16_t listen_port(const struct listen *listen);

#endif
