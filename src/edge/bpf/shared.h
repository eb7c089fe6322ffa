/* What the kernel side (bpf/cordon.bpf.c) and the user side (datapath*.c) of an edge share: the
 * keys and values of the maps, and the names of the counters.  Fixed width, no implicit padding.
 *
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.  Times are nanoseconds on the
 * boot clock; 0 means "never".  In each value, what the kernel side writes stands last. */
#ifndef CORDON_EDGE_BPF_SHARED_H
#define CORDON_EDGE_BPF_SHARED_H

#include <linux/types.h>

/* Raise when the meaning of a member changes while its size does not: pinned maps of another
 * layout are never taken over. */
#define DP_LAYOUT 1

#define DP_PERMITS_MAX 64
#define DP_LISTED_MAX 16 /* DHCP servers, resolvers of one permit set */
#define DP_SESSIONS_MAX 16
#define DP_FILTERS_MAX 64
#define DP_PORT_MACS 8
#define DP_SNOOP_SHORT 320
#define DP_SNOOP_LONG 2048
#define DP_RESPOND_MAX 2048 /* bytes of a frame that the responder gets */
#define DP_NO_BUCKET 0xffffffffu
#define DP_SCREEN_BITS 22 /* one bit for each digest of a MAC */
#define DP_MET_BITS 14

struct dp_ip {
    __u64 w[2];
};

struct dp_mac {
    __u8 b[6];
    __u16 zero;
};

/* 'bits' bits of a MAC, which is the first six bytes of the word: neighbours in number are far apart
 * (Knuth, The Art of Computer Programming 3, 6.4: multiplication by the golden ratio). */
static inline __u32
dp_digest(__u64 mac, __u32 bits)
{
    return (__u32)(mac * 0x9e3779b97f4a7c15ull >> (64 - bits));
}

/* An endpoint as a key: its IP, or ff01:: with the MAC in the last six bytes. */
struct dp_owner {
    __u8 b[16];
};

enum dp_role { DP_ACCESS, DP_UPLINK, DP_SERVER, DP_MIRROR };

/* One entry, key 0.  The counts are hints: 0 means that nobody needs to look into that map. */
struct dp_config {
    __u32 layout;
    __u32 is_suspended;
    __u32 tap;          /* ifindex; 0: nobody answers */
    __u32 ifb;          /* ifindex of the device that encapsulates copies */
    __u32 forward_mark; /* secrets of this boot, never 0 */
    __u32 test_mark;
    __u32 copy_mark;
    __u32 isolate_ips;
    __u32 isolate_ports;
    __u32 servers;
    __u32 pairs;
    __u32 watched;  /* endpoints with a detailed mirror */
    __u32 rspans;   /* reserved VLANs */
    __u32 sensors;  /* ERSPAN destinations */
    __u32 always;   /* bits: sessions of kind remote-always */
    __u32 snoop_per_s;
    __u32 permit_mark; /* on what a contained endpoint may send */
    __u32 special_ports; /* that are held, or copied by a mirror of theirs */
};
_Static_assert(sizeof(struct dp_config) == 72, "dp_config");

/* By ifindex. */
struct dp_port {
    __u32 number; /* bridge port number, as in the ERSPAN index */
    __u8 role;    /* enum dp_role */
    __u8 is_held;
    __u16 zero;
    __u32 mirror_in; /* bits: sessions that copy what enters here */
    __u32 mirror_out;
};
_Static_assert(sizeof(struct dp_port) == 16, "dp_port");

/* By ifindex; written by the kernel side alone. */
struct dp_port_state {
    struct dp_mac mac[DP_PORT_MACS]; /* behind this access port */
    __u64 seen_ns[DP_PORT_MACS];
    __u64 snoop_ns;
    __s64 snoop_tokens;
};
_Static_assert(sizeof(struct dp_port_state) == 144, "dp_port_state");

struct dp_port_mac {
    __u32 ifindex;
    __u8 mac[6];
    __u16 zero;
};
_Static_assert(sizeof(struct dp_port_mac) == 12, "dp_port_mac");

#define DP_WARNS 1u   /* ARP, ND, TCP and UDP 443 go to the responder */
#define DP_CLEARED 2u /* a hold that ended with the link */

