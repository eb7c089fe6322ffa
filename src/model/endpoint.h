/* An endpoint is a machine, not an address: an id, its MACs, and for each MAC its addresses over
 * time.  A location is the switch port where it is attached; a link joins two switch ports. */
#ifndef CORDON_MODEL_ENDPOINT_H
#define CORDON_MODEL_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/annotation.h"
#include "model/fact.h"
#include "model/site.h"
#include "model/text.h"

enum location_class {
    LOCATION_NONE,
    LOCATION_DIRECT,   /* the only MAC on an access port */
    LOCATION_SHARED,   /* several MACs on the port: phone and PC, mini-switch, VM host */
    LOCATION_CONFLICT, /* the MAC is seen in two places at once */
    LOCATION_CLASS_COUNT
};
extern const char *const location_class_names[LOCATION_CLASS_COUNT + 1];

struct location {
    const char *switch_name; /* topology's: never NULL, and there as long as it is */
    const char *port;        /* likewise; read from the store, both are owned like 'why' */
    uint16_t vlan;
    uint8_t confidence; /* 0 to 100 */
    enum location_class class;
    int64_t since_us;
    int64_t seen_us; /* last confirmation */
    char *why;       /* owned by who owns the endpoint; NULL: nothing is said */
};

struct binding {
    struct mac mac;
    struct ip ip;
    bool is_contested; /* another MAC claims it too; not kept */
    enum binding_source source;
    uint32_t flagged_s; /* wall: a refused claim of it was last told; not kept */
    int64_t from_us;
    int64_t seen_us;
    int64_t until_us;       /* 0: still held */
    int64_t lease_until_us; /* what the DHCP server said; 0: no lease */
    const char *site;       /* whose address it is; NULL: SITE_DEFAULT's.  Topology's; read from the
                               store,       owned */
};

/* Now, by what looks like a DHCP server's word ... */
static inline bool
binding_is_given(const struct binding *binding)
{
    return binding->until_us == 0 && binding->source >= BINDING_DHCP4;
}

/* ... that nobody contests: anybody may answer in a server's place. */
static inline bool
binding_is_leased(const struct binding *binding)
{
    return binding_is_given(binding) && !binding->is_contested;
}

/* Never NULL. */
static inline const char *
binding_site(const struct binding *binding)
{
    return binding->site ? binding->site : SITE_DEFAULT;
}

enum endpoint_event_kind {
    ENDPOINT_APPEARED,
    ENDPOINT_MOVED,
    ENDPOINT_ADDRESS_NEW,
    ENDPOINT_ADDRESS_GONE,
    ENDPOINT_MAC_JOINED,
    ENDPOINT_CONFLICT,
    ENDPOINT_NAMED,
    ENDPOINT_EVENT_COUNT
};
extern const char *const endpoint_event_names[ENDPOINT_EVENT_COUNT + 1];

struct endpoint_event {
    enum endpoint_event_kind kind;
    int64_t at_us;
    char *detail; /* "e1/p3 -> e2/p2", "192.0.2.7 by dhcp4"; NULL: nothing more */
};

#define ENDPOINT_MACS_MAX 8
#define ENDPOINT_BINDINGS_MAX 64 /* newest kept; addresses of one machine over time */
#define ENDPOINT_EVENTS_MAX 128  /* newest kept */

struct endpoint {
    char id[ID_SIZE];
    struct mac macs[ENDPOINT_MACS_MAX]; /* newest first */
    uint8_t mac_count;
    char *host_name;          /* owned; NULL: none is known (endpoint_name) */
    char *client_id;          /* owned; DHCP client id or DUID, hex: the strong join; NULL: none */
    struct binding *bindings; /* owned */
    size_t binding_count;
    struct location location;
    int64_t first_us;
    int64_t seen_us;
    const struct annotation *annotation; /* what people say of it; topology's; NULL: nothing */
};

/* As it is stored. */
struct endpoint_record {
    struct endpoint endpoint;
    struct endpoint_event *events; /* owned; oldest first */
    size_t event_count;
    int64_t clock_us;    /* wall minus boot clock when it was stored, */
    uint32_t clock_boot; /* at this start of the machine (a hash; 0: not known) */
};

/* Never NULL. */
static inline const char *
endpoint_name(const struct endpoint *endpoint)
{
    return endpoint->host_name ? endpoint->host_name : "";
}

struct link_end {
    char switch_name[NAME_SIZE];
    char port[NAME_SIZE];
};

struct link {
    struct link_end a, b;
    bool is_confirmed; /* both ends report it, and one of them is no access or server port */
    int64_t since_us, seen_us;
};

#endif
