/* What a contained endpoint may still send and get ("permitted means exactly that").
 *
 * Its servers, resolvers and gateways are on server ports and uplinks.  Between it and an access
 * port nothing passes at all: there anybody can take a permitted server's address.
 *
 * Both directions are asked apart: from_endpoint() for what it sends, to_endpoint() for what is
 * sent to it; between two contained endpoints both must agree. */
#ifndef CORDON_BPF_CONTAIN_H
#define CORDON_BPF_CONTAIN_H

#include "packet.bpf.h"

enum verdict { VERDICT_PASS, VERDICT_DROP, VERDICT_RESPOND };

#define SECONDS 1000000000ull
#define FRAGMENT_LIFE (30 * SECONDS)
#define QUERY_LIFE (10 * SECONDS)
#define EXPIRED_TRIES 4
#define ND_OPTIONS_MAX 3

#define PORT_DNS 53
#define DHCP4_SERVER 67
#define DHCP4_CLIENT 68
#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547
#define EAPOL 0x888e

#define ND_RS 133
#define ND_RA 134
#define ND_NS 135
#define ND_NA 136

enum found { FOUND_NONE, FOUND_MAC, FOUND_PORT, FOUND_IP, FOUND_HELD };

struct subject { /* one end that is contained */
    __u64 set;       /* key of its permit set; 0: permits nothing */
    __u64 mac;
    __u32 found;     /* enum found: the map that has it */
    __u32 ifindex;   /* where it was looked for */
    __u32 flags;     /* of struct dp_isolate */
    __u32 is_denied; /* the other end is blocked: permits do not count */
};

struct peer { /* the other end */
    struct dp_ip ip;
    __u16 port;
    __u8 protocol;
    __u8 by_address; /* only the address counts (ARP, ND) */
    __u8 needs_port; /* only permits that name ports count (DNS) */
    __u8 zero[3];
};

static __always_inline struct dp_set *
set_get(__u64 key)
{
    return key ? bpf_map_lookup_elem(&cdn_set, &key) : NULL;
}

static __always_inline int
set_has(__u64 key, __u32 flag)
{
    struct dp_set *set = set_get(key);
    return set && set->flags & flag;
}

static __always_inline int
listed(const struct dp_ip *list, __u32 size, const struct dp_ip *ip)
{
    for (__u32 i = 0; i < DP_LISTED_MAX; i++) {
        if (i >= size) {
            break;
        }
        if (ip_same(&list[i], ip)) {
            return 1;
        }
    }
    return 0;
}

CHECKED_APART int
is_dhcp_server(__u64 key, const struct dp_ip *ip)
{
    const struct dp_set *set = set_get(key);
    if (!ip) {
        return 0;
    }
    return set && listed(set->dhcp, set->dhcp_count, ip);
}

CHECKED_APART int
is_resolver(__u64 key, const struct dp_ip *ip)
{
    const struct dp_set *set = set_get(key);
    if (!ip) {
        return 0;
    }
    return set && listed(set->resolvers, set->resolver_count, ip);
}

static __always_inline int
permit_matches(const struct dp_permit *permit, const struct peer *peer)
{
    if (peer->by_address) {
        return 1;
    }
    if (permit->protocol && permit->protocol != peer->protocol) {
        return 0;
    }
    if (!permit->port_low && !permit->port_high) {
        return !peer->needs_port;
    }
    if (peer->protocol != IPPROTO_TCP && peer->protocol != IPPROTO_UDP) {
        return 0;
    }
    return peer->port >= permit->port_low && peer->port <= permit->port_high;
}

