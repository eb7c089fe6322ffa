#include "fake_controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "controller/ask/payload.h"
#include "controller/audit/checkpoints.h"
#include "wire/notify.h"

static const char policy_text[] = "networks:\n"
                                  "  - {name: campus, prefixes: [192.0.2.0/24], mode: auto, home: "
                                  "true}\n"
                                  "permit_sets:\n"
                                  "  - name: updates\n"
                                  "    allows_dhcp: true\n"
                                  "    permits:\n"
                                  "      - {server: 192.0.2.200, protocol: tcp, port: 443}\n"
                                  "policies:\n"
                                  "  - name: contact\n"
                                  "    when: {phases: [c2]}\n"
                                  "    then: [{action: isolate, permit_set: updates}]\n"
                                  "  - name: counted\n"
                                  "    when: {phases: [discovery], count: 30, within_s: 3600}\n"
                                  "    then: [{action: isolate}]\n";

static void
must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fake controller: %s\n", what);
        abort();
    }
}

static struct mac
mac_of(const char *text)
{
    struct mac mac;
    must(mac_parse(text, &mac), text);
    return mac;
}

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    must(ip_parse(text, &ip), text);
    return ip;
}

static void
on_change(void *context, enum topology_change change, const struct endpoint *endpoint,
          const struct location *before, const char *detail)
{
    (void)context, (void)change, (void)endpoint, (void)before, (void)detail;
}

/* Two machines on e1: c2 with a lease, and gw. */
static void
add_endpoints(struct controller *c)
{
    int64_t now_us = clock_wall_us(c->clock);
    struct fact facts[7] = {
        {.kind = FACT_PORT, .port = "ul", .port_number = 1, .role = PORT_UPLINK, .is_up = true},
        {.kind = FACT_PORT, .port = "p2", .port_number = 2, .is_up = true},
        {.kind = FACT_PORT, .port = "p3", .port_number = 3, .is_up = true},
        {.kind = FACT_MAC, .port = "p2", .mac = mac_of("02:00:00:00:01:01"), .vlan = 10},
        {.kind = FACT_MAC, .port = "p3", .mac = mac_of("02:00:00:00:01:02"), .vlan = 10},
        {.kind = FACT_LEASE,
         .port = "ul",
         .mac = mac_of("02:00:00:00:01:01"),
         .ip = ip_of("192.0.2.101"),
         .source = BINDING_DHCP4,
         .host_name = "c2",
         .client_id = "0102000000000101",
         .lease_s = 3600},
        {.kind = FACT_LEASE,
         .port = "ul",
         .mac = mac_of("02:00:00:00:01:02"),
         .ip = ip_of("192.0.2.1"),
         .source = BINDING_DHCP4,
         .host_name = "gw",
         .client_id = "0102000000000102",
         .lease_s = 3600},
    };
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        facts[i].seen_us = now_us;
    }
    struct wire_facts message = {.sequence = 1,
                                 .is_full = true,
                                 .is_last = true,
                                 .facts = facts,
                                 .fact_count = COUNT_OF(facts)};
    snprintf(message.switch_name, sizeof(message.switch_name), "e1");
    topology_apply_facts(c->topology, &message);
}

static void
add_switches(struct controller *c)
{
    int64_t now_us = clock_wall_us(c->clock);
    for (size_t i = 0; i < 2; i++) {
        struct switch_view *view = &c->switches[i];
        snprintf(view->device.switch_name, NAME_SIZE, "e%zu", i + 1);
        snprintf(view->device.driver, NAME_SIZE, "edge");
        view->device.is_connected = i == 0;
        view->device.verifies = true;
        view->seen_us = view->read_back_us = now_us;
        view->desired_generation = view->observed_generation = 7;
        view->rule_count = 3;
    }
    snprintf(c->counter.name, NAME_SIZE, "dropped_isolated");
    c->counter.count = 42;
    c->edge_stats = (struct switch_stats){.at_us = now_us,
                                          .counters = &c->counter,
                                          .counter_count = 1,
                                          .problems = c->edge_problem,
                                          .problem_count = 1};
    snprintf(c->edge_problem[0], TEXT_SIZE,
             "br_netfilter is on: bridged frames pass "
             "through iptables");
    c->switches[0].stats = &c->edge_stats;
}

