#include "edge/compile.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define BURST_MS 20
#define BURST_LEAST 131072 /* two of the largest frames */
#define PREFIX_HOST 128

_Static_assert(sizeof(struct ip) == sizeof(struct dp_ip), "one form of address");

static struct dp_ip
ip_of(const struct ip *ip)
{
    struct dp_ip made;
    memcpy(&made, ip->b, sizeof(made));
    return made;
}

static struct dp_mac
mac_of(const struct mac *mac)
{
    struct dp_mac made = {.zero = 0};
    memcpy(made.b, mac->b, sizeof(made.b));
    return made;
}

static struct dp_ip
mask_of(uint8_t length)
{
    uint8_t bytes[16] = {0};
    struct dp_ip mask;
    for (unsigned bit = 0; bit < length; bit++) {
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] | 0x80u >> bit % 8);
    }
    memcpy(&mask, bytes, sizeof(mask));
    return mask;
}

static struct dp_prefix
prefix_of(const struct prefix *prefix)
{
    struct dp_prefix made = {.length = prefix->length};
    memcpy(made.ip, prefix->ip.b, sizeof(made.ip));
    return made;
}

uint64_t
compile_tag(const char *rule_id)
{
    uint64_t digest = hash_stable(rule_id, strlen(rule_id));
    return digest ? digest : 1;
}

uint64_t
compile_set_key(const char *permit_set)
{
    return permit_set[0] ? compile_tag(permit_set) : 0;
}

void
compile_owner(const struct mac *mac, const struct ip *ip, struct dp_owner *owner)
{
    memset(owner, 0, sizeof(*owner));
    if (mac_is_none(mac)) {
        memcpy(owner->b, ip->b, sizeof(ip->b));
        return;
    }
    owner->b[0] = 0xff;
    owner->b[1] = 0x01;
    memcpy(owner->b + 10, mac->b, sizeof(mac->b));
}

/* ---- containment ---- */

static void
isolate_compile(const struct rule_isolate *isolate, const struct compile_place *place,
                struct map_entries *wishes)
{
    struct dp_binding binding = {.owner = {{0}}};
    const uint64_t always = 1;
    const struct dp_isolate value = {.set = compile_set_key(isolate->permit_set),
                                     .tag = place->tag,
                                     .expires_ns = place->expires_ns,
                                     .flags = isolate->shows_warning ? DP_WARNS : 0};
    compile_owner(&isolate->mac, &isolate->ip, &binding.owner);
    for (size_t i = 0; i < isolate->address_count; i++) {
        binding.ip = ip_of(&isolate->addresses[i]);
        map_entries_add(wishes, MAP_BINDING, &binding, &always);
    }
    if (mac_is_none(&isolate->mac)) {
        const struct dp_ip key = ip_of(&isolate->ip);
        map_entries_add(wishes, MAP_ISO_IP, &key, &value);
    } else if (isolate->port[0]) {
        struct dp_port_mac key = {.ifindex = (uint32_t)place->ifindex};
        memcpy(key.mac, isolate->mac.b, sizeof(key.mac));
        map_entries_add(wishes, MAP_ISO_PORT, &key, &value);
    } else {
        const struct dp_mac key = mac_of(&isolate->mac);
        map_entries_add(wishes, MAP_ISO_MAC, &key, &value);
    }
}

/* Known MACs first: none of them may be held even for a moment. */
static void
hold_compile(const struct rule_hold_port *hold, const struct compile_place *place,
             struct map_entries *wishes)
{
    const uint32_t port = (uint32_t)place->ifindex;
    const uint64_t always = 1;
    struct dp_port_mac known = {.ifindex = port};
    const struct dp_isolate value = {.set = compile_set_key(hold->permit_set),
                                     .tag = place->tag,
                                     .expires_ns = place->expires_ns,
                                     .flags = (hold->shows_warning ? DP_WARNS : 0) |
                                              (place->is_cleared ? DP_CLEARED : 0)};
    for (size_t i = 0; i < hold->known_mac_count; i++) {
        memcpy(known.mac, hold->known_macs[i].b, sizeof(known.mac));
        map_entries_add(wishes, MAP_KNOWN, &known, &always);
    }
    map_entries_add(wishes, MAP_HOLD, &port, &value);
}

static struct dp_block
block_of(const struct compile_place *place, uint32_t length)
{
    return (struct dp_block){.tag = place->tag, .expires_ns = place->expires_ns, .length = length};
}

