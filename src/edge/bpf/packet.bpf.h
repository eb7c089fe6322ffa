/* One frame, parsed: bounded, every offset checked against the frame's end.
 *
 *   Ethernet [802.1Q in band]* { ARP | IPv4 [options] | IPv6 [extension headers]* } { L4 }
 *
 * The outer tag is in the skb's metadata, further ones (QinQ) are in band.  What is deeper than we
 * look has no L4: a contained endpoint cannot use it, for everybody else it just passes. */
#ifndef CORDON_BPF_PACKET_H
#define CORDON_BPF_PACKET_H

#include <stddef.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

#include "maps.bpf.h"

#define HEADERS_SEEN 96 /* linear bytes that we ask for */
#define TAGS_MAX 2
#define EXTENSIONS_MAX 8
#define L4_OFFSET_MAX 1024
#define PROTOCOL_NONE 59

enum l3 { L3_OTHER, L3_ARP, L3_IP4, L3_IP6 };
enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct packet {
    struct dp_ip src; /* ARP: sender and target */
    struct dp_ip dst;
    union {
        struct dp_mac src_mac;
        __u64 src_mac_word;
    };
    union {
        struct dp_mac dst_mac;
        __u64 dst_mac_word;
    };
    __u32 fragment_id;
    __u16 ethertype; /* host order, innermost */
    __u16 vlan;
    __u16 l3_at;
    __u16 l4_at; /* 0: not found */
    __u16 sport; /* host order; TCP and UDP */
    __u16 dport;
    __u16 fragment_offset; /* bytes */
    __u16 arp_op;
    __u8 l3;
    __u8 fragment;
    __u8 protocol;
    __u8 tcp_flags;
    __u8 icmp_type;
    __u8 is_group; /* destination MAC */
    __u8 is_test;
    __u8 in_role; /* of the port where it came in */
    __u32 in_ifindex;
    __u32 arp_is_own; /* ARP: sender's hardware address is the frame's */
    __u32 is_odd;     /* has what no permit is about: see parse_extensions() and parse() */
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_ACK 0x10

static __always_inline void
ip_from_4(struct dp_ip *ip, __u32 word)
{
    ip->w[0] = 0;
    ip->w[1] = (__u64)word << 32 | bpf_htonl(0xffff);
}

static __always_inline int
ip_same(const struct dp_ip *a, const struct dp_ip *b)
{
    return a->w[0] == b->w[0] && a->w[1] == b->w[1];
}

static __always_inline int
ip_is_multicast(const struct dp_ip *ip)
{
    const __u8 *b = (const __u8 *)ip;
    if (ip->w[0] == 0 && (__u32)ip->w[1] == bpf_htonl(0xffff)) {
        return (b[12] & 0xf0) == 0xe0 || (__u32)(ip->w[1] >> 32) == 0xffffffff;
    }
    return b[0] == 0xff;
}

/* ::ffff:0:0/96: no address of a frame on a wire, but how IPv4 is written in our maps. */
static __always_inline int
ip_is_mapped(const struct dp_ip *ip)
{
    return ip->w[0] == 0 && (__u32)ip->w[1] == bpf_htonl(0xffff);
}

static __always_inline int
ip_is_zero(const struct dp_ip *ip)
{
    return (ip->w[0] == 0 && ip->w[1] == 0) || (ip->w[0] == 0 && ip->w[1] == bpf_htonl(0xffff));
}

static __always_inline void
owner_from_mac(struct dp_owner *owner, __u64 mac)
{
    __u64 *w = (__u64 *)owner;
    w[0] = bpf_cpu_to_be64(0xff01000000000000ull);
    w[1] = mac << 16;
}

static __always_inline void
owner_from_ip(struct dp_owner *owner, const struct dp_ip *ip)
{
    __builtin_memcpy(owner, ip, sizeof(*owner));
}

/* The first bytes of TCP, UDP and ICMP; a later fragment has none.  What is deeper than the linear
 * bytes is copied. */
CHECKED_APART int
parse_l4(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    __u8 copy[14];
    __u32 at = p->l4_at;
    if (!at || p->fragment == FRAGMENT_LATER) {
        return 0;
    }
    __u32 need = p->protocol == IPPROTO_TCP                                       ? 14
                 : p->protocol == IPPROTO_UDP                                     ? 8
                 : p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6 ? 4
                                                                                  : 0;
    if (!need) {
        return 1;
    }
    const __u8 *data = (const __u8 *)(long)skb->data;
    const __u8 *end = (const __u8 *)(long)skb->data_end;
    const __u8 *head = data + (at & 127);
    if (at > 127 || head + 14 > end) {
        long failed = need == 14  ? bpf_skb_load_bytes(skb, at, copy, 14)
                      : need == 8 ? bpf_skb_load_bytes(skb, at, copy, 8)
                                  : bpf_skb_load_bytes(skb, at, copy, 4);
        if (failed) {
            p->l4_at = 0;
            return 0;
        }
        head = copy;
    }
    if (need == 14) {
        p->tcp_flags = head[13];
    } else if (need == 4) {
        p->icmp_type = head[0];
        return 1;
    }
    p->sport = (__u16)(head[0] << 8 | head[1]);
    p->dport = (__u16)(head[2] << 8 | head[3]);
    return 1;
}

/* One fragment header straight behind the IPv6 header is plain.  Any other extension header may
 * change where the packet goes (routing) or whom it seems to be from (home address), or hides the
 * ports from a switch that looks less deep than the receiver. */
CHECKED_APART int
parse_extensions(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 next)
{
    if (!p) {
        return 0;
    }
#pragma unroll
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        __u8 head[8];
        if (next != 0 && next != 43 && next != 60 && next != 135 && next != 44 && next != 51) {
            p->protocol = (__u8)next;
            p->l4_at = (__u16)at;
            return 1;
        }
        if (at > L4_OFFSET_MAX || bpf_skb_load_bytes(skb, at, head, 8)) {
            break;
        }
        if (next != 44 || i > 0) {
            p->is_odd = 1;
        }
        if (next == 44) {
            __u16 offset = (__u16)(head[2] << 8 | head[3]);
            p->fragment_id = *(__u32 *)(head + 4);
            p->fragment_offset = offset & 0xfff8;
            p->fragment = p->fragment_offset ? FRAGMENT_LATER
                          : offset & 1       ? FRAGMENT_FIRST
                                             : FRAGMENT_NONE;
            at += 8;
            if (p->fragment == FRAGMENT_LATER) {
                p->protocol = head[0];
                p->l4_at = (__u16)at;
                return 1;
            }
        } else if (next == 51) {
            at += ((__u32)head[1] + 2) * 4;
        } else {
            at += ((__u32)head[1] + 1) * 8;
        }
        next = head[0];
    }
    p->protocol = PROTOCOL_NONE;
    p->l4_at = 0;
    return 0;
}