static void
add_reports(struct controller *c)
{
    int64_t now_us = clock_wall_us(c->clock);
    snprintf(c->refusal.why, NAME_SIZE, "not JSON");
    c->refusal.count = 3;
    c->source = (struct wire_source){.received = 10,
                                     .accepted = 7,
                                     .refused = 3,
                                     .refusals = &c->refusal,
                                     .refusal_count = 1,
                                     .last_us = now_us};
    snprintf(c->source.name, NAME_SIZE, "ids");
    snprintf(c->source.kind, NAME_SIZE, "eve-socket");
    snprintf(c->source.state, NAME_SIZE, "connected");
    c->mirror_seen = (struct wire_mirror_seen){
        .session = 5, .packets = 1000, .bytes = 64000, .flows = 100, .forward_only = 90};
    c->network_seen = (struct wire_network_seen){.packets = 1000, .last_us = now_us};
    must(prefix_parse("192.0.2.0/24", &c->network_seen.network), "prefix");
    c->sensor = (struct wire_sensor_stats){.at_us = now_us,
                                           .packets = 1000,
                                           .bytes = 64000,
                                           .indicators = 5,
                                           .mirrors = &c->mirror_seen,
                                           .mirror_count = 1,
                                           .networks = &c->network_seen,
                                           .network_count = 1};
    c->mirror = (struct rule_mirror){.kind = MIRROR_ALWAYS,
                                     .carrier = CARRIER_ERSPAN,
                                     .erspan_to = ip_of("192.0.2.250"),
                                     .session = 5};
}

static void
add_protections(struct controller *c)
{
    const struct endpoint *gw = topology_by_mac(c->topology, &(struct mac){{2, 0, 0, 0, 1, 2}});
    must(gw != NULL, "the endpoint gw");
    for (size_t i = 0; i < 2; i++) {
        struct protection_view *view = &c->protections[i];
        snprintf(view->id, NAME_SIZE, "pr-%zu", i);
        snprintf(view->why, TEXT_SIZE, "answers as a router");
        memcpy(view->endpoint_id, gw->id, ID_SIZE);
        view->state = i == 0 ? PROTECTION_DECLARED : PROTECTION_PROPOSED;
        view->since_us = clock_wall_us(c->clock);
    }
}

struct containment *
fake_controller_add(struct controller *c, enum action action, enum containment_state state)
{
    must(c->containment_count < FAKE_CONTAINMENTS_MAX, "too many containments");
    struct containment *made = &c->containments[c->containment_count++];
    int64_t now_us = clock_wall_us(c->clock);
    *made = (struct containment){.action = action, .state = state, .requested_us = now_us};
    id_make(now_us, made->id);
    snprintf(made->case_number, sizeof(made->case_number), "C-%zu", c->containment_count);
    made->marks = mem_new(2, sizeof(struct mark));
    made->mark_count = 2;
    made->marks[0].at_us = now_us;
    made->marks[1].at_us = now_us + 1234;
    snprintf(made->marks[0].step, NAME_SIZE, "received");
    snprintf(made->marks[1].step, NAME_SIZE, "committed");
    return made;
}