CHECKED_APART int
is_permitted(__u64 set_key, const struct peer *peer)
{
    struct dp_set *set = set_get(set_key);
    if (!peer || !set) {
        return 0;
    }
    __u64 named = 0;
    struct dp_learnt_key key = {.generation = set->generation, .ip = peer->ip};
    struct dp_learnt *learnt = bpf_map_lookup_elem(&cdn_learnt, &key);
    if (learnt && !is_over(learnt->expires_ns)) {
        named = learnt->permits;
    }
    for (__u32 i = 0; i < DP_PERMITS_MAX; i++) {
        if (i >= set->permit_count) {
            break;
        }
        const struct dp_permit *permit = &set->permits[i];
        int has_address = permit->flags & DP_PERMIT_NAMED
                              ? (named >> i & 1) != 0
                              : (peer->ip.w[0] & permit->mask.w[0]) == permit->ip.w[0] &&
                                    (peer->ip.w[1] & permit->mask.w[1]) == permit->ip.w[1];
        if (has_address && permit_matches(permit, peer)) {
            return 1;
        }
    }
    return 0;
}

/* 0: not protected; 2: as a single host. */
CHECKED_APART int
protect_of_ip(const struct dp_ip *ip)
{
    struct dp_prefix key = {.length = 128};
    if (!ip) {
        return 0;
    }
    __builtin_memcpy(key.ip, ip, 16);
    struct dp_protect *protect = bpf_map_lookup_elem(&cdn_protect_ip, &key);
    if (!protect || is_over(protect->expires_ns)) {
        return 0;
    }
    return protect->is_host ? 2 : 1;
}

/* Whom the endpoint may resolve: its permitted servers, and next hops towards them (gateways that
 * sent an RA or stood in a lease, and declared hosts). */
CHECKED_APART int
may_resolve(__u64 key, const struct dp_ip *ip)
{
    struct dp_set *set = set_get(key);
    if (!ip || !set) {
        return 0;
    }
    struct peer peer = {.ip = *ip, .by_address = 1};
    if (is_permitted(key, &peer) || is_resolver(key, ip) || is_dhcp_server(key, ip)) {
        return 1;
    }
    if (!set->permit_count && !set->resolver_count) {
        return 0;
    }
    __u64 *gateway = bpf_map_lookup_elem(&cdn_gateway, ip);
    if (gateway && !is_over(*gateway)) {
        return 1;
    }
    return protect_of_ip(ip) == 2;
}

/* fe80:: with the EUI-64 of the MAC is always the endpoint's own. */
static __always_inline int
is_own_link_local(__u64 mac, const struct dp_ip *ip)
{
    const __u8 *m = (const __u8 *)&mac;
    const __u8 *b = (const __u8 *)ip;
    return ip->w[0] == bpf_cpu_to_be64(0xfe80000000000000ull) && b[8] == (m[0] ^ 2) &&
           b[9] == m[1] && b[10] == m[2] && b[11] == 0xff && b[12] == 0xfe && b[13] == m[3] &&
           b[14] == m[4] && b[15] == m[5];
}

CHECKED_APART int
is_bound(const struct subject *s, const struct dp_ip *self, const struct dp_ip *ip)
{
    if (!s || !self || !ip) {
        return 0;
    }
    struct dp_binding key = {.ip = *ip};
    if (protect_of_ip(ip)) {
        return 0; /* the gateway's, say: whoever is contained has claimed it */
    }
    if (s->found != FOUND_IP) {
        owner_from_mac(&key.owner, s->mac);
    } else {
        owner_from_ip(&key.owner, self);
    }
    __u64 *until = bpf_map_lookup_elem(&cdn_binding, &key);
    if (until) {
        return 1;
    }
    until = bpf_map_lookup_elem(&cdn_lease, &key);
    if (until && !is_over(*until)) {
        return 1;
    }
    return s->found == FOUND_IP ? ip_same(ip, self) : is_own_link_local(s->mac, ip);
}

