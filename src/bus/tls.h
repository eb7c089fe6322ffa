/* TLS 1.3 with mutual certificates between our programs.  Names and roles come from the
 * certificate: CN = name, OU = role ("edge", "sensor", "server"). */
#ifndef CORDON_BUS_TLS_H
#define CORDON_BUS_TLS_H

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdbool.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bus/channel.h"
#include "model/certificate.h"

struct tls_files {
    const char *ca; /* PEM */
    const char *cert;
    const char *key;
    const char *master; /* what the key is sealed with (bus/pki_key.h); NULL: it is PEM */
};

/* Can they be used: readable, and the key the certificate's?  'ca' may be NULL. */
bool tls_files_check(const struct tls_files *files, char why[256]);

struct tls_server;
struct tls_client;

/* A peer from which nothing comes any more, though nobody closed (the network ate it, in one
 * direction or both; its machine lost power), is given up after so long: the kernel probes a silent
 * connection, and gives up one whose data nobody acknowledges. */
#define TLS_SILENCE_S 6

/* Strangers that may be shaking hands at once; the next one takes the place of the oldest. */
#define TLS_HANDSHAKES_MAX 512

/* Accepts peers whose certificate is signed by the CA and has OU = 'peer_role'; each becomes a
 * channel handed to 'on_peer', which returns the handler's context by filling 'handler' (or false:
 * refuse).  TCP_NODELAY is set. */
typedef bool tls_accept_fn(void *context, const char *peer_name, struct channel_handler *handler,
                           void **tag);
typedef void tls_opened_fn(void *context, struct channel *channel);
/* 'address' "[::]:8701", "192.0.2.1:8701".  0 or negative errno, 'why' says more (256 bytes). */
int tls_server_new(struct event_base *base, const char *address, const struct tls_files *files,
                   enum wire_role self, enum wire_role peer, tls_accept_fn *on_peer,
                   tls_opened_fn *on_open, void *context, struct tls_server **server,
                   char why[256]) MUST_CHECK;
void tls_server_free(struct tls_server *server);
/* Whoever connects from now on is shown that certificate, which must be of the key that is used;
 * connections that there are go on.  False: it is none such, and nothing was changed. */
bool tls_context_renew(SSL_CTX *context, const uint8_t *der, size_t size) MUST_CHECK;
bool tls_server_renew(struct tls_server *server, const uint8_t *der, size_t size) MUST_CHECK;

/* Who connects, by its certificate; where that is no good, what it says. */
struct tls_peer {
    char name[NAME_SIZE], unit[NAME_SIZE];
    char serial[SERIAL_SIZE];
    char fingerprint[FINGERPRINT_SIZE];
    int64_t issued_us, expires_us;
    char from[ADDRESS_SIZE];
};
/* May it come in?  REFUSAL_COUNT: it may.  Asked of a peer whose certificate is by our authority,
 * in the handshake: who is refused is told so by a TLS alert. */
typedef enum peer_refusal tls_judge_fn(void *context, const struct tls_peer *peer);
typedef void tls_refused_fn(void *context, const struct tls_peer *peer, enum peer_refusal why,
                            const char *detail);
/* From now on nobody is accepted before tls_server_admit(): newcomers wait in the kernel. */
void tls_server_guard(struct tls_server *server, tls_judge_fn *judge, tls_refused_fn *refused,
                      void *context);
/* 'grace_s': a certificate that has ended is let in for so long. */
void tls_server_admit(struct tls_server *server, uint32_t grace_s);
/* Whose connection is being handed over: during on_peer and on_open. */
const struct tls_peer *tls_server_peer(const struct tls_server *server);

/* Keeps one connection to a server (whose OU must be "server"): connects, and after a close again
 * with back-off 0.1 to 2 s (from 0.1 s again after a connection on which a message came or that
 * lasted 2 s).  'handler' gets messages and closes; 'on_open' each new channel. */
int tls_client_new(struct event_base *base, const char *address, const struct tls_files *files,
                   enum wire_role self, enum wire_role peer, const struct channel_handler *handler,
                   tls_opened_fn *on_open, void *context, struct tls_client **client,
                   char why[256]) MUST_CHECK;
void tls_client_free(struct tls_client *client);
/* Shows this certificate on the next connections.  False: they do not fit. */
bool tls_client_use(struct tls_client *client, X509 *certificate, EVP_PKEY *key);

/* What an alert of the other end means for us, for whoever can do something about it; NULL: nothing
 * special.  'error' is OpenSSL's. */
const char *tls_alert_text(unsigned long error);

#endif
