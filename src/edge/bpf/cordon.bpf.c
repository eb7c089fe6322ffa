/* The kernel side of an edge switch: clsact programs of every bridge port, of the tap towards the
 * responder and of the ifb that encapsulates copies.
 *
 *   ingress: RSPAN guard -> parse -> learn -> detailed mirror -> server, pair, endpoint blocks
 *            -> responder -> port and policy mirrors
 *   egress:  what a contained endpoint must not get although it was not addressed by its MAC
 *            (broadcast, held MACs), frames of the switch itself; mirrors of what leaves.
 *            What a contained endpoint may send bears a mark, and leaves by no access port: to
 *            whose MAC it is addressed, or that it is flooded, makes it nobody else's
 *
 * A frame that may pass gets TC_ACT_UNSPEC, so that other people's filters still see it.  Only
 * UAPI structures: the object runs on any kernel since 5.12. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "mirror.bpf.h"
#include "plain.bpf.h"
#include "snoop.bpf.h"
#include "subject.bpf.h"

char cordon_license[] SEC("license") = "Dual BSD/GPL";

#define RESPONDER_PER_S 256
#define RESPONDER_BURST 512

static __always_inline struct dp_config *
config_get(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&cdn_config, &zero);
}

/* ---- responder ---- */

CHECKED_APART int
responder_may(__u64 mac)
{
    __u64 now = bpf_ktime_get_boot_ns();
    struct dp_bucket *bucket = bpf_map_lookup_elem(&cdn_bucket, &mac);
    if (!bucket) {
        struct dp_bucket full = {.tokens = RESPONDER_BURST - 1, .filled_ns = now};
        bpf_map_update_elem(&cdn_bucket, &mac, &full, BPF_ANY);
        return 1;
    }
    __u64 passed = now - bucket->filled_ns;
    if (passed > 10000000) {
        __u64 more = passed > 2 * SECONDS ? RESPONDER_BURST
                                          : passed / 1000000 * RESPONDER_PER_S / 1000;
        __s64 tokens = bucket->tokens + (__s64)more;
        bucket->tokens = tokens > RESPONDER_BURST ? RESPONDER_BURST : tokens;
        bucket->filled_ns = now;
    }
    if (bucket->tokens <= 0) {
        return 0;
    }
    __sync_fetch_and_add(&bucket->tokens, -1);
    return 1;
}

/* The frame, cut to what the responder needs, with the trailer that says where it came in. */
static __noinline int
to_responder(struct __sk_buff *skb, struct packet *p, __u32 tap)
{
    struct dp_trailer trailer = {.magic = DP_TRAILER_MAGIC, .ifindex = p->in_ifindex};
    if (!responder_may(p->src_mac_word)) {
        count(DP_RESPONDER_LIMITED);
        return TC_ACT_SHOT;
    }
    if (skb->vlan_present) {
        trailer.vlan = skb->vlan_tci & 0xfff;
        if (bpf_skb_vlan_pop(skb)) {
            return TC_ACT_SHOT;
        }
    }
    __u32 size = skb->len > DP_RESPOND_MAX ? DP_RESPOND_MAX : skb->len;
    if (bpf_skb_change_tail(skb, size + sizeof(trailer), 0) ||
        bpf_skb_store_bytes(skb, size, &trailer, sizeof(trailer), 0)) {
        return TC_ACT_SHOT;
    }
    count(DP_REDIRECTED);
    return (int)bpf_redirect(tap, 0);
}

/* ---- containment ---- */

static __always_inline int
wants_response(const struct packet *p, const struct subject *s)
{
    if (p->in_role == DP_UPLINK || p->in_role == DP_MIRROR) {
        return 0; /* its own switch answers */
    }
    if (s->flags & DP_WARNS) {
        return 1;
    }
    return set_has(s->set, DP_SET_DNS) &&
           (p->l3 == L3_ARP || is_nd(p) || p->dport == PORT_DNS);
}

static __always_inline int
drop(struct packet *p, struct subject *s, const struct dp_ip *ip)
{
    if (!p->is_test) {
        count(s->found == FOUND_HELD ? DP_DROPPED_HELD : DP_DROPPED_ISOLATED);
        subject_hit(s, ip);
    }
    return TC_ACT_SHOT;
}

