/* What this switch sees: its ports, the MACs behind them, who uses which address, its neighbours.
 * Turned into facts, in order; a full report can be had at any time.  One thread. */
#ifndef CORDON_EDGE_LEARN_H
#define CORDON_EDGE_LEARN_H

#include <event2/event.h>

#include "base/clock.h"
#include "edge/kernel_link.h"
#include "edge/lldp.h"
#include "edge/settings.h"
#include "model/fact.h"

#define LEARN_MACS_MAX 65536
#define LEARN_BINDINGS_MAX 65536
#define LEARN_PORT_BINDINGS_MAX 1024 /* of an access port */
#define LEARN_PORTS_MAX 256

struct learn;

struct learn_port {
    int ifindex;
    char name[NAME_SIZE];
    struct mac mac;
    uint32_t mtu;
    uint32_t number; /* the bridge's; 0: not in it */
    enum port_role role;
    bool is_up;
    bool has_left; /* taken out of a bridge that is still there: not to be put back */
};

struct learn_handler {
    /* One fact more; copied by the receiver. */
    void (*on_fact)(void *context, const struct fact *fact);
    /* A device joined or left the bridge, changed its number or went up or down.  One that the
     * settings name is not gone when it leaves: its number is 0 then, and 'has_left' is set. */
    void (*on_port)(void *context, const struct learn_port *port, bool is_gone);
    void *context;
};

struct learn *learn_new(const struct edge_settings *settings, const struct clock *clock,
                        const struct learn_handler *handler);
void learn_free(struct learn *learn);

/* From kernel_link. */
void learn_device(struct learn *learn, const struct kernel_device *device);
void learn_neighbour(struct learn *learn, const struct kernel_neighbour *neighbour);
/* From the datapath: a frame with ARP, ND or DHCP that came in on 'ifindex'. */
void learn_snoop(struct learn *learn, int ifindex, uint16_t vlan, const uint8_t *frame,
                 size_t size);
/* An IP packet of a contained endpoint: whose address it uses is news. */
void learn_source(struct learn *learn, int ifindex, uint16_t vlan, const uint8_t *frame,
                  size_t size);
void learn_held_mac(struct learn *learn, int ifindex, uint16_t vlan, const struct mac *mac);
void learn_lldp(struct learn *learn, int ifindex, const struct lldp_neighbour *neighbour);

/* Calls on_fact-like 'each' for everything known now: ports, MACs, bindings, neighbours. */
void learn_report(const struct learn *learn, void (*each)(void *context, const struct fact *fact),
                  void *context);
/* Forgets LLDP neighbours whose time is over, and bindings that were not heard for 4 hours. */
void learn_tick(struct learn *learn);

/* The MAC that uses 'ip'; false: unknown. */
bool learn_mac_of(const struct learn *learn, const struct ip *ip, struct mac *mac);
/* Is that MAC on another port than this one, in any VLAN? */
bool learn_is_elsewhere(const struct learn *learn, int ifindex, const struct mac *mac);
int learn_bridge(const struct learn *learn);                         /* ifindex; 0: there is none */
const char *learn_port_name(const struct learn *learn, int ifindex); /* NULL: no port */
/* Also one that the settings name and that is not in the bridge yet; false: no such device. */
bool learn_named_port(const struct learn *learn, const char *name, struct learn_port *port);
struct mac learn_bridge_mac(const struct learn *learn);
/* Of every port that is up: for LLDP.  Returns how many. */
size_t learn_ports(const struct learn *learn, struct learn_port *ports, size_t room);
uint64_t learn_lost(const struct learn *learn); /* events beyond the limits */
/* Bindings that made room for newer ones before their time. */
uint64_t learn_bindings_dropped(const struct learn *learn);

#endif
