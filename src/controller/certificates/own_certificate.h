/* Our own certificate, by which switches, sensors and browsers know cordond.  It is made at a start
 * where less than a third of its life is left (pki_prepare); while we run core makes it anew then,
 * for the same key, and gives it to driver, intake and web: they show it to whoever connects from
 * then on, and connections that there are go on.  Nothing is written: the next start makes its own.
 *
 * The loop's. */
#ifndef CORDON_CONTROLLER_OWN_CERTIFICATE_H
#define CORDON_CONTROLLER_OWN_CERTIFICATE_H

#include "base/clock.h"
#include "bus/pki.h"
#include "wire/peer.h"

struct own_certificate_settings {
    const struct pki_ca *ca; /* borrowed, like the others */
    const char *names;       /* as in pki_prepare */
    const struct clock *clock;
    /* To each of the three that is joined. */
    void (*send)(void *context, const struct wire_renew *renew);
    void *context;
};

struct own_certificate {
    struct own_certificate_settings settings;
    struct pki_server now;   /* the one that is shown */
    struct wire_renew renew; /* what was made in this run; no size: nothing */
    int64_t retry_us;        /* boot: not before */
};

/* While its folder may be read; false: server.pem there cannot be. */
bool own_certificate_read(struct own_certificate *own, const char *folder) MUST_CHECK;
void own_certificate_open(struct own_certificate *own,
                          const struct own_certificate_settings *settings);
void own_certificate_fini(struct own_certificate *own);
/* At least once a minute. */
void own_certificate_tick(struct own_certificate *own);
/* For a role that joined; NULL: it has read the right one itself. */
const struct wire_renew *own_certificate_made(const struct own_certificate *own);

#endif
