/* Which end is ours to contain, and who was that at that time (architecture rule 7). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/join.h"
#include "policy/engine_state.h"

#define ROUTER_ADDRESSES 9 /* so many IPv4 addresses at once: a router or a NAT, no endpoint */
#define DOUBT_BELOW 30     /* of a location: it moved a moment ago without a link-down */

static bool
is_router_like(const struct engine *engine, const struct endpoint *endpoint)
{
    size_t count = 0;
    if (!is_trusted_place(engine, endpoint)) {
        return false; /* addresses cost an ARP packet each there */
    }
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        const struct binding *b = &endpoint->bindings[i];
        count += b->until_us == 0 && ip_is_v4(&b->ip) ? 1 : 0;
    }
    return count >= ROUTER_ADDRESSES;
}

bool
party_mac_counts(struct engine *engine, const struct mac *mac, char endpoint_id[ID_SIZE])
{
    const struct endpoint *endpoint = NULL;
    const struct policy_world *world = &engine->world;
    const char *name;
    if (mac_is_none(mac) || mac_is_group(mac) || mac_is_virtual_router(mac) ||
        file_protects_mac(engine->policy, mac, &name)) {
        return false;
    }
    return world->by_mac(world->context, mac, endpoint_id) &&
           world->endpoint(world->context, endpoint_id, &endpoint) &&
           !is_router_like(engine, endpoint);
}

static void
take_end(struct finding *f, enum party party)
{
    const struct detection *d = f->detection;
    f->party = party;
    f->ours = party == PARTY_SRC ? &d->src : &d->dst;
    f->other = party == PARTY_SRC ? &d->dst : &d->src;
    f->origin = party == PARTY_SRC ? &d->origin : &d->peer_origin;
    f->other_origin = party == PARTY_SRC ? &d->peer_origin : &d->origin;
    f->ip = f->ours->ip;
    f->mac = f->ours->mac;
}

/* The finder names a host: which end is it?  One behind neither is taken as the sender. */
static void
take_interested(struct finding *f)
{
    const struct detection *d = f->detection;
    bool is_dst =
        (!ip_is_none(&d->interested_ip) && ip_is_equal(&d->interested_ip, &d->dst.ip)) ||
        (!mac_is_none(&d->interested_mac) && mac_is_equal(&d->interested_mac, &d->dst.mac));
    take_end(f, is_dst ? PARTY_DST : PARTY_SRC);
    bool is_end = ip_is_none(&d->interested_ip) || ip_is_equal(&d->interested_ip, &f->ours->ip);
    if (!is_end) {
        f->ip = d->interested_ip;
        f->mac = (struct mac){{0}};
    }
    if (!mac_is_none(&d->interested_mac)) {
        f->mac = d->interested_mac;
    }
}

/* It speaks for others: a declared proxy or resolver. */
static bool
is_go_between(const struct engine *engine, const struct ip *ip)
{
    const struct policy_file *file = &engine->policy->file;
    return relay_kind(engine->policy, ip) || ips_have(file->resolvers, file->resolver_count, ip);
}

/* The order of features 5.5: interested MAC, interested address, the finder's claim, and then the
 * home networks.  A claim about an outside end is no claim about ours. */
static void
choose_end(struct engine *engine, struct finding *f)
{
    const struct detection *d = f->detection;
    char id[ID_SIZE];
    bool src_home = policy_is_home(engine->policy, &d->src.ip);
    bool dst_home = policy_is_home(engine->policy, &d->dst.ip);
    if (party_mac_counts(engine, &d->interested_mac, id) ||
        policy_is_home(engine->policy, &d->interested_ip)) {
        take_interested(f);
    } else if (d->suspect == PARTY_SRC && src_home) {
        take_end(f, PARTY_SRC);
    } else if (d->suspect == PARTY_DST && dst_home) {
        take_end(f, PARTY_DST);
    } else if (src_home && dst_home) {
        bool src_speaks = is_go_between(engine, &d->src.ip);
        bool dst_speaks = is_go_between(engine, &d->dst.ip);
        take_end(f, src_speaks && !dst_speaks ? PARTY_DST : PARTY_SRC);
        f->both_inside = src_speaks == dst_speaks;
    } else if (src_home) {
        take_end(f, PARTY_SRC);
    } else if (dst_home) {
        take_end(f, PARTY_DST);
    }
}