/* Sender and target, only of Ethernet/IPv4 ARP. */
CHECKED_APART int
parse_arp(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    __u8 b[28];
    if (bpf_skb_load_bytes(skb, p->l3_at, b, sizeof(b))) {
        return 0;
    }
    if (b[0] != 0 || b[1] != 1 || b[2] != 8 || b[3] != 0 || b[4] != 6 || b[5] != 4) {
        return 0;
    }
    p->arp_op = (__u16)(b[6] << 8 | b[7]);
    __u32 ip;
    __builtin_memcpy(&ip, b + 14, 4);
    ip_from_4(&p->src, ip);
    __builtin_memcpy(&ip, b + 24, 4);
    ip_from_4(&p->dst, ip);
    __u64 sender = 0;
    __builtin_memcpy(&sender, b + 8, 6);
    p->arp_is_own = sender == p->src_mac_word;
    p->l3 = L3_ARP;
    return 1;
}

/* False: not even an Ethernet header.  Fills 'p', which the caller has zeroed. */
static __always_inline int
parse(struct __sk_buff *skb, struct packet *p)
{
    void *data = (void *)(long)skb->data;
    void *end = (void *)(long)skb->data_end;
    __u32 want = skb->len < HEADERS_SEEN ? skb->len : HEADERS_SEEN;
    if (data + want > end) {
        bpf_skb_pull_data(skb, want);
        data = (void *)(long)skb->data;
        end = (void *)(long)skb->data_end;
    }
    struct ethhdr *eth = data;
    if ((void *)(eth + 1) > end) {
        return 0;
    }
    __builtin_memcpy(p->src_mac.b, eth->h_source, 6);
    __builtin_memcpy(p->dst_mac.b, eth->h_dest, 6);
    p->is_group = eth->h_dest[0] & 1;
    if (skb->vlan_present) {
        p->vlan = (__u16)(skb->vlan_tci & 0xfff);
    }
    __u32 at = sizeof(*eth);
    __u16 type = bpf_ntohs(eth->h_proto);
#pragma unroll
    for (int i = 0; i < TAGS_MAX; i++) {
        if (type != ETH_P_8021Q && type != ETH_P_8021AD) {
            break;
        }
        __u16 *tag = data + at;
        if ((void *)(tag + 2) > end) {
            return 1;
        }
        if (i == 0 && !skb->vlan_present) {
            p->vlan = bpf_ntohs(tag[0]) & 0xfff;
        }
        type = bpf_ntohs(tag[1]);
        at += 4;
    }
    p->ethertype = type;
    p->l3_at = (__u16)at;
    if (type == ETH_P_IP) {
        struct iphdr *ip = data + at;
        if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) {
            return 1;
        }
        p->l3 = L3_IP4;
        ip_from_4(&p->src, ip->saddr);
        ip_from_4(&p->dst, ip->daddr);
        p->protocol = ip->protocol;
        p->l4_at = (__u16)(at + (__u32)ip->ihl * 4);
        p->is_odd = ip->ihl > 5; /* source routes */
        __u16 fragment = bpf_ntohs(ip->frag_off);
        if (fragment & 0x3fff) {
            p->fragment_offset = (__u16)((fragment & 0x1fff) << 3);
            p->fragment = p->fragment_offset ? FRAGMENT_LATER : FRAGMENT_FIRST;
            p->fragment_id = ip->id;
        }
    } else if (type == ETH_P_IPV6) {
        struct ipv6hdr *ip = data + at;
        if ((void *)(ip + 1) > end || ip->version != 6) {
            return 1;
        }
        p->l3 = L3_IP6;
        __builtin_memcpy(&p->src, &ip->saddr, 16);
        __builtin_memcpy(&p->dst, &ip->daddr, 16);
        p->protocol = ip->nexthdr;
        p->l4_at = (__u16)(at + sizeof(*ip));
        p->is_odd = ip_is_mapped(&p->src) || ip_is_mapped(&p->dst);
        __u32 next = ip->nexthdr;
        if (next == 0 || next == 43 || next == 60 || next == 135 || next == 44 || next == 51) {
            parse_extensions(skb, p, at + sizeof(*ip), next);
        }
    } else if (type == ETH_P_ARP) {
        parse_arp(skb, p);
        return 1;
    }
    if (p->l4_at) {
        parse_l4(skb, p);
    }
    return 1;
}

static __always_inline int
is_dhcp_port(__u16 port)
{
    return port == 67 || port == 68 || port == 546 || port == 547;
}

static __always_inline int
is_nd(const struct packet *p)
{
    return p->l3 == L3_IP6 && p->protocol == IPPROTO_ICMPV6 && p->l4_at &&
           p->fragment == FRAGMENT_NONE && p->icmp_type >= 133 && p->icmp_type <= 137;
}

#endif
