#include "fake_controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "controller/checkpoints.h"
#include "controller/payload.h"
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
    c->edge_stats = (struct wire_edge_stats){
        .at_us = now_us, .counters = &c->counter, .counter_count = 1, .problem_count = 1};
    snprintf(c->edge_stats.problems[0], TEXT_SIZE,
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

static struct containment *
add_containment(struct controller *c, enum action action, enum containment_state state)
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
    struct containment *held = add_containment(c, ACTION_ISOLATE, CONTAINMENT_PENDING);
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
        free(c->containments[i].marks);
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

/* Wishes: done at once. */
void
controller_wish(struct controller *c, const struct wish *wish, wish_done_fn *done, void *context)
{
    enum wish_result result = c->next_result;
    c->next_result = WISH_DONE;
    if (result != WISH_DONE) {
        done(context, result, "the fake was told so", NULL);
        return;
    }
    for (size_t i = 0; wish->external_id[0] && i < c->containment_count; i++) {
        if (strcmp(c->containments[i].external_id, wish->external_id) == 0) {
            done(context, WISH_EXISTS, "", &c->containments[i]);
            return;
        }
    }
    const struct endpoint *endpoint = topology_by_mac(c->topology, &wish->mac);
    struct held held;
    if (!endpoint && !ip_is_none(&wish->ip)) {
        (void)topology_resolve(c->topology, wish->site, &wish->ip, clock_wall_us(c->clock), &held);
        endpoint = held.endpoint;
    }
    if (!endpoint && wish->endpoint_id[0]) {
        endpoint = topology_by_id(c->topology, wish->endpoint_id);
    }
    if (!endpoint && wish->action != ACTION_BLOCK_SERVER) {
        done(context, WISH_UNKNOWN, "nobody has that address", NULL);
        return;
    }
    if (endpoint && strcmp(endpoint->host_name, "gw") == 0) {
        done(context, WISH_REFUSED, "gw is protected", NULL);
        return;
    }
    struct containment *made = add_containment(c, wish->action, CONTAINMENT_VERIFIED);
    memcpy(made->endpoint_id, endpoint ? endpoint->id : "", endpoint ? ID_SIZE : 1);
    made->subject_mac = wish->mac;
    made->subject_ip = wish->ip;
    made->server = wish->server;
    memcpy(made->server_name, wish->server_name, sizeof(made->server_name));
    memcpy(made->permit_set, wish->permit_set, sizeof(made->permit_set));
    memcpy(made->reason, wish->reason, sizeof(made->reason));
    memcpy(made->external_id, wish->external_id, sizeof(made->external_id));
    memcpy(made->requested_by, wish->account, sizeof(made->requested_by));
    made->expires_us = wish->expires_s ? clock_wall_us(c->clock) + wish->expires_s * 1000000LL : 0;
    done(context, WISH_DONE, "", made);
}

static struct containment *
find(struct controller *c, const char *id)
{
    for (size_t i = 0; i < c->containment_count; i++) {
        if (strcmp(c->containments[i].id, id) == 0) {
            return &c->containments[i];
        }
    }
    return NULL;
}

void
controller_prove(struct controller *c, const char *id, const char *account, const char *reason,
                 wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account, (void)reason;
    bool waits = found && found->unproven[0];
    if (waits) {
        found->unproven[0] = '\0';
    }
    done(context, waits ? WISH_DONE : WISH_REFUSED, waits ? "" : "it is not unproven", found);
}

int64_t
controller_restored(const struct controller *c, const char **cause)
{
    (void)c;
    *cause = "the file is gone";
    return 1;
}

void
controller_release(struct controller *c, const char *id, const char *account, const char *reason,
                   wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account;
    if (found->ended_us != 0) {
        done(context, WISH_REFUSED, "it has ended already", NULL);
        return;
    }
    found->state = CONTAINMENT_RELEASED;
    found->ended_us = clock_wall_us(c->clock);
    snprintf(found->end_reason, sizeof(found->end_reason), "%s", reason);
    done(context, WISH_DONE, "", found);
}

void
controller_extend(struct controller *c, const char *id, uint32_t expires_s, const char *account,
                  wish_done_fn *done, void *context)
{
    struct containment *found = find(c, id);
    (void)account;
    found->expires_us = clock_wall_us(c->clock) + expires_s * 1000000LL;
    done(context, WISH_DONE, "", found);
}

void
controller_judge(struct controller *c, const char *id, enum verdict verdict, const char *account,
                 const char *reason, wish_done_fn *done, void *context)
{
    static const enum containment_state states[] = {CONTAINMENT_REQUESTED, CONTAINMENT_CHECKED,
                                                    CONTAINMENT_REVERTED};
    struct containment *found = find(c, id);
    (void)account, (void)reason;
    found->state = states[verdict];
    done(context, WISH_DONE, "", found);
}

void
controller_panic(struct controller *c, bool suspend, const char *account, const char *reason,
                 wish_done_fn *done, void *context)
{
    c->suspension =
        (struct suspension_view){.is_suspended = suspend, .since_us = clock_wall_us(c->clock)};
    snprintf(c->suspension.account, NAME_SIZE, "%s", account);
    snprintf(c->suspension.reason, TEXT_SIZE, "%s", reason);
    done(context, WISH_DONE, "", NULL);
}

struct recording {
    wish_done_fn *done;
    void *context;
};

static void
on_recorded(void *context, int error)
{
    struct recording *recording = context;
    recording->done(recording->context, error ? WISH_FAILED : WISH_DONE, "", NULL);
    free(recording);
}

void
controller_record(struct controller *c, const char *account, const char *action, const char *object,
                  const char *detail, wish_done_fn *done, void *context)
{
    struct store_change *change = store_change_new();
    store_put_audit(change, clock_wall_us(controller_clock(c)), account, action, object, detail);
    payload_forget(change, action, object);
    struct recording *recording = malloc(sizeof(*recording));
    *recording = (struct recording){done, context};
    store_submit(c->store, change, on_recorded, recording);
}

/* The chain alone, and what was given: no switch here keeps checkpoints. */
struct checking {
    checkpoint_check_fn *done;
    void *context;
    struct store_walk walk;
};

static void
on_checked(void *context, int error, const struct audit_chain *chain)
{
    struct checking *checking = context;
    const struct checkpoint_check check = {
        .error = error, .chain = error ? NULL : chain, .compared = checking->walk.held_count};
    checking->done(checking->context, &check);
    free(checking->walk.held);
    free(checking);
}

void
checkpoints_check(struct controller *c, const uint8_t *wanted, const struct checkpoint *given,
                  size_t given_count, checkpoint_check_fn *done, void *context)
{
    struct checking *checking = MEM_NEW(struct checking);
    *checking = (struct checking){.done = done, .context = context};
    checking->walk.has_wanted = wanted != NULL;
    if (wanted) {
        memcpy(checking->walk.wanted, wanted, AUDIT_HASH_SIZE);
    }
    checking->walk.held = mem_new(given_count + 1, sizeof(*checking->walk.held));
    for (size_t i = 0; i < given_count; i++) {
        struct audit_held *held = &checking->walk.held[checking->walk.held_count++];
        held->number = given[i].number;
        held->at_us = given[i].at_us;
        memcpy(held->hash, given[i].hash, AUDIT_HASH_SIZE);
        snprintf(held->by, sizeof(held->by), "the file");
    }
    store_check_audit(c->store, &checking->walk, on_checked, checking);
}

void
checkpoints_look(const struct controller *c, struct checkpoints_view *view)
{
    static const uint8_t seed[CHECKPOINT_KEY_SIZE] = {1};
    static struct checkpoint made;
    uint8_t secret[CHECKPOINT_SECRET_SIZE];
    *view = (struct checkpoints_view){.has_key = true, .recent = &made, .recent_count = 1};
    checkpoint_key_make(seed, &view->key, secret);
    made = (struct checkpoint){.number = 1, .at_us = clock_wall_us(controller_clock(c))};
    checkpoint_sign(&made, &view->key, secret);
}

void
controller_protect(struct controller *c, const char *id, bool confirm, const char *account,
                   const char *reason, wish_done_fn *done, void *context)
{
    (void)account, (void)reason;
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(c->protections[i].id, id) == 0) {
            bool is_declared = c->protections[i].state == PROTECTION_DECLARED;
            c->protections[i].state = is_declared ? PROTECTION_DECLARED
                                      : confirm   ? PROTECTION_CONFIRMED
                                                  : PROTECTION_PROPOSED;
            done(context, is_declared ? WISH_REFUSED : WISH_DONE, "declared in the policy file",
                 NULL);
            return;
        }
    }
    done(context, WISH_UNKNOWN, "no such protection", NULL);
}

