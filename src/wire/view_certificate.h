/* Certificates of devices, enrolments and refused peers as the API shows them.  Never a token, but
 * the one moment when it is made. */
#ifndef CORDON_WIRE_VIEW_CERTIFICATE_H
#define CORDON_WIRE_VIEW_CERTIFICATE_H

#include "model/certificate.h"
#include "wire/codec.h"

extern const struct shape view_certificate_shape; /* over struct certificate */

struct view_enrolment {
    char id[ID_SIZE];
    enum device_role role;
    char name[NAME_SIZE];
    int state; /* open, used, withdrawn, expired */
    int64_t made_us, expires_us, used_us;
    char made_by[NAME_SIZE];
    char serial[SERIAL_SIZE];
    char from[ADDRESS_SIZE];
};
enum enrolment_state { ENROLMENT_OPEN, ENROLMENT_USED, ENROLMENT_WITHDRAWN, ENROLMENT_EXPIRED };
extern const struct shape view_enrolment_shape;

struct view_offer {
    struct view_enrolment enrolment;
    char token[NAME_SIZE];
    char authority[FINGERPRINT_SIZE];
    char command[TEXT_SIZE];
    bool is_configured; /* edge: cordond.yaml has a switch of that name */
};
extern const struct shape view_offer_shape;

extern const struct shape view_refused_peer_shape; /* over struct refused_peer */

/* What a device that enrolled is given. */
struct view_issued {
    char role[NAME_SIZE], name[NAME_SIZE], serial[SERIAL_SIZE];
    uint8_t *der; /* owned where decoded */
    size_t der_size;
};
extern const struct shape view_issued_shape;

#endif