/* A contained endpoint that takes another address shows it by using it. */
CHECKED_APART int
source_learn(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return 0;
    }
    __u32 ifindex = p->in_ifindex;
    struct dp_config *config = config_get();
    struct dp_port_state *state = bpf_map_lookup_elem(&cdn_port_state, &ifindex);
    if (!config || !state || p->l3 < L3_IP4 || p->in_role != DP_ACCESS || is_nd(p) ||
        ip_is_zero(&p->src) || ip_is_multicast(&p->src) || is_bound(s, &p->src, &p->src) ||
        !snoop_may(state, config->snoop_per_s)) {
        return 0;
    }
    return snoop_short(skb, p, DP_SNOOP_SOURCE);
}

CHECKED_APART int
contain_sender(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    struct dp_config *config = config_get();
    if (!p || !s || !config) {
        return TC_ACT_SHOT;
    }
    int verdict = from_endpoint(skb, p, s);
    if (verdict == VERDICT_PASS) {
        if (!p->is_test) {
            skb->mark = config->permit_mark;
        }
        return TC_ACT_UNSPEC;
    }
    if (!p->is_test) {
        source_learn(skb, p, s);
    }
    if (verdict != VERDICT_RESPOND || !config->tap || p->is_test || !wants_response(p, s)) {
        return drop(p, s, &p->src);
    }
    subject_hit(s, &p->src);
    return to_responder(skb, p, config->tap);
}

CHECKED_APART int
contain_target(struct __sk_buff *skb, struct packet *p, struct subject *s)
{
    if (!p || !s) {
        return TC_ACT_SHOT;
    }
    if (to_endpoint(skb, p, s) != VERDICT_PASS) {
        return drop(p, s, &p->dst);
    }
    if (!p->is_test && is_dns_answer(skb, p)) {
        snoop_long(skb, p, DP_SNOOP_DNS_ANSWER);
    }
    return TC_ACT_UNSPEC;
}

/* Server and pair blocks; else UNSPEC. */
static __always_inline int
blocked(struct packet *p, const struct dp_config *config)
{
    if (p->l3 == L3_OTHER) {
        return 0;
    }
    if (config->servers &&
        (server_hit(&p->dst, p->is_test) || server_hit(&p->src, p->is_test))) {
        return 1 + DP_DROPPED_SERVER;
    }
    return config->pairs && pairs_hit(p) ? 1 + DP_DROPPED_PAIR : 0;
}

static __always_inline int
contain(struct __sk_buff *skb, struct packet *p, struct dp_config *config, __u32 is_held_port)
{
    struct subject src = {}, dst = {};
    int block = blocked(p, config);
    int sender = subject_find(&src, config, p->src_mac_word, p->in_ifindex,
                              p->l3 == L3_OTHER ? NULL : &p->src);
    int target = !p->is_group && subject_find(&dst, config, p->dst_mac_word, 0,
                                              p->l3 == L3_OTHER ? NULL : &p->dst);
    if (!sender && is_held_port) {
        sender = subject_held(&src, p->src_mac_word, p->in_ifindex, !p->is_test);
        if (sender == 2) {
            snoop_short(skb, p, DP_SNOOP_HELD_MAC);
        }
    }
    if (block && !sender) {
        if (!p->is_test) {
            count((enum dp_counter)(block - 1));
        }
        return TC_ACT_SHOT;
    }
    if (!sender && !target) {
        return TC_ACT_UNSPEC;
    }
    /* a contained sender still gets its warning page, but never through to a blocked server */
    src.is_denied = block != 0;
    int verdict = sender ? contain_sender(skb, p, &src) : TC_ACT_UNSPEC;
    if (verdict == TC_ACT_UNSPEC && target) {
        verdict = contain_target(skb, p, &dst);
    }
    if (verdict == TC_ACT_UNSPEC && !p->is_test) {
        count(DP_PASSED_PERMITTED);
    }
    return verdict;
}

/* ---- ingress of a port ---- */

static __always_inline __u32
outer_vlan(struct __sk_buff *skb)
{
    __u16 tag[2];
    if (skb->vlan_present) {
        return skb->vlan_tci & 0xfff;
    }
    if ((skb->protocol != bpf_htons(ETH_P_8021Q) && skb->protocol != bpf_htons(ETH_P_8021AD)) ||
        bpf_skb_load_bytes(skb, ETH_HLEN, tag, 4)) {
        return 0;
    }
    return bpf_ntohs(tag[0]) & 0xfff;
}

