/* Facts: what a switch sees.  The raw material of topology; each with the switch's own time. */
#ifndef CORDON_MODEL_FACT_H
#define CORDON_MODEL_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

enum fact_kind {
    FACT_PORT, /* a port exists: number, role, speed, up or down */
    FACT_PORT_GONE,
    FACT_LINK_UP,
    FACT_LINK_DOWN,
    FACT_MAC,       /* FDB: this MAC is behind this port (new or moved), or is still there */
    FACT_MAC_AGED,  /* FDB entry aged out: idle, not gone */
    FACT_BINDING,   /* MAC uses IP: seen in ARP or ND on this port */
    FACT_LEASE,     /* DHCP ACK/Reply seen: MAC, IP, client id or DUID, host name, seconds */
    FACT_NEIGHBOUR, /* LLDP from the other end of this port */
    FACT_ROLE_HINT, /* acts like a router, DHCP server or resolver (proposed, never believed) */
    FACT_HELD_MAC,  /* a new MAC on a held port was held */
    FACT_KIND_COUNT
};
extern const char *const fact_kind_names[FACT_KIND_COUNT + 1];

enum binding_source { BINDING_ARP, BINDING_ND, BINDING_DHCP4, BINDING_DHCP6, BINDING_SOURCE_COUNT };
extern const char *const binding_source_names[BINDING_SOURCE_COUNT + 1];

enum port_role { PORT_ACCESS, PORT_UPLINK, PORT_SERVER, PORT_MIRROR, PORT_ROLE_COUNT };
extern const char *const port_role_names[PORT_ROLE_COUNT + 1];

enum host_role { HOST_ROUTER, HOST_DHCP_SERVER, HOST_RESOLVER, HOST_ROLE_COUNT };
extern const char *const host_role_names[HOST_ROLE_COUNT + 1];

struct fact {
    enum fact_kind kind;
    int64_t seen_us; /* the switch's wall clock */
    char port[NAME_SIZE];
    uint32_t port_number; /* FACT_PORT: as in the ERSPAN index */
    enum port_role role;  /* FACT_PORT */
    bool is_up;           /* FACT_PORT */
    uint16_t vlan;
    struct mac mac;        /* FACT_PORT: the port's own */
    struct mac bridge_mac; /* FACT_PORT: of the bridge that it is in */
    struct ip ip;
    enum binding_source source; /* BINDING, LEASE */
    char client_id[HOST_SIZE];  /* LEASE: DHCP option 61 or DUID, lower-case hex */
    char host_name[HOST_SIZE];  /* LEASE: option 12 or 39/81 */
    uint32_t lease_s;
    char neighbour_name[HOST_SIZE]; /* NEIGHBOUR: LLDP system name */
    char neighbour_chassis[HOST_SIZE];
    char neighbour_port[HOST_SIZE];
    bool neighbour_is_bridge;
    enum host_role host_role; /* ROLE_HINT */
};

#endif
