/* Who a device is: its key and its certificate, the ones that it enrolled with, or those that it
 * was renewed to since, which are kept in one file (key first, then certificate) in the program's
 * own folder: old or new, never half of each.  That file belongs to the enrolment that it grew
 * from: a device that was enrolled again begins anew.
 *
 * The private key is made here and never leaves. */
#ifndef CORDON_BUS_IDENTITY_H
#define CORDON_BUS_IDENTITY_H

#include "bus/tls.h"
#include "wire/peer.h"

struct identity;

/* 'folder' "": nothing can be kept, so nothing is renewed.  NULL: 'why' says what is wrong. */
struct identity *identity_open(const struct tls_files *files, const char *role, const char *folder,
                               char why[256]);
void identity_free(struct identity *identity);
/* Makes 'client' show the newest one. */
void identity_use(struct identity *identity, struct tls_client *client);
/* WIRE_RENEW came by 'channel': asks for a certificate with a new key, or takes the one that came,
 * keeps it, and connects anew with it. */
void identity_renew(struct identity *identity, struct tls_client *client, struct channel *channel,
                    const struct wire_renew *renew);

#endif
