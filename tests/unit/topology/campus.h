/* A small campus in facts, told in sentences: two edge switches e1 and e2 (access ports p1 to p9,
 * uplink "ul") and a core (access port "s1", uplinks "d1" and "d2").  The clock stands still until
 * a test lets it go on. */
#ifndef CORDON_TESTS_TOPOLOGY_CAMPUS_H
#define CORDON_TESTS_TOPOLOGY_CAMPUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "topology/topology.h"

#define TOLD_MAX 4096

struct told {
    enum topology_change change;
    char endpoint_id[ID_SIZE];
    struct location before;
    bool has_before;
    char detail[TEXT_SIZE];
};

struct campus {
    struct clock_fake clock;
    struct topology *topology;
    struct topology_settings settings;
    struct told told[TOLD_MAX];
    size_t told_count;
    size_t gone_count;
    char gone_into[ID_SIZE];
    uint32_t lease_s; /* of what the server answers; 0: an hour */
};

/* The listener counts; three switches are up with their ports and links. */
struct campus *campus_new(const struct topology_settings *settings);
void campus_free(struct campus *campus);
void after_s(struct campus *campus, int64_t seconds);
int64_t now_us(const struct campus *campus);

void port_is(struct campus *c, const char *on, const char *port, enum port_role role);
void link_goes_down(struct campus *c, const char *on, const char *port);
void link_goes_up(struct campus *c, const char *on, const char *port);
void seen(struct campus *c, const char *on, const char *port, const char *mac);
void aged(struct campus *c, const char *on, const char *port, const char *mac);
void arp(struct campus *c, const char *on, const char *port, const char *mac, const char *ip);
/* DHCP: what the client says on its port, what the server answers by another, and both. */
void asks(struct campus *c, const char *on, const char *port, const char *mac,
          const char *client_id, const char *host_name);
void answers(struct campus *c, const char *on, const char *port, const char *mac, const char *ip);
void lease(struct campus *c, const char *on, const char *port, const char *mac, const char *ip,
           const char *client_id, const char *host_name);
void hears(struct campus *c, const char *on, const char *port, const char *neighbour,
           const char *neighbour_port);
void one_fact(struct campus *c, const char *on, const struct fact *fact);

const struct endpoint *endpoint_of(const struct campus *c, const char *mac);
enum resolution who(const struct campus *c, const char *ip, int64_t at_us,
                    const struct endpoint **endpoint);
enum resolution who_at(const struct campus *c, const char *site, const char *ip, int64_t at_us,
                       const struct endpoint **endpoint);
size_t told_of(const struct campus *c, enum topology_change change);
bool has_event(const struct endpoint *endpoint, enum endpoint_event_kind kind, const char *words);
struct mac mac_of(const char *text);
struct ip ip_of(const char *text);

void assert_at(const struct campus *c, const char *mac, const char *on, const char *port,
               enum location_class class);

#endif
