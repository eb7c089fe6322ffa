#include "web/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/listener.h"
#include "bus/pki_key.h"
#include "bus/tls.h"

/* A connection, from the first packet on. */
struct guest {
    TAILQ_ENTRY(guest) link;
    struct listen *listen;
    struct bufferevent *bev;
    int64_t since_us;
    bool is_known; /* sent a request with a valid token */
};

/* Connections over the limit that were told to go and are not gone yet. */
#define STRANGERS_LEAVING 64
#define DEAD_S 30 /* nothing came, though it was asked: the connection is given up */

struct listen {
    struct event_base *base;
    struct listen_settings settings;
    SSL_CTX *tls;
    struct evhttp *http;
    struct evconnlistener *listener;         /* evhttp's after evhttp_bind_listener */
    TAILQ_HEAD(guest_list, guest) strangers; /* not known yet, oldest first */
    size_t connections;
    uint64_t accepted, strangers_closed;
    int ssl_slot; /* ex_data: how we hear that a connection has ended */
    bool is_full;
    bool is_ending;
};

/* libevent ends connections that are freed only when the loop goes on, or with the base. */
static void
end_with_last(struct listen *listen)
{
    if (listen->connections == 0) {
        free(listen);
    }
}

/* evhttp does not tell when a connection ends before its first request; its SSL object does. */
static void
on_ssl_freed(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    struct guest *guest = pointer;
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (!guest) {
        return;
    }
    struct listen *listen = guest->listen;
    if (!guest->is_known) {
        TAILQ_REMOVE(&listen->strangers, guest, link);
    }
    free(guest);
    listen->connections--;
    if (listen->is_ending) {
        end_with_last(listen);
        return;
    }
    /* As long as there are strangers, whoever comes next takes the place of one. */
    size_t limit = listen->settings.connection_limit +
                   (TAILQ_EMPTY(&listen->strangers) ? 0 : STRANGERS_LEAVING / 2);
    if (listen->is_full && listen->connections < limit) {
        listen->is_full = false;
        evconnlistener_enable(listen->listener);
    }
}

/* evhttp sees it end, and frees it. */
static void
stranger_close(struct listen *listen, struct guest *guest)
{
    TAILQ_REMOVE(&listen->strangers, guest, link);
    guest->is_known = true; /* not in the list any more */
    listen->strangers_closed++;
    shutdown(bufferevent_getfd(guest->bev), SHUT_RDWR);
}

static struct guest *
guest_new(struct listen *listen, SSL *ssl)
{
    struct guest *guest = MEM_NEW(struct guest);
    *guest = (struct guest){.listen = listen, .since_us = clock_boot_us(listen->settings.clock)};
    if (SSL_set_ex_data(ssl, listen->ssl_slot, guest) != 1) {
        free(guest);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&listen->strangers, guest, link);
    listen->connections++;
    listen->accepted++;
    return guest;
}

/* Whoever only holds connections open must not keep a person out: the oldest stranger goes. */
static void
make_room(struct listen *listen)
{
    struct guest *oldest = TAILQ_FIRST(&listen->strangers);
    if (listen->connections < listen->settings.connection_limit) {
        return;
    }
    if (oldest && listen->connections < listen->settings.connection_limit + STRANGERS_LEAVING) {
        stranger_close(listen, oldest);
    } else {
        listen->is_full = true;
        evconnlistener_disable(listen->listener);
    }
}

static struct bufferevent *
make_connection(struct event_base *base, void *context)
{
    struct listen *listen = context;
    SSL *ssl = SSL_new(listen->tls);
    struct bufferevent *bev = NULL;
    make_room(listen);
    struct guest *guest = ssl ? guest_new(listen, ssl) : NULL;
    if (guest) {
        bev = guest->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                          BEV_OPT_CLOSE_ON_FREE);
    }
    if (!bev) {
        /* evhttp would serve the connection without TLS where we return NULL. */
        log_error("web", "out of memory for a TLS connection");
        abort();
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

void
listen_know(struct listen *listen, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    struct guest *guest = ssl ? SSL_get_ex_data(ssl, listen->ssl_slot) : NULL;
    if (guest && !guest->is_known) {
        TAILQ_REMOVE(&listen->strangers, guest, link);
        guest->is_known = true;
    }
}

void
listen_tick(struct listen *listen)
{
    struct guest *oldest;
    int64_t boot_us = clock_boot_us(listen->settings.clock);
    while ((oldest = TAILQ_FIRST(&listen->strangers)) != NULL &&
           boot_us - oldest->since_us >= HTTP_STRANGER_S * INT64_C(1000000)) {
        stranger_close(listen, oldest);
    }
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                const unsigned char *in, unsigned in_size, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)context;
    int found =
        SSL_select_next_proto((unsigned char **)out, out_size, ours, sizeof(ours) - 1, in, in_size);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
tls_make(struct listen *listen, char why[256])
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    listen->tls = tls;
    if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
        snprintf(why, 256, "OpenSSL cannot make a TLS context");
        return -ENOMEM;
    }
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
    EVP_PKEY *key = pki_key_read(listen->settings.key, listen->settings.master, why);
    if (!key) {
        return -EINVAL;
    }
    bool is_good = SSL_CTX_use_certificate_chain_file(tls, listen->settings.cert) == 1 &&
                   SSL_CTX_use_PrivateKey(tls, key) == 1 && SSL_CTX_check_private_key(tls) == 1;
    EVP_PKEY_free(key);
    if (!is_good) {
        char reason[128];
        ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
        snprintf(why, 256, "certificate %.60s, key %.60s: %.100s", listen->settings.cert,
                 listen->settings.key, reason);
        return -EINVAL;
    }
    listen->ssl_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
    return listen->ssl_slot < 0 ? -ENOMEM : 0;
}

