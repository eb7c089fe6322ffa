/* Topology: facts from switches -> links, endpoints, locations, each with reasons.
 *
 * Pure state: no thread, no file, no network.  The controller feeds facts, asks "who, where,
 * since when, how sure", and hears of changes through the listener. */
#ifndef CORDON_TOPOLOGY_TOPOLOGY_H
#define CORDON_TOPOLOGY_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "model/endpoint.h"
#include "wire/facts.h"

struct topology;

enum topology_change {
    TOPOLOGY_ENDPOINT_NEW,
    TOPOLOGY_ENDPOINT_MOVED,    /* location differs; 'before' is the former */
    TOPOLOGY_ENDPOINT_ADDRESS,  /* a binding came or went */
    TOPOLOGY_ENDPOINT_MAC,      /* a MAC joined this endpoint by a strong join */
    TOPOLOGY_ENDPOINT_CONFLICT, /* seen in two places at once, or claims what is another's */
    TOPOLOGY_ENDPOINT_SEEN,     /* only times or names changed: write behind */
    TOPOLOGY_MAC_HELD,          /* an unknown MAC was held on 'before' (switch, port) */
    TOPOLOGY_LINK,
    TOPOLOGY_PORT_FULL,     /* 'before': a port with more MACs than are kept; told now and then */
    TOPOLOGY_ROLE_PROPOSED, /* endpoint looks like a gateway, DHCP or DNS server */
};

struct topology_listener {
    /* 'endpoint' is borrowed for the call; NULL for links and ports. */
    void (*on_change)(void *context, enum topology_change change, const struct endpoint *endpoint,
                      const struct location *before, const char *detail);
    void *context;
    /* May be NULL.  This endpoint is about to be forgotten: 'into' is the one that it was joined
     * to (whose id now also answers to the old id), or NULL where room was needed. */
    void (*on_gone)(void *context, const struct endpoint *endpoint, const struct endpoint *into);
    /* May be NULL.  'claimant' says the DHCP client id of 'known': why it is not that machine all
     * the same (as "which is ..."); NULL: they are joined. */
    const char *(*join_bar)(void *context, const struct endpoint *known,
                            const struct endpoint *claimant);
};

/* Zero means the default. */
struct topology_settings {
    size_t endpoint_limit;        /* default 200,000 */
    int64_t binding_idle_us;      /* an ARP/ND binding unseen so long has ended (default 4 h) */
    int64_t lease_grace_us;       /* a lease is believed so long after its end (default 60 s) */
    size_t port_endpoint_limit;   /* endpoints kept of one access port (default 256) */
    size_t switch_endpoint_limit; /* and of one switch, whatever it says (default 32,768) */
    int64_t conflict_us;          /* two places within so long are a conflict (default 30 s) */
    int64_t idle_us;              /* only an endpoint unseen so long makes room (default 10 min) */
};

struct topology *topology_new(const struct topology_settings *settings, const struct clock *clock,
                              const struct topology_listener *listener);
void topology_free(struct topology *topology);

/* A fact's 'seen_us' is when the switch last heard that MAC or address, not when it looked: two
 * places count as alive at once only by what was heard. */
void topology_apply_facts(struct topology *topology, const struct wire_facts *facts);
/* Has a full report of that switch come, whole? */
bool topology_is_whole(const struct topology *topology, const char *switch_name);
/* The switch's connection is lost: its facts stay, but grow old. */
void topology_switch_gone(struct topology *topology, const char *switch_name);

/* Which site a switch belongs to: the name of one whose addresses are its own, or SITE_DEFAULT.
 * Asked again for every switch at each call; addresses that switches told before go with them. */
typedef const char *topology_site_of(void *context, const char *switch_name);
void topology_set_sites(struct topology *topology, topology_site_of *site_of, void *context);
/* Of a switch. */
const char *topology_site_at(const struct topology *topology, const char *switch_name);
/* Where it is attached, or was last; "": nowhere yet. */
const char *topology_site_of_endpoint(const struct topology *topology,
                                      const struct endpoint *endpoint);

/* Ends bindings and conflicts that time ends; call once a second.  Bounded work per call. */
void topology_tick(struct topology *topology);
/* A pinned endpoint (one that is contained) is never forgotten to make room. */
void topology_pin(struct topology *topology, const char *id, bool is_pinned);

/* From the store, at start.  Takes a copy. */
void topology_restore_endpoint(struct topology *topology, const struct endpoint_record *record);
/* All are there: puts them in the order of their ids, in whatever order they came. */
void topology_restored(struct topology *topology);

const struct endpoint *topology_by_id(const struct topology *topology, const char *id);
/* What happened to it, oldest first, into room for ENDPOINT_EVENTS_MAX; returns how many.  Their
 * texts are borrowed until the topology changes.  'endpoint' is one of a topology's, not a copy. */
size_t topology_history(const struct endpoint *endpoint, struct endpoint_event *events);
const struct endpoint *topology_by_mac(const struct topology *topology, const struct mac *mac);

