/* Parameters of what has to do with enrolment (op.h). */
#include <stdio.h>
#include <string.h>

#include "wire/op.h"
#include "wire/view_field.h"

/* It goes into a command that an administrator pastes into a shell. */
static bool
check_offer(const void *thing, char why[128])
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    static const char scheme[] = "https://";
    const char *controller = ((const struct op_offer *)thing)->controller;
    const char *host = controller + sizeof(scheme) - 1;
    if (strncmp(controller, scheme, sizeof(scheme) - 1) != 0 || !host[0] ||
        host[strspn(host, plain)]) {
        snprintf(why, 128, "controller must be like https://192.0.2.10:8443");
        return false;
    }
    return true;
}

static const struct field offer_fields[] = {
    ROW_ENUM(struct op_offer, role, "role", false, device_role_names, "what the device is"),
    ROW(struct op_offer, name, "name", FIELD_TEXT, "letters, digits, '.', '_' and '-'"),
    ROW(struct op_offer, controller, "controller", FIELD_TEXT,
        "where the device reaches this API, like https://192.0.2.10:8443"),
    ROW_RANGE(struct op_offer, life_s, "expires_in", FIELD_UINT, 1, OP_OFFER_LIFE_MAX_S,
              "seconds that the token lives; absent: as configured"),
    ROW_OPT(struct op_offer, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
const struct shape op_offer_shape =
    SHAPE("EnrolmentRequest", struct op_offer, offer_fields, check_offer);

static const struct field enrol_request_fields[] = {
    ROW(struct op_enrol_request, token, "token", FIELD_TEXT, "the one-time token"),
    {.name = "request",
     .kind = FIELD_BYTES,
     .at = offsetof(struct op_enrol_request, request),
     .size = sizeof(uint8_t *),
     .count_at = offsetof(struct op_enrol_request, request_size),
     .max_count = 1024,
     .about = "PKCS #10, DER in base64: P-256, O=Cordon, OU=role, CN=name, no attributes"},
};
const struct shape op_enrol_request_shape =
    SHAPE("EnrolRequest", struct op_enrol_request, enrol_request_fields, NULL);

static bool
check_redeem(const void *thing, char why[128])
{
    const struct op_redeem *redeem = thing;
    if (redeem->key_size != 65 || strlen(redeem->hash) != 64) {
        snprintf(why, 128, "a key has 65 bytes, a hash 64 digits");
        return false;
    }
    return true;
}

static const struct field redeem_fields[] = {
    ROW(struct op_redeem, role, "role", FIELD_TEXT, "as the request says"),
    ROW(struct op_redeem, name, "name", FIELD_TEXT, "as the request says"),
    ROW(struct op_redeem, hash, "hash", FIELD_TEXT, "of the token"),
    {.name = "key",
     .kind = FIELD_BYTES,
     .at = offsetof(struct op_redeem, key),
     .size = sizeof(uint8_t *),
     .count_at = offsetof(struct op_redeem, key_size),
     .max_count = 65,
     .about = "the public key"},
    ROW(struct op_redeem, from, "from", FIELD_TEXT, "the device's address"),
};
const struct shape op_redeem_shape =
    SHAPE("EnrolChecked", struct op_redeem, redeem_fields, check_redeem);