/* A detection with its packets, its incident, and the decision that waits. */
static void
add_incident(struct controller *c)
{
    int64_t now_us = clock_wall_us(c->clock);
    const struct endpoint *c2 = topology_by_mac(c->topology, &(struct mac){{2, 0, 0, 0, 1, 1}});
    static struct detection detection = {.phase = PHASE_C2,
                                         .severity = SEVERITY_HIGH,
                                         .confidence = 80,
                                         .techniques = {"T1071.001"},
                                         .has_evidence = true};
    static uint8_t pcap[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4};
    struct evidence evidence = {.pcap = pcap, .size = sizeof(pcap)};
    must(c2 != NULL, "the endpoint c2");
    snprintf(detection.id, NAME_SIZE, "d-1");
    snprintf(detection.sensor, NAME_SIZE, "s1");
    snprintf(detection.maker, NAME_SIZE, "cordon");
    snprintf(detection.signature, TEXT_SIZE, "listed C&C server");
    snprintf(detection.server_name, HOST_SIZE, "cc.example.net");
    snprintf(detection.url, URL_SIZE, "http://cc.example.net/of-a-person");
    snprintf(evidence.detection_id, NAME_SIZE, "d-1");
    detection.seen_us = now_us;
    detection.src.ip = ip_of("192.0.2.101");
    struct incident *incident = &c->incident;
    id_make(now_us, incident->id);
    memcpy(incident->endpoint_id, c2->id, ID_SIZE);
    incident->ip = ip_of("192.0.2.101");
    incident->server = ip_of("203.0.113.66");
    incident->phase = PHASE_C2;
    incident->strength = STRENGTH_WEAK;
    incident->detection_count = 1;
    incident->first_us = incident->last_us = now_us;
    incident->is_open = true;
    snprintf(incident->summary, TEXT_SIZE, "Listed C&C server contacted");
    struct containment *held = fake_controller_add(c, ACTION_ISOLATE, CONTAINMENT_PENDING);
    memcpy(held->endpoint_id, c2->id, ID_SIZE);
    memcpy(held->incident_id, incident->id, ID_SIZE);
    held->hold = HOLD_WEAK;
    struct store_change *change = store_change_new();
    store_put_incident(change, incident);
    store_put_detection(change, &detection, incident->id);
    store_put_evidence(change, &evidence);
    store_put_audit(change, now_us, "token:demo", "contain", held->id, "a reason");
    store_submit(c->store, change, NULL, NULL);
}

static int
no_resolve(void *context, const char *site, const struct ip *ip, int64_t at_us,
           struct policy_held *held)
{
    struct held found;
    struct controller *c = context;
    enum resolution how = topology_resolve(c->topology, site, ip, at_us, &found);
    held->mac = found.mac;
    snprintf(held->site, sizeof(held->site), "%s", found.site);
    snprintf(held->endpoint_id, ID_SIZE, "%s", found.endpoint ? found.endpoint->id : "");
    return (int)how;
}

static bool
no_mac(void *context, const struct mac *mac, char endpoint_id[ID_SIZE])
{
    (void)context, (void)mac, (void)endpoint_id;
    return false;
}

static bool
by_id(void *context, const char *endpoint_id, const struct endpoint **endpoint)
{
    *endpoint = topology_by_id(((struct controller *)context)->topology, endpoint_id);
    return *endpoint != NULL;
}

static bool
agrees(void *context, const char *site, const struct mirror_origin *origin, const struct mac *mac)
{
    (void)context, (void)site, (void)origin, (void)mac;
    return true;
}

static bool
unprotected(void *context, const char *site, const char *endpoint_id, const struct ip *ip,
            char why[TEXT_SIZE])
{
    (void)context, (void)site, (void)endpoint_id, (void)ip, (void)why;
    return false;
}

static size_t
no_talkers(void *context, const struct ip *server)
{
    (void)context, (void)server;
    return 0;
}

static void
apply_policy(void *context, struct policy *policy)
{
    engine_set_policy(((struct controller *)context)->engine, policy);
}

static void
open_policy(struct controller *c, struct event_base *base, const char *folder)
{
    struct policy_error error;
    snprintf(c->policy_file, sizeof(c->policy_file), "%s/policy.yaml", folder);
    must(file_write_atomic(c->policy_file, policy_text, strlen(policy_text), 0640) == 0,
         "policy.yaml");
    const struct revisions_settings settings = {.base = base,
                                                .store = c->store,
                                                .clock = c->clock,
                                                .file = c->policy_file,
                                                .apply = apply_policy,
                                                .context = c};
    must(revisions_open(&settings, &c->revisions, &c->policy, &error) == 0, error.text);
}

/* ---- what the engine asks of the world: topology, and nobody is protected ---- */

static int
world_resolve(void *context, const char *site, const struct ip *ip, int64_t at_us,
              struct policy_held *held)
{
    return no_resolve(context, site, ip, at_us, held);
}

static bool
world_by_mac(void *context, const struct mac *mac, char endpoint_id[ID_SIZE])
{
    struct controller *c = context;
    const struct endpoint *endpoint = topology_by_mac(c->topology, mac);
    snprintf(endpoint_id, ID_SIZE, "%s", endpoint ? endpoint->id : "");
    return endpoint != NULL;
}

