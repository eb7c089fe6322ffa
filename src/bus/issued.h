/* The register of what 'cordond pki issue' made: STATE/pki/issued, so that core knows of each one
 * before anybody uses it, and can revoke it.  A line each, only ever appended to:
 *     SERIAL ROLE NAME FINGERPRINT ISSUED-US EXPIRES-US
 * The command writes, as root; core reads through a descriptor that it opened before it was locked
 * in.  What is in the register may never have been handed out; what was handed out is in it. */
#ifndef CORDON_BUS_ISSUED_H
#define CORDON_BUS_ISSUED_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/macros.h"
#include "model/certificate.h"

#define ISSUED_LINE_MAX 320

/* On disk when it returns.  0 or negative errno, and 'why'. */
int issued_put(const char *dir, X509 *certificate, const char *role, const char *name,
               char why[256]) MUST_CHECK;
/* A descriptor to read from; made where it is not there.  Negative errno: 'why'. */
int issued_open(const char *dir, char why[256]) MUST_CHECK;
/* The next whole line from '*at' on, which goes behind it.  1; 0: there is none yet; -EBADMSG: one
 * that is none, which is passed over; else negative errno. */
int issued_next(int fd, int64_t *at, struct certificate *certificate) MUST_CHECK;
/* Pure: one line without its end, modified in place.  What is not in it stays as it is. */
bool issued_parse(char *line, struct certificate *certificate);

#endif
