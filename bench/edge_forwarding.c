/* Forwarding of 64-byte frames by a bridge that guards its ports with 100,000 blocked endpoints,
 * beside the same bridge without any program on it, alternated in one run on one processor.
 *
 *   child A  eth0 ── p1  br0  p2 ── eth0  child B          (three network namespaces)
 *
 * Prints rows of JSON for bench/run; status 77: cannot run here. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/datapath.h"
#include "edge/rtnl.h"

#define BLOCKED 100000
#define ROUNDS 8
#define ROUND_MS 700
#define BURST 64
#define FRAME_SIZE 60 /* 64 on the wire, with the checksum */
#define PINNED_CPU 1

static const struct mac mac_a = {{0x02, 0, 0, 0, 0, 0x0a}};
static const struct mac mac_b = {{0x02, 0, 0, 0, 0, 0x0b}};

struct machine {
    pid_t pid;
    int to; /* 's': send for a round, 'q': end */
    int from;
};

static void fail(const char *what) __attribute__((noreturn));

static void
fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(errno == EPERM || errno == EACCES ? 77 : 1);
}

static void shell(const char *format, ...) PRINTF_LIKE(1, 2);

static void
shell(const char *format, ...)
{
    char command[256];
    va_list values;
    va_start(values, format);
    vsnprintf(command, sizeof(command), format, values);
    va_end(values);
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

static uint64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
pin(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(PINNED_CPU, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        CPU_ZERO(&set);
        CPU_SET(0, &set); /* a machine with one processor */
        (void)!sched_setaffinity(0, sizeof(set), &set);
    }
}

/* ---- the two machines ---- */

static void
frame_make(uint8_t frame[FRAME_SIZE], const struct mac *to, const struct mac *from)
{
    static const uint8_t ip[28] = {0x45, 0, 0, 46, 0, 0, 0x40, 0,    64, 17,   0,    0, 10,
                                   0,    0, 1, 10, 0, 0, 2,    0xc0, 0,  0x13, 0x88, 0, 26};
    memset(frame, 0, FRAME_SIZE);
    memcpy(frame, to->b, 6);
    memcpy(frame + 6, from->b, 6);
    frame[12] = 0x08;
    memcpy(frame + 14, ip, sizeof(ip));
}

static void
round_send(int fd, struct mmsghdr *burst)
{
    const uint64_t end = now_ms() + ROUND_MS;
    while (now_ms() < end) {
        for (int i = 0; i < 32; i++) {
            (void)sendmmsg(fd, burst, BURST, 0);
        }
    }
}

static void
machine_run(const struct machine *machine, const struct mac *own, const struct mac *other)
{
    uint8_t frame[FRAME_SIZE];
    struct iovec part = {frame, sizeof(frame)};
    struct mmsghdr burst[BURST];
    const int on = 1;
    char word;
    frame_make(frame, other, own);
    memset(burst, 0, sizeof(burst));
    for (int i = 0; i < BURST; i++) {
        burst[i].msg_hdr.msg_iov = &part;
        burst[i].msg_hdr.msg_iovlen = 1;
    }
    pin();
    (void)!write(machine->from, "r", 1);
    int fd = -1;
    while (read(machine->to, &word, 1) == 1 && word != 'q') {
        if (fd < 0) {
            const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                           .sll_ifindex = (int)if_nametoindex("eth0")};
            fd = socket(AF_PACKET, SOCK_RAW, 0);
            setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
            if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
                _exit(1);
            }
        }
        if (word == 's') {
            round_send(fd, burst);
        } else {
            (void)!send(fd, frame, sizeof(frame), 0);
        }
        (void)!write(machine->from, "d", 1);
    }
    _exit(0);
}

static struct machine
machine_start(const char *port, const struct mac *own, const struct mac *other)
{
    int to[2], from[2];
    char ready, text[MAC_TEXT_SIZE];
    if (pipe(to) || pipe(from)) {
        fail("pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        const struct machine self = {.to = to[0], .from = from[1]};
        close(to[1]);
        close(from[0]);
        if (unshare(CLONE_NEWNET)) {
            _exit(77);
        }
        machine_run(&self, own, other);
    }
    close(to[0]);
    close(from[1]);
    const struct machine machine = {.pid = pid, .to = to[1], .from = from[0]};
    if (read(machine.from, &ready, 1) != 1) {
        fail("child");
    }
    mac_format(own, text);
    shell("ip link add %s type veth peer name eth0 netns %d", port, (int)pid);
    shell("nsenter -t %d -n sh -c 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; "
          "ip link set eth0 address %s up'",
          (int)pid, text);
    return machine;
}

static void
machine_tell(const struct machine *machine, char word)
{
    char done;
    if (write(machine->to, &word, 1) != 1 || (word != 'q' && read(machine->from, &done, 1) != 1)) {
        fail("a machine has ended");
    }
}

/* Frames that arrived at its eth0. */
static uint64_t
machine_received(const struct machine *machine)
{
    char path[64], line[512];
    unsigned long long bytes, frames = 0;
    snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)machine->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, " eth0: %llu %llu", &bytes, &frames) == 2) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return frames;
}