static void
pair_compile(const struct rule_pair *pair, const struct compile_place *place,
             struct map_entries *wishes)
{
    struct dp_owner owner;
    struct dp_pair key = {.length = PREFIX_HOST + (uint32_t)pair->server.length};
    const struct dp_block value = block_of(place, key.length);
    compile_owner(&pair->mac, &pair->ip, &owner);
    memcpy(key.owner, owner.b, sizeof(key.owner));
    memcpy(key.server, pair->server.ip.b, sizeof(key.server));
    map_entries_add(wishes, MAP_PAIR, &key, &value);
}

static void
server_compile(const struct rule_server *server, const struct compile_place *place,
               struct map_entries *wishes)
{
    const struct dp_prefix key = prefix_of(&server->server);
    const struct dp_block value = block_of(place, key.length);
    map_entries_add(wishes, MAP_SERVER, &key, &value);
}

static void
protect_compile(const struct rule_protect *protect, const struct compile_place *place,
                struct map_entries *wishes)
{
    const struct dp_protect value = {.tag = place->tag,
                                     .expires_ns = place->expires_ns,
                                     .is_host = protect->server.length == PREFIX_HOST};
    if (!mac_is_none(&protect->mac)) {
        const struct dp_mac key = mac_of(&protect->mac);
        map_entries_add(wishes, MAP_PROTECT_MAC, &key, &value);
    }
    if (!prefix_is_none(&protect->server)) {
        const struct dp_prefix key = prefix_of(&protect->server);
        map_entries_add(wishes, MAP_PROTECT_IP, &key, &value);
    }
}

static uint32_t
list_compile(const struct ip *from, size_t count, struct dp_ip to[DP_LISTED_MAX])
{
    uint32_t taken = 0;
    while (taken < count && taken < DP_LISTED_MAX) {
        to[taken] = ip_of(&from[taken]);
        taken++;
    }
    return taken;
}

static void
set_compile(const struct permit_set *permits, const struct compile_place *place,
            struct map_entries *wishes)
{
    const uint64_t key = compile_set_key(permits->name);
    struct dp_set set = {.generation = place->tag,
                         .flags = (permits->allows_dhcp ? DP_SET_DHCP : 0) |
                                  (permits->forwards_dns ? DP_SET_DNS : 0)};
    set.dhcp_count = list_compile(permits->dhcp_servers, permits->dhcp_server_count, set.dhcp);
    set.resolver_count = list_compile(permits->resolvers, permits->resolver_count, set.resolvers);
    for (size_t i = 0; i < permits->permit_count && i < DP_PERMITS_MAX; i++) {
        const struct permit *permit = &permits->permits[i];
        set.permits[i] = (struct dp_permit){.ip = ip_of(&permit->server.ip),
                                            .mask = mask_of(permit->server.length),
                                            .port_low = permit->port_low,
                                            .port_high = permit->port_high,
                                            .protocol = permit->protocol,
                                            .flags = permit->name[0] ? DP_PERMIT_NAMED : 0};
        set.permit_count++;
    }
    map_entries_add(wishes, MAP_SET, &key, &set);
}

/* ---- mirrors ---- */

uint64_t
compile_mirror_digest(const struct rule_mirror *mirror)
{
    struct {
        uint32_t carrier, vlan, session, snap, sample, filter_count;
        uint64_t rate, filters;
        struct ip to;
        char out_port[NAME_SIZE];
    } key;
    size_t size = mirror->filter_count * sizeof(mirror->filters[0]);
    memset(&key, 0, sizeof(key));
    key.carrier = mirror->carrier;
    key.vlan = mirror->rspan_vlan;
    key.session = mirror->session;
    key.snap = mirror->snap;
    key.sample = mirror->sample;
    key.filter_count = (uint32_t)mirror->filter_count;
    key.rate = mirror->rate_bit_s;
    key.filters = size ? hash_stable(mirror->filters, size) : 0;
    key.to = mirror->erspan_to;
    snprintf(key.out_port, sizeof(key.out_port), "%s", mirror->out_port);
    return hash_stable(&key, sizeof(key));
}

static void
filters_compile(const struct rule_mirror *mirror, uint32_t slot, struct map_entries *wishes)
{
    struct dp_filters filters;
    memset(&filters, 0, sizeof(filters));
    filters.count = (uint32_t)mirror->filter_count;
    for (size_t i = 0; i < mirror->filter_count; i++) {
        const struct mirror_filter *from = &mirror->filters[i];
        filters.filter[i] = (struct dp_filter){.src = ip_of(&from->src.ip),
                                               .src_mask = mask_of(from->src.length),
                                               .dst = ip_of(&from->dst.ip),
                                               .dst_mask = mask_of(from->dst.length),
                                               .port_low = from->port_low,
                                               .port_high = from->port_high,
                                               .vlan = from->vlan,
                                               .protocol = from->protocol};
    }
    map_entries_add(wishes, MAP_FILTERS, &slot, &filters);
}

