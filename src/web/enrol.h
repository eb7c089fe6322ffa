/* POST /enrol, which a device asks before it has a certificate: anybody may send it.  Here its
 * request is parsed and proven (bus/csr.h), and the token hashed; core, which holds the authority's
 * key, is asked with a name, a role, a hash and 65 bytes of a public key.
 *
 * Whoever fails waits, by address, each time twice as long; and all together ask core at most
 * ENROL_PER_S times a second, with what has the form of a token and is proven.  One loop thread. */
#ifndef CORDON_WEB_ENROL_H
#define CORDON_WEB_ENROL_H

#include <event2/http.h>

#include "base/clock.h"
#include "web/asker.h"
#include "web/route.h"

#define ENROL_FREE_FAILURES 10 /* one address may be a whole building */
#define ENROL_PER_S 50

struct enrol;

struct config;

/* 'config' (NULL: everything as where no key says otherwise) is borrowed. */
struct enrol *enrol_new(const struct clock *clock, struct asker *asker,
                        const struct config *config);
void enrol_free(struct enrol *enrol);
/* False: this address must wait, and was told so.  True: it tries; that ends with one of the next
 * two. */
bool enrol_may(struct enrol *enrol, struct evhttp_request *request);
/* Its body could not be read, and it was told so. */
void enrol_failed(struct enrol *enrol, struct evhttp_request *request);
/* Answers, now or later. */
void enrol_serve(struct enrol *enrol, struct evhttp_request *request, const cJSON *body);
/* Requests that failed here or at core. */
uint64_t enrol_failures(const struct enrol *enrol);

#endif