void
controller_publish(struct controller *c, const char *topic, const void *object)
{
    (void)c, (void)topic, (void)object;
}

void
controller_protect_endpoint(struct controller *c, const char *endpoint_id, const char *account,
                            const char *reason, wish_done_fn *done, void *context)
{
    (void)account, (void)reason;
    memcpy(c->protections[1].endpoint_id, endpoint_id, ID_SIZE);
    c->protections[1].state = PROTECTION_CONFIRMED;
    done(context, WISH_DONE, "", NULL);
}

/* What is read. */
bool
controller_is_suspended(const struct controller *c)
{
    return c->suspension.is_suspended;
}

const struct containment *
controller_containment_at(const struct controller *c, size_t index)
{
    return &c->containments[index];
}

uint64_t
controller_run(const struct controller *controller)
{
    (void)controller;
    return 1;
}

uint64_t
controller_containment_serial(const struct controller *c, size_t index)
{
    (void)c;
    return index + 1;
}

const struct containment *
controller_containment_on(const struct controller *c, const char *endpoint_id)
{
    for (size_t i = 0; i < c->containment_count; i++) {
        const struct containment *each = &c->containments[i];
        if (strcmp(each->endpoint_id, endpoint_id) == 0 && each->action == ACTION_ISOLATE &&
            each->state == CONTAINMENT_VERIFIED) {
            return each;
        }
    }
    return NULL;
}