/* A MAC on a held port: since when (kernel side), or, by the user side, that nobody else has it. */
#define DP_HELD_ADMITTED 1ull

struct dp_isolate {
    __u64 set; /* key of its permit set; 0: no permits */
    __u64 tag; /* digest of the rule's id */
    __u64 expires_ns;
    __u32 flags;
    __u32 zero;
    __u64 hits;
};
_Static_assert(sizeof(struct dp_isolate) == 40, "dp_isolate");

/* What an endpoint may say in ARP and ND. */
struct dp_binding {
    struct dp_owner owner;
    struct dp_ip ip;
};
_Static_assert(sizeof(struct dp_binding) == 32, "dp_binding");

#define DP_PERMIT_NAMED 1u /* 'ip' is not used: addresses come from 'learnt' */

struct dp_permit {
    struct dp_ip ip;
    struct dp_ip mask;
    __u16 port_low; /* 0 and 0: any */
    __u16 port_high;
    __u8 protocol; /* 0: any */
    __u8 flags;
    __u16 zero;
};
_Static_assert(sizeof(struct dp_permit) == 40, "dp_permit");

#define DP_SET_DHCP 1u
#define DP_SET_DNS 2u

struct dp_set {
    __u64 generation; /* digest of the rule's id; part of the key of 'learnt' */
    __u32 flags;
    __u32 permit_count;
    __u32 dhcp_count;
    __u32 resolver_count;
    struct dp_ip dhcp[DP_LISTED_MAX];
    struct dp_ip resolvers[DP_LISTED_MAX];
    struct dp_permit permits[DP_PERMITS_MAX];
};
_Static_assert(sizeof(struct dp_set) == 24 + 512 + 2560, "dp_set");

struct dp_learnt_key {
    __u64 generation;
    struct dp_ip ip;
};

struct dp_learnt {
    __u64 permits; /* bits: entries of the set */
    __u64 expires_ns;
};

/* Key of the longest-prefix maps. */
struct dp_prefix {
    __u32 length;
    __u8 ip[16];
};
_Static_assert(sizeof(struct dp_prefix) == 20, "dp_prefix");

struct dp_pair {
    __u32 length; /* 128 + the server's */
    __u8 owner[16];
    __u8 server[16];
};
_Static_assert(sizeof(struct dp_pair) == 36, "dp_pair");

struct dp_block {
    __u64 tag;
    __u64 expires_ns;
    __u32 length; /* of the prefix: the next shorter one is tried when this one has expired */
    __u32 zero;
    __u64 hits;
};
_Static_assert(sizeof(struct dp_block) == 32, "dp_block");

struct dp_protect {
    __u64 tag;
    __u64 expires_ns;
    __u32 is_host; /* a single address: a contained endpoint may resolve it (next hop) */
    __u32 zero;
};

struct dp_query {
    struct dp_ip client;
    struct dp_ip server;
    __u16 port; /* network order, as in the frame */
    __u16 id;
    __u32 zero;
};
_Static_assert(sizeof(struct dp_query) == 40, "dp_query");

struct dp_fragment {
    struct dp_ip src;
    struct dp_ip dst;
    __u32 id;
    __u32 protocol;
};
_Static_assert(sizeof(struct dp_fragment) == 40, "dp_fragment");

struct dp_bucket {
    __s64 tokens;
    __u64 filled_ns;
};

enum dp_carrier { DP_LOCAL, DP_ERSPAN, DP_RSPAN };

struct dp_session {
    __u64 tag;
    __u64 expires_ns;
    __u32 carrier; /* enum dp_carrier */
    __u32 out;     /* ifindex; 0: nowhere yet */
    __u32 snap;    /* 0: whole frames */
    __u32 sample;
    __u32 bucket;      /* key in 'budgets', or DP_NO_BUCKET */
    __u16 span;        /* ERSPAN session */
    __u16 vlan;        /* RSPAN */
    __u8 to_mac[6];    /* next hop of the ERSPAN */
    __u8 from_mac[6];
    __u32 to_ip;       /* network order */
    __u32 from_ip;
    __u32 has_filters;
};
_Static_assert(sizeof(struct dp_session) == 64, "dp_session");