CHECKED_APART int
from_arp(struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    if (!p->arp_is_own) {
        return VERDICT_DROP;
    }
    /* probes and announcements (RFC 5227) go to everybody: whom it may talk to asks for itself */
    if (ip_is_zero(&p->src) || ip_same(&p->src, &p->dst)) {
        return VERDICT_DROP;
    }
    int is_own = is_bound(s, &p->src, &p->src);
    if (is_own && !s->is_denied && (p->arp_op == 1 || p->arp_op == 2) &&
        may_resolve(s->set, &p->dst)) {
        return VERDICT_PASS;
    }
    return p->arp_op == 1 ? VERDICT_RESPOND : VERDICT_DROP;
}

/* Only options that carry the sender's own MAC (1 and 2) or a nonce (14). */
CHECKED_APART int
nd_options_are_own(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    __u32 at = p->l4_at + (p->icmp_type == ND_RS ? 8 : 24);
    for (int i = 0; i < ND_OPTIONS_MAX; i++) {
        __u8 option[8];
        if (at >= skb->len) {
            return 1;
        }
        if (at > L4_OFFSET_MAX || bpf_skb_load_bytes(skb, at, option, 8)) {
            return 0;
        }
        __u64 mac = 0;
        __builtin_memcpy(&mac, option + 2, 6);
        int is_mac = (option[0] == 1 || option[0] == 2) && mac == p->src_mac_word;
        if (option[1] != 1 || (!is_mac && option[0] != 14)) {
            return 0;
        }
        at += 8;
    }
    return at >= skb->len;
}

/* Who is asked for 'target': it, or the solicited-node group of its address (RFC 4291 2.7.1). */
static __always_inline int
is_solicited(const struct dp_ip *dst, const struct dp_ip *target)
{
    const __u64 tail = bpf_be64_to_cpu(target->w[1]) & 0xffffff;
    return ip_same(dst, target) || (dst->w[0] == bpf_cpu_to_be64(0xff02000000000000ull) &&
                                    dst->w[1] == bpf_cpu_to_be64(0x1ff000000ull | tail));
}

CHECKED_APART int
from_nd(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    struct dp_ip target = {};
    if (p->icmp_type != ND_RS && p->icmp_type != ND_NS && p->icmp_type != ND_NA) {
        return VERDICT_DROP; /* RA and redirects never */
    }
    int is_unbound = ip_is_zero(&p->src);
    int is_own = nd_options_are_own(skb, p) && (is_unbound || is_bound(s, &p->src, &p->src));
    if (p->icmp_type == ND_RS) {
        const struct dp_ip all_routers = {
            {bpf_cpu_to_be64(0xff02000000000000ull), bpf_cpu_to_be64(2)}};
        return is_own && s->set && ip_same(&p->dst, &all_routers) ? VERDICT_PASS : VERDICT_DROP;
    }
    if (bpf_skb_load_bytes(skb, p->l4_at + 8, &target, 16)) {
        return VERDICT_DROP;
    }
    if (p->icmp_type == ND_NA) {
        const struct dp_ip all_nodes = {{bpf_cpu_to_be64(0xff02000000000000ull),
                                         bpf_cpu_to_be64(1)}};
        int is_for = ip_same(&p->dst, &all_nodes) || may_resolve(s->set, &p->dst);
        return is_own && is_bound(s, &p->src, &target) && is_for ? VERDICT_PASS : VERDICT_DROP;
    }
    if (is_unbound) { /* duplicate address detection goes to everybody */
        return VERDICT_DROP;
    }
    if (!is_own || s->is_denied || !may_resolve(s->set, &target)) {
        return VERDICT_RESPOND;
    }
    /* not to somebody else: a router would even forward it */
    return is_solicited(&p->dst, &target) ? VERDICT_PASS : VERDICT_DROP;
}

/* A client for itself: no relay, in whose name the server would answer to anybody, and no address
 * that is not its own, to which the answer would go or whose lease would end. */