/* A frame of a reserved VLAN never reaches the bridge: one of them would poison its FDB. */
CHECKED_APART int
rspan_guard(struct __sk_buff *skb, __u32 role, __u32 is_test)
{
    __u32 vlan = outer_vlan(skb);
    struct dp_rspan *rspan = vlan ? bpf_map_lookup_elem(&cdn_rspan, &vlan) : NULL;
    if (!rspan) {
        return TC_ACT_UNSPEC;
    }
    if (role == DP_ACCESS || role == DP_MIRROR || !rspan->out || rspan->out == skb->ifindex ||
        is_test) {
        if (!is_test) {
            count(DP_RSPAN_DROPPED);
        }
        return TC_ACT_SHOT;
    }
    if (rspan->strips_tag && bpf_skb_vlan_pop(skb)) {
        return TC_ACT_SHOT;
    }
    struct dp_config *config = config_get();
    if (config) {
        skb->mark = config->copy_mark;
    }
    count(DP_RSPAN_STEERED);
    return (int)bpf_redirect(rspan->out, 0);
}

/* A query that the user side forwards for a contained endpoint: to a declared resolver only. */
static __noinline int
forwarded(struct __sk_buff *skb, struct packet *p, struct dp_config *config)
{
    struct subject s = {};
    __u32 ifindex = p->in_ifindex;
    int found = subject_find(&s, config, p->src_mac_word, ifindex, &p->src) ||
                subject_held(&s, p->src_mac_word, ifindex, 0);
    if (found && (p->protocol != IPPROTO_UDP || p->dport != PORT_DNS || !p->l4_at ||
                  !is_resolver(s.set, &p->dst) || !is_bound(&s, &p->src, &p->src) ||
                  !query_remember(skb, p))) {
        count(DP_FORWARD_REFUSED);
        return TC_ACT_SHOT;
    }
    skb->mark = found ? config->permit_mark : 0;
    count(DP_FORWARDED);
    return TC_ACT_UNSPEC;
}

/* Frames that may teach something: ARP, ND and DHCP, and whatever comes from a MAC that was not met
 * at this port in the last seconds. */
static __always_inline int
may_teach(const struct packet *p)
{
    return p->is_group || p->l3 < L3_IP4 || is_nd(p) || is_dhcp(p) ||
           !is_met(p->src_mac_word, p->in_ifindex);
}

CHECKED_APART int
learn(struct __sk_buff *skb, struct packet *p, __u32 snoop_per_s)
{
    if (!p) {
        return 0;
    }
    __u32 ifindex = p->in_ifindex;
    struct dp_port_state *state = bpf_map_lookup_elem(&cdn_port_state, &ifindex);
    if (!state) {
        return 0;
    }
    if (p->in_role == DP_ACCESS && mac_track(state, p->src_mac_word) &&
        snoop_may(state, snoop_per_s)) {
        snoop_short(skb, p, DP_SNOOP_MAC);
    }
    snoop_learning(skb, p, state, snoop_per_s);
    meet(p->src_mac_word, ifindex);
    return 1;
}

static __always_inline void
mirror_ingress(struct __sk_buff *skb, struct packet *p, struct dp_config *config,
               struct dp_port *port)
{
    __u32 sessions = port->mirror_in;
    if (p->is_group && port->role == DP_ACCESS) {
        sessions |= config->always;
    }
    if (sessions && !(config->sensors && is_copy(skb, p))) {
        copy_all(skb, p, sessions, port->number, config->ifb);
    }
}

SEC("tc")
int
cordon_ingress(struct __sk_buff *skb)
{
    struct dp_config *config = config_get();
    if (!config || is_plain_ingress(skb, config)) {
        return TC_ACT_UNSPEC;
    }
    __u32 ifindex = skb->ifindex;
    struct dp_port *port = bpf_map_lookup_elem(&cdn_ports, &ifindex);
    struct packet p = {};
    if (!port) {
        return TC_ACT_UNSPEC;
    }
    __u32 mark = skb->mark;
    p.is_test = mark && mark == config->test_mark;
    p.in_role = port->role;
    p.in_ifindex = ifindex;
    if (config->rspans) {
        int guarded = rspan_guard(skb, port->role, p.is_test);
        if (guarded != TC_ACT_UNSPEC) {
            return guarded;
        }
    }
    if (!parse(skb, &p)) {
        return TC_ACT_SHOT;
    }
    if (mark && mark == config->forward_mark) {
        return forwarded(skb, &p, config);
    }
    if (config->sensors && port->role == DP_ACCESS && is_copy(skb, &p)) {
        count(DP_FORGED_COPY);
        return TC_ACT_SHOT;
    }
    if (!p.is_test) {
        if (may_teach(&p)) {
            learn(skb, &p, config->snoop_per_s);
        }
        if (config->watched) {
            __u32 is_local = port->role != DP_UPLINK && port->role != DP_MIRROR;
            __u32 sessions = watched_sessions(&p, is_local);
            if (sessions && !(config->sensors && is_copy(skb, &p))) {
                copy_all(skb, &p, sessions, port->number, config->ifb);
            }
        }
    }
    if (!config->is_suspended) {
        int verdict = contain(skb, &p, config, port->is_held);
        if (verdict != TC_ACT_UNSPEC) {
            return verdict;
        }
    }
    if ((port->mirror_in || config->always) && !p.is_test) {
        mirror_ingress(skb, &p, config, port);
    }
    return TC_ACT_UNSPEC;
}

