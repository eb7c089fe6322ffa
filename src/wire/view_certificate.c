#include "wire/view_certificate.h"

#include "wire/view_field.h"

static const struct field certificate_fields[] = {
    ROW(struct certificate, serial, "serial", FIELD_TEXT, "serial number, in hexadecimal"),
    ROW(struct certificate, name, "name", FIELD_TEXT, "of the switch or sensor"),
    ROW_ENUM(struct certificate, role, "role", false, device_role_names, "what the device is"),
    ROW(struct certificate, fingerprint, "fingerprint", FIELD_TEXT, "SHA-256 of the certificate"),
    ROW_ENUM(struct certificate, origin, "origin", false, certificate_origin_names,
             "enrolled, renewed, or offline: by 'cordond pki issue'"),
    ROW_ENUM(struct certificate, state, "state", false, certificate_state_names,
             "waiting: a renewal that the device has not used yet; only valid and waiting ones are "
             "let in"),
    ROW(struct certificate, issued_us, "issued", FIELD_TIME, "when it was issued"),
    ROW(struct certificate, expires_us, "expires", FIELD_TIME, "when it ends"),
    ROW_OPT(struct certificate, seen_us, "seen", FIELD_TIME, "when it last came or went"),
    ROW_OPT(struct certificate, from, "from", FIELD_TEXT, "the address that it last came from"),
    ROW(struct certificate, is_connected, "connected", FIELD_BOOL, "a device is connected with it"),
    ROW_OPT(struct certificate, ended_us, "ended", FIELD_TIME, "when it was revoked or replaced"),
    ROW_OPT(struct certificate, ended_by, "ended_by", FIELD_TEXT, "by whom"),
    ROW_OPT_SAID(struct certificate, reason, "reason", "certificate.", "and why"),
};
const struct shape view_certificate_shape =
    SHAPE("Certificate", struct certificate, certificate_fields, NULL);

static const char *const enrolment_state_names[] = {"open", "used", "withdrawn", "expired", NULL};
#define ENROLMENT_ROWS(type, at)                                                                   \
    ROW(type, at id, "id", FIELD_TEXT, "id"),                                                      \
        ROW_ENUM(type, at role, "role", false, device_role_names, "what the device is"),           \
        ROW(type, at name, "name", FIELD_TEXT, "the device that may use the token"),               \
        ROW_ENUM(type, at state, "state", false, enrolment_state_names, "of the token"),           \
        ROW(type, at made_us, "made", FIELD_TIME, "when it was made"),                             \
        ROW(type, at made_by, "made_by", FIELD_TEXT, "by whom"),                                   \
        ROW(type, at expires_us, "expires", FIELD_TIME, "it is refused from then on"),             \
        ROW_OPT(type, at used_us, "used", FIELD_TIME, "when it was used"),                         \
        ROW_OPT(type, at serial, "serial", FIELD_TEXT, "of the certificate that it led to"),       \
        ROW_OPT(type, at from, "from", FIELD_TEXT, "the address that used it")

static const struct field enrolment_fields[] = {ENROLMENT_ROWS(struct view_enrolment, )};
const struct shape view_enrolment_shape =
    SHAPE("Enrolment", struct view_enrolment, enrolment_fields, NULL);

static const struct field offer_fields[] = {
    ENROLMENT_ROWS(struct view_offer, enrolment.),
    ROW(struct view_offer, token, "token", FIELD_TEXT,
        "the token itself, in this answer and never again"),
    ROW(struct view_offer, authority, "authority", FIELD_TEXT,
        "fingerprint of our certificate authority, by which the device knows us"),
    ROW(struct view_offer, command, "command", FIELD_TEXT, "what to run on the device, as root"),
    ROW(struct view_offer, is_configured, "configured", FIELD_BOOL,
        "false: cordond.yaml has no switch of that name, so that it is not let in yet"),
};
const struct shape view_offer_shape =
    SHAPE("EnrolmentOffer", struct view_offer, offer_fields, NULL);

static const struct field refused_fields[] = {
    ROW_ENUM(struct refused_peer, why, "why", false, peer_refusal_names,
             "claim: it spoke of what is not its own; flood: it told more than one device may"),
    ROW_OPT(struct refused_peer, name, "name", FIELD_TEXT, "as its certificate or request says"),
    ROW_OPT(struct refused_peer, role, "role", FIELD_TEXT, "likewise"),
    ROW_OPT(struct refused_peer, serial, "serial", FIELD_TEXT, "of its certificate"),
    ROW_OPT(struct refused_peer, from, "from", FIELD_TEXT, "its address"),
    ROW_OPT_SAID(struct refused_peer, detail, "detail", "peer.", "more of it"),
    ROW(struct refused_peer, first_us, "first", FIELD_TIME, "first time"),
    ROW(struct refused_peer, last_us, "last", FIELD_TIME, "last time"),
    ROW(struct refused_peer, count, "count", FIELD_UINT, "how often"),
};
const struct shape view_refused_peer_shape =
    SHAPE("RefusedPeer", struct refused_peer, refused_fields, NULL);

static const struct field issued_fields[] = {
    ROW(struct view_issued, role, "role", FIELD_TEXT, "edge or sensor"),
    ROW(struct view_issued, name, "name", FIELD_TEXT, "of the device"),
    ROW(struct view_issued, serial, "serial", FIELD_TEXT, "serial number of the certificate"),
    {.name = "certificate",
     .kind = FIELD_BYTES,
     .at = offsetof(struct view_issued, der),
     .size = sizeof(uint8_t *),
     .count_at = offsetof(struct view_issued, der_size),
     .max_count = CERTIFICATE_DER_MAX,
     .about = "the certificate: base64 of its DER"},
};
const struct shape view_issued_shape =
    SHAPE("IssuedCertificate", struct view_issued, issued_fields, NULL);
