#include "controller/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "controller/clocks.h"

/* ---- who talked to it ---- */

#define SERVERS_MAX 16384
#define TALKERS_MAX 32
#define TALK_US (INT64_C(7) * 24 * 3600 * 1000000)

struct talk {
    struct hmap_node node;
    TAILQ_ENTRY(talk) by_age;
    struct ip server;
    uint64_t who[TALKERS_MAX]; /* hashes of endpoint ids or addresses */
    int64_t seen_us[TALKERS_MAX];
    size_t count;
};

struct talkers {
    struct hmap map;
    struct pool *pool;
    TAILQ_HEAD(, talk) by_age; /* oldest first: makes room */
};

struct talkers *
talkers_new(void)
{
    struct talkers *talkers = MEM_NEW(struct talkers);
    hmap_init(&talkers->map);
    talkers->pool = pool_new(sizeof(struct talk), SERVERS_MAX);
    TAILQ_INIT(&talkers->by_age);
    return talkers;
}

void
talkers_free(struct talkers *talkers)
{
    if (talkers) {
        hmap_fini(&talkers->map);
        pool_free(talkers->pool);
        free(talkers);
    }
}

void
talkers_shift(struct controller *controller, int64_t by_us)
{
    struct talk *talk;
    TAILQ_FOREACH(talk, &controller->talkers->by_age, by_age)
    {
        for (size_t i = 0; i < talk->count; i++) {
            talk->seen_us[i] += by_us;
        }
    }
}

static struct talk *
talk_find(const struct talkers *talkers, const struct ip *server)
{
    HMAP_FOR_EACH_HASH (talk, struct talk, node, hash_bytes(server, sizeof(*server)),
                        &talkers->map) {
        if (ip_is_equal(&talk->server, server)) {
            return talk;
        }
    }
    return NULL;
}

static struct talk *
talk_need(struct talkers *talkers, const struct ip *server)
{
    struct talk *talk = talk_find(talkers, server);
    if (talk) {
        TAILQ_REMOVE(&talkers->by_age, talk, by_age);
        TAILQ_INSERT_TAIL(&talkers->by_age, talk, by_age);
        return talk;
    }
    if (pool_used(talkers->pool) == pool_limit(talkers->pool)) {
        struct talk *oldest = TAILQ_FIRST(&talkers->by_age);
        TAILQ_REMOVE(&talkers->by_age, oldest, by_age);
        hmap_remove(&talkers->map, &oldest->node);
        pool_give(talkers->pool, oldest);
    }
    talk = pool_take(talkers->pool);
    talk->server = *server;
    hmap_insert(&talkers->map, &talk->node, hash_bytes(server, sizeof(*server)));
    TAILQ_INSERT_TAIL(&talkers->by_age, talk, by_age);
    return talk;
}

void
world_note_talk(struct controller *controller, const struct outcome *outcome)
{
    const struct incident *incident = &outcome->incident;
    if (ip_is_none(&incident->server) ||
        (incident->endpoint_id[0] == '\0' && ip_is_none(&incident->ip))) {
        return;
    }
    struct talk *talk = talk_need(controller->talkers, &incident->server);
    uint64_t who =
        incident->endpoint_id[0] != '\0'
            ? hash_text(incident->endpoint_id)
            : hash_bytes(&incident->ip, sizeof(incident->ip)) ^ hash_text(incident->site);
    size_t at = 0;
    while (at < talk->count && talk->who[at] != who) {
        at++;
    }
    if (at == TALKERS_MAX) {
        return; /* as many as ever matter */
    }
    talk->count = at == talk->count ? talk->count + 1 : talk->count;
    talk->who[at] = who;
    talk->seen_us[at] = clock_wall_us(controller->clock);
}

static size_t
world_talkers(void *context, const struct ip *server)
{
    struct controller *controller = context;
    const struct talk *talk = talk_find(controller->talkers, server);
    int64_t since_us = clock_wall_us(controller->clock) - TALK_US;
    size_t count = 0;
    for (size_t i = 0; talk && i < talk->count; i++) {
        count += talk->seen_us[i] >= since_us;
    }
    return count;
}

/* ---- who may not be contained ---- */

static bool
prefix_meets(const struct prefix *a, const struct prefix *b)
{
    return prefix_has(a, &b->ip) || prefix_has(b, &a->ip);
}

