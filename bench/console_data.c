/* The data set of bench/console: a database of a large site, made by the real store code, and the
 * configuration of its switches, which are dummies.  The same seed gives the same site.
 *
 *   console_data FOLDER [SWITCHES ENDPOINTS LIVE ENDED INCIDENTS AUDIT]
 *
 * One core switch, up to 32 distribution switches below it, the others below those. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define BATCH 500 /* rows per change */
#define PORTS 24
#define BELOW 32 /* neighbours of a distribution switch */
#define WAITING_MOST 32

struct site {
    struct store *store;
    struct event_base *base;
    struct store_change *change;
    int64_t now_us;
    uint64_t random;
    size_t switches, endpoints, live, ended, incidents, audit;
    size_t waiting; /* changes that are not on disk yet */
    int error;
    char (*endpoint_ids)[ID_SIZE];
    char (*incident_ids)[ID_SIZE];
};

/* xorshift64*: repeatable, and nothing here needs more. */
static uint64_t
draw(struct site *site, uint64_t below)
{
    site->random ^= site->random >> 12;
    site->random ^= site->random << 25;
    site->random ^= site->random >> 27;
    return (site->random * UINT64_C(2685821657736338717) >> 16) % below;
}

static void
on_done(void *context, int error)
{
    struct site *site = context;
    site->waiting--;
    site->error = site->error ? site->error : error;
}

static void
flush(struct site *site, size_t least)
{
    if (store_change_count(site->change) < least) {
        return;
    }
    while (site->waiting >= WAITING_MOST) {
        event_base_loop(site->base, EVLOOP_ONCE);
    }
    site->waiting++;
    store_submit(site->store, site->change, on_done, site);
    site->change = store_change_new();
}

static struct mac
mac_of(size_t index)
{
    return (struct mac){{2, 0xc0, (uint8_t)(index >> 24), (uint8_t)(index >> 16),
                         (uint8_t)(index >> 8), (uint8_t)index}};
}

static struct ip
ip4_of(size_t index)
{
    const uint8_t bytes[4] = {10, (uint8_t)(64 + (index >> 16)), (uint8_t)(index >> 8),
                              (uint8_t)index};
    return ip_from_v4(bytes);
}

static struct ip
ip6_of(size_t index)
{
    const uint8_t bytes[16] = {
        0x20,           1,       0xd, 0xb8, 0x64, (uint8_t)(index >> 16), (uint8_t)(index >> 8),
        (uint8_t)index, [15] = 1};
    return ip_from_v6(bytes);
}

static void
switch_name(size_t index, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s-%04zu",
             index == 0       ? "core"
             : index <= BELOW ? "dist"
                              : "access",
             index);
}

/* Where the 'index'th endpoint is: an access switch where there are any. */
static size_t
switch_of(const struct site *site, size_t index)
{
    size_t first = site->switches > BELOW + 1 ? BELOW + 1 : 0;
    return first + index % (site->switches - first);
}

/* ---- rows ---- */

static void
host_name(size_t index, char name[HOST_SIZE])
{
    static const char *const kinds[] = {"pc", "note", "ward", "printer", "phone", "pump", "xray"};
    snprintf(name, HOST_SIZE, "%s-%05zu", kinds[index % COUNT_OF(kinds)], index);
}

static void
put_endpoint(struct site *site, size_t index)
{
    struct binding bindings[3];
    struct endpoint_event events[3];
    struct endpoint e = {.macs = {mac_of(index)},
                         .mac_count = 1,
                         .bindings = bindings,
                         .binding_count = COUNT_OF(bindings)};
    e.seen_us = site->now_us - (int64_t)draw(site, 3600) * SECOND_US;
    e.first_us = e.seen_us - (int64_t)(1 + draw(site, 90)) * DAY_US;
    id_make(e.first_us, e.id);
    memcpy(site->endpoint_ids[index], e.id, ID_SIZE);
    char name[HOST_SIZE], client_id[HOST_SIZE], details[3][TEXT_SIZE];
    char why[] = "the only MAC on an access port";
    host_name(index, name);
    snprintf(client_id, sizeof(client_id), "0102c0%08zx", index);
    e.host_name = name;
    e.client_id = client_id;
    for (size_t i = 0; i < COUNT_OF(bindings); i++) {
        bindings[i] = (struct binding){.mac = e.macs[0],
                                       .ip = i == 0 ? ip4_of(index) : ip6_of(index),
                                       .source = i == 0 ? BINDING_DHCP4 : BINDING_ND,
                                       .from_us = e.first_us,
                                       .seen_us = e.seen_us};
    }
    bindings[2].ip.b[15] = 2; /* a temporary address */
    char on[NAME_SIZE], port[NAME_SIZE];
    switch_name(switch_of(site, index), on);
    snprintf(port, sizeof(port), "p%zu", 1 + index / site->switches % PORTS);
    e.location.switch_name = on;
    e.location.port = port;
    e.location.class = index / site->switches < PORTS ? LOCATION_DIRECT : LOCATION_SHARED;
    e.location.vlan = (uint16_t)(10 + index % 40);
    e.location.confidence = 95;
    e.location.since_us = e.first_us;
    e.location.seen_us = e.seen_us;
    e.location.why = why;
    static const enum endpoint_event_kind kinds[] = {ENDPOINT_APPEARED, ENDPOINT_ADDRESS_NEW,
                                                     ENDPOINT_NAMED};
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        events[i] =
            (struct endpoint_event){.kind = kinds[i], .at_us = e.first_us, .detail = details[i]};
        snprintf(details[i], TEXT_SIZE, "%s/%s", e.location.switch_name, e.location.port);
    }
    store_put_endpoint(site->change, &(struct endpoint_record){.endpoint = e,
                                                               .events = events,
                                                               .event_count = COUNT_OF(events)});
    flush(site, BATCH);
}

