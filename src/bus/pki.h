/* A simple certificate authority, made by cordond on its first start: P-256, ca.pem/ca.key,
 * server.pem/server.key in 'dir' (mode 0700, keys 0600). */
#ifndef CORDON_BUS_PKI_H
#define CORDON_BUS_PKI_H

#include <stdbool.h>

#include "base/macros.h"

/* Makes what is missing; never overwrites.  'names' (comma-separated DNS names and addresses) go
 * into the server certificate.  0 or negative errno. */
int pki_prepare(const char *dir, const char *names, char why[256]) MUST_CHECK;
/* Could a certificate be issued to a switch or sensor of this name?  Are these 'names' ones that
 * pki_prepare takes? */
bool pki_name_check(const char *name, char why[256]);
bool pki_names_check(const char *names, char why[256]);
/* Writes OUT/NAME.pem, OUT/NAME.key and OUT/ca.pem; 'role' "edge" or "sensor"; never "ca" or
 * "server", which are our own files. */
int pki_issue(const char *dir, const char *role, const char *name, const char *out,
              char why[256]) MUST_CHECK;

#endif
