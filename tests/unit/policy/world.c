#include "world.h"

#include "base/mem.h"

const char *const yaml_auto =
    "defaults: {mode: auto, expires_s: 3600}\n"
    "networks:\n"
    "  - {name: clients, prefixes: [192.0.2.0/24, '2001:db8::/64'], home: true}\n"
    "permit_sets:\n"
    "  - {name: updates, allows_dhcp: true}\n"
    "protected:\n"
    "  - {name: gateway, addresses: [192.0.2.1], macs: ['" ROUTER_MAC "']}\n"
    "proxies: [192.0.2.200]\n"
    "resolvers: [192.0.2.53]\n"
    "never_block: {prefixes: [198.51.100.0/24], domains: [cdn.example.net], popular: 20}\n"
    "lists:\n"
    "  - {name: rumours, confidence: 30}\n"
    "budgets: {per_minute: 5, per_hour: 20, network_percent: 100, switch_percent: 100}\n"
    "after_release: {grace_s: 300, watch_s: 3600}\n"
    "policies:\n"
    "  - name: contact\n"
    "    when: {phases: [c2]}\n"
    "    then: [{action: isolate, permit_set: updates}, {action: block_server}]\n"
    "  - name: sweep\n"
    "    when: {phases: [lateral_movement]}\n"
    "    then: [{action: isolate}]\n";

struct mac
mac_of(const char *text)
{
    struct mac mac;
    assert_true(mac_parse(text, &mac));
    return mac;
}

struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

static struct inhabitant *
find_id(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->count; i++) {
        if (strcmp(world->inhabitants[i].endpoint.id, id) == 0) {
            return &world->inhabitants[i];
        }
    }
    return NULL;
}

static struct inhabitant *
find_mac(struct world *world, const struct mac *mac)
{
    for (size_t i = 0; i < world->count; i++) {
        if (mac_is_equal(&world->inhabitants[i].endpoint.macs[0], mac)) {
            return &world->inhabitants[i];
        }
    }
    return NULL;
}

static int
resolve(void *context, const char *site, const struct ip *ip, int64_t at_us,
        struct policy_held *held)
{
    struct world *world = context;
    const struct inhabitant *found = NULL;
    (void)at_us;
    for (size_t i = 0; i < world->count; i++) {
        const struct inhabitant *one = &world->inhabitants[i];
        for (size_t k = 0; k < one->endpoint.binding_count; k++) {
            const char *at = binding_site(&one->bindings[k]);
            if (!ip_is_equal(&one->bindings[k].ip, ip) || (site[0] && strcmp(at, site) != 0)) {
                continue;
            }
            if (found && site[0] == '\0') {
                return KNOWN_SITES;
            }
            found = found ? found : one;
            snprintf(held->site, sizeof(held->site), "%s", at);
        }
    }
    if (found) {
        memcpy(held->endpoint_id, found->endpoint.id, ID_SIZE);
        held->mac = found->endpoint.macs[0];
    }
    return found ? (int)found->known : KNOWN_NONE;
}

static bool
by_mac(void *context, const struct mac *mac, char id[ID_SIZE])
{
    struct inhabitant *one = find_mac(context, mac);
    if (one) {
        memcpy(id, one->endpoint.id, ID_SIZE);
    }
    return one != NULL;
}

static bool
endpoint_of(void *context, const char *id, const struct endpoint **endpoint)
{
    struct inhabitant *one = find_id(context, id);
    *endpoint = one ? &one->endpoint : NULL;
    return one != NULL;
}

/* The stamp's port number is the index of the inhabitant that is attached there, from 1. */
static bool
agrees(void *context, const char *site, const struct mirror_origin *origin, const struct mac *mac)
{
    (void)site;
    struct world *world = context;
    struct inhabitant *one = find_mac(world, mac);
    return one && origin->port == (uint32_t)(one - world->inhabitants) + 1;
}

static bool
is_access(void *context, const char *site, const struct mirror_origin *origin)
{
    (void)context;
    (void)site;
    return origin->port < 1000;
}

static bool
is_protected(void *context, const char *site, const char *id, const struct ip *ip,
             char why[TEXT_SIZE])
{
    (void)site;
    struct inhabitant *one = find_id(context, id);
    (void)ip;
    if (one && one->is_protected) {
        snprintf(why, TEXT_SIZE, "confirmed by a person");
        return true;
    }
    return false;
}

static size_t
talkers(void *context, const struct ip *server)
{
    struct world *world = context;
    (void)server;
    return world->talkers;
}

static size_t
count_of(void *context, bool (*counts)(const void *what, const struct endpoint *endpoint),
         const void *what)
{
    struct world *world = context;
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        count += counts(what, &world->inhabitants[i].endpoint) ? 1 : 0;
    }
    world->recounts++;
    return count;
}