CHECKED_APART int
dhcp_is_own(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    __u8 boot[34];
    __u32 word;
    __u64 client = 0;
    struct dp_ip own = {};
    if (!p || !s || bpf_skb_load_bytes(skb, p->l4_at + 8, boot, sizeof(boot))) {
        return 0;
    }
    __builtin_memcpy(&client, boot + 28, 6);
    __builtin_memcpy(&word, boot + 24, 4);
    if (boot[0] != 1 || client != p->src_mac_word || boot[3] || word) { /* hops, giaddr */
        return 0;
    }
    __builtin_memcpy(&word, boot + 12, 4); /* ciaddr */
    ip_from_4(&own, word);
    return (!word || is_bound(s, &p->src, &own)) &&
           (ip_is_zero(&p->src) || is_bound(s, &p->src, &p->src));
}

#define DHCP6_RELAYED 12 /* and 13, its answer */

CHECKED_APART int
from_dhcp(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    if (!set_has(s->set, DP_SET_DHCP) || s->is_denied || p->fragment) {
        return VERDICT_DROP;
    }
    int is_known = is_dhcp_server(s->set, &p->dst);
    if (p->l3 == L3_IP4) {
        if (p->sport != DHCP4_CLIENT || p->dport != DHCP4_SERVER || !dhcp_is_own(skb, p, s)) {
            return VERDICT_DROP;
        }
        return is_known || (__u32)(p->dst.w[1] >> 32) == 0xffffffff ? VERDICT_PASS : VERDICT_DROP;
    }
    const struct dp_ip servers = {{bpf_cpu_to_be64(0xff02000000000000ull),
                                   bpf_cpu_to_be64(0x10002)}};
    __u8 type = 0;
    if (p->sport != DHCP6_CLIENT || p->dport != DHCP6_SERVER ||
        bpf_skb_load_bytes(skb, p->l4_at + 8, &type, 1) || type >= DHCP6_RELAYED ||
        !is_bound(s, &p->src, &p->src)) {
        return VERDICT_DROP;
    }
    return is_known || ip_same(&p->dst, &servers) ? VERDICT_PASS : VERDICT_DROP;
}

static __always_inline void
fragment_key(const struct packet *p, struct dp_fragment *key)
{
    key->src = p->src;
    key->dst = p->dst;
    key->id = p->fragment_id;
    key->protocol = p->protocol;
}

/* A later fragment follows a permitted first one, and must not reach back into its header. */
CHECKED_APART int
later_fragment(struct packet *p)
{
    if (!p) {
        return 0;
    }
    struct dp_fragment key;
    fragment_key(p, &key);
    __u64 *until = bpf_map_lookup_elem(&cdn_fragment, &key);
    return until && !is_over(*until) && p->fragment_offset >= 24 ? VERDICT_PASS : VERDICT_DROP;
}

CHECKED_APART int
pass_permitted(struct packet *p)
{
    if (!p) {
        return VERDICT_DROP;
    }
    if (p->fragment == FRAGMENT_FIRST && !p->is_test) {
        struct dp_fragment key;
        fragment_key(p, &key);
        __u64 until = bpf_ktime_get_boot_ns() + FRAGMENT_LIFE;
        bpf_map_update_elem(&cdn_fragment, &key, &until, BPF_ANY);
    }
    return VERDICT_PASS;
}

/* The answer to this query will be let through. */
CHECKED_APART int
query_remember(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    struct dp_query query = {.client = p->src, .server = p->dst, .port = p->sport};
    if (bpf_skb_load_bytes(skb, p->l4_at + 8, &query.id, 2)) {
        return 0;
    }
    __u64 until = bpf_ktime_get_boot_ns() + QUERY_LIFE;
    return p->is_test || !bpf_map_update_elem(&cdn_query, &query, &until, BPF_ANY);
}

CHECKED_APART int
is_dns_answer(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    struct dp_query query = {.client = p->dst, .server = p->src, .port = p->dport};
    if (p->l3 < L3_IP4 || p->protocol != IPPROTO_UDP || p->sport != PORT_DNS || p->fragment ||
        !p->l4_at || bpf_skb_load_bytes(skb, p->l4_at + 8, &query.id, 2)) {
        return 0;
    }
    __u64 *until = bpf_map_lookup_elem(&cdn_query, &query);
    return until && !is_over(*until);
}