static void doubt(struct finding *f, const char *why, ...) PRINTF_LIKE(2, 3);

static void
doubt(struct finding *f, const char *why, ...)
{
    va_list values;
    va_start(values, why);
    f->doubt = HOLD_UNRESOLVED;
    vsnprintf(f->doubt_why, sizeof(f->doubt_why), why, values);
    va_end(values);
}

static const char *
known_words(enum known known)
{
    static const char *const words[] = {
        [KNOWN_NONE] = "nobody known held that address then",
        [KNOWN_SURE] = "",
        [KNOWN_CHANGED] = "that address has changed hands since, or was taken later",
        [KNOWN_OLD] = "who held that address was last confirmed too long before",
        [KNOWN_CONFLICT] = "two machines claimed that address then",
        [KNOWN_SITES] = "several sites have that address, and nothing says at which it was seen",
    };
    return words[known];
}

static void
take_endpoint(struct engine *engine, struct finding *f, const char *id)
{
    const struct policy_world *world = &engine->world;
    if (world->endpoint(world->context, id, &f->endpoint)) {
        join_copy(f->endpoint_id, sizeof(f->endpoint_id), id);
    }
}

/* Where it was seen is not known: it is where the only holder of the address is, unless the policy
 * says that others may have it elsewhere. */
static void
site_learn(const struct engine *engine, struct finding *f, const char *site)
{
    if (f->site[0] != '\0' || f->known == KNOWN_NONE || f->known == KNOWN_SITES) {
        return;
    }
    if (is_elsewhere_too(engine->policy, site, &f->ip)) {
        f->known = KNOWN_SITES;
    } else {
        join_copy(f->site, sizeof(f->site), site);
    }
}

/* By address and by MAC; where they disagree somebody lies, and where the address is unsure a MAC
 * counts if the mirror's stamp proves it. */
static void
identify(struct engine *engine, struct finding *f)
{
    const struct policy_world *world = &engine->world;
    struct policy_held held = {.site = ""};
    char by_mac[ID_SIZE] = "";
    char ip[IP_TEXT_SIZE];
    f->known = KNOWN_NONE;
    if (!ip_is_none(&f->ip)) {
        int known = world->resolve(world->context, f->site, &f->ip, f->detection->seen_us, &held);
        f->known = known >= KNOWN_NONE && known <= KNOWN_SITES ? (enum known)known : KNOWN_NONE;
        site_learn(engine, f, held.site);
    }
    bool has_mac = party_mac_counts(engine, &f->mac, by_mac);
    if (!has_mac) {
        f->mac = held.mac;
    }
    ip_format(&f->ip, ip);
    if (f->known == KNOWN_SURE && has_mac && strcmp(held.endpoint_id, by_mac) != 0) {
        take_endpoint(engine, f, held.endpoint_id);
        doubt(f, "%s was held by %s, but the frames bore a MAC of %s", ip, held.endpoint_id,
              by_mac);
        return;
    }
    if (f->known == KNOWN_SURE) {
        take_endpoint(engine, f, held.endpoint_id);
    } else if (has_mac && (ip_is_none(&f->ip) || origin_proves(engine, f))) {
        f->known = KNOWN_SURE;
        take_endpoint(engine, f, by_mac);
    } else {
        if (held.endpoint_id[0] != '\0') {
            take_endpoint(engine, f, held.endpoint_id);
        }
        doubt(f, "%s: %s", ip, known_words(f->known));
    }
}

/* Who it was is known, but is the machine where we think it is? */
static void
question_place(struct engine *engine, struct finding *f)
{
    if (!f->endpoint || f->doubt != HOLD_NONE || origin_proves(engine, f)) {
        return;
    }
    const struct location *location = &f->endpoint->location;
    const char *here = policy_site_of(engine->policy, location->switch_name);
    bool is_far = location->class != LOCATION_NONE && ip_is_none(&f->ip) && f->site[0] != '\0' &&
                  strcmp(here, f->site) != 0;
    if (is_far) {
        doubt(f, "its MAC is at site %s, and this was seen at site %s", here, f->site);
    } else if (location->class == LOCATION_CONFLICT) {
        doubt(f, "its MAC is seen in two places at once");
    } else if (location->class != LOCATION_NONE && location->confidence < DOUBT_BELOW) {
        doubt(f, "it moved to %s/%s a moment ago, and its former port did not go down",
              location->switch_name, location->port);
    }
}

