/* A simple certificate authority, made by cordond on its first start: P-256, ca.pem/ca.key.sealed,
 * server.pem/server.key.sealed in 'dir' (mode 0700, keys 0600).  'master' is the file of the master
 * key (base/seal.h); NULL: the keys lie in the clear, as ca.key and server.key, for programs that
 * have no master key (benches, tests).  server.pem ends with the authority's own
 * certificate: a device that enrols knows that one by its fingerprint.
 *
 * Afterwards only core holds the authority's key (struct pki_ca), and signs what was checked. */
#ifndef CORDON_BUS_PKI_H
#define CORDON_BUS_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/macros.h"
#include "bus/csr.h"
#include "model/certificate.h"

/* Certificates begin so long before they are issued: clocks of switches differ. */
#define PKI_BACKDATE_S 3600

/* Makes what is missing, and the server's certificate anew where it does not fit its key or less
 * than a third of its life is left; the authority is never overwritten, nor
 * made where its key is there without it.  'names' (comma-separated DNS names and addresses) go
 * into the server certificate; NULL: only the authority is looked after.  0 or negative errno. */
int pki_prepare(const char *dir, const char *master, const char *names, char why[256]) MUST_CHECK;
/* Could a certificate be issued to a switch or sensor of this name?  Are these 'names' ones that
 * pki_prepare takes? */
bool pki_name_check(const char *name, char why[256]);
bool pki_names_check(const char *names, char why[256]);
/* Writes OUT/NAME.pem, OUT/NAME.key and OUT/ca.pem; 'role' "edge" or "sensor"; never "ca" or
 * "server", which are our own files.  It stands in the register (bus/issued.h) first. */
int pki_issue(const char *dir, const char *master, const char *role, const char *name,
              const char *out, char why[256]) MUST_CHECK;

/* Of server.pem in 'dir': whose key, since when and until when.  False: it cannot be read. */
struct pki_server {
    uint8_t key[PUBLIC_KEY_SIZE];
    int64_t issued_us, expires_us;
};
bool pki_server_read(const char *dir, struct pki_server *server) MUST_CHECK;

struct pki_ca;

/* Reads ca.pem and its key; NULL: 'why' says what is wrong. */
struct pki_ca *pki_ca_open(const char *dir, const char *master, char why[256]);
void pki_ca_free(struct pki_ca *ca);
/* "sha256:" and 64 hexadecimal digits, of the authority's certificate. */
const char *pki_ca_fingerprint(const struct pki_ca *ca);

/* What is to be signed, checked by whoever read it. */
struct pki_request {
    const char *role, *name; /* "edge", "sensor" or "server" */
    const uint8_t *key;      /* PUBLIC_KEY_SIZE */
    const char *names;       /* server: as in pki_prepare */
    int64_t now_s, life_s;
};
struct pki_issued {
    char serial[SERIAL_SIZE];
    char fingerprint[FINGERPRINT_SIZE];
    int64_t issued_us, expires_us;
    uint8_t *der; /* the caller's (free) */
    size_t der_size;
};
/* 0, -EINVAL (name, role or key are none) or -EIO. */
int pki_ca_sign(const struct pki_ca *ca, const struct pki_request *request,
                struct pki_issued *issued, char why[256]) MUST_CHECK;

/* What stands in a certificate: for whoever has verified it, or wants to say which one it is. */
void pki_serial(X509 *certificate, char serial[SERIAL_SIZE]);
void pki_fingerprint(X509 *certificate, char fingerprint[FINGERPRINT_SIZE]);
/* When it was issued and when it ends, as our authority writes it; 0: unreadable. */
int64_t pki_issued_us(X509 *certificate);
int64_t pki_expires_us(X509 *certificate);
/* Exactly one certificate; NULL: it is none.  The caller frees it. */
X509 *pki_read(const uint8_t *der, size_t size);
/* In PEM; NULL: no memory.  The caller frees it. */
char *pki_pem(X509 *certificate);
/* "O=Cordon, OU=unit, CN=name": false where it is no such. */
bool pki_subject(X509 *certificate, char name[NAME_SIZE], char unit[NAME_SIZE]);

#endif
