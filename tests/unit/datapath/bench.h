/* A switch in a network namespace of the test's own: veth devices as ports, the real programs and
 * maps.  Frames are put through the programs by BPF_PROG_TEST_RUN. */
#ifndef CORDON_TESTS_DATAPATH_BENCH_H
#define CORDON_TESTS_DATAPATH_BENCH_H

#include "../edge/frames.h"
#include "edge/datapath_state.h"

enum bench_port { P1, P2, U1, S1, BENCH_PORTS }; /* two access ports, an uplink, a server port */

enum verdict_seen { PASSES, DROPPED, ANSWERED, VERDICT_ERROR };

struct bench {
    struct datapath *datapath;
    char dir[64];
    int ifindex[BENCH_PORTS];
};

/* Ends the test program with status 77 (skipped) where there is no root or no BPF. */
void bench_open(struct bench *bench, uint32_t endpoint_room);
/* Again on the same pins, as after a restart. */
void bench_reopen(struct bench *bench, uint32_t endpoint_room);
void bench_close(struct bench *bench);
enum verdict_seen bench_in(const struct bench *bench, enum bench_port port,
                           const struct frame *frame);
enum verdict_seen bench_out(const struct bench *bench, enum bench_port port,
                            const struct frame *frame);
/* In by one port and, if it passes there, out by another, as the bridge would hand it on. */
enum verdict_seen bench_through(const struct bench *bench, enum bench_port in, enum bench_port out,
                                const struct frame *frame);

/* Rules; all of them leave room for more members to be set. */
struct rule bench_isolate(const char *id, const char *mac, const char *ip, const char *permit_set);
struct rule bench_permits(void); /* "few": see bench.c */
struct rule bench_server(const char *id, const char *prefix);
struct rule bench_pair(const char *id, const char *mac, const char *server);
struct rule bench_protect(const char *id, const char *mac, const char *prefix);

#endif