/* What the endpoint itself sends to a permitted server: not in the name of others. */
CHECKED_APART int
pass_own(struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    return is_bound(s, &p->src, &p->src) ? pass_permitted(p) : VERDICT_DROP;
}

CHECKED_APART int
from_dns(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    struct peer peer = {
        .ip = p->dst, .port = p->dport, .protocol = p->protocol, .needs_port = 1};
    if (!s->is_denied && is_permitted(s->set, &peer)) {
        return pass_own(p, s);
    }
    if (p->in_role != DP_UPLINK) {
        return VERDICT_RESPOND;
    }
    /* Its own edge has looked at the name; here it is on its way. */
    return p->protocol == IPPROTO_UDP && is_resolver(s->set, &p->dst) &&
                   is_bound(s, &p->src, &p->src) && query_remember(skb, p)
               ? VERDICT_PASS
               : VERDICT_DROP;
}

CHECKED_APART int
from_endpoint(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    if (p->l3 == L3_ARP) {
        return from_arp(p, s);
    }
    if (p->l3 == L3_OTHER) {
        /* 802.1X with the switch itself: never forwarded by a bridge */
        __u64 pae = 0;
        __builtin_memcpy(&pae, "\x01\x80\xc2\x00\x00\x03", 6);
        return p->ethertype == EAPOL && p->dst_mac_word == pae ? VERDICT_PASS : VERDICT_DROP;
    }
    if (p->is_odd) {
        return VERDICT_DROP;
    }
    if (is_nd(p)) {
        return from_nd(skb, p, s);
    }
    int is_udp = p->protocol == IPPROTO_UDP;
    if (is_udp && (p->sport == DHCP4_CLIENT || p->sport == DHCP6_CLIENT)) {
        return from_dhcp(skb, p, s);
    }
    if (is_udp && (p->sport == DHCP4_SERVER || p->sport == DHCP6_SERVER)) {
        return VERDICT_DROP;
    }
    if (p->is_group || ip_is_multicast(&p->dst)) {
        return VERDICT_DROP;
    }
    if (p->fragment == FRAGMENT_LATER) {
        return s->is_denied ? VERDICT_DROP : later_fragment(p);
    }
    if (!p->l4_at) {
        return VERDICT_DROP;
    }
    int is_flow = is_udp || p->protocol == IPPROTO_TCP;
    if (is_flow && p->dport == PORT_DNS && set_has(s->set, DP_SET_DNS)) {
        return from_dns(skb, p, s);
    }
    struct peer peer = {.ip = p->dst, .port = p->dport, .protocol = p->protocol};
    int is_icmp = p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
    int is_question = !is_icmp || p->icmp_type == (p->l3 == L3_IP4 ? 8 : 128);
    if (!s->is_denied && is_question && is_permitted(s->set, &peer)) {
        return pass_own(p, s);
    }
    return p->protocol == IPPROTO_TCP || (is_udp && (p->dport == 443 || p->dport == PORT_DNS))
               ? VERDICT_RESPOND
               : VERDICT_DROP;
}

CHECKED_APART int
to_nd(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    struct dp_ip target = {};
    if (p->icmp_type == ND_RA) {
        return s->set ? VERDICT_PASS : VERDICT_DROP;
    }
    if (p->icmp_type != ND_NS && p->icmp_type != ND_NA) {
        return VERDICT_DROP;
    }
    if (bpf_skb_load_bytes(skb, p->l4_at + 8, &target, 16)) {
        return VERDICT_DROP;
    }
    if (p->icmp_type == ND_NS) {
        return is_bound(s, &p->dst, &target) && may_resolve(s->set, &p->src) ? VERDICT_PASS : VERDICT_DROP;
    }
    return may_resolve(s->set, &target) ? VERDICT_PASS : VERDICT_DROP;
}

