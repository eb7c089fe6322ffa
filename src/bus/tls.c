#include "bus/tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/listener.h"
#include "bus/pki.h"
#include "bus/pki_key.h"

#define HANDSHAKE_S 10
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 2000 /* whoever comes back is level again within 5 s */
#define CONNECT_S 5     /* a client's handshake: no longer, or it sleeps when the network is back */
#define PROBE_AFTER_S 3 /* of silence, and then each second */
#define SERVER_UNIT "server"
#define V4_MAPPED "::ffff:"

static int
tls_fail(char why[256], const char *what, const char *file)
{
    char reason[120] = "";
    unsigned long error = ERR_peek_last_error();
    if (error) {
        ERR_error_string_n(error, reason, sizeof(reason));
    }
    ERR_clear_error();
    snprintf(why, 256, "%s %.80s: %s", what, file, reason);
    return -EINVAL;
}

static int
key_use(SSL_CTX *context, const struct tls_files *files, char why[256])
{
    char reason[256] = "";
    EVP_PKEY *key = pki_key_read(files->key, files->master, reason);
    bool is_used = key && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    if (!is_used) {
        ERR_clear_error();
        snprintf(why, 256, "cannot use the key %.80s: %.150s", files->key, reason);
    }
    return is_used ? 0 : -EINVAL;
}

static SSL_CTX *
context_new(const struct tls_files *files, bool is_server, char why[256])
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    int result = context ? 0 : tls_fail(why, "no TLS context", "");
    if (!result && !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION)) {
        result = tls_fail(why, "no TLS 1.3", "");
    }
    if (!result && SSL_CTX_use_certificate_chain_file(context, files->cert) != 1) {
        result = tls_fail(why, "cannot use the certificate", files->cert);
    }
    if (!result) {
        result = key_use(context, files, why);
    }
    if (!result && SSL_CTX_check_private_key(context) != 1) {
        result = tls_fail(why, "the key does not belong to the certificate", files->cert);
    }
    if (!result && files->ca && SSL_CTX_load_verify_locations(context, files->ca, NULL) != 1) {
        result = tls_fail(why, "cannot use the certificate authority", files->ca);
    }
    if (result) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    return context;
}

bool
tls_files_check(const struct tls_files *files, char why[256])
{
    SSL_CTX *context = context_new(files, true, why);
    SSL_CTX_free(context);
    return context != NULL;
}

/* Common name and unit of the peer's verified certificate; false: it has none, or a strange one. */
static bool
peer_names(SSL *ssl, char name[NAME_SIZE], char unit[NAME_SIZE])
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) {
        X509_free(certificate);
        return false;
    }
    X509_NAME *subject = X509_get_subject_name(certificate);
    int name_size = X509_NAME_get_text_by_NID(subject, NID_commonName, name, NAME_SIZE);
    int unit_size = X509_NAME_get_text_by_NID(subject, NID_organizationalUnitName, unit, NAME_SIZE);
    X509_free(certificate);
    return name_size > 0 && unit_size > 0 && strlen(name) == (size_t)name_size &&
           strlen(unit) == (size_t)unit_size;
}

