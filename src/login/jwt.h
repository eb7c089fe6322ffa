/* ID tokens: a JWT (RFC 7519) signed with RS256 or ES256 (RFC 7515, 7518) by a key of a JWK set
 * (RFC 7517), and the checks of OpenID Connect Core 3.1.3.7.  Nothing in the token chooses how it
 * is checked but its 'kid': the key's own type says the algorithm, so that neither "none" nor a MAC
 * made with the public key passes.  Pure. */
#ifndef CORDON_LOGIN_JWT_H
#define CORDON_LOGIN_JWT_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "model/text.h"
#include "base/macros.h"

#define JWT_SIZE_MAX (64 * 1024)
#define JWT_SKEW_S 60           /* of the two clocks */
#define JWT_AGE_MAX_S (10 * 60) /* it was made for this very sign-in */
#define JWT_RSA_BITS_LEAST 2048

struct jwt_expected {
    const char *issuer, *audience, *nonce;
    int64_t now_s; /* wall clock */
};

/* 0 and '*claims' (the caller's); or -EBADMSG (forged, expired, not for us, malformed), -ENOKEY (no
 * key of the set has that kid: perhaps there is a newer set), and 'why', which repeats nothing of
 * the token. */
int jwt_check(const char *token, const cJSON *keys, const struct jwt_expected *expected,
              cJSON **claims, char why[TEXT_SIZE]) MUST_CHECK;

#endif
