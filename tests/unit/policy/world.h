/* A world for the engine: endpoints that a test sets up by hand, and a policy in YAML. */
#ifndef CORDON_TESTS_POLICY_WORLD_H
#define CORDON_TESTS_POLICY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

#define WORLD_MAX 256

struct inhabitant {
    struct endpoint endpoint;
    struct binding bindings[16];
    char name[NAME_SIZE]; /* its host name */
    enum known known;
    bool is_protected;
};

struct world {
    struct clock_fake clock;
    struct policy *policy;
    struct engine *engine;
    struct outcome outcome;
    struct inhabitant inhabitants[WORLD_MAX];
    size_t count;
    size_t talkers;
    size_t recounts;        /* of endpoints */
    char untold[NAME_SIZE]; /* a switch that has not told all that it sees; "": none */
};

struct world *world_new(const char *yaml);
void world_free(struct world *world);
/* Endpoint "NAME" with a MAC and an address, attached to port NAME of switch e1. */
struct inhabitant *world_add(struct world *world, const char *name, const char *mac,
                             const char *ip);
/* "NAMEi" at 192.0.2.i, from..to-1, on ports of their own of e1. */
void world_crowd(struct world *world, const char *name, int from, int to);
struct policy_world world_view(struct world *world);
void world_after_s(struct world *world, int64_t seconds);

struct mac mac_of(const char *text);
struct ip ip_of(const char *text);

/* A C&C contact with a handshake, seen with the ends' own MACs, by our sensor. */
struct detection contact(const struct world *world, const char *from, const char *from_mac,
                         const char *to);
/* Runs it; the outcome is in the world. */
const struct outcome *detect(struct world *world, const struct detection *detection);
const struct decision *find_decision(const struct outcome *outcome, enum action action);
/* Stamped by e1 on the access port of that inhabitant. */
struct mirror_origin stamp_of(const struct world *world, const struct inhabitant *inhabitant);

#define ROUTER_MAC "02:00:00:00:ff:01"
#define C2_MAC "02:00:00:00:00:02"
#define C3_MAC "02:00:00:00:00:03"
#define C2_IP "192.0.2.2"
#define C3_IP "192.0.2.3"
#define SERVER_IP "203.0.113.80"

extern const char *const yaml_auto; /* mode auto, isolates strong c2, pairs, servers */

#endif
