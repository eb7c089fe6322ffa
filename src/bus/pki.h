/* A simple certificate authority, made by cordond on its first start: P-256, ca.pem/ca.key,
 * server.pem/server.key in 'dir' (mode 0700, keys 0600). */
#ifndef CORDON_BUS_PKI_H
#define CORDON_BUS_PKI_H

#include "base/macros.h"

/* Makes what is missing; never overwrites.  'names' (comma-separated DNS names and addresses) go
 * into the server certificate.  0 or negative errno. */
int pki_prepare(const char *dir, const char *names, char why[256]) MUST_CHECK;
/* Writes OUT/NAME.pem, OUT/NAME.key and OUT/ca.pem; 'role' "edge" or "sensor"; never "ca" or
 * "server", which are our own files. */
int pki_issue(const char *dir, const char *role, const char *name, const char *out,
              char why[256]) MUST_CHECK;

#endif