static void
put_incident(struct site *site, size_t index)
{
    size_t who = index * 7 % site->endpoints;
    struct incident incident = {.mac = mac_of(who),
                                .ip = ip4_of(who),
                                .phase = (enum phase)(1 + draw(site, PHASE_COUNT - 1)),
                                .severity = (enum severity)(1 + draw(site, SEVERITY_COUNT - 1)),
                                .confidence = (uint8_t)(50 + draw(site, 50)),
                                .strength = draw(site, 4) ? STRENGTH_STRONG : STRENGTH_WEAK,
                                .is_open = index * 10 < site->incidents * 6};
    const uint8_t outside[4] = {203, 0, 113, (uint8_t)(index % 250 + 1)};
    incident.server = ip_from_v4(outside);
    incident.last_us = site->now_us - (int64_t)draw(site, 86400 * 7) * SECOND_US;
    incident.first_us = incident.last_us - (int64_t)draw(site, 3600) * SECOND_US;
    incident.detection_count = (uint32_t)(1 + draw(site, 5));
    id_make(incident.first_us, incident.id);
    memcpy(site->incident_ids[index], incident.id, ID_SIZE);
    memcpy(incident.endpoint_id, site->endpoint_ids[who], ID_SIZE);
    snprintf(incident.server_name, sizeof(incident.server_name), "c2-%zu.example.net", index % 900);
    snprintf(incident.summary, sizeof(incident.summary), "contact with %s, on list 'reputation'",
             incident.server_name);
    store_put_incident(site->change, &incident);
    for (uint32_t i = 0; i < incident.detection_count; i++) {
        struct detection d = {.seen_us = incident.last_us - i * SECOND_US,
                              .phase = incident.phase,
                              .severity = incident.severity,
                              .confidence = incident.confidence,
                              .src = {.ip = incident.ip, .mac = incident.mac, .port = 50000},
                              .dst = {.ip = incident.server, .port = 443},
                              .protocol = 6,
                              .handshake = true,
                              .strength = incident.strength,
                              .count = 1};
        snprintf(d.id, sizeof(d.id), "%s-%u", incident.id, i);
        snprintf(d.sensor, sizeof(d.sensor), "sensor-%zu", index % 20);
        snprintf(d.maker, sizeof(d.maker), "cordon");
        snprintf(d.signature, sizeof(d.signature), "known command and control server");
        snprintf(d.server_name, sizeof(d.server_name), "%s", incident.server_name);
        d.first_us = d.reported_us = d.seen_us;
        store_put_detection(site->change, &d, incident.id);
    }
    flush(site, BATCH);
}

static size_t
put_marks(const struct containment *c, struct mark *marks)
{
    static const char *const steps[] = {"packet",  "detected", "received", "decided", "committed",
                                        "located", "pushed",   "applied",  "verified"};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        marks[i] = (struct mark){.at_us = c->requested_us + (int64_t)i * 3000};
        snprintf(marks[i].step, sizeof(marks[i].step), "%s", steps[i]);
    }
    return COUNT_OF(steps);
}

/* One in ten of the live ones waits for a person. */
static void
put_containment(struct site *site, size_t index, bool is_ended)
{
    struct mark marks[MARKS_MAX];
    char reason[TEXT_SIZE];
    size_t who = index * (is_ended ? 3 : 23) % site->endpoints;
    bool is_pending = !is_ended && index % 10 == 0;
    struct containment c = {.action = ACTION_ISOLATE,
                            .state = is_ended     ? CONTAINMENT_RELEASED
                                     : is_pending ? CONTAINMENT_PENDING
                                                  : CONTAINMENT_VERIFIED,
                            .hold = is_pending ? HOLD_WEAK : HOLD_NONE,
                            .subject_mac = mac_of(who),
                            .subject_ip = ip4_of(who),
                            .version = 1,
                            .marks = marks};
    int64_t age_s = is_ended ? 86400 + (int64_t)draw(site, 86400 * 90) : (int64_t)draw(site, 86400);
    c.requested_us = site->now_us - age_s * SECOND_US;
    id_make(c.requested_us, c.id);
    memcpy(c.endpoint_id, site->endpoint_ids[who], ID_SIZE);
    memcpy(c.incident_id, site->incident_ids[index % site->incidents], ID_SIZE);
    snprintf(c.permit_set, sizeof(c.permit_set), "updates");
    snprintf(c.policy, sizeof(c.policy), "command and control");
    snprintf(c.requested_by, sizeof(c.requested_by), "policy:command and control");
    c.reason = reason;
    snprintf(reason, sizeof(reason), "contact with c2-%zu.example.net", index % 900);
    snprintf(c.case_number, sizeof(c.case_number), "%c%07zu", is_ended ? 'E' : 'C', index);
    if (!is_pending) {
        c.applied_us = c.requested_us + 20000;
        c.verified_us = c.requested_us + 24000;
    }
    if (is_ended) {
        c.ended_us = c.requested_us + (int64_t)draw(site, 86400) * SECOND_US;
        c.ended_by = (char *)"operator:admin";
        c.end_reason = (char *)"cleaned by the help desk";
    }
    c.mark_count = put_marks(&c, marks);
    store_put_containment(site->change, &c);
    flush(site, BATCH);
}