/* ---- egress of a port ---- */

/* A MAC behind an access port: 0 free, 1 contained, 2 contained and the frame is permitted. */
CHECKED_APART int
member_check(struct __sk_buff *skb, struct packet *p, __u64 mac, __u32 is_held_port)
{
    struct dp_config *config = config_get();
    struct subject s = {};
    __u32 ifindex = skb->ifindex;
    if (!p || !config) {
        return 0;
    }
    if (!subject_find(&s, config, mac, ifindex, NULL) &&
        !(is_held_port && subject_held(&s, mac, ifindex, 0))) {
        return 0;
    }
    return to_endpoint(skb, p, &s) == VERDICT_PASS ? 2 : 1;
}

/* Broadcast and multicast out of an access port: withheld when every MAC there is contained (and
 * does not need just this frame).  One cable cannot carry it to one of two: that is counted. */
static __always_inline int
group_egress(struct __sk_buff *skb, struct packet *p, __u32 is_held_port)
{
    __u32 ifindex = skb->ifindex, contained = 0, is_free = 0, is_wanted = 0;
    struct dp_port_state *state = bpf_map_lookup_elem(&cdn_port_state, &ifindex);
    if (!state) {
        return TC_ACT_UNSPEC;
    }
    __u64 now = bpf_ktime_get_coarse_ns();
    for (__u32 i = 0; i < DP_PORT_MACS; i++) {
        __u64 mac;
        __builtin_memcpy(&mac, &state->mac[i], 8);
        if (!mac) {
            continue;
        }
        int member = member_check(skb, p, mac, is_held_port);
        if (member) {
            contained++;
            is_wanted |= member == 2;
        } else if (now - state->seen_ns[i] < MAC_LIFE) {
            is_free = 1;
        }
    }
    if (!contained) {
        return TC_ACT_UNSPEC;
    }
    if (is_free || is_wanted) {
        if (is_free && !is_wanted && !p->is_test) {
            count(DP_SHARED_GROUP);
        }
        return TC_ACT_UNSPEC;
    }
    if (!p->is_test) {
        count(DP_DROPPED_GROUP);
    }
    return TC_ACT_SHOT;
}

/* What a contained endpoint may still ask of everybody (DHCP, who-has, router solicitation) is for
 * servers and routers, and these are not behind access ports. */
static __always_inline int
group_is_from_contained(struct packet *p, struct dp_config *config)
{
    struct subject s = {};
    return subject_find(&s, config, p->src_mac_word, p->in_ifindex,
                        p->l3 == L3_OTHER ? NULL : &p->src);
}

static __always_inline int
contain_egress(struct __sk_buff *skb, struct packet *p, struct dp_config *config, __u32 is_held)
{
    if (p->is_group) {
        if (group_is_from_contained(p, config)) {
            if (!p->is_test) {
                count(DP_DROPPED_ISOLATED);
            }
            return TC_ACT_SHOT;
        }
        return group_egress(skb, p, is_held);
    }
    struct subject s = {};
    if (!subject_find(&s, config, p->dst_mac_word, skb->ifindex,
                      p->l3 == L3_OTHER ? NULL : &p->dst) &&
        !(is_held && subject_held(&s, p->dst_mac_word, skb->ifindex, 0))) {
        return TC_ACT_UNSPEC;
    }
    return contain_target(skb, p, &s);
}

static __always_inline void
mirror_egress(struct __sk_buff *skb, struct packet *p, struct dp_config *config,
              struct dp_port *port, struct dp_port *in)
{
    __u32 always = port->role == DP_ACCESS && in && in->role == DP_ACCESS && !p->is_group
                       ? config->always
                       : 0;
    if (!(always | port->mirror_out) || (config->sensors && is_copy(skb, p))) {
        return;
    }
    if (always) { /* where it came in says more: that is whose it is */
        copy_all(skb, p, always, in->number, config->ifb);
    }
    if (port->mirror_out) {
        copy_all(skb, p, port->mirror_out, port->number | ORIGIN_EGRESS, config->ifb);
    }
}

