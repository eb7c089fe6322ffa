/* Certificates of devices, and enrolments: how a device gets its first one. */
#ifndef CORDON_MODEL_CERTIFICATE_H
#define CORDON_MODEL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/text.h"

#define SERIAL_SIZE 48      /* at most 20 bytes (RFC 5280, 4.1.2.2), in hexadecimal */
#define FINGERPRINT_SIZE 80 /* "sha256:" and 64 hexadecimal digits */
#define ADDRESS_SIZE 64
#define CERTIFICATE_DER_MAX 2048
/* A one-time token: this, and 32 random bytes as base64url. */
#define DEVICE_TOKEN_MARK "enrol_"
#define DEVICE_TOKEN_DIGITS 43

/* What a device is; as OU in its certificate. */
enum device_role { DEVICE_EDGE, DEVICE_SENSOR, DEVICE_ROLE_COUNT };
extern const char *const device_role_names[DEVICE_ROLE_COUNT + 1];

/* waiting: a renewal that its device has not used yet; then it becomes valid, and the one before it
 * is replaced.  Only valid and waiting ones are accepted. */
enum certificate_state {
    CERTIFICATE_VALID,
    CERTIFICATE_WAITING,
    CERTIFICATE_REPLACED,
    CERTIFICATE_REVOKED,
    CERTIFICATE_EXPIRED, /* only as shown: nothing is stored when time passes */
    CERTIFICATE_STATE_COUNT
};
extern const char *const certificate_state_names[CERTIFICATE_STATE_COUNT + 1];

/* offline: by 'cordond pki issue', known from its register (bus/issued.h), or since it was first
 * used. */
enum certificate_origin { ORIGIN_ENROLLED, ORIGIN_RENEWED, ORIGIN_OFFLINE, ORIGIN_COUNT };
extern const char *const certificate_origin_names[ORIGIN_COUNT + 1];

struct certificate {
    char serial[SERIAL_SIZE];
    char name[NAME_SIZE];
    enum device_role role;
    char fingerprint[FINGERPRINT_SIZE];
    enum certificate_origin origin;
    enum certificate_state state;
    int64_t issued_us, expires_us;
    int64_t seen_us;         /* last connected; 0: never */
    char from[ADDRESS_SIZE]; /* where it was last seen */
    int64_t ended_us;        /* replaced or revoked */
    char ended_by[NAME_SIZE];
    char reason[TEXT_SIZE];
    bool is_connected; /* as shown; never stored */
};

/* A one-time token for one device, of which only the hash is kept. */
struct enrolment {
    char id[ID_SIZE];
    char name[NAME_SIZE];
    enum device_role role;
    char hash[NAME_SIZE + 8]; /* SHA-256 of the token, hexadecimal */
    int64_t made_us, expires_us;
    char made_by[NAME_SIZE];
    int64_t used_us;          /* 0: not yet */
    int64_t withdrawn_us;     /* by a person, or since a newer one was made for the name */
    char key[NAME_SIZE + 8];  /* SHA-256 of the public key that used it */
    char serial[SERIAL_SIZE]; /* what it got */
    char from[ADDRESS_SIZE];
    uint8_t *der; /* owned; what it got, as long as the token lives: an answer may be lost */
    size_t der_size;
};

/* Why a peer was not let in, or not believed. */
enum peer_refusal {
    REFUSAL_UNKNOWN, /* no certificate of ours, or none at all */
    REFUSAL_EXPIRED,
    REFUSAL_ROLE, /* of another role than who connects here */
    REFUSAL_REVOKED,
    REFUSAL_REPLACED,
    REFUSAL_NAME,    /* not configured here */
    REFUSAL_TOKEN,   /* an enrolment with a token that is not known, or not good any more */
    REFUSAL_CLAIM,   /* it spoke of what is not its own */
    REFUSAL_FLOOD,   /* it told more than one device may */
    REFUSAL_RENEWAL, /* it asked for a certificate that nobody offered */
    REFUSAL_COUNT
};
extern const char *const peer_refusal_names[REFUSAL_COUNT + 1];

struct refused_peer {
    char name[NAME_SIZE]; /* as its certificate or request says; "": it says none */
    char role[NAME_SIZE];
    char serial[SERIAL_SIZE];
    char from[ADDRESS_SIZE];
    enum peer_refusal why;
    char detail[TEXT_SIZE];
    int64_t first_us, last_us;
    uint64_t count;
};

#endif
