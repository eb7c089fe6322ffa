#include "wire/peer.h"

#include <stdio.h>

#define NEED FIELD_NEEDED
#define OPT FIELD_OPTIONAL
#define REQUEST_MAX 1024
#define KEY_SIZE 65

const char *const peer_event_names[PEER_EVENT_COUNT + 1] = {"came", "went", "refused", NULL};

static const struct field rule_fields[] = {
    F_TEXT(NEED, struct peer_rule, name),
    F_TEXTS(OPT, struct peer_rule, serials, offsetof(struct peer_rule, serial_count),
            PEER_SERIALS_MAX),
    F_INT(OPT, struct peer_rule, since_us),
};
static const struct shape rule_shape = SHAPE("peer_rule", struct peer_rule, rule_fields, NULL);

static const struct field peers_fields[] = {
    F_ENUM(NEED, struct wire_peers, role, device_role_names),
    F_BOOL(OPT, struct wire_peers, is_first),
    F_BOOL(OPT, struct wire_peers, is_last),
    F_UINT(OPT, struct wire_peers, grace_s),
    F_LIST(OPT, struct wire_peers, peers, peer_count, PEERS_PER_MESSAGE, &rule_shape),
};
const struct shape wire_peers_shape = SHAPE("peers", struct wire_peers, peers_fields, NULL);

static const struct field peer_fields[] = {
    F_ENUM(NEED, struct wire_peer, event, peer_event_names),
    F_TEXT(OPT, struct wire_peer, role),
    F_TEXT(OPT, struct wire_peer, name),
    F_TEXT(OPT, struct wire_peer, serial),
    F_TEXT(OPT, struct wire_peer, fingerprint),
    F_INT(OPT, struct wire_peer, issued_us),
    F_INT(OPT, struct wire_peer, expires_us),
    F_TEXT(OPT, struct wire_peer, from),
    F_ENUM(OPT, struct wire_peer, why, peer_refusal_names),
    F_TEXT(OPT, struct wire_peer, detail),
    F_UINT(OPT, struct wire_peer, count),
};
const struct shape wire_peer_shape = SHAPE("peer", struct wire_peer, peer_fields, NULL);

static const struct field renew_fields[] = {
    F_ENUM(NEED, struct wire_renew, role, device_role_names),
    F_TEXT(NEED, struct wire_renew, name),
    F_BYTES(OPT, struct wire_renew, der, der_size, CERTIFICATE_DER_MAX),
};
const struct shape wire_renew_shape = SHAPE("renew", struct wire_renew, renew_fields, NULL);

static const struct field request_fields[] = {
    F_BYTES(NEED, struct wire_request, der, der_size, REQUEST_MAX),
};
const struct shape wire_request_shape = SHAPE("request", struct wire_request, request_fields, NULL);

static bool
sign_check(const void *thing, char why[128])
{
    const struct wire_sign *sign = thing;
    if (sign->key_size != KEY_SIZE) {
        snprintf(why, 128, "key has %d bytes", KEY_SIZE);
        return false;
    }
    return true;
}

static const struct field sign_fields[] = {
    F_ENUM(NEED, struct wire_sign, role, device_role_names),
    F_TEXT(NEED, struct wire_sign, name),
    F_TEXT(NEED, struct wire_sign, serial),
    F_BYTES(NEED, struct wire_sign, key, key_size, KEY_SIZE),
};
const struct shape wire_sign_shape = SHAPE("sign", struct wire_sign, sign_fields, sign_check);