static bool
has_mac(const struct endpoint *endpoint, const struct mac *subject, const struct mac *mac)
{
    bool found = !mac_is_none(mac) && subject && mac_is_equal(subject, mac);
    for (size_t i = 0; !mac_is_none(mac) && endpoint && i < endpoint->mac_count; i++) {
        found = found || mac_is_equal(&endpoint->macs[i], mac);
    }
    return found;
}

/* On an access port anybody says by ARP what he likes; a declared server port, or one behind an
 * uplink, is where the operator put the machine. */
static bool
is_trusted_place(const struct controller *controller, const struct endpoint *endpoint)
{
    const struct location *location = &endpoint->location;
    enum port_role role;
    return location->class == LOCATION_NONE ||
           (location->class != LOCATION_CONFLICT &&
            topology_port_role(controller->topology, location->switch_name, location->port,
                               &role) &&
            role != PORT_ACCESS);
}

static bool
has_declared(const struct controller *controller, const struct endpoint *endpoint,
             const struct prefix *address, const char *site, size_t index,
             const struct prefix *prefix)
{
    const struct policy *policy = engine_policy(controller->engine);
    if (prefix_is_none(prefix)) {
        return false;
    }
    bool found = address && !prefix_is_none(address) && prefix_meets(prefix, address) &&
                 policy_protects_at(policy, index, site);
    for (size_t i = 0; endpoint && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        bool is_sure = binding_is_leased(binding) || is_trusted_place(controller, endpoint);
        found = found || (is_sure && prefix_has(prefix, &binding->ip) &&
                          policy_protects_at(policy, index, binding_site(binding)));
    }
    return found;
}

static bool
is_ours(const struct controller *controller, const struct prefix *address, const char *site,
        char why[TEXT_SIZE])
{
    if (!address || prefix_is_none(address)) {
        return false;
    }
    for (size_t i = 0; i < controller->settings.own_address_count; i++) {
        if (prefix_has(address, &controller->own_addresses[i])) {
            snprintf(why, TEXT_SIZE, "it is this machine");
            return true;
        }
    }
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        bool is_there = site[0] == '\0' || strcmp(sw->site, site) == 0;
        if (is_there && !ip_is_none(&sw->device.mirror_source) &&
            prefix_has(address, &sw->device.mirror_source)) {
            snprintf(why, TEXT_SIZE, "it is switch %s", sw->device.switch_name);
            return true;
        }
    }
    return false;
}

/* A declared proxy or NAT, by the address that is meant or by one that is surely its own. */
static bool
is_relay(const struct controller *controller, const struct endpoint *endpoint,
         const struct prefix *address, char why[TEXT_SIZE])
{
    const struct policy *policy = engine_policy(controller->engine);
    const char *kind =
        address && address->length == 128 ? policy_relay(policy, &address->ip) : NULL;
    for (size_t i = 0; endpoint && !kind && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        bool is_sure = binding->until_us == 0 &&
                       (binding_is_leased(binding) || is_trusted_place(controller, endpoint));
        kind = is_sure ? policy_relay(policy, &binding->ip) : NULL;
    }
    if (kind) {
        snprintf(why, TEXT_SIZE, "it is a %s: others are behind it", kind);
    }
    return kind != NULL;
}

static const struct proposal *
confirmed_find(const struct controller *controller, const struct endpoint *endpoint)
{
    const struct proposal *proposal;
    TAILQ_FOREACH(proposal, &controller->proposals, link)
    {
        if (proposal->view.state == PROTECTION_CONFIRMED &&
            strcmp(proposal->view.endpoint_id, endpoint->id) == 0) {
            return proposal;
        }
    }
    return NULL;
}

bool
world_is_protected(const struct controller *controller, const struct endpoint *endpoint,
                   const struct mac *mac, const struct prefix *address, const char *site,
                   char why[TEXT_SIZE])
{
    const struct rule_protect *declared = NULL;
    if (endpoint && engine_protects(controller->engine, endpoint, why)) {
        return true;
    }
    const struct policy *policy = engine_policy(controller->engine);
    size_t count = policy_protected(policy, &declared);
    for (size_t i = 0; i < count; i++) {
        if (has_mac(endpoint, mac, &declared[i].mac) ||
            has_declared(controller, endpoint, address, site, i, &declared[i].server)) {
            snprintf(why, TEXT_SIZE, "declared as protected in the policy");
            return true;
        }
    }
    const struct proposal *confirmed = endpoint ? confirmed_find(controller, endpoint) : NULL;
    if (confirmed) {
        snprintf(why, TEXT_SIZE, "confirmed as protected by %s", confirmed->view.account);
        return true;
    }
    return is_relay(controller, endpoint, address, why) || is_ours(controller, address, site, why);
}