/* ---- the switch ---- */

static void
rules_set(struct datapath *datapath)
{
    struct rule *rules = mem_new(BLOCKED, sizeof(*rules));
    for (uint32_t i = 0; i < BLOCKED; i++) {
        rules[i].kind = RULE_ISOLATE;
        snprintf(rules[i].id, sizeof(rules[i].id), "bench/%u", i);
        rules[i].isolate.mac =
            (struct mac){{0x02, 0x11, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
    }
    int result = datapath_set(datapath, rules, BLOCKED, NULL);
    if (result) {
        errno = -result;
        fail("datapath_set");
    }
    free(rules);
}

static double
measure(const struct machine *a, const struct machine *b)
{
    uint64_t before = machine_received(b), began = now_ms();
    machine_tell(a, 's');
    uint64_t took = now_ms() - began;
    return (double)(machine_received(b) - before) * 1000.0 / (double)(took ? took : 1);
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void
guard(struct datapath *datapath, bool is_on, enum port_role way_out)
{
    static const char *const ports[] = {"p1", "p2"};
    const enum port_role roles[] = {PORT_ACCESS, way_out};
    for (uint32_t i = 0; i < COUNT_OF(ports); i++) {
        int ifindex = (int)if_nametoindex(ports[i]);
        if (!is_on) {
            datapath_detach(datapath, ifindex);
        } else if (datapath_attach(datapath, ifindex, ports[i], roles[i], i + 1)) {
            fail("datapath_attach");
        }
    }
}

static void
switch_make(void)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        fail("needs root: unshare");
    }
    shell("mount -t sysfs none /sys 2>/dev/null; ip link set lo up; ip link add br0 type bridge");
    shell("for f in /proc/sys/net/bridge/bridge-nf-call-*; do echo 0 > $f; done; true");
    shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
}

static void
compare(struct datapath *datapath, const struct machine *a, const struct machine *b,
        enum port_role way_out, const char *meaning)
{
    double plain[ROUNDS], guarded[ROUNDS], ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        guard(datapath, false, way_out);
        plain[i] = measure(a, b);
        guard(datapath, true, way_out);
        machine_tell(b, '1'); /* the bridge knows where B is */
        guarded[i] = measure(a, b);
        ratios[i] = plain[i] > 0 ? guarded[i] / plain[i] : 0;
    }
    double p = median(plain, ROUNDS), g = median(guarded, ROUNDS);
    printf("{\"figure\": \"edge: 64-byte frames, %s, %d endpoints blocked\", "
           "\"value\": \"%.0f frames/s\", \"peer\": \"plain bridge: %.0f frames/s\", "
           "\"ratio\": \"%.2f\", \"goal\": \">= 0.85\"}\n",
           meaning, BLOCKED, g, p, median(ratios, ROUNDS));
}

int
main(void)
{
    char dir[] = "/tmp/cordon-bench-XXXXXX", why[256] = "";
    struct datapath *datapath;
    log_setup("bench", LOG_TEXT, LOG_WARN);
    switch_make();
    struct machine a = machine_start("p1", &mac_a, &mac_b);
    struct machine b = machine_start("p2", &mac_b, &mac_a);
    shell("for p in p1 p2; do ip link set $p master br0 up; done; ip link set br0 up");
    const struct datapath_settings settings = {.pin_dir = mkdtemp(dir), .bridge = "br0"};
    if (datapath_open(&settings, &datapath, why)) {
        fprintf(stderr, "%s\n", why);
        return 77;
    }
    rules_set(datapath);
    machine_tell(&b, '1'); /* the bridge learns where B is */
    measure(&a, &b);       /* warm */
    compare(datapath, &a, &b, PORT_UPLINK, "endpoint to uplink");
    compare(datapath, &a, &b, PORT_ACCESS, "endpoint to endpoint");
    datapath_remove(datapath);
    machine_tell(&a, 'q');
    machine_tell(&b, 'q');
    waitpid(a.pid, NULL, 0);
    waitpid(b.pid, NULL, 0);
    rmdir(dir);
    return 0;
}
