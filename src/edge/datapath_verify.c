/* What the switch really holds: the maps compared with the rules, and test runs
 * (BPF_PROG_TEST_RUN) of the attached programs with frames of the endpoint. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/datapath.h"
#include "edge/datapath_state.h"

#define PROBE_SIZE 60
/* Of one read-back, so that a change does not wait for it (measured: 2 us a rule looked at, 3 us a
 * test run).  Beyond, a rule is tried on one port at a time, and not every time. */
#define LOOKS_MAX 4096
#define RUNS_MAX 1024
#define RUNS_PER_RULE 2
#define PROTOCOL_TCP 6
#define TCP_SYN 2
#define ETHERTYPE_LOCAL 0x88b5 /* IEEE 802 local experimental */

/* Nobody's: locally administered, not given to any endpoint by us. */
static const struct mac probe_mac = {{0x02, 0xc0, 0x4d, 0x74, 0x65, 0x73}};
static const struct mac probe_peer = {{0x02, 0xc0, 0x4d, 0x74, 0x65, 0x74}};

struct probe {
    uint8_t frame[PROBE_SIZE + 20];
    size_t size;
};

static void
probe_start(struct probe *probe, const struct mac *src, const struct mac *dst, uint16_t type)
{
    memset(probe, 0, sizeof(*probe));
    memcpy(probe->frame, dst->b, 6);
    memcpy(probe->frame + 6, src->b, 6);
    probe->frame[12] = (uint8_t)(type >> 8);
    probe->frame[13] = (uint8_t)(type & 0xff);
    probe->size = PROBE_SIZE;
}

/* A TCP SYN between two addresses of one family; the other end of 'known' is a test address. */
static void
probe_syn(struct probe *probe, const struct ip *src, const struct ip *dst, uint16_t port)
{
    uint8_t *l3 = probe->frame + ETH_HLEN, *l4;
    if (ip_is_v4(src) || ip_is_v4(dst)) {
        probe->frame[12] = 0x08;
        probe->frame[13] = 0x00;
        l3[0] = 0x45;
        l3[3] = 40;
        l3[8] = 64;
        l3[9] = PROTOCOL_TCP;
        memcpy(l3 + 12, src->b + 12, 4);
        memcpy(l3 + 16, dst->b + 12, 4);
        l4 = l3 + 20;
    } else {
        probe->frame[12] = 0x86;
        probe->frame[13] = 0xdd;
        l3[0] = 0x60;
        l3[5] = 20;
        l3[6] = PROTOCOL_TCP;
        l3[7] = 64;
        memcpy(l3 + 8, src->b, 16);
        memcpy(l3 + 24, dst->b, 16);
        l4 = l3 + 40;
        probe->size = PROBE_SIZE + 20;
    }
    l4[0] = 0x80; /* from an ephemeral port */
    l4[2] = (uint8_t)(port >> 8);
    l4[3] = (uint8_t)(port & 0xff);
    l4[12] = 0x50;
    l4[13] = TCP_SYN;
}

/* Documentation addresses (RFC 5737, RFC 3849): no endpoint and no server has them. */
static struct ip
test_address(const struct ip *of)
{
    static const uint8_t v4[4] = {192, 0, 2, 254};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 0xfe};
    return ip_is_v4(of) ? ip_from_v4(v4) : ip_from_v6(v6);
}

/* The verdict of the program at this port, or negative errno. */
static int
run(const struct datapath *datapath, const struct dp_port_held *port, enum program_id program,
    const struct probe *probe)
{
    struct __sk_buff context = {.mark = datapath->config.test_mark,
                                .ifindex = (uint32_t)port->ifindex};
    struct bpf_test_run_opts run;
    memset(&run, 0, sizeof(run)); /* libbpf refuses padding that is not zero */
    run.sz = sizeof(run);
    run.data_in = probe->frame;
    run.data_size_in = (uint32_t)probe->size;
    run.ctx_in = &context;
    run.ctx_size_in = sizeof(context);
    run.repeat = 1;
    int result = bpf_prog_test_run_opts(maps_program_fd(datapath->maps, program), &run);
    return result ? (result < 0 ? result : -errno) : (int)(run.retval & 0xff);
}

