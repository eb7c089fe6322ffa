/* Streams: Suricata's unix socket (lines), syslog over TCP and TLS (RFC 6587, RFC 5425).  When
 * there is no room for detections we stop reading, and the sender waits: nothing is dropped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "intake/source.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "bus/listener.h"
#include "intake/syslog.h"

#define PEM_MAX (256 * 1024) /* bytes of a certificate's or a key's file */
#define INPUT_MAX (LINE_MAX_SIZE + 64 * 1024)

struct connection {
    struct connection *next; /* in the list: the one heard last is first */
    struct source *source;
    struct bufferevent *bev;
};

struct stream {
    struct evconnlistener *listener;
    SSL_CTX *tls; /* NULL: plain */
    struct connection *connections;
    size_t count;
};

static void
connection_unlink(struct connection *connection)
{
    struct stream *stream = connection->source->own;
    struct connection **at = &stream->connections;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
}

static void
connection_close(struct connection *connection)
{
    struct stream *stream = connection->source->own;
    connection_unlink(connection);
    stream->count--;
    bufferevent_free(connection->bev);
    free(connection);
}

static enum syslog_frame
frame_find(const struct source *source, const char *bytes, size_t size, const char **message,
           size_t *message_size, size_t *used)
{
    if (source->config->kind != SOURCE_EVE_SOCKET) {
        return syslog_frame_find(bytes, size, LINE_MAX_SIZE, message, message_size, used);
    }
    const char *end = memchr(bytes, '\n', size);
    *message = bytes;
    *message_size = end ? (size_t)(end - bytes) : 0;
    *used = *message_size + 1;
    return end                    ? SYSLOG_FRAME_WHOLE
           : size > LINE_MAX_SIZE ? SYSLOG_FRAME_BROKEN
                                  : SYSLOG_FRAME_NONE;
}

/* One message; false: none is whole, no room, or the connection was closed. */
static bool
message_take(struct connection *connection)
{
    struct source *source = connection->source;
    struct evbuffer *in = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(in), message_size, used;
    const char *message, *bytes = size ? (const char *)evbuffer_pullup(in, -1) : NULL;
    enum syslog_frame frame =
        bytes ? frame_find(source, bytes, size, &message, &message_size, &used) : SYSLOG_FRAME_NONE;
    if (frame == SYSLOG_FRAME_BROKEN) {
        source->stats.received++;
        source_refuse(source, "message too long or badly framed", bytes, size);
        connection_close(connection);
        return false;
    }
    if (frame == SYSLOG_FRAME_NONE) {
        return false;
    }
    if (message_size > 0 && source_line(source, message, message_size, 0) == LINE_NO_ROOM) {
        source->is_paused = true;
        bufferevent_disable(connection->bev, EV_READ);
        return false;
    }
    evbuffer_drain(in, used);
    return true;
}

static void
on_read(struct bufferevent *bev, void *argument)
{
    (void)bev;
    while (message_take(argument)) {
    }
}

static void
on_heard(struct bufferevent *bev, void *argument)
{
    struct connection *connection = argument;
    struct stream *stream = connection->source->own;
    connection_unlink(connection);
    connection->next = stream->connections;
    stream->connections = connection;
    on_read(bev, connection);
}

/* The sender has gone within a message: it cannot be trusted, and is not lost in silence. */
static void
rest_refuse(struct connection *connection)
{
    struct evbuffer *in = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(in);
    if (size > 0) {
        connection->source->stats.received++;
        source_refuse(connection->source, "last line without an end",
                      (const char *)evbuffer_pullup(in, -1), size);
    }
}

static void
on_event(struct bufferevent *bev, short what, void *argument)
{
    struct connection *connection = argument;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))) {
        return;
    }
    unsigned long error = bufferevent_get_openssl_error(bev);
    if (error) {
        char why[160];
        ERR_error_string_n(error, why, sizeof(why));
        log_warn("intake", "TLS sender refused", LOG_S("source", connection->source->config->name),
                 LOG_S("why", why));
    }
    rest_refuse(connection);
    connection_close(connection);
}

/* Makes room for a newcomer: whoever holds connections open must not keep senders out. */
static void
silent_close(struct source *source)
{
    struct stream *stream = source->own;
    struct connection *last = stream->connections;
    while (last->next) {
        last = last->next;
    }
    uint64_t swallowed;
    if (log_limit_pass(&source->log_limit, clock_boot_us(clock_system()), &swallowed)) {
        log_warn("intake", "too many connections: the one silent for longest is closed",
                 LOG_S("source", source->config->name), LOG_I("not_logged", swallowed));
    }
    rest_refuse(last);
    connection_close(last);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
          void *argument)
{
    (void)listener;
    (void)address;
    (void)size;
    struct source *source = argument;
    struct stream *stream = source->own;
    SSL *ssl = stream->tls ? SSL_new(stream->tls) : NULL;
    if (stream->tls && !ssl) {
        evutil_closesocket(fd);
        return;
    }
    if (stream->count >= STREAM_CONNECTIONS_MAX) {
        silent_close(source);
    }
    struct connection *connection = MEM_NEW(struct connection);
    connection->source = source;
    connection->bev =
        ssl ? bufferevent_openssl_socket_new(source->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE)
            : bufferevent_socket_new(source->base, fd, BEV_OPT_CLOSE_ON_FREE);
    connection->next = stream->connections;
    stream->connections = connection;
    stream->count++;
    if (ssl) {
        bufferevent_openssl_set_allow_dirty_shutdown(connection->bev, 1);
    }
    bufferevent_setcb(connection->bev, on_heard, NULL, on_event, connection);
    bufferevent_setwatermark(connection->bev, EV_READ, 0, INPUT_MAX);
    bufferevent_enable(connection->bev, EV_READ);
}

