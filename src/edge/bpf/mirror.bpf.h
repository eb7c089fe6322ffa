/* Copies for sensors.  A copy is a clone that goes out of a helper device (ifb) whose own program
 * cuts and encapsulates it, so that the original is never touched.  What is copied must not cost
 * the wire more than its budget; what is not copied is counted. */
#ifndef CORDON_BPF_MIRROR_H
#define CORDON_BPF_MIRROR_H

#include "packet.bpf.h"

#define ORIGIN_EGRESS (1u << 19) /* in the ERSPAN index: seen while it left by that port */
#define SESSION_SHIFT 20         /* in the mark between the port's and the ifb's program */
#define GRE_ERSPAN2 0x88be
#define GRE_ERSPAN3 0x22eb
#define PRIORITY_BULK 2
#define NS_PER_S 1000000000ull

struct erspan {
    __u8 to[6];
    __u8 from[6];
    __u16 type;
    __u8 version;
    __u8 tos;
    __u16 length;
    __u16 id;
    __u16 fragment;
    __u8 ttl;
    __u8 protocol;
    __u16 sum;
    __u32 from_ip;
    __u32 to_ip;
    __u16 gre_flags;
    __u16 gre_type;
    __u32 sequence;
    __u32 session;
    __u32 index;
} __attribute__((packed));
_Static_assert(sizeof(struct erspan) == 50, "erspan");

/* Refilled by whoever wins the exchange of the time; the others just take. */
CHECKED_APART int
budget_take(__u32 bucket, __u32 bytes)
{
    struct dp_budget *budget = bpf_map_lookup_elem(&cdn_budget, &bucket);
    if (!budget) {
        return 1;
    }
    __u64 now = bpf_ktime_get_boot_ns(), then = budget->filled_ns;
    __u64 passed = now - then;
    if (now > then && passed > 1000000 &&
        __sync_val_compare_and_swap(&budget->filled_ns, then, now) == then) {
        passed = passed > NS_PER_S ? NS_PER_S : passed;
        __u64 more = passed / 1000 * budget->bytes_per_s / 1000000;
        __s64 room = (__s64)budget->burst - budget->tokens;
        __sync_fetch_and_add(&budget->tokens, (__s64)more > room ? room : (__s64)more);
    }
    if (budget->tokens < (__s64)bytes) {
        return 0;
    }
    __sync_fetch_and_add(&budget->tokens, -(__s64)bytes);
    return 1;
}

CHECKED_APART int
filter_hit(const struct dp_filter *f, const struct packet *p)
{
    if (!f || !p) {
        return 0;
    }
    if ((p->src.w[0] & f->src_mask.w[0]) != f->src.w[0] ||
        (p->src.w[1] & f->src_mask.w[1]) != f->src.w[1] ||
        (p->dst.w[0] & f->dst_mask.w[0]) != f->dst.w[0] ||
        (p->dst.w[1] & f->dst_mask.w[1]) != f->dst.w[1]) {
        return 0;
    }
    if ((f->vlan && f->vlan != p->vlan) ||
        (f->protocol && (f->protocol != p->protocol || p->l3 < L3_IP4))) {
        return 0;
    }
    if (!f->port_low && !f->port_high) {
        return 1;
    }
    return (p->sport >= f->port_low && p->sport <= f->port_high) ||
           (p->dport >= f->port_low && p->dport <= f->port_high);
}

CHECKED_APART int
filters_hit(__u32 session, const struct packet *p)
{
    if (!p) {
        return 0;
    }
    struct dp_filters *filters = bpf_map_lookup_elem(&cdn_filters, &session);
    if (!filters) {
        return 0;
    }
    for (__u32 i = 0; i < DP_FILTERS_MAX; i++) {
        if (i >= filters->count) {
            break;
        }
        if (filter_hit(&filters->filter[i], p)) {
            return 1;
        }
    }
    return 0;
}

/* 'origin' is the ERSPAN index: bridge port number, with ORIGIN_EGRESS. */
CHECKED_APART int
copy_one(struct __sk_buff *skb, struct packet *p, __u32 session, __u32 origin, __u32 ifb)
{
    if (!p) {
        return 0;
    }
    struct dp_session *s = bpf_map_lookup_elem(&cdn_session, &session);
    struct dp_session_state *state = bpf_map_lookup_elem(&cdn_sess_state, &session);
    if (!s || !state || is_over(s->expires_ns) || (s->has_filters && !filters_hit(session, p)) ||
        (s->sample > 1 && bpf_get_prandom_u32() % s->sample)) {
        return 0;
    }
    __u32 size = s->snap && skb->len > s->snap ? s->snap : skb->len;
    if (s->bucket != DP_NO_BUCKET && !budget_take(s->bucket, size + sizeof(struct erspan))) {
        __sync_fetch_and_add(&state->over_budget, 1);
        count(DP_COPY_OVER_BUDGET);
        return 0;
    }
    __u32 mark = skb->mark;
    skb->mark = session << SESSION_SHIFT | origin;
    long failed = s->out && ifb ? bpf_clone_redirect(skb, ifb, 0) : -1;
    skb->mark = mark;
    if (failed) {
        __sync_fetch_and_add(&state->failed, 1);
        count(DP_COPY_FAILED);
        return 0;
    }
    __sync_fetch_and_add(&state->copied, 1);
    __sync_fetch_and_add(&state->bytes, size);
    count(DP_COPIED);
    return 1;
}