/* Must be stopped as it comes in. */
static bool
is_dropped(const struct datapath *datapath, const struct dp_port_held *port,
           enum program_id program, const struct probe *probe, const char *what, char *why)
{
    int verdict = run(datapath, port, program, probe);
    if (verdict == TC_ACT_SHOT) {
        return true;
    }
    if (verdict < 0) {
        snprintf(why, TEXT_SIZE, "test run at port %.40s: %s", port->name, strerror(-verdict));
    } else {
        snprintf(why, TEXT_SIZE, "a test frame %s passes at port %.40s (is it protected?)", what,
                 port->name);
    }
    return false;
}

/* ---- one port ---- */

static bool
isolate_verify(const struct datapath *datapath, const struct dp_port_held *port,
               const struct rule_isolate *isolate, char *why)
{
    struct probe from, to;
    bool is_by_mac = !mac_is_none(&isolate->mac);
    const struct mac *mac = is_by_mac ? &isolate->mac : &probe_mac;
    if (isolate->port[0] && strcmp(isolate->port, port->name) != 0) {
        return true; /* this rule is about another port */
    }
    probe_start(&from, mac, &probe_peer, ETHERTYPE_LOCAL);
    probe_start(&to, &probe_peer, mac, ETHERTYPE_LOCAL);
    if (!is_by_mac) {
        static const struct mac group = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}};
        const struct ip peer = test_address(&isolate->ip);
        probe_start(&from, mac, &group, ETHERTYPE_LOCAL);
        probe_syn(&from, &isolate->ip, &peer, 9); /* to a group: no permit lets that pass */
        probe_syn(&to, &peer, &isolate->ip, 9);
    }
    enum program_id towards = isolate->port[0] ? PROGRAM_EGRESS : PROGRAM_INGRESS;
    if (towards == PROGRAM_EGRESS && port->role != PORT_ACCESS) {
        return is_dropped(datapath, port, PROGRAM_INGRESS, &from, "from the endpoint", why);
    }
    return is_dropped(datapath, port, PROGRAM_INGRESS, &from, "from the endpoint", why) &&
           is_dropped(datapath, port, towards, &to, "to the endpoint", why);
}

static bool
hold_verify(const struct datapath *datapath, const struct dp_port_held *port,
            const struct held *held, char *why)
{
    struct probe from;
    if (held->is_cleared || strcmp(held->rule.hold_port.port, port->name) != 0) {
        return true;
    }
    probe_start(&from, &probe_mac, &probe_peer, ETHERTYPE_LOCAL);
    return is_dropped(datapath, port, PROGRAM_INGRESS, &from, "from a new MAC", why);
}

static bool
server_verify(const struct datapath *datapath, const struct dp_port_held *port,
              const struct prefix *server, char *why)
{
    struct probe to, from;
    const struct ip peer = test_address(&server->ip);
    probe_start(&to, &probe_mac, &probe_peer, ETHERTYPE_LOCAL);
    probe_start(&from, &probe_peer, &probe_mac, ETHERTYPE_LOCAL);
    probe_syn(&to, &peer, &server->ip, 80);
    probe_syn(&from, &server->ip, &peer, 80);
    return is_dropped(datapath, port, PROGRAM_INGRESS, &to, "to the server", why) &&
           is_dropped(datapath, port, PROGRAM_INGRESS, &from, "from the server", why);
}

static bool
pair_verify(const struct datapath *datapath, const struct dp_port_held *port,
            const struct rule_pair *pair, char *why)
{
    struct probe to, from;
    const struct ip own = test_address(&pair->server.ip);
    const struct ip *endpoint = ip_is_none(&pair->ip) ? &own : &pair->ip;
    const struct mac *mac = mac_is_none(&pair->mac) ? &probe_mac : &pair->mac;
    probe_start(&to, mac, &probe_peer, ETHERTYPE_LOCAL);
    probe_start(&from, &probe_peer, mac, ETHERTYPE_LOCAL);
    probe_syn(&to, endpoint, &pair->server.ip, 80);
    probe_syn(&from, &pair->server.ip, endpoint, 80);
    return is_dropped(datapath, port, PROGRAM_INGRESS, &to, "of the pair", why) &&
           is_dropped(datapath, port, PROGRAM_INGRESS, &from, "back to the endpoint", why);
}

