/* Files of private keys.  With the file of the master key (base/seal.h) a key lies sealed, at
 * NAME.key.sealed; without one, where no master key is (a device's own, benches), as PEM at
 * NAME.key, mode 0600. */
#ifndef CORDON_BUS_PKI_KEY_H
#define CORDON_BUS_PKI_KEY_H

#include <openssl/evp.h>

#include "base/macros.h"

#define PKI_KEY_SEALED ".key.sealed"
#define PKI_KEY_PLAIN ".key"

/* The certificate authority's ("ca.key.sealed") has a purpose of its own: what opens the others
 * does not open it.  Before a role is locked in.  NULL: 'why' says what to do.  The caller frees
 * it. */
EVP_PKEY *pki_key_read(const char *path, const char *master, char why[256]);
/* 0 or negative errno. */
int pki_key_write(const char *path, const char *master, EVP_PKEY *key, char why[256]) MUST_CHECK;

#endif