/* Answers at once, and no connection that is dead without anybody having said so. */
static void
socket_set(struct bufferevent *bev)
{
    const evutil_socket_t fd = bufferevent_getfd(bev);
    const int on = 1, after_s = PROBE_AFTER_S, every_s = 1;
    const unsigned silence_ms = TLS_SILENCE_S * 1000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after_s, sizeof(after_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
}

/* ---- server ---- */

struct tls_server {
    SSL_CTX *context;
    struct evconnlistener *listener;
    struct event_base *base;
    enum wire_role self, peer;
    tls_accept_fn *on_peer;
    tls_opened_fn *on_open;
    void *argument;
    TAILQ_HEAD(, stranger) strangers; /* oldest first */
    size_t handshakes;                /* of them */
    struct log_limit limit;
    tls_judge_fn *judge; /* NULL: whoever has a certificate of ours */
    tls_refused_fn *refused;
    void *judge_context;
    uint32_t grace_s;
    struct tls_peer handed; /* see tls_server_peer */
};

/* A connection before its certificate was seen. */
struct stranger {
    struct tls_server *server;
    TAILQ_ENTRY(stranger) link;
    struct bufferevent *bev;
    char from[ADDRESS_SIZE];
    struct tls_peer peer;  /* as far as it was seen */
    enum peer_refusal why; /* of a handshake that fails */
    const char *detail;
};

/* Known or gone. */
static void
stranger_free(struct stranger *stranger)
{
    TAILQ_REMOVE(&stranger->server->strangers, stranger, link);
    stranger->server->handshakes--;
    free(stranger);
}

static void
stranger_tell(const struct stranger *stranger, enum peer_refusal why, const char *detail)
{
    const struct tls_server *server = stranger->server;
    struct tls_peer peer = stranger->peer;
    memcpy(peer.from, stranger->from, sizeof(peer.from));
    if (server->refused) {
        server->refused(server->judge_context, &peer, why, detail);
    }
}

static void
stranger_refuse(struct stranger *stranger, const char *why)
{
    uint64_t swallowed;
    struct log_limit *limit = &stranger->server->limit;
    if (log_limit_pass(limit, clock_boot_us(clock_system()), &swallowed)) {
        log_warn("bus", "connection refused", LOG_S("from", stranger->from), LOG_S("why", why),
                 LOG_I("not_logged", swallowed));
    }
    bufferevent_free(stranger->bev);
    stranger_free(stranger);
}

static void
peer_read(X509 *certificate, struct tls_peer *peer)
{
    if (!pki_subject(certificate, peer->name, peer->unit)) {
        peer->name[0] = peer->unit[0] = '\0';
    }
    pki_serial(certificate, peer->serial);
    pki_fingerprint(certificate, peer->fingerprint);
    peer->issued_us = pki_issued_us(certificate);
    peer->expires_us = pki_expires_us(certificate);
}

static int
refuse_in_handshake(struct stranger *stranger, X509_STORE_CTX *store, int error,
                    enum peer_refusal why, const char *detail)
{
    stranger->why = why;
    stranger->detail = detail;
    X509_STORE_CTX_set_error(store, error);
    return 0;
}

/* A certificate that begins in the future says only that a clock is wrong: its authority is looked
 * at all the same.  One that has ended is let in for a while, so that it can be renewed. */
static bool
is_excused(const struct stranger *stranger, const X509_STORE_CTX *store)
{
    int error = X509_STORE_CTX_get_error(store);
    int64_t ends_us = stranger->peer.expires_us + stranger->server->grace_s * INT64_C(1000000);
    return error == X509_V_ERR_CERT_NOT_YET_VALID ||
           (error == X509_V_ERR_CERT_HAS_EXPIRED && X509_STORE_CTX_get_error_depth(store) == 0 &&
            clock_wall_us(clock_system()) <= ends_us);
}

/* OpenSSL asks for each certificate of the chain, the peer's own last. */
static int
on_verify_peer(int is_good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct stranger *stranger = ssl ? SSL_get_app_data(ssl) : NULL;
    X509 *own = X509_STORE_CTX_get0_cert(store);
    if (!stranger || !own) {
        return is_good;
    }
    const struct tls_server *server = stranger->server;
    peer_read(own, &stranger->peer);
    if (!is_good && is_excused(stranger, store)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        is_good = 1;
    } else if (!is_good && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_HAS_EXPIRED) {
        return refuse_in_handshake(stranger, store, X509_V_ERR_CERT_HAS_EXPIRED, REFUSAL_EXPIRED,
                                   "its certificate has expired: enrol it again");
    }
    if (is_good && X509_STORE_CTX_get_error_depth(store) == 0 && server->judge &&
        strcmp(stranger->peer.unit, wire_role_names[server->peer]) == 0 &&
        server->judge(server->judge_context, &stranger->peer) != REFUSAL_COUNT) {
        return refuse_in_handshake(stranger, store, X509_V_ERR_CERT_REVOKED, REFUSAL_REPLACED,
                                   "a newer certificate has taken its place");
    }
    return is_good;
}

static void
on_handshake(struct stranger *stranger)
{
    struct bufferevent *bev = stranger->bev;
    struct tls_server *server = stranger->server;
    struct channel_settings settings = {.self = server->self, .peer = server->peer};
    struct channel_handler handler = {0};
    char unit[NAME_SIZE];
    void *tag = NULL;
    if (!peer_names(bufferevent_openssl_get_ssl(bev), settings.peer_name, unit)) {
        stranger_refuse(stranger, "the certificate has no usable name and unit");
        return;
    }
    if (strcmp(unit, wire_role_names[server->peer]) != 0) {
        stranger_tell(stranger, REFUSAL_ROLE, "its certificate is for another role");
        stranger_refuse(stranger, "the certificate is for another role");
        return;
    }
    server->handed = stranger->peer;
    memcpy(server->handed.from, stranger->from, sizeof(server->handed.from));
    if (!server->on_peer(server->argument, settings.peer_name, &handler, &tag)) {
        stranger_tell(stranger, REFUSAL_NAME,
                      server->peer == ROLE_EDGE ? "cordond.yaml has no switch of that name"
                                                : "more sensors than there is room for");
        stranger_refuse(stranger, "not a peer that is known here");
        return;
    }
    stranger_free(stranger);
    bufferevent_set_timeouts(bev, NULL, NULL);
    struct channel *channel = channel_new(bev, &settings, &handler);
    channel_set_tag(channel, tag);
    server->on_open(server->argument, channel);
}

static void
on_stranger_event(struct bufferevent *bev, short what, void *argument)
{
    struct stranger *stranger = argument;
    if (what & BEV_EVENT_CONNECTED) {
        on_handshake(stranger);
        return;
    }
    char why[160] = "no handshake in time";
    unsigned long error = bufferevent_get_openssl_error(bev);
    if (error) {
        ERR_error_string_n(error, why, sizeof(why));
    } else if (what & BEV_EVENT_EOF) {
        snprintf(why, sizeof(why), "closed during the handshake");
    }
    if (stranger->detail) {
        snprintf(why, sizeof(why), "%s", stranger->detail);
        stranger_tell(stranger, stranger->why, stranger->detail);
    } else if (error) {
        stranger_tell(stranger, REFUSAL_UNKNOWN, "it has no certificate of our authority");
    }
    stranger_refuse(stranger, why);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size,
          void *argument)
{
    (void)listener;
    struct tls_server *server = argument;
    if (server->handshakes >= TLS_HANDSHAKES_MAX) { /* those who only hold on keep nobody out */
        stranger_refuse(TAILQ_FIRST(&server->strangers), "others wait for its place");
    }
    SSL *ssl = SSL_new(server->context);
    struct bufferevent *bev =
        ssl ? bufferevent_openssl_socket_new(server->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE)
            : NULL;
    if (!bev) {
        SSL_free(ssl);
        evutil_closesocket(fd);
        return;
    }
    struct stranger *stranger = MEM_NEW(struct stranger);
    *stranger = (struct stranger){.server = server, .bev = bev};
    TAILQ_INSERT_TAIL(&server->strangers, stranger, link);
    getnameinfo(address, (socklen_t)size, stranger->from, sizeof(stranger->from), NULL, 0,
                NI_NUMERICHOST);
    if (strncmp(stranger->from, V4_MAPPED, sizeof(V4_MAPPED) - 1) == 0) {
        memmove(stranger->from, stranger->from + sizeof(V4_MAPPED) - 1,
                strlen(stranger->from) - (sizeof(V4_MAPPED) - 1) + 1);
    }
    server->handshakes++;
    SSL_set_app_data(ssl, stranger);
    socket_set(bev);
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    const struct timeval patience = {.tv_sec = HANDSHAKE_S};
    bufferevent_set_timeouts(bev, &patience, &patience);
    bufferevent_setcb(bev, NULL, NULL, on_stranger_event, stranger);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int
tls_server_new(struct event_base *base, const char *address, const struct tls_files *files,
               enum wire_role self, enum wire_role peer, tls_accept_fn *on_peer,
               tls_opened_fn *on_open, void *context, struct tls_server **server, char why[256])
{
    struct sockaddr_storage parsed;
    int size = sizeof(parsed);
    if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&parsed, &size) < 0) {
        snprintf(why, 256, "'%.100s' is no address with port, like [::]:8701", address);
        return -EINVAL;
    }
    SSL_CTX *tls = context_new(files, true, why);
    if (!tls) {
        return -EINVAL;
    }
    struct tls_server *made = MEM_NEW(struct tls_server);
    *made = (struct tls_server){.context = tls,
                                .base = base,
                                .self = self,
                                .peer = peer,
                                .on_peer = on_peer,
                                .on_open = on_open,
                                .argument = context,
                                .limit = {.period_us = 1000000, .burst = 10}};
    TAILQ_INIT(&made->strangers);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify_peer);
    made->listener = evconnlistener_new_bind(
        base, on_accept, made, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
        -1, (struct sockaddr *)&parsed, size);
    if (!made->listener) {
        int error = errno;
        snprintf(why, 256, "cannot listen on %.100s: %s", address, strerror(error));
        tls_server_free(made);
        return -error;
    }
    listener_guard(made->listener);
    *server = made;
    return 0;
}