/* A PEM file that is opened for us; NULL: it cannot be. */
static BIO *
pem_open(const struct source *source, enum errand errand)
{
    char *text = NULL;
    size_t size = 0;
    int fd = source_open(source, errand);
    int error = fd < 0 ? fd : file_read_open(fd, PEM_MAX, &text, &size);
    BIO *bio = error ? NULL : BIO_new(BIO_s_mem());
    if (bio && BIO_write(bio, text, (int)size) != (int)size) {
        BIO_free(bio);
        bio = NULL;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (text) {
        OPENSSL_cleanse(text, size);
    }
    free(text);
    return bio;
}

/* The certificate, and those of the authorities in between. */
static bool
chain_use(SSL_CTX *tls, BIO *pem)
{
    X509 *own = pem ? PEM_read_bio_X509(pem, NULL, NULL, NULL) : NULL;
    bool is_good = own && SSL_CTX_use_certificate(tls, own) == 1;
    X509_free(own);
    for (X509 *next; is_good && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL;) {
        is_good = SSL_CTX_add1_chain_cert(tls, next) == 1;
        X509_free(next);
    }
    ERR_clear_error(); /* the end of the file is one */
    return is_good;
}

static bool
key_use(SSL_CTX *tls, BIO *pem)
{
    EVP_PKEY *key = pem ? PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL) : NULL;
    bool is_good = key && SSL_CTX_use_PrivateKey(tls, key) == 1;
    EVP_PKEY_free(key);
    return is_good;
}

static bool
senders_use(SSL_CTX *tls, BIO *pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(tls);
    size_t count = 0;
    bool is_good = true;
    for (X509 *next; pem && is_good && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL;) {
        is_good = X509_STORE_add_cert(store, next) == 1;
        X509_free(next);
        count++;
    }
    ERR_clear_error();
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return is_good && count > 0;
}

static SSL_CTX *
tls_make(const struct source *source, char problem[TEXT_SIZE])
{
    const struct config_source *config = source->config;
    BIO *cert = pem_open(source, ERRAND_SOURCE_CERT), *key = pem_open(source, ERRAND_SOURCE_KEY);
    BIO *ca = config->ca[0] ? pem_open(source, ERRAND_SOURCE_CA) : NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    bool is_good = tls && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) &&
                   chain_use(tls, cert) && key_use(tls, key) &&
                   (!config->ca[0] || senders_use(tls, ca));
    BIO_free(cert);
    BIO_free(key);
    BIO_free(ca);
    if (!is_good) {
        snprintf(problem, TEXT_SIZE, "cannot use certificate %.160s with key %.160s",
                 config->cert[0] ? config->cert : "pki/server.pem",
                 config->key[0] ? config->key : "pki/server.key");
        ERR_clear_error();
        SSL_CTX_free(tls);
        return NULL;
    }
    return tls;
}

static int
stream_start(struct source *source)
{
    const struct config_source *config = source->config;
    const char *where = config->kind == SOURCE_EVE_SOCKET ? config->path : config->listen;
    char problem[TEXT_SIZE] = "";
    struct stream *stream = MEM_NEW(struct stream);
    source->own = stream;
    if (config->kind == SOURCE_SYSLOG_TLS) {
        stream->tls = tls_make(source, problem);
    }
    int fd = problem[0] ? -EINVAL : source_open(source, ERRAND_SOURCE_LISTEN);
    if (fd >= 0) {
        stream->listener = evconnlistener_new(source->base, on_accept, source,
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    }
    if (!stream->listener) {
        if (!problem[0]) {
            snprintf(problem, sizeof(problem), "cannot listen at %.300s: %s", where,
                     strerror(fd < 0 ? -fd : ENOMEM));
        }
        if (fd >= 0) {
            close(fd);
        }
        source_set_state(source, "failed", problem);
        SSL_CTX_free(stream->tls);
        free(stream);
        source->own = NULL;
        return -EIO;
    }
    listener_guard(stream->listener);
    source_set_state(source, "listening", "");
    return 0;
}

static void
stream_resume(struct source *source)
{
    struct stream *stream = source->own;
    struct connection *next;
    for (struct connection *connection = stream->connections; connection; connection = next) {
        next = connection->next;
        bufferevent_enable(connection->bev, EV_READ);
        on_read(connection->bev, connection);
    }
}

static void
stream_stop(struct source *source)
{
    struct stream *stream = source->own;
    if (!stream) {
        return;
    }
    while (stream->connections) {
        connection_close(stream->connections);
    }
    evconnlistener_free(stream->listener);
    SSL_CTX_free(stream->tls);
    free(stream);
    source->own = NULL;
}

const struct source_kind_ops source_stream_ops = {
    .start = stream_start, .resume = stream_resume, .tick = NULL, .stop = stream_stop};