static bool
world_endpoint(void *context, const char *endpoint_id, const struct endpoint **endpoint)
{
    struct controller *c = context;
    *endpoint = topology_by_id(c->topology, endpoint_id);
    return *endpoint != NULL;
}

static bool
world_agrees(void *context, const char *site, const struct mirror_origin *origin,
             const struct mac *mac)
{
    (void)context, (void)site, (void)origin, (void)mac;
    return true;
}

static bool
world_protects(void *context, const char *site, const char *endpoint_id, const struct ip *ip,
               char why[TEXT_SIZE])
{
    (void)context, (void)site, (void)endpoint_id, (void)ip, (void)why;
    return false;
}

static size_t
world_talkers(void *context, const struct ip *server)
{
    (void)context, (void)server;
    return 0;
}

static void
add_world(struct controller *c)
{
    c->world = (struct policy_world){.resolve = world_resolve,
                                     .by_mac = world_by_mac,
                                     .endpoint = world_endpoint,
                                     .origin_agrees = world_agrees,
                                     .is_protected = world_protects,
                                     .talkers = world_talkers,
                                     .context = c};
}

static void
open_warnings(struct controller *c)
{
    static const struct rule_warning configured = {
        .language = "ja", .title = "通信を制限しています", .body = "連絡してください。"};
    const struct warnings_settings settings = {
        .store = c->store, .clock = c->clock, .configured = &configured, .configured_count = 1};
    must(warnings_open(&settings, &c->warnings) == 0, "warnings");
}

static void
no_peers(void *context, enum device_role role)
{
    (void)context, (void)role;
}

static bool
no_renewal(void *context, const struct wire_renew *renew)
{
    (void)context, (void)renew;
    return false;
}

static void
no_tell(void *context, enum severity severity, const char *object, const char *detail)
{
    (void)context, (void)severity, (void)object, (void)detail;
}

static void
no_change(void *context)
{
    (void)context;
}

static void
open_certificates(struct controller *c, const char *folder)
{
    char pki[256], master[256], why[256] = "";
    snprintf(pki, sizeof(pki), "%s/pki", folder);
    snprintf(master, sizeof(master), "%s/secret.key", folder);
    c->ca = pki_ca_open(pki, master, why);
    must(c->ca, why);
    const struct certificates_settings settings = {.store = c->store,
                                                   .issued_fd = -1,
                                                   .clock = c->clock,
                                                   .ca = c->ca,
                                                   .on_peers = no_peers,
                                                   .send_renew = no_renewal,
                                                   .tell = no_tell,
                                                   .on_change = no_change};
    must(certificates_open(&settings, &c->certificates) == 0, "certificates");
}

struct controller *
fake_controller_new(struct event_base *base, const struct clock *clock, const char *folder)
{
    struct controller *c = MEM_NEW(struct controller);
    struct topology_listener listener = {.on_change = on_change};
    struct topology_settings settings = {0};
    char path[256];
    char why[256];
    c->clock = clock;
    c->topology = topology_new(&settings, clock, &listener);
    snprintf(path, sizeof(path), "%s/cordon.db", folder);
    must(store_open(path, base, &c->store, why) == 0, why);
    open_policy(c, base, folder);
    open_warnings(c);
    open_certificates(c, folder);
    c->world = (struct policy_world){.resolve = no_resolve,
                                     .by_mac = no_mac,
                                     .endpoint = by_id,
                                     .origin_agrees = agrees,
                                     .is_protected = unprotected,
                                     .talkers = no_talkers,
                                     .context = c};
    add_world(c);
    c->engine = engine_new(c->policy, &c->world, clock);
    add_endpoints(c);
    add_switches(c);
    add_reports(c);
    add_protections(c);
    add_incident(c);
    return c;
}

void
fake_controller_free(struct controller *c)
{
    for (size_t i = 0; i < c->containment_count; i++) {
        containment_fini(&c->containments[i]);
    }
    codec_fini(&notify_settings_shape, &c->notify);
    revisions_stop(c->revisions);
    store_close(c->store);
    revisions_free(c->revisions);
    warnings_free(c->warnings);
    certificates_free(c->certificates);
    pki_ca_free(c->ca);
    engine_free(c->engine);
    policy_unref(c->policy);
    topology_free(c->topology);
    free(c);
}