void
tls_server_free(struct tls_server *server)
{
    if (server) {
        if (server->listener) {
            evconnlistener_free(server->listener);
        }
        struct stranger *stranger;
        while ((stranger = TAILQ_FIRST(&server->strangers)) != NULL) {
            bufferevent_free(stranger->bev);
            stranger_free(stranger);
        }
        SSL_CTX_free(server->context);
        free(server);
    }
}

void
tls_server_guard(struct tls_server *server, tls_judge_fn *judge, tls_refused_fn *refused,
                 void *context)
{
    server->judge = judge;
    server->refused = refused;
    server->judge_context = context;
    evconnlistener_disable(server->listener);
}

void
tls_server_admit(struct tls_server *server, uint32_t grace_s)
{
    server->grace_s = grace_s;
    evconnlistener_enable(server->listener);
}

bool
tls_context_renew(SSL_CTX *context, const uint8_t *der, size_t size)
{
    X509 *certificate = pki_read(der, size);
    EVP_PKEY *key = SSL_CTX_get0_privatekey(context);
    bool is_used = certificate && key && X509_check_private_key(certificate, key) == 1 &&
                   SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    ERR_clear_error();
    return is_used;
}

bool
tls_server_renew(struct tls_server *server, const uint8_t *der, size_t size)
{
    return tls_context_renew(server->context, der, size);
}

