/* The kernel side of an edge switch: one BPF object on clsact of every bridge port, its maps, and
 * the rules in them.
 *
 * Maps are pinned in our own bpffs and filters stay attached when this process dies: blocks outlive
 * us.  datapath_set() makes the maps hold exactly a set of rules, without a gap; read-back rebuilds
 * the rules from the maps, never from memory.  One thread (the edge's loop). */
#ifndef CORDON_EDGE_DATAPATH_H
#define CORDON_EDGE_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/fact.h"
#include "model/rule.h"

struct datapath;

struct datapath_settings {
    const char *pin_dir; /* e.g. /run/cordon-edge/NAME; a bpffs is mounted at PIN_DIR/bpf */
    const char *bridge;
    uint32_t endpoint_room;   /* isolated MACs + IPs; default 131072 */
    uint32_t mirror_permille; /* of the uplink's rate; default 100 */
    struct ip mirror_source;  /* ERSPAN outer source */
    int tun;                  /* of datapath_prepare, taken over; 0: none */
};

/* What of datapath_open only root may do (the mount; settings->tun): before the rest, which needs
 * CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_NET_RAW. */
int datapath_prepare(struct datapath_settings *settings, char why[256]) MUST_CHECK;
/* Loads or takes over what is pinned.  On a kernel that lacks something 'why' names it. */
int datapath_open(const struct datapath_settings *settings, struct datapath **datapath,
                  char why[256]) MUST_CHECK;
/* Leaves filters and maps in force. */
void datapath_close(struct datapath *datapath);
/* Takes everything off the switch (uninstall, tests). */
void datapath_remove(struct datapath *datapath);

/* A bridge port; again with another role or number: changed in place.  'number' is the bridge's own
 * (0: not in it yet); copies carry it as the ERSPAN index. */
int datapath_attach(struct datapath *datapath, int ifindex, const char *port, enum port_role role,
                    uint32_t number) MUST_CHECK;
void datapath_detach(struct datapath *datapath, int ifindex);
/* Are our programs on every attached port, first, and the ones we loaded?  Returns how many ports
 * were wrong and mended; 'problem' names the first (TEXT_SIZE). */
unsigned datapath_check_ports(struct datapath *datapath, char problem[TEXT_SIZE]);

/* Holds exactly 'rules' afterwards; adds before it removes.  0 or negative errno; 'reports' (one
 * per rule, may be NULL) says which failed and why. */
int datapath_set(struct datapath *datapath, const struct rule *rules, size_t count,
                 struct rule_report *reports) MUST_CHECK;
/* While true datapath_set() takes nothing away that it does not know: the maps were taken over, and
 * whose their entries are is not known yet. */
void datapath_keep_unknown(struct datapath *datapath, bool keeps_unknown);
/* After datapath_set(): does the kernel isolate or block somebody whom no rule names, or can it not
 * be asked?  What hangs on a port is not counted: before ports come up no rule can claim it. */
bool datapath_has_unknown(const struct datapath *datapath);
int datapath_change(struct datapath *datapath, const struct rule *add, size_t add_count,
                    const char (*remove)[RULE_ID_SIZE], size_t remove_count,
                    struct rule_report *reports) MUST_CHECK;
/* The port's link went down: a hold on it has done its work (architecture rule 6). */
void datapath_clear_hold(struct datapath *datapath, int ifindex);
void datapath_suspend(struct datapath *datapath, bool is_suspended);
bool
datapath_is_suspended(const struct datapath *datapath); /* by the maps, also of an earlier run */

/* What the maps really hold, compared with the rules set last: APPLIED, or ABSENT/FAILED with why.
 * With 'verify' also test runs of the attached program with the endpoint's frames on every port:
 * VERIFIED.  'reports' has room for datapath_rule_count(). */