static void
put_audit(struct site *site, size_t index)
{
    static const char *const actions[] = {"contain", "release", "extend", "sign-in", "check"};
    char object[ID_SIZE];
    int64_t at_us = site->now_us - (int64_t)(site->audit - index) * 60 * SECOND_US;
    id_make(at_us, object);
    char detail[64];
    snprintf(detail, sizeof(detail), "ticket %zu", index);
    store_put_audit(site->change, at_us,
                    index % 3 ? "operator:admin" : "policy:command and control",
                    actions[index % COUNT_OF(actions)], object, detail);
    flush(site, BATCH);
}

/* ---- the configuration ---- */

static void
write_switch(FILE *out, const struct site *site, size_t index)
{
    char name[NAME_SIZE];
    switch_name(index, name);
    fprintf(out, "  - name: %s\n    driver: dummy\n    ports: %d\n    neighbours:\n", name, PORTS);
    size_t above = index <= BELOW ? 0 : 1 + (index - 1) % BELOW;
    if (index > 0) {
        char other[NAME_SIZE];
        switch_name(above, other);
        fprintf(out, "      - {port: up, switch: %s, there: d%zu}\n", other, index);
    }
    for (size_t i = 1; i < site->switches; i++) {
        size_t over = i <= BELOW ? 0 : 1 + (i - 1) % BELOW;
        if (over == index) {
            switch_name(i, name);
            fprintf(out, "      - {port: d%zu, switch: %s, there: up}\n", i, name);
        }
    }
}

static int
write_config(const struct site *site, const char *folder)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/switches.yaml", folder);
    FILE *out = fopen(path, "w");
    if (!out) {
        return -1;
    }
    fprintf(out, "switches:\n");
    for (size_t i = 0; i < site->switches; i++) {
        write_switch(out, site, i);
    }
    return fclose(out);
}

static int
fill(struct site *site)
{
    site->change = store_change_new();
    site->endpoint_ids = mem_new(site->endpoints, sizeof(*site->endpoint_ids));
    site->incident_ids = mem_new(site->incidents, sizeof(*site->incident_ids));
    for (size_t i = 0; i < site->endpoints; i++) {
        put_endpoint(site, i);
    }
    for (size_t i = 0; i < site->incidents; i++) {
        put_incident(site, i);
    }
    for (size_t i = 0; i < site->live; i++) {
        put_containment(site, i, false);
    }
    for (size_t i = 0; i < site->ended; i++) {
        put_containment(site, i, true);
    }
    for (size_t i = 0; i < site->audit; i++) {
        put_audit(site, i);
    }
    flush(site, 0);
    while (site->waiting > 0) {
        event_base_loop(site->base, EVLOOP_ONCE);
    }
    store_change_free(site->change);
    free(site->endpoint_ids);
    free(site->incident_ids);
    return site->error;
}

int
main(int argc, char **argv)
{
    struct site site = {.random = 88172645463325252u,
                        .now_us = clock_wall_us(clock_system()),
                        .switches = 1000,
                        .endpoints = 50000,
                        .live = 2000,
                        .ended = 20000,
                        .incidents = 5000,
                        .audit = 100000};
    size_t *const sizes[] = {&site.switches, &site.endpoints, &site.live,
                             &site.ended,    &site.incidents, &site.audit};
    if (argc < 2) {
        fprintf(stderr, "usage: console_data FOLDER [SWITCHES ENDPOINTS LIVE ENDED INCIDENTS "
                        "AUDIT]\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(sizes) && (size_t)argc > i + 2; i++) {
        unsigned long size = strtoul(argv[i + 2], NULL, 10);
        *sizes[i] = size > 0 && size < 10000000 ? size : 1;
    }
    char path[512], why[256] = "";
    snprintf(path, sizeof(path), "%s/cordon.db", argv[1]);
    site.base = event_base_new();
    int error = store_open(path, site.base, &site.store, why);
    if (error) {
        fprintf(stderr, "console_data: %s: %s\n", path, why);
        return 1;
    }
    error = fill(&site);
    store_close(site.store);
    event_base_free(site.base);
    if (error || write_config(&site, argv[1])) {
        fprintf(stderr, "console_data: cannot write below %s\n", argv[1]);
        return 1;
    }
    return 0;
}