static bool
rule_verify_at(const struct datapath *datapath, const struct dp_port_held *port,
               const struct held *held, char *why)
{
    const struct rule *rule = &held->rule;
    switch (rule->kind) {
    case RULE_ISOLATE:
        return isolate_verify(datapath, port, &rule->isolate, why);
    case RULE_HOLD_PORT:
        return hold_verify(datapath, port, held, why);
    case RULE_BLOCK_SERVER:
        return server_verify(datapath, port, &rule->server.server, why);
    case RULE_BLOCK_PAIR:
        return pair_verify(datapath, port, &rule->pair, why);
    default:
        return true; /* nothing that a frame could show */
    }
}

/* ---- the programs themselves ---- */

/* The programs pass plain frames by it before they look at anything else, and frames of a test run
 * are never plain: what it says wrongly no test run shows. */
static bool
config_verify(const struct datapath *datapath, char *why)
{
    const uint32_t zero = 0;
    struct dp_config held;
    int result = maps_get(datapath->maps, MAP_CONFIG, &zero, &held);
    if (result) {
        snprintf(why, TEXT_SIZE, "the configuration in the maps cannot be read: %s",
                 strerror(-result));
    } else if (memcmp(&held, &datapath->config, sizeof(held)) != 0) {
        snprintf(why, TEXT_SIZE, "the configuration in the maps is not what was set");
    }
    return why[0] == '\0';
}

/* Our filters are on every port, and let a stranger's frame pass: a program that dropped everything
 * would verify any block. */
static bool
programs_verify(const struct datapath *datapath, char *why)
{
    struct probe stranger;
    if (!config_verify(datapath, why)) {
        return false;
    }
    probe_start(&stranger, &probe_mac, &probe_peer, ETHERTYPE_LOCAL);
    for (size_t i = 0; i < datapath->port_count; i++) {
        const struct dp_port_held *port = &datapath->ports[i];
        if (!attach_is_good(datapath->maps, port->ifindex, ATTACH_INGRESS, PROGRAM_INGRESS) ||
            (port->has_egress &&
             !attach_is_good(datapath->maps, port->ifindex, ATTACH_EGRESS, PROGRAM_EGRESS))) {
            snprintf(why, TEXT_SIZE, "our filter is not on port %.40s", port->name);
            return false;
        }
        if (!datapath_port_value(datapath, port).is_held &&
            run(datapath, port, PROGRAM_INGRESS, &stranger) == TC_ACT_SHOT) {
            snprintf(why, TEXT_SIZE, "port %.40s drops frames that no rule is about", port->name);
            return false;
        }
    }
    return true;
}

/* ---- read-back ---- */

/* Frames that a mirror has copied so far. */
static uint64_t
mirror_hits(const struct datapath *datapath, const struct held *held)
{
    struct dp_session_state state;
    if (held->rule.mirror->kind == MIRROR_TRANSIT) {
        return maps_counter(datapath->maps, DP_RSPAN_STEERED);
    }
    return held->slot != SLOT_NONE &&
                   maps_get(datapath->maps, MAP_SESS_STATE, &held->slot, &state) == 0
               ? state.copied
               : 0;
}

static const char *
map_text(enum map_id map)
{
    return map_kinds[map].name;
}

static void
rule_verify(const struct datapath *datapath, const struct held *held,
            const struct dp_port_held *ports, size_t port_count, const char *programs_why,
            struct rule_report *report)
{
    if (datapath->config.is_suspended) {
        snprintf(report->why, sizeof(report->why), "enforcement is suspended");
        return;
    }
    if (programs_why[0]) {
        report->state = RULE_FAILED;
        snprintf(report->why, sizeof(report->why), "%s", programs_why);
        return;
    }
    for (size_t i = 0; i < port_count; i++) {
        if (!rule_verify_at(datapath, &ports[i], held, report->why)) {
            report->state = RULE_FAILED;
            return;
        }
    }
    if (held->waits > 0) {
        snprintf(report->why, sizeof(report->why), "waiting for the sensor's answer to ARP");
        return;
    }
    report->state = RULE_VERIFIED;
}

/* What was found last, where nothing has changed since. */
static void
held_repeat(const struct datapath *datapath, const struct held *held, const char *programs_why,
            struct rule_report *report)
{
    *report = (struct rule_report){.state = RULE_APPLIED, .hits = held->seen_hits};
    snprintf(report->id, sizeof(report->id), "%s", held->rule.id);
    if (programs_why) {
        rule_verify(datapath, held, NULL, 0, programs_why, report);
    }
}