/* "ADDRESS:PORT".  libevent refuses port 0, by which tests let the kernel choose. */
static bool
address_parse(const char *text, struct sockaddr_storage *address, int *size)
{
    char copy[128];
    size_t end = strlen(text);
    bool is_any = end > 2 && end < sizeof(copy) && strcmp(text + end - 2, ":0") == 0;
    snprintf(copy, sizeof(copy), "%s", text);
    if (is_any) {
        copy[end - 1] = '1';
    }
    if (end >= sizeof(copy) ||
        evutil_parse_sockaddr_port(copy, (struct sockaddr *)address, size) != 0) {
        return false;
    }
    if (is_any && address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = 0;
    } else if (is_any) {
        ((struct sockaddr_in *)address)->sin_port = 0;
    }
    return true;
}

/* Accepted sockets inherit it.  Without TCP_NODELAY each answer waits for the peer's delayed ACK: a
 * tenth of the requests per second.  And a peer that is gone without a word (a lid was closed) must
 * not hold one of the places of live listeners for a quarter of an hour. */
static void
sockets_set(evutil_socket_t fd)
{
    const int on = 1, after_s = DEAD_S / 2, every_s = DEAD_S / 6;
    const unsigned dead_ms = DEAD_S * 1000;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        log_warn("web", "TCP_NODELAY not set: answers will be slow", LOG_S("why", strerror(errno)));
    }
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after_s, sizeof(after_s)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms)) != 0) {
        log_warn("web", "dead connections will stay for long", LOG_S("why", strerror(errno)));
    }
}

static int
socket_make(struct listen *listen, char why[256])
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    if (!address_parse(listen->settings.address, &address, &size)) {
        snprintf(why, 256, "'%.100s' is not ADDRESS:PORT", listen->settings.address);
        return -EINVAL;
    }
    listen->listener = evconnlistener_new_bind(
        listen->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        128, (struct sockaddr *)&address, size);
    if (!listen->listener) {
        int error = errno ? errno : EADDRINUSE;
        snprintf(why, 256, "%.100s: %s", listen->settings.address, strerror(error));
        return -error;
    }
    sockets_set(evconnlistener_get_fd(listen->listener));
    return 0;
}

static void
http_make(struct listen *listen)
{
    listen->http = evhttp_new(listen->base);
    if (!listen->http || !evhttp_bind_listener(listen->http, listen->listener)) {
        abort(); /* out of memory at start */
    }
    listener_guard(listen->listener); /* evhttp has taken another one's off */
    evhttp_set_bevcb(listen->http, make_connection, listen);
    evhttp_set_max_headers_size(listen->http, HTTP_HEADERS_MAX);
    evhttp_set_max_body_size(listen->http, HTTP_BODY_MAX);
    evhttp_set_timeout(listen->http, HTTP_TIMEOUT_S);
    /* Wrong ones get our own 405 with what is allowed. */
    evhttp_set_allowed_methods(listen->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(listen->http, listen->settings.on_request, listen->settings.context);
}

bool
listen_renew(struct listen *listen, const uint8_t *der, size_t size)
{
    return tls_context_renew(listen->tls, der, size);
}

int
listen_new(struct event_base *base, const struct listen_settings *settings, struct listen **out,
           char why[256])
{
    struct listen *listen = MEM_NEW(struct listen);
    /* OpenSSL writes with write(2): a browser that leaves must not end the process. */
    signal(SIGPIPE, SIG_IGN);
    listen->base = base;
    listen->settings = *settings;
    TAILQ_INIT(&listen->strangers);
    int error = tls_make(listen, why);
    if (error == 0) {
        error = socket_make(listen, why);
    }
    if (error != 0) {
        listen_free(listen);
        return error;
    }
    http_make(listen);
    *out = listen;
    return 0;
}

void
listen_free(struct listen *listen)
{
    if (!listen) {
        return;
    }
    listen->is_ending = true;
    listen->connections++; /* ours */
    if (listen->http) {
        evhttp_free(listen->http); /* and its listener */
    } else if (listen->listener) {
        evconnlistener_free(listen->listener);
    }
    SSL_CTX_free(listen->tls);
    listen->connections--;
    end_with_last(listen);
}

size_t
listen_connections(const struct listen *listen)
{
    return listen->connections;
}

uint64_t
listen_accepted(const struct listen *listen)
{
    return listen->accepted;
}

uint64_t
listen_strangers_closed(const struct listen *listen)
{
    return listen->strangers_closed;
}

uint16_t
listen_port(const struct listen *listen)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getsockname(evconnlistener_get_fd(listen->listener), (struct sockaddr *)&address, &size)) {
        return 0;
    }
    return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                         : ntohs(((struct sockaddr_in *)&address)->sin_port);
}