CHECKED_APART int
copy_all(struct __sk_buff *skb, struct packet *p, __u32 sessions, __u32 origin, __u32 ifb)
{
    if (!p) {
        return 0;
    }
    for (__u32 i = 0; i < DP_SESSIONS_MAX; i++) {
        if (sessions >> i & 1) {
            copy_one(skb, p, i, origin, ifb);
        }
    }
    return 0;
}

/* A copy that another edge, or a liar, sends to a sensor of ours. */
CHECKED_APART int
is_copy(struct __sk_buff *skb, struct packet *p)
{
    if (!p) {
        return 0;
    }
    __u16 type = 0;
    if (p->l3 < L3_IP4 || p->protocol != IPPROTO_GRE || !p->l4_at) {
        return 0;
    }
    if (p->fragment != FRAGMENT_LATER) {
        if (bpf_skb_load_bytes(skb, p->l4_at + 2, &type, 2)) {
            return 0;
        }
        type = bpf_ntohs(type);
        if (type != GRE_ERSPAN2 && type != GRE_ERSPAN3) {
            return 0;
        }
    }
    return bpf_map_lookup_elem(&cdn_sensor, &p->dst) != NULL;
}

/* One endpoint's frames, both ways, by its MAC or its address.  What is for it is copied only at
 * the switch where it is. */
CHECKED_APART __u32
watched_sessions(struct packet *p, __u32 is_ingress_of_endpoint)
{
    if (!p) {
        return 0;
    }
    struct dp_owner owner;
    __u32 sessions = 0;
    for (int i = 0; i < 4; i++) {
        if (i >= 2 && p->l3 == L3_OTHER) {
            break;
        }
        if (i == 0) {
            owner_from_mac(&owner, p->src_mac_word);
        } else if (i == 1) {
            owner_from_mac(&owner, p->dst_mac_word);
        } else {
            owner_from_ip(&owner, i == 2 ? &p->src : &p->dst);
        }
        struct dp_watch *watch = bpf_map_lookup_elem(&cdn_watch, &owner);
        if (!watch) {
            continue;
        }
        if (i == 0 || i == 2) {
            __u32 is_elsewhere = !is_ingress_of_endpoint;
            if (watch->is_elsewhere != is_elsewhere) {
                watch->is_elsewhere = is_elsewhere;
            }
        }
        if (!watch->is_elsewhere) {
            sessions |= watch->sessions;
        }
    }
    return sessions;
}

/* ---- on the ifb ---- */

static __always_inline int
encapsulate_erspan(struct __sk_buff *skb, struct dp_session *s, __u32 session, __u32 origin,
                   __u32 is_cut)
{
    struct dp_session_state *state = bpf_map_lookup_elem(&cdn_sess_state, &session);
    if (!state || !s->out || !(s->to_mac[0] | s->to_mac[1] | s->to_mac[2] | s->to_mac[3] |
                               s->to_mac[4] | s->to_mac[5])) {
        return 0;
    }
    __u32 tag = 0, has_tag = skb->vlan_present;
    if (has_tag) {
        tag = skb->vlan_tci;
        if (bpf_skb_vlan_pop(skb)) {
            return 0;
        }
    }
    if (bpf_skb_change_head(skb, sizeof(struct erspan), 0)) {
        return 0;
    }
    struct erspan *e = (void *)(long)skb->data;
    if ((void *)(e + 1) > (void *)(long)skb->data_end) {
        return 0;
    }
    __builtin_memcpy(e->to, s->to_mac, 6);
    __builtin_memcpy(e->from, s->from_mac, 6);
    e->type = bpf_htons(ETH_P_IP);
    e->version = 0x45;
    e->tos = 0x20; /* CS1: below everything else */
    e->length = bpf_htons((__u16)(skb->len - ETH_HLEN));
    e->id = 0;
    e->fragment = bpf_htons(0x4000);
    e->ttl = 64;
    e->protocol = IPPROTO_GRE;
    e->from_ip = s->from_ip;
    e->to_ip = s->to_ip;
    __u32 sum = 0x4520 + (__u32)(skb->len - ETH_HLEN) + 0x4000 + 0x4000 + IPPROTO_GRE;
    __u32 from = bpf_ntohl(s->from_ip), to = bpf_ntohl(s->to_ip);
    sum += (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    e->sum = bpf_htons((__u16)~sum);
    e->gre_flags = bpf_htons(0x1000); /* sequence number present */
    e->gre_type = bpf_htons(GRE_ERSPAN2);
    e->sequence = bpf_htonl(__sync_fetch_and_add(&state->sequence, 1));
    e->session = bpf_htonl(1u << 28 | (tag & 0xfff) << 16 | (tag >> 13 & 7) << 13 |
                           (has_tag ? 2u : 0u) << 11 | (is_cut ? 1u : 0u) << 10 |
                           (s->span & 0x3ffu));
    e->index = bpf_htonl(origin & 0xfffff);
    return 1;
}

#endif
