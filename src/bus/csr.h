/* A device's certificate request (PKCS #10, RFC 2986), strictly: P-256, the subject "O=Cordon,
 * OU=role, CN=name" and nothing else in it, no attributes, signed with ECDSA and SHA-256.  Any
 * other form is refused: what a device asks for is in its subject, what it gets is what we say.
 *
 * csr_parse() is pure and reads bytes that anybody may have made; csr_prove() is the proof that
 * whoever asks holds the key. */
#ifndef CORDON_BUS_CSR_H
#define CORDON_BUS_CSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/macros.h"
#include "model/text.h"

#define CSR_SIZE_MAX 1024  /* bytes of DER; ours have about 260 */
#define PUBLIC_KEY_SIZE 65 /* P-256, an uncompressed point: 4, x, y (SEC 1, 2.3.3) */

struct csr {
    char role[NAME_SIZE]; /* as it says: letters, digits, '.', '_' and '-' */
    char name[NAME_SIZE];
    uint8_t key[PUBLIC_KEY_SIZE];
    const uint8_t *signed_part; /* within the bytes that were parsed */
    size_t signed_size;
    const uint8_t *signature;
    size_t signature_size;
};

/* 'csr' points into 'der'.  False: 'why' says what is wrong. */
bool csr_parse(const uint8_t *der, size_t size, struct csr *csr, char why[256]);
/* Was it signed with the key in it, and is that a point of the curve? */
bool csr_prove(const struct csr *csr);
/* Makes one for 'key' (P-256): '*der' is the caller's (free).  0 or negative errno. */
int csr_make(EVP_PKEY *key, const char *role, const char *name, uint8_t **der,
             size_t *size) MUST_CHECK;
/* The raw key as OpenSSL has it; NULL: no point of the curve.  The caller frees it. */
EVP_PKEY *csr_key(const uint8_t key[PUBLIC_KEY_SIZE]);

#endif