const struct tls_peer *
tls_server_peer(const struct tls_server *server)
{
    return &server->handed;
}

/* ---- client ---- */

const char *
tls_alert_text(unsigned long error)
{
    switch (ERR_GET_REASON(error)) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "our certificate has expired: enrol this device again ('cordonctl enrol')";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "our certificate was revoked or replaced: enrol this device again ('cordonctl "
               "enrol')";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "our certificate is of another authority: enrol this device again ('cordonctl "
               "enrol')";
    default:
        return NULL;
    }
}

static int
on_verify_server(int is_good, X509_STORE_CTX *store)
{
    if (!is_good && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_NOT_YET_VALID) {
        X509_STORE_CTX_set_error(store, X509_V_OK); /* a device without a clock */
        return 1;
    }
    return is_good;
}

struct tls_client {
    SSL_CTX *context;
    struct event_base *base;
    struct event *retry;
    struct bufferevent *connecting;
    struct channel *channel;
    char address[128];
    enum wire_role self, peer;
    struct channel_handler handler; /* the owner's */
    tls_opened_fn *on_open;
    void *argument;
    unsigned delay_ms;
    bool is_told;      /* that the server is away */
    bool is_heard;     /* a message came on this connection */
    int64_t opened_us; /* boot clock */
};

static void
retry_later(struct tls_client *client, const char *why)
{
    if (!client->is_told) {
        log_warn("bus", "server not reached, trying on", LOG_S("address", client->address),
                 LOG_S("why", why));
        client->is_told = true;
    }
    const struct timeval delay = {.tv_sec = client->delay_ms / 1000,
                                  .tv_usec = (client->delay_ms % 1000) * 1000};
    event_add(client->retry, &delay);
    client->delay_ms = client->delay_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : client->delay_ms * 2;
}

static void
on_client_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct tls_client *client = context;
    client->is_heard = true;
    client->handler.on_message(client->handler.context, channel, type, message);
}

static void
on_client_close(void *context, struct channel *channel, const char *why)
{
    struct tls_client *client = context;
    client->channel = NULL;
    client->handler.on_close(client->handler.context, channel, why);
    /* A server that refuses us does so after the connection is open (TLS 1.3). */
    int64_t lasted_us = clock_boot_us(clock_system()) - client->opened_us;
    if (client->is_heard || lasted_us >= RETRY_MOST_MS * 1000) {
        client->delay_ms = RETRY_FIRST_MS;
        client->is_told = false;
    }
    retry_later(client, why);
}