size_t
controller_containment_count(const struct controller *c)
{
    return c->containment_count;
}

const struct containment *
controller_find(const struct controller *c, const char *id)
{
    return find((struct controller *)c, id);
}

struct topology *
controller_topology(struct controller *c)
{
    return c->topology;
}

struct store *
controller_store(struct controller *c)
{
    return c->store;
}

struct engine *
controller_engine(struct controller *c)
{
    return c->engine;
}

const struct policy_world *
controller_world(struct controller *c)
{
    return &c->world;
}

bool
controller_switch_at(const struct controller *c, size_t index, struct switch_view *view)
{
    *view = c->switches[index];
    view->is_settled = true;
    return true;
}

size_t
controller_switch_count(const struct controller *c)
{
    (void)c;
    return 2;
}

size_t
controller_incident_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct incident *
controller_incident_at(const struct controller *c, size_t index)
{
    (void)index;
    return &c->incident;
}

const struct incident *
controller_incident(const struct controller *c, const char *id)
{
    return strcmp(c->incident.id, id) == 0 ? &c->incident : NULL;
}

size_t
controller_source_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct wire_source *
controller_source_at(const struct controller *c, size_t index)
{
    (void)index;
    return &c->source;
}

size_t
controller_sensor_count(const struct controller *c)
{
    (void)c;
    return 1;
}

bool
controller_sensor_at(const struct controller *c, size_t index, struct sensor_view *view)
{
    (void)index;
    *view = (struct sensor_view){
        .stats = &c->sensor, .seen_us = clock_wall_us(c->clock), .skew_us = 7000000};
    snprintf(view->name, NAME_SIZE, "s1");
    return true;
}

size_t
controller_reports(const struct controller *c, const char *id, struct switch_report *reports,
                   size_t room)
{
    (void)c, (void)id;
    if (room == 0) {
        return 0;
    }
    reports[0] = (struct switch_report){.state = RULE_VERIFIED, .hits = 5};
    snprintf(reports[0].switch_name, NAME_SIZE, "e1");
    return 1;
}

bool
controller_is_protected(const struct controller *c, const struct endpoint *endpoint,
                        char why[TEXT_SIZE])
{
    for (size_t i = 0; i < 2; i++) {
        const struct protection_view *view = &c->protections[i];
        if (view->state != PROTECTION_PROPOSED && strcmp(view->endpoint_id, endpoint->id) == 0) {
            snprintf(why, TEXT_SIZE, "%s", view->why);
            return true;
        }
    }
    return engine_protects(c->engine, endpoint, why);
}

