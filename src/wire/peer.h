/* Who may connect from other machines, and how their certificates are renewed.
 *
 *   core ──peers──▶ driver, intake          whom to let in: by name and serial number
 *   driver, intake ──peer──▶ core           who came, went, was refused, or spoke for another
 *   core ──renew──▶ driver, intake ──renew──▶ device      "ask for a new one"; then: here it is
 *   device ──request──▶ driver, intake ──sign──▶ core     hostile bytes; what was read of them */
#ifndef CORDON_WIRE_PEER_H
#define CORDON_WIRE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/certificate.h"
#include "wire/codec.h"

#define PEERS_PER_MESSAGE 512
#define PEERS_MAX 4096
#define PEER_SERIALS_MAX 4

/* One name.  Beside those serial numbers, one that was issued after 'since_us' is let in too: by
 * 'cordond pki issue', which core hears of when it is first used. */
struct peer_rule {
    char name[NAME_SIZE];
    char serials[PEER_SERIALS_MAX][SERIAL_SIZE];
    size_t serial_count;
    int64_t since_us;
};

/* All of one role, in parts; a name that is not in it has had no certificate yet. */
struct wire_peers {
    enum device_role role;
    bool is_first, is_last;
    uint32_t grace_s;        /* an expired certificate is let in for so long, to be renewed */
    struct peer_rule *peers; /* owned */
    size_t peer_count;
};

enum peer_event { PEER_CAME, PEER_WENT, PEER_REFUSED, PEER_EVENT_COUNT };
extern const char *const peer_event_names[PEER_EVENT_COUNT + 1];

struct wire_peer {
    enum peer_event event;
    char role[NAME_SIZE]; /* as its certificate says, like all of these */
    char name[NAME_SIZE];
    char serial[SERIAL_SIZE];
    char fingerprint[FINGERPRINT_SIZE];
    int64_t issued_us, expires_us;
    char from[ADDRESS_SIZE];
    enum peer_refusal why; /* PEER_REFUSED */
    char detail[TEXT_SIZE];
    uint64_t count; /* of refusals that this one stands for */
};

#define WIRE_RENEW_OWN "server" /* no device is called that: to driver, intake and web: their own  \
                                 */
struct wire_renew {
    enum device_role role;
    char name[NAME_SIZE];
    uint8_t *der; /* owned; none: ask for one */
    size_t der_size;
};

struct wire_request {
    uint8_t *der; /* owned; bus/csr.h */
    size_t der_size;
};

struct wire_sign {
    enum device_role role;
    char name[NAME_SIZE];
    char serial[SERIAL_SIZE]; /* of the certificate that it asked with */
    uint8_t *key;             /* owned; the public key, proven to be the asker's */
    size_t key_size;
};

extern const struct shape wire_peers_shape, wire_peer_shape, wire_renew_shape, wire_request_shape,
    wire_sign_shape;

#endif
