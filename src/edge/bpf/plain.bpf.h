/* Most frames are plain unicast between machines that no rule is about.  What says so must cost
 * next to nothing: a few bytes of the frame, and one bit for each of its MACs.
 *
 * "Plain" is only what the long way would let pass, too, without learning anything from it: what is
 * out of the ordinary in any way goes there. */
#ifndef CORDON_BPF_PLAIN_H
#define CORDON_BPF_PLAIN_H

#include "packet.bpf.h"

#define STRETCH_BITS 12 /* of jiffies: 4 to 41 s, by the kernel's HZ; far below MAC_LIFE */

/* May there be something in the maps about this MAC?  "No" is certain. */
static __always_inline int
is_screened(__u64 mac)
{
    __u32 bit = dp_digest(mac, DP_SCREEN_BITS), word = bit / 64;
    __u64 *bits = bpf_map_lookup_elem(&cdn_screen, &word);
    return !bits || *bits >> (bit & 63) & 1;
}

/* The MAC, the port and the stretch of time in which it was met there. */
static __always_inline __u64
meeting(__u64 mac, __u32 ifindex)
{
    __u64 stretch = bpf_jiffies64() >> STRETCH_BITS;
    return mac | (ifindex * 40503u + stretch) << 48;
}

static __always_inline int
is_met(__u64 mac, __u32 ifindex)
{
    __u32 place = dp_digest(mac, DP_MET_BITS);
    __u64 *met = bpf_map_lookup_elem(&cdn_met, &place);
    return met && *met == meeting(mac, ifindex);
}

static __always_inline void
meet(__u64 mac, __u32 ifindex)
{
    __u32 place = dp_digest(mac, DP_MET_BITS);
    __u64 *met = bpf_map_lookup_elem(&cdn_met, &place);
    if (met) {
        *met = meeting(mac, ifindex);
    }
}

/* Who is behind an access port is learnt from its frames; at other ports plain ones teach nothing. */
static __always_inline int
teaches_port(__u64 mac, __u32 ifindex)
{
    if (is_met(mac, ifindex)) {
        return 0;
    }
    struct dp_port *port = bpf_map_lookup_elem(&cdn_ports, &ifindex);
    if (!port || port->role == DP_ACCESS) {
        return 1;
    }
    meet(mac, ifindex);
    return 0;
}

static __always_inline __u64
mac_load(const __u8 *b)
{
    __u64 mac = 0;
    __builtin_memcpy(&mac, b, 6);
    return mac;
}

/* TCP, or UDP that is no DHCP, behind a header without options. */
static __always_inline int
is_plain_flow(const struct ethhdr *eth, const void *end)
{
    const struct iphdr *ip4 = (const void *)(eth + 1);
    const struct ipv6hdr *ip6 = (const void *)(eth + 1);
    __u8 protocol;
    const __u16 *ports;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        ports = (const void *)(ip4 + 1);
        if ((const void *)(ports + 2) > end || *(const __u8 *)ip4 != 0x45) {
            return 0;
        }
        protocol = ip4->protocol;
    } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        ports = (const void *)(ip6 + 1);
        if ((const void *)(ports + 2) > end || ip6->version != 6) {
            return 0;
        }
        protocol = ip6->nexthdr;
    } else {
        return 0;
    }
    if (protocol == IPPROTO_TCP) {
        return 1;
    }
    return protocol == IPPROTO_UDP && !is_dhcp_port(bpf_ntohs(ports[0])) &&
           !is_dhcp_port(bpf_ntohs(ports[1]));
}

static __always_inline int
is_plain_ingress(struct __sk_buff *skb, const struct dp_config *config)
{
    const struct ethhdr *eth = (const void *)(long)skb->data;
    const void *end = (const void *)(long)skb->data_end;
    if (skb->mark || config->special_ports || config->servers || config->pairs ||
        config->isolate_ips || config->watched || config->rspans) {
        return 0;
    }
    if ((const void *)(eth + 1) > end || eth->h_dest[0] & 1 || !is_plain_flow(eth, end)) {
        return 0;
    }
    __u64 src = mac_load(eth->h_source);
    return !is_screened(src) && !is_screened(mac_load(eth->h_dest)) &&
           !teaches_port(src, skb->ifindex);
}

/* Out of an access port, to a machine that no rule is about. */
static __always_inline int
is_plain_egress(struct __sk_buff *skb, const struct dp_config *config)
{
    const struct ethhdr *eth = (const void *)(long)skb->data;
    if (skb->mark || config->special_ports || config->isolate_ips || config->always) {
        return 0;
    }
    return (const void *)(eth + 1) <= (const void *)(long)skb->data_end &&
           !(eth->h_dest[0] & 1) && !is_screened(mac_load(eth->h_dest));
}

#endif