static bool
is_whole(void *context, const char *switch_name)
{
    const struct world *world = context;
    return world->untold[0] == '\0' ||
           (switch_name[0] != '\0' && strcmp(world->untold, switch_name) != 0);
}

struct policy_world
world_view(struct world *world)
{
    return (struct policy_world){.resolve = resolve,
                                 .by_mac = by_mac,
                                 .endpoint = endpoint_of,
                                 .origin_agrees = agrees,
                                 .is_protected = is_protected,
                                 .talkers = talkers,
                                 .context = world,
                                 .origin_is_access = is_access,
                                 .count = count_of,
                                 .is_whole = is_whole};
}

struct world *
world_new(const char *yaml)
{
    struct world *world = MEM_NEW(struct world);
    struct policy_error error;
    struct policy_world view = world_view(world);
    clock_fake_init(&world->clock, INT64_C(1800000000) * 1000000);
    int result = policy_parse(yaml, strlen(yaml), &world->policy, &error);
    if (result) {
        fail_msg("line %u, column %u: %s", error.line, error.column, error.text);
    }
    world->engine = engine_new(world->policy, &view, &world->clock.clock);
    struct inhabitant *router = world_add(world, "router", ROUTER_MAC, "192.0.2.1");
    router->endpoint.location.port = "uplink";
    world_add(world, "c2", C2_MAC, C2_IP);
    world_add(world, "c3", C3_MAC, C3_IP);
    return world;
}

void
world_free(struct world *world)
{
    engine_free(world->engine);
    policy_unref(world->policy);
    free(world);
}

void
world_crowd(struct world *world, const char *name, int from, int to)
{
    for (int i = from; i < to; i++) {
        char id[24], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(id, sizeof(id), "%.10s%d", name, i);
        snprintf(mac, sizeof(mac), "02:00:00:00:02:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", i);
        world_add(world, id, mac, ip);
    }
}

struct inhabitant *
world_add(struct world *world, const char *name, const char *mac, const char *ip)
{
    assert_true(world->count < WORLD_MAX);
    struct inhabitant *one = &world->inhabitants[world->count++];
    struct endpoint *endpoint = &one->endpoint;
    snprintf(endpoint->id, sizeof(endpoint->id), "id-%s", name);
    snprintf(one->name, sizeof(one->name), "%s", name);
    endpoint->host_name = one->name;
    endpoint->macs[0] = mac_of(mac);
    endpoint->mac_count = 1;
    endpoint->bindings = one->bindings;
    one->bindings[endpoint->binding_count++] =
        (struct binding){.mac = endpoint->macs[0], .ip = ip_of(ip), .from_us = 1};
    endpoint->location.switch_name = "e1";
    endpoint->location.port = one->name;
    endpoint->location.class = LOCATION_DIRECT;
    endpoint->location.confidence = 95;
    one->known = KNOWN_SURE;
    return one;
}

void
world_after_s(struct world *world, int64_t seconds)
{
    clock_fake_advance(&world->clock, seconds * 1000000);
    engine_tick(world->engine);
}

struct detection
contact(const struct world *world, const char *from, const char *from_mac, const char *to)
{
    struct detection d = {.phase = PHASE_C2,
                          .severity = SEVERITY_HIGH,
                          .confidence = 95,
                          .protocol = 6,
                          .handshake = true};
    snprintf(d.id, sizeof(d.id), "d1");
    snprintf(d.sensor, sizeof(d.sensor), "s1");
    snprintf(d.maker, sizeof(d.maker), "cordon");
    snprintf(d.signature, sizeof(d.signature), "Listed C&C server contacted");
    snprintf(d.server_name, sizeof(d.server_name), "c2.example.org");
    snprintf(d.techniques[0], TECHNIQUE_SIZE, "T1071.001");
    d.seen_us = world->clock.wall_now_us;
    d.src.ip = ip_of(from);
    d.src.mac = from_mac ? mac_of(from_mac) : (struct mac){{0}};
    d.dst.ip = ip_of(to);
    d.dst.mac = from_mac ? mac_of(ROUTER_MAC) : (struct mac){{0}};
    return d;
}

const struct outcome *
detect(struct world *world, const struct detection *detection)
{
    engine_detection(world->engine, detection, &world->outcome);
    return &world->outcome;
}

const struct decision *
find_decision(const struct outcome *outcome, enum action action)
{
    for (size_t i = 0; i < outcome->decision_count; i++) {
        if (outcome->decisions[i].action == action) {
            return &outcome->decisions[i];
        }
    }
    return NULL;
}

struct mirror_origin
stamp_of(const struct world *world, const struct inhabitant *inhabitant)
{
    return (struct mirror_origin){.switch_ip = ip_of("192.0.2.201"),
                                  .is_stamped = true,
                                  .port = (uint32_t)(inhabitant - world->inhabitants) + 1};
}
