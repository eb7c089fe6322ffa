/* How hard is it for somebody else to have made this? (architecture rule 5)
 *
 *   declared        other makers' detections are as strong as their source is declared
 *   stamped         the mirror's header says that the frames entered on the access port where the
 *                   endpoint is attached: nobody else can make that
 *   two-way         a handshake whose two sides entered the network on different ports: a sender
 *                   with a false address sees no answers
 *
 * Everything else is weak, and contains nobody on its own. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/engine_state.h"

static void rate(struct finding *f, enum strength strength, const char *why, ...) PRINTF_LIKE(3, 4);

static void
rate(struct finding *f, enum strength strength, const char *why, ...)
{
    va_list values;
    va_start(values, why);
    f->strength = strength;
    vsnprintf(f->strength_why, sizeof(f->strength_why), why, values);
    va_end(values);
}

/* A copy made on the way out says nothing about where the frame came in. */
static bool
is_access_stamp(struct engine *engine, const struct finding *f)
{
    const struct mirror_origin *origin = f->origin;
    const struct policy_world *world = &engine->world;
    return origin && origin->is_stamped && !origin->is_egress &&
           (!world->origin_is_access || world->origin_is_access(world->context, f->site, origin));
}

bool
origin_proves(struct engine *engine, const struct finding *f)
{
    const struct policy_world *world = &engine->world;
    return is_access_stamp(engine, f) && !mac_is_none(&f->mac) &&
           world->origin_agrees(world->context, f->site, f->origin, &f->mac);
}

static const struct endpoint *
owner_of(struct engine *engine, const struct mac *mac)
{
    const struct policy_world *world = &engine->world;
    const struct endpoint *endpoint = NULL;
    char id[ID_SIZE];
    bool is_known = !mac_is_none(mac) && world->by_mac(world->context, mac, id) &&
                    world->endpoint(world->context, id, &endpoint);
    return is_known ? endpoint : NULL;
}

static bool
is_same_port(const struct location *a, const struct location *b)
{
    return a->class != LOCATION_NONE && b->class != LOCATION_NONE &&
           strcmp(a->port, b->port) == 0 && strcmp(a->switch_name, b->switch_name) == 0;
}

/* The party's own MAC sent its side from its port, and the answers came from a MAC that is not
 * attached there. */
static bool
sides_differ(struct engine *engine, struct finding *f)
{
    char id[ID_SIZE];
    if (mac_is_none(&f->ours->mac) || mac_is_none(&f->other->mac)) {
        rate(f, STRENGTH_WEAK, "a handshake, but the copy does not tell whose frames they were");
        return false;
    }
    bool is_own = party_mac_counts(engine, &f->ours->mac, id) && strcmp(id, f->endpoint_id) == 0;
    if (!is_own || mac_is_equal(&f->ours->mac, &f->other->mac)) {
        rate(f, STRENGTH_WEAK, "a handshake, but not from a MAC of that endpoint");
        return false;
    }
    const struct location *location = &f->endpoint->location;
    bool is_placed = location->class == LOCATION_DIRECT || location->class == LOCATION_SHARED;
    const struct endpoint *other = owner_of(engine, &f->other->mac);
    if (!is_placed || (other && is_same_port(location, &other->location))) {
        rate(f, STRENGTH_WEAK,
             "a handshake, but its two sides are not known to be on different "
             "ports");
        return false;
    }
    return true;
}

static void
rate_own(struct engine *engine, struct finding *f)
{
    if (!f->endpoint) {
        rate(f, STRENGTH_WEAK, "nobody known to compare the evidence with");
    } else if (origin_proves(engine, f)) {
        rate(f, STRENGTH_STRONG, "the mirror's stamp says that the frames entered on its own port");
    } else if (is_access_stamp(engine, f)) {
        rate(f, STRENGTH_WEAK,
             "the mirror's stamp says that the frames entered on another port "
             "than its own");
    } else if (!f->detection->handshake) {
        rate(f, STRENGTH_WEAK, "one-way traffic, which anybody can send in its name");
    } else if (sides_differ(engine, f)) {
        rate(f, STRENGTH_STRONG, "a two-way handshake between different ports");
    }
}

void
strength_rate(struct engine *engine, struct finding *f)
{
    const struct detection *d = f->detection;
    bool is_ours = strcmp(d->maker, "cordon") == 0;
    if (f->is_forwarded) {
        rate(f, STRENGTH_WEAK, "named by X-Forwarded-For, which whoever asks the proxy can write");
    } else if (!is_ours && d->strength != STRENGTH_UNRATED) {
        rate(f, d->strength, "%s is declared %s", d->sensor, strength_names[d->strength]);
    } else if (!is_ours) {
        rate(f, STRENGTH_WEAK, "%s has no declared strength", d->sensor);
    } else if (f->party == PARTY_UNSAID || f->relay) {
        rate(f, STRENGTH_WEAK, "no endpoint of ours to compare the evidence with");
    } else {
        rate_own(engine, f);
    }
}
