/* How long an edge is busy with itself while rules are many: putting all of them in (as at its
 * start), one change, and looking at what the maps hold with and without test runs.  Four ports.
 * Needs root; 77 where there is no BPF. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/datapath.h"

#define PORTS 4

static double
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
shell(const char *command)
{
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

static struct rule
isolate(uint32_t i)
{
    struct rule rule = {.kind = RULE_ISOLATE};
    snprintf(rule.id, sizeof(rule.id), "bench/%u", i);
    rule.isolate.mac =
        (struct mac){{0x02, 0x11, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
    return rule;
}

static void
row(const char *what, uint32_t count, double ms, const char *peer, double peer_ms)
{
    printf("{\"figure\": \"edge: %s, %u endpoints blocked\", \"value\": \"%.2f ms\"", what, count,
           ms);
    if (peer) {
        printf(", \"peer\": \"%s: %.2f ms\", \"ratio\": \"%.2f\"", peer, peer_ms,
               peer_ms > 0 ? ms / peer_ms : 0);
    }
    printf("}\n");
}

static double
read_back(struct datapath *datapath, bool verify, struct rule_report *reports)
{
    double start = now_ms();
    if (datapath_read_back(datapath, verify, reports)) {
        fprintf(stderr, "cannot read back\n");
        exit(1);
    }
    return now_ms() - start;
}

static void
measure(struct datapath *datapath, uint32_t count)
{
    struct rule *rules = mem_new(count + 1, sizeof(*rules));
    struct rule_report *reports = mem_new(count + 1, sizeof(*reports));
    for (uint32_t i = 0; i <= count; i++) {
        rules[i] = isolate(i);
    }
    double start = now_ms();
    if (datapath_set(datapath, rules, count, NULL)) {
        fprintf(stderr, "datapath_set failed\n");
        exit(1);
    }
    double set = now_ms() - start;
    start = now_ms();
    int changed = datapath_change(datapath, &rules[count], 1, NULL, 0, reports);
    datapath_read_back_these(datapath, &rules[count], 1, true, reports);
    if (changed || reports[0].state != RULE_VERIFIED) {
        fprintf(stderr, "one change failed: %s\n", reports[0].why);
        exit(1);
    }
    double change = now_ms() - start;
    double read = read_back(datapath, false, reports);
    double first = read_back(datapath, true, reports);
    read = read_back(datapath, false, reports);
    double again = read_back(datapath, true, reports);
    for (uint32_t i = 0; i <= count; i++) {
        if (reports[i].state != RULE_VERIFIED) {
            fprintf(stderr, "%s is not verified: %s\n", reports[i].id, reports[i].why);
            exit(1);
        }
    }
    row("all rules put in at start", count, set, NULL, 0);
    row("one more rule, verified", count, change, NULL, 0);
    row("read-back", count, read, NULL, 0);
    row("first read-back with test runs", count, first, NULL, 0);
    row("read-back with test runs", count, again, "the first, which tries all", first);
    free(rules);
    free(reports);
}

int
main(void)
{
    char dir[] = "/tmp/cordon-bench-XXXXXX", why[256] = "";
    struct datapath *datapath;
    log_setup("bench", LOG_TEXT, LOG_WARN);
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        fprintf(stderr, "needs root: unshare\n");
        return 77;
    }
    shell("ip link add br0 type bridge && ip link set br0 up");
    for (uint32_t i = 0; i < PORTS; i++) {
        char command[128];
        snprintf(command, sizeof(command),
                 "ip link add p%u type veth peer name q%u && ip link set p%u master br0 up", i, i,
                 i);
        shell(command);
    }
    const struct datapath_settings settings = {.pin_dir = mkdtemp(dir), .bridge = "br0"};
    if (datapath_open(&settings, &datapath, why)) {
        fprintf(stderr, "%s\n", why);
        return 77;
    }
    for (uint32_t i = 0; i < PORTS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%u", i);
        if (datapath_attach(datapath, (int)if_nametoindex(name), name,
                            i == 0 ? PORT_UPLINK : PORT_ACCESS, i + 1)) {
            fprintf(stderr, "cannot attach\n");
            return 1;
        }
    }
    measure(datapath, 100);
    measure(datapath, 10000);
    measure(datapath, 100000);
    datapath_remove(datapath);
    rmdir(dir);
    return 0;
}
