#include "edge/health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "edge/disk.h"
#include "edge/rtnl.h"

#define PAYLOAD_SIZE 1500 /* of a full frame */
#define ERSPAN_HEAD 50    /* IPv4, GRE, ERSPAN II and the copy's own Ethernet */
#define TAG_SIZE 4

static void problem_add(struct wire_edge_stats *stats, const char *format, ...) PRINTF_LIKE(2, 3);

static void
problem_add(struct wire_edge_stats *stats, const char *format, ...)
{
    va_list values;
    if (stats->problem_count == COUNT_OF(stats->problems)) {
        return;
    }
    va_start(values, format);
    vsnprintf(stats->problems[stats->problem_count++], TEXT_SIZE, format, values);
    va_end(values);
}

/* br_netfilter drops bridged IPv4 frames with bad checksums and costs a quarter of the speed. */
static void
netfilter_check(struct wire_edge_stats *stats)
{
    static const char *const names[] = {"iptables", "ip6tables", "arptables"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[128], *text;
        size_t size;
        snprintf(path, sizeof(path), "/proc/sys/net/bridge/bridge-nf-call-%s", names[i]);
        if (file_read(path, 16, &text, &size) == 0) {
            if (text[0] == '1') {
                problem_add(stats,
                            "br_netfilter is on: bridged frames pass %s and are slower; "
                            "set net.bridge.bridge-nf-call-%s=0 unless that is wanted",
                            names[i], names[i]);
            }
            free(text);
        }
    }
}

/* The copies leave by the device that leads to the sensor, a port of the bridge or not. */
static void
erspan_check(const struct ip *sensor, struct wire_edge_stats *stats)
{
    char text[IP_TEXT_SIZE];
    struct next_hop hop = {.ifindex = 0};
    int result = rtnl_next_hop(sensor, 0, &hop);
    bool has_way = result == 0 || result == -EAGAIN; /* ARP does not matter here */
    uint32_t mtu = has_way ? rtnl_mtu(hop.ifindex) : 0;
    if (mtu != 0 && mtu < PAYLOAD_SIZE + ERSPAN_HEAD) {
        ip_format(sensor, text);
        problem_add(stats,
                    "the way to the sensor %s has MTU %u: copies of full frames are lost; raise it "
                    "to %d or give the mirror a snap length",
                    text, mtu, PAYLOAD_SIZE + ERSPAN_HEAD);
    }
}

static void
rspan_check(const struct learn *learn, const char *out_port, struct wire_edge_stats *stats)
{
    struct learn_port ports[LEARN_PORTS_MAX];
    size_t count = learn_ports(learn, ports, LEARN_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        bool is_it = out_port[0] ? strcmp(ports[i].name, out_port) == 0
                                 : ports[i].role == PORT_UPLINK; /* the first, as the datapath */
        if (!is_it) {
            continue;
        }
        if (ports[i].mtu < PAYLOAD_SIZE + TAG_SIZE) {
            problem_add(stats,
                        "port %s, where RSPAN copies leave, has MTU %u: copies of full frames have "
                        "a tag more; raise it to %d or give the mirror a snap length",
                        ports[i].name, ports[i].mtu, PAYLOAD_SIZE + TAG_SIZE);
        }
        return;
    }
}

static bool
is_same_way(const struct rule_mirror *a, const struct rule_mirror *b)
{
    return a->snap == 0 && a->carrier == b->carrier &&
           (a->carrier == CARRIER_ERSPAN ? ip_is_equal(&a->erspan_to, &b->erspan_to)
                                         : strcmp(a->out_port, b->out_port) == 0);
}

static void
mirrors_check(const struct datapath *datapath, const struct learn *learn,
              struct wire_edge_stats *stats)
{
    size_t count = datapath_kind_count(datapath, RULE_MIRROR);
    for (size_t i = 0; i < count; i++) {
        const struct rule_mirror *mirror = datapath_kind_at(datapath, RULE_MIRROR, i)->mirror;
        bool was_checked = false;
        for (size_t j = 0; j < i && !was_checked; j++) {
            was_checked = is_same_way(datapath_kind_at(datapath, RULE_MIRROR, j)->mirror, mirror);
        }
        if (mirror->snap != 0 || was_checked) {
            continue;
        }
        if (mirror->carrier == CARRIER_ERSPAN) {
            erspan_check(&mirror->erspan_to, stats);
        } else if (mirror->carrier == CARRIER_RSPAN) {
            rspan_check(learn, mirror->out_port, stats);
        }
    }
}

void
health_read(struct datapath *datapath, const struct learn *learn, struct wire_counter *counters,
            struct wire_edge_stats *stats)
{
    struct datapath_counter read[COUNTERS_MAX];
    size_t count = datapath_counters(datapath, read, COUNTERS_MAX - 2);
    for (size_t i = 0; i < count; i++) {
        snprintf(counters[i].name, sizeof(counters[i].name), "%s", read[i].name);
        counters[i].count = read[i].count;
    }
    snprintf(counters[count].name, sizeof(counters[count].name), "learn_lost");
    counters[count++].count = learn_lost(learn);
    snprintf(counters[count].name, sizeof(counters[count].name), "learn_bindings_dropped");
    counters[count++].count = learn_bindings_dropped(learn);
    stats->counters = counters;
    stats->counter_count = count;
    netfilter_check(stats);
    mirrors_check(datapath, learn, stats);
    if (learn_bridge(learn) == 0) {
        problem_add(stats, "the bridge does not exist");
    }
}

void
health_disk(bool is_silent, bool is_behind, struct wire_edge_stats *stats)
{
    if (is_silent) {
        problem_add(stats,
                    "the disk has not answered for more than %d s: a reboot would lose what "
                    "was set since",
                    DISK_SILENT_S);
    }
    if (is_behind) {
        problem_add(stats, "the disk did not take all that was set: a reboot would lose it; it is "
                           "tried again");
    }
}