static void
held_read_back(const struct datapath *datapath, struct held *held, const struct dp_port_held *ports,
               size_t port_count, const char *programs_why, struct rule_report *report)
{
    enum map_id map = MAP_CONFIG;
    char wrong[128] = "";
    enum seen before = held->seen;
    *report = (struct rule_report){.state = RULE_APPLIED};
    snprintf(report->id, sizeof(report->id), "%s", held->rule.id);
    held->seen = SEEN_NOT;
    int result = claims_check(datapath->want, held->serial, &map, &report->hits);
    if (held->rule.kind == RULE_MIRROR) {
        report->hits = mirror_hits(datapath, held);
    }
    if (result) {
        snprintf(wrong, sizeof(wrong), "the entry in %s is %s", map_text(map),
                 result == -ENOENT    ? "missing"
                 : result == -EBADMSG ? "not what was set"
                                      : strerror(-result));
    }
    if (held->error) {
        report->state = RULE_FAILED;
        snprintf(report->why, sizeof(report->why), "%.300s%s%s", held->why ? held->why : "",
                 wrong[0] ? "; " : "", wrong);
    } else if (result) {
        report->state = result == -ENOENT ? RULE_ABSENT : RULE_FAILED;
        snprintf(report->why, sizeof(report->why), "%s", wrong);
    } else if (programs_why) {
        rule_verify(datapath, held, ports, port_count, programs_why, report);
        held->seen = report->state == RULE_VERIFIED ? SEEN_VERIFIED : SEEN_NOT;
    } else {
        held->seen = before == SEEN_VERIFIED ? SEEN_VERIFIED : SEEN_EQUAL;
    }
    held->seen_hits = report->hits;
}

/* Is 'index' one of 'size' after 'from', in a ring of 'count'? */
static bool
is_in(size_t index, size_t from, size_t size, size_t count)
{
    return (index + count - from) % count < size;
}

int
datapath_read_back(struct datapath *datapath, bool verify, struct rule_report *reports)
{
    char why[TEXT_SIZE] = "";
    const struct dp_port_held *ports = datapath->ports;
    size_t count = datapath->rules.count, port_count = datapath->port_count;
    size_t tries = verify ? count : 0;
    if (count == 0) {
        return 0;
    }
    size_t look_from = datapath->look_from % count, try_from = datapath->try_from % count;
    if (verify) {
        (void)programs_verify(datapath, why);
    }
    if (verify && count * port_count * RUNS_PER_RULE > RUNS_MAX) {
        tries = RUNS_MAX / RUNS_PER_RULE < count ? RUNS_MAX / RUNS_PER_RULE : count;
        ports += datapath->try_from / count % port_count; /* the next one in each round */
        port_count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        struct held *held = datapath->rules.items[i];
        bool is_due = is_in(i, look_from, LOOKS_MAX, count) ||
                      (tries > 0 && is_in(i, try_from, tries, count)) ||
                      held->seen < (verify ? SEEN_VERIFIED : SEEN_EQUAL);
        if (is_due) {
            bool tries_it =
                verify && (held->seen != SEEN_VERIFIED || is_in(i, try_from, tries, count));
            held_read_back(datapath, held, ports, tries_it ? port_count : 0, verify ? why : NULL,
                           &reports[i]);
        } else {
            held_repeat(datapath, held, verify ? why : NULL, &reports[i]);
        }
    }
    datapath->look_from = look_from + LOOKS_MAX;
    datapath->try_from += tries;
    return 0;
}

void
datapath_read_back_these(struct datapath *datapath, const struct rule *rules, size_t count,
                         bool verify, struct rule_report *reports)
{
    char why[TEXT_SIZE] = "";
    if (verify) {
        (void)programs_verify(datapath, why);
    }
    for (size_t i = 0; i < count; i++) {
        struct held *held = datapath_held_find(datapath, rules[i].id);
        if (!held) {
            reports[i] = (struct rule_report){.state = RULE_FAILED};
            snprintf(reports[i].id, sizeof(reports[i].id), "%s", rules[i].id);
            snprintf(reports[i].why, sizeof(reports[i].why), "cannot read it back");
        } else if (reports[i].state != RULE_FAILED) {
            held_read_back(datapath, held, datapath->ports, datapath->port_count,
                           verify ? why : NULL, &reports[i]);
        }
    }
}
