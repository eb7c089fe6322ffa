#include "bench.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/mem.h"

static const char *const names[BENCH_PORTS] = {"p1", "p2", "u1", "s1"};
static const enum port_role roles[BENCH_PORTS] = {PORT_ACCESS, PORT_ACCESS, PORT_UPLINK,
                                                  PORT_SERVER};

static void skip(const char *why) __attribute__((noreturn));

static void
skip(const char *why)
{
    fprintf(stderr, "skipped: %s\n", why);
    exit(77);
}

static void
namespace_make(void)
{
    if (geteuid() != 0) {
        skip("needs root");
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        skip("no network namespaces here");
    }
}

void
bench_reopen(struct bench *bench, uint32_t endpoint_room)
{
    char why[256] = "";
    const struct datapath_settings settings = {
        .pin_dir = bench->dir, .bridge = "br0", .endpoint_room = endpoint_room};
    if (datapath_open(&settings, &bench->datapath, why)) {
        skip(why);
    }
    for (int i = 0; i < BENCH_PORTS; i++) {
        if (datapath_attach(bench->datapath, bench->ifindex[i], names[i], roles[i],
                            (uint32_t)i + 1)) {
            fprintf(stderr, "cannot attach to %s\n", names[i]);
            exit(1);
        }
    }
}

void
bench_open(struct bench *bench, uint32_t endpoint_room)
{
    namespace_make();
    snprintf(bench->dir, sizeof(bench->dir), "/tmp/cordon-datapath-XXXXXX");
    if (!mkdtemp(bench->dir)) {
        exit(1);
    }
    for (int i = 0; i < BENCH_PORTS; i++) {
        if (rtnl_make_device(names[i], "veth")) {
            skip("no veth devices here");
        }
        bench->ifindex[i] = (int)if_nametoindex(names[i]);
        if (rtnl_set_up(bench->ifindex[i], true)) {
            exit(1);
        }
    }
    bench_reopen(bench, endpoint_room);
}

void
bench_close(struct bench *bench)
{
    datapath_remove(bench->datapath);
    rmdir(bench->dir);
}

/* 'mark': what the frame bears, and then bears. */
static enum verdict_seen
run(const struct bench *bench, enum bench_port port, enum program_id program,
    const struct frame *frame, uint32_t *mark)
{
    uint8_t padded[FRAME_MAX];
    struct __sk_buff context = {.ifindex = (uint32_t)bench->ifindex[port], .mark = *mark};
    struct __sk_buff after = {.mark = 0};
    size_t size = frame->size < 60 ? 60 : frame->size;
    memset(padded, 0, sizeof(padded));
    memcpy(padded, frame->b, frame->size);
    struct bpf_test_run_opts run = {.sz = sizeof(run),
                                    .data_in = padded,
                                    .data_size_in = (uint32_t)size,
                                    .ctx_in = &context,
                                    .ctx_size_in = sizeof(context),
                                    .ctx_out = &after,
                                    .ctx_size_out = sizeof(after),
                                    .repeat = 1};
    if (bpf_prog_test_run_opts(maps_program_fd(bench->datapath->maps, program), &run)) {
        return VERDICT_ERROR;
    }
    *mark = after.mark;
    switch ((int)run.retval) {
    case TC_ACT_UNSPEC:
        return PASSES;
    case TC_ACT_SHOT:
        return DROPPED;
    case TC_ACT_REDIRECT:
        return ANSWERED;
    default:
        return VERDICT_ERROR;
    }
}

enum verdict_seen
bench_in(const struct bench *bench, enum bench_port port, const struct frame *frame)
{
    uint32_t mark = 0;
    return run(bench, port, PROGRAM_INGRESS, frame, &mark);
}

enum verdict_seen
bench_out(const struct bench *bench, enum bench_port port, const struct frame *frame)
{
    uint32_t mark = 0;
    return run(bench, port, PROGRAM_EGRESS, frame, &mark);
}

enum verdict_seen
bench_through(const struct bench *bench, enum bench_port in, enum bench_port out,
              const struct frame *frame)
{
    uint32_t mark = 0;
    enum verdict_seen seen = run(bench, in, PROGRAM_INGRESS, frame, &mark);
    return seen == PASSES ? run(bench, out, PROGRAM_EGRESS, frame, &mark) : seen;
}

/* ---- rules ---- */

static struct prefix
prefix_of_text(const char *text)
{
    struct prefix prefix;
    if (!prefix_parse(text, &prefix)) {
        abort();
    }
    return prefix;
}

struct rule
bench_isolate(const char *id, const char *mac, const char *ip, const char *permit_set)
{
    struct rule rule = {.kind = RULE_ISOLATE, .isolate = {.shows_warning = true}};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    snprintf(rule.isolate.permit_set, sizeof(rule.isolate.permit_set), "%s", permit_set);
    if (mac) {
        rule.isolate.mac = mac_of_text(mac);
        if (ip) { /* its binding */
            rule.isolate.addresses = mem_new(1, sizeof(struct ip));
            rule.isolate.addresses[0] = ip_of_text(ip);
            rule.isolate.address_count = 1;
        }
    } else {
        rule.isolate.ip = ip_of_text(ip);
    }
    return rule;
}

/* DHCP from 10.0.0.2; names by 10.0.0.53; TCP 443 of 10.0.0.10 and 2001:db8::10; anything of
 * 10.9.0.0/16; update.example by TCP 80. */
struct rule
bench_permits(void)
{
    static struct ip dhcp, resolver;
    static struct permit permits[4];
    struct rule rule = {.kind = RULE_PERMIT_SET,
                        .permit_set = {.name = "few",
                                       .allows_dhcp = true,
                                       .forwards_dns = true,
                                       .dhcp_servers = &dhcp,
                                       .dhcp_server_count = 1,
                                       .resolvers = &resolver,
                                       .resolver_count = 1,
                                       .permits = permits,
                                       .permit_count = 4}};
    dhcp = ip_of_text("10.0.0.2");
    resolver = ip_of_text("10.0.0.53");
    permits[0] = (struct permit){
        .server = prefix_of_text("10.0.0.10"), .protocol = 6, .port_low = 443, .port_high = 443};
    permits[1] = permits[0];
    permits[1].server = prefix_of_text("2001:db8::10");
    permits[2] = (struct permit){.server = prefix_of_text("10.9.0.0/16")};
    permits[3] =
        (struct permit){.name = "update.example", .protocol = 6, .port_low = 80, .port_high = 80};
    snprintf(rule.id, sizeof(rule.id), "permits/few");
    return rule;
}

struct rule
bench_server(const char *id, const char *prefix)
{
    struct rule rule = {.kind = RULE_BLOCK_SERVER, .server = {prefix_of_text(prefix)}};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    return rule;
}

struct rule
bench_pair(const char *id, const char *mac, const char *server)
{
    struct rule rule = {.kind = RULE_BLOCK_PAIR,
                        .pair = {.mac = mac_of_text(mac), .server = prefix_of_text(server)}};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    return rule;
}

struct rule
bench_protect(const char *id, const char *mac, const char *prefix)
{
    struct rule rule = {.kind = RULE_PROTECT};
    snprintf(rule.id, sizeof(rule.id), "%s", id);
    if (mac) {
        rule.protect.mac = mac_of_text(mac);
    }
    if (prefix) {
        rule.protect.server = prefix_of_text(prefix);
    }
    return rule;
}