static uint32_t
budget_compile(const struct rule_mirror *mirror, const struct compile_place *place,
               struct map_entries *wishes)
{
    const uint32_t bucket = place->has_shared_budget ? DP_SESSIONS_MAX : place->slot;
    const uint64_t burst = place->bytes_per_s * BURST_MS / 1000;
    const struct dp_budget budget = {.bytes_per_s = place->bytes_per_s,
                                     .burst = burst > BURST_LEAST ? burst : BURST_LEAST};
    if (mirror->carrier == CARRIER_LOCAL && !mirror->rate_bit_s) {
        return DP_NO_BUCKET; /* a port that carries nothing else */
    }
    map_entries_add(wishes, MAP_BUDGET, &bucket, &budget);
    return bucket;
}

static void
session_compile(const struct rule *rule, const struct compile_place *place,
                struct map_entries *wishes)
{
    static const enum dp_carrier carriers[CARRIER_COUNT] = {
        [CARRIER_LOCAL] = DP_LOCAL, [CARRIER_ERSPAN] = DP_ERSPAN, [CARRIER_RSPAN] = DP_RSPAN};
    const struct rule_mirror *mirror = rule->mirror;
    struct dp_session session = {.tag = compile_mirror_digest(mirror),
                                 .expires_ns = place->expires_ns,
                                 .carrier = carriers[mirror->carrier],
                                 .out = (uint32_t)place->ifindex,
                                 .snap = mirror->snap,
                                 .sample = mirror->sample,
                                 .span = mirror->session,
                                 .vlan = mirror->rspan_vlan,
                                 .has_filters = mirror->filter_count > 0};
    session.bucket = budget_compile(mirror, place, wishes);
    if (mirror->carrier == CARRIER_ERSPAN) {
        const struct ip *source =
            ip_is_none(&place->mirror_source) ? &place->hop.source : &place->mirror_source;
        const struct dp_ip sensor = ip_of(&mirror->erspan_to);
        const uint64_t always = 1;
        memcpy(session.to_mac, place->hop.mac.b, sizeof(session.to_mac));
        memcpy(session.from_mac, place->hop.own_mac.b, sizeof(session.from_mac));
        memcpy(&session.to_ip, mirror->erspan_to.b + 12, sizeof(session.to_ip));
        memcpy(&session.from_ip, source->b + 12, sizeof(session.from_ip));
        map_entries_add(wishes, MAP_SENSOR, &sensor, &always);
    }
    if (mirror->filter_count > 0) {
        filters_compile(mirror, place->slot, wishes);
    }
    map_entries_add(wishes, MAP_SESSION, &place->slot, &session);
}

static void
mirror_compile(const struct rule *rule, const struct compile_place *place,
               struct map_entries *wishes)
{
    const struct rule_mirror *mirror = rule->mirror;
    const uint32_t vlan = mirror->rspan_vlan;
    const bool is_transit = mirror->kind == MIRROR_TRANSIT;
    const struct dp_rspan rspan = {.out = is_transit ? (uint32_t)place->ifindex : 0,
                                   .strips_tag = place->strips_tag};
    if (mirror->carrier == CARRIER_RSPAN) {
        map_entries_add(wishes, MAP_RSPAN, &vlan, &rspan);
    }
    if (is_transit) {
        return;
    }
    session_compile(rule, place, wishes);
    if (mirror->kind == MIRROR_DETAILED) {
        struct dp_owner owner;
        const struct dp_watch watch = {.tag = place->tag, .sessions = 1u << place->slot};
        compile_owner(&mirror->mac, &mirror->ip, &owner);
        map_entries_add(wishes, MAP_WATCH, &owner, &watch);
    }
}

void
compile_rule(const struct rule *rule, const struct compile_place *place, struct map_entries *wishes)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        isolate_compile(&rule->isolate, place, wishes);
        break;
    case RULE_HOLD_PORT:
        hold_compile(&rule->hold_port, place, wishes);
        break;
    case RULE_BLOCK_PAIR:
        pair_compile(&rule->pair, place, wishes);
        break;
    case RULE_BLOCK_SERVER:
        server_compile(&rule->server, place, wishes);
        break;
    case RULE_PERMIT_SET:
        set_compile(&rule->permit_set, place, wishes);
        break;
    case RULE_PROTECT:
        protect_compile(&rule->protect, place, wishes);
        break;
    case RULE_MIRROR:
        mirror_compile(rule, place, wishes);
        break;
    case RULE_WARNING: /* read by the responder */
    case RULE_KIND_COUNT:
        break;
    }
}
