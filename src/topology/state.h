/* What topology holds, shared by the files of this folder and by nobody else.
 *
 *     switch --> port --> sighting <-- MAC --> node (an endpoint and what we keep beside it)
 *                                              |-- client ids (strong joins), other ids
 *                                              |-- history, packed
 *                                              `-- bindings <-- address (who claims it)
 *
 * Every table is reached by a keyed hash.  Everything hangs from struct topology, one owner. */
#ifndef CORDON_TOPOLOGY_STATE_H
#define CORDON_TOPOLOGY_STATE_H

#include <sys/queue.h>

#include "base/hmap.h"
#include "topology/topology.h"

#define SWITCHES_MAX 1024
#define SWITCH_PORTS_MAX 4096
#define MAC_SIGHTINGS_MAX 16
#define NODE_CLIENT_IDS_MAX 4
#define NODE_ALIASES_MAX 4
#define ADDRESS_HOLDERS_MAX 8
#define SITES_MAX 200 /* names of sites in one run */

struct node;
struct switch_state;
struct link_item;

/* A switch's port, and whom LLDP heard there. */
struct port_state {
    struct hmap_node by_name;
    TAILQ_ENTRY(port_state) of_switch;
    LIST_HEAD(, sighting) sightings;
    struct switch_state *on;
    char name[NAME_SIZE];
    uint32_t number;
    struct mac mac, bridge_mac; /* the switch's own */
    enum port_role role;
    bool is_known; /* the switch told its role */
    bool is_up;
    uint32_t mark;     /* full report that last named it */
    size_t kept_count; /* endpoints that were first seen here and are still kept */
    int64_t full_us;   /* that there are too many was last told */
    bool has_neighbour;
    uint32_t neighbour_mark;
    char neighbour_name[HOST_SIZE];
    char neighbour_port[HOST_SIZE];
    int64_t neighbour_since_us, neighbour_seen_us;
    struct link_item *link;
};

struct switch_state {
    struct hmap_node by_name;
    TAILQ_ENTRY(switch_state) of_topology;
    TAILQ_HEAD(, port_state) ports;
    size_t port_count;
    size_t kept_count; /* endpoints that were first seen on one of them and are still kept */
    char name[NAME_SIZE];
    bool is_connected;
    struct ip mirror_source;
    uint64_t sequence;
    uint32_t mark;
    const char *site;  /* sites.h */
    bool is_in_full;   /* between the first and the last message of a full report */
    bool full_is_torn; /* a message of it is missing: it must not delete */
    bool is_whole;     /* one came whole */
};

/* As few bytes as they need: there are as many as endpoints. */
enum left_by { LEFT_NOT, LEFT_MOVED, LEFT_LINK_DOWN, LEFT_AGED };

/* A MAC of a switch itself, as its ports tell. */
struct own_mac {
    struct hmap_node by_mac;
    struct mac mac;
    size_t port_count; /* that tell it */
};

/* A MAC on a port.  A switch has one place per MAC and VLAN: a newer one ends the older. */
struct sighting {
    LIST_ENTRY(sighting) of_mac;
    LIST_ENTRY(sighting) of_port;
    struct mac_item *mac;
    struct port_state *port;
    uint16_t vlan;
    int64_t since_us; /* of this stay */
    int64_t seen_us;
    int64_t left_us;
    enum left_by left_by;
    bool is_active;
    bool is_idle; /* aged out of the switch's table: silent, not gone */
    uint32_t mark;
};

struct mac_item {
    struct hmap_node by_mac;
    LIST_HEAD(, sighting) sightings;
    struct node *node;
    struct mac mac;
    uint8_t sighting_count; /* at most MAC_SIGHTINGS_MAX */
};

/* A DHCP client id or DUID: the strong join. */
struct client_item {
    struct hmap_node by_id;
    SLIST_ENTRY(client_item) of_node;
    struct node *node;
    int64_t cloned_until_us; /* two live machines use it: joins nothing until then */
    char id[];
};

/* Another id than its own that leads to an endpoint: of one that was joined to it. */
struct id_item {
    struct hmap_node by_id;
    SLIST_ENTRY(id_item) of_node;
    struct node *node;
    char id[ID_SIZE];
};

/* Who claims or claimed which address: a table with open places, in which a place is an endpoint
 * and a part of the address's hash (addresses.c). */
struct address_table {
    struct node **nodes; /* NULL: free */
    uint32_t *tags;
    size_t mask, count;
};

/* Of an endpoint whose place was in doubt once: few are. */
struct doubt {
    TAILQ_ENTRY(doubt) of_unsettled;
    struct node *node;
    int64_t conflict_until_us; /* 0: it came back to no port that it had just left */
    char *conflict_with;       /* owned; NULL likewise */
    bool is_unsettled;         /* time alone may change its location's judgement */
};

struct node {
    struct endpoint endpoint;
    struct hmap_node by_id;
    uint8_t *history; /* owned; see history.h */
    uint32_t history_size;
    uint32_t index;                       /* in 'order' */
    TAILQ_ENTRY(node) by_age;             /* least recently seen first */
    SLIST_HEAD(, client_item) client_ids; /* newest first; so are those: */
    SLIST_HEAD(, id_item) ids;
    uint64_t serial;               /* counts endpoints as they appeared in this run */
    struct port_state *first_port; /* whose kept_count it is part of */
    struct port_state *settled;    /* where it was last without any doubt; NULL: nowhere yet */
    struct doubt *doubt;           /* owned; NULL: none so far */
    int64_t seen_told_us;
    uint32_t roles_told;
    uint8_t event_count;
    uint8_t client_id_count;
    uint8_t alias_count;
    bool is_told : 1;
    bool is_pinned : 1;
    bool ids_clash : 1; /* told that its client id is another's */
};

/* In the order of first appearance; a hole is NULL until the next compaction. */
struct order {
    struct node **nodes;
    size_t count, room, hole_count;
};

struct link_item {
    struct link link;
    struct port_state *a_report, *b_report; /* the ports that report it; NULL: that end does not */
    size_t index;
};

/* What people said of a MAC. */
struct annotation_item {
    struct mac mac;
    struct annotation annotation;
};

/* A name of a switch or port, once for all endpoints that are or were there.  Never forgotten:
 * there are no more than switches and ports (SWITCHES_MAX, SWITCH_PORTS_MAX) and those of stored
 * rows. */
struct name_item {
    struct hmap_node node;
    char text[];
};

struct topology {
    struct topology_settings settings;
    const struct clock *clock;
    struct topology_listener listener;
    struct hmap switches;
    TAILQ_HEAD(, switch_state) switch_list;
    size_t switch_count;
    struct hmap ports;
    struct hmap own_macs;
    struct hmap names;
    struct hmap macs;
    struct hmap nodes; /* by their own id */
    struct hmap ids;   /* other ids */
    struct hmap clients;
    struct address_table addresses;
    TAILQ_HEAD(, node) by_age;
    TAILQ_HEAD(, doubt) unsettled;
    struct order *order;
    size_t node_count;
    uint64_t serials;
    size_t tick_at;
    bool is_inventory; /* applying a full report: it says what is known, not what was heard now */
    struct link_item **links;
    size_t link_count, link_room;
    struct annotation_item **annotations; /* by MAC, ascending */
    size_t annotation_count, annotation_room;
    const char *sites[SITES_MAX]; /* those with addresses of their own; see sites.h */
    size_t site_count;
    topology_site_of *site_of; /* NULL: there is only one */
    void *site_context;
    const struct switch_state *telling; /* whose facts are being applied */
    struct topology_counters counters;
};

#endif
