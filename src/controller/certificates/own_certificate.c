#include "controller/certificates/own_certificate.h"

#include <stdlib.h>
#include <stdio.h>

#include "base/log.h"

#define RETRY_US (INT64_C(600) * 1000000) /* signing failed: no disk or peer can be why */

bool
own_certificate_read(struct own_certificate *own, const char *folder)
{
    return pki_server_read(folder, &own->now);
}

void
own_certificate_open(struct own_certificate *own, const struct own_certificate_settings *settings)
{
    own->settings = *settings;
}

void
own_certificate_fini(struct own_certificate *own)
{
    free(own->renew.der);
    own->renew = (struct wire_renew){.der_size = 0};
}

/* For as long as the one before. */
static void
renew(struct own_certificate *own, int64_t now_us)
{
    char why[256];
    struct pki_issued issued;
    const struct pki_request request = {.role = "server",
                                        .name = "cordond",
                                        .key = own->now.key,
                                        .names = own->settings.names,
                                        .now_s = now_us / 1000000,
                                        .life_s =
                                            (own->now.expires_us - own->now.issued_us) / 1000000};
    if (pki_ca_sign(own->settings.ca, &request, &issued, why)) {
        own->retry_us = clock_boot_us(own->settings.clock) + RETRY_US;
        log_error("core", "ALARM: our own certificate ends soon and could not be made anew",
                  LOG_S("why", why));
        return;
    }
    own_certificate_fini(own);
    own->now.issued_us = issued.issued_us;
    own->now.expires_us = issued.expires_us;
    own->renew = (struct wire_renew){.der = issued.der, .der_size = issued.der_size};
    snprintf(own->renew.name, sizeof(own->renew.name), "%s", WIRE_RENEW_OWN);
    log_info("core", "our own certificate was made anew", LOG_S("serial", issued.serial));
    own->settings.send(own->settings.context, &own->renew);
}

/* It ends soon; or the clock was ahead when it was made, and nobody takes it yet. */
static bool
is_due(const struct pki_server *now, int64_t now_us)
{
    int64_t life_us = now->expires_us - now->issued_us;
    return life_us > 0 && (now->expires_us - now_us < life_us / 3 ||
                           now->issued_us > now_us + PKI_BACKDATE_S * INT64_C(1000000));
}

void
own_certificate_tick(struct own_certificate *own)
{
    int64_t now_us = clock_wall_us(own->settings.clock);
    if (is_due(&own->now, now_us) && clock_boot_us(own->settings.clock) >= own->retry_us) {
        renew(own, now_us);
    }
}

const struct wire_renew *
own_certificate_made(const struct own_certificate *own)
{
    return own->renew.der_size > 0 ? &own->renew : NULL;
}