size_t datapath_rule_count(const struct datapath *datapath);
const struct rule *datapath_rule_at(const struct datapath *datapath, size_t index);
/* Those of one kind, in no order. */
size_t datapath_kind_count(const struct datapath *datapath, enum rule_kind kind);
const struct rule *datapath_kind_at(const struct datapath *datapath, enum rule_kind kind,
                                    size_t index);
/* Could not be written, for a reason that a read-back tells; false where the maps took it, so that
 * what they hold instead now is somebody's doing. */
bool datapath_is_refused(const struct datapath *datapath, const char *rule_id);
/* NULL: none.  The isolate rule of the MAC, else that of the address; where a changed rule has come
 * and the old one not gone yet, the newer. */
const struct rule *datapath_rule_find(const struct datapath *datapath, const char *rule_id);
const struct rule *datapath_isolate_of(const struct datapath *datapath, const struct mac *mac,
                                       const struct ip *ip);
/* With thousands of rules one call looks at a part of them, the next one goes on from there; for
 * the others it repeats what was found last.  New, changed and wrong ones are looked at in every
 * call. */
int datapath_read_back(struct datapath *datapath, bool verify,
                       struct rule_report *reports) MUST_CHECK;
/* These, whole, whatever was looked at before: rules that were put in just now.  A report that says
 * FAILED already stays as it is. */
void datapath_read_back_these(struct datapath *datapath, const struct rule *rules, size_t count,
                              bool verify, struct rule_report *reports);

/* Frames that the program copied for us (ARP, ND, DHCP, LLDP, DNS answers to contained endpoints,
 * held MACs); drains what is there. */
enum snoop_kind {
    SNOOP_ARP,
    SNOOP_ND,
    SNOOP_DHCP,
    SNOOP_DNS_ANSWER,
    SNOOP_HELD_MAC,
    SNOOP_MAC,
    SNOOP_SOURCE /* of a contained endpoint, from an address that was not known as its own */
};
struct snoop {
    enum snoop_kind kind;
    int ifindex;
    uint16_t vlan;
    const uint8_t *frame; /* borrowed; from the Ethernet header, tag stripped */
    size_t size;
};
int datapath_snoop_fd(const struct datapath *datapath);
void datapath_snoop_read(struct datapath *datapath,
                         void (*each)(void *context, const struct snoop *snoop), void *context);

/* Frames of contained endpoints that want an answer (ARP, TCP, DNS, UDP 443) come out of this tap;
 * replies and forwarded queries go back in with the port that they belong to. */
int datapath_responder_fd(const struct datapath *datapath);
struct responder_frame {
    int ifindex; /* port where the endpoint is */
    uint16_t vlan;
    uint8_t *frame;
    size_t size;
};
/* Next frame for the responder; false: none now.  Borrowed until the next call. */
bool datapath_responder_read(struct datapath *datapath, struct responder_frame *frame);
/* Out of the port, towards the endpoint. */
int datapath_reply(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
                   size_t size);
/* Into the bridge, as if it had come in on that port and were permitted (a forwarded DNS query). */
int datapath_forward(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
                     size_t size);
/* Permit 'server' for the isolate rules that use 'permit_set' entry 'index', for 'ttl_s'. */
int datapath_learn_name(struct datapath *datapath, const char *permit_set, size_t index,
                        const struct ip *server, uint32_t ttl_s);

/* A DHCP server gave this endpoint 'ip': it may say so in ARP and ND while it is contained. */
int datapath_learn_lease(struct datapath *datapath, const struct mac *mac, const struct ip *ip,
                         uint32_t lease_s) MUST_CHECK;

/* A MAC on a held port that nobody else has: it gets what the hold permits.  Until then, and when
 * it shows up at another port, it gets nothing. */
int datapath_admit_held(struct datapath *datapath, int ifindex, const struct mac *mac) MUST_CHECK;
void datapath_mac_seen(struct datapath *datapath, const char *port, const struct mac *mac);

struct datapath_counter {
    const char *name;
    uint64_t count;
};
size_t datapath_counters(struct datapath *datapath, struct datapath_counter *counters, size_t room);

#endif
