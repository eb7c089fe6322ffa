/* HTTPS: TLS 1.2 and 1.3 (OpenSSL) under libevent's evhttp, with a cap on connections, limits and
 * time-outs.  A connection is a stranger's until a request on it bore a valid token.  Strangers
 * stay for a minute, however they drip their bytes; at the cap the oldest stranger makes room for a
 * newcomer.  Where all are known, newcomers wait in the kernel's bounded queue until one ends. */
#ifndef CORDON_WEB_LISTEN_H
#define CORDON_WEB_LISTEN_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macros.h"

#define HTTP_HEADERS_MAX (16 * 1024)
#define HTTP_BODY_MAX (512 * 1024)
#define HTTP_TIMEOUT_S 30
#define HTTP_STRANGER_S 60

struct listen;

struct listen_settings {
    const char *address; /* "[::]:8443" */
    const char *cert, *key;
    const char *master; /* what the key is sealed with; NULL: it is PEM */
    size_t connection_limit;
    const struct clock *clock;
    void (*on_request)(struct evhttp_request *request, void *context);
    void *context;
};

/* 0 or negative errno, then 'why' (256 bytes) says more. */
int listen_new(struct event_base *base, const struct listen_settings *settings,
               struct listen **listen, char why[256]) MUST_CHECK;
/* Before 'base' is freed. */
void listen_free(struct listen *listen);
/* See tls_context_renew(). */
bool listen_renew(struct listen *listen, const uint8_t *der, size_t size) MUST_CHECK;
/* That request bore a valid token. */
void listen_know(struct listen *listen, struct evhttp_request *request);
/* At least once a second. */
void listen_tick(struct listen *listen);
uint64_t listen_strangers_closed(const struct listen *listen);
size_t listen_connections(const struct listen *listen);
uint64_t listen_accepted(const struct listen *listen);
/* The port that the kernel gave, where ":0" was asked. */
uint16_t listen_port(const struct listen *listen);

#endif