size_t
controller_protection_count(const struct controller *c)
{
    (void)c;
    return 2;
}

bool
controller_protection_at(const struct controller *c, size_t index, struct protection_view *view)
{
    *view = c->protections[index];
    return true;
}

void
controller_suspension(const struct controller *c, struct suspension_view *view)
{
    *view = c->suspension;
}

bool
controller_storm(const struct controller *c, int64_t *since_us, int64_t *last_us, uint64_t *held)
{
    *since_us = *last_us = clock_wall_us(c->clock);
    *held = 7;
    return true;
}

size_t
controller_conflict_count(const struct controller *c)
{
    (void)c;
    return 1;
}

const struct conflict_view *
controller_conflict_at(const struct controller *c, size_t index)
{
    static const struct conflict_view one = {
        .switch_name = "e1",
        .port = "p1",
        .why = "more than 256 MAC addresses on one port: new ones are not followed",
        .first_us = 1000000,
        .last_us = 2000000,
        .times = 2};
    (void)c;
    return index == 0 ? &one : NULL;
}

size_t
controller_mirror_count(const struct controller *c)
{
    (void)c;
    return 1;
}

bool
controller_mirror_at(const struct controller *c, size_t index, struct mirror_view *view)
{
    (void)index;
    *view = (struct mirror_view){.mirror = &c->mirror};
    return true;
}

uint64_t
controller_pending_dropped(const struct controller *controller)
{
    (void)controller;
    return 0;
}

uint64_t
controller_epoch(const struct controller *c)
{
    (void)c;
    return 3;
}

const struct clock *
controller_clock(const struct controller *c)
{
    return c->clock;
}

/* ---- notifications: the settings are kept, a test is answered at once ---- */

const struct notify_settings *
controller_notify_settings(const struct controller *c)
{
    return &c->notify;
}

void
controller_notify_state(const struct controller *c, struct notify_state *state)
{
    (void)c;
    *state = (struct notify_state){.is_joined = true, .waiting = 1, .put = 2};
}

bool
controller_notify_channel_at(const struct controller *c, size_t index,
                             struct notify_channel_state *state)
{
    if (index >= c->notify.channel_count) {
        return false;
    }
    *state = (struct notify_channel_state){.has_secret = c->has_secret};
    memcpy(state->name, c->notify.channels[index].name, sizeof(state->name));
    return true;
}

void
controller_notify_set(struct controller *c, const struct notify_settings *settings,
                      const struct wire_secret *secrets, size_t secret_count, const char *account,
                      notify_done_fn *done, void *context)
{
    (void)account;
    struct codec_error error;
    if (settings->version != c->notify.version) {
        done(context, NOTIFY_STALE, "the settings were changed meanwhile");
        return;
    }
    cJSON *json = codec_encode(&notify_settings_shape, settings);
    codec_fini(&notify_settings_shape, &c->notify);
    if (codec_decode(&notify_settings_shape, json, &c->notify, &error)) {
        abort();
    }
    cJSON_Delete(json);
    c->notify.version++;
    c->has_secret = c->has_secret || (secret_count > 0 && secrets[0].value[0] != '\0');
    done(context, NOTIFY_DONE, "");
}

void
controller_notify_test(struct controller *c, const char *name, const char *account,
                       notify_done_fn *done, void *context)
{
    (void)account;
    bool is_there = notify_channel_find(&c->notify, name) != NULL;
    done(context, is_there ? NOTIFY_DONE : NOTIFY_UNKNOWN, is_there ? "250 queued" : "no channel");
}

void
controller_notice(struct controller *c, enum notice_kind kind, enum severity severity,
                  const char *account, const char *detail)
{
    (void)c, (void)kind, (void)severity, (void)account, (void)detail;
}

bool
controller_escalation(const struct controller *c, const char *id, struct escalation_view *view)
{
    (void)c, (void)id;
    *view = (struct escalation_view){
        .taken = 1, .steps = 2, .told_us = 1700000000000000, .told = "Hana"};
    return true;
}