/* What people say of the machine with that MAC, which need not have been seen yet: replaced, or
 * forgotten where 'annotation' is empty.  An endpoint's is the one changed last among its MACs'.
 * Takes a copy.  False: no room (TOPOLOGY_ANNOTATIONS_MAX). */
#define TOPOLOGY_ANNOTATIONS_MAX 100000
bool topology_annotate(struct topology *topology, const struct mac *mac,
                       const struct annotation *annotation) MUST_CHECK;
const struct annotation *topology_annotation(const struct topology *topology,
                                             const struct mac *mac);
/* The first with a MAC above 'after' (NULL: of all); NULL: there is none. */
const struct annotation *topology_annotation_after(const struct topology *topology,
                                                   const struct mac *after, struct mac *mac);
size_t topology_annotation_count(const struct topology *topology);

enum resolution {
    RESOLUTION_NONE,     /* nobody known */
    RESOLUTION_SURE,     /* exactly one, and the binding held at that time */
    RESOLUTION_CHANGED,  /* the binding ended or changed hands since, or began later */
    RESOLUTION_OLD,      /* last confirmed too long before */
    RESOLUTION_CONFLICT, /* two MACs claimed it at that time */
    RESOLUTION_SITES,    /* it is one of several sites', and nobody says of which */
};
/* Who held 'ip' at 'at_us'?  The one way to ask: an address means nobody without its site.  'site'
 * NULL or "": not known; then it is somebody only where the address is known at one site alone. */
struct held {
    const struct endpoint *endpoint; /* NULL: none */
    struct mac mac;
    const char *site; /* never NULL; "": not known */
};
enum resolution topology_resolve(const struct topology *topology, const char *site,
                                 const struct ip *ip, int64_t at_us, struct held *held);

/* The port with that number on the switch whose mirror source is 'switch_ip' (see mirror_origin);
 * 'role' is the port's.  False: unknown, or switches of several sites have that source and 'site'
 * (NULL or "": not known) does not say which. */
void topology_set_mirror_source(struct topology *topology, const char *switch_name,
                                const struct ip *mirror_source);
bool topology_port_by_number(const struct topology *topology, const char *site,
                             const struct ip *switch_ip, uint32_t number, struct link_end *end,
                             enum port_role *role);
/* The switches with that mirror source: sites with addresses of their own may have one each.
 * Returns how many were written.  Borrowed. */
size_t topology_mirror_sources(const struct topology *topology, const struct ip *switch_ip,
                               const char **names, size_t room);
/* False: no such port is known. */
bool topology_port_role(const struct topology *topology, const char *switch_name, const char *port,
                        enum port_role *role);
/* Does another endpoint than 'but' have that binding's address now, where the operator put servers?
 * One that answers for everybody has nobody's. */
bool topology_is_a_servers(const struct topology *topology, const struct endpoint *but,
                           const struct binding *binding);
/* Did a switch see it behave like that in this run? */
bool topology_acts_as(const struct endpoint *endpoint, enum host_role role);
/* The other MACs on that port, newest first; returns how many. */
/* A switch of another site than 'site' where that MAC is seen, too; NULL: none. */
const char *topology_seen_elsewhere(const struct topology *topology, const struct mac *mac,
                                    const char *site);
size_t topology_macs_on_port(const struct topology *topology, const char *switch_name,
                             const char *port, struct mac *macs, size_t room);

/* In the order of first appearance.  NULL after the last. */
const struct endpoint *topology_endpoint_at(const struct topology *topology, size_t index);
/* The index of the first endpoint that came after the one with that id, which may be gone. */
size_t topology_index_after(const struct topology *topology, const char *id);
/* Rises along that order and is the endpoint's as long as we run; not 0. */
uint64_t topology_endpoint_serial(const struct endpoint *endpoint);
size_t topology_endpoint_count(const struct topology *topology);
const struct link *topology_link_at(const struct topology *topology, size_t index);
size_t topology_link_count(const struct topology *topology);

/* Ports of one switch for lists; returns how many were written. */
struct topology_port {
    char name[NAME_SIZE];
    uint32_t number;
    enum port_role role;
    bool is_up;
    size_t mac_count;
};
/* What was not kept, and why: each is a limit that traffic can reach. */
struct topology_counters {
    uint64_t endpoints_evicted; /* idle ones that made room */
    uint64_t endpoints_refused; /* no room, and nobody idle */
    uint64_t port_refused;      /* new MACs beyond port_endpoint_limit */
    uint64_t bindings_dropped; /* beyond ENDPOINT_BINDINGS_MAX, or too many claims of one address */
    uint64_t claims_refused;   /* ARP or ND claims of an address that is leased to another */
    uint64_t joins_refused;    /* cloned DHCP client ids */
    uint64_t events_dropped;   /* oldest history beyond ENDPOINT_EVENTS_MAX */
    uint64_t ports_refused;    /* switches or ports beyond the limit */
    uint64_t facts_ignored;    /* about nobody: group, zero or virtual-router MACs, unknown ports */
};
void topology_read_counters(const struct topology *topology, struct topology_counters *counters);

size_t topology_ports(const struct topology *topology, const char *switch_name,
                      struct topology_port *ports, size_t room);

#endif