struct dp_session_state { /* by session; written by the kernel side */
    __u64 copied;
    __u64 bytes;
    __u64 over_budget;
    __u64 failed;
    __u32 sequence;
    __u32 zero;
};

struct dp_filter {
    struct dp_ip src;
    struct dp_ip src_mask;
    struct dp_ip dst;
    struct dp_ip dst_mask;
    __u16 port_low; /* either end's */
    __u16 port_high;
    __u16 vlan;
    __u8 protocol;
    __u8 zero;
};
_Static_assert(sizeof(struct dp_filter) == 72, "dp_filter");

struct dp_filters {
    __u32 count;
    __u32 zero;
    struct dp_filter filter[DP_FILTERS_MAX];
};

/* Detailed mirror of one endpoint. */
struct dp_watch {
    __u64 tag;
    __u32 sessions; /* bits */
    __u32 zero;
    __u32 is_elsewhere; /* last seen coming from an uplink: its own switch copies what it gets */
    __u32 zero2;
};

struct dp_budget {
    __u64 bytes_per_s;
    __u64 burst;
    __s64 tokens;
    __u64 filled_ns;
};

/* A reserved VLAN: never bridged; what comes in on an uplink goes out of 'out' alone. */
struct dp_rspan {
    __u32 out; /* 0: nowhere */
    __u32 strips_tag;
};

enum dp_snoop_kind {
    DP_SNOOP_ARP,
    DP_SNOOP_ND,
    DP_SNOOP_DHCP,
    DP_SNOOP_DNS_ANSWER,
    DP_SNOOP_HELD_MAC,
    DP_SNOOP_MAC,
    DP_SNOOP_SOURCE /* stopped, from a contained endpoint: with an address that is not known as its own */
};

struct dp_snoop {
    __u32 kind;
    __u32 ifindex;
    __u32 vlan;
    __u32 size;
    __u8 frame[];
};

/* Behind a frame in the tap, both ways. */
#define DP_TRAILER_MAGIC 0xc04d07a1u
struct dp_trailer {
    __u32 magic;
    __u32 ifindex;
    __u32 vlan;
    __u32 zero;
};
_Static_assert(sizeof(struct dp_trailer) == 16, "dp_trailer");

#define DP_COUNTERS(X)                                                                             \
    X(PASSED_PERMITTED, "passed_permitted")                                                        \
    X(DROPPED_SERVER, "dropped_server")                                                            \
    X(DROPPED_PAIR, "dropped_pair")                                                                \
    X(DROPPED_ISOLATED, "dropped_isolated")                                                        \
    X(DROPPED_HELD, "dropped_held")                                                                \
    X(DROPPED_GROUP, "dropped_group_to_isolated")                                                  \
    X(SHARED_GROUP, "group_passed_on_shared_port")                                                 \
    X(PROTECTED, "protected_passed")                                                               \
    X(REDIRECTED, "redirected_to_responder")                                                       \
    X(RESPONDER_LIMITED, "responder_rate_limited")                                                 \
    X(FORWARDED, "queries_forwarded")                                                              \
    X(FORWARD_REFUSED, "queries_refused")                                                          \
    X(RSPAN_STEERED, "rspan_steered")                                                              \
    X(RSPAN_DROPPED, "rspan_dropped")                                                              \
    X(FORGED_COPY, "forged_mirror_dropped")                                                        \
    X(COPIED, "mirror_copied")                                                                     \
    X(COPY_OVER_BUDGET, "mirror_over_budget")                                                      \
    X(COPY_FAILED, "mirror_failed")                                                                \
    X(SNOOPED, "snooped")                                                                          \
    X(SNOOP_LIMITED, "snoop_rate_limited")                                                         \
    X(SNOOP_LOST, "snoop_ring_full")                                                               \
    X(PORT_CROWDED, "port_with_more_macs_than_tracked")

#define DP_COUNTER_ID(id, name) DP_##id,
enum dp_counter { DP_COUNTERS(DP_COUNTER_ID) DP_COUNTER_COUNT };

#endif