/* ICMP errors about a permitted flow of the endpoint (path MTU): what they quote decides. */
CHECKED_APART int
to_icmp_error(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    struct peer peer = {};
    struct dp_ip sender = {};
    __u32 at = p->l4_at + 8, ports_at;
    __u8 ports[4];
    if (p->l3 == L3_IP4) {
        __u8 head[20];
        __u32 word;
        if ((p->icmp_type != 3 && p->icmp_type != 11 && p->icmp_type != 12) ||
            bpf_skb_load_bytes(skb, at, head, 20) || head[0] != 0x45) {
            return VERDICT_DROP;
        }
        __builtin_memcpy(&word, head + 12, 4);
        ip_from_4(&sender, word);
        __builtin_memcpy(&word, head + 16, 4);
        ip_from_4(&peer.ip, word);
        peer.protocol = head[9];
        ports_at = at + 20;
    } else {
        __u8 head[40];
        if (p->icmp_type < 1 || p->icmp_type > 4 || bpf_skb_load_bytes(skb, at, head, 40)) {
            return VERDICT_DROP;
        }
        __builtin_memcpy(&sender, head + 8, 16);
        __builtin_memcpy(&peer.ip, head + 24, 16);
        peer.protocol = head[6];
        ports_at = at + 40;
    }
    if (!ip_same(&sender, &p->dst) || bpf_skb_load_bytes(skb, ports_at, ports, 4)) {
        return VERDICT_DROP;
    }
    peer.port = (__u16)(ports[2] << 8 | ports[3]);
    return is_permitted(s->set, &peer) ? VERDICT_PASS : VERDICT_DROP;
}

CHECKED_APART int
to_icmp(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    if (p->icmp_type == (p->l3 == L3_IP4 ? 0 : 129)) {
        struct peer peer = {.ip = p->src, .protocol = p->protocol};
        return is_permitted(s->set, &peer) ? pass_permitted(p) : VERDICT_DROP;
    }
    return to_icmp_error(skb, p, s);
}

CHECKED_APART int
to_dhcp(struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    int is_answer = p->l3 == L3_IP4 ? p->sport == DHCP4_SERVER : p->sport == DHCP6_SERVER;
    return set_has(s->set, DP_SET_DHCP) && is_answer ? VERDICT_PASS : VERDICT_DROP;
}

CHECKED_APART int
to_endpoint(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return VERDICT_DROP;
    }
    if (s->is_denied || p->l3 == L3_OTHER || p->is_odd || p->in_role == DP_ACCESS) {
        return VERDICT_DROP;
    }
    if (p->l3 == L3_ARP) {
        return (p->arp_op == 1 || p->arp_op == 2) && may_resolve(s->set, &p->src) ? VERDICT_PASS
                                                                                   : VERDICT_DROP;
    }
    if (is_nd(p)) {
        return to_nd(skb, p, s);
    }
    if (p->fragment == FRAGMENT_LATER) {
        return later_fragment(p);
    }
    if (!p->l4_at) {
        return VERDICT_DROP;
    }
    if (p->protocol == IPPROTO_UDP && (p->dport == DHCP4_CLIENT || p->dport == DHCP6_CLIENT)) {
        return to_dhcp(p, s);
    }
    if (p->is_group || ip_is_multicast(&p->dst)) {
        return VERDICT_DROP;
    }
    if (is_dns_answer(skb, p)) {
        return VERDICT_PASS;
    }
    if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
        return to_icmp(skb, p, s);
    }
    if (p->protocol == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        return VERDICT_DROP; /* nobody opens a connection to it */
    }
    struct peer peer = {.ip = p->src, .port = p->sport, .protocol = p->protocol};
    return is_permitted(s->set, &peer) ? pass_permitted(p) : VERDICT_DROP;
}

#endif
