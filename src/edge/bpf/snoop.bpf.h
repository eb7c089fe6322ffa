/* What the kernel side tells the user side: copies of frames that teach (ARP, ND, DHCP, answers to
 * forwarded queries, MACs that are new), rate-limited per port; and which MACs are behind a port. */
#ifndef CORDON_BPF_SNOOP_H
#define CORDON_BPF_SNOOP_H

#include "packet.bpf.h"

#define SNOOP_BURST 256
#define GATEWAY_LIFE (9000ull * 1000000000ull) /* longest router lifetime, RFC 4861 */
#define MAC_LIFE (300ull * 1000000000ull)      /* as the bridge's own ageing */
#define MAC_FRESHNESS 1000000000ull

static __always_inline int
snoop_may(struct dp_port_state *state, __u32 per_s)
{
    __u64 now = bpf_ktime_get_boot_ns(), passed = now - state->snoop_ns;
    if (passed > 1000000) {
        __u64 more = passed > 1000000000ull ? per_s : passed / 1000 * per_s / 1000000;
        if (more) {
            __s64 tokens = state->snoop_tokens + (__s64)more;
            __s64 most = per_s > SNOOP_BURST ? per_s : SNOOP_BURST;
            state->snoop_tokens = tokens > most ? most : tokens;
            state->snoop_ns = now;
        }
    }
    if (state->snoop_tokens <= 0) {
        count(DP_SNOOP_LIMITED);
        return 0;
    }
    __sync_fetch_and_add(&state->snoop_tokens, -1);
    return 1;
}

#define SNOOP_COPY(room_)                                                                          \
    struct dp_snoop *out = bpf_ringbuf_reserve(&cdn_ring, sizeof(struct dp_snoop) + (room_), 0);   \
    __u32 size = skb->len;                                                                         \
    if (!out) {                                                                                    \
        count(DP_SNOOP_LOST);                                                                      \
        return 0;                                                                                  \
    }                                                                                              \
    size = size > (room_) ? (room_) : size;                                                        \
    if (size < 1 || bpf_skb_load_bytes(skb, 0, out->frame, size)) {                                \
        bpf_ringbuf_discard(out, 0);                                                               \
        return 0;                                                                                  \
    }                                                                                              \
    out->kind = kind;                                                                              \
    out->ifindex = p->in_ifindex;                                                                  \
    out->vlan = p->vlan;                                                                           \
    out->size = size;                                                                              \
    bpf_ringbuf_submit(out, 0);                                                                    \
    count(DP_SNOOPED);                                                                             \
    return 1

CHECKED_APART int
snoop_short(struct __sk_buff *skb, struct packet *p, __u32 kind)
{
    if (!p) {
        return 0;
    }
    SNOOP_COPY(DP_SNOOP_SHORT);
}

CHECKED_APART int
snoop_long(struct __sk_buff *skb, struct packet *p, __u32 kind)
{
    if (!p) {
        return 0;
    }
    SNOOP_COPY(DP_SNOOP_LONG);
}

/* A router that speaks on a port of ours that is no endpoint's is a next hop. */
CHECKED_APART int
gateway_learn(struct packet *p)
{
    if (!p) {
        return 0;
    }
    __u64 until = bpf_ktime_get_boot_ns() + GATEWAY_LIFE;
    return !bpf_map_update_elem(&cdn_gateway, &p->src, &until, BPF_ANY);
}

static __always_inline int
is_dhcp(const struct packet *p)
{
    return p->l3 >= L3_IP4 && p->protocol == IPPROTO_UDP && p->l4_at &&
           (p->l3 == L3_IP4 ? p->dport == 67 || p->dport == 68
                            : p->dport == 546 || p->dport == 547);
}

CHECKED_APART int
snoop_learning(struct __sk_buff *skb, struct packet *p, struct dp_port_state *state, __u32 per_s)
{
    if (!p || !state) {
        return 0;
    }
    int dhcp = is_dhcp(p);
    if (!dhcp && p->l3 != L3_ARP && !is_nd(p)) {
        return 0;
    }
    if (is_nd(p) && p->icmp_type == 134 && p->in_role != DP_ACCESS) {
        gateway_learn(p);
    }
    if (!snoop_may(state, per_s)) {
        return 0;
    }
    if (dhcp) {
        return snoop_long(skb, p, DP_SNOOP_DHCP);
    }
    return snoop_short(skb, p, p->l3 == L3_ARP ? DP_SNOOP_ARP : DP_SNOOP_ND);
}

/* Keeps the few MACs behind an access port; true: a new one.  When all places are taken by fresh
 * ones the last is used: the port is crowded, and a free neighbour is behind it anyway. */
CHECKED_APART int
mac_track(struct dp_port_state *state, __u64 mac)
{
    if (!state) {
        return 0;
    }
    __u64 now = bpf_ktime_get_coarse_ns(), oldest = ~0ull;
    __u32 place = DP_PORT_MACS - 1;
    for (__u32 i = 0; i < DP_PORT_MACS; i++) {
        __u64 known;
        __builtin_memcpy(&known, &state->mac[i], 8);
        if (known == mac) {
            if (now - state->seen_ns[i] > MAC_FRESHNESS) {
                state->seen_ns[i] = now;
            }
            return 0;
        }
        if (state->seen_ns[i] < oldest) {
            oldest = state->seen_ns[i];
            place = i;
        }
    }
    if (place >= DP_PORT_MACS) {
        return 0;
    }
    if (oldest && now - oldest < MAC_LIFE) {
        count(DP_PORT_CROWDED);
    }
    __builtin_memcpy(&state->mac[place], &mac, 8);
    state->seen_ns[place] = now;
    return 1;
}

#endif
