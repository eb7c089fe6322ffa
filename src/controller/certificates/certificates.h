/* Certificates of switches and sensors: who has one, who gets one, and whom to let in.
 *
 *   offer (a person) ─▶ one-time token ─redeem (the device)─▶ certificate ─renewed over its line─▶
 * … └─▶ replaced | revoked
 *
 * The authority's key is here and nowhere else; what is signed was read and proven by web (an
 * enrolment), or driver and intake (a renewal).  A certificate is in the database, with its audit
 * row, before anybody has it.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_CERTIFICATES_H
#define CORDON_CONTROLLER_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus/pki.h"
#include "model/certificate.h"
#include "model/containment.h"
#include "store/store.h"
#include "wire/peer.h"

struct certificates;

#define ENROLMENTS_OPEN_MAX 256
#define REFUSED_PEERS_MAX 64
#define DEVICE_HASH_SIZE 65 /* SHA-256, hexadecimal */
#define DEVICE_TOKEN_SIZE 64

struct certificates_settings {
    struct store *store;
    const struct clock *clock;
    const struct pki_ca *ca; /* borrowed */
    int64_t life_us;         /* of a device's certificate; 0: 90 days */
    int64_t grace_us;        /* let in for so long after its end, to be renewed; 0: 2 hours */
    int64_t token_us;        /* 0: 15 minutes */
    int issued_fd;           /* of the register of offline ones (bus/issued.h); -1: none */
    /* Whom to let in has changed. */
    void (*on_peers)(void *context, enum device_role role);
    /* To that device; false: it is not connected now. */
    bool (*send_renew)(void *context, const struct wire_renew *renew);
    /* People must know. */
    void (*tell)(void *context, enum severity severity, const char *object, const char *detail);
    /* A list looks different now. */
    void (*on_change)(void *context);
    void *context;
};

/* Reads what is stored.  0 or negative errno. */
int certificates_open(const struct certificates_settings *settings,
                      struct certificates **certificates) MUST_CHECK;
/* After the store is closed. */
void certificates_free(struct certificates *certificates);
/* At least once a second: renewals, warnings, what was seen. */
void certificates_tick(struct certificates *certificates);
/* The driver or intake process is gone: nobody of that role is connected. */
void certificates_gone(struct certificates *certificates, enum device_role role);

const char *certificates_authority(const struct certificates *certificates);
/* In the order of issue; NULL after the last.  The state is as it is now. */
const struct certificate *certificates_at(const struct certificates *certificates, size_t index,
                                          struct certificate *shown);
const struct enrolment *certificates_enrolment_at(const struct certificates *certificates,
                                                  size_t index);
/* Newest first. */
const struct refused_peer *certificates_refused_at(const struct certificates *certificates,
                                                   size_t index);
uint64_t certificates_refused_count(const struct certificates *certificates, enum peer_refusal why);
/* Less than a fifth of its life is left, and nothing newer was issued for its name? */
bool certificates_is_expiring(const struct certificates *certificates,
                              const struct certificate *certificate);

/* ---- what people do ---- */

enum certificates_result {
    CERTIFICATES_DONE,
    CERTIFICATES_UNKNOWN, /* there is no such certificate or token */
    CERTIFICATES_REFUSED, /* 'why' says why */
    CERTIFICATES_BUSY,    /* it is being changed */
    CERTIFICATES_FAILED,  /* could not be stored: nothing was done */
};
typedef void certificates_done_fn(void *context, enum certificates_result result, const char *why,
                                  const void *object);

struct certificates_offer {
    enum device_role role;
    char name[NAME_SIZE];
    int64_t life_us; /* of the token; 0: as configured */
    char account[NAME_SIZE];
    char reason[TEXT_SIZE];
};
/* What 'done' gets as its object. */
struct certificates_token {
    const struct enrolment *enrolment;
    char text[DEVICE_TOKEN_SIZE]; /* shown once, kept nowhere */
};
/* After the commit.  A token that is still open for that device is withdrawn. */
void certificates_offer(struct certificates *certificates, const struct certificates_offer *offer,
                        certificates_done_fn *done, void *context);
/* 'done' gets the enrolment. */
void certificates_withdraw(struct certificates *certificates, const char *id, const char *account,
                           const char *reason, certificates_done_fn *done, void *context);
/* A serial number, or a name: all that it has.  Open tokens for it are withdrawn.  'done' gets the
 * newest of them. */
void certificates_revoke(struct certificates *certificates, const char *which, const char *account,
                         const char *reason, certificates_done_fn *done, void *context);

/* ---- what devices do ---- */

struct certificates_redeem {
    char role[NAME_SIZE], name[NAME_SIZE]; /* as its request says */
    char hash[DEVICE_HASH_SIZE];           /* of the token that it gave */
    uint8_t key[PUBLIC_KEY_SIZE];
    char from[ADDRESS_SIZE];
};
/* 'done' gets the enrolment, with the certificate in it.  The same key may ask again as long as the
 * token lives: its answer may have been lost. */
void certificates_redeem(struct certificates *certificates, const struct certificates_redeem *asked,
                         certificates_done_fn *done, void *context);
void certificates_peer(struct certificates *certificates, enum device_role side,
                       const struct wire_peer *peer);
void certificates_sign(struct certificates *certificates, const struct wire_sign *sign);
/* All rules of that role to 'each', in parts. */
void certificates_peers(struct certificates *certificates, enum device_role role,
                        bool (*each)(void *context, const struct wire_peers *part), void *context);

#endif