static void
on_client_connected(struct tls_client *client)
{
    struct bufferevent *bev = client->connecting;
    struct channel_settings settings = {.self = client->self, .peer = client->peer};
    const struct channel_handler handler = {
        .on_message = on_client_message, .on_close = on_client_close, .context = client};
    char unit[NAME_SIZE];
    client->connecting = NULL;
    if (!peer_names(bufferevent_openssl_get_ssl(bev), settings.peer_name, unit) ||
        strcmp(unit, SERVER_UNIT) != 0) {
        bufferevent_free(bev);
        retry_later(client, "the certificate there is not a server's");
        return;
    }
    bufferevent_set_timeouts(bev, NULL, NULL);
    socket_set(bev);
    client->is_heard = false;
    client->opened_us = clock_boot_us(clock_system());
    client->channel = channel_new(bev, &settings, &handler);
    log_info("bus", "connected", LOG_S("address", client->address),
             LOG_S("server", settings.peer_name));
    client->on_open(client->argument, client->channel);
}

static void
on_client_event(struct bufferevent *bev, short what, void *argument)
{
    struct tls_client *client = argument;
    if (what & BEV_EVENT_CONNECTED) {
        on_client_connected(client);
        return;
    }
    char why[160];
    snprintf(why, sizeof(why), "%s",
             what & BEV_EVENT_TIMEOUT ? "no answer in time"
                                      : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    unsigned long error = bufferevent_get_openssl_error(bev);
    if (error) {
        ERR_error_string_n(error, why, sizeof(why));
    }
    if (tls_alert_text(error)) {
        snprintf(why, sizeof(why), "%s", tls_alert_text(error));
    }
    bufferevent_free(bev);
    client->connecting = NULL;
    retry_later(client, why);
}

static void
on_connect(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct tls_client *client = argument;
    struct sockaddr_storage to;
    int size = sizeof(to);
    SSL *ssl = SSL_new(client->context);
    if (!ssl || evutil_parse_sockaddr_port(client->address, (struct sockaddr *)&to, &size) < 0) {
        SSL_free(ssl);
        retry_later(client, "no TLS connection to be had");
        return;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        client->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    const struct timeval patience = {.tv_sec = CONNECT_S};
    client->connecting = bev;
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    bufferevent_set_timeouts(bev, &patience, &patience);
    bufferevent_setcb(bev, NULL, NULL, on_client_event, client);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(bev, (struct sockaddr *)&to, size) < 0 && client->connecting) {
        bufferevent_free(bev);
        client->connecting = NULL;
        retry_later(client, strerror(errno));
    }
}

int
tls_client_new(struct event_base *base, const char *address, const struct tls_files *files,
               enum wire_role self, enum wire_role peer, const struct channel_handler *handler,
               tls_opened_fn *on_open, void *context, struct tls_client **client, char why[256])
{
    struct sockaddr_storage parsed;
    int size = sizeof(parsed);
    if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&parsed, &size) < 0 ||
        strlen(address) >= sizeof((*client)->address)) {
        snprintf(why, 256, "'%.100s' is no address with port, like 192.0.2.1:8701", address);
        return -EINVAL;
    }
    SSL_CTX *tls = context_new(files, false, why);
    if (!tls) {
        return -EINVAL;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify_server);
    struct tls_client *made = MEM_NEW(struct tls_client);
    *made = (struct tls_client){.context = tls,
                                .base = base,
                                .self = self,
                                .peer = peer,
                                .handler = *handler,
                                .on_open = on_open,
                                .argument = context,
                                .delay_ms = RETRY_FIRST_MS};
    snprintf(made->address, sizeof(made->address), "%s", address);
    made->retry = evtimer_new(base, on_connect, made);
    event_active(made->retry, EV_TIMEOUT, 0);
    *client = made;
    return 0;
}

bool
tls_client_use(struct tls_client *client, X509 *certificate, EVP_PKEY *key)
{
    bool is_used = SSL_CTX_use_certificate(client->context, certificate) == 1 &&
                   SSL_CTX_use_PrivateKey(client->context, key) == 1 &&
                   SSL_CTX_check_private_key(client->context) == 1;
    ERR_clear_error();
    return is_used;
}

void
tls_client_free(struct tls_client *client)
{
    if (!client) {
        return;
    }
    if (client->channel) {
        channel_drop(client->channel);
    }
    event_free(client->retry);
    if (client->connecting) {
        bufferevent_free(client->connecting);
    }
    SSL_CTX_free(client->context);
    free(client);
}