SEC("tc")
int
cordon_egress(struct __sk_buff *skb)
{
    struct dp_config *config = config_get();
    if (!config || is_plain_egress(skb, config)) {
        return TC_ACT_UNSPEC;
    }
    __u32 ifindex = skb->ifindex, from = skb->ingress_ifindex;
    struct dp_port *port = bpf_map_lookup_elem(&cdn_ports, &ifindex);
    if (!port) {
        return TC_ACT_UNSPEC;
    }
    __u32 mark = skb->mark;
    if (mark && mark == config->copy_mark) {
        skb->mark = 0;
        return TC_ACT_UNSPEC;
    }
    __u32 is_test = mark && mark == config->test_mark;
    __u32 is_access = port->role == DP_ACCESS;
    if (mark && mark == config->permit_mark) {
        skb->mark = 0;
        if (is_access) {
            count(DP_DROPPED_ISOLATED);
            return TC_ACT_SHOT;
        }
    }
    if (!is_access && !port->mirror_out) {
        return TC_ACT_UNSPEC;
    }
    struct dp_port *in = from ? bpf_map_lookup_elem(&cdn_ports, &from) : NULL;
    struct packet p = {};
    void *data = (void *)(long)skb->data;
    int is_group = data + 1 <= (void *)(long)skb->data_end && *(__u8 *)data & 1;
    /* unicast from a port of ours has been looked at when it came in */
    int is_checked = in && !is_group && !port->is_held && !config->isolate_ports;
    __u32 mirrors = port->mirror_out | (in ? config->always : 0);
    if (is_checked && !mirrors) {
        return TC_ACT_UNSPEC;
    }
    if (!parse(skb, &p)) {
        return TC_ACT_UNSPEC;
    }
    p.is_test = is_test;
    p.in_role = in ? in->role : DP_SERVER;
    p.in_ifindex = from;
    if (is_access && !is_checked && !config->is_suspended) {
        int verdict = contain_egress(skb, &p, config, port->is_held);
        if (verdict != TC_ACT_UNSPEC) {
            return verdict;
        }
    }
    if (mirrors && !is_test) {
        mirror_egress(skb, &p, config, port, in);
    }
    return TC_ACT_UNSPEC;
}

/* ---- egress of the ifb: a copy becomes what its carrier wants ---- */

SEC("tc")
int
cordon_copy(struct __sk_buff *skb)
{
    __u32 session = skb->mark >> SESSION_SHIFT, origin = skb->mark & ((1u << SESSION_SHIFT) - 1);
    struct dp_session *s = bpf_map_lookup_elem(&cdn_session, &session);
    struct dp_config *config = config_get();
    if (!origin) {
        return TC_ACT_SHOT; /* the switch's own greetings: no copy is from port 0 */
    }
    if (!s || !config || !s->out) {
        count(DP_COPY_FAILED);
        return TC_ACT_SHOT;
    }
    __u32 size = skb->len, is_cut = s->snap && size > s->snap;
    if (is_cut || (s->carrier == DP_ERSPAN && skb->gso_segs)) {
        bpf_skb_change_tail(skb, is_cut ? s->snap : size, 0); /* also ends GSO */
    }
    skb->mark = config->copy_mark;
    skb->priority = PRIORITY_BULK;
    int done = 1;
    if (s->carrier == DP_RSPAN) {
        done = !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), s->vlan);
    } else if (s->carrier == DP_ERSPAN) {
        done = encapsulate_erspan(skb, s, session, origin, is_cut);
    }
    if (!done) {
        count(DP_COPY_FAILED);
        return TC_ACT_SHOT;
    }
    return (int)bpf_redirect(s->out, 0);
}

/* ---- ingress of the tap: what the user side forwards ---- */

SEC("tc")
int
cordon_tap(struct __sk_buff *skb)
{
    struct dp_trailer trailer;
    struct dp_config *config = config_get();
    __u32 size = skb->len;
    if (!config || size < sizeof(trailer) + ETH_HLEN ||
        bpf_skb_load_bytes(skb, size - sizeof(trailer), &trailer, sizeof(trailer)) ||
        trailer.magic != DP_TRAILER_MAGIC ||
        bpf_skb_change_tail(skb, size - sizeof(trailer), 0)) {
        return TC_ACT_SHOT;
    }
    if (trailer.vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), (__u16)trailer.vlan)) {
        return TC_ACT_SHOT;
    }
    skb->mark = config->forward_mark;
    return (int)bpf_redirect(trailer.ifindex, BPF_F_INGRESS);
}

/* On the tap and the ifb nothing else may go on. */
SEC("tc")
int
cordon_sink(struct __sk_buff *skb)
{
    return TC_ACT_SHOT;
}
