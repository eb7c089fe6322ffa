/* A rule: one thing that a switch must hold.  The controller computes the full set per switch; a
 * driver makes the switch hold exactly that set.  A rule's id names its content: rules with equal
 * ids are equal, a changed rule has a new id ("<containment id>/<mac>#<version>"). */
#ifndef CORDON_MODEL_RULE_H
#define CORDON_MODEL_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

enum rule_kind {
    RULE_ISOLATE,    /* an endpoint (by MAC, or by IP where no MAC is known) reaches only permits */
    RULE_HOLD_PORT,  /* MACs new on this port since it was set are treated like the endpoint */
    RULE_BLOCK_PAIR, /* this endpoint <-> that server */
    RULE_BLOCK_SERVER, /* nobody <-> that server */
    RULE_PERMIT_SET,   /* a named set of permitted traffic, referred to by isolate rules */
    RULE_PROTECT,      /* never block this address or MAC, whatever else is asked */
    RULE_MIRROR,       /* a mirror session */
    RULE_WARNING,      /* texts of the warning page */
    RULE_KIND_COUNT
};
extern const char *const rule_kind_names[RULE_KIND_COUNT + 1];

enum rule_direction { DIRECTION_BOTH, DIRECTION_IN, DIRECTION_OUT, DIRECTION_COUNT };
extern const char *const direction_names[DIRECTION_COUNT + 1]; /* "both", "in", "out" */

#define RULE_ID_SIZE 112
#define RULE_ADDRESSES_MAX 32
#define RULE_KNOWN_MACS_MAX 64
#define RULE_PORTS_MAX 64
#define PERMITS_MAX 64

/* One permitted destination.  The endpoint may open connections to it; only answers come back. */
struct permit {
    struct prefix server; /* none where 'name' is given */
    char name[HOST_SIZE]; /* a DNS name, "*.example.org" for all below it; learnt from answers */
    uint8_t protocol;     /* 6, 17, 1, 58; 0: any */
    uint16_t port_low;    /* 0 and 0: any */
    uint16_t port_high;
};

struct permit_set {
    char name[NAME_SIZE];
    bool allows_dhcp;  /* DHCPv4 and DHCPv6 as broadcast, or to 'dhcp_servers' */
    bool forwards_dns; /* queries for permitted names go to 'resolvers'; others are answered here */
    struct ip *dhcp_servers; /* owned */
    size_t dhcp_server_count;
    struct ip *resolvers; /* owned */
    size_t resolver_count;
    struct permit *permits; /* owned */
    size_t permit_count;
};

struct rule_isolate {
    struct mac mac; /* or none, and 'ip' is given */
    struct ip ip;
    char port[NAME_SIZE];       /* "" everywhere; else only frames of this port (MAC conflict) */
    char permit_set[NAME_SIZE]; /* "" permits nothing */
    bool shows_warning;         /* HTTP gets the warning page, HTTPS a reset */
    char case_number[16];       /* shown on the page */
    char *reason;               /* owned; shown on the page; plain text; NULL: none */
    struct ip *addresses;       /* owned; the sender's bindings: what it may say in ARP and ND */
    size_t address_count;
};

struct rule_hold_port {
    char port[NAME_SIZE];
    char permit_set[NAME_SIZE];
    bool shows_warning;
    char case_number[16];
    struct mac *known_macs; /* owned; were there before, stay free (or have their own rule) */
    size_t known_mac_count;
};

struct rule_pair {
    struct mac mac; /* the endpoint; or none, and 'ip' */
    struct ip ip;
    struct prefix server;
};

struct rule_server {
    struct prefix server;
};

struct rule_protect {
    struct mac mac;
    struct prefix server;
};

enum mirror_kind {
    MIRROR_PORT,
    MIRROR_POLICY,
    MIRROR_ALWAYS,   /* endpoint-to-endpoint traffic of this switch */
    MIRROR_DETAILED, /* one endpoint */
    MIRROR_TRANSIT,  /* copies nothing: hands other switches' RSPAN frames on to 'out_port' */
    MIRROR_KIND_COUNT
};
extern const char *const mirror_kind_names[MIRROR_KIND_COUNT + 1];

enum mirror_carrier { CARRIER_LOCAL, CARRIER_ERSPAN, CARRIER_RSPAN, CARRIER_COUNT };
extern const char *const carrier_names[CARRIER_COUNT + 1]; /* "local", "erspan", "rspan" */

/* What a policy-based mirror copies; a zero field matches anything. */
struct mirror_filter {
    struct prefix src;
    struct prefix dst;
    uint8_t protocol;
    uint16_t port_low; /* either end's port */
    uint16_t port_high;
    uint16_t vlan;
};
#define MIRROR_FILTERS_MAX 64

struct rule_mirror {
    enum mirror_kind kind;
    enum rule_direction direction;
    char ports[RULE_PORTS_MAX][NAME_SIZE]; /* port and policy-based; none: every access port */
    size_t port_count;
    struct mirror_filter *filters; /* owned; policy-based: any one must match */
    size_t filter_count;
    struct mac mac; /* detailed: the endpoint; or none, and 'ip' */
    struct ip ip;
    enum mirror_carrier carrier;
    char out_port[NAME_SIZE]; /* local: the mirror port; RSPAN: the uplink */
    uint16_t rspan_vlan;
    struct ip erspan_to; /* the sensor's address */
    uint16_t session;    /* ERSPAN session id, 1 to 1023 */
    uint16_t snap;       /* bytes kept of each frame; 0: all that fits */
    uint32_t sample;     /* one frame in N; 0 and 1: every one */
    uint64_t rate_bit_s; /* budget for copies; 0: the edge's own default */
};

struct rule_warning {
    char language[8]; /* "ja", "en" */
    char title[TEXT_SIZE];
    char body[URL_SIZE * 2];
    char contact[TEXT_SIZE];
};

struct rule {
    char id[RULE_ID_SIZE];
    enum rule_kind kind;
    uint32_t expires_s; /* seconds left when it was sent; 0: until removed */
    union {
        struct rule_isolate isolate;
        struct rule_hold_port hold_port;
        struct rule_pair pair;
        struct rule_server server;
        struct permit_set permit_set;
        struct rule_protect protect;
        struct rule_mirror *mirror;   /* owned: large and rare */
        struct rule_warning *warning; /* owned */
    };
};

void rule_fini(struct rule *rule);
/* Deep copy; 'to' is finished by the caller with rule_fini. */
void rule_copy(struct rule *to, const struct rule *from);

/* What a switch says of one rule. */
enum rule_state { RULE_ABSENT, RULE_APPLIED, RULE_VERIFIED, RULE_FAILED, RULE_STATE_COUNT };
extern const char *const rule_state_names[RULE_STATE_COUNT + 1];

struct rule_report {
    char id[RULE_ID_SIZE];
    enum rule_state state;
    char why[TEXT_SIZE]; /* what is wrong, in the switch's words */
    uint64_t hits;       /* frames dropped or copied by it so far */
};

#endif