static bool
was_given(const struct policy *policy, const struct endpoint *endpoint, size_t index,
          const struct prefix *prefix)
{
    bool found = false;
    for (size_t i = 0; !prefix_is_none(prefix) && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        found = found || (binding->source >= BINDING_DHCP4 && prefix_has(prefix, &binding->ip) &&
                          policy_protects_at(policy, index, binding_site(binding)));
    }
    return found;
}

bool
world_is_named(const struct controller *controller, const struct endpoint *endpoint)
{
    const struct rule_protect *declared = NULL;
    const struct policy *policy = engine_policy(controller->engine);
    size_t count = policy_protected(policy, &declared);
    for (size_t i = 0; i < count; i++) {
        if (has_mac(endpoint, NULL, &declared[i].mac) ||
            was_given(policy, endpoint, i, &declared[i].server)) {
            return true;
        }
    }
    return confirmed_find(controller, endpoint) != NULL;
}

static bool
has_address(const struct endpoint *endpoint, const struct ip *ip)
{
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        if (endpoint->bindings[i].until_us == 0 && ip_is_equal(&endpoint->bindings[i].ip, ip)) {
            return true;
        }
    }
    return false;
}

bool
world_bars(const struct controller *controller, const struct containment *c, char why[TEXT_SIZE])
{
    const struct endpoint *endpoint =
        c->endpoint_id[0] ? topology_by_id(controller->topology, c->endpoint_id) : NULL;
    bool is_server = c->action == ACTION_BLOCK_SERVER;
    struct prefix address = {.length = 0};
    if (!ip_is_none(&c->subject_ip) && (!endpoint || has_address(endpoint, &c->subject_ip))) {
        address = (struct prefix){.ip = c->subject_ip, .length = 128};
    }
    return c->action != ACTION_MIRROR &&
           world_is_protected(controller, endpoint, is_server ? NULL : &c->subject_mac,
                              is_server ? &c->server : &address, c->site, why);
}

bool
world_is_of_another(const struct controller *controller, const struct containment *c)
{
    struct held then, now;
    int64_t now_us = clock_wall_us(controller->clock);
    enum resolution how =
        topology_resolve(controller->topology, c->site, &c->subject_ip, c->requested_us, &then);
    return topology_resolve(controller->topology, c->site, &c->subject_ip, now_us, &now) ==
               RESOLUTION_SURE &&
           (how != RESOLUTION_SURE || then.endpoint != now.endpoint);
}

bool
controller_is_protected(const struct controller *controller, const struct endpoint *endpoint,
                        char why[TEXT_SIZE])
{
    return world_is_protected(controller, endpoint, NULL, NULL, "", why);
}

/* ---- policy's questions ---- */

#define WHOLE_US (INT64_C(300) * 1000000) /* so long a switch has to tell all that it sees */

static int
world_resolve(void *context, const char *site, const struct ip *ip, int64_t at_us,
              struct policy_held *held)
{
    struct controller *controller = context;
    struct held found;
    enum resolution how = clocks_resolve(controller, site, ip, at_us, &found);
    *held = (struct policy_held){.mac = found.mac};
    snprintf(held->endpoint_id, sizeof(held->endpoint_id), "%s",
             found.endpoint ? found.endpoint->id : "");
    snprintf(held->site, sizeof(held->site), "%s", found.site);
    return (int)how;
}

static bool
world_by_mac(void *context, const struct mac *mac, char endpoint_id[ID_SIZE])
{
    struct controller *controller = context;
    const struct endpoint *endpoint = topology_by_mac(controller->topology, mac);
    snprintf(endpoint_id, ID_SIZE, "%s", endpoint ? endpoint->id : "");
    return endpoint != NULL;
}

static bool
world_endpoint(void *context, const char *endpoint_id, const struct endpoint **endpoint)
{
    struct controller *controller = context;
    *endpoint = topology_by_id(controller->topology, endpoint_id);
    return *endpoint != NULL;
}

static bool
world_origin_agrees(void *context, const char *site, const struct mirror_origin *origin,
                    const struct mac *mac)
{
    struct controller *controller = context;
    struct link_end end;
    enum port_role role;
    const struct endpoint *endpoint = topology_by_mac(controller->topology, mac);
    return origin->is_stamped && endpoint && endpoint->location.class != LOCATION_CONFLICT &&
           topology_port_by_number(controller->topology, site, &origin->switch_ip, origin->port,
                                   &end, &role) &&
           role == PORT_ACCESS && strcmp(endpoint->location.switch_name, end.switch_name) == 0 &&
           strcmp(endpoint->location.port, end.port) == 0;
}

