#include "edge/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define ERSPAN_HEAD 50 /* Ethernet, IPv4, GRE and ERSPAN II in front of a copy */
#define FRAME_SIZE 1514

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

static void
mtu_check(const struct learn *learn, struct wire_edge_stats *stats)
{
    struct learn_port ports[LEARN_PORTS_MAX];
    size_t count = learn_ports(learn, ports, LEARN_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (ports[i].role == PORT_UPLINK && ports[i].mtu < FRAME_SIZE - 14 + ERSPAN_HEAD) {
            problem_add(stats,
                        "uplink %s has MTU %u: copies of full frames are cut; raise it to "
                        "%d or give the mirror a snap length",
                        ports[i].name, ports[i].mtu, FRAME_SIZE - 14 + ERSPAN_HEAD);
        }
    }
}

void
health_read(struct datapath *datapath, const struct learn *learn, bool has_remote_mirror,
            struct wire_counter *counters, struct wire_edge_stats *stats)
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
    if (has_remote_mirror) {
        mtu_check(learn, stats);
    }
    if (learn_bridge(learn) == 0) {
        problem_add(stats, "the bridge does not exist");
    }
}
