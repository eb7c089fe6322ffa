/* TLS 1.3 with mutual certificates between our programs.  Names and roles come from the
 * certificate: CN = name, OU = role ("edge", "sensor", "server"). */
#ifndef CORDON_BUS_TLS_H
#define CORDON_BUS_TLS_H

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "bus/channel.h"

struct tls_files {
    const char *ca; /* PEM */
    const char *cert;
    const char *key;
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

/* Keeps one connection to a server (whose OU must be "server"): connects, and after a close again
 * with back-off 0.1 to 2 s (from 0.1 s again after a connection on which a message came or that
 * lasted 2 s).  'handler' gets messages and closes; 'on_open' each new channel. */
int tls_client_new(struct event_base *base, const char *address, const struct tls_files *files,
                   enum wire_role self, enum wire_role peer, const struct channel_handler *handler,
                   tls_opened_fn *on_open, void *context, struct tls_client **client,
                   char why[256]) MUST_CHECK;
void tls_client_free(struct tls_client *client);

#endif