static bool
world_origin_is_access(void *context, const char *site, const struct mirror_origin *origin)
{
    struct controller *controller = context;
    struct link_end end;
    enum port_role role;
    return topology_port_by_number(controller->topology, site, &origin->switch_ip, origin->port,
                                   &end, &role) &&
           role == PORT_ACCESS;
}

static bool
world_protected(void *context, const char *site, const char *endpoint_id, const struct ip *ip,
                char why[TEXT_SIZE])
{
    struct controller *controller = context;
    const struct endpoint *endpoint =
        endpoint_id[0] != '\0' ? topology_by_id(controller->topology, endpoint_id) : NULL;
    struct prefix address = {.ip = *ip, .length = ip_is_none(ip) ? 0 : 128};
    return world_is_protected(controller, endpoint, NULL, &address, site, why);
}

static bool
world_is_trusted_place(void *context, const struct endpoint *endpoint)
{
    return is_trusted_place(context, endpoint);
}

static bool
world_is_a_servers(void *context, const struct endpoint *but, const struct binding *binding)
{
    const struct controller *controller = context;
    return topology_is_a_servers(controller->topology, but, binding);
}

static size_t
world_count(void *context, bool (*counts)(const void *what, const struct endpoint *endpoint),
            const void *what)
{
    const struct controller *controller = context;
    const struct endpoint *endpoint;
    size_t count = 0;
    for (size_t i = 0; (endpoint = topology_endpoint_at(controller->topology, i)) != NULL; i++) {
        count += counts(what, endpoint) ? 1 : 0;
    }
    return count;
}

/* It told all; or it had its time for that: one that stays away must not suspend every budget. */
static bool
is_whole(const struct controller *controller, const struct switch_state *sw)
{
    int64_t since_us = sw->came_us > controller->began_us ? sw->came_us : controller->began_us;
    return topology_is_whole(controller->topology, sw->device.switch_name) ||
           clock_boot_us(controller->clock) - since_us >= WHOLE_US;
}

static bool
world_is_whole(void *context, const char *switch_name)
{
    const struct controller *controller = context;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        bool is_meant = switch_name[0] == '\0' || strcmp(sw->device.switch_name, switch_name) == 0;
        if (is_meant && !is_whole(controller, sw)) {
            return false;
        }
    }
    return true;
}

static bool
world_is_said_of(void *context, const struct mac *mac)
{
    const struct controller *controller = context;
    const struct annotation *said = topology_annotation(controller->topology, mac);
    return said && !said->is_inherited;
}

static bool
world_is_router(void *context, const struct endpoint *endpoint)
{
    (void)context;
    return topology_acts_as(endpoint, HOST_ROUTER);
}

static size_t
world_mirror_sources(void *context, const struct ip *switch_ip, const char **names, size_t room)
{
    const struct controller *controller = context;
    return topology_mirror_sources(controller->topology, switch_ip, names, room);
}

static const char *
site_of(void *context, const char *switch_name)
{
    const struct controller *controller = context;
    return policy_site_of(engine_policy(controller->engine), switch_name);
}

void
world_set_sites(struct controller *controller)
{
    bool has_sites = policy_has_sites(engine_policy(controller->engine));
    topology_set_sites(controller->topology, has_sites ? site_of : NULL, controller);
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        const char *site = site_of(controller, sw->device.switch_name);
        if (strcmp(sw->site, site) != 0) { /* other rules are its: told from the beginning */
            snprintf(sw->site, sizeof(sw->site), "%s", site);
            sw->needs_snapshot = sw->needs_repair = sw->has_snapshot;
        }
    }
}

void
world_init(struct controller *controller, struct policy_world *world)
{
    *world = (struct policy_world){
        .resolve = world_resolve,
        .by_mac = world_by_mac,
        .endpoint = world_endpoint,
        .origin_agrees = world_origin_agrees,
        .is_protected = world_protected,
        .talkers = world_talkers,
        .origin_is_access = world_origin_is_access,
        .count = world_count,
        .is_trusted_place = world_is_trusted_place,
        .is_a_servers = world_is_a_servers,
        .is_whole = world_is_whole,
        .is_said_of = world_is_said_of,
        .is_router = world_is_router,
        .mirror_sources = world_mirror_sources,
        .context = controller,
    };
}