/* The outside server: never our own space, and never the proxy or resolver in between. */
static void
find_server(struct engine *engine, struct finding *f)
{
    const struct detection *d = f->detection;
    const struct peer *other = f->other ? f->other : &d->dst;
    bool is_outside = !ip_is_none(&other->ip) && !ip_is_group(&other->ip) &&
                      !policy_is_home(engine->policy, &other->ip) &&
                      !is_go_between(engine, &other->ip);
    if (is_outside) {
        f->server = other->ip;
    }
    join_copy(f->server_name, sizeof(f->server_name), d->server_name);
}

void
party_label(const struct finding *f, char label[HOST_SIZE])
{
    if (f->endpoint && endpoint_name(f->endpoint)[0] != '\0') {
        join_copy(label, HOST_SIZE, endpoint_name(f->endpoint));
    } else if (!ip_is_none(&f->ip)) {
        ip_format(&f->ip, label);
    } else if (!mac_is_none(&f->mac)) {
        mac_format(&f->mac, label);
    } else {
        join_copy(label, HOST_SIZE, "nobody of ours");
    }
}

const char *
relay_kind(const struct policy *policy, const struct ip *ip)
{
    const struct policy_file *file = &policy->file;
    return ips_have(file->proxies, file->proxy_count, ip) ||
                   ips_have(file->truthful_proxies, file->truthful_proxy_count, ip)
               ? "declared proxy"
           : ips_have(file->nats, file->nat_count, ip) ? "declared NAT"
                                                       : NULL;
}

/* A proxy that asks for somebody of ours, and says for whom. */
static void
take_forwarded(const struct engine *engine, struct finding *f)
{
    const struct policy_file *file = &engine->policy->file;
    const struct ip *client = &f->detection->forwarded_for;
    const char *kind = relay_kind(engine->policy, &f->ip);
    bool is_one =
        kind && policy_is_home(engine->policy, client) && !relay_kind(engine->policy, client);
    if (!is_one) {
        return;
    }
    f->is_forwarded = !ips_have(file->truthful_proxies, file->truthful_proxy_count, &f->ip);
    f->ip = *client;
    f->mac = (struct mac){{0}}; /* the frames were the proxy's */
    f->origin = NULL;
    f->network = policy_network_of(engine->policy, f->site, &f->ip);
}

/* What forwards for others is not the one to contain, declared or not: but only where the operator
 * put it; on an access port anybody behaves like a router. */
static void
question_role(const struct engine *engine, struct finding *f)
{
    const struct policy_world *world = &engine->world;
    if (!f->endpoint || f->doubt != HOLD_NONE || !is_trusted_place(engine, f->endpoint)) {
        return;
    }
    if (is_router_like(engine, f->endpoint) ||
        (world->is_router && world->is_router(world->context, f->endpoint))) {
        doubt(f, "it acts as a router or NAT: who was behind it is not known");
    }
}

void
party_find(struct engine *engine, struct finding *f)
{
    choose_end(engine, f);
    find_server(engine, f);
    if (f->party == PARTY_UNSAID) {
        return;
    }
    site_find(engine, f);
    f->network = policy_network_of(engine->policy, f->site, &f->ip);
    take_forwarded(engine, f);
    f->relay = relay_kind(engine->policy, &f->ip);
    if (f->relay) {
        f->mac = (struct mac){{0}};
        return;
    }
    identify(engine, f);
    f->network = policy_network_of(engine->policy, f->site, &f->ip);
    question_place(engine, f);
    question_role(engine, f);
}

const char *
policy_relay(const struct policy *policy, const struct ip *ip)
{
    return ip_is_none(ip) ? NULL : relay_kind(policy, ip);
}
