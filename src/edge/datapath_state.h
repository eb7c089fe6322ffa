/* Inside of the datapath: shared by datapath.c (life, ports), datapath_rules.c (rules),
 * datapath_verify.c (read-back) and datapath_frames.c (frames to and from user space). */
#ifndef CORDON_EDGE_DATAPATH_STATE_H
#define CORDON_EDGE_DATAPATH_STATE_H

#include "base/hmap.h"
#include "edge/attach.h"
#include "edge/compile.h"
#include "edge/datapath.h"
#include "edge/maps.h"
#include "edge/claims.h"

#define DATAPATH_PORTS_MAX 256
#define SLOT_NONE UINT32_MAX

struct dp_port_held {
    int ifindex;
    char name[NAME_SIZE];
    enum port_role role;
    uint32_t number;
    bool is_attached;
    bool has_egress; /* our program is on its egress */
    bool is_special; /* as dp_config counts them */
};

/* What the last look at a rule's entries found, and with it the frames that were tried. */
enum seen { SEEN_NOT, SEEN_EQUAL, SEEN_VERIFIED };

/* A rule that was set. */
struct held {
    struct hmap_node node;     /* by id */
    struct hmap_node of_owner; /* isolate rules */
    struct rule rule;
    uint64_t serial;     /* names its claims */
    uint64_t expires_ns; /* boot clock */
    size_t at, at_kind;  /* places in 'rules' and 'kinds' */
    uint32_t slot;       /* mirrors */
    struct next_hop hop; /* ERSPAN: as resolved last */
    unsigned waits;      /* placings since then that had to wait for ARP */
    bool is_cleared;     /* holds */
    bool is_kept;        /* while a whole set is taken over */
    enum seen seen;      /* SEEN_NOT also where something was wrong */
    uint64_t seen_hits;
    int error; /* of the last write; 'why' says what it was about */
    char *why; /* owned; NULL: nothing */
};

struct held_list {
    struct held **items;
    size_t count, room;
};

struct slot {
    uint64_t digest;
    unsigned users;
};

struct datapath {
    struct maps *maps;
    struct claims *want;
    struct dp_config config; /* as written last */
    bool keeps_unknown;
    struct dp_port_held ports[DATAPATH_PORTS_MAX];
    size_t port_count;
    struct hmap by_id, by_owner; /* owner: the MAC or the address of an isolate rule */
    struct held_list rules, kinds[RULE_KIND_COUNT];
    struct slot slots[DP_SESSIONS_MAX];
    uint64_t last_serial;
    uint32_t mirror_permille;
    struct ip mirror_source;
    char bridge[NAME_SIZE];
    int ifb, tap, tap_fd, packet_fd;
    struct ring_buffer *ring;
    void (*on_snoop)(void *context, const struct snoop *snoop);
    void *on_snoop_context;
    uint8_t *frame; /* DP_RESPOND_MAX and the trailer */
    unsigned checks;
    size_t look_from, try_from; /* where the next read-back goes on, see datapath_read_back() */
};

uint64_t datapath_now_ns(void);
/* NULL: no such port. */
struct dp_port_held *datapath_port_find(struct datapath *datapath, int ifindex);
/* 0: no device of this name. */
int datapath_ifindex(const struct datapath *datapath, const char *port);
/* Port entries and the config as rules and ports want them; 0 or the first negative errno. */
int datapath_ports_write(struct datapath *datapath) MUST_CHECK;
int datapath_config_write(struct datapath *datapath) MUST_CHECK;
struct dp_port datapath_port_value(const struct datapath *datapath,
                                   const struct dp_port_held *port);

/* The ring, the packet socket; the tap comes with attach_make_tap. */
int datapath_frames_open(struct datapath *datapath) MUST_CHECK;
void datapath_frames_close(struct datapath *datapath);

/* Is the egress of this port looked at?  Only where endpoints are, or a mirror copies what leaves.
 */
bool datapath_needs_egress(const struct dp_port *value);

struct held *datapath_held_find(const struct datapath *datapath, const char *rule_id);
/* Rules that name ports or a way out, with what these are now (a port came, a neighbour moved). */
void datapath_rules_place(struct datapath *datapath);
/* All are looked at anew. */
void datapath_rules_forget_seen(struct datapath *datapath);
void datapath_rules_free(struct datapath *datapath);
/* Names that were learnt and whose time is over. */
void datapath_learnt_sweep(struct datapath *datapath);

#endif
